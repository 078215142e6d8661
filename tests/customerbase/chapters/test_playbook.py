"""What `08_playbook` decides and lists on a base whose truth is planted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pytest
import yaml

from customerbase.chapter import Chapter
from customerbase.chapters.playbook import playbook, playbook_findings
from customerbase.chapters.playbook.playbook_findings import findings
from customerbase.errors import Refusal
from customerbase.figures.playbook import playbook as figures
from customerbase.lists import read_list
from customerbase.parameters import read_parameters
from customerbase.reasons import filled_in
from customerbase.store import read_table
from customerbase.unsaid import Unsaid
from customerbase.wording import money
from models.playbook import ACTIONS, PLAYBOOK_COLUMNS

AS_OF = dt.date(2025, 6, 30)
LEDGER = "customer,date,amount,cost,product,manager,kind"
CUSTOMERS = "customer,name,phone,email,consent,reputation,share_of_wallet"
NAME, PHONE, EMAIL = "Secret Name", "+7 900 000 00", "who@secret.example"
UNMEASURED = (Unsaid("no earlier lists"), Unsaid("no earlier lists"))


def planted() -> list[tuple]:
    """Forty ordinary customers, and those whom the rules are about."""
    random = np.random.default_rng(5)
    rows: list[tuple] = []

    def buys(
        who: str, days_ago: Any, amount: float, cost_share: float = 0.6, what: str = "doors", manager: str = "Ann"
    ):
        for ago in days_ago:
            day = AS_OF - dt.timedelta(days=int(ago))
            rows.append((who, day, round(amount, 2), round(amount * cost_share, 2), what, manager, "sale"))

    for number in range(40):
        # a third of them leave, so that the model has seen it
        gone = random.integers(0, 600) if number % 3 == 0 else 0
        bought = np.unique(random.integers(gone, 700, random.integers(2, 14)))
        buys(f"{number:02d}", bought, 90 + number, manager=("Ann", "Bob")[number % 2])
    buys("largest", range(5, 700, 20), 900, what="windows")
    buys("renowned", range(9, 700, 60), 20)
    buys("rebated", range(7, 700, 30), 300, cost_share=1.2)
    buys("costly", range(4, 700, 40), 3, cost_share=1.5)
    buys("lost", range(400, 700, 10), 80)
    buys("untapped", range(8, 700, 45), 15)
    buys("returned", [300], 50)
    rows.append(("returned", AS_OF - dt.timedelta(days=290), -50, -30, "doors", "Ann", "return"))
    return rows


def customers_file() -> str:
    consent = {"largest": "no", "lost": "", "rebated": "yes"}
    recorded = ["largest", "renowned", "rebated", "lost", "untapped", *(f"{number:02d}" for number in range(40))]
    lines = [
        ",".join(
            (
                *(key, f"{NAME} {key}", f"{PHONE} {n:02d}", f"{key}.{EMAIL}"),
                consent.get(key, ("yes", "no", "", "yes")[n % 4]),
                "5" if key == "renowned" else "",
                "5%" if key == "untapped" else "",
            )
        )
        for n, key in enumerate(recorded)
    ]
    return "\n".join([CUSTOMERS, *lines]) + "\n"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A chapter on the planted base; its tables are computed once."""
    home = tmp_path_factory.mktemp("planted")
    (home / "ledger.csv").write_text("\n".join([LEDGER, *(",".join(map(str, row)) for row in planted())]), "utf-8")
    (home / "customers.csv").write_text(customers_file(), "utf-8")
    kept: dict[str, Any] = {}

    def make(folder: Path, **parameters: Any) -> Chapter:
        given: dict[str, Any] = {
            "base": "planted",
            "ledger": {"path": str(home / "ledger.csv"), "columns": {name: name for name in LEDGER.split(",")}},
            "customers": {"path": str(home / "customers.csv"), "columns": {n: n for n in CUSTOMERS.split(",")}},
            "as_of": str(AS_OF),
        }
        file = home / "planted.yml"
        file.write_text(yaml.safe_dump(given | parameters), "utf-8")
        chapter = Chapter("08_playbook", read_parameters(file))
        chapter.folder = folder
        # neither who is who nor what customers are worth hangs on what the tests vary
        if "intake" not in kept:
            kept["intake"] = chapter._intake
        chapter._intake = kept["intake"]
        computed = chapter.table

        def table(name: str) -> Any:
            if name not in kept:
                kept[name] = computed(name)
            return kept[name]

        setattr(chapter, "table", table)  # noqa: B010
        return chapter

    return make


@pytest.fixture(scope="module")
def decided():
    """What was decided under which parameters."""
    return {}


@pytest.fixture
def played(opened, decided, tmp_path):
    """Open the base with parameters, and decide, where it wasn't decided under the same ones before."""

    def play(**parameters: Any) -> tuple[Chapter, pl.DataFrame]:
        chapter = opened(tmp_path / "run", **parameters)
        key = repr({name: value for name, value in parameters.items() if name != "show_personal_data"})
        if key not in decided:
            decided[key] = playbook.played(chapter, playbook.rules(chapter))
        return chapter, decided[key]

    return play


def row_of(customers: pl.DataFrame, key: str) -> dict[str, Any]:
    return customers.row(by_predicate=pl.col("customer") == key, named=True)


def listed(folder: Path) -> dict[str, set[str]]:
    """Return the customers of every list that was written, CSV and Excel, but for the control group's."""
    found: dict[str, set[str]] = {}
    for file in (folder / "lists").rglob("*.csv"):
        if file.stem != "control_group":
            found[str(file.relative_to(folder))] = set(read_list(pl.read_csv(file, infer_schema=False))["customer"])
    for file in (folder / "lists").rglob("*.xlsx"):
        header, *rows = openpyxl.load_workbook(file).active.values
        assert header[0] == "customer"
        found[str(file.relative_to(folder))] = {row[0] for row in rows}
    return found


class TestDecisions:
    def test_everybody_of_the_ledger_has_one_row_and_one_action(self, played):
        chapter, customers = played()
        assert customers["customer"].to_list() == sorted(chapter.ledger["customer"].unique())
        assert set(customers["action"]) <= set(ACTIONS)
        for column in ("action", "action_reason", "rule"):
            assert customers[column].null_count() == 0
        assert set(PLAYBOOK_COLUMNS) <= set(customers.columns)
        actions = playbook.by_action(customers)
        assert actions["customers"].sum() == customers.height
        assert actions["revenue"].sum() == pytest.approx(chapter.ledger["amount"].sum())

    @pytest.mark.parametrize(
        ("key", "action", "said"),
        [
            ("largest", "protect", "A key account (company revenue"),
            ("renowned", "protect", "A key account (reputation)"),
            ("rebated", "change terms", "class A), yet profit is USD -1,440"),
            ("costly", "let go", "Profit is USD -27.00 on USD 54.00 of revenue (class C)"),
            ("lost", "win back", "silent for 400 days, still a customer with a probability of under 1%"),
            ("untapped", "develop", "Buys for USD 2,280 a year elsewhere"),
            ("returned", "keep at low cost", "all of it was returned"),
        ],
    )
    def test_those_planted_get_their_action_and_its_reason_with_their_own_numbers(self, played, key, action, said):
        row = row_of(played()[1], key)
        assert row["action"] == action
        assert said in row["action_reason"]

    def test_offers_name_what_the_customer_buys(self, played):
        customers = played()[1]
        assert "windows" in row_of(customers, "largest")["offer"]
        assert "doors" in row_of(customers, "lost")["offer"]

    def test_the_next_contact_is_a_working_day_on_or_after_which_the_next_purchase_is_due(self, played):
        customers = played()[1]
        known = customers.filter(pl.col("due").is_not_null() & pl.col("next_contact").is_not_null())
        tomorrow = AS_OF + dt.timedelta(days=1)  # a Tuesday
        assert customers.schema["next_contact"] == customers.schema["due_since"] == pl.Date
        weekend = 0
        for due, contact in known.select("due", "next_contact").iter_rows():
            wanted = max(due, tomorrow)
            weekend += wanted.weekday() > 4
            assert contact == wanted + dt.timedelta(days=max(0, 7 - wanted.weekday()) if wanted.weekday() > 4 else 0)
        assert weekend > 0
        assert row_of(customers, "lost")["next_contact"] == tomorrow
        assert row_of(customers, "largest")["next_contact"] > tomorrow
        assert row_of(customers, "returned")["next_contact"] is None

    @pytest.mark.parametrize(
        ("as_of", "due", "contact", "since"),
        [
            ("2025-12-31", "2025-12-31", "2026-01-01", "2025-12-31"),
            ("2026-01-02", "2025-12-30", "2026-01-05", "2025-12-30"),  # a Friday: not before Monday
            ("2026-01-02", "2026-01-04", "2026-01-05", None),
            ("2026-01-02", "2026-01-09", "2026-01-09", None),
            ("2026-01-02", "2026-01-10", "2026-01-12", None),
            ("2026-01-02", None, None, None),
        ],
    )
    def test_a_day_that_has_passed_is_told_as_overdue(self, as_of, due, contact, since):
        days = [None if day is None else dt.date.fromisoformat(day) for day in (as_of, due, contact, since)]
        frame = pl.DataFrame({"due": [days[1]], "action": ["protect"]}, schema_overrides={"due": pl.Date})
        assert days[0] is not None
        assert frame.select(playbook.next_dates(days[0])).row(0) == (days[2], days[3])

    def test_nobody_to_keep_at_low_cost_is_called_because_a_purchase_is_overdue(self, played):
        customers = played()[1]
        overdue = customers.filter(pl.col("due") <= AS_OF)
        keep = pl.col("action") == "keep at low cost"
        assert overdue.filter(keep).height > 0
        assert overdue.filter(keep)["next_contact"].is_null().all()
        assert overdue.filter(~keep)["next_contact"].is_not_null().all()
        assert (overdue["due_since"] == overdue["due"]).all()
        assert customers.filter(pl.col("due") > AS_OF)["due_since"].is_null().all()

    def test_shares_and_silence_are_those_of_the_key_accounts(self, played):
        chapter, customers = played()
        accounts = pl.from_pandas(chapter.table("key_accounts"))
        both = accounts.join(customers, on="customer", suffix="_here")
        assert both.height == accounts.height == customers["key_account"].sum() > 0
        for column in ("share", "silent", "manager", "criteria"):
            assert both[column].to_list() == both[f"{column}_here"].to_list()

    def test_value_at_stake_is_lifetime_value_where_there_is_something_to_protect(self, played):
        row = row_of(played()[1], "largest")
        assert row["value_at_stake"] == row["clv"] > 0
        assert row["value_at_stake_low"] == row["clv_low"] < row["clv"] < row["value_at_stake_high"]
        row = row_of(played()[1], "lost")
        assert row["value_at_stake"] == pytest.approx(row["value_if_alive"] - row["clv"])

    def test_the_table_keeps_its_kinds_on_disk(self, played):
        chapter, customers = played()
        playbook.write_tables(chapter, customers)
        back = read_table(chapter.folder, "customers")
        assert back is not None
        assert back.schema == customers.schema
        assert back.equals(customers)


class TestLists:
    @pytest.mark.parametrize("required", [True, False])
    def test_nobody_is_on_any_list_who_may_not_be_contacted(self, played, required):
        chapter, customers = played(consent_required=required)
        playbook.write_lists(chapter, customers)
        files = listed(chapter.folder)
        on_lists = set().union(*files.values())
        allowed = {"yes"} if required else {"yes", "not recorded"}
        asked = dict(zip(customers["customer"], customers["may_contact"], strict=True))
        assert on_lists
        assert {asked[key] for key in on_lists} == allowed
        assert "largest" not in on_lists
        assert {Path(name).stem for name in files} >= {"protect", "keep_at_low_cost", "ann", "bob"}

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
    def test_lists_control_groups_and_those_not_to_be_contacted_partition_every_action(self, played, share):
        chapter, customers = played(control_share=share)
        playbook.write_lists(chapter, customers)
        files = listed(chapter.folder)
        for action in ACTIONS:
            of = customers.filter(pl.col("action") == action)
            reached = of.filter(pl.col("may_contact") == "yes")
            on_list, held = (set(of.filter(name)["customer"]) for name in ("on_list", "control_group"))
            assert on_list.isdisjoint(held)
            assert on_list | held == set(reached["customer"])
            others = reached.filter(~pl.col("key_account"))
            assert held <= set(others["customer"])
            assert len(held) == int(share * others.height + 0.5)
            for ending in ("csv", "xlsx"):
                assert files.get(f"lists/{action.replace(' ', '_')}.{ending}", set()) == on_list
        held_out = pl.read_csv(chapter.folder / "lists" / "control_group.csv", infer_schema=False)
        assert set(held_out["customer"]) == set(customers.filter("control_group")["customer"])
        counts = playbook.list_counts(customers).set_index("action")
        parts = counts[["on_list", "control_group", "said_no", "not_recorded"]]
        assert (parts.sum(axis=1) == counts["customers"]).all()
        assert counts["customers"].iloc[-1] == customers.height

    def test_the_same_seed_holds_out_the_same_customers_and_another_seed_others(self, opened, tmp_path):
        held = []
        for seed in (1, 1, 2):
            chapter = opened(tmp_path, seed=seed, control_share=0.5)
            held.append(playbook.played(chapter, playbook.rules(chapter))["control_group"].to_list())
        assert held[0] == held[1] != held[2]

    def test_personal_data_stands_in_lists_only_where_it_is_asked_for(self, played):
        for shown in (False, True):
            chapter, customers = played(show_personal_data=shown)
            playbook.write_lists(chapter, customers)
            for part in (NAME, EMAIL, "+7 900"):
                text = "".join(file.read_text("utf-8") for file in (chapter.folder / "lists").rglob("*.csv"))
                assert (part in text) is shown
            header = next(openpyxl.load_workbook(chapter.folder / "lists" / "protect.xlsx").active.values)
            assert ("phone" in header) is shown
            playbook.write_tables(chapter, customers)
            table = read_table(chapter.folder, "customers")
            assert table is not None
            assert not {"name", "phone", "email"} & set(table.columns)
        held_out = (chapter.folder / "lists" / "control_group.csv").read_text("utf-8")
        assert NAME not in held_out

    def test_the_rules_lie_beside_the_lists_ready_to_be_copied(self, played):
        chapter, customers = played()
        playbook.write_lists(chapter, customers)
        given = yaml.safe_load((chapter.folder / "lists" / "playbook.yml").read_text("utf-8"))
        again = played(**given)[1]
        assert again.equals(customers)


class TestRulesOfTheParameterFile:
    def test_decide_instead_of_the_default_ones(self, played):
        rules = [
            {
                "action": "hand over",
                "when": {"manager": "= Bob", "revenue": "< 500"},
                "because": "Bob's, {revenue} only, {p_alive} alive, since {first_purchase}",
            },
            {"action": "develop", "because": "all others"},
        ]
        customers = played(playbook=rules)[1]
        bobs = (pl.col("manager") == "Bob") & (pl.col("revenue") < 500)
        assert customers.filter(bobs).height > 0
        assert set(customers.filter(bobs)["action"]) == {"hand over"}
        assert set(customers.filter(~bobs)["action"]) == {"develop"}
        assert customers["offer"].null_count() == customers.height
        assert customers.filter(bobs)["action_reason"][0].startswith("Bob's, USD ")

    def test_that_cannot_be_used_are_refused_with_number_and_remedy(self, opened, tmp_path):
        rules = [{"action": "develop", "because": "all"}, {"action": "let go", "because": "x", "when": {"abc": "A"}}]
        with pytest.raises(Refusal) as refused:
            opened(tmp_path, playbook=rules)
        said = [problem.partition(": playbook: ")[2] for problem in refused.value.problems]
        assert said == [
            "rule 2: the last rule must hold for everyone; take its 'when' out, or add a rule without one.",
            "rule 2 can never be reached, since rule 1 takes everybody it could; move it up, narrow the earlier ones, "
            "or remove it.",
        ]


class TestPages:
    def test_tables_and_figures_tell_what_was_decided(self, played):
        chapter, customers = played()
        actions, managers = playbook.by_action(customers), playbook.by_manager(customers)
        assert list(managers.index) == ["Ann", "Bob"]
        assert managers.to_numpy().sum() == pytest.approx(customers["value_at_stake"].clip(0, None).sum())
        assert "protected: they hold" in figures.divided(actions).alt
        assert "Most is at stake with Ann: USD" in figures.stakes(managers, "USD").alt
        rules = playbook.rule_table(playbook.rules(chapter), customers)
        assert sum(int(row[3].replace(",", "")) for row in rules.rows) == customers.height
        first = playbook.first_table(chapter, customers)
        assert "largest" not in [row[0] for row in first.rows]  # who said no
        of_managers = playbook.manager_table(chapter, managers, customers)
        assert of_managers is not None
        assert len(of_managers.rows) == 2
        written = playbook.write_lists(chapter, customers)
        assert playbook.file_table(written).rows[-1][0] == "by_manager/ (2 managers)"
        assert len(playbook.column_table().rows) == len(PLAYBOOK_COLUMNS)

    def test_findings_say_whom_to_develop_and_whom_to_let_go(self, played, monkeypatch):
        chapter, customers = played()
        monkeypatch.setattr(playbook_findings, "ENOUGH_FOR_HALF", 2)
        counts = playbook.list_counts(customers)
        args = (playbook.by_action(customers), counts, UNMEASURED, Unsaid("no levers"))
        stated = {found.id: found for found in findings(chapter, customers, *args).findings}
        assert stated["actions"].value == customers.height
        assert stated["develop"].question == stated["let_go"].question == "decisions"
        for action in ("protect", "develop", "win back"):
            of = customers.filter(pl.col("action") == action)
            called = of.filter("on_list")
            said = stated[action.replace(" ", "_")].statement
            stake = money(called["value_at_stake"].sum(), "USD")
            told = f"of it {stake} with the {called.height} on the list" if called.height else "none of it with anybody"
            assert (told in said) == (called.height < of.height)
            half = f"(half of them {money(called['value_at_stake'].median() or 0.0, 'USD')} or less each)"
            assert (half in said) == (called.height >= 2)
        first = customers.filter((pl.col("action") == "develop") & pl.col("on_list"))
        first = first.sort("value_at_stake", descending=True)["customer"].head(3)
        assert all(name in stated["develop"].statement.partition("first of all ")[2] for name in first)
        assert "before what an order costs and what a contact costs is recorded" in stated["let_go"].statement
        assert "let 1 customer go (a loss of USD 27.00)" in stated["let_go"].statement
        assert "with 1 customer, rebated (a loss of USD 1,440)" in stated["let_go"].statement
        assert "may not be contacted" in stated["lists"].statement


@pytest.mark.parametrize(
    "rows",
    [
        "a,2024-01-01,5\n",
        "a,2024-01-01,5\na,2024-01-02,-5\n",
        "a,2024-01-01,5\nb,2024-01-01,5\nc,2024-02-01,5\n",
        "a,2024-01-01,0\n",
    ],
)
def test_a_base_that_says_little_is_decided_and_listed_too(rows, make_base, tmp_path):
    chapter = Chapter("08_playbook", read_parameters(make_base(rows, quarantine_limit=1.0)))
    chapter.folder = tmp_path / "run"
    customers = playbook.played(chapter, playbook.rules(chapter))
    assert customers["action"].null_count() == 0
    actions, counts = playbook.by_action(customers), playbook.list_counts(customers)
    assert figures.divided(actions).alt
    managers: Any = playbook.by_manager(customers)
    drawn: Any = figures.stakes(managers, "USD")
    assert managers is drawn
    assert isinstance(drawn, Unsaid)
    assert playbook.manager_table(chapter, managers, customers) is None
    assert isinstance(playbook.first_table(chapter, customers), Unsaid)
    assert playbook.write_lists(chapter, customers) == {"control_group.csv": 0}
    playbook.write_tables(chapter, customers)
    stated = {f.id: f for f in findings(chapter, customers, actions, counts, UNMEASURED, Unsaid("none")).findings}
    assert stated["let_go"].verdict == "unknown"
    assert stated["lists"].verdict == "act"
    assert playbook.table_customers(chapter).shape[0] == customers.height


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("revenue", 1234567.4, "USD 1,234,567"),
        ("revenue", -1234.0, "USD -1,234"),
        ("revenue", 99.999, "USD 100"),
        ("revenue", 99.994, "USD 99.99"),
        ("revenue", 0.05, "USD 0.05"),
        ("revenue", -0.05, "USD -0.05"),
        ("revenue", None, "not recorded"),
        ("purchases", 1000, "1,000"),
        ("purchases", 0, "0"),
        ("growth", 12.346, "1,234.6%"),
        ("growth", -0.5, "-50.0%"),
        ("share", 0.0994, "9.9%"),
        ("share", -0.0004, "0.0%"),
        ("share", -0.0996, "-10.0%"),
        ("p_alive", None, "not known"),
        ("p_alive", 0.004, "under 1%"),
        ("p_alive", 0.996, "over 99%"),
        ("p_alive", 0.5, "50%"),
        ("key_account", True, "yes"),
        ("key_account", None, "not recorded"),
        ("first_purchase", dt.date(2024, 3, 1), "1 March 2024"),
        ("most_bought", None, "what they have bought before"),
        ("most_bought", "=1+1 {x}", "=1+1 {x}"),
    ],
)
def test_numbers_in_reasons_are_worded_as_everywhere(column, value, words):
    frame = pl.DataFrame({column: [value]})
    if value is None:
        kinds = {"key_account": pl.Boolean, "most_bought": pl.String}
        frame = frame.cast(kinds.get(column, pl.Float64))
    assert frame.select(filled_in(f"so: {{{column}}}!", "USD")).item() == f"so: {words}!"
