"""A playbook gives every customer one action, by the first rule that holds, and refuses rules that can't be meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.playbook import ACTIONS, PLAYBOOK_COLUMNS, check_rules, decide, read_rules, words_of
from models.playbook_columns import COLUMNS
from models.playbook_conditions import read_conditions
from models.playbook_default import DEFAULT_RULES
from models.playbook_stakes import value_at_stake

LAST = {"action": "keep at low cost", "because": "all others"}


def rule(action: str = "protect", because: Any = "so it is", **when: Any) -> dict[str, Any]:
    return {"action": action, "when": when, "because": because}


def book(*rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [*rules, LAST]


def decided(customers: Mapping[str, Any], *rules: dict[str, Any]) -> list[int]:
    return decide(pl.DataFrame(dict(customers)), read_rules(book(*rules))).to_list()


class TestConditions:
    @pytest.mark.parametrize(
        ("column", "condition", "held"),
        [
            ("profit", "< 0", [True, False, False, False]),
            ("profit", "<= 0", [True, True, False, False]),
            ("profit", ">= 0 and < 5", [False, True, False, False]),
            ("profit", "!= 0", [True, False, True, False]),
            ("profit", 0, [False, True, False, False]),
            ("profit", "> 1,000", [False, False, False, False]),
            ("profit", "> 1e-3", [False, False, True, False]),
            ("profit", "is known", [True, True, True, False]),
            ("profit", "is not known", [False, False, False, True]),
            ("p_alive", "< 50%", [True, False, False, False]),
            ("p_alive", "in top 10%", [False, False, True, False]),
            ("p_alive", "in bottom 34%", [True, True, False, False]),
            ("p_alive", "> 0.5 and in top 70%", [False, False, True, False]),
            ("abc", "in A, B", [True, True, False, False]),
            ("abc", ["A", "B"], [True, True, False, False]),
            ("abc", "not in A, B", [False, False, True, False]),
            ("abc", "= A", [True, False, False, False]),
            ("abc", "A", [True, False, False, False]),
            ("abc", "!= A", [False, True, True, False]),
            ("manager", "= О'Нил and sons", [False, True, False, False]),
            ("key_account", "= yes", [True, False, True, False]),
            ("key_account", False, [False, True, False, False]),
            ("key_account", "!= yes", [False, True, False, False]),
            ("last_purchase", "< 2025-02-01", [True, False, False, False]),
            ("last_purchase", dt.date(2025, 2, 1), [False, True, False, False]),
        ],
    )
    def test_hold_for_the_values_they_name_and_never_for_what_is_not_known(self, column, condition, held):
        customers = {
            "profit": [-1.0, 0.0, 5.0, None],
            "p_alive": [0.1, 0.5, 0.9, None],
            "abc": ["A", "B", "C", None],
            "manager": ["Б", "О'Нил and sons", "В", None],
            "key_account": [True, False, True, None],
            "last_purchase": [dt.date(2025, 1, 1), dt.date(2025, 2, 1), dt.date(2025, 3, 1), None],
        }
        assert decided(customers, rule(**{column: condition})) == [1 if each else 2 for each in held]

    @pytest.mark.parametrize(
        ("column", "condition", "said"),
        [
            ("profit", "below 0", "'below 0' can't be read; write a condition such as '< 0.5'"),
            ("profit", "> 1,5", "'1,5' can't be read"),
            ("profit", "< 0 and", "can't be read"),
            ("profit", "in A, B", "can't be read"),
            ("profit", "> 1e999", "'1e999' is too large a number"),
            ("profit", "in top 0%", "is no share"),
            ("profit", "in top 120%", "is no share"),
            ("profit", None, "'None' can't be read; write a condition such as '< 0.5'"),
            ("profit", {"<": 0}, "can't be read"),
            ("p_alive", "< 50", "'50' is no probability; write one from 0 to 1, or from 0% to 100%"),
            ("abc", "in A, D", "'D' is none of A, B, C"),
            ("abc", "< B", "compares sizes"),
            ("abc", "= ", "can't be read|is none of"),
            ("rung", "= regulra", "Did you mean 'regular'?"),
            ("manager", "is knwon", "'is knwon' can't be read"),
            ("key_account", "= true", "'true' can't be read; write a condition such as '= yes'"),
            ("key_account", "> no", "compares sizes"),
            ("last_purchase", "< 01.02.2025", "'01.02.2025' can't be read; write a condition such as '< 2025-01-31'"),
        ],
    )
    def test_that_cannot_be_read_are_refused_with_the_remedy(self, column, condition, said):
        with pytest.raises(ValueError, match=rf"^rule 1: when\.{column}: ") as refused:
            read_rules(book(rule(**{column: condition})))
        assert any(each in str(refused.value) for each in said.split("|"))

    def test_equals_stand_or_fall_together_at_the_border_of_a_top(self):
        assert decided({"clv": [9.0, 5.0, 5.0, 1.0]}, rule(clv="in top 50%")) == [1, 2, 2, 2]
        assert decided({"clv": [5.0] * 4}, rule(clv="in top 50%")) == [2] * 4
        assert decided({"clv": [float(n) for n in range(10)]}, rule(clv="in top 30%")) == [2] * 7 + [1] * 3

    @pytest.mark.parametrize("value", [float("inf"), float("nan"), None])
    def test_a_figure_without_end_is_not_known(self, value):
        assert decided({"clv": [value, 1.0]}, rule(clv="> 0"), rule("let go", clv="is not known")) == [2, 1]

    def test_a_column_that_the_base_does_not_have_is_not_known_of_anybody(self):
        rules = [rule(potential="> 0"), rule(reputation="= yes"), rule(manager="= A"), rule("let go", T="is known")][:3]
        assert decided({"profit": [1.0, 2.0]}, *rules) == [4, 4]
        assert decided({"profit": [1.0]}, rule(potential="is not known")) == [1]


class TestRules:
    def test_the_first_one_that_holds_decides(self):
        assert decided({"profit": [-1.0, -9.0, 3.0]}, rule(profit="< -5"), rule("let go", profit="< 0")) == [2, 1, 3]

    def test_every_condition_of_a_rule_must_hold(self):
        customers = {"profit": [-1.0, -1.0, 1.0], "abc": ["A", "C", "A"]}
        assert decided(customers, rule(profit="< 0", abc="= A")) == [1, 2, 2]

    @pytest.mark.parametrize(
        ("rules", "said"),
        [
            ([], "there is no rule; write at least one"),
            ([LAST] * 101, "there are 101 rules; write 100 at most"),
            ([rule(abc="= A")], "rule 1: the last rule must hold for everyone; take its 'when' out"),
            ([LAST, LAST], "rule 2 can never be reached, since rule 1 takes everybody it could"),
            (book(rule(p_alive="> 1")), "rule 1: its conditions can never hold together"),
            (book(rule(p_alive="< 0%")), "rule 1: its conditions can never hold together"),
            (book(rule(purchases="< 0")), "rule 1: its conditions can never hold together"),
            (book(rule(days_since_last="< 0")), "rule 1: its conditions can never hold together"),
            (book(rule(p_alive=">= 0"), rule(p_alive="<= 0.3")), "rule 2 can never be reached, since rule 1 takes"),
            (book(rule("portect")), "rule 1: unknown action 'portect'. Did you mean 'protect'?"),
            (book(rule("dance")), "rule 1: unknown action 'dance'; it is one of protect, develop"),
            (book({"because": "x"}), "rule 1: 'action' is missing"),
            (book({**rule(abc="= A"), "becuase": "x"}), "rule 1: unknown key 'becuase'. Did you mean 'because'?"),
            (book(rule(because="", abc="= A")), "rule 1: 'because' is missing"),
            (book(rule(because=7, abc="= A")), "rule 1: 'because' should be words"),
            (book(rule(p_aliv="> 0.5")), "rule 1: when.p_aliv: unknown column. Did you mean 'p_alive'?"),
            (book({**LAST, "when": ["abc"]}), "rule 1: 'when' should hold columns and conditions"),
            (book(rule(because="{profti}", abc="= A")), "unknown column 'profti' in braces. Did you mean 'profit'?"),
            (book(rule(because="{profit", abc="= A")), "rule 1: because: the braces"),
            (book(rule(because="{profit:.2f}", abc="= A")), "rule 1: because: '{profit}' can't be filled in"),
            (book(rule(because="{profit.__class__}", abc="= A")), "can't be filled in"),
        ],
    )
    def test_that_cannot_be_used_are_refused_by_number(self, rules, said):
        with pytest.raises(ValueError) as refused:
            read_rules(rules)
        assert said in str(refused.value)

    def test_each_problem_has_its_line(self):
        with pytest.raises(ValueError) as refused:
            read_rules(book(rule("dance", nonsense="< 1"), rule(profit="<")))
        lines = str(refused.value).splitlines()
        assert [line.partition(":")[0] for line in lines] == ["rule 1", "rule 1", "rule 2"]

    def test_columns_known_beforehand_are_checked(self):
        rules = book(rule(abc="= A", because="{manager}"))
        check_rules(rules)
        check_rules(rules, ["abc", "manager"])
        with pytest.raises(ValueError, match=r"^rule 1: unknown column 'manager'"):
            check_rules(rules, ["abc"])
        assert set(PLAYBOOK_COLUMNS) == set(COLUMNS)


class TestReach:
    @pytest.mark.parametrize(
        ("rules", "never", "taken_by"),
        [
            ([rule(profit="< 0"), rule(profit="< -5")], 2, "rule 1 takes"),
            ([rule(profit="< 0"), rule(profit="< -5", abc="= A")], 2, "rule 1 takes"),
            ([rule(profit="< 0"), rule(profit=">= 0"), rule(profit="is known")], 3, "rules 1, 2 take"),
            ([rule(abc="in A, B"), rule(abc="= C"), rule(abc="!= A")], 3, "rules 1, 2 take"),
            ([rule(key_account="= yes"), rule(key_account="!= no")], 2, "rule 1 takes"),
            ([rule(clv="in top 20%"), rule(clv="in top 10%")], 2, "rule 1 takes"),
            ([rule(clv="in bottom 20%"), rule(clv="in bottom 10% and > 5")], 2, "rule 1 takes"),
            ([rule(manager="in A, B"), rule(manager="= B")], 2, "rule 1 takes"),
            ([rule(last_purchase="< 2025-01-31"), rule(last_purchase="< 2024-01-31")], 2, "rule 1 takes"),
            ([rule(rung="= left"), rule(rung="!= left"), rule(rung="is not known"), rule(abc="A")], 4, "3 take"),
            ([rule(profit="> 5 and < 3")], 1, "its conditions can never hold together"),
            ([rule(profit="< 0", abc="not in A, B, C")], 1, "its conditions can never hold together"),
        ],
    )
    def test_a_rule_that_is_never_reached_is_refused_with_those_that_take_its_customers(self, rules, never, taken_by):
        with pytest.raises(ValueError, match=rf"^rule {never}\b.*{taken_by}"):
            read_rules(book(*rules))

    @pytest.mark.parametrize(
        "rules",
        [
            [rule(profit="< -5"), rule(profit="< 0")],
            [rule(profit="< 0", abc="= A"), rule(profit="< 0")],
            [rule(profit="< 0"), rule(profit=">= 0"), rule(profit="is not known")],
            [rule(clv="in top 10%"), rule(clv="in top 20%"), rule(clv="> 5"), rule(clv="in bottom 10%")],
            [rule(clv="in top 50%"), rule(clv="in bottom 50%"), rule(clv="is known")],  # equals are in neither
            [rule(manager="in A, B"), rule(manager="is known")],
        ],
    )
    def test_a_rule_that_somebody_could_reach_is_taken(self, rules):
        rules = rules[:-1] if rules[-1]["when"] == {"profit": "is not known"} else rules
        assert len(read_rules(book(*rules))) == len(rules) + 1

    def test_the_rule_for_all_others_may_be_left_nobody(self):
        with pytest.raises(ValueError, match=r"^rule 3 can never be reached, since rules 1, 2 take"):
            read_rules(book(rule(profit="is known"), rule(profit="is not known")))

    def test_many_entangled_rules_take_no_time(self):
        names = [name for name, column in COLUMNS.items() if column.kind == "money"][:9]
        rules = [rule(**{name: f"> {n + shift}" for shift, name in enumerate(names)}) for n in range(60, 0, -1)]
        assert len(read_rules(book(*rules))) == 61


CONDITIONS = {
    "profit": ["< 0", ">= 0", "> 5", "is known", "is not known", "in top 50%", "in bottom 50%", "> -2 and < 6"],
    "abc": ["= A", "in A, B", "not in A", "is known", "is not known"],
    "key_account": ["= yes", "= no", "is not known"],
}
WHENS = st.fixed_dictionaries({}, optional={name: st.sampled_from(each) for name, each in CONDITIONS.items()})
FRAMES = st.lists(
    st.tuples(
        st.sampled_from([None, -3.0, -1.0, 0.0, 5.5, 7.0, float("nan")]),
        st.sampled_from([None, "A", "B", "C"]),
        st.sampled_from([None, True, False]),
    ),
    min_size=1,
    max_size=30,
)
SCHEMA = {"profit": pl.Float64, "abc": pl.String, "key_account": pl.Boolean}


@given(rows=FRAMES, whens=st.lists(WHENS, max_size=6))
def test_everybody_gets_exactly_one_action_and_a_refused_rule_would_have_got_nobody(rows, whens):
    customers = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    rules = [rule(**when) for when in whens]
    while True:
        try:
            numbers = decide(customers, taken := read_rules(book(*rules)))
            break
        except ValueError as reason:
            refused = int(str(reason).split()[1].rstrip(":"))
            if refused > len(rules):  # the rule for all others: no need of it here
                rules.pop()
                continue
            # tried alone and behind all that went before it, it decides for nobody
            tried = [_unchecked(each, n) for n, each in enumerate([*rules[:refused], LAST], start=1)]
            assert refused not in decide(customers, tried).to_list()
            rules.pop(refused - 1)
    assert numbers.len() == customers.height
    assert numbers.null_count() == 0
    for number, row in zip(numbers, customers.iter_rows(named=True), strict=True):
        assert all(not _holds(each.when, row) for each in taken[: number - 1] if "in top" not in str(each.when))
    assert {taken[number - 1].action for number in numbers} <= set(ACTIONS)


def _unchecked(given: dict[str, Any], number: int) -> Any:
    from models.playbook import Rule

    when = given.get("when", {})
    conditions = {name: read_conditions(text, COLUMNS[name]) for name, text in when.items()}
    return Rule(number, given["action"], when, given["because"], "", conditions)


def _holds(when: Any, row: dict[str, Any]) -> bool:
    """Say whether conditions hold, by hand; places among all customers are left out."""
    profit = None if row["profit"] is None or row["profit"] != row["profit"] else row["profit"]
    told = {
        "profit": {
            "is known": profit is not None,
            "is not known": profit is None,
            **(
                {"< 0": profit < 0, ">= 0": profit >= 0, "> 5": profit > 5, "> -2 and < 6": -2 < profit < 6}
                if profit is not None
                else {}
            ),
        },
        "abc": {
            "= A": row["abc"] == "A",
            "in A, B": row["abc"] in ("A", "B"),
            "not in A": row["abc"] in ("B", "C"),
            "is known": row["abc"] is not None,
            "is not known": row["abc"] is None,
        },
        "key_account": {
            "= yes": row["key_account"] is True,
            "= no": row["key_account"] is False,
            "is not known": row["key_account"] is None,
        },
    }
    return "in bottom" not in str(when) and all(told[name].get(text, False) for name, text in when.items())


class TestDefaultRules:
    """Of each a customer whom a manager would put there, and nobody else."""

    EVERYBODY: ClassVar[dict[str, Any]] = {  # an ordinary customer of class B, to whom each case adds what it is about
        "revenue": 1_000.0,
        "profit": 200.0,
        "abc": "B",
        "rung": "regular",
        "key_account": False,
        "purchases": 5,
        "days_since_last": 20,
        "clv": 100.0,
        "value_if_alive": 110.0,
    }
    CASES: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (1, "change terms", {"profit": -10.0}),
        (2, "change terms", {"profit": -10.0, "abc": "C", "key_account": True}),
        (3, "change terms", {"profit": -10.0, "abc": "C", "unused_potential": 9_000.0}),
        (4, "keep at low cost", {"profit": -10.0, "abc": "C", "rung": "buyer", "purchases": 1}),
        (5, "let go", {"profit": -10.0, "abc": "C"}),
        (5, "let go", {"profit": -10.0, "abc": "C", "purchases": 1, "rung": "buyer", "days_since_last": 400}),
        (5, "let go", {"profit": -10.0, "abc": "A", "rung": "left"}),
        (6, "win back", {"rung": "left", "abc": "C", "key_account": True}),
        (7, "win back", {"rung": "left", "abc": "A"}),
        (8, "win back", {"rung": "left", "abc": "C", "value_if_alive": 9_999.0}),
        (9, "protect", {"key_account": True, "silent": True}),
        (10, "protect", {"key_account": True, "silent": False}),
        (11, "protect", {"clv": 5_000.0}),
        (12, "protect", {"clv": None, "abc": "A", "revenue": 90_000.0}),
        (13, "develop", {"abc": "C", "unused_potential": 9_000.0}),
        (14, "develop", {"growth": 0.25}),
        (15, "develop", {"abc": "A", "rung_change": "up"}),
        (16, "develop", {"abc": "A", "rung": "buyer", "purchases": 1, "days_to_due": -30, "clv": 110.0}),
        (17, "hand over", {"abc": "C", "serving_share": 0.5}),
        (18, "keep at low cost", {"abc": "C", "rung": "left", "purchases": 0, "clv": None, "value_if_alive": None}),
        (19, "keep at low cost", {"abc": "C", "rung": "left"}),
        (20, "keep at low cost", {"abc": "C"}),
        (20, "keep at low cost", {}),
        (20, "keep at low cost", {"abc": "A", "rung": "buyer", "purchases": 1, "days_to_due": 31}),
        (20, "keep at low cost", {"abc": "A", "rung": "buyer", "purchases": 1, "days_to_due": -30, "clv": 50.0}),
        (20, "keep at low cost", {"abc": "C", "serving_share": 0.49}),
        (20, "keep at low cost", {"profit": 0.0, "abc": "C"}),
    )

    @pytest.mark.parametrize(("number", "action", "case"), CASES)
    def test_decide_as_a_manager_would(self, number, action, case):
        others = [{**self.EVERYBODY, "clv": 100.0 + n, "revenue": 1_000.0 + n} for n in range(9)]
        others[-1] |= {"clv": 400.0}  # so that the customer in question is no top by chance
        frame = pl.DataFrame([{**self.EVERYBODY, **case}, *others], infer_schema_length=None)
        if "unused_potential" not in frame.columns:
            frame = frame.with_columns(unused_potential=pl.lit(None, pl.Float64))
        rules = read_rules(DEFAULT_RULES)
        decided = decide(frame, rules)[0]
        assert (decided, rules[decided - 1].action) == (number, action)

    def test_every_one_of_them_has_its_case(self):
        assert {number for number, _, _ in self.CASES} == set(range(1, len(DEFAULT_RULES) + 1))

    def test_a_base_of_which_nothing_but_revenue_is_known_is_decided_too(self):
        frame = pl.DataFrame({"customer": ["a", "b"], "revenue": [1.0, 2.0]})
        assert decide(frame, read_rules(DEFAULT_RULES)).to_list() == [20, 20]

    def test_a_base_without_customers_is_decided_too(self):
        assert decide(pl.DataFrame(schema=SCHEMA), read_rules(DEFAULT_RULES)).is_empty()


class TestValueAtStake:
    ROW: ClassVar[dict[str, Any]] = {
        "action": "protect",
        "clv": 80.0,
        "clv_low": 20.0,
        "clv_high": 150.0,
        "p_alive": 0.8,
        "value_if_alive": 100.0,
        "revenue": 1_000.0,
        "profit": 250.0,
        "cost_to_serve": 60.0,
        "unused_potential": None,
        "rung": "regular",
        "first_purchase": dt.date(2020, 5, 1),
    }

    @pytest.mark.parametrize(
        ("case", "stake", "has_interval"),
        [
            ({}, 80.0, True),
            ({"action": "keep at low cost"}, 80.0, True),
            ({"action": "develop"}, 80.0, True),
            # 400 elsewhere a year, at a margin of 250/1000, over two years
            ({"action": "develop", "unused_potential": 400.0}, 200.0, False),
            ({"action": "develop", "unused_potential": 400.0, "profit": None}, 800.0, False),
            ({"action": "win back"}, 20.0, False),
            ({"action": "win back", "p_alive": None}, None, False),
            # a loss of 100 over 365 days is one of 200 over two years, if the customer stays
            ({"action": "change terms", "profit": -100.0}, 160.0, False),
            ({"action": "let go", "profit": -100.0}, 160.0, False),
            ({"action": "let go", "profit": -100.0, "p_alive": None}, 200.0, False),
            ({"action": "let go", "profit": -100.0, "p_alive": None, "rung": "left"}, 0.0, False),
            # a customer of 200 days loses it in these; of five days, in what is at least taken for a pace, 90 days
            ({"action": "let go", "profit": -100.0, "first_purchase": dt.date(2025, 6, 15)}, 292.0, False),
            ({"action": "let go", "profit": -9.0, "first_purchase": dt.date(2025, 12, 27)}, 58.4, False),
            ({"action": "let go", "profit": -100.0, "first_purchase": None}, 160.0, False),
            ({"action": "let go", "profit": None}, None, False),
            ({"action": "let go", "profit": 5.0}, 0.0, False),
            ({"action": "hand over"}, 96.0, False),
            ({"action": "hand over", "first_purchase": dt.date(2025, 6, 15)}, 175.2, False),
        ],
    )
    def test_is_what_the_action_keeps_wins_or_no_longer_loses(self, case, stake, has_interval):
        kinds = {"action": pl.String, "rung": pl.String, "first_purchase": pl.Date}
        schema = {name: kinds.get(name, pl.Float64) for name in self.ROW}
        frame = pl.DataFrame([{**self.ROW, **case}], schema=schema)
        found = value_at_stake(frame, horizon_days=730, days_looked_at=365, as_of=dt.date(2025, 12, 31)).row(0)
        assert found[0] == pytest.approx(stake) if stake is not None else found[0] is None
        assert found[1:] == ((20.0, 150.0) if has_interval else (None, None))


def test_words_and_columns_of_a_text():
    assert words_of("a {clv} b {{x}} {profit}") == [("a ", "clv"), (" b {", None), ("x}", None), (" ", "profit")]
