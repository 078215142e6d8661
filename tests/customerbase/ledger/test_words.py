"""Kinds of events and purposes of spending, whatever they are called."""

from __future__ import annotations

import polars as pl
import pytest

from customerbase.ledger.answers import CONSENTS
from customerbase.ledger.words import ANSWERS, CONSENT, EVENTS, PURPOSES, canonical

SAID = {
    "complaint": ["complaint", "Жалоба", "РЕКЛАМАЦИЯ", "Beschwerde", "réclamation", "Reclamation", "queja"],
    "refusal": ["Refusal", "отказ", "Absage", "refus", "rechazo", "lost_deal"],
    "survey": ["survey", "Опрос", "Umfrage", "enquête", "ENQUÊTE", "encuesta", "NPS"],
    "contact": ["contact", "звонок", "Письмо", "Anruf", "rendez-vous", "llamada", "e-mail", "phone call"],
    "return": ["Return", "возврат", "Rückgabe", "retour", "devolución", "devolucion"],
    "campaign": ["Campaign", "Кампания", "акция", "Werbekampagne", "campaña", "promozione", "kampania"],
    "redemption": ["redemption", "Coupon_redeemed", "погашение купона", "Einlosung", "canje", "kupon wykorzystany"],
    "exit": ["exit", "Exit survey", "cancellation-reason", "причина ухода", "Kündigungsgrund", "disdetta"],
}
ANSWERED = {"yes": ["Yes", "да", "JA", "sí", "Tak", "sim"], "no": ["no", "Нет", "nein", "nie", "nee", "NÃO", "nao"]}
ALLOWED = {
    "yes": ["opt in", "Согласна", "einverstanden", "accepté"],
    "no": ["Opt_Out", "ОТОЗВАНО", "do not call", "cofnieto", "désabonné"],
    "not recorded": ["n/a", "k. A.", "Нет данных"],
}
SPENT = {
    "acquisition": ["acquisition", "Привлечение", "Neukundengewinnung", "prospection", "captación", "new_customers"],
    "retention": ["retention", "удержание", "Kundenbindung", "fidélisation", "fidelizacion", "customer retention"],
}


@pytest.mark.parametrize(
    ("words", "said"), [(EVENTS, SAID), (PURPOSES, SPENT), (ANSWERS, ANSWERED), (CONSENT, ALLOWED)]
)
def test_each_language_s_word_is_known(words: dict[str, str], said: dict[str, list[str]]) -> None:
    for meaning, names in said.items():
        found, unknown = canonical(pl.Series(names), words)
        assert found.to_list() == [meaning] * len(names)
        assert unknown == 0


@pytest.mark.parametrize("words", [EVENTS, PURPOSES, CONSENTS | {"not recorded": CONSENT["not recorded"]}])
def test_no_name_means_two_things(words: dict[str, str]) -> None:
    for meaning, names in words.items():
        each = [name.strip() for name in names.split(",")]
        assert all(each)
        assert set(canonical(pl.Series(each), words)[0]) == {meaning}


@pytest.mark.parametrize(
    "written", ["no complaint", "отказ от жалобы", "recall", "=SUM(A1)", "", "жалоба?!нет", "<b>", "1"]
)
def test_anything_more_stays_as_written(written: str) -> None:
    found, unknown = canonical(pl.Series([written, None, "жалоба", written]), EVENTS)
    assert found.to_list() == [written, None, "complaint", written]
    assert unknown == 1


def test_an_empty_column_is_no_trouble() -> None:
    assert canonical(pl.Series([], dtype=pl.String), EVENTS)[0].to_list() == []
    assert canonical(pl.Series([None], dtype=pl.String), EVENTS)[0].to_list() == [None]
