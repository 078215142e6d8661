"""Keys of customers that may be one: written differently, and read alike."""

from __future__ import annotations

import polars as pl

#: Letters of the Cyrillic alphabet, small, and the Latin ones that look the same.
LOOK_ALIKE = dict(zip("авекмнорстухіѕјԁԛԝ", "abekmhopctyxisjdqw", strict=True))


def like_keys(keys: pl.Series) -> pl.DataFrame:
    """Group the keys that differ only by case, spaces, leading zeros or letters that look alike.

    Parameters
    ----------
    keys : polars.Series
        Distinct strings.

    Returns
    -------
    polars.DataFrame
        keys (two or more), and whether they differ by zeros, case, spaces, letters; sorted by the first key.
    """
    key = pl.col("key")
    bare = key.str.normalize("NFKC").str.replace_all(r"[\p{Z}\p{C}]+", "")
    small = pl.col("bare").str.to_lowercase()
    alike = pl.col("small").str.replace_many(list(LOOK_ALIKE), list(LOOK_ALIKE.values()))
    is_number = pl.col("alike").str.contains(r"^[0-9]+$")
    form = pl.when(is_number).then(pl.col("alike").str.strip_chars_start("0")).otherwise("alike")
    forms = keys.to_frame("key").lazy().with_columns(bare.alias("bare")).with_columns(small.alias("small"))
    forms = forms.with_columns(alike.alias("alike")).with_columns(form.alias("form"))
    return (
        forms.filter(pl.col("form").is_duplicated())
        .sort("key")
        .group_by("form", maintain_order=True)
        .agg(
            key.alias("keys"),
            (pl.col("alike").n_unique() > 1).alias("zeros"),
            (pl.col("small").n_unique() > pl.col("alike").n_unique()).alias("letters"),
            (pl.col("bare").n_unique() > pl.col("small").n_unique()).alias("case"),
            (pl.len() > pl.col("bare").n_unique()).alias("spaces"),
        )
        .drop("form")
        .collect()
    )
