"""The simulated wholesaler: seeded, as messy as promised, and true to its own truth."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import numpy as np
import phonenumbers
import polars as pl
import pytest
from stdnum.ru import inn

from customerbase.parameters import read_parameters
from customerbase.project import ROOT
from customerbase.wholesale import Wholesale, simulate_wholesale, write_wholesale
from customerbase.wholesale.found_by_rules import found_by_rules
from customerbase.wholesale.planted import LAST_ORDER
from customerbase.wholesale.segments import LAST_DAY

COMMITTED = ROOT / "data" / "wholesale"
OLD, NEW = "sales_2023_2024.csv", "sales_2025.csv"
SIZE_LIMIT = 2_000_000
UNUSABLE_LIMIT = 0.02
WIDTH = 14
POSITIONS = {
    OLD: {"Дата": 0, "Документ": 1, "Код клиента": 2, "Номенклатура": 4, "Сумма": 9, "Вид": 13},
    NEW: {"Документ": 0, "Дата": 1, "Вид": 2, "Код клиента": 3, "Номенклатура": 5, "Сумма": 10},
}


@pytest.fixture(scope="module")
def wholesale() -> Wholesale:
    return simulate_wholesale()


@pytest.fixture(scope="module")
def folder(wholesale, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("wholesale")
    write_wholesale(path, wholesale)
    return path


@pytest.fixture(scope="module")
def truth(folder) -> dict[str, list[dict[str, str]]]:
    """The files of the folder truth, as rows of text."""
    return {path.stem: list(csv.DictReader(path.open(newline=""))) for path in (folder / "truth").iterdir()}


@pytest.fixture(scope="module")
def ledger(folder) -> dict[str, dict[int, list[str]]]:
    """The cells of each file below its header, by the row's number."""
    old = (folder / "ledger" / OLD).read_bytes().decode("cp1251")
    new = (folder / "ledger" / NEW).read_bytes().decode("utf-8-sig")
    return {
        OLD: dict(enumerate(list(csv.reader(io.StringIO(old), delimiter=";"))[5:], 6)),
        NEW: dict(enumerate(list(csv.reader(io.StringIO(new), delimiter="\t"))[1:], 2)),
    }


def cell(ledger: dict[str, dict[int, list[str]]], source: str, row: int, name: str) -> str:
    """The cell of a row, by the name of its column."""
    return ledger[source][row][POSITIONS[source][name]]


def money(text: str) -> Decimal | None:
    """Read an amount as either file writes it; None where it is words."""
    plain = text.replace("\u00a0", "").replace(",", ".")
    return Decimal(plain) if re.fullmatch(r"-?\d+\.\d\d", plain) else None


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_files_and_they_are_the_committed_ones(folder):
    committed = files_below(COMMITTED)
    assert committed.pop("README.md")
    generated = files_below(folder)
    assert generated.keys() == committed.keys()
    assert [name for name in generated if generated[name] != committed[name]] == []


def test_another_seed_gives_another_wholesaler(wholesale):
    other = simulate_wholesale(seed=1)
    assert not other.lines.equals(wholesale.lines)
    assert not other.records["name"].equals(wholesale.records["name"])


def test_the_folder_is_small():
    assert sum(map(len, files_below(COMMITTED).values())) < SIZE_LIMIT


def test_every_file_and_column_is_described(folder):
    described = (COMMITTED / "README.md").read_text()
    for name in files_below(folder):
        assert f"`{Path(name).name}`" in described
    for path in (folder / "truth").iterdir():
        header = ", ".join(path.read_text().splitlines()[0].split(","))
        assert f"| `{path.name}` | {header} |" in described
    for name in ("customers.csv", "events.csv", "spending.csv"):
        header = (folder / name).read_text().splitlines()[0].split(";")
        assert [column for column in header if column not in described] == []


def test_the_parameters_name_columns_that_are_there(folder):
    parameters = read_parameters(ROOT / "params" / "wholesale.yml")
    old = (folder / "ledger" / OLD).read_bytes().decode("cp1251").splitlines()[4].split(";")
    new = (folder / "ledger" / NEW).read_bytes().decode("utf-8-sig").splitlines()[0].split("\t")
    assert set(parameters.ledger.columns.values()) == set(old) - {"Клиент"} == set(new) - {"Клиент"}
    for section in (parameters.customers, parameters.events, parameters.spending):
        assert section is not None
        header = (ROOT / section.path).read_text().splitlines()[0].split(";")
        assert list(section.columns.values()) == header


# who the customers are


def test_the_base_is_as_large_and_as_lopsided_as_promised(wholesale):
    assert 450 <= wholesale.customers.height <= 600
    assert 6_000 <= wholesale.lines.height <= 9_000
    revenue = wholesale.lines.group_by("customer").agg(pl.col("amount").sum().cast(pl.Float64))["amount"]
    largest = revenue.sort(descending=True)
    assert 0.17 < largest[0] / revenue.sum() < 0.23
    assert (largest[:30].sum() - largest[0]) / revenue.sum() > 0.3
    by_segment = wholesale.customers.filter(pl.col("orders") > 0).group_by("segment").agg(pl.col("orders") == 1)
    once = {segment: np.mean(orders) for segment, orders in by_segment.iter_rows()}
    assert once["retail"] > 0.6 > 0.3 > once["installer"]
    lost = wholesale.customers.filter(pl.col("orders") > 0, ~pl.col("alive")).height
    assert 0.2 < lost / wholesale.customers.height < 0.5


def test_trade_is_slower_in_winter_and_stops_on_sundays(wholesale):
    sold = wholesale.lines.filter(pl.col("kind") == "sale")
    months = Counter(sold["date"].dt.month().to_list())
    assert sum(months[month] for month in (1, 2, 3)) < 0.7 * sum(months[month] for month in (7, 8, 9))
    assert 7 not in set(sold["date"].dt.weekday().to_list())
    yearly = [sold.filter(pl.col("date").dt.year() == year)["amount"].sum() for year in (2023, 2024, 2025)]
    assert yearly == sorted(yearly)


def test_what_reaches_a_customer_is_valid_and_nobody_s(wholesale):
    people = wholesale.customers
    assert all(map(inn.is_valid, people["tax_id"]))
    assert set(people["tax_id"].str.head(4)) == {"0000"}
    lengths = people.select(pl.col("tax_id").str.len_chars(), is_company=pl.col("kind") == "company").unique()
    assert sorted(lengths.iter_rows()) == [(10, True), (12, False)]
    assert people["tax_id"].n_unique() == people.height
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in people["phone"])
    assert people["email"].str.contains(r"^[a-z0-9.]+@([a-z0-9-]+\.example|example\.(com|org|net))$").all()


def test_people_who_share_a_name_are_listed_as_namesakes(wholesale):
    twice = wholesale.customers.filter(pl.col("name").is_duplicated())["customer"]
    listed = wholesale.look_alikes.filter(pl.col("kind") == "namesake")
    assert set(twice) == {*listed["customer"], *listed["other"]}


def test_look_alikes_share_what_they_should_and_nothing_else(wholesale):
    people = {row["customer"]: row for row in wholesale.customers.iter_rows(named=True)}
    for one, other, kind in wholesale.look_alikes.iter_rows():
        shared = {
            field for field in ("address", "phone", "name", "tax_id", "email", "birth_date") if people[one][field]
        }
        shared = {field for field in shared if people[one][field] == people[other][field]}
        assert shared == ({"name"} if kind == "namesake" else {"address", "phone"})
    household = wholesale.look_alikes.filter(pl.col("kind") == "household")
    assert all(people[a]["last_name"][:4] == people[b]["last_name"][:4] for a, b, _ in household.iter_rows())


# the central file


def test_a_tenth_of_the_records_are_customers_entered_again(wholesale, truth):
    persons = Counter(row["person"] for row in truth["identities"])
    assert len({row["customer"] for row in truth["identities"]}) == len(truth["identities"]) == wholesale.records.height
    assert set(persons) == set(wholesale.customers["customer"])
    assert 0.08 <= (persons.total() - len(persons)) / persons.total() <= 0.12
    assert max(persons.values()) == 3
    alike = {key for row in truth["look_alikes"] for key in (row["customer"], row["other"])}
    assert not alike & {row["customer"] for row in truth["identities"] if persons[row["person"]] > 1}


def test_whoever_is_entered_again_can_be_known_by_two_clues(wholesale):
    alphanumeric = re.compile(r"[^\w@]")
    digits = re.compile(r"\D")

    def clues(record: dict) -> dict[str, str]:
        address = re.findall(r"\d+", record["address"] or "")
        return {
            "tax_id": record["tax_id"],
            "phone": digits.sub("", record["phone"] or "")[-10:],
            "email": alphanumeric.sub("", (record["email"] or "").lower()),
            "birth_date": str(record["birth_date"] or ""),
            "address": " ".join(address) if len(address) > 1 else "",
        }

    for _, entries in wholesale.records.filter(pl.col("customer").is_duplicated()).group_by("customer"):
        first, *again = sorted(entries.iter_rows(named=True), key=lambda record: record["is_duplicate"])
        for record in again:
            same = [name for name, clue in clues(record).items() if clue and clue == clues(first)[name]]
            assert len(same) >= 2, (first["key"], record["key"])


def test_two_customers_share_no_telephone_but_placeholders_and_households(wholesale):
    typed = wholesale.records.filter(pl.col("phone").is_not_null(), pl.col("phone") != "нет")
    by_number: dict[str, set[str]] = {}
    for phone, customer in typed.select("phone", "customer").iter_rows():
        by_number.setdefault(re.sub(r"\D", "", phone)[-10:], set()).add(customer)
    pairs = {pair for customers in by_number.values() for pair in combinations(sorted(customers), 2)}
    placeholders = set(typed.filter(pl.col("phone") == "000-00-00")["customer"])
    apart = {tuple(sorted(pair)) for *pair, kind in wholesale.look_alikes.iter_rows() if kind != "namesake"}
    assert {pair for pair in pairs if not set(pair) <= placeholders} <= apart
    assert len(placeholders) > 5


def test_purchases_of_a_customer_entered_again_are_spread_over_the_keys(wholesale):
    spread = wholesale.lines.group_by("customer").agg(pl.col("key").n_unique())
    assert (spread["key"] > 1).sum() >= 30
    owners = dict(wholesale.records.select("key", "customer").iter_rows())
    booked = wholesale.lines.select("key", "customer").unique()
    assert all(owners[key] == customer for key, customer in booked.iter_rows())


def test_the_central_file_holds_the_traps(folder, wholesale, ledger):
    text = (folder / "customers.csv").read_text()
    for trap in ("000-00-00", "0000000000", "zakaz@example.com", "\u200b", "\u00a0", "OOO ", "Общество с огр"):
        assert trap in text
    records = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    keys = {record["Код клиента"] for record in records}
    assert all(re.fullmatch(r"0\d{4}", key) for key in keys)
    assert {record["Согласие"] for record in records} == {"да", "нет", ""}
    in_ledger = {key for file in ledger for row in ledger[file] if (key := cell(ledger, file, row, "Код клиента"))}
    assert 1 <= len(in_ledger - keys) <= 5
    assert keys - in_ledger


# the ledger


def test_each_file_is_written_as_its_program_does(folder):
    old = (folder / "ledger" / OLD).read_bytes()
    with pytest.raises(UnicodeDecodeError):
        old.decode("utf-8")
    titles = old.decode("cp1251").split("\r\n")[:5]
    assert titles[3] == "" and titles[4].startswith("Дата;Документ;Код клиента;Клиент;")
    assert re.search(r";\d{1,3}\u00a0\d{3},\d\d;", old.decode("cp1251"))
    assert old.decode("cp1251").splitlines()[-1].startswith("Итого;")
    new = (folder / "ledger" / NEW).read_bytes()
    assert new.startswith(b"\xef\xbb\xbf")
    assert re.search(r"\t31/0[1357]/2025\t", new.decode("utf-8-sig"))


def test_every_row_is_either_clean_or_set_aside(truth, ledger):
    used = [(row["source"], int(row["row"])) for row in truth["ledger_clean"]]
    aside = [(row["source"], int(row["row"])) for row in truth["quarantine"]]
    there = [(source, row) for source, rows in ledger.items() for row in rows]
    assert sorted(used + aside) == sorted(there)
    unusable = [row for row in truth["quarantine"] if row["reason"] != "total_row"]
    assert 0.005 < len(unusable) / len(there) < len(aside) / len(there) < UNUSABLE_LIMIT


def test_the_clean_lines_stand_in_the_files_as_the_truth_says(truth, ledger):
    for row in truth["ledger_clean"]:
        place = row["source"], int(row["row"])
        year, month, day = row["date"].split("-")
        sign = "." if row["source"] == OLD else "/"
        assert cell(ledger, *place, "Дата") == sign.join((day, month, year))
        assert cell(ledger, *place, "Код клиента") == row["customer"]
        assert cell(ledger, *place, "Документ") == row["order"]
        written = money(cell(ledger, *place, "Сумма"))
        assert written == (abs(Decimal(row["amount"])) if row["source"] == NEW else Decimal(row["amount"]))
        assert (Decimal(row["amount"]) < 0) == (row["kind"] == "return") == (int(row["quantity"]) < 0)


def test_the_rows_set_aside_are_as_the_truth_says(truth, ledger):
    for row in truth["quarantine"]:
        place = row["source"], int(row["row"])
        cells = ledger[row["source"]][int(row["row"])]
        assert (len(cells) != WIDTH) == (row["reason"] == "broken_row")
        if row["reason"] == "broken_row":
            continue
        assert (cell(ledger, *place, "Код клиента") == "") == (row["reason"] in ("missing_customer", "total_row"))
        assert (cell(ledger, *place, "Дата") == "") == (row["reason"] == "missing_date")
        assert ("2052" in cell(ledger, *place, "Дата")) == (row["reason"] == "future_date")
        amount = money(cell(ledger, *place, "Сумма"))
        assert (amount is None) == (row["reason"] == "amount_no_number")
        assert amount == (Decimal(row["amount"]) if row["amount"] else None)
    reasons = {row["reason"] for row in truth["quarantine"]}
    assert len(reasons) == 7


def test_amounts_in_the_files_are_amounts_used_and_set_aside(truth, ledger):
    totals = {(row["source"], row["measure"]): Decimal(row["value"]) for row in truth["totals"]}
    broken = {(row["source"], int(row["row"])) for row in truth["quarantine"] if row["reason"] == "broken_row"}
    for source, rows in ledger.items():
        written = [cell(ledger, source, row, "Сумма") for row in rows if (source, row) not in broken]
        if source == NEW:
            kinds = [cell(ledger, source, row, "Вид") for row in rows if (source, row) not in broken]
            written = [f"-{text}" if kind == "Возврат" else text for text, kind in zip(written, kinds, strict=True)]
        read = sum(filter(None, map(money, written)), Decimal(0))
        assert read == totals[source, "amount_read"]
        clean = [Decimal(row["amount"]) for row in truth["ledger_clean"] if row["source"] == source]
        aside = [Decimal(row["amount"]) for row in truth["quarantine"] if row["source"] == source and row["amount"]]
        assert sum(clean) == totals[source, "amount_used"]
        assert sum(aside) == totals[source, "amount_set_aside"]
        assert sum(clean) + sum(aside) == read
        assert len(clean) == totals[source, "rows_used"]
        assert len(rows) == totals[source, "rows_read"]


def test_the_sums_of_the_customers_are_those_of_the_clean_lines(truth):
    person = {row["customer"]: row["person"] for row in truth["identities"]}
    revenue: dict[str, Decimal] = dict.fromkeys(person.values(), Decimal(0))
    for row in truth["ledger_clean"]:
        revenue[person[row["customer"]]] += Decimal(row["amount"])
    assert {row["person"]: Decimal(row["revenue"]) for row in truth["customers"]} == revenue
    assert all(Decimal(row["sales"]) + Decimal(row["returns"]) == Decimal(row["revenue"]) for row in truth["customers"])


def test_each_return_undoes_an_earlier_sale_of_the_same_key(truth, ledger):
    lines = {(row["source"], row["row"]): row for row in truth["ledger_clean"]}
    returns = [line for line in truth["ledger_clean"] if line["kind"] == "return"]
    assert len(returns) == len(truth["returns"]) > 100
    undone = [row for row in truth["returns"] if row["undone_row"]]
    assert len({(row["undone_source"], row["undone_row"]) for row in undone}) == len(undone)
    for row in undone:
        back, sold = lines[row["source"], row["row"]], lines[row["undone_source"], row["undone_row"]]
        assert sold["kind"] == "sale" and sold["customer"] == back["customer"] and sold["date"] < back["date"]
        assert sold["order"] == row["order"]
        assert back["order"] == (row["order"] if row["order_told"] == "true" else "")
        assert 0 < -Decimal(back["amount"]) <= Decimal(sold["amount"])
        assert cell(ledger, row["source"], int(row["row"]), "Номенклатура") == row["product"]
        assert cell(ledger, row["undone_source"], int(row["undone_row"]), "Номенклатура") == row["product"]
    assert {(row["order"], row["product"]) for row in truth["returns"] if not row["undone_row"]} == {("", "")}


def test_repeated_lines_and_no_others_equal_the_line_above(truth, ledger):
    clean = {(row["source"], int(row["row"])) for row in truth["ledger_clean"]}
    seen: set[tuple[str, ...]] = set()
    repeated = []
    for source, row in sorted(clean):
        cells = tuple(ledger[source][row])
        if cells in seen:
            repeated.append((source, row))
        seen.add(cells)
    assert repeated == [(row["source"], int(row["row"])) for row in truth["repeated_lines"]]
    assert len(repeated) >= 20


# around the ledger


def test_lost_customers_said_so_more_often(wholesale):
    people = wholesale.customers.filter(pl.col("orders") > 0, pl.col("segment") != "retail")
    refused = set(wholesale.events.filter(pl.col("kind") == "refusal")["customer"])
    shares = people.group_by("alive").agg(pl.col("customer").is_in(refused).mean())
    share = dict(shares.iter_rows())
    assert share[False] > 3 * share[True]
    score = wholesale.events.join(people, on="customer").group_by("alive").agg(pl.col("score").mean())
    means = dict(score.iter_rows())
    assert means[True] > means[False] + 1
    kinds = wholesale.events.select("kind", pl.col("reason").is_null(), pl.col("score").is_null()).unique()
    assert sorted(kinds.iter_rows()) == [
        ("complaint", False, True),
        ("contact", False, True),
        ("refusal", False, True),
        ("survey", True, False),
    ]


# whom the rules should find


def test_few_are_key_accounts_and_each_criterion_has_somebody(truth):
    by_criterion = Counter(row["what"] for row in truth["planted"] if row["what"].startswith("key account: "))
    assert len(by_criterion) == 7
    assert max(by_criterion.values()) <= 5
    held = Counter(row["detail"] for row in truth["planted"] if row["what"] == "held by")
    assert 10 <= held.total() <= 15
    assert sorted(held.values())[-2:] == [3, 5]


def test_nobody_stands_near_what_makes_a_rule_find_them(wholesale, truth):
    planted = {(row["what"], row["person"]): row["detail"] for row in truth["planted"]}
    assert float(planted["key account: company revenue", "P0524"]) > 0.21
    assert planted["dependency", "P0524"] == "watch"
    profits = [float(Decimal(row["revenue"]) - Decimal(row["cost"])) for row in truth["customers"]]
    loss, *others = sorted(profits)
    assert loss < -500_000 and min(others) >= 0
    held = {person for what, person in planted if what == "held by"}
    silence = {}
    for person in held:
        days = wholesale.lines.filter(pl.col("customer") == person, pl.col("kind") == "sale")["date"].unique().sort()
        silence[person] = (LAST_DAY - days[-1]).days / days.diff().dt.total_days().mean()
    assert silence.pop("P0485") > 10
    assert max(silence.values()) < 2


def test_who_orders_in_place_of_the_silent_dealer_is_another(wholesale):
    of_dealer = wholesale.lines.filter(pl.col("customer") == "P0485")
    assert of_dealer.filter(pl.col("kind") == "sale")["date"].max() < LAST_ORDER
    assert of_dealer["key"].unique().to_list() == ["00286"]
    assert wholesale.events.filter(pl.col("customer") == "P0485")["date"].max() <= LAST_ORDER
    owners = wholesale.lines.group_by("order").agg(pl.col("customer").n_unique())
    assert owners["customer"].max() == 1


def line(customer: str, amount: str, *, ago: int = 1, cost: str = "0", discount: str = "0", manager: str = "M") -> dict:
    """A sale of a small base, so many days before the last one."""
    money = {"amount": Decimal(amount), "cost": Decimal(cost), "discount": Decimal(discount)}
    who = {"customer": customer, "manager": manager, "department": manager}
    return who | money | {"date": LAST_DAY - dt.timedelta(ago), "kind": "sale"}


def records_of(*rows: dict) -> pl.DataFrame:
    blank = dict.fromkeys(("manager", "potential", "reputation", "innovator", "demanding", "exclusive", "consent"))
    blank |= {"share_of_wallet": None, "referred_by": None, "missing": False}
    return pl.DataFrame([blank | {"key": row["customer"]} | row for row in rows], infer_schema_length=None)


def found(rows: list[dict], *records: dict) -> set[tuple[str | None, str, str]]:
    central_file = records_of(*records or ({"customer": "a"},))
    return set(found_by_rules(central_file, pl.DataFrame(rows)).iter_rows())


def test_a_share_of_just_a_tenth_counts_and_a_cent_less_does_not():
    parts = ("10.00", "90.00"), ("9.99", "90.01")
    shares = [found([line("a", part), line("b", rest)]) for part, rest in parts]
    assert [("a", "key account: company revenue", "0.100000") in each for each in shares] == [True, False]
    assert ("b", "dependency", "critical") in shares[0]


def test_levels_of_dependency_begin_at_their_limits():
    level = {}
    for share in ("19.99", "20", "29.99", "30", "40", "49.99", "50"):
        others = [line(f"r{number}", str((100 - Decimal(share)) / 20)) for number in range(20)]
        level[share] = {detail for _, what, detail in found([line("a", share), *others]) if what == "dependency"}
    assert list(level.values()) == [set(), {"watch"}, {"watch"}, {"high"}, {"dangerous"}, {"dangerous"}, {"critical"}]


def test_a_discount_eats_a_profit_only_where_there_was_one():
    rows = [
        line("a", "10", cost="12", discount="3"),
        line("b", "10", cost="12", discount="1"),
        line("c", "10", cost="10", discount="9"),
    ]
    whom = {(person, what) for person, what, _ in found(rows) if "profit" in what}
    assert whom == {("a", "profit below zero"), ("a", "discount eats the profit"), ("b", "profit below zero")}


def test_any_no_is_a_no_and_a_record_that_is_missing_says_nothing():
    again: list[dict] = [{"customer": "a", "consent": True}, {"customer": "a", "key": "a2", "consent": False}]
    others: list[dict] = [{"customer": "b", "consent": None}, {"customer": "c", "consent": True}]
    gone = {"customer": "d", "consent": True, "missing": True}
    everything = found([line("a", "1")], *again, *others, gone)
    assert {(person, detail) for person, what, detail in everything if what == "no consent"} == {
        ("a", "no"),
        ("b", "not recorded"),
        ("d", "not recorded"),
    }


@pytest.mark.parametrize(
    ("days_ago", "is_silent"),
    [
        ((81, 71, 61, 51, 41), True),
        ((80, 70, 60, 50, 40), False),
        ((141, 41, 40, 39, 38, 37, 36, 35), False),
        ((700,), False),
    ],
)
def test_silent_is_who_let_pass_four_times_the_mean_and_more_than_ever(days_ago, is_silent):
    everything = found([line("a", "1", ago=ago) for ago in days_ago])
    assert any(what == "silent key account" for _, what, _ in everything) == is_silent


def test_adherents_buy_only_here_or_four_fifths_and_advocates_sent_somebody():
    records: list[dict] = [
        {"customer": "a", "exclusive": True},
        {"customer": "b", "share_of_wallet": 80, "referred_by": "a"},
        {"customer": "c", "share_of_wallet": 79, "referred_by": "e"},
        {"customer": "e", "exclusive": True, "referred_by": "e"},
        {"customer": "g", "exclusive": True, "referred_by": "g"},
        {"customer": "f", "referred_by": "c"},
        {"customer": "d", "exclusive": False, "referred_by": "b", "missing": True},
    ]
    whom = {(person, what) for person, what, _ in found([line("a", "1")], *records) if what.startswith("ad")}
    assert whom == {
        ("a", "adherent"),
        ("a", "advocate"),
        ("b", "adherent"),
        ("e", "adherent"),
        ("e", "advocate"),
        ("g", "adherent"),
    }


def test_a_manager_holds_three_and_is_overloaded_by_a_fourth():
    rows = [line(name, "1", manager="M" if name < "d" else "N") for name in "abcdefg"]
    assert {detail for _, what, detail in found(rows) if what == "overloaded manager"} == {"N 4"}


def test_spending_covers_every_month_and_purpose(folder):
    rows = list(csv.DictReader((folder / "spending.csv").open(newline=""), delimiter=";"))
    months = {(row["Назначение"], row["Дата"]) for row in rows}
    assert len(months) == 2 * 36
    assert all((money(row["Сумма"]) or 0) > 0 for row in rows)
