"""Numbers as people write them: currency signs, signs between thousands, a decimal comma, brackets for a minus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import polars as pl

FEW = 100_000  # values among which looking for repeats costs nothing
SAMPLE = 20_000  # values that tell whether a long column repeats itself
HARDLY_REPEATED = 0.97  # the share of different ones in the sample; 0.9 is 100,000 different values in millions

LONGEST_SHOWN = 40  # signs of a value in a sentence
LARGEST = 1e15  # from here on a float has no room for cents
OTHER_SIGN = {",": ".", ".": ","}
SPELLED = {",": "comma", ".": "point"}

SPACES = r"\s+"  # no-break, narrow and thin ones among them
TYPOGRAPHIC = {"’": "'", "−": "-"}
CODES = (
    "AED AMD ARS AUD AZN BGN BRL BYN CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR ISK JPY KGS KRW "
    "KZT MDL MXN MYR NGN NOK NZD PEN PHP PKR PLN RON RSD RUB RUR SAR SEK SGD THB TJS TMT TRY TWD UAH USD UZS VND ZAR"
)
CURRENCY = (
    rf"(?:(?:US|A|C|R)?\$|\p{{Sc}}|(?i:{CODES.replace(' ', '|')}|руб\.?|р\.?|грн\.?|тг\.?|zł|kč|kr\.?|ft|лв\.?|rs\.?))"
)
# around the first and the last digit: a minus or a bracket, one currency or two, the point of .5
LONGEST_AROUND = 20
AROUND = (
    rf"^(?:(?<currency1>{CURRENCY}) ?)?(?<before>[-+(]?) ?(?:(?<currency2>{CURRENCY}) ?)?(?<point>[.,]?)0"
    rf" ?(?<currency3>{CURRENCY})? ?(?<after>[-)]?) ?(?<currency4>{CURRENCY})?$"
)
FACTORS = {"": 1, "+": 1, "-": -1, "()": -1}


@dataclass(frozen=True)
class NumberReading:
    """How the columns of numbers of one file were read.

    Attributes
    ----------
    numbers : dict of str to polars.Series
        Floats under the names given; null where a value is no finite number, or 1e15 and more in absolute value.
        Where `ambiguous` is set, values in question are read with a decimal point: they may be shown, never used.
    decimal : str
        The decimal sign: ``.`` or ``,``; empty where nothing tells, or where both are used.
    thousands : str
        The sign found between thousands, or empty.
    ambiguous : tuple of str
        The two numbers that `sample` could be; empty when nothing is left open.
    sample : str
        A value that has two readings.
    column : str
        The name of the column of `sample`.
    currencies : tuple of str
        The signs and codes of currencies that stand beside numbers, in the order of the alphabet.
    evidence : str
        Why the numbers are read so, in a short sentence.
    """

    numbers: dict[str, pl.Series]
    decimal: str = ""
    thousands: str = ""
    ambiguous: tuple[str, ...] = ()
    sample: str = ""
    column: str = ""
    currencies: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class _Signs:
    """The signs that numbers may hold: by each decimal sign in question, those that may stand between thousands."""

    thousands: dict[str, list[str]]

    @property
    def decimals(self) -> list[str]:
        """The decimal signs in question."""
        return list(self.thousands)

    @property
    def is_open(self) -> bool:
        """Whether 1,234 and 1.234 have two readings."""
        return len(self.thousands) == 2 and all(OTHER_SIGN[sign] in signs for sign, signs in self.thousands.items())


@dataclass(frozen=True)
class _Written:
    """A column of text.

    Attributes
    ----------
    name : str
        The column's name.
    cells : polars.DataFrame
        text, and under each decimal sign the number where digits and that sign are all that the text holds.
    unread : polars.Series
        The text of the other cells, at the places `places`.
    values : polars.Series
        The different ones among `unread`.
    rest : polars.DataFrame
        For each of `values`: body (digits and the signs between them), factor (1 or -1), currency, and under each
        decimal sign the number by that sign. All null where it is no number.
    """

    name: str
    cells: pl.DataFrame
    places: pl.Series
    unread: pl.Series
    values: pl.Series
    rest: pl.DataFrame


def read_numbers(
    columns: Mapping[str, pl.Series], decimal: str | None = None, thousands: str | None = None
) -> NumberReading:
    """Read the columns of numbers of one file, which has one way to write them.

    A value tells the decimal sign if it has no other reading: two kinds of signs (1.234,50), one sign repeated
    (1.234.567), other than three digits after it (12,5), more than three before it, or a zero in front (0,125). Where
    such values tell nothing, or contradict each other, a value such as 1,234 makes the reading ambiguous.

    Parameters
    ----------
    columns : mapping of str to polars.Series
        Numbers, or text such as ``1 234,50``, ``$1,234.50`` or ``(12.50)``.
    decimal, thousands : str, optional
        The signs used: a value that they don't read is no number. Where one is given, a point and a comma share the
        roles; spaces and apostrophes may always stand between thousands.

    Returns
    -------
    NumberReading
    """
    signs = _signs(decimal, thousands)
    typed = {name: column.cast(pl.Float64) for name, column in columns.items() if column.dtype.is_numeric()}
    text = {name: column for name, column in columns.items() if name not in typed}
    with ThreadPoolExecutor() as pool:
        # Polars reads one column on one core
        written = list(pool.map(lambda name: _split(name, text[name].cast(pl.String), signs), text))
    found = _settled(written, signs)
    read = typed | {column.name: _numbers(column, found.decimal or ".", signs) for column in written}
    numbers = {name: read[name].set((read[name].abs() < LARGEST).not_(), None).alias(name) for name in columns}
    currencies = {sign for column in written for sign in column.rest["currency"].drop_nulls().unique()}
    evidence = found.evidence if written else "the cells hold numbers"
    if decimal or thousands:
        given = {"decimal": decimal, "thousands": thousands}
        evidence = " and ".join(f"{key} is set to {sign!r}" for key, sign in given.items() if sign)
    return replace(found, numbers=numbers, currencies=tuple(sorted(currencies)), evidence=evidence)


def _signs(decimal: str | None, thousands: str | None) -> _Signs:
    thousands = None if thousands is None else _plain_signs(pl.Series([thousands]))[0]
    decimal = decimal or OTHER_SIGN.get(thousands or "")
    decimals = [decimal] if decimal else [".", ","]
    return _Signs({sign: list(dict.fromkeys([thousands or OTHER_SIGN[sign], " ", "'"])) for sign in decimals})


def _plain_signs(text: pl.Series) -> pl.Series:
    return text.str.replace_all(SPACES, " ").str.replace_many(TYPOGRAPHIC)


def _split(name: str, text: pl.Series, signs: _Signs) -> _Written:
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() > text.null_count():
        text = text.str.strip_chars()
        numbers = text.cast(pl.Float64, strict=False)
    cells = pl.DataFrame({"text": text, ".": numbers})
    if "." not in signs.decimals:
        cells = cells.with_columns(pl.when(~_has(".")).then(pl.col(".")))
    unread = text.is_not_null() & cells["."].is_null()
    if "," in signs.decimals and unread.any():
        with_comma = pl.when(unread & ~_has(".")).then(pl.col("text")).str.replace(",", ".", literal=True)
        cells = cells.with_columns(with_comma.cast(pl.Float64, strict=False).alias(","))
        unread &= cells[","].is_null()
    others = text.filter(unread)
    values = distinct(others)
    return _Written(name, cells, unread.arg_true(), others, values, _parts(values, signs))


def _parts(values: pl.Series, signs: _Signs) -> pl.DataFrame:
    plain = pl.DataFrame({"plain": _plain_signs(values).str.strip_chars()}).with_columns(
        pl.col("plain").str.extract("^[^0-9]*", 0).alias("prefix"),
        pl.col("plain").str.extract("[^0-9]*$", 0).alias("suffix"),
    )
    digits = pl.col("plain").str.strip_prefix(pl.col("prefix")).str.strip_suffix(pl.col("suffix"))
    around = pl.concat_str("prefix", pl.lit("0"), "suffix")
    is_short = around.str.len_bytes() <= LONGEST_AROUND
    parts = plain.select(digits.alias("digits"), pl.when(is_short).then(around).alias("around"))
    parts = parts.join(_around(parts["around"].unique()), on="around", how="left", maintain_order="left")
    body = pl.concat_str("point", "digits")
    numbers = [_number(body, sign, groups).alias(sign) for sign, groups in signs.thousands.items()]
    parts = parts.select("factor", "currency", body.alias("body"), *numbers)
    return parts.select(pl.when(pl.any_horizontal(pl.col(signs.decimals).is_not_null())).then(pl.all()))


def _around(around: pl.Series) -> pl.DataFrame:
    """Return what stands around the digits, for which 0 stands, where it may stand there."""
    found = around.str.extract_groups(AROUND).struct.unnest()
    factor = pl.concat_str("before", "after").replace_strict(FACTORS, default=None, return_dtype=pl.Float64)
    currency = pl.coalesce("currency1", "currency2", "currency3", "currency4")
    columns = found.select(around.alias("around"), "point", factor.alias("factor"), currency.alias("currency"))
    return columns.filter(pl.col("factor").is_not_null())


def _number(body: pl.Expr, decimal: str, thousands: list[str]) -> pl.Expr:
    """Return the number that a body is by these signs, or null."""
    grouped = [rf"[1-9][0-9]{{0,2}}(?:{pl.escape_regex(sign)}[0-9]{{3}})+" for sign in thousands]
    if "," in thousands:
        grouped.append("[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")  # India's groups
    point = pl.escape_regex(decimal)
    whole = rf"(?:[0-9]+|{'|'.join(grouped)})(?:{point}[0-9]+)?|{point}[0-9]+"
    shape = rf"^(?:{whole}|[0-9]+(?:{point}[0-9]+)?[Ee][+-]?[0-9]+)$"
    digits = body.str.replace_many(thousands, [""]).str.replace(decimal, ".", literal=True)
    return pl.when(body.str.contains(shape)).then(digits).cast(pl.Float64, strict=False)


def _has(sign: str) -> pl.Expr:
    return pl.col("text").str.contains(sign, literal=True)


def _has_two_readings(sign: str) -> pl.Expr:
    return pl.col("text").str.contains(rf"^[-+]?[1-9][0-9]{{0,2}}{pl.escape_regex(sign)}[0-9]{{3}}$")


def _settled(written: list[_Written], signs: _Signs) -> NumberReading:
    """Find the decimal sign, or the value that keeps it open."""
    if len(signs.decimals) == 1:
        return NumberReading({}, signs.decimals[0], _thousands(written, signs.decimals[0], signs))
    telling = {
        sign: _first((_telling(column, sign, signs), column.name) for column in written) for sign in signs.decimals
    }
    told = {sign: value for sign, value in telling.items() if value is not None}
    if len(told) == 1:
        ((decimal, (value, name)),) = told.items()
        evidence = f"decimal {SPELLED[decimal]}, since {value} (column {name}) can be nothing else"
        return NumberReading({}, decimal, _thousands(written, decimal, signs), evidence=evidence)
    both = " and ".join(f"{value} (column {name})" for value, name in told.values())
    open_value = _first((_open(column), column.name) for column in written) if signs.is_open else None
    if open_value is not None:
        value, name = open_value
        readings = (re.sub("[.,]", "", value), value.replace(",", "."))
        evidence = f"{value} may be {readings[0]} or {readings[1]}, and "
        evidence += f"{both} contradict each other" if told else "nothing tells which"
        return NumberReading({}, "", "", readings, value, name, evidence=evidence)
    evidence = f"points and commas both mark decimals: {both}" if told else "numbers without decimals"
    return NumberReading({}, "", _thousands(written, ".", signs), evidence=evidence)


def _first(found: Iterable[tuple[str | None, str]]) -> tuple[str, str] | None:
    """Return the first value found, cut short, and its column's name."""
    return next(((value[:LONGEST_SHOWN], name) for value, name in found if value is not None), None)


def _telling(column: _Written, sign: str, signs: _Signs) -> str | None:
    """Return a value that reads with this decimal sign alone."""
    rows = column.rest.filter(pl.col(sign).is_not_null(), pl.col(OTHER_SIGN[sign]).is_null())
    if not rows.is_empty():
        return str(rows["body"].min())
    if sign not in column.cells.columns or column.cells[sign].null_count() == column.cells.height:
        return None
    tells = pl.col(sign).is_not_null() & _has(sign)
    # the first values nearly always tell, and the rest may be millions
    for cells in (column.cells.head(1000), column.cells):
        rows = cells.filter(tells)
        rows = rows.filter(~_has_two_readings(sign)) if signs.is_open else rows
        if not rows.is_empty():
            return rows["text"][0]
    return None


def _open(column: _Written) -> str | None:
    """Return a value that is one number with a decimal point and another with a decimal comma."""
    rows = column.rest.filter(pl.col(".") != pl.col(","))
    if not rows.is_empty():
        return str(rows["body"].min())
    for sign in column.cells.columns[1:]:
        rows = column.cells.filter(_has_two_readings(sign))
        if not rows.is_empty():
            return rows["text"][0].lstrip("+-")
    return None


def _thousands(written: list[_Written], decimal: str, signs: _Signs) -> str:
    """Return the sign that stands between thousands, the first of those possible that is found."""
    for sign in signs.thousands[decimal]:
        for column in written:
            in_rest = pl.col(decimal).is_not_null() & pl.col("body").str.contains(sign, literal=True)
            if not column.rest.filter(in_rest).is_empty():
                return sign
            if (
                signs.is_open
                and sign in column.cells.columns
                and column.cells.select(_has_two_readings(sign).any()).item()
            ):
                return sign
    return ""


def _numbers(column: _Written, decimal: str, signs: _Signs) -> pl.Series:
    """Return a column's numbers; a value that reads with either sign has this decimal sign."""
    simple = [
        pl.when(_has_two_readings(sign)).then((pl.col(sign) * 1000).round()).otherwise(pl.col(sign))
        if signs.is_open and sign != decimal
        else pl.col(sign)
        for sign in column.cells.columns[1:]
    ]
    numbers = column.cells.select(pl.coalesce(simple).alias(column.name))[column.name]
    if column.unread.is_empty():
        return numbers
    by_preference = [decimal, *(sign for sign in signs.decimals if sign != decimal)]
    found = column.rest.select(number=pl.coalesce(by_preference) * pl.col("factor"))
    return numbers.scatter(column.places, spread(found, column.values, column.unread)["number"])


def as_text(column: pl.Series) -> pl.Series:
    """Return a column as text; whole numbers lose the ``.0`` that a spreadsheet gives them."""
    if not column.dtype.is_float():
        return column.cast(pl.String)
    column = column.set(~column.is_finite(), None)
    whole = ((column == column.round()) & (column.abs() < 2**63)).fill_null(False)
    return column.set(~whole, None).cast(pl.Int64).cast(pl.String).zip_with(whole, column.cast(pl.String))


def spreadsheet_keys(column: pl.Series) -> tuple[pl.Series, bool]:
    """Return keys as text, exactly as written, and whether a spreadsheet's ``.0`` was taken off them.

    It is taken off a column of text where every key is digits and ``.0``: a program read 123 as a number and wrote
    123.0. Leading zeros stay, and so does 7.70123E+09, whose digits are lost.
    """
    text = as_text(column)
    if not column.dtype.is_numeric() and text.str.ends_with(".0").all() and text.str.contains(r"^[0-9]+\.0$").all():
        return text.str.head(-2), text.null_count() < len(text)
    return text, False


def distinct(column: pl.Series) -> pl.Series:
    """Return the column's different values, or the column itself where hardly any repeats itself."""
    sample = column.gather_every(max(1, len(column) // SAMPLE))
    if len(column) > FEW and sample.n_unique() > HARDLY_REPEATED * len(sample):
        return column
    return column.unique().drop_nulls()


def spread(found: pl.DataFrame, values: pl.Series, column: pl.Series) -> pl.DataFrame:
    """Return for each cell of the column what was found in each of its `distinct` values; null where it is null."""
    if values is column:
        return found
    cells = pl.DataFrame({"value": column})
    return cells.join(found.with_columns(value=values), on="value", how="left", maintain_order="left").drop("value")
