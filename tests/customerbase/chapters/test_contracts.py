"""What `05_retention` says of contracts, on simulated bases whose truth is known and on those that record little."""

import datetime as dt
import re

import polars as pl
import pytest

from customerbase.chapter import Chapter
from customerbase.chapters.retention import contracts
from customerbase.figures.retention import contracts as figures
from customerbase.parameters import read_parameters
from customerbase.unsaid import Unsaid
from tests.contractual_base import AS_OF, simulated_contracts, write_contractual_base

UNREADABLE = re.compile(r"\b(nan|NaN|NaT|inf|None)\b")


def opened(file) -> Chapter:
    chapter = Chapter("05_retention", read_parameters(file), file.parent / "run")
    chapter.in_run = False
    return chapter


def told(chapter: Chapter) -> dict:
    """Return everything that the chapter says of contracts, checked to be readable."""
    base = contracts.contracts(chapter)
    projection, test = contracts.project(chapter, base), contracts.hold_out(chapter, base)
    table = contracts.remaining_table(chapter, base, projection)
    contracts.state_findings(chapter, base, projection, test)
    stated = {finding.id: finding for finding in chapter.findings().findings}
    pictures = [figures.survival(base, projection, 0.8), figures.held_out(base, test, 0.8)]
    texts = [finding.statement for finding in stated.values()]
    texts += [each.alt for each in pictures if each is not None and not isinstance(each, Unsaid)]
    texts += [each._repr_mimebundle_()["text/plain"] for each in (table,) if each is not None]
    assert not any(UNREADABLE.search(text) for text in texts), texts
    return {
        "base": base,
        "projection": projection,
        "test": test,
        "table": table,
        "about": contracts.about(base, projection),
        "stated": stated,
        "pictures": pictures,
    }


@pytest.fixture(scope="module")
def yearly(tmp_path_factory):
    return told(opened(write_contractual_base(tmp_path_factory.mktemp("yearly"))))


class TestContractualBase:
    def test_planted_parameters_are_found(self, yearly):
        model = yearly["projection"].model
        off = (model.params_ - [0.7, 3.0]).abs() / model.standard_errors_
        assert off.max() < 3

    def test_the_projection_held_and_the_rules_did_not(self, yearly):
        end = yearly["test"].table.iloc[-1]
        assert yearly["test"].cut == dt.date(2015, 6, 30)
        assert end["low"] <= end["actual"] <= end["high"]
        finding = yearly["stated"]["contract_projection"]
        assert finding.verdict == "good"
        assert finding.low <= 0 <= finding.high
        assert min(abs(end[rule] - end["actual"]) for rule in ("constant", "line")) > 3 * abs(
            end["model"] - end["actual"]
        )

    def test_the_table_counts_every_contract_running(self, yearly):
        remaining = yearly["projection"].remaining
        assert remaining["running"].sum() == yearly["base"].found.rows["on"].sum()
        assert remaining["lifetime"].is_monotonic_increasing

    def test_the_findings_say_what_the_figures_show(self, yearly):
        assert "shifted-beta-geometric" in yearly["about"].reason
        stated = yearly["stated"]
        assert set(stated) == {"contracts_renewed", "contract_projection", "contract_lifetime"}
        assert stated["contracts_renewed"].question == "losing"
        assert "whoever has stayed long stays longer" in stated["contract_lifetime"].statement
        survival, held_out = yearly["pictures"]
        assert "still on after 12 years" in survival.alt
        assert held_out.alt.startswith("Foretold 5 years ahead")


def test_contracts_of_before_the_ledger_change_neither_estimate_nor_test(tmp_path):
    said = told(opened(write_contractual_base(tmp_path, ledger_from=dt.date(2013, 1, 1))))
    model = said["projection"].model
    assert ((model.params_ - [0.7, 3.0]).abs() / model.standard_errors_).max() < 3
    assert said["base"].found.truncated > 200
    statement = said["stated"]["contracts_renewed"].statement
    assert f"{said['base'].found.before_records} that ended before the first whole year of records" in statement
    assert said["stated"]["contract_projection"].verdict == "good"


def test_contracts_by_the_month_are_told_by_the_year_too(tmp_path):
    people = simulated_contracts(800, 0.6, 8.0, period="month", first=dt.date(2018, 1, 1), joining_days=600)
    said = told(opened(write_contractual_base(tmp_path, people, period="month")))
    assert len(said["table"].rows) <= contracts.MOST_ROWS
    assert "% a year)" in said["stated"]["contracts_renewed"].statement
    assert said["test"].periods == 12


def test_whoever_cannot_be_followed_is_counted_as_left_out(tmp_path):
    people = simulated_contracts(300, 0.7, 3.0)
    number = pl.int_range(pl.len())
    people = people.with_columns(
        joined=pl.when(number == 5).then(pl.lit(dt.date(2030, 1, 1))).when(number < 5).then(None).otherwise("joined"),
        left=pl.when(number == 5).then(None).when(number == 6).then(pl.lit(dt.date(2001, 1, 1))).otherwise("left"),
    )
    file = write_contractual_base(tmp_path, people)
    said = told(opened(file))
    # nobody wrote when 0 to 4 joined, and without that they have paid nothing here
    statement = said["stated"]["contracts_renewed"].statement
    assert "Left out: 5 whose beginning nobody knows, 1 that ended before they began and 1 that begin" in statement


def test_the_first_purchase_stands_for_a_beginning_nobody_wrote(tmp_path):
    file = write_contractual_base(tmp_path)
    table = tmp_path / "customers.csv"
    whole = contracts.contracts(opened(file))
    pl.read_csv(table, schema_overrides={"customer": pl.String}).with_columns(joined=None).write_csv(table)
    without = contracts.contracts(opened(file))
    assert without.found.rows.drop("entered").equals(whole.found.rows.drop("entered"))


@pytest.mark.parametrize(
    ("leaves", "said"),
    [((1e-6, 1e3), "Nobody left at a renewal"), ((1e3, 1e-6), "Nobody renewed")],
)
def test_the_limits_are_said(tmp_path, leaves, said):
    found = told(opened(write_contractual_base(tmp_path, simulated_contracts(200, *leaves))))
    assert said in found["stated"]["contract_lifetime"].statement
    assert "stays longer" not in found["stated"]["contract_lifetime"].statement


def test_who_has_given_notice_is_not_called_on(tmp_path):
    people = simulated_contracts(300, 0.7, 3.0)
    open_ones = people.filter((pl.col("left") > AS_OF) & (pl.col("joined").dt.ordinal_day() < 170))["customer"]
    noticed = open_ones.sort().head(len(open_ones) // 2)
    people = people.with_columns(
        left=pl.when(pl.col("customer").is_in(noticed.implode())).then(AS_OF - dt.timedelta(days=5)).otherwise("left")
    )
    said = told(opened(write_contractual_base(tmp_path, people)))
    on, gone = said["base"].found.rows["on"].sum(), said["base"].cancelled
    assert gone >= len(noticed) > 0
    assert said["projection"].remaining["running"].sum() == on
    kept = said["stated"]["contracts_renewed"]
    assert f"{on} contracts are on; of {on + gone} contracts whose next renewal hasn't come up, {gone} have" in (
        kept.statement
    )
    assert f"the {on} contracts that are on together" in said["stated"]["contract_lifetime"].statement


def test_notice_alone_is_not_taken_for_loyalty_for_ever(tmp_path):
    number = 100
    people = pl.DataFrame(
        {
            "customer": [f"{at:03d}" for at in range(number)],
            "joined": [AS_OF.replace(year=AS_OF.year - 1, month=1, day=2)] * number,
            "left": [AS_OF - dt.timedelta(days=20) if at < 40 else None for at in range(number)],
        },
        schema_overrides={"left": pl.Date},
    )
    said = told(opened(write_contractual_base(tmp_path, people)))
    assert said["stated"]["contracts_renewed"].verdict == "watch"
    assert "40 have been cancelled already" in said["stated"]["contract_lifetime"].statement
    assert "for ever" not in said["stated"]["contract_lifetime"].statement


def test_ends_that_seem_to_be_missing_are_asked_after(tmp_path):
    people = simulated_contracts(400, 0.7, 3.0)
    whole = told(opened(write_contractual_base(tmp_path, people)))
    assert "struck off" not in whole["stated"]["contracts_renewed"].statement
    kept = people.filter(pl.col("left").is_null() | (pl.col("left") >= dt.date(2016, 1, 1)))
    (tmp_path / "kept").mkdir()
    said = told(opened(write_contractual_base(tmp_path / "kept", kept)))
    assert "No end is recorded before" in said["stated"]["contracts_renewed"].statement


class TestWhatCannotBeSaid:
    def test_no_customers_table_is_one_sentence_and_no_more(self, make_base, tmp_path):
        chapter = Chapter(
            "05_retention", read_parameters(make_base("a,2020-01-01,5\nb,2020-05-01,7")), tmp_path / "run"
        )
        chapter.in_run = False
        said = told(chapter)
        assert isinstance(said["base"], Unsaid)
        assert said["table"] is said["about"] is None
        assert said["pictures"][1] is None
        assert set(said["stated"]) == {"contracts"}
        assert said["stated"]["contracts"].verdict == "unknown"

    def test_too_few_contracts(self, tmp_path):
        said = told(opened(write_contractual_base(tmp_path, simulated_contracts(12, 0.7, 3.0))))
        assert "A renewal has come up for 12 contracts" in said["base"].reason

    def test_too_short_a_time_to_test(self, tmp_path):
        people = simulated_contracts(200, 0.7, 3.0, first=dt.date(2018, 9, 1), joining_days=200)
        said = told(opened(write_contractual_base(tmp_path, people)))
        assert "for three years" in said["stated"]["contract_projection"].statement
        assert "don't tell alpha and beta apart" in said["stated"]["contract_lifetime"].statement

    def test_who_left_after_the_last_day_is_still_on(self, tmp_path):
        file = write_contractual_base(tmp_path, simulated_contracts(200, 0.7, 3.0))
        early = opened(file).parameters.model_copy(update={"as_of": dt.date(2015, 6, 30)})
        chapter = Chapter("05_retention", early, tmp_path / "run")
        chapter.in_run = False
        on = contracts.contracts(chapter).found.rows["on"].sum()
        people = pl.read_csv(tmp_path / "customers.csv", try_parse_dates=True)
        then = pl.lit(dt.date(2015, 6, 30))
        assert (
            on
            == people.filter((pl.col("joined") <= then) & ((pl.col("left") > then) | pl.col("left").is_null())).height
        )
        assert on > people["left"].is_null().sum()
        assert dt.date(2015, 6, 30) < AS_OF
