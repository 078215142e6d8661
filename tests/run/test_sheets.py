"""What a page says of the parameters it was made with."""

import pytest

from customerbase.run.sheets import worded


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("consent_required", True, "yes"),
        ("drop_duplicates", False, "no"),
        ("required_fields", ["name", "tax_id"], "name, tax_id"),
        ("dependency_limits", [0.2, 0.5], "0.2, 0.5"),
        ("dossiers", 1_000, "1,000"),
        ("seed", 2026, "2026"),
    ],
)
def test_a_parameter_is_worded_for_a_reader(key, value, said):
    assert worded(key, value) == said
