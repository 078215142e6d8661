"""What events and purposes of spending are called, in the languages that a first look knows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import polars as pl

EVENTS = {
    "complaint": (
        "complaint, complaints, claim, grievance, жалоба, жалобы, претензия, претензии, рекламация, рекламации, "
        "Beschwerde, Beschwerden, Reklamation, Reklamationen, Kundenbeschwerde, réclamation, réclamations, plainte, "
        "queja, quejas, reclamación, reclamaciones, reclamo, reclamos, lamentela, lamentele, "
        "reklamacja, reklamacje, skarga, skargi, klacht, klachten"
    ),
    "refusal": (
        "refusal, refusals, refused, rejection, rejected, declined, offer declined, turned down, lost deal, lost sale, "
        "отказ, отказы, отказался, отказалась, отклонено, отказ от покупки, отказ от сделки, Absage, Absagen, "
        "Ablehnung, Ablehnungen, abgelehnt, abgesagt, refus, refusé, offre refusée, rechazo, rechazos, rechazado, "
        "oferta rechazada, negativa, rifiuto, rifiuti, rifiutato, odmowa, odmowy, odrzucono, weigering, geweigerd, "
        "afwijzing, afgewezen"
    ),
    "survey": (
        "survey, surveys, questionnaire, poll, nps, csat, nps survey, satisfaction survey, customer survey, "
        "опрос, опросы, анкета, анкетирование, Umfrage, Umfragen, Befragung, Kundenbefragung, "
        "Fragebogen, enquête, enquêtes, sondage, questionnaire de satisfaction, enquête de satisfaction, encuesta, "
        "encuestas, cuestionario, encuesta de satisfacción, sondaggio, questionario, ankieta, ankiety, enquete, "
        "klantonderzoek"
    ),
    "contact": (
        "contact, contacts, call, calls, phone call, telephone call, meeting, visit, letter, mail, e-mail, email, "
        "контакт, контакты, звонок, звонки, телефонный звонок, встреча, встречи, визит, визиты, письмо, письма, "
        "переговоры, Kontakt, Kontakte, Anruf, Anrufe, Telefonat, Telefonate, Gespräch, Treffen, Besuch, Besuche, "
        "Brief, Termin, appel, appels, appel téléphonique, rendez-vous, réunion, visite, lettre, courriel, contacto, "
        "contactos, llamada, llamadas, llamada telefónica, reunión, visita, visitas, carta, correo, contatto, "
        "contatti, chiamata, telefonata, incontro, riunione, lettera, połączenie, rozmowa, spotkanie, wizyta, "
        "telefoontje, gesprek, afspraak, bezoek, brief"
    ),
    "return": (
        "return, returns, returned, goods returned, возврат, возвраты, возврат товара, Rückgabe, Rückgaben, Retoure, "
        "Retouren, Rücksendung, Warenrückgabe, retour, retours, retour de marchandise, devolución, devoluciones, "
        "reso, resi, restituzione, zwrot, zwroty, retourzending, teruggave"
    ),
}
PURPOSES = {
    "acquisition": (
        "acquisition, acquiring, customer acquisition, new customers, new customer, winning, winning customers, "
        "attraction, lead generation, prospecting, привлечение, привлечение клиентов, новые клиенты, "
        "Akquise, Akquisition, Neukunden, Neukundengewinnung, Neukundenakquise, Kundengewinnung, Gewinnung, "
        "acquisition de clients, acquisition clients, nouveaux clients, prospection, conquête, adquisición, captación, "
        "captación de clientes, adquisición de clientes, clientes nuevos, nuevos clientes, prospección, acquisizione, "
        "acquisizione clienti, nuovi clienti, pozyskanie, pozyskiwanie, pozyskiwanie klientów, nowi klienci, werving, "
        "klantenwerving, acquisitie, nieuwe klanten"
    ),
    "retention": (
        "retention, retaining, customer retention, keeping, keeping customers, loyalty, existing customers, удержание, "
        "удержание клиентов, лояльность, сохранение клиентов, постоянные клиенты, действующие клиенты, "
        "Kundenbindung, Bindung, Bestandskunden, Kundenpflege, Bestandskundenpflege, Treue, fidélisation, rétention, "
        "fidélisation des clients, fidélisation clients, clients existants, retención, retención de clientes, "
        "fidelización, fidelización de clientes, clientes actuales, clientes existentes, fidelizzazione, "
        "mantenimento, clienti esistenti, utrzymanie, utrzymanie klientów, lojalność, obecni klienci, behoud, "
        "klantbehoud, klantenbinding, retentie, bestaande klanten"
    ),
}


def canonical(column: pl.Series, words: Mapping[str, str]) -> tuple[pl.Series, int]:
    """Replace what is written by the word that means it.

    Parameters
    ----------
    column : polars.Series
        Text.
    words : mapping of str to str
        What each canonical word is called, by commas: `EVENTS` or `PURPOSES`. Capitals, accents and signs between
        words make no difference, but a cell must say nothing else.

    Returns
    -------
    polars.Series
        Cells that mean none of the words are left as written.
    int
        How many different such cells there are.
    """
    known = {_plain(name): word for word, names in words.items() for name in [word, *names.split(",")]}
    written = column.drop_nulls().unique(maintain_order=True).to_list()
    meant = {text: known[_plain(text)] for text in written if _plain(text) in known}
    return column.replace(meant), len(written) - len(meant)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold()).replace("ł", "l")
    return " ".join(re.findall(r"[^\W_]+", "".join(sign for sign in letters if not unicodedata.combining(sign))))
