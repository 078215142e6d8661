"""Names from a ledger are hostile until they are plain."""

import polars as pl

from models.needs import needs_features
from models.needs_scale import Scale
from models.plain_names import LONGEST_LABEL
from tests.models.shop import AS_OF, shop


def test_category_names_are_hostile():
    names = ["<script>alert(1)</script>", "x" * 300 + "1", "x" * 300 + "2", "a\n\tb\u202e", "", "other categories"]
    lines = shop().with_columns(
        pl.col("category").replace_strict({f"category {place}": name for place, name in enumerate(names)})
    )
    needs = needs_features(lines, AS_OF)
    labels = [trait.label for name, trait in needs.about.items() if name.startswith("category: ")]
    assert len(set(labels)) == len(labels) == 6
    assert all(len(label) <= LONGEST_LABEL + 4 and label.isprintable() and label for label in labels)
    assert Scale.from_frame(needs.scale.to_frame()).columns.index.tolist() == list(needs.compared)
