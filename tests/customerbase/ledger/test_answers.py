"""Answers about customers: yes or no, scores, money, shares; what can't be read is counted and never guessed."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from customerbase.ledger.answers import CONSENTS, FLAGS, NO, SCORES, SHARES, YES, read_answers

NAMES = (*SHARES, *SCORES, *FLAGS, "consent")
HOSTILE = ("=1+1", "<b>5</b>", "#N/A", "inf", "1e400", "5 of 5", "٣", "1\u200b", "да нет", "--5")


def read(name: str, *cells: object, **signs: str) -> tuple[list[object], tuple[str, ...]]:
    rows, notes = read_answers(pl.DataFrame({name: pl.Series(cells, strict=False)}), **signs)
    return rows[name].to_list(), notes


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize(
    ("cells", "shares"),
    [
        (("15", "80", "100"), [0.15, 0.8, 1.0]),
        (("0.15", "0.8", "1"), [0.15, 0.8, 1.0]),
        (("0,15", "0,8", "0"), [0.15, 0.8, 0.0]),
        (("15%", "80 %", "0"), [0.15, 0.8, 0.0]),
        (("0.5%", "0.25%", "0"), [0.005, 0.0025, 0.0]),
        (("12,5%", "7,5", ""), [0.125, 0.075, None]),
        (("0", "0", "0"), [0.0, 0.0, 0.0]),
        ((15.0, 80.0, None), [0.15, 0.8, None]),
        ((1, 0, 1), [1.0, 0.0, 1.0]),
    ],
)
def test_shares_are_told_from_per_cents_by_the_column(name: str, cells: tuple, shares: list) -> None:
    assert read(name, *cells) == (pytest.approx(shares), ())


def test_a_share_that_is_none_is_not_recorded() -> None:
    values, notes = read("share_of_wallet", "150", "-5", "40", "half", "-", "  ")
    assert values == [None, None, 0.4, None, None, None]
    assert notes == ("3 answers in customers.columns.share_of_wallet can't be read: not recorded.",)


def test_one_slip_does_not_turn_shares_into_per_cents() -> None:
    values, notes = read("share_of_wallet", *["0.5"] * 20, "85")
    assert values == [0.5] * 20 + [None]
    assert "all are taken as shares of one" in notes[0]
    assert notes[1].startswith("1 answer ")


def test_per_cents_below_one_are_per_cents_and_said_so() -> None:
    values, notes = read("volume_discount", "0.5", "3", "5", "10")
    assert values == pytest.approx([0.005, 0.03, 0.05, 0.1])
    assert notes == ("customers.columns.volume_discount has numbers above and below 1; all are taken as per cents.",)


@pytest.mark.parametrize("name", SCORES[1:])
def test_scores_are_numbers_and_answers_yes_or_no(name: str) -> None:
    assert read(name, "1", "5", "4,5", "") == ([1.0, 5.0, 4.5, None], ())
    assert read(name, "да", "нет", "Yes", None) == ([True, False, True, None], ())
    assert read(name, "1", "0", "0") == ([True, False, False], ())
    assert read(name, "1.0", "0.0", None) == ([True, False, None], ())
    assert read(name, 1.0, 5.0, None) == ([1.0, 5.0, None], ())


@pytest.mark.parametrize("name", SCORES[1:])
def test_where_both_stand_the_more_frequent_counts(name: str) -> None:
    words, notes = read(name, "да", "нет", "да", "7", "1")
    assert words == [True, False, True, None, True]
    assert notes[0].startswith("1 answer ")
    numbers, notes = read(name, "5", "4", "да", "1")
    assert numbers == [5.0, 4.0, None, 1.0]
    assert notes[0].startswith("1 answer ")


def test_potential_is_money_or_yes_and_no() -> None:
    assert read("potential", "120 000 руб.", "1 500 000,50", "$3") == ([120_000.0, 1_500_000.5, 3.0], ())
    assert read("potential", "1", "0") == ([1.0, 0.0], ())
    assert read("potential", "да", "нет", "1") == ([True, False, True], ())
    values, notes = read("potential", "-100", "200", "many")
    assert values == [None, 200.0, None]
    assert notes[0].startswith("2 answers ")


def test_a_number_of_two_readings_is_read_only_when_the_sign_is_set() -> None:
    values, notes = read("potential", "120,000", "5000")
    assert values == [None, 5000.0]
    assert notes[0].startswith("1 answer in customers.columns.potential ")
    assert read("potential", "120,000", "5000", decimal=".") == ([120_000.0, 5000.0], ())
    assert read("potential", "120,000", "5000", decimal=",") == ([120.0, 5000.0], ())
    assert read("potential", "120,000", "0,5") == ([120.0, 0.5], ())


def test_exclusive() -> None:
    assert read("exclusive", "да", "нет", "", "maybe")[0] == [True, False, None, None]
    assert read("exclusive", *YES) == ([True] * len(YES), ())
    assert read("exclusive", *NO) == ([False] * len(NO), ())
    assert read("exclusive", 1, 0) == ([True, False], ())
    assert read("exclusive", True, None) == ([True, None], ())


@pytest.mark.parametrize("name", [*SHARES, *SCORES, *FLAGS])
@pytest.mark.parametrize("cell", ["nan", "no data"])
def test_other_words_for_nothing_are_counted(name: str, cell: str) -> None:
    values, notes = read(name, cell)
    assert values == [None]
    assert notes[0].startswith("1 answer ")


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_column_says_nothing(name: str) -> None:
    for cells in ((None, None), ("", " "), ("-", "—"), ()):
        values, notes = read(name, *cells)
        assert values == [None] * len(cells)
        assert notes == ()


SAID_YES = (
    *(
        "yes",
        " YES ",
        "Yes!",
        "yes.",
        "(yes)",
        '"Yes"',
        "y",
        "TRUE",
        "да",
        "Да!",
        "Д",
        "согласен",
        "Согласна.",
        "ИСТИНА",
    ),
    *("согласие дано", "opt-in", "Opted in", "opt_in", "ok", "subscribed", "I agree", "consent given", "ja", "Ja,"),
    *("einverstanden", "zugestimmt", "WAHR", "oui", "Oui !", "d'accord", "D’accord", "accepté", "si", "sì", "SÍ", "s"),
    *("acepto", "vero", "tak", "prawda", "zgadzam się", "waar", "akkoord", "sim", "concordo", "si\u0301", "ＹＥＳ"),
    *("1", "1.0", "1,00", "+", "✓", "✔\ufe0f", "yes\u00a0"),
)
SAID_NO = (
    *("no", "No!", "no.", "NO", "(no)", "«Нет»", "n", "False", "нет", "Нет.", "не", "Н", "не согласен", "Не согласна!"),
    *("отозвано", "Согласие отозвано", "отказ", "отписался", "не звонить", "ЛОЖЬ", "withdrawn", "Unsubscribed"),
    *("opted out", "opt-out", "OPT_OUT", "do not call", "Do not call!", "don't contact", "don’t call", "refused"),
    *("revoked", "never", "nein", "Nein!", "keine", "widerrufen", "abgemeldet", "FALSCH", "non", "refusé", "désabonné"),
    *(
        "pas d'accord",
        "rechazado",
        "baja",
        "falso",
        "revocato",
        "nie",
        "Nie.",
        "fałsz",
        "brak zgody",
        "cofnięto",
        "nee",
    ),
    *("Nee!", "geen", "ingetrokken", "não", "Na\u0303o", "NAO", "recusado", "0", "0.0", "0,0"),
)
NOT_SAID = (
    *("", "  ", "-", "—", "−", "?", "??", "...", "…", "n/a", "N/A", "NA", "n.a.", "nan", "NULL", "<NA>", "(blank)"),
    *("unknown", "no data", "н/д", "нет данных", "k.A.", "sin datos", "brak danych", "onbekend", "\\N", "\u00a0"),
)
IN_DOUBT = (
    *(
        "maybe",
        "yes, but",
        "yes?",
        "да?",
        "no?",
        "!yes",
        "=yes",
        "-yes",
        "yes/no",
        "да нет",
        "y\u0336e\u0336s",
        "2",
        "-1",
    ),
    *(
        "1%",
        "10",
        "+1",
        "$1",
        "0.1",
        "1 0",
        "x",
        "👎",
        "☐",
        "#N/A",
        "#REF!",
        "=1+1",
        "<b>yes</b>",
        "2023-05-01",
        "None",
    ),
    *(
        "yes until 2020",
        "agreed, by post only",
        "нет, спасибо",
        "не знаю",
        "Дa",
        "yes\u200b",
        "oui mais non",
        "yes" * 9,
    ),
)


@pytest.mark.parametrize(
    ("cells", "answer"), [(SAID_YES, "yes"), (SAID_NO, "no"), (NOT_SAID, None)], ids=["yes", "no", "nothing"]
)
def test_consent_is_read_in_many_words(cells: tuple[str, ...], answer: str | None) -> None:
    assert {cell: read("consent", cell) for cell in cells} == {cell: ([answer], ()) for cell in cells}


def test_consent_in_doubt_is_a_no_and_counted() -> None:
    assert {cell: read("consent", cell)[0] for cell in IN_DOUBT} == {cell: ["no"] for cell in IN_DOUBT}
    assert read("consent", "yes", *IN_DOUBT, "", "no")[1] == (
        f"{len(IN_DOUBT)} answers on consent can't be read, being neither yes nor no: they count as no, since nobody "
        "is contacted on a guess. Write yes or no there, and nothing where nobody was asked.",
    )


def test_beside_a_plus_a_dash_is_a_no() -> None:
    assert read("consent", "+", "-", "–", None, "?") == (["yes", "no", "no", None, None], ())
    assert read("consent", "yes", "-", "no") == (["yes", None, "no"], ())


@pytest.mark.parametrize(
    ("cells", "answers"),
    [
        ((1, 0, None), ["yes", "no", None]),
        ((1.0, 0.0, None), ["yes", "no", None]),
        ((1.0, float("nan"), 0.5), ["yes", None, "no"]),
        ((True, False, None), ["yes", "no", None]),
        ((dt.date(2024, 1, 2), None), ["no", None]),
    ],
)
def test_consent_may_be_typed(cells: tuple, answers: list[str | None]) -> None:
    assert read("consent", *cells)[0] == answers


@settings(deadline=None, max_examples=50)
@given(st.text("yesjaдt ?!.,-=+01✓", max_size=5))
def test_only_a_plain_yes_lets_anybody_be_contacted(cell: str) -> None:
    (answer,), _ = read("consent", cell)
    word = cell.strip(" .,!")
    assert answer != "yes" or word in CONSENTS["yes"].split(", ") or re.fullmatch(r"1([.,]0+)?|[+✓]", cell.strip())


@pytest.mark.parametrize("name", [*SCORES, *FLAGS])
def test_yes_and_no_of_other_questions_are_read_alike(name: str) -> None:
    assert read(name, "Ja!", "nee", "Não.", "(да)", "fałsz") == ([True, False, False, True, False], ())
    values, notes = read(name, "yes", "да?", "unsubscribed", "yes")
    assert values == [True, None, None, True]
    assert notes[0].startswith("2 answers ")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cell", HOSTILE)
def test_nonsense_is_counted_and_not_shown(name: str, cell: str) -> None:
    values, notes = read(name, cell)
    assert values == ["no" if name == "consent" else None]
    assert len(notes) == 1
    assert cell not in notes[0]
    assert notes[0].startswith("1 answer ")


def test_other_columns_stay_as_they_are() -> None:
    rows = pl.DataFrame({"customer": ["01"], "name": [" 5% "], "phone": ["1"]})
    assert_frame_equal(read_answers(rows)[0], rows)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.sampled_from([*HOSTILE, "", "1", "0", "5", "0,5", "1,234", "7%", "да", "нет", None]), max_size=8))
def test_what_is_read_reads_the_same_again(cells: list[str | None]) -> None:
    once, _ = read_answers(pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name in NAMES}))
    again, notes = read_answers(once)
    assert_frame_equal(again, once)
    assert not [note for note in notes if "can't be read" in note]
