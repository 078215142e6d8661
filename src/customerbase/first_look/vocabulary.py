"""What columns are called in English, Russian, German, French, Spanish, Italian, Polish and Dutch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache, lru_cache

SHORTEST_STEM = 4  # a shorter stem must be the whole word

# Stems, by commas; the words of a phrase may stand in any order. Languages follow each other as in the title above.
LEDGER = {
    "date": (
        "date, day, time, timestamp, datetime, дата, день, время, период, datum, tag, zeit, jour, fecha, dia, "
        "data, giorno, dzien, dag"
    ),
    "manager": (
        "manager, salesperson, salesman, sales person, sales rep, sales agent, sales employee, seller, account "
        "manager, менеджер, ответственн, продавец, торговый представитель, verkaufer, vertreter, sachbearbeiter, "
        "betreuer, vendeur, commercial, conseiller, vendedor, comercial, agente, venditore, handlowiec, opiekun, "
        "sprzedawca, verkoper, accountmanager"
    ),
    "department": (
        "department, division, branch, business unit, office, отдел, подразделени, филиал, отделени, abteilung, "
        "niederlassung, filiale, departement, agence, service, departamento, sucursal, reparto, dipartimento, "
        "dzial, oddzial, afdeling, vestiging"
    ),
    "channel": (
        "channel, sales channel, source, store, shop, канал, источник, магазин, kanal, vertriebskanal, "
        "vertriebsweg, canal, magasin, tienda, canale, negozio, kanal sprzedazy, sklep, kanaal, verkoopkanaal, "
        "winkel"
    ),
    "cost": (
        "cost, cogs, cost of goods, cost of goods sold, purchase price, себестоимост, закупочн, einstandspreis, "
        "einkaufspreis, selbstkosten, wareneinsatz, cout, prix achat, prix de revient, coste, costo, precio "
        "compra, koszt, cena zakupu, kostprijs, inkoopprijs, inkoopwaarde"
    ),
    "discount": "discount, rebate, скидк, rabatt, nachlass, remise, rabais, descuento, sconto, rabat, korting",
    "coupon": "coupon, купон, gutschein, coupons, cupon, buono sconto, kupon, waardebon",
    "brand": "brand, trademark, бренд, торговая марка, marke, hausmarke, marque, marca, marka, merk",
    "quantity": (
        "quantity, qty, units, pieces, pcs, количеств, кол во, колво, шт, штук, menge, anzahl, stuckzahl, "
        "quantite, qte, cantidad, unidades, quantita, ilosc, hoeveelheid, aantal"
    ),
    "unit_price": (
        "unit price, price, price each, sales price, price per unit, rate, цена, einzelpreis, stuckpreis, preis, "
        "prix unitaire, prix, pu, precio unitario, precio, prezzo unitario, prezzo, cena jednostkowa, cena, "
        "eenheidsprijs, stukprijs, prijs"
    ),
    "amount": (
        "amount, sum, total, revenue, turnover, sales, sales amount, sales value, order value, value, net, gross, "
        "paid, payment, total price, line total, grand total, to pay, к оплате, zu zahlen, a payer, sales total, "
        "amount after discount, after discount, spend, charge, сумм, стоимост, итог, всего, выручк, оборот, сумм "
        "со скидкой, сумм с учетом скидки, после скидки, оплачен, сумм реализации, сумм продажи, сумм оплаты, "
        "сумм заказа, betrag, summe, umsatz, gesamt, gesamtpreis, erlos, wert, netto, brutto, montant, somme, "
        "chiffre affaires, ca, prix total, importe, monto, precio total, ventas, importo, totale, fatturato, "
        "prezzo totale, incasso, kwota, wartosc, suma, razem, obrot, sprzedaz, bedrag, totaal, omzet, waarde, "
        "totaalprijs"
    ),
    "kind": (
        "kind, type, transaction type, operation, movement, status, вид, тип, операци, вид операции, тип "
        "документа, вид документа, хозяйственная операция, статус, art, vorgang, vorgangsart, belegart, typ, "
        "nature, type operation, tipo, operacion, operazione, rodzaj, operacja, soort"
    ),
    "category": (
        "category, product category, product group, product line, group, family, subcategory, категори, групп, "
        "групп товаров, товарная группа, номенклатурная группа, вид номенклатуры, kategorie, warengruppe, "
        "produktgruppe, artikelgruppe, categorie, famille, rayon, categoria, familia, gruppo, kategoria, grupa, "
        "groep, productgroep"
    ),
    "product": (
        "product, item, article, sku, stock code, stockcode, description, goods, lineitem, товар, номенклатур, "
        "артикул, продукт, издели, услуг, позици, artikel, produkt, ware, bezeichnung, produit, designation, "
        "producto, articulo, prodotto, articolo, descrizione, towar, artikul, omschrijving"
    ),
    "order": (
        "order, sales order, purchase order, invoice, receipt, transaction, document, basket, ticket, bill, "
        "voucher, po, заказ, документ, накладн, чек, счет, регистратор, сделк, реализаци, auftrag, bestellung, "
        "bestell, rechnung, beleg, bestellnr, commande, facture, piece, pedido, factura, ordine, fattura, "
        "scontrino, zamowieni, faktur, paragon, dokument, bestelling, factuur, ordernummer"
    ),
    "customer": (
        "customer, client, buyer, purchaser, shopper, consumer, user, account, member, debtor, клиент, "
        "контрагент, покупател, заказчик, партнер, получател, kunde, kunden, debitor, kaufer, besteller, "
        "acheteur, abonne, cliente, comprador, acquirente, klient, nabywc, kontrahent, odbiorc, klant, koper, "
        "afnemer, debiteur"
    ),
}

# What a customers' table tells about each of them; several may stand in a ledger too.
PARTICULARS = {
    "email": "email, e mail, mail, эл почт, электронн почт, почт, correo, courriel, poczt",
    "phone": (
        "phone, telephone, mobile, cell, телефон, тел, моб, telefon, handy, tel, portable, telefono, movil, "
        "cellulare, gsm"
    ),
    "tax_id": (
        "tax id, tax number, vat id, vat number, tin, ein, ssn, инн, унп, steuernummer, ustid, ust id, siren, "
        "siret, nif, cif, partita iva, codice fiscale, nip, btw nummer, kvk"
    ),
    "birth_date": (
        "birth, birthday, dob, рождени, geburtsdatum, geburtstag, naissance, nacimiento, nascita, urodzeni, geboorte"
    ),
    "postcode": "postcode, postal, zip, индекс, plz, postleitzahl, code postal, codigo postal, cap, kod pocztowy",
    "address": (
        "address, street, адрес, улиц, adresse, anschrift, strasse, rue, direccion, indirizzo, adres, ulic, straat"
    ),
    "city": "city, town, город, населенн, stadt, ville, ciudad, citta, miasto, stad, plaats, woonplaats, ort",
    "consent": (
        "consent, opt in, optin, subscribed, newsletter, согласи, подписк, einwilligung, zustimmung, "
        "consentement, consentimiento, consenso, zgod, toestemming"
    ),
    "updated": (
        "updated, modified, last change, changed, last contact, обновлен, изменен, geandert, aktualisiert, "
        "modifie, actualizado, modificato, zmodyfikowan, gewijzigd"
    ),
    "first_name": "first name, given name, имя, vorname, prenom, nombre, imie, voornaam",
    "last_name": (
        "last name, surname, family name, фамили, nachname, nom famille, apellido, cognome, nazwisk, achternaam"
    ),
    "name": (
        "name, full name, company, фио, наименовани, названи, компани, организаци, firma, firmenname, nom, raison "
        "sociale, razon social, nome, ragione sociale, nazwa, naam, bedrijf"
    ),
}

# What a customers' table tells of how they stand; in a ledger it isn't looked for.
STANDING = {
    "volume_discount": (
        "volume discount, quantity discount, bulk discount, скидк объем, скидк количеств, mengenrabatt, "
        "remise quantite, remise volume, descuento volumen, descuento cantidad, sconto quantita, sconto volume, "
        "rabat ilosciow, staffelkorting, kwantumkorting"
    ),
    "share_of_wallet": (
        "share wallet, wallet share, доля закупк, доля кошельк, lieferanteil, part portefeuille, part achats, "
        "cuota cartera, cuota compras, quota portafoglio, udzial portfel, aandeel inkoop"
    ),
    "potential": "potential, потенциал, potenzial, potentiel, potencial, potenziale, potencjal, potentieel",
    "reputation": "reputation, репутаци, ansehen, ruf, reputacion, reputazione, reputacj, renom, reputatie",
    "innovator": "innovator, innovative, новатор, innovateur, innovador, innovatore, nowator, vernieuwer",
    "demanding": "demanding, требовательн, anspruchsvoll, exigeant, exigente, esigente, wymagajac, veeleisend",
    "exclusive": "exclusive, эксклюзив, exklusiv, exclusif, exclusivo, esclusiv, wylacznosc, exclusief",
    "referred_by": (
        "referred by, referrer, recommended by, рекомендовал, рекомендател, empfohlen, empfehlung, parrain, "
        "recommande par, recomendado, referido, consigliato, segnalato, polecajac, polecon, aanbevolen"
    ),
}

IDENTIFIERS = (
    "id, code, no, nr, num, number, key, ref, uid, guid, код, номер, ном, ид, nummer, numero, codigo, codice, "
    "cod, numer, kod, cle"
)
LABELS = "name, наименовани, названи, имя, фио, nom, nombre, nome, nazwa, naam, bezeichnung, title, полное, полн"
FILLERS = (
    "the, of, in, per, a, an, to, at, by, and, по, в, за, и, с, из, на, от, der, die, das, des, de, la, le, les, "
    "du, d, l, el, di, del, della, van, het, rub, rur, eur, usd, gbp, pln, chf, kzt, руб, р, шт, ед, штук, line, "
    "lineitem, строк, row, основн, наш, our"
)
# Words that make another thing of a customer, such as a customer's age.
OF_A_CUSTOMER = (
    "age, type, segment, group, category, class, region, country, state, area, zone, since, status, gender, sex, "
    "rating, score, balance, discount, возраст, тип, сегмент, групп, категори, класс, регион, страна, област, "
    "пол, рейтинг, статус, скидк, manager, менеджер, land, gruppe, pays, pais, paese, kraj"
)
NO_AMOUNT = (
    "vat, tax, taxes, ндс, налог, mwst, ust, tva, iva, btw, discount, скидк, rabatt, remise, descuento, sconto, "
    "rabat, korting, shipping, freight, доставк, versand, profit, margin, прибыл, марж, наценк, gewinn, marge, "
    "percent, процент, prozent, balance, остат, сальдо, saldo, долг, debt, cumulative, running, нарастающ, "
    "kumuliert, cumul, weight, вес, gewicht, rate, курс, ставк"
)
# A tax beside one of these is no tax but an amount with or without it.
WITH_OR_WITHOUT = (
    "incl, including, excl, excluding, without, with, before, after, ex, без, с, вкл, включая, со, inkl, exkl, "
    "ohne, mit, hors, ttc, ht, sin, con, senza, bez, zonder"
)
NET = "net, netto, excl, excluding, without, before, ex, без, ohne, exkl, hors, ht, sin, senza, bez, zonder, neto"
OTHER_DATES = (
    "birth, рождени, geburt, naissance, nacimiento, nascita, urodzeni, geboorte, due, delivery, delivered, ship, "
    "shipped, shipping, payment, paid, created, updated, modified, expiry, end, доставк, отгрузк, оплат, создан, "
    "изменен, срок, liefer, lieferdatum, versand, zahlung, fallig, livraison, echeance, paiement, entrega, "
    "vencimiento, pago, consegna, scadenza, pagamento, dostaw, platnosc, lever, leverdatum, vervaldatum, since, "
    "registration, регистраци"
)
CURRENCY = "currency, валют, wahrung, devise, moneda, divisa, valuta, walut"
PERCENTAGE = "percent, pct, процент, prozent, pourcent, porcentaje, percentuale, procent, share, rate, доля"


def words_of(name: str) -> list[str]:
    """Return the words of a column's name: small letters, without accents."""
    name = name.replace("№", " no ").replace("#", " no ").replace("%", " percent ")
    name = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", name)
    # customerId and SKUCode
    name = re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])|(?<=[A-ZА-ЯЁ])(?=[A-ZА-ЯЁ][a-zа-яё])", " ", name)
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign))
    return re.findall(r"[^\W_]+", plain)


def fits(words: Collection[str], vocabulary: str) -> bool:
    """Tell whether a name holds a word, or all words of a phrase, of a vocabulary."""
    return bool(_covered(words, vocabulary))


@lru_cache(8192)
def likeness(name: str, vocabulary: str) -> float:
    """Tell how well a column's name fits a meaning.

    Parameters
    ----------
    name : str
    vocabulary : str
        Stems and phrases, set apart by commas.

    Returns
    -------
    float
        The share of the name's words that the meaning accounts for, from 0 to 1. Words such as *code* or *of* count
        as accounted for beside a word of the meaning.
    """
    words = words_of(name)
    covered = _covered(words, vocabulary)
    if not covered:
        return 0.0
    besides = {word for word in words if _fits_one(word, _phrases(f"{IDENTIFIERS}, {LABELS}, {FILLERS}"))}
    return len([word for word in words if word in covered | besides]) / len(words)


def _covered(words: Collection[str], vocabulary: str) -> set[str]:
    covered: set[str] = set()
    for phrase in _phrases(vocabulary):
        found = [next((word for word in words if _is_form(word, stem)), None) for stem in phrase]
        if None not in found:
            covered.update(word for word in found if word is not None)
    return covered


def _fits_one(word: str, phrases: Collection[Sequence[str]]) -> bool:
    return any(len(phrase) == 1 and _is_form(word, phrase[0]) for phrase in phrases)


def _is_form(word: str, stem: str) -> bool:
    # Kundennummer and Rechnungsdatum are compounds, and Russian words are inflected
    return word == stem or (len(stem) >= SHORTEST_STEM and (word.startswith(stem) or word.endswith(stem)))


@cache
def _phrases(vocabulary: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(words_of(phrase)) for phrase in vocabulary.split(","))
