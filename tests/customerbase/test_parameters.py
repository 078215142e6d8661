"""The parameter file: what it may hold, and one readable line for each thing that it may not."""

import datetime as dt
import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from customerbase.errors import Refusal
from customerbase.parameters import (
    KEYS,
    LedgerColumn,
    Parameters,
    check_parameters,
    read_parameters,
    without_password,
)

CDNOW = Path(__file__).resolve().parents[2] / "params" / "cdnow.yml"
LEAST: dict[str, Any] = {
    "base": "shop",
    "ledger": {"path": "shop.csv", "columns": {"customer": "c", "date": "d", "amount": "a"}},
}
FULL = """
base: shop-2
ledger:
  path: data/shop
  columns:
    customer: Client ID
    date: date
    amount: sum
    order: order
    quantity: qty
    unit_price: price
    product: sku
    category: group
    cost: cost
    discount: discount
    kind: type
    channel: channel
    manager: manager
    department: department
    brand: label
    coupon: coupon
  encoding: cp1251
  delimiter: ";"
  decimal: ","
  thousands: " "
  date_format: "%d.%m.%Y"
  sheet: Sales
  header_row: 3
customers: {path: c.xlsx, columns: {customer: id, name: n, tax_id: t, email: e, phone: p, consent: ok, manager: m}}
events: {path: e.csv, columns: {customer: id, date: d, kind: k, reason: r, score: s}}
spending: {path: s.csv, columns: {date: d, purpose: p, amount: a}}
as_of: 1998-06-30
holdout_days: 273
time_unit: month
horizon_days: 365
annual_discount_rate: 0.10
margin: 0.30
interval: 0.80
active_days: 90
currency: RUB
seed: 2026
"""


def problems_of(given: dict[str, Any]) -> tuple[str, ...]:
    """Return the lines that refuse these parameters."""
    with pytest.raises(Refusal) as refusal:
        check_parameters(given, where="shop.yml")
    return lines_of(refusal.value)


def problems_in(path: Path) -> tuple[str, ...]:
    """Return the lines that refuse this file."""
    with pytest.raises(Refusal) as refusal:
        read_parameters(path)
    return lines_of(refusal.value)


def lines_of(refusal: Refusal) -> tuple[str, ...]:
    for line in refusal.problems:
        assert line.isprintable(), f"not one readable line: {line!r}"
        assert len(line) < 500
    return refusal.problems


@pytest.fixture
def file(tmp_path):
    """Write a parameter file."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "shop.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def ledger(**changes: Any) -> dict[str, Any]:
    return LEAST | {"ledger": LEAST["ledger"] | changes}


# what is accepted


def test_the_default_base_reads():
    given = read_parameters(CDNOW)
    assert (given.base, given.ledger.path) == ("cdnow", "builtin:cdnow")
    assert given.ledger.columns == {"customer": "customer_id", "date": "date", "amount": "dollar_value"}
    assert (given.as_of, given.holdout_days, given.margin) == (dt.date(1998, 6, 30), 273, 0.3)


def test_every_section_column_and_hint_is_accepted(file):
    given = read_parameters(file(FULL))
    assert set(given.ledger.columns) == set(get_args(LedgerColumn))
    assert given.customers is not None
    assert given.events is not None
    assert given.spending is not None
    assert (given.ledger.sheet, given.ledger.header_row, given.ledger.thousands) == ("Sales", 3, " ")


def test_what_is_absent_takes_its_documented_default():
    given = check_parameters(LEAST, where="shop.yml")
    assert (given.as_of, given.holdout_days, given.margin, given.customers) == (None, None, None, None)
    assert (given.time_unit, given.horizon_days, given.annual_discount_rate) == ("week", 365, 0.1)
    assert (given.interval, given.active_days, given.currency, given.seed) == (0.8, 180, "USD", 2026)
    assert (given.abc_limits, given.xyz_limits, given.xyz_period) == ([0.8, 0.95], [0.5, 1.0], "month")
    assert (given.dependency_limits, given.key_account_share) == ([0.2, 0.3, 0.4, 0.5], 0.1)
    assert (given.consent_required, given.control_share, given.playbook) == (True, 0.1, None)


def test_a_null_is_an_absent_value_where_absence_means_something():
    given = check_parameters(LEAST | {"as_of": None, "holdout_days": None, "margin": None}, where="shop.yml")
    assert (given.as_of, given.holdout_days, given.margin) == (None, None, None)


@pytest.mark.parametrize("written", ["1998-06-30", "'1998-06-30'", "1998-06-30 23:30:00", "1998-06-30 23:30:00 -05:00"])
def test_a_date_may_be_written_as_a_date_a_string_or_a_time_of_that_day(file, written):
    path = file(f"{yaml.safe_dump(LEAST)}as_of: {written}\n")
    assert read_parameters(path).as_of == dt.date(1998, 6, 30)


def test_a_whole_number_is_accepted_where_a_fraction_may_stand():
    given = check_parameters(LEAST | {"annual_discount_rate": 0, "margin": 1}, where="shop.yml")
    assert (given.annual_discount_rate, given.margin) == (0.0, 1.0)


def test_quantity_and_unit_price_may_stand_for_the_amount():
    columns = {"customer": "c", "date": "d", "quantity": "q", "unit_price": "u"}
    assert check_parameters(ledger(columns=columns), where="shop.yml").ledger.columns == columns


def test_spaces_around_a_columns_name_do_not_count():
    columns = {"customer": " c ", "date": "d", "amount": "the\u00a0sum "}
    assert list(check_parameters(ledger(columns=columns), where="shop.yml").ledger.columns.values()) == [
        "c",
        "d",
        "the\u00a0sum",
    ]


@pytest.mark.parametrize("base", ["cdnow", "Кофейня", "shop-2_b.v1", "2026", "x" * 64])
def test_a_plain_word_names_a_base(base):
    assert check_parameters(LEAST | {"base": base}, where="shop.yml").base == base


@pytest.mark.parametrize("sheet", ["Sales", 0, 3])
def test_a_sheet_is_named_or_counted(sheet):
    assert check_parameters(ledger(sheet=sheet), where="shop.yml").ledger.sheet == sheet


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "UTF-8-SIG", "cp1251", "latin-1", "koi8-r"])
def test_encodings_of_text_are_known(encoding):
    assert check_parameters(ledger(encoding=encoding), where="shop.yml").ledger.encoding == encoding


def test_a_byte_order_mark_is_no_part_of_the_first_key(file):
    assert read_parameters(file(b"\xef\xbb\xbf" + yaml.safe_dump(LEAST).encode())).base == "shop"


def test_values_given_beside_the_file_replace_the_files():
    given = read_parameters(CDNOW, as_of="1998-01-31", horizon_days=30)
    assert (given.as_of, given.horizon_days, given.holdout_days) == (dt.date(1998, 1, 31), 30, 273)


def test_flat_parameters_are_what_a_notebook_takes_and_mean_the_same(file):
    given = read_parameters(file(FULL))
    flat = given.flat()
    assert tuple(flat) == KEYS == tuple(Parameters.model_fields)
    assert flat["as_of"] == "1998-06-30"
    assert json.loads(json.dumps(flat)) == flat
    assert check_parameters(flat, where="a notebook") == given


def test_flat_parameters_name_the_absent_ones_too():
    given = check_parameters(LEAST, where="shop.yml")
    assert given.flat()["as_of"] is None
    assert check_parameters(given.flat(), where="a notebook") == given


# what is refused, and how it is said

ONE_PROBLEM = [
    # unknown keys, with the nearest valid one
    (LEAST | {"horizon_day": 3}, ["'horizon_day'", "Did you mean 'horizon_days'?"]),
    (LEAST | {"holdout": 3}, ["'holdout'", "Did you mean 'holdout_days'?"]),
    (ledger(delimeter=";"), ["'ledger.delimeter'", "Did you mean 'delimiter'?"]),
    (ledger(columns=LEAST["ledger"]["columns"] | {"custmer": "x"}), ["'custmer'", "Did you mean 'customer'?"]),
    (ledger(columns=LEAST["ledger"]["columns"] | {3: "x"}), ["'3'", "ledger.columns"]),
    (LEAST | {"events": {"path": "e", "columns": {}, "colums": {}}}, ["'events.colums'", "'columns'"]),
    (LEAST | {"a\nb\x1b[31m": 3}, ["'a b?[31m'"]),
    (LEAST | {"k" * 5000: 3}, ["'kkk"]),
    (LEAST | {3: 4}, ["a key should be a word", "3"]),
    (LEAST | {None: 4}, ["a key should be a word", "None"]),
    (LEAST | {dt.date(1998, 6, 30): 4}, ["a key should be a word", "1998, 6, 30"]),
    # missing keys
    ({"ledger": LEAST["ledger"]}, ["'base' is missing"]),
    ({"base": "shop"}, ["'ledger' is missing"]),
    (LEAST | {"ledger": {"path": "x.csv"}}, ["'ledger.columns' is missing"]),
    (LEAST | {"spending": {"columns": {}}}, ["'spending.path' is missing"]),
    (ledger(columns={"customer": "c", "amount": "a"}), ["ledger", "date"]),
    (
        ledger(columns={"customer": "c", "date": "d", "quantity": "q"}),
        ["ledger", "amount (or quantity and unit_price)"],
    ),
    # wrong types
    (LEAST | {"horizon_days": "many"}, ["horizon_days", "integer", "'many'"]),
    (LEAST | {"horizon_days": 3.0}, ["horizon_days", "integer", "3.0"]),
    (LEAST | {"horizon_days": True}, ["horizon_days", "integer", "True"]),
    (LEAST | {"seed": False}, ["seed", "integer", "False"]),
    (LEAST | {"horizon_days": None}, ["horizon_days", "integer", "None"]),
    (LEAST | {"annual_discount_rate": True}, ["annual_discount_rate", "number", "True"]),
    (LEAST | {"margin": "30%"}, ["margin", "number", "'30%'"]),
    (LEAST | {"currency": 840}, ["currency", "string", "840"]),
    (LEAST | {"ledger": "shop.csv"}, ["ledger", "'shop.csv'"]),
    (LEAST | {"ledger": None}, ["ledger", "None"]),
    (ledger(columns={"customer": None, "date": "d", "amount": "a"}), ["ledger.columns.customer", "string", "None"]),
    (ledger(columns={"customer": 3, "date": "d", "amount": "a"}), ["ledger.columns.customer", "string", "3"]),
    # impossible values
    (LEAST | {"horizon_days": 0}, ["horizon_days", "greater than or equal to 1", "0"]),
    (LEAST | {"horizon_days": -365}, ["horizon_days", "-365"]),
    (LEAST | {"holdout_days": 0}, ["holdout_days", "0"]),
    (LEAST | {"active_days": 0}, ["active_days", "0"]),
    (LEAST | {"margin": 0}, ["margin", "greater than 0"]),
    (LEAST | {"margin": 30}, ["margin", "less than or equal to 1", "30"]),
    (LEAST | {"interval": 1}, ["interval", "less than 1"]),
    (LEAST | {"interval": 80}, ["interval", "80"]),
    (LEAST | {"annual_discount_rate": -0.1}, ["annual_discount_rate", "-0.1"]),
    (LEAST | {"seed": -1}, ["seed", "-1"]),
    (LEAST | {"seed": 2**32}, ["seed", "4294967296"]),
    (LEAST | {"horizon_days": 16**5000}, ["horizon_days", "too many digits"]),
    (LEAST | {"margin": float("nan")}, ["margin", "nan"]),
    (LEAST | {"interval": float("nan")}, ["interval", "nan"]),
    (LEAST | {"annual_discount_rate": float("inf")}, ["annual_discount_rate", "finite", "inf"]),
    (LEAST | {"horizon_days": float("inf")}, ["horizon_days", "inf"]),
    (LEAST | {"time_unit": "weeks"}, ["time_unit", "'day', 'week', 'month' or 'year'", "'weeks'"]),
    (LEAST | {"time_unit": "x" * 10_000}, ["time_unit", "xxx...xxx"]),
    (LEAST | {"currency": ""}, ["currency"]),
    (LEAST | {"as_of": "1998-02-30"}, ["as_of", "'1998-02-30'", "1998-06-30"]),
    (LEAST | {"as_of": "30.06.1998"}, ["as_of", "'30.06.1998'", "1998-06-30"]),
    (LEAST | {"as_of": ""}, ["as_of", "''"]),
    (LEAST | {"as_of": 19980630}, ["as_of", "19980630", "1998-06-30"]),
    (LEAST | {"as_of": [1998, 6, 30]}, ["as_of", "[1998, 6, 30]"]),
    (ledger(path=""), ["ledger.path"]),
    (ledger(encoding="utf-9"), ["ledger.encoding", "'utf-9'", "cp1251"]),
    (ledger(encoding="base64"), ["ledger.encoding", "'base64'"]),
    (ledger(encoding="a\0b"), ["ledger.encoding"]),
    (ledger(delimiter=";;"), ["ledger.delimiter", "';;'"]),
    (ledger(delimiter=""), ["ledger.delimiter", "''"]),
    (ledger(delimiter="é"), ["ledger.delimiter", "'é'"]),
    (ledger(delimiter='"'), ["ledger.delimiter"]),
    (ledger(delimiter="\n"), ["ledger.delimiter", r"'\n'"]),
    (ledger(decimal=";"), ["ledger.decimal", "'.' or ','", "';'"]),
    (ledger(thousands="1"), ["ledger.thousands", "'1'"]),
    (ledger(thousands="-"), ["ledger.thousands", "'-'"]),
    (ledger(decimal=",", thousands=","), ["ledger", "decimal and thousands"]),
    (ledger(date_format="dd.mm.yyyy"), ["ledger.date_format", "'dd.mm.yyyy'", "%d.%m.%Y"]),
    (ledger(date_format=""), ["ledger.date_format", "%d.%m.%Y"]),
    (ledger(sheet=True), ["ledger.sheet", "True"]),
    (ledger(sheet=-1), ["ledger.sheet", "-1"]),
    (ledger(sheet=1.5), ["ledger.sheet", "1.5"]),
    (ledger(header_row=0), ["ledger.header_row", "0"]),
    (ledger(header_row=10**20), ["ledger.header_row"]),
]


@pytest.mark.parametrize(("given", "says"), ONE_PROBLEM, ids=[" ".join(says)[:50] for _, says in ONE_PROBLEM])
def test_a_wrong_parameter_is_refused_in_one_line_that_names_the_file_and_the_key(given, says):
    (line,) = problems_of(given)
    assert line.startswith("shop.yml: ")
    for part in says:
        assert part in line


@pytest.mark.parametrize(
    "base",
    ["", ".", "..", "../x", "a/b", "/abs", "a\\b", "a b", "-x", "_x", ".hidden", "x\n", "x\0", "a:b", "x" * 65, "*"],
)
def test_a_base_that_could_leave_its_folder_or_name_none_is_refused(base):
    (line,) = problems_of(LEAST | {"base": base})
    assert line.startswith("shop.yml: base: ")
    assert "can't name a folder" in line


@pytest.mark.parametrize("base", [None, 2026, True, ["x"]])
def test_a_base_that_is_no_text_is_refused(base):
    (line,) = problems_of(LEAST | {"base": base})
    assert line.startswith("shop.yml: base: input should be a valid string")


def test_a_key_unlike_any_other_is_refused_without_a_guess():
    (line,) = problems_of(LEAST | {"zzz": 3})
    assert line == "shop.yml: unknown parameter 'zzz'."


def test_every_problem_gets_a_line_of_its_own():
    lines = problems_of({"base": "../x", "ledger": LEAST["ledger"], "horzon_days": 3, "margin": 7, "as_of": "soon"})
    assert len(lines) == 4
    for key in ("base", "horzon_days", "margin", "as_of"):
        assert sum(f" {key}:" in line or f"'{key}'" in line for line in lines) == 1


def test_a_refusal_shows_its_lines_and_no_traceback_in_a_notebook():
    with pytest.raises(Refusal) as refusal:
        check_parameters({"base": "shop", "seed": -1}, where="shop.yml")
    assert refusal.value._render_traceback_() == list(refusal.value.problems)
    assert str(refusal.value) == "\n".join(refusal.value.problems)


# files that are no parameter files

UNREADABLE = {
    "an open bracket": ("a: [1,\n", ["line 2", "YAML"]),
    "a tab for indentation": ("base: x\nledger:\n\tpath: x\n", ["line 3", r"'\t'"]),
    "two documents": ("base: x\n---\nbase: y\n", ["line 2", "YAML"]),
    "a tag of Python's": ("base: !!python/object/apply:os.getcwd []\n", ["line 1", "YAML"]),
    "a control character": ("base: \x01\n", ["YAML"]),
    "a key that is a list": ("? [a]\n: b\n", ["line 1", "key"]),
    "a tag that lies": ("base: !!map x\n", ["line 1"]),
    "a list": ("- base: x\n", ["base: cdnow"]),
    "a word": ("hello", ["base: cdnow"]),
    "nothing": ("", ["base: cdnow"]),
    "only comments": ("# base: x\n", ["base: cdnow"]),
    "brackets without end": ("a: " + "[" * 2000 + "]" * 2000, ["nested too deeply"]),
    "braces without end": ("a: " + "{a: " * 1000 + "1" + "}" * 1000, ["nested too deeply"]),
    "cp1251": ("base: x\ncurrency: руб\n".encode("cp1251"), ["line 2", "UTF-8"]),
    "utf-16": ("base: x\n".encode("utf-16"), ["line 1", "UTF-8"]),
    "a workbook": (b"PK\3\4\x14\0\6\0\x08\0\0\0!\0\xfe\xff", ["UTF-8"]),
}


@pytest.mark.parametrize(("text", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_parameter_file_is_refused_in_one_line(file, text, says):
    path = file(text)
    (line,) = problems_in(path)
    assert line.startswith(f"{path}: ")
    for part in says:
        assert part in line


@pytest.mark.parametrize(
    ("text", "key", "number"),
    [
        ("base: a\nseed: 1\nbase: b\n", "base", 3),
        ("base: a\nledger: {path: x, path: y}\n", "path", 2),
        ("1: a\n1: b\n", "1", 2),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_line(file, text, key, number):
    (line,) = problems_in(file(text))
    assert f"line {number}: the key '{key}' stands twice" in line


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("as_of: 1998-02-30", "as_of"),
        ("as_of: 1998-06-30 25:00:00", "as_of"),
        ("as_of: !!timestamp soon", "as_of"),
        ("seed: !!int many", "seed"),
        (f"seed: {'9' * 5000}", "seed"),
        (f"seed: 0x{'f' * 5000}", "seed"),
        (f"seed: {'[' * 200}{']' * 200}", "seed"),
    ],
)
def test_a_value_that_yaml_itself_chokes_on_is_refused_under_its_key(file, written, key):
    (line,) = problems_in(file(f"{yaml.safe_dump(LEAST)}{written}\n"))
    assert f": {key}: " in line


def test_aliases_that_multiply_are_refused_without_being_written_out(file):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    problems = problems_in(file("\n".join([*lines, "seed: *a11"])))
    assert any(": seed: " in line for line in problems)


def test_a_missing_file_is_refused_with_the_nearest_one_there(file):
    path = file(yaml.safe_dump(LEAST))
    (line,) = problems_in(path.with_name("shp.yml"))
    assert line == f"{path.with_name('shp.yml')}: there is no such parameter file. Did you mean 'shop.yml'?"


def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path):
    (line,) = problems_in(tmp_path / "nowhere" / "shop.yml")
    assert "there is no such parameter file." in line


def test_a_folder_is_refused(tmp_path):
    (line,) = problems_in(tmp_path)
    assert line.startswith(f"{tmp_path}: can't be read")


def test_a_file_that_may_not_be_opened_is_refused(file, monkeypatch):
    def forbid(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    path = file("base: x\n")
    # permissions don't bind every user that runs tests
    monkeypatch.setattr(Path, "read_text", forbid)
    assert problems_in(path) == (f"{path}: can't be read: Permission denied.",)


def test_a_value_given_beside_the_file_is_checked_as_well():
    with pytest.raises(Refusal, match="as_of: 'tomorrow' is no date"):
        read_parameters(CDNOW, as_of="tomorrow")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("postgresql://shop:s3cret@host:5432/db", "postgresql://shop:*@host:5432/db"),
        ("postgresql://shop:p@ss@host/db", "postgresql://shop:*@host/db"),
        ("postgresql://shop@host/db", "postgresql://shop@host/db"),
        ("sqlite:///data/shop.db", "sqlite:///data/shop.db"),
        ("data/a:b@c.csv", "data/a:b@c.csv"),
    ],
)
def test_a_databases_password_is_in_nothing_that_a_run_writes(path: str, shown: str) -> None:
    assert without_password(path) == shown
    query = {"query": "SELECT 1"} if "://" in path else {}
    given = {"base": "shop", "ledger": {"path": path, "columns": LEAST["ledger"]["columns"]} | query}
    flat = check_parameters(given, where="shop.yml").flat()
    assert flat["ledger"]["path"] == shown
    assert "s3cret" not in str(flat)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("abc_limits", [0.95, 0.8], "should rise"),
        ("abc_limits", [0.8, 1.0], "shares below 1"),
        ("abc_limits", [0.8], "at least 2 items"),
        ("xyz_limits", [0.5, 0.5], "should rise"),
        ("xyz_limits", [0.0, 0.5], "greater than 0"),
        ("dependency_limits", [0.2, 0.3, 0.4], "at least 4 items"),
        ("dependency_limits", [0.2, 0.3, 0.4, 1.5], "less than or equal to 1"),
        ("xyz_period", "year", "week"),
        ("control_share", 1.0, "less than 1"),
        ("order_cost", -1, "greater than or equal to 0"),
        ("order_cost", float("inf"), "finite"),
        ("playbook", "protect all", "list of rules"),
        ("playbook", ["protect"], "list of rules"),
        ("customer", 83, "papermill -r customer KEY"),
    ],
)
def test_a_rule_s_number_that_cannot_be_is_refused_under_its_key(key: str, value: Any, said: str) -> None:
    (line,) = problems_of(LEAST | {key: value})
    assert line.startswith(f"shop.yml: {key}")
    assert said in line


def test_each_rule_that_cannot_be_followed_has_a_line_of_its_own() -> None:
    rules = [
        {"action": "protct", "when": {"profit": "> 0"}, "because": "b", "offer": "o"},
        {"action": "let go", "when": {"profitt": "a lot"}, "because": "b", "offer": "o"},
        {"action": "keep at low cost", "when": {}, "because": "b", "offer": "o"},
    ]
    first, second = problems_of(LEAST | {"playbook": rules})
    assert first.startswith("shop.yml: playbook: rule 1: ")
    assert "'protect'" in first
    assert second.startswith("shop.yml: playbook: rule 2: ")
    assert "profit" in second
