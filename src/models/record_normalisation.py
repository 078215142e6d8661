"""Customers' records made comparable: one spelling of a name, a telephone number, an e-mail address, a date.

What two records write differently and mean alike comes out equal here, so that what still differs is evidence.
Nothing is corrected for good: these columns are for comparing, the records stay as they were written.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import combinations, permutations
from typing import Any

import phonenumbers
import polars as pl
from anyascii import anyascii
from email_validator import EmailNotValidError, validate_email
from stdnum import get_cc_module


def _listed(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(separator))


#: What the records may say of a customer; any subset will do.
MEANINGS = (
    "name",
    "first_name",
    "last_name",
    "tax_id",
    "email",
    "phone",
    "address",
    "city",
    "postcode",
    "birth_date",
)

# Romanisations of one Cyrillic letter, and letters that languages write differently, brought to one. š and č are
# classes of spellings; the rules are applied until nothing changes, so that folding twice is folding once.
_FOLDS = tuple(
    (re.compile(pattern), letter)
    for pattern, letter in (
        ("tsch|tch", "č"),
        ("shch|sch|shh|sh|šč", "š"),
        ("ch", "č"),
        ("zh", "i"),
        (r"kh|\Bks|x", "h"),
        ("ph", "f"),
        ("ts|tz|cz|ck|c|q", "k"),
        ("w", "v"),
        ("[jy][oe]", "e"),
        ("[jy]", "i"),
        ("([aou])e", r"\1"),
        (r"([^\W\d])\1+", r"\1"),
    )
)
# What stands in Latin letters for one Cyrillic initial
_INITIAL = re.compile(r"\b(?:y[uaeo]|i[ua]|zh|kh|ch|sh|shch|ts)\.", re.IGNORECASE)
_PATRONYMIC = re.compile("(v?ič|[vč]na)$")
_APOSTROPHES = re.compile("['`´ʹʺʼ‘’′]")
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[^\W\d_]+|\d+")

_LATIN_LOOK_ALIKES = "aceopxyABCEHKMOPTXY"
_CYRILLIC_LOOK_ALIKES = "асеорхуАВСЕНКМОРТХУ"
_LATIN_SIGNS, _CYRILLIC_SIGNS = frozenset(_LATIN_LOOK_ALIKES), frozenset(_CYRILLIC_LOOK_ALIKES)
_TO_CYRILLIC = str.maketrans(_LATIN_LOOK_ALIKES, _CYRILLIC_LOOK_ALIKES)
_TO_LATIN = str.maketrans(_CYRILLIC_LOOK_ALIKES, _LATIN_LOOK_ALIKES)

_NOTHING = _listed(
    """n/a|n.a.|#n/a|none|null|nan|nil|unknown|not known|not given|test|xxx|нет|нету|нет данных|не указан|не указана|
    не указано|неизвестно|отсутствует|тест|ххх|без имени|#н/д|н/д""",
    "|",
)

_FORMS = {
    word: form
    for form, words in {
        "limited": "ooo odo too llc ltd limited gmbh mbh ug sarl sas srl bv sia uab oy kft doo ood sro spzoo pty lda",
        "joint stock": "ao oao zao pao nao jsc ojsc cjsc pjsc inc incorporated corp plc ag sa spa nv asa ab",
        "sole trader": "ip chp pboyul ek",
        "partnership": "llp lp kg ohg",
        "public": "gup mup fgup guz mku mbu gbu",
    }.items()
    for word in words.split()
}
_FORM_PHRASES = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        ("общество с ограниченной ответственностью", " ooo "),
        ("(публичное |открытое |закрытое |непубличное )?акционерное общество", " ao "),
        ("индивидуальный предприниматель", " ip "),
        ("limited liability company", " llc "),
        (r"sp(ó|o)?[ .]*z[ .]*o[ .]*o\b[ .]*", " spzoo "),
        (r"\bco\b\.?(?=\W+(ltd|limited|inc|llc|kg)\b)", " "),
    )
)
_DOTTED = re.compile(r"\b(?:[^\W\d_]{1,2}\.){2,}[^\W\d_](?:\.|\b)")

# Names of a city that no folding brings together
_CITIES = {
    "moskov": "moskva",
    "spb": "peterburg sankt",
    "petersburg": "peterburg sankt",
    "peterburg": "peterburg sankt",
}

# Given names with those short forms that sound unlike the full one; others are found by their spelling. Of two names
# listed neither is the other misspelt: Алина isn't Арина.
_GIVEN_NAMES = """
Александр Саша Шура Сашка Alexander Alex Sandy; Александра Саша Шура; Алексей Лёша Алёша; Анастасия Настя; Анатолий
Толя; Андрей Андрюша; Анна Аня Анюта; Борис Боря; Валентина Валя; Василий Вася; Виктор Витя; Виктория Вика; Владимир
Вова Володя; Вячеслав Слава; Галина Галя; Георгий Гоша Жора; Григорий Гриша; Дарья Даша; Дмитрий Дима Митя; Евгений
Женя; Евгения Женя; Екатерина Катя; Елена Лена; Елизавета Лиза; Иван Ваня; Ирина Ира; Константин Костя; Ксения Ксюша;
Лариса Лара; Людмила Люда Мила; Любовь Люба; Маргарита Рита; Мария Маша Маруся; Михаил Миша; Надежда Надя; Наталья
Наташа; Николай Коля; Ольга Оля; Павел Паша; Пётр Петя; Роман Рома; Светлана Света; Семён Сеня; Сергей Серёжа; София
Соня Софья; Станислав Стас Слава; Татьяна Таня; Фёдор Федя; Юлия Юля Julia; Юрий Юра; Яков Яша; Andrew Andy Drew;
Anthony Tony; Benjamin Ben; Catherine Kate Katie Cathy Katherine; Charles Charlie Chuck; Christopher Chris; Daniel Dan
Danny; David Dave; Edward Ed Ted Eddie; Elizabeth Liz Beth Betty Eliza; James Jim Jimmy Jamie; Jennifer Jenny; Jessica
Jess; John Jack Johnny; Joseph Joe; Joshua Josh; Margaret Maggie Peggy; Matthew Matt; Michael Mike Mick; Nicholas
Nick; Patricia Pat Patty; Peter Pete; Richard Dick Rick; Robert Bob Rob Bobby; Samantha Sam; Samuel Sam; Stephen Steve
Steven; Susan Sue Suzy; Thomas Tom Tommy; Timothy Tim; Victoria Vicky; William Bill Will Billy; Zachary Zac Zach;
Алина; Алёна; Алла; Антон; Арина; Артём; Артур; Богдан; Вадим; Валерий; Валерия; Вера; Герман; Глеб; Денис; Диана;
Егор; Жанна; Зинаида; Зоя; Игорь; Илья; Инна; Карина; Кира; Кирилл; Лев; Лидия; Максим; Марина; Матвей; Нина; Олег;
Олеся; Оксана; Полина; Раиса; Руслан; Тамара; Тимур; Эдуард; Эльвира; Яна; Ярослав; Alan; Alice; Amy; Brian; Claire;
Ella; Emily; Emma; Grace; Hannah; Harry; Helen; Jane; Jean; Joan; Karen; Laura; Lisa; Lucy; Mark; Mary; Martin; Nina;
Oliver; Paul; Sara; Sean; Simon; Sophie
"""

_ADDRESS_TYPES = """
    ул улица пр просп проспект кт пер переулок наб набережная ш шоссе пл площадь бул бульвар проезд тупик аллея
    д дом вл владение к корп корпус стр строение лит литер кв квартира оф офис пом помещение ком комната эт этаж г гор
    город обл область край район респ республика пос посёлок дер деревня с село мкр мкрн микрорайон тер россия рф
    st str street strasse rd road ave av avenue dr drive ct court cres crescent pl place cl close cct circuit
    ln lane blvd boulevard hwy highway sq square pde parade tce terrace apt apartment flat unit suite ste room floor
    house no nr bld bldg building city town
"""
_HYPHENATED = re.compile(r"(?:пр-кт|пр-т|б-р|р-н|пр-д)")

_EMPTY_MAILBOXES = _listed(
    """none no net not nomail noemail no-mail no-email noreply no-reply na n-a n.a test tests email xxx aaa asd asdf
    qwerty null unknown empty otsutstvuet"""
)
_SHARED_MAILBOXES = _listed("info mail office sales admin contact order orders zakaz shop support")
_PUBLIC_MAIL = _listed(
    """mail.ru inbox.ru list.ru bk.ru internet.ru yandex.ru yandex.com ya.ru rambler.ru gmail.com googlemail.com
    hotmail.com outlook.com live.com msn.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net web.de t-online.de
    proton.me protonmail.com"""
)
_TAX_NUMBERS = ("vat", "tin", "inn", "nip", "iin", "bin", "unp", "edrpou", "rntrc", "siren", "siret", "orgnr")
_TAX_LABEL = re.compile(r"\b(?:ИНН|INN|УНП|UNP|БИН|ИИН|VAT|USTID|TAX ID)\b[\W_]*")
_FEWEST_DIGITS = 5
_ENDING = 7

_MONTHS = {
    "янв": 1, "jan": 1, "фев": 2, "feb": 2, "мар": 3, "mar": 3, "апр": 4, "apr": 4, "май": 5, "мая": 5, "may": 5,
    "июн": 6, "jun": 6, "июл": 7, "jul": 7, "авг": 8, "aug": 8, "сен": 9, "sep": 9, "окт": 10, "oct": 10,
    "ноя": 11, "nov": 11, "дек": 12, "dec": 12,
}  # fmt: skip
# Dates that programs write where a date is missing
_NO_BIRTHDAY = frozenset({dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1), dt.date(1970, 1, 1)})
_SERIAL_ORIGIN = dt.date(1899, 12, 30)
_CENTURY_TURNS = 15


_NAME_SCHEMA: dict[str, Any] = {
    "name_key": pl.String,
    "name_joined": pl.String,
    "name_words": pl.List(pl.String),
    "name_core": pl.String,
    "name_last": pl.String,
    "name_initials": pl.String,
    "name_has_initials": pl.Boolean,
    "name_given": pl.String,
    "name_shorter": pl.List(pl.String),
}


def normalise_records(records: pl.DataFrame, country: str | None = None) -> pl.DataFrame:
    """Make customers' records comparable.

    Parameters
    ----------
    records : polars.DataFrame
        One row a record: `customer` (its key, kept as it is) and any of `MEANINGS`: name (of a person or a company, in
        one field), first_name, last_name, tax_id, email, phone, address, city, postcode, birth_date. Further columns
        are left out. Text, or types that can be written as text.
    country : str, optional
        Two-letter code of the country whose telephone and tax numbers are written without theirs.

    Returns
    -------
    polars.DataFrame
        One row a record, in the same order: `customer`, and of what is there

        - of name: `name_key` (words without company form, folded, sorted), `name_joined` (the same without spaces, in
          the order written), `name_words` (list; given names in their full form), `name_core` (two words, without
          patronymic), `name_last` and `name_initials` (where patronymic or initials tell which word is which),
          `name_has_initials`, `name_given` (given names, in their full form), `name_shorter` (list of keys it may be
          shortened to), `company_form` (limited, joint stock, ..., null where none is written), `name_repeats`
          (whether it only says first and last name again; a missing name is filled from these);
        - of first_name and last_name: `first_name_key`, `first_name_formal` (nicknames in full), `first_name_known`
          (whether it is one of the usual given names) and `last_name_key`;
        - `tax_id` (letters and digits), `tax_id_valid` (whether its check digits are right, null when that can't be
          told), `email`, `mailbox` (its part before the @, unless it is short or a shared one such as info), `phone`
          (E.164 where it is a valid number, else its digits);
        - of address: `address_key`, `address_words` and `address_numbers` (without "street", "flat" and the like);
        - `city_key`, `postcode`, `birth_date`.

        Null where nothing is said, or only something like "n/a", "нет" or a telephone number of zeros.

    Raises
    ------
    ValueError
        When there is no column `customer`, or `country` isn't two letters.

    Notes
    -----
    Cyrillic is transliterated, then folded until the usual romanisations (BGN/PCGN, GOST 7.79, passports) coincide:
    Щербаков, Shcherbakov and Scherbakov are one key. A key says what sounds alike, not what is spelt alike.

    The first telephone number and the first e-mail address of several in a cell are taken. Shared mailboxes (info@)
    stand for nothing at public mail services and for the company at its own domain. Numeric dates are read day first
    unless that can't be; years of two digits up to 14 are 2000s. Of the tax number 7707083893/770701001 the part
    behind the slash (the branch) is dropped: branches are the company.
    """
    if "customer" not in records.columns:
        raise ValueError("records: there is no column 'customer'.")
    if country is not None and not re.fullmatch("[A-Za-z]{2}", country):
        raise ValueError("country: write the two letters of its code, such as RU.")
    region = country.upper() if country else None
    written = {name: _as_text(records[name]) for name in MEANINGS if name in records.columns}
    columns: list[pl.Series] = [records["customer"]]
    if {"first_name", "last_name"} & written.keys():
        columns += _person_columns(written)
    if "name" in written:
        columns += _name_columns(written)
    if "tax_id" in written:
        number, valid = _tax_columns(written["tax_id"], region)
        columns += [number, valid]
    if "email" in written:
        email = _each(written["email"], normal_email)
        columns += [email, _each(email, _own_mailbox).alias("mailbox")]
    if "phone" in written:
        columns.append(_each(written["phone"], lambda text: normal_phone(text, region)))
    if "address" in written:
        columns += _address_columns(written)
    if "city" in written:
        columns.append(_each(written["city"], _city_key).alias("city_key"))
    if "postcode" in written:
        columns.append(_each(written["postcode"], _postcode))
    if "birth_date" in written:
        columns.append(_each(written["birth_date"], normal_date, pl.Date))
    return pl.DataFrame(columns)


def fold(word: str) -> str:
    """Bring the spellings of one word, Cyrillic or Latin, to one key of lower-case letters and digits.

    Folding a key again leaves it as it is. Empty when there is no letter or digit.

    Examples
    --------
    >>> fold("Щербаков"), fold("Shcherbakov"), fold("Scherbakov")
    ('šerbakov', 'šerbakov', 'šerbakov')
    """
    return _fold_plain("".join(_WORD.findall(_plain(word))))


def normal_phone(text: str, region: str | None = None) -> str | None:
    """Write a telephone number in E.164 if it is a valid one, else as its digits; None for no number.

    Parameters
    ----------
    text : str
    region : str, optional
        Two-letter code, in capitals, of the country of numbers written without their country's.
    """
    cleaned = _clean(text)
    digits = _digits(cleaned)
    ending = digits[-_ENDING:]
    if len(digits) < _FEWEST_DIGITS or len(set(ending)) == 1 or digits.endswith("1234567"):
        return None
    found = _valid_phone(cleaned, region) or _valid_phone(digits, region)
    if found is None and len(digits) > 10:
        found = _valid_phone("+" + digits, None)
    if found is None and len(digits) <= 3 * 15:
        matches = phonenumbers.PhoneNumberMatcher(cleaned, region)
        found = next((_international(match.number) for match in matches), None)
    return found or digits


def normal_email(text: str) -> str | None:
    """Write an e-mail address in lower case; None for none, or for one that stands for none (noreply@, test@test).

    Only the syntax is looked at. An address of wrong syntax is kept as written, in lower case.
    """
    cleaned = _clean(text).casefold().removeprefix("mailto:")
    latin = cleaned.translate(_TO_LATIN)
    cleaned = latin if latin.isascii() else cleaned
    candidates = [part.strip("<>()[]\"'.:") for part in re.split(r"[\s,;|]+", cleaned) if "@" in part]
    if not candidates:
        return None
    address = next(filter(None, map(_valid_email, candidates)), candidates[0])
    mailbox, _, domain = address.partition("@")
    says_nothing = (
        mailbox in _EMPTY_MAILBOXES
        or (domain in _PUBLIC_MAIL and mailbox in (*_SHARED_MAILBOXES, domain.partition(".")[0]))
        or not mailbox
        or _digits(mailbox) == mailbox == mailbox[0] * len(mailbox)
    )
    return None if says_nothing else address


def normal_tax_number(text: str, region: str | None = None) -> tuple[str | None, bool | None]:
    """Write a tax number without separators, and tell whether its check digits are right.

    Parameters
    ----------
    text : str
    region : str, optional
        Two-letter code of the country whose numbers are written without theirs.

    Returns
    -------
    number : str or None
        Letters and digits; a leading zero that a spreadsheet lost is put back if the check digits say so.
    valid : bool or None
        None when neither the country nor a country's code at the front tells how to check.
    """
    cleaned = re.sub(r"\.0+$", "", _TAX_LABEL.sub("", _clean(text).upper()).translate(_TO_LATIN))
    parts = [re.sub("[^0-9A-Z]", "", part) for part in re.split(r"[/\\]", cleaned)]
    whole = "".join(parts)
    if not _digits(whole).strip("0") or len(set(whole)) == 1:
        return None, None
    checks = _tax_checks(region)
    for number in (parts[0], whole, *(["0" + whole] if whole.isdecimal() else [])):
        if any(check.is_valid(number) for check in checks):
            return number, True
    prefix = re.match("[A-Z]{2}(?=.*[0-9])", whole)
    foreign = _tax_checks(prefix.group()) if prefix else ()
    if any(check.is_valid(whole) for check in foreign):
        return whole, True
    return whole, False if checks or foreign else None


def normal_date(text: str) -> dt.date | None:
    """Read a birth date in whatever style; None for none, an impossible one, or one that programs write for none."""
    cleaned = _clean(text).casefold()
    try:
        date = _read_date(cleaned)
    except (ValueError, OverflowError):
        return None
    return None if date in _NO_BIRTHDAY or (date is not None and date.year < 1850) else date


def _as_text(column: pl.Series) -> pl.Series:
    if column.dtype in (pl.Date, pl.Datetime):
        column = column.dt.strftime("%Y-%m-%d")
    elif column.dtype.is_float():
        # A whole number that a spreadsheet keeps as a fraction
        whole = column.cast(pl.Int64, strict=False)
        as_whole = (whole.cast(pl.Float64) == column).fill_null(False)
        column = pl.select(pl.when(as_whole).then(whole.cast(pl.String)).otherwise(column.cast(pl.String))).to_series()
    return column.cast(pl.String, strict=False).alias(column.name)


def _each(column: pl.Series, function: Callable[[str], Any], dtype: Any = pl.String) -> pl.Series:
    """Apply a function to each distinct text once."""
    texts = column.unique().drop_nulls().to_list()
    known = {text: function(text) for text in texts}
    return pl.Series(column.name, [known.get(text) for text in column.to_list()], dtype=dtype)


def _clean(text: str) -> str:
    """Drop what can't be seen, mend words of two alphabets, and leave nothing of what only says "nothing"."""
    if text.isascii() and text.isprintable():
        words = text.split()
    else:
        seen = unicodedata.normalize("NFKC", text)
        if not seen.isprintable():
            seen = "".join(map(_visible, seen))
        has_cyrillic = any("\u0400" <= sign <= "\u04ff" for sign in seen)
        words = [_one_alphabet(word) if has_cyrillic else word for word in seen.split()]
    cleaned = " ".join(words)
    return "" if cleaned.casefold() in _NOTHING or not any(map(str.isalnum, cleaned)) else cleaned


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    return "" if category == "Cf" else " " if category[0] in "CZ" else sign


def _one_alphabet(word: str) -> str:
    """Mend a word, of a text with Cyrillic letters, in which look-alikes stand for letters of the other alphabet."""
    latin = {sign for sign in word if "a" <= sign.lower() <= "z"}
    cyrillic = {sign for sign in word if "\u0400" <= sign <= "\u04ff"}
    if latin and latin <= _LATIN_SIGNS:
        return word.translate(_TO_CYRILLIC)
    return word.translate(_TO_LATIN) if latin and cyrillic <= _CYRILLIC_SIGNS else word


def _plain(text: str) -> str:
    """Write text in lower-case ASCII, š and č apart, which are what folding makes of their spellings."""
    lower = _APOSTROPHES.sub("", text.casefold().replace("ё", "е"))
    if not lower.isascii():
        lower = "".join(part if part in ("š", "č") else anyascii(part) for part in re.split("([šč])", lower)).lower()
    return _APOSTROPHES.sub("", lower)


def _fold_plain(word: str) -> str:
    before = ""
    while word != before:
        before = word
        for pattern, letter in _FOLDS:
            word = pattern.sub(letter, word)
    return word


_FORMAL: dict[str, str] = {}
for _group in _GIVEN_NAMES.split(";"):
    _full, *_short = _group.split()
    for _name in (_full, *_short):
        # Of a nickname of several names the first is taken: which of them is meant can't be told
        _FORMAL.setdefault(fold(_name), _FORMAL.get(fold(_full), fold(_full)))
_ADDRESS_WORDS = frozenset(
    spelling for word in _ADDRESS_TYPES.split() for spelling in (_plain(word), fold(word)) if spelling
)


def _words(text: str) -> list[str]:
    """Return the folded words of a text, initials as one letter."""
    return _folded(_words_as_written(_clean(text)))


def _words_as_written(text: str) -> list[str]:
    one_letter = _INITIAL.sub(lambda initial: fold(initial[0])[0] + " ", text)
    return _WORD.findall(_APOSTROPHES.sub("", one_letter))


def _folded(words: Iterable[str]) -> list[str]:
    return [key for word in words for key in _keys_of(word)]


@lru_cache(maxsize=1 << 16)
def _keys_of(word: str) -> tuple[str, ...]:
    keys = filter(None, map(_fold_plain, _WORD.findall(_plain(word))))
    return tuple(key[0] if len(word) == 1 else key for key in keys)


def _split_form(name: str) -> tuple[list[str], str | None]:
    """Split a name into its folded words, as written, and the company's form."""
    text = _clean(name).casefold()
    for pattern, word in _FORM_PHRASES:
        text = pattern.sub(word, text)
    text = _DOTTED.sub(
        lambda dotted: joined if _plain(joined := dotted[0].replace(".", "")) in _FORMS else dotted[0], text
    )
    words = _words_as_written(text)
    form = None
    while len(words) > 1 and (at := next((end for end in (0, -1) if _plain(words[end]) in _FORMS), None)) is not None:
        form = _FORMS[_plain(words.pop(at))]
    return _folded(words), form


def _key(words: Iterable[str]) -> str | None:
    return " ".join(sorted(words)) or None


def _person_columns(written: dict[str, pl.Series]) -> list[pl.Series]:
    columns = []
    for part in ("first_name", "last_name"):
        if part in written:
            columns.append(_each(written[part], lambda text: _key(_words(text))).alias(f"{part}_key"))
    if "first_name" in written:
        formal = _each(written["first_name"], lambda text: _key(_formal(_words(text))))
        is_known = _each(written["first_name"], lambda text: set(_words(text)) <= _FORMAL.keys(), pl.Boolean)
        columns += [formal.alias("first_name_formal"), is_known.alias("first_name_known")]
    return columns


def _formal(words: Iterable[str]) -> list[str]:
    return [_FORMAL.get(word, word) for word in words]


def _name_columns(written: dict[str, pl.Series]) -> list[pl.Series]:
    split = _each(written["name"], _split_form, pl.Object).to_list()
    parts = [
        _each(written[part], _words, pl.Object).to_list() for part in ("last_name", "first_name") if part in written
    ]
    persons = [[word for words in texts if words for word in words] for texts in zip(*parts, strict=True)]
    names, forms, repeats = [], [], []
    for row, found in enumerate(split):
        words, form = found or ([], None)
        person = persons[row] if persons else []
        names.append(words or person)
        forms.append(form)
        repeats.append(bool(person) and set(person) <= set(names[-1]))
    described = pl.DataFrame([_describe_name(words) for words in names], schema=_NAME_SCHEMA, orient="row")
    return [
        *described,
        pl.Series("company_form", forms, dtype=pl.String),
        pl.Series("name_repeats", repeats, dtype=pl.Boolean),
    ]


def _describe_name(words: list[str]) -> tuple[object, ...]:
    """Describe a name of folded words in the columns of `_NAME_SCHEMA`."""
    if not words:
        return (None,) * len(_NAME_SCHEMA)
    full = [word for word in words if len(word) > 1]
    letters = [word for word in words if len(word) == 1]
    last, first, patronymic = _three_parts(words)
    given = [_FORMAL[word] for word in full if word in _FORMAL and word != last]
    # Where the parts are known, the core and the initials say how it may be shortened
    shorter = set() if last else {_key(pair) for pair in combinations(full, 2) if len(full) > 2}
    shorter |= set() if last else {_key((word, other[0])) for word, other in permutations(full, 2) if len(full) < 4}
    return (
        _key(words),
        "".join(words),
        sorted(_formal(words)),
        _key((last, first)) if last and not letters else _key(words) if len(full) == len(words) == 2 else None,
        last,
        f"{first[0]}{patronymic[:1]}" if last else None,
        bool(letters),
        _key(given),
        sorted(filter(None, shorter)) or None,
    )


def _three_parts(words: list[str]) -> tuple[str | None, str, str]:
    """Tell last name, given name and patronymic apart in a Russian name, or one with initials; else no last name."""
    full = [word for word in words if len(word) > 1]
    if len(full) == 1 and 2 <= len(words) <= 3:
        first, *patronymic = [word for word in words if len(word) == 1]
        return full[0], first, "".join(patronymic)
    if len(full) == len(words) == 3:
        one, two, three = words
        if _PATRONYMIC.search(three):
            return one, two, three
        if _PATRONYMIC.search(two):
            return three, one, two
    return None, "", ""


@lru_cache(maxsize=1 << 10)
def _tax_checks(region: str | None) -> tuple[Any, ...]:
    modules = (get_cc_module(region, name) for name in _TAX_NUMBERS) if region else ()
    return tuple(module for module in dict.fromkeys(modules) if module is not None)


def _tax_columns(column: pl.Series, region: str | None) -> tuple[pl.Series, pl.Series]:
    found = _each(column, lambda text: normal_tax_number(text, region), pl.Object).to_list()
    numbers, valid = zip(*((pair or (None, None)) for pair in found), strict=True) if found else ((), ())
    return pl.Series("tax_id", numbers, dtype=pl.String), pl.Series("tax_id_valid", valid, dtype=pl.Boolean)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if "0" <= sign <= "9")


def _valid_phone(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return _international(number) if phonenumbers.is_valid_number(number) else None


def _international(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _valid_email(text: str) -> str | None:
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized.casefold()
    except EmailNotValidError:
        return None


def _own_mailbox(email: str) -> str | None:
    mailbox = email.partition("@")[0]
    return mailbox if len(mailbox) > 3 and mailbox not in _SHARED_MAILBOXES else None


def _address_columns(written: dict[str, pl.Series]) -> list[pl.Series]:
    """Split addresses into words and numbers, without types and without what city and postcode say already."""
    pieces = _each(written["address"], _address_pieces, pl.Object).to_list()
    none = [None] * len(pieces)
    cities = _each(written["city"], _city_key).to_list() if "city" in written else none
    postcodes = _each(written["postcode"], _postcode).to_list() if "postcode" in written else none
    all_words, all_numbers = [], []
    for found, city, code in zip(pieces, cities, postcodes, strict=True):
        words, numbers = found or ([], [])
        in_city = set(city.split()) if city else set()
        all_words.append(" ".join(sorted(word for word in words if word not in in_city) or sorted(words)) or None)
        all_numbers.append(" ".join(number for number in numbers if number != code) or None)
    words = pl.Series("address_words", all_words, dtype=pl.String)
    numbers = pl.Series("address_numbers", all_numbers, dtype=pl.String)
    key = pl.select(pl.concat_str(words, numbers, separator=" ", ignore_nulls=True).replace("", None)).to_series()
    return [key.alias("address_key"), words, numbers]


def _address_pieces(text: str) -> tuple[list[str], list[str]]:
    pieces = _PIECE.findall(_plain(_HYPHENATED.sub(" ", _clean(text).casefold())))
    numbers = [piece.lstrip("0") for piece in pieces if piece.isdecimal()]
    words = _folded(piece for piece in pieces if not piece.isdecimal() and piece not in _ADDRESS_WORDS)
    return [word for word in words if word not in _ADDRESS_WORDS], [number for number in numbers if number]


def _city_key(text: str) -> str | None:
    words = _WORD.findall(_plain(_clean(text)))
    key = _key(_folded([word for word in words if word not in _ADDRESS_WORDS] or words))
    return _CITIES.get(key, key) if key else None


def _postcode(text: str) -> str | None:
    code = re.sub("[^0-9A-Z]", "", _plain(re.sub(r"\.0+$", "", _clean(text))).upper())
    return code.lstrip("0") or None


def _read_date(text: str) -> dt.date | None:
    text = re.sub(r"[t ]\d{1,2}:\d\d.*$", "", text)
    if found := re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})\D*", text):
        return dt.date(*map(int, found.groups()))
    if re.fullmatch(r"\d{5}", text):
        return _SERIAL_ORIGIN + dt.timedelta(int(text))
    if found := re.fullmatch(r"(\d{1,2})\D{1,3}(\d{1,2})\D{1,3}(\d{4}|\d\d)\D*", text):
        first, second, year = map(int, found.groups())
        day, month = (first, second) if second <= 12 else (second, first)
        return dt.date(_full_year(year), month, day)
    if found := re.fullmatch(r"(\d{8})", text):
        return dt.date(int(text[4:]), int(text[2:4]), int(text[:2]))
    month_named = next((number for word, number in _MONTHS.items() if re.search(rf"(?<![^\W\d_]){word}", text)), None)
    numbers = [int(number) for number in re.findall(r"\d{1,4}", text)]
    if month_named is None or len(numbers) != 2:
        return None
    day, year = sorted(numbers) if max(numbers) > 31 else numbers
    return dt.date(_full_year(year), month_named, day)


def _full_year(year: int) -> int:
    return year if year > 99 else year + (2000 if year < _CENTURY_TURNS else 1900)
