"""The practitioner's dashboard of `02_portrait` as a whole, on bases that say little and on a simulated one."""

import re

import pytest

from customerbase.chapters import profit
from customerbase.chapters.portrait import (
    acquisition_cost,
    ladder,
    lifetime_value_factors,
    new_and_existing,
    retention_rate,
    share_of_wallet,
)
from customerbase.figures.portrait import ladder as ladder_figures
from customerbase.figures.portrait import lifetime_value_factors as factor_figures
from customerbase.figures.portrait import new_and_existing as newcomer_figures
from customerbase.figures.portrait import retention_rate as retention_figures
from customerbase.figures.portrait import share_of_wallet as wallet_figures
from customerbase.findings import QUESTIONS
from customerbase.unsaid import Unsaid
from tests.dashboard_base import everything, stated

UNREADABLE = re.compile(r"\b(nan|NaN|NaT|inf|None)\b")


def test_a_contact_is_what_the_events_table_was_read_as(dashboard_of, side_table):
    """Words are told when the table is read, as whole cells: a note on visits is no visit."""
    events = "customer,date,kind\na,2023-01-05,Call\na,2023-01-06,письмо\na,2023-01-07,visit planned\n"
    chapter = dashboard_of("a,2023-01-01,10\nb,2023-02-01,5\n", events=side_table("events", events))
    made = profit.contacts(chapter)
    assert made is not None
    assert made["customer"].to_list() == ["a", "a"]


SEEN_TWICE = {"rungs", "flow", "new and existing"}
LITTLE = {
    "one customer": ("only,2024-01-01,10\n", {"rungs"}),
    "one customer who came back": ("only,2022-01-01,10\nonly,2024-01-01,10\n", SEEN_TWICE),
    "everything returned": (
        "a,2022-01-01,10,A\na,2022-01-02,-10,A\nb,2024-01-01,5,B\nb,2024-01-02,-5,B\n",
        {"rungs", "flow"},
    ),
    "three rows": (
        "a,2020-01-01,1\nb,2022-01-01,2\na,2024-01-01,3\n",
        SEEN_TWICE | {"retention", "lifetime values"},
    ),
    "free": ("".join(f"c{n % 9},202{n % 4}-0{1 + n % 9}-11,0\n" for n in range(60)), SEEN_TWICE | {"retention"}),
    "returns above purchases": (
        "a,2022-01-01,10\na,2023-01-02,-50\nb,2022-06-01,5\nb,2023-06-01,5\n",
        SEEN_TWICE | {"retention", "lifetime values"},
    ),
}


@pytest.mark.parametrize(("rows", "drawn"), LITTLE.values(), ids=LITTLE)
def test_a_base_that_says_little_is_told_what_it_can_t_say(dashboard_of, rows, drawn):
    columns = rows.split("\n", 1)[0].count(",") + 1
    chapter = dashboard_of(rows, header=",".join(("customer", "date", "amount", "order")[:columns]))
    board = everything(chapter)
    currency, given = chapter.parameters.currency, chapter.parameters
    shown = [
        ladder.rung_table(chapter, board.ladder, board.rungs),
        ladder.move_table(chapter, board.flow),
        retention_rate.retention_table(chapter, board.rates),
        lifetime_value_factors.factor_table(chapter, board.factors),
        new_and_existing.newcomer_table(chapter, board.newcomers),
        acquisition_cost.cost_table(chapter, board.newcomers),
        share_of_wallet.wallet_table(chapter, board.ladder, board.wallet),
    ]
    figures = {
        "rungs": ladder_figures.rungs(board.rungs, board.ladder.unknown),
        "flow": ladder_figures.flow(board.flow),
        "retention": retention_figures.retention(board.rates, given.reference_retention),
        "lifetime values": factor_figures.lifetime_values(board.factors, currency, given.horizon_days),
        "new and existing": newcomer_figures.new_against_existing(board.newcomers, currency),
        "share of wallet": wallet_figures.left_to_win(board.wallet, currency),
    }
    found = stated(chapter, board)
    told = [finding.statement for finding in found.values()]
    told += [each.reason if isinstance(each, Unsaid) else each._plain() for each in shown if each is not None]
    told += [each.reason if isinstance(each, Unsaid) else each.alt for each in figures.values()]
    assert not [text for text in told if UNREADABLE.search(text)]
    pictures = {name: figure for name, figure in figures.items() if not isinstance(figure, Unsaid)}
    assert set(pictures) == drawn
    assert all(picture.png() for picture in pictures.values())
    assert all(finding.statement.endswith(".") for finding in found.values())
    assert len(board.ladder.customers) == chapter.ledger["customer"].n_unique()


def test_a_manager_hears_who_the_customers_are(dashboard_of, simulated):
    chapter = dashboard_of(simulated)
    found = stated(chapter, everything(chapter))
    asked = {finding.question: name for name, finding in found.items() if finding.question}
    assert asked == {"who": "ladder"}
    assert set(asked) <= set(QUESTIONS)
