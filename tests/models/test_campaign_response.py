"""The effect of recorded campaigns: known ones are recovered, targeting is no effect, the future stays out."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from statsmodels.regression.linear_model import WLS

from benchmarks.recorded_campaigns import FIRST_DAY, Targeting, measured, one, simulated
from models.campaign_history import campaign_history, overlap
from models.campaign_response import CampaignResponse, Response, _Comparison, campaign_response, contrast, together
from models.entropy_balancing import NotComparableError

NOBODY = pl.DataFrame(schema={"customer": pl.String, "date": pl.Date})
NO_OTHERS = pl.DataFrame(schema={"customer": pl.String, "campaign": pl.Int64, "start": pl.Date, "until": pl.Date})


@pytest.fixture(scope="module")
def found() -> CampaignResponse:
    return measured(simulated(3, True, "history", 600))


def respond(days: pl.DataFrame, reached: list[str], start: dt.date, **given: Any) -> CampaignResponse:
    told: dict[str, Any] = {
        "first_day": FIRST_DAY,
        "reach": NO_OTHERS,
        "redemptions": NOBODY,
        "until": start + dt.timedelta(days=29),
    } | given
    return campaign_response(days, pl.Series(reached), start, told.pop("until"), **told)


@pytest.mark.parametrize(("targeting", "effect"), [("history", True), ("lasting", False)])
def test_a_known_effect_is_recovered_and_targeting_is_called_none(targeting: Targeting, effect: bool) -> None:
    """A small part of the study that `python -m benchmarks.recorded_campaigns` makes."""
    told = [one(number, effect, targeting, 600) for number in range(16)]
    for measure in ("revenue", "purchases"):
        # intervals that cover four times in five cover 9 of 16 or more in 99% of all studies
        assert sum(each[f"{measure}: covered"] for each in told) >= 9
        # and errors of one standard error are on average 0.5 to 1.55 of them in 99.8%
        errors = np.array([each[f"{measure}: error in standard errors"] for each in told])
        assert 0.5 < np.sqrt((errors**2).mean()) < 1.55
    if not effect:
        # one in ten makes six or more of 16 in 0.3% of all studies
        assert sum(each["called an effect"] for each in told) <= 5


def test_those_reached_are_set_against_customers_of_the_same_history(found: CampaignResponse) -> None:
    drawn = simulated(3, True, "history", 600)
    before = drawn.days.filter(pl.col("date") < drawn.start).group_by("customer").agg(pl.col("amount").sum())
    is_reached = before["customer"].is_in(drawn.reached.implode())
    means = [float(before.filter(each)["amount"].mean()) for each in (is_reached, ~is_reached)]  # type: ignore[arg-type]
    assert means[0] > 1.5 * means[1]
    # unweighted, those reached look as if the campaign had done far more
    during = drawn.days.filter(pl.col("date").is_between(drawn.start, drawn.until))
    spent = (
        before.select("customer")
        .join(
            during.group_by("customer").agg(pl.col("amount").sum()), on="customer", how="left", maintain_order="left"
        )["amount"]
        .fill_null(0.0)
    )
    plain = float(spent.filter(is_reached).mean()) - float(spent.filter(~is_reached).mean())  # type: ignore[arg-type]
    assert found.revenue.effect.high < plain


def test_customers_like_nobody_else_are_left_out_and_told() -> None:
    drawn = simulated(5, False, "lot", 600)
    giants = [f"giant {n}" for n in range(5)]
    every_day = [FIRST_DAY + dt.timedelta(days=n) for n in range((drawn.until - FIRST_DAY).days + 1)]
    theirs = pl.DataFrame({"customer": giants}).join(pl.DataFrame({"date": every_day}), how="cross")
    days = pl.concat([drawn.days, theirs.with_columns(amount=pl.lit(5000.0))])
    found = respond(days, [*drawn.reached, *giants], drawn.start, until=drawn.until)
    assert found.unmatched >= 5
    assert not set(giants) & set(found.customers)
    assert found.revenue.otherwise < 1000


def test_without_anything_in_common_nobody_is_compared() -> None:
    drawn = simulated(5, False, "lot", 300)
    spent = drawn.days.group_by("customer").agg(pl.len()).sort("len", "customer")
    with pytest.raises(NotComparableError, match=r"like nobody|too few are like|No weights"):
        respond(drawn.days, spent.tail(100)["customer"].to_list(), drawn.start, until=drawn.until)


@pytest.mark.parametrize(
    ("start", "reached", "why"),
    [
        (FIRST_DAY - dt.timedelta(days=1), 100, "it began before the ledger"),
        (FIRST_DAY + dt.timedelta(days=55), 100, "only 55 days of purchases before it; it takes 56"),
        (FIRST_DAY + dt.timedelta(days=100), 3, "of those reached had bought before; it takes 20"),
        (FIRST_DAY + dt.timedelta(days=100), 300, "almost everybody was reached"),
    ],
)
def test_what_cannot_be_compared_is_said(start: dt.date, reached: int, why: str) -> None:
    drawn = simulated(5, False, "lot", 300)
    with pytest.raises(NotComparableError, match=why):
        respond(drawn.days, sorted(set(drawn.days["customer"]))[:reached], start)


def test_a_later_campaign_is_adjusted_for(found: CampaignResponse) -> None:
    assert found.adjusted
    assert found.also_reached > found.others_also_reached


def test_the_difference_is_that_of_weighted_regression_with_robust_errors() -> None:
    random = np.random.default_rng(2)
    reached = random.random(200) < 0.3
    outcome = random.gamma(1, 10, 200) + 5 * reached
    history = random.normal(size=(200, 8))
    comparison = _Comparison.of(history, reached)
    nothing = np.empty((200, 0))
    found = comparison.contrast(outcome, nothing, 0.8)
    design = np.column_stack([reached, np.ones(200), history]).astype(float)
    robust = WLS(outcome, design, weights=comparison.weights).fit(cov_type="HC2")
    assert found.difference == pytest.approx(robust.params[0])
    assert found.error == pytest.approx(robust.bse[0])
    weighted = outcome[reached].mean() - comparison.weights[~reached] @ outcome[~reached]
    assert found.difference == pytest.approx(weighted, abs=1e-3)


def test_together_a_customer_of_several_campaigns_is_one_case(found: CampaignResponse) -> None:
    twice = together([found, found], "revenue")
    assert twice.effect.difference == pytest.approx(found.revenue.effect.difference)
    assert twice.effect.error == pytest.approx(found.revenue.effect.error)
    assert twice.otherwise == pytest.approx(found.revenue.otherwise)
    assert twice.placebo.difference == pytest.approx(found.revenue.placebo.difference)


def test_comparisons_that_point_different_ways_show_nothing() -> None:
    up, down = (contrast(sign * 5.0, np.array([0.1]), 50, 0.8) for sign in (1, -1))
    assert Response(1.0, up, up, down).p_value < 1e-6
    assert Response(1.0, up, down, down).p_value == 1.0


# what is known before


def history(days: pl.DataFrame, before: dt.date, **given: Any) -> pl.DataFrame:
    told: dict[str, Any] = {
        "reach": NO_OTHERS,
        "redemptions": NOBODY,
        "first_day": FIRST_DAY,
        "window_days": 30,
        "ahead_days": 30,
    } | given
    return campaign_history(days, told.pop("reach"), told.pop("redemptions"), before=before, **told)


def test_nothing_on_or_after_the_day_changes_what_was_known_before_it() -> None:
    drawn = simulated(7, True, "history", 200)
    redemptions = drawn.days.select("customer", "date")[::9]
    given = {"reach": drawn.other, "redemptions": redemptions}
    known = history(drawn.days, drawn.start, **given)
    later = pl.col("date") >= drawn.start
    moved = drawn.days.with_columns(
        pl.when(later).then(pl.col("date").dt.offset_by("400d")).otherwise("date").alias("date")
    )
    used = {"reach": drawn.other.filter(pl.col("start") < drawn.start), "redemptions": redemptions.filter(~later)}
    assert history(moved, drawn.start, **used).equals(known)
    assert history(drawn.days.filter(~later), drawn.start, **used).equals(known)


def test_a_history_in_figures() -> None:
    rows = [("a", 10, 5.0, True), ("a", 80, 7.0, False), ("a", 99, 8.0, False), ("b", 50, 3.0, False)]
    days = pl.DataFrame(
        [(who, FIRST_DAY + dt.timedelta(days=at), amount, coupon) for who, at, amount, coupon in rows],
        schema=["customer", "date", "amount", "coupon"],
        orient="row",
    )
    before = FIRST_DAY + dt.timedelta(days=100)
    ends = before + dt.timedelta(days=14)
    reach = pl.DataFrame(
        {"customer": ["a"], "campaign": [1], "start": [before - dt.timedelta(days=3)], "until": [ends]}
    )
    a, b = history(days, before, reach=reach).rows(named=True)
    assert (a["revenue_lately"], a["revenue_earlier"], b["revenue_earlier"]) == (0.5, 0.0, 3 / 30)
    assert (a["purchases"], b["purchases_lately"]) == (0.03, 0)
    assert (np.expm1(a["silent"]), np.expm1(b["age"])) == pytest.approx((1, 50))
    assert (a["coupon"], a["campaigns"], a["running"], b["campaigns"]) == (1 / 3, 1, 0.5, 0)


def test_days_that_two_campaigns_share() -> None:
    frame = pl.DataFrame({"start": [dt.date(2025, 1, 1)] * 3, "until": [dt.date(2025, 1, day) for day in (1, 10, 31)]})
    assert frame.select(overlap(dt.date(2025, 1, 5), 10))["until"].to_list() == [0, 6, 10]
