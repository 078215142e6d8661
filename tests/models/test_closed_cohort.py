"""A ledger that follows only customers won in a certain time is noticed, and an open base never called one."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.closed_cohort import closed_cohort
from models.customer_days import CustomerDays

YEAR = 365
START = dt.date(1970, 1, 1)


def drawn(weights, customers, random, uneven=0.0):
    """Draw a base whose customers come by `weights` (one a day), some weeks better than others, and leave."""
    span = len(weights)
    luck = np.repeat(random.gamma(1 / uneven, uneven, span // 7 + 1), 7)[:span] if uneven else np.ones(span)
    came = weights * luck
    first = np.repeat(np.arange(span), random.poisson(customers * came / came.sum()))
    leaves = np.minimum(first + random.exponential(random.uniform(100, 900), len(first)), span)
    each_day = random.gamma(1, np.exp(random.uniform(np.log(1 / 150), np.log(1 / 5))), len(first))
    repeats = random.poisson(each_day * (leaves - first))
    who = np.repeat(np.arange(len(first)), repeats)
    again = first[who] + random.random(len(who)) * (leaves - first)[who]
    both = np.unique(np.r_[np.arange(len(first)), who] * span + np.r_[first, again.astype(int)])
    return CustomerDays(both // span, both % span)


def last_day(weights):
    return START + dt.timedelta(len(weights) - 1)


def season(day, random, most):
    return 1 + random.uniform(0, most) * np.cos(2 * np.pi * (day / YEAR - random.random()))


def seasonal(day, random):
    return season(day, random, 1.0) * np.exp(day / YEAR * random.uniform(-3, 1.5))


def burst_and_trickle(day, random):
    begin = random.integers(0, len(day) // 2)
    burst = (day >= begin) & (day < begin + random.integers(7, 60))
    trickle = seasonal(day, random)
    return random.uniform(0.5, 0.97) * burst / burst.sum() + random.uniform(0.03, 0.2) * trickle / trickle.sum()


def lost_evenly(day, random):
    return np.clip(1 - day / len(day) / random.uniform(0.4, 1), 0, None)


def won_in_one_season_only(day, random):
    in_season = (day / YEAR + random.random()) % 1 < random.uniform(0.15, 0.5)
    return in_season * np.exp(day / YEAR * random.uniform(-3, 1.5)) + 1e-9


def old_customers_reappearing(day, random):
    return np.exp(-day / random.choice([0.7, 2, 5, 20, 60, 120]))


OPEN = (seasonal, burst_and_trickle, lost_evenly, won_in_one_season_only, old_customers_reappearing)


@pytest.mark.parametrize("came", OPEN)
def test_no_open_base_is_called_closed(came):
    random = np.random.default_rng(11)
    called = 0
    for _ in range(80):
        day = np.arange(int(YEAR * random.choice([0.5, 1, 1.5, 2, 3, 4])))
        weights = came(day, random)
        customers = int(np.exp(random.uniform(np.log(50), np.log(4000))))
        # who comes again and when is no matter of good and bad weeks
        unevenness = [0] if came is old_customers_reappearing else [0, 0, 0.5, 2]
        base = drawn(weights, customers, random, random.choice(unevenness))
        called += closed_cohort(base, last_day(weights)).closed
    assert called == 0


@pytest.mark.parametrize("period", [30, 91])
@pytest.mark.parametrize("customers", [150, 1000])
def test_old_customers_with_a_steady_rhythm_are_none(period, customers):
    """All are seen within one period, nobody after, and all go on buying."""
    random = np.random.default_rng(13)
    for _ in range(4):
        days = random.uniform(0, period, (customers, 1)) + period * np.arange(730 // period)
        days = (days + random.normal(0, random.choice([0, 1, 3]) * period / 91, days.shape)).astype(int).clip(0)
        base = CustomerDays(np.repeat(np.arange(customers), days.shape[1]), days.ravel())
        found = closed_cohort(base, START + dt.timedelta(729))
        assert not found.closed and found.expected > 100 and found.reason


@pytest.mark.parametrize("acquisition_days", [28, 84, 180, 365])
def test_of_closed_cohorts_hardly_one_is_missed(acquisition_days):
    random = np.random.default_rng(12)
    found = []
    for _ in range(30):
        day = np.arange(acquisition_days + int(YEAR * random.uniform(1.0, 2.0)))
        grew = season(day, random, 0.4) * np.exp(day / YEAR * random.uniform(-0.3, 1))
        weights = grew * (day < acquisition_days)
        customers = int(np.exp(random.uniform(np.log(400), np.log(4000))))
        found.append(closed_cohort(drawn(weights, customers, random), last_day(weights)))
    closed = [each for each in found if each.closed]
    assert len(closed) >= 27
    ends = START + dt.timedelta(acquisition_days)
    assert all(
        each.can_tell and dt.timedelta(0) < ends - (each.won_until or ends) <= dt.timedelta(7) for each in closed
    )


class TestOneCohort:
    @pytest.fixture
    def weights(self):
        return (np.arange(540) < 84).astype(float)

    @pytest.fixture
    def cohort(self, weights):
        return drawn(weights, 1000, np.random.default_rng(3))

    def test_is_described(self, cohort, weights):
        found = closed_cohort(cohort, last_day(weights))
        assert found.closed and found.reason == ""
        assert (found.won_from, found.won_until) == (START, START + dt.timedelta(83))
        assert found.customers == len(np.unique(cohort.customer))
        assert found.quiet_days == 456 and found.longest_gap <= 2
        assert found.purchases_after == (cohort.day > 83).sum()
        assert found.expected == pytest.approx(found.customers, abs=20)  # as many came on these days a year earlier

    def test_is_found_in_a_frame(self, cohort, weights):
        days = pl.Series(cohort.day).cast(pl.Int32).cast(pl.Date)
        frame = pl.DataFrame({"customer": cohort.customer, "date": days})
        assert closed_cohort(frame, last_day(weights)) == closed_cohort(cohort, last_day(weights))

    def test_is_open_with_a_few_who_came_late(self, cohort, weights):
        late = [200, 330, 480]
        joined = CustomerDays(np.r_[cohort.customer, cohort.customer.max() + 1 + np.arange(3)], np.r_[cohort.day, late])
        assert not closed_cohort(joined, last_day(weights)).closed

    def test_cannot_be_told_before_its_season_came_round(self, cohort):
        found = closed_cohort(cohort, START + dt.timedelta(300))
        assert not found.closed and not found.can_tell and "same days a year earlier" in found.reason

    def test_is_none_where_purchases_stop_as_well(self, cohort, weights):
        kept = cohort.day < 120
        found = closed_cohort(CustomerDays(cohort.customer[kept], cohort.day[kept]), last_day(weights))
        assert not found.closed and found.reason == "Purchases stop as well."


def test_too_little_to_tell():
    nobody = CustomerDays(np.array([], dtype=int), np.array([], dtype=int))
    assert closed_cohort(nobody).reason == "There is no purchase."
    few = closed_cohort(CustomerDays(np.arange(3), np.array([0, 5, 9])), START + dt.timedelta(20))
    assert not few.closed and not few.can_tell and "3 customers: too few" in few.reason
