"""A playbook: rules, in order, of which the first that holds decides what is done with a customer.

Every customer gets exactly one action: the rules are tried in order, the first one whose every condition holds
decides, and the last one has no condition. So no two rules contradict each other; what can go wrong is that a rule is
never reached, since earlier ones take everybody it could, and such a playbook is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

import polars as pl
import polars.selectors as cs

from models.playbook_columns import COLUMNS, DTYPES, PLAYBOOK_COLUMNS
from models.playbook_conditions import Condition, nearest, read_conditions
from models.playbook_reach import reachable

__all__ = ["ACTIONS", "PLAYBOOK_COLUMNS", "Rule", "check_rules", "decide", "read_rules", "words_of"]

#: What can be done with a customer, the most pressing first.
ACTIONS = ("protect", "develop", "win back", "keep at low cost", "change terms", "hand over", "let go")
PARTS = ("action", "when", "because", "offer")
MOST_RULES = 100


@dataclass(frozen=True)
class Rule:
    """One rule of a playbook.

    Attributes
    ----------
    number : int
        Its place, from 1.
    action : str
        One of `ACTIONS`.
    when : mapping
        For each column asked about, the conditions as they are written.
    because, offer : str
        The reason and what to offer, in words; a column's name in braces stands for the customer's own value.
    conditions : mapping
        `when` as it was read; empty, the rule holds for everyone.
    """

    number: int
    action: str
    when: Mapping[str, str]
    because: str
    offer: str
    conditions: Mapping[str, tuple[Condition, ...]]

    def holds(self) -> pl.Expr:
        """Return whether every condition holds; what isn't known meets no condition but ``is not known``."""
        held = [
            condition.holds(pl.col(name)).fill_null(False)
            for name, conditions in self.conditions.items()
            for condition in conditions
        ]
        return pl.all_horizontal(held) if held else pl.lit(True)


def read_rules(given: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read a playbook and check it.

    Parameters
    ----------
    given : sequence of mapping
        The rules in order, each with action, when (a mapping of columns to conditions, see
        `models.playbook_conditions.read_conditions`; absent in the last rule), because, and offer if there is one.

    Returns
    -------
    tuple of Rule

    Raises
    ------
    ValueError
        One line for each problem, each with the number of its rule and what to do about it.
    """
    if not given:
        raise ValueError("there is no rule; write at least one, which has no 'when' and so holds for everyone")
    if len(given) > MOST_RULES:
        raise ValueError(f"there are {len(given)} rules; write {MOST_RULES} at most")
    rules, problems = [], []
    for number, rule in enumerate(given, start=1):
        try:
            rules.append(_read_rule(number, rule))
        except ValueError as reason:
            problems += [f"rule {number}: {line}" for line in str(reason).splitlines()]
    if not problems:
        problems = list(_never_reached(rules))
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(rules)


def check_rules(rules: Sequence[Mapping[str, Any]], columns: Sequence[str] = PLAYBOOK_COLUMNS) -> None:
    """Check a playbook.

    Parameters
    ----------
    rules : sequence of mapping
        As `read_rules` takes them.
    columns : sequence of str, default `PLAYBOOK_COLUMNS`
        The columns that rules may ask about.

    Raises
    ------
    ValueError
        One line for each problem: a rule that can't be read, that can never be reached, or that asks about another
        column; or a last rule that doesn't hold for everyone.
    """
    for rule in read_rules(rules):
        asked = {*rule.conditions, *placeholders(rule.because), *placeholders(rule.offer)}
        if unknown := sorted(asked - set(columns)):
            raise ValueError(f"rule {rule.number}: unknown column '{unknown[0]}'{nearest(unknown[0], columns)}")


def decide(customers: pl.DataFrame, rules: Sequence[Rule]) -> pl.Series:
    """Decide which rule each customer falls under.

    Parameters
    ----------
    customers : polars.DataFrame
        One row a customer, with any of `PLAYBOOK_COLUMNS`. A column that is absent is known of nobody, and so is a
        figure that is infinite or not a number.
    rules : sequence of Rule

    Returns
    -------
    polars.Series
        Number of the rule, from 1, for each row.
    """
    asked = {name for rule in rules for name in rule.conditions}
    absent = [pl.lit(None, DTYPES[COLUMNS[name].kind]).alias(name) for name in asked if name not in customers.columns]
    there = [pl.col(name) for name in sorted(asked) if name in customers.columns]
    frame = customers.select(pl.int_range(pl.len()).alias("row"), *there).with_columns(absent)
    finite = pl.when(cs.float().is_finite()).then(cs.float())
    numbers = [pl.when(rule.holds()).then(pl.lit(rule.number, pl.Int32)) for rule in rules]
    return frame.with_columns(finite).with_columns(pl.coalesce(numbers).alias("rule"))["rule"]


def placeholders(text: str) -> list[str]:
    """Return the columns named in braces in a text.

    Raises
    ------
    ValueError
        If braces are left open, or hold more than a column's name.
    """
    return [name for _, name in words_of(text) if name is not None]


def words_of(text: str) -> list[tuple[str, str | None]]:
    """Split a text into its plain words and the columns named in braces, one of them after each part.

    Raises
    ------
    ValueError
        If braces are left open, or hold more than a column's name.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise ValueError(
            f"the braces in '{text}' don't close; write a column's name in them, such as {{clv}}"
        ) from None
    for _, name, form, conversion in parts:
        if name is not None and (form or conversion or not name.isidentifier()):
            raise ValueError(f"'{{{name}}}' can't be filled in; write a column's bare name in braces, such as {{clv}}")
    return [(plain, name) for plain, name, _, _ in parts]


def _read_rule(number: int, given: Mapping[str, Any]) -> Rule:
    problems = [f"unknown key '{key}'{nearest(str(key), PARTS)}" for key in given if key not in PARTS]
    action, when = given.get("action"), given.get("when") or {}
    if action not in ACTIONS:
        if not isinstance(action, str):
            problems.append(f"'action' is missing; write one of {', '.join(ACTIONS)}")
        else:
            problems.append(f"unknown action '{action}'{nearest(action, ACTIONS) or f'; it is one of {_all(ACTIONS)}'}")
    texts = {part: given.get(part) or "" for part in ("because", "offer")}
    for part, text in texts.items():
        problems += _problems_of_text(part, text)
    if not texts["because"]:
        problems.append("'because' is missing; write the reason in words")
    conditions = {}
    if not isinstance(when, Mapping):
        problems.append("'when' should hold columns and conditions, such as 'abc: in A, B'")
        when = {}
    for name, condition in when.items():
        try:
            if name not in COLUMNS:
                raise ValueError(f"unknown column{nearest(str(name), COLUMNS)}")
            conditions[name] = read_conditions(condition, COLUMNS[name])
        except ValueError as reason:
            problems.append(f"when.{name}: {reason}")
    if problems:
        raise ValueError("\n".join(problems))
    written = {name: str(condition) for name, condition in when.items()}
    return Rule(number, str(action), written, texts["because"], texts["offer"], conditions)


def _problems_of_text(part: str, text: Any) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"'{part}' should be words"
        return
    try:
        unknown = [name for name in placeholders(text) if name not in COLUMNS]
    except ValueError as reason:
        yield f"{part}: {reason}"
        return
    for name in unknown:
        yield f"{part}: unknown column '{name}' in braces{nearest(name, COLUMNS)}"


def _never_reached(rules: Sequence[Rule]) -> Iterator[str]:
    if rules[-1].conditions:
        yield f"rule {len(rules)}: the last rule must hold for everyone; take its 'when' out, or add a rule without one"
    for number, taken_by in enumerate(reachable([rule.conditions for rule in rules], COLUMNS), start=1):
        if taken_by is None:
            continue
        if not taken_by:
            yield f"rule {number}: its conditions can never hold together, so it is never reached; mend or remove it"
            continue
        earlier = f"rule {taken_by[0]} takes" if len(taken_by) == 1 else f"rules {_all(taken_by)} take"
        yield (
            f"rule {number} can never be reached, since {earlier} everybody it could; "
            "move it up, narrow the earlier ones, or remove it"
        )


def _all(names: Sequence[Any]) -> str:
    return ", ".join(map(str, names))
