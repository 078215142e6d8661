"""Names, numbers, addresses and dates brought to one spelling."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.record_normalisation import (
    MEANINGS,
    fold,
    normal_date,
    normal_email,
    normal_phone,
    normal_tax_number,
    normalise_records,
)

quick = settings(deadline=None, derandomize=True, database=None, max_examples=150)
# Letters of both alphabets, look-alikes, marks and signs that nobody sees
texts = st.text(
    st.one_of(st.sampled_from("aсoкшщйьyhzcstkxjеёžšč'\"«.,-@/ \u200b\u00a00123456789"), st.characters()), max_size=25
)


def normal(country: str | None = "RU", **columns: list) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    return normalise_records(pl.DataFrame({"customer": range(rows), **columns}, strict=False), country)


@pytest.mark.parametrize(
    "spellings",
    [
        "Щербаков Shcherbakov Scherbakov Shherbakov",
        "Хохлов Khokhlov Hohlov Xoxlov",
        "Цветков Tsvetkov Cvetkov Tzvetkov",
        "Жуков Zhukov Jukov",
        "Юрий Yuriy Yury Iurii Jurij",
        "Яковлев Yakovlev Iakovlev Jakovlev",
        "Соловьёв Соловьев Solovyov Solov'ev Solov’yev Solovjov",
        "Андрей Andrey Andrei Andrej",
        "Алексей Aleksey Alexey Alexej",
        "Шмидт Shmidt Schmidt",
        "Филипп Filipp Philip",
        "Чайковский Chaykovskiy Tchaikovsky Čajkovskij",
        "СОСНА Сосна Cосна сoсна",
    ],
)
def test_spellings_of_one_name_are_one_key(spellings):
    keys = normal(last_name=spellings.split())["last_name_key"]
    assert keys.n_unique() == 1
    assert keys[0]


@pytest.mark.parametrize("pair", ["Петров Петрова", "Иванов Сидоров", "Логинова Логова", "Окна-2000 Окна-200"])
def test_other_names_are_other_keys(pair):
    one, other = pair.split()
    assert fold(one) != fold(other)


@quick
@given(texts)
@example("skhs")
@example("tsch")
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@quick
@given(texts, st.sampled_from([None, "RU", "DE", "AU"]))
@example("1/00", "RU")
@example("+7 495 1234560 доб. 12, 8 916 123 45 60", "RU")
def test_normal_fields_stay_as_they_are(text, country):
    for function in (
        normal_email,
        lambda text: normal_phone(text, country),
        lambda text: normal_tax_number(text, country)[0],
    ):
        found = function(text)
        assert found is None or function(found) == found
    date = normal_date(text)
    assert date is None or normal_date(date.isoformat()) == date


@quick
@given(st.lists(st.one_of(st.none(), texts), min_size=10, max_size=10), st.sampled_from([None, "RU", "US"]))
def test_any_text_is_read(values, country):
    records = pl.DataFrame({"customer": ["a"], **{name: [value] for name, value in zip(MEANINGS, values, strict=True)}})
    found = normalise_records(records.cast(pl.String), country)
    assert found["customer"].to_list() == ["a"]
    assert found.height == 1


def test_company_forms_are_split_off():
    names = [
        "ООО «Ромашка»",
        'OOO "Romashka"',
        "Общество с ограниченной ответственностью «РОМАШКА»",
        "ромашка, ооо",
        "Ро\u200bмашка\u00a0О.О.О.",
        "Romashka GmbH",
        "АО Ромашка",
        "Ромашка",
    ]
    found = normal(name=names)
    assert found["name_key"].n_unique() == 1
    assert found["company_form"].to_list() == ["limited"] * 6 + ["joint stock", None]


def test_initials_and_patronymic_tell_the_parts_of_a_name_apart():
    names = [
        "Петров Юрий Семёнович",
        "Юрий Семенович Петров",
        "Ю. С. Петров",
        "Петров Ю.С.",
        "Petrov Yu. S.",
        "ИП Петров Ю.С.",
    ]
    found = normal(name=names)
    assert found["name_last"].to_list() == ["petrov"] * 6
    assert found["name_initials"].unique().to_list() == ["is"]
    assert found["name_has_initials"].to_list() == [False, False, True, True, True, True]
    assert found["name_core"].to_list() == ["iuri petrov"] * 2 + [None] * 4


def test_a_nickname_has_its_full_form():
    found = normal(first_name=["Саша", "Sasha", "Александр", "Бетховен", "Bob", "Robert"])
    assert found["first_name_formal"].to_list() == [*["alehandr"] * 3, fold("Бетховен"), "robert", "robert"]
    assert found["first_name_known"].to_list() == [True, True, True, False, True, True]


def test_a_name_is_filled_from_its_parts_and_known_to_repeat_them():
    found = normal(
        name=[None, "Иван Петров", "ООО Свет", None],
        first_name=["Иван", "Иван", "Иван", None],
        last_name=["Петров", "Петров", "Петров", None],
    )
    assert found["name_key"].to_list() == ["ivan petrov", "ivan petrov", "svet", None]
    assert found["name_repeats"].to_list() == [True, True, False, False]


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("8 (495) 739-70-00", "RU", "+74957397000"),
        ("+7 495 739 70 00", None, "+74957397000"),
        ("7-495-7397000 доб. 12", "RU", "+74957397000"),
        ("тел.: 84957397000; 8 916 739-70-01", "RU", "+74957397000"),
        ("74957397000.0", "RU", "+74957397000"),
        ("030 901820", "DE", "+4930901820"),
        ("7397000", "RU", "7397000"),
        ("000-00-00", "RU", None),
        ("+7 (999) 999-99-99", "RU", None),
        ("нет", "RU", None),
        ("123", "RU", None),
    ],
)
def test_phones(written, country, number):
    assert normal_phone(written, country) == number


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (" Ivanov.A@Example.COM ", "ivanov.a@example.com"),
        ("mailto:ivanov+shop@example.com", "ivanov+shop@example.com"),
        ("Иванов <ivanov@example.com>, second@example.com", "ivanov@example.com"),
        ("ivаnоv@example.com", "ivanov@example.com"),
        ("info@firma.example", "info@firma.example"),
        ("info@mail.ru", None),
        ("svet@svet.example", "svet@svet.example"),
        ("none@example.com", None),
        ("test@test.ru", None),
        ("нет", None),
        ("-", None),
        ("ivanov@mail..ru", "ivanov@mail..ru"),
    ],
)
def test_emails(written, address):
    assert normal_email(written) == address


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("7707083893", "RU", ("7707083893", True)),
        ("ИНН: 7707 083 893", "RU", ("7707083893", True)),
        ("7707083893/770701001", "RU", ("7707083893", True)),
        ("500100732259", "RU", ("500100732259", True)),
        ("7707083894", "RU", ("7707083894", False)),
        ("278039018", "RU", ("0278039018", True)),
        ("DE136695976", "RU", ("DE136695976", True)),
        ("DE136695977", None, ("DE136695977", False)),
        ("5304218", None, ("5304218", None)),
        ("0000000000", "RU", (None, None)),
        ("n/a", "RU", (None, None)),
    ],
)
def test_tax_numbers(written, country, number):
    assert normal_tax_number(written, country) == number


@pytest.mark.parametrize(
    "written",
    [
        "1980-03-01",
        "01.03.1980",
        "1/3/80",
        "19800301",
        "1 марта 1980 г.",
        "1 March 1980",
        "March 1, 1980",
        "1980-03-01 00:00:00",
        "29281",
    ],
)
def test_dates_of_every_style(written):
    assert normal_date(written) == dt.date(1980, 3, 1)


@pytest.mark.parametrize("written", ["", "31.02.1980", "01.01.1900", "нет", "1980", "99.99.9999", "0001-01-01"])
def test_dates_that_are_none(written):
    assert normal_date(written) is None


def test_typed_columns_are_read_like_text():
    found = normal(
        tax_id=[7707083893.0, None],
        phone=[84957397000, None],
        birth_date=[dt.date(1980, 3, 1), None],
        postcode=[170100.0, None],
    )
    assert found.row(0, named=True) == {
        "customer": 0, "tax_id": "7707083893", "tax_id_valid": True, "phone": "+74957397000", "postcode": "170100",
        "birth_date": dt.date(1980, 3, 1),
    }  # fmt: skip


def test_addresses_without_types_and_what_the_city_says():
    found = normal(
        address=[
            "ул. Ленина, д. 5, кв. 12",
            "Lenina str. 5-12",
            "170100, г. Тверь, улица Ленина, дом 5 кв.12",
            "Ленина 15",
            "нет",
        ],
        city=["Тверь", "г. Тверь", "Tver", "Тверь", "ТВЕРЬ"],
        postcode=["170100", "170100", "170100", "170100", None],
    )
    assert found["address_key"].to_list() == ["lenina 5 12"] * 3 + ["lenina 15", None]
    assert found["city_key"].n_unique() == 1


def test_only_what_is_there_is_returned_in_the_order_it_came():
    found = normalise_records(pl.DataFrame({"customer": ["b", "a"], "city": ["Тверь", None], "manager": ["x", "y"]}))
    assert found.to_dict(as_series=False) == {"customer": ["b", "a"], "city_key": ["tver", None]}
    assert normalise_records(pl.DataFrame({"customer": ["a"]})).columns == ["customer"]
    nobody = normalise_records(pl.DataFrame(schema=dict.fromkeys(["customer", *MEANINGS], pl.String)), "RU")
    assert nobody.height == 0


def test_a_record_without_key_or_a_country_of_three_letters_is_refused():
    with pytest.raises(ValueError, match="no column 'customer'"):
        normalise_records(pl.DataFrame({"name": ["a"]}))
    with pytest.raises(ValueError, match="two letters"):
        normalise_records(pl.DataFrame({"customer": ["a"]}), "RUS")
