"""The chance to buy again by the time since the last purchase: hand-computed tables, known waits, coverage."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from models.hazard import life_table
from models.survival import kaplan_meier

# Remission of leukemia in weeks, 6-MP: Freireich et al. (1963), Blood 21, 699-716.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def table_of(days, observed, customer=None, **given):
    customer = range(len(days)) if customer is None else customer
    waits = pl.DataFrame({"customer": customer, "days": days, "observed": np.asarray(observed, bool)})
    return life_table(waits, seed=1, **given)


def bought_until(end, rates, rng):
    """Simulate customers who buy at random at a pace of their own: their waits until `end`, the last one censored."""
    customer, days, observed = [], [], []
    for number, rate in enumerate(rates):
        day = 0
        while day < end:
            wait = int(rng.geometric(rate))
            customer.append(number)
            days.append(min(wait, end - day))
            observed.append(day + wait <= end)
            day += wait
    return table_of(days, observed, customer)


def test_with_one_wait_a_customer_it_is_kaplan_meier_and_greenwood():
    curve = table_of(TREATED, RELAPSED).curve(0.9)
    expected = kaplan_meier(TREATED, np.array(RELAPSED, bool), interval=0.9)
    for name in ("days", "survival", "at_risk", "events"):
        np.testing.assert_allclose(curve[name], expected[name], rtol=1e-12)

    def half_width(frame):
        return np.log(np.log(frame["low"][1:]) / np.log(frame["survival"][1:]))

    # the variance is corrected for 21 customers
    np.testing.assert_allclose(half_width(curve), half_width(expected) * np.sqrt(21 / 20), rtol=1e-9)


def test_the_chance_ahead_is_read_off_the_published_curve():
    """S is 0.857 after week 6, 0.753 after 10, 0.690 after 13 and 0.627 after 16."""
    chance = table_of(TREATED, RELAPSED).chance_to_return(4).set_index("days")["chance"]
    assert chance[2] == pytest.approx(1 - 18 / 21)
    assert round(chance[6], 3) == round(1 - 0.7529 / 0.8571, 3)
    assert round(chance[12], 3) == round(1 - 0.6275 / 0.7529, 3)
    assert chance.index.max() == 35 - 4


def test_a_customer_who_waits_twice_moves_the_curve_once():
    """By hand at day 2 of four waits, two of them customer a's: a moves log S by (1 - 2/4) / 3, b and c by -1/4 / 3."""
    table = table_of([2, 5, 4, 6], [True, True, False, True], ["a", "a", "b", "c"])
    by_customer = np.sort(table.influence[:, 2])
    np.testing.assert_allclose(by_customer, [-0.5 / 3, 0.25 / 3, 0.25 / 3])
    spread = np.sqrt((by_customer**2).sum() * 3 / 2)
    width = norm.ppf(0.9) * spread / -np.log(0.75)
    low = table.curve(0.8).set_index("days").loc[2, "low"]
    assert low == pytest.approx(0.75 ** np.exp(width))


def test_dealing_customers_into_bundles_keeps_the_band():
    rng = np.random.default_rng(5)
    customer = rng.integers(0, 3_000, 12_000)
    days, observed = rng.geometric(0.02 + 0.1 * (customer % 5) / 4), rng.random(12_000) < 0.8
    one, dealt = (table_of(days, observed, customer, most_bundles=most).curve() for most in (10_000, 500))
    np.testing.assert_array_equal(one["survival"], dealt["survival"])
    middle = one["survival"].between(0.05, 0.95)
    np.testing.assert_allclose((one["high"] - one["low"])[middle], (dealt["high"] - dealt["low"])[middle], rtol=0.2)


def test_the_same_waits_and_seed_give_the_same_table_in_any_order():
    rng = np.random.default_rng(6)
    waits = pl.DataFrame(
        {"customer": rng.integers(0, 900, 5_000).astype(str), "days": rng.integers(1, 60, 5_000), "observed": True}
    )
    first, second = (life_table(rows, seed=4) for rows in (waits, waits.reverse()))
    np.testing.assert_array_equal(first.influence, second.influence)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Customers with paces of their own, who wait often: bands for independent waits would be too narrow."""
    paces = np.array([0.01, 0.03, 0.1])
    rng = np.random.default_rng(8)
    many = bought_until(120, np.repeat(paces, 6_000), rng)
    ahead, day = many.chance_to_return(14).set_index("days")["chance"], many.alarming_silence(0.9, 100).day
    hits = {"curve": 0, "chance": 0, "day": 0}
    tries = 200
    for _ in range(tries):
        found = bought_until(120, rng.choice(paces, 90), rng)
        curve = found.curve()
        row = curve[curve["days"] <= 20].iloc[-1]
        hits["curve"] += row["low"] <= many.survival[20] <= row["high"]
        chance = found.chance_to_return(14).set_index("days").loc[20]
        hits["chance"] += chance["low"] <= ahead[20] <= chance["high"]
        silence = found.alarming_silence(0.9, 100)
        hits["day"] += silence.low <= day <= silence.high
    assert all(0.70 <= hit / tries <= 0.90 for hit in hits.values()), hits


def test_silence_is_alarming_once_most_of_those_who_come_back_are_back():
    """100 waits: 50 end, on days 1 to 50, and 50 never do. 90% of those back are back on day 45."""
    days = [*range(1, 51), *[200] * 50]
    table = table_of(days, [True] * 50 + [False] * 50)
    found = table.alarming_silence(0.9, 200)
    assert (found.day, found.reach) == (45, 200)
    assert found.low <= 45 <= found.high <= 200
    assert found.still == pytest.approx(5 / 55)
    assert found.still_low < found.still < found.still_high
    assert table.alarming_silence(0.5, 200).day == 25
    assert table.alarming_silence(0.9, 20).day == 18


def test_the_silence_from_which_few_come_back():
    """Of 100 waits 50 end on days 1 to 50: after day d (50 - d) of (100 - d) do, fewer than 40% from day 17 on."""
    table = table_of([*range(1, 51), *[200] * 50], [True] * 50 + [False] * 50)
    assert table.rare_return(0.4, 200) == 17
    assert table.rare_return(0.6, 200) == 0
    assert table_of([1, 2, 3, 4], [True] * 4).rare_return(0.5, 50) is None


def test_where_all_come_back_nobody_is_missing_for_good():
    found = table_of([1, 2, 3, 4], [True] * 4).alarming_silence(0.75, 50)
    assert (found.day, found.still) == (3, 1.0)
    assert table_of([3], [True]).alarming_silence(0.9, 10).day == 3


def test_what_nobody_did_is_no_silence():
    with pytest.raises(ValueError, match="Nobody came back within 30 days"):
        table_of([30, 40], [False, False]).alarming_silence(0.9, 30)
    with pytest.raises(ValueError, match="at least one wait"):
        table_of([], [])


def test_the_band_ends_where_everybody_is_back():
    curve = table_of([1, 2, 2], [True] * 3).curve()
    assert curve["survival"].tolist() == [1.0, pytest.approx(2 / 3), 0.0]
    assert curve["low"].iloc[-1] == 0
    assert curve["high"].iloc[-1] == curve["high"].iloc[-2]
