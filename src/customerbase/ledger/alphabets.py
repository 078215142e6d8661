"""The letters with which languages written in Latin script go beyond ASCII."""

from __future__ import annotations

from collections.abc import Iterable

ALPHABETS = {
    "French": "àâæçéèêëîïôœùûüÿ",
    "German": "äöüß",
    "Spanish": "áéíñóúü",
    "Portuguese": "áâãàçéêíóôõúü",
    "Italian": "àéèìîòù",
    "Dutch": "éëïöüèáóä",
    "Danish or Norwegian": "æøåéèêóòâôü",
    "Swedish or Finnish": "åäöéüàš",
    "Icelandic": "áðéíóúýþæö",
    # without the Slovak ĺ and ŕ, which are so rare that å and à are meant
    "Czech or Slovak": "áčďéěíľňóôřšťúůýžäöü",
    "Polish": "ąćęłńóśźżöü",
    "Hungarian": "áéíóöőúüűä",
    "Romanian": "ăâîșțşţ",
    "Croatian or Slovene": "čćđšžöü",
    "Turkish": "çğıİöşüâîû",
    "Latvian": "āčēģīķļņšūž",
    "Lithuanian": "ąčęėįšųūž",
    "Estonian": "äõöüšž",
}
ORDINALS = "ªº"


def languages_of(letters: Iterable[str]) -> list[str]:
    """Return the languages whose alphabets hold all of these letters; those of ASCII, and signs, are passed over."""
    asked = {letter.lower() for letter in letters if letter.isalpha() and not letter.isascii()} - set(ORDINALS)
    return [language for language, alphabet in ALPHABETS.items() if asked and asked <= set(alphabet)]
