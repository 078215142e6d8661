"""What events, purposes of spending and answers are called, in the languages that a first look knows."""

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
        "contact, contacts, mailing, message, messages, sms, рассылка, сообщение, courrier, "
        "call, calls, phone call, telephone call, meeting, visit, letter, mail, e-mail, email, "
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
    "campaign": (
        "campaign, campaigns, marketing campaign, advertising campaign, promotion, promotions, promo, "
        "кампания, кампании, рекламная кампания, маркетинговая кампания, акция, акции, промоакция, Kampagne, "
        "Kampagnen, Werbekampagne, Marketingkampagne, Aktion, Werbeaktion, campagne, campagnes, "
        "campagne publicitaire, opération commerciale, campaña, campañas, campaña publicitaria, promoción, "
        "promociones, campagna, campagna pubblicitaria, promozione, promozioni, kampania, kampanie, "
        "kampania reklamowa, promocja, promocje, reclamecampagne, promotie, actie"
    ),
    "redemption": (
        "redemption, redemptions, redeemed, coupon redemption, coupon redeemed, coupon used, voucher redeemed, "
        "voucher used, погашение, погашение купона, купон погашен, купон использован, использование купона, "
        "Einlösung, Einlösungen, eingelöst, Gutschein eingelöst, Gutscheineinlösung, coupon utilisé, bon utilisé, "
        "utilisation de coupon, canje, canjes, canjeado, cupón canjeado, cupón usado, riscatto, riscattato, "
        "buono riscattato, buono usato, realizacja kuponu, kupon zrealizowany, kupon wykorzystany, inwisseling, "
        "ingewisseld, verzilverd, kortingsbon ingewisseld, kortingsbon verzilverd"
    ),
    "exit": (
        "exit, exits, exit survey, exit interview, exit questionnaire, cancellation survey, cancellation reason, "
        "reason for cancellation, reason for leaving, churn reason, churn survey, contract cancelled, уход, "
        "уход клиента, причина ухода, опрос при уходе, опрос ушедших, анкета ушедшего, расторжение, "
        "расторжение договора, причина расторжения, Kündigung, Kündigungen, Kündigungsgrund, Kündigerbefragung, "
        "Austrittsbefragung, Abwanderungsgrund, résiliation, résiliations, motif de résiliation, motif de départ, "
        "enquête de départ, encuesta de salida, motivo de baja, motivo de cancelación, baja de cliente, disdetta, "
        "disdette, motivo di disdetta, motivo della disdetta, sondaggio di uscita, rezygnacja, rezygnacje, "
        "powód rezygnacji, ankieta rezygnacji, opzegging, opzeggingen, reden van opzegging, opzegreden, "
        "exitinterview, exitenquête"
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
ANSWERS = {
    "yes": (
        "yes, y, yep, yeah, true, t, agreed, да, д, истина, ja, j, jawohl, wahr, oui, vrai, si, sì, sí, s, verdadero, "
        "vero, tak, prawda, waar, sim, verdadeiro"
    ),
    "no": (
        "no, n, nope, not, false, f, refused, нет, н, не, ложь, nein, falsch, non, faux, falso, nie, fałsz, nee, "
        "onwaar, não"
    ),
}
CONSENT = {
    "yes": (
        "agree, agrees, I agree, accept, accepts, accepted, consented, consents, consent given, given, granted, "
        "allowed, permitted, confirmed, opt-in, optin, opted in, double opt-in, subscribed, may be contacted, ok, "
        "согласен, согласна, согласны, согласие дано, согласие получено, есть согласие, дано, дал согласие, "
        "дала согласие, получено, подтверждено, разрешено, подписан, подписана, подписано, можно, можно звонить, ок, "
        "einverstanden, zugestimmt, eingewilligt, Zustimmung erteilt, Einwilligung erteilt, erteilt, erlaubt, "
        "angemeldet, abonniert, d'accord, accepté, consenti, consentement donné, accordé, autorisé, abonné, inscrit, "
        "de acuerdo, acepto, acepta, aceptado, autorizado, concedido, suscrito, d'accordo, accetto, accetta, "
        "accettato, acconsento, autorizzato, concesso, iscritto, zgadzam się, zgoda udzielona, wyrażono zgodę, "
        "zaakceptowano, akkoord, toegestaan, toegestemd, toestemming gegeven, aangemeld, geabonneerd, de acordo, "
        "concordo, aceito, consentido, inscrito"
    ),
    "no": (
        "refuse, refuses, refusal, denied, declined, rejected, disagree, disagrees, disagreed, does not agree, "
        "not agreed, not given, not granted, not allowed, no consent, no permission, without consent, withdrawn, "
        "withdrew, consent withdrawn, revoked, cancelled, canceled, expired, objected, opt-out, optout, opted out, "
        "unsubscribe, unsubscribed, not subscribed, stop, never, forbidden, prohibited, blocked, blacklisted, "
        "do not call, do not contact, do not mail, do not email, do not e-mail, do not disturb, don't call, "
        "don't contact, don't mail, don't email, dnc, no calls, no contact, not interested, "
        "не согласен, не согласна, не согласны, несогласен, несогласна, нет согласия, без согласия, согласия нет, "
        "отказ, отказался, отказалась, отказано, отозвано, отозван, отозвал, отозвала, отозвали, отзыв согласия, "
        "согласие отозвано, отписан, отписана, отписано, отписался, отписалась, отписка, не подписан, не звонить, "
        "не писать, не беспокоить, не контактировать, не давал, не дано, не получено, не разрешено, запрещено, "
        "запрет, нельзя, против, отменено, аннулировано, никогда, "
        "abgelehnt, verweigert, widerrufen, Widerruf, widersprochen, Widerspruch, abgemeldet, abbestellt, "
        "nicht einverstanden, nicht erteilt, keine, keine Einwilligung, keine Zustimmung, kein Kontakt, nicht anrufen, "
        "nicht kontaktieren, gesperrt, untersagt, verboten, niemals, "
        "refus, refusé, rejeté, retiré, révoqué, consentement retiré, sans consentement, désabonné, désinscrit, "
        "opposé, opposition, pas d'accord, ne pas appeler, ne pas contacter, aucun, jamais, interdit, "
        "rechaza, rechazado, denegado, retirado, revocado, no acepto, no acepta, no autorizado, no llamar, "
        "no contactar, baja, dado de baja, cancelado, ninguno, nunca, prohibido, "
        "rifiuta, rifiutato, negato, ritirato, revocato, non accetto, non d'accordo, non chiamare, non contattare, "
        "disiscritto, cancellato, nessuno, mai, vietato, "
        "odmowa, odmówiono, odrzucono, wycofano, wycofana, cofnięto, cofnięta, wypisano, wypisany, brak zgody, "
        "nie zgadzam się, nie wyrażono zgody, nie dzwonić, nie kontaktować, sprzeciw, zakaz, nigdy, "
        "geweigerd, ingetrokken, afgemeld, uitgeschreven, niet akkoord, niet bellen, niet contacteren, geen, "
        "geen toestemming, bezwaar, verboden, nooit, "
        "recusado, recusou, negado, revogado, não concordo, não autorizado, não ligar, não contactar, descadastrado, "
        "nenhum, proibido"
    ),
    "not recorded": (
        "n/a, na, n.a., nan, null, unknown, undefined, not known, not asked, not specified, no data, blank, empty, "
        "н/д, нд, нет данных, неизвестно, не известно, не указано, не спрашивали, пусто, k.A., keine Angabe, "
        "keine Angaben, unbekannt, nicht erfasst, inconnu, non renseigné, non précisé, desconocido, sin datos, s/d, "
        "sconosciuto, non specificato, brak danych, nieznane, onbekend, niet bekend, geen gegevens, desconhecido, "
        "sem dados, não informado, n/d"
    ),
}


def canonical(column: pl.Series, words: Mapping[str, str]) -> tuple[pl.Series, int]:
    """Replace what is written by the word that means it.

    Parameters
    ----------
    column : polars.Series
        Text.
    words : mapping of str to str
        What each canonical word is called, by commas: `EVENTS`, `PURPOSES`, `ANSWERS` (to any question of yes or no)
        or `CONSENT` (to whether one may be contacted, beside `ANSWERS`). Capitals, accents and signs between words
        make no difference, but a cell must say nothing else.

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
