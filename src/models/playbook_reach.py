"""Which rules of a playbook can be reached at all, whatever the customers are like.

Every column asked about is cut, at the values that the rules name, into pieces within which no condition changes. A
rule then holds in a box: so many pieces of each column. What it can reach is its box less the earlier rules' boxes,
taken away one after the other; nothing left means that it is never reached.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise, product

from models.playbook_columns import Column
from models.playbook_conditions import COMPARED, Among, Compared, Condition, Known, Placed, Value

OTHER = "\0"  # a text that no rule names
MOST_STEPS = 100_000

Conditions = Mapping[str, tuple[Condition, ...]]
Piece = tuple[object, ...]
Box = dict[str, frozenset[Piece]]


def reachable(rules: Sequence[Conditions], columns: Mapping[str, Column]) -> list[list[int] | None]:
    """Find for each rule whether some customer could reach it.

    Parameters
    ----------
    rules : sequence of mapping
        In order; for each column asked about its conditions.
    columns : mapping
        What each column can hold.

    Returns
    -------
    list
        None for a rule that can be reached. Otherwise the numbers, from 1, of the earlier rules that take all it
        could; none, if its own conditions can't hold together. Rules so many and so entangled that it would take too
        long to tell count as reached.
    """
    pieces = {name: _pieces(name, rules, columns[name]) for rule in rules for name in rule}
    boxes = [
        {
            name: frozenset(piece for piece in parts if all(_holds(c, piece) for c in rule.get(name, ())))
            for name, parts in pieces.items()
        }
        for rule in rules
    ]
    return [_taken_by(box, boxes[:number]) for number, box in enumerate(boxes)]


def _taken_by(box: Box, earlier: Sequence[Box]) -> list[int] | None:
    if not all(box.values()):
        return []
    takers: set[int] = set()
    # depth first, since a customer who reaches the rule is mostly found at once
    left, steps = [(box, 0)], 0
    while left:
        steps += 1
        rest, first = left.pop()
        hit = next((n for n in range(first, len(earlier)) if _meet(rest, earlier[n])), None)
        if hit is None or steps > MOST_STEPS:
            return None
        takers.add(hit + 1)
        left += [(part, hit + 1) for part in _less(rest, earlier[hit])]
    return sorted(takers)


def _meet(one: Box, other: Box) -> bool:
    return all(one[name] & other[name] for name in one)


def _less(box: Box, taken: Box) -> list[Box]:
    """Return what is left of a box, in boxes that don't meet."""
    parts, rest = [], dict(box)
    for name in box:
        if outside := rest[name] - taken[name]:
            parts.append({**rest, name: outside})
        rest[name] &= taken[name]
    return parts


def _pieces(name: str, rules: Sequence[Conditions], column: Column) -> list[Piece]:
    """Cut a column into pieces: a value that stands for the piece, and places from the top and from the bottom.

    The places of equal values may leave both ends empty, so from both of them every place is possible.
    """
    conditions = [condition for rule in rules for condition in rule.get(name, ())]
    limits = {condition.limit for condition in conditions if isinstance(condition, Compared)}
    values: list[Value]
    match column.kind:
        case "text":
            named = {str(limit) for limit in limits}.union(*(c.values for c in conditions if isinstance(c, Among)))
            values = list(column.values or sorted(named | {OTHER}))
        case "yes or no":
            values = [True, False]
        case _:
            ends = column.ends
            numbers = _between_limits(sorted({*map(_as_number, limits), *ends}))
            values = [n for n in numbers if not ends or (n >= ends[0] and n <= [*ends, math.inf][1])]
    shares = [[c.share for c in conditions if isinstance(c, Placed) and c.from_top == top] for top in (True, False)]
    places = list(product(*([*sorted(set(asked)), 1.0] for asked in shares)))
    return [(None, 1.0, 1.0), *((value, *place) for value in values for place in dict.fromkeys(places))]


def _between_limits(limits: Sequence[float]) -> list[float]:
    """Return the limits, and a value below, between and above them."""
    if not limits:
        return [0.0]
    inner = [(low + high) / 2 for low, high in pairwise(limits)]
    return sorted({limits[0] - 1 - abs(limits[0]), *limits, *inner, limits[-1] + 1 + abs(limits[-1])})


def _as_number(value: Value) -> float:
    return float(value.toordinal()) if isinstance(value, dt.date) else float(value)


def _holds(condition: Condition, piece: Piece) -> bool:
    value, from_top, from_bottom = piece
    if isinstance(condition, Known):
        return condition.known == (value is not None)
    if value is None:
        return False
    if isinstance(condition, Placed):
        return (from_top if condition.from_top else from_bottom) <= condition.share  # type: ignore[operator]
    if isinstance(condition, Among):
        return (value in condition.values) != condition.negated
    limit = condition.limit if isinstance(value, str | bool) else _as_number(condition.limit)
    return bool(COMPARED[condition.sign](value, limit))
