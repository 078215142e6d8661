"""What a campaign did that nobody drew by lot: those it reached beside others who were like them before it began.

A firm reaches whom it expects to answer, so those reached buy more anyway. Two comparisons set against that:

- with the same history: those not reached are weighted until their history up to the campaign's first day is that of
  those reached (entropy balancing), and what both bought while it lasted is compared. That is right where the firm
  chose by what the history shows.
- by the change: they are weighted alike by the history up to an equal time earlier, and it is compared by how much
  both changed from that time to the campaign (difference in differences). That is right where the firm chose by
  something lasting which the history doesn't show, as long as both would have gone on alike.

Each may mislead where the other doesn't, and the truth then lies between them (Angrist & Pischke 2009; Ding & Li
2019): so an effect is called one only where both show it. The same comparison over the time before, in which the
campaign can have done nothing, is the placebo: what it shows is no effect but a difference in the customers.

What other campaigns did at the same time is taken off as far as it can be told: those already running are part of the
history, and for those that begin while it lasts the comparison is adjusted by regression.

References
----------
Angrist, J. D. & J.-S. Pischke (2009). *Mostly Harmless Econometrics*. Princeton University Press. Section 5.4.
Ding, P. & F. Li (2019). A Bracketing Relationship between Difference-in-Differences and Lagged-Dependent-Variable
Adjustment. *Political Analysis* 27(4), 605-615.
Heckman, J. J., H. Ichimura & P. E. Todd (1997). Matching as an Econometric Evaluation Estimator. *Review of Economic
Studies* 64(4), 605-654.
Imbens, G. W. (2004). Nonparametric Estimation of Average Treatment Effects under Exogeneity: A Review. *Review of
Economics and Statistics* 86(1), 4-29.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression

from .campaign_history import campaign_history, overlap
from .entropy_balancing import NotComparableError, entropy_balancing
from .exact import EXACT

Array = np.ndarray

MEASURES = ("revenue", "purchases")
LEAST_HISTORY_DAYS = 56  # four weeks to compare by, and four to test the comparison on
FEWEST_REACHED = 20
FEWEST_COMPARABLE = 20  # independent customers that the weighted others are worth
ALMOST_SURE = 0.95  # probability of being reached from which on there is nobody comparable
CUSTOMERS_A_TERM = 10  # reached, for each term by which the effect may differ
FEWEST_EXPOSED = 5  # customers on either side whom a later campaign reached, from which on it is adjusted for


@dataclass(frozen=True)
class Contrast:
    """A difference between those reached and those comparable.

    Attributes
    ----------
    difference, low, high : float
        A customer, over the campaign's length.
    p_value : float
        Two-sided.
    error : float
        Standard error of the difference.
    influence : ndarray of shape (n,)
        Of each customer on it, in the order of `CampaignResponse.customers`.
    """

    difference: float
    low: float
    high: float
    p_value: float
    error: float
    influence: Array


@dataclass(frozen=True)
class Response:
    """What a campaign did to one measure, or what several did, a customer and campaign.

    Attributes
    ----------
    otherwise : float
        What those reached would have done by the comparison, a customer.
    effect : Contrast
        With the same history.
    change : Contrast
        By the change since before.
    placebo : Contrast
        The same as `effect` over the time before the campaign, scaled to its length.
    """

    otherwise: float
    effect: Contrast
    change: Contrast
    placebo: Contrast

    @property
    def p_value(self) -> float:
        """Of the hypothesis that one of the comparisons shows nothing; 1 where they point different ways."""
        agree = self.effect.difference * self.change.difference > 0
        return max(self.effect.p_value, self.change.p_value) if agree else 1.0


@dataclass(frozen=True)
class CampaignResponse:
    """What a campaign did.

    Attributes
    ----------
    compared : int
        Customers reached who are compared.
    unmatched : int
        Customers reached who had bought before but are like nobody who wasn't.
    others : int
        Customers not reached.
    comparable : float
        How many independent customers the weighted others are worth (Kish's effective number).
    before_days : int
        Length of the time before the campaign on which the placebo rests.
    also_reached, others_also_reached : float
        Share of both whom another campaign reached in the same days, the others weighted.
    adjusted : bool
        Whether campaigns that began later are adjusted for; False too where none did.
    revenue, purchases : Response
    customers : polars.Series
        Keys of those compared, reached and not.
    """

    compared: int
    unmatched: int
    others: int
    comparable: float
    before_days: int
    also_reached: float
    others_also_reached: float
    adjusted: bool
    revenue: Response
    purchases: Response
    customers: pl.Series


def campaign_response(
    days: pl.DataFrame,
    reached: pl.Series,
    start: dt.date,
    until: dt.date,
    *,
    first_day: dt.date,
    reach: pl.DataFrame,
    redemptions: pl.DataFrame,
    coverage: float = 0.8,
) -> CampaignResponse:
    """Compare those whom a campaign reached with those it didn't.

    Parameters
    ----------
    days : polars.DataFrame
        One row a customer and day with a purchase: customer, date (a date), amount, and coupon (bool) if known.
    reached : polars.Series
        Keys of those reached; who hadn't bought before is left out.
    start, until : datetime.date
        First and last day of the campaign.
    first_day : datetime.date
        The ledger's.
    reach : polars.DataFrame
        customer, campaign, start, until of the other campaigns.
    redemptions : polars.DataFrame
        customer, date: coupons used.
    coverage : float, default 0.8
        Of the intervals.

    Raises
    ------
    NotComparableError
        With a reason, where there is too little history, or too few are reached or comparable.
    """
    history_days, length = (start - first_day).days, (until - start).days + 1
    if history_days < LEAST_HISTORY_DAYS:
        raise NotComparableError(
            "it began before the ledger"
            if history_days < 0
            else f"only {history_days} days of purchases before it; it takes {LEAST_HISTORY_DAYS}"
        )
    window = min(length, history_days // 2)
    told: dict[str, Any] = {
        "first_day": first_day,
        "reach": reach,
        "redemptions": redemptions,
        "window_days": window,
    }
    earlier = start - dt.timedelta(days=window)
    now = campaign_history(days, before=start, ahead_days=length, **told)
    then = campaign_history(days, before=earlier, ahead_days=window, **told)
    outcomes = _outcomes(days, now["customer"], reached, (earlier, start, until), reach)
    is_reached = outcomes["reached"].to_numpy()
    if is_reached.sum() < FEWEST_REACHED:
        raise NotComparableError(f"{is_reached.sum()} of those reached had bought before; it takes {FEWEST_REACHED}")
    if (~is_reached).sum() < FEWEST_COMPARABLE:
        raise NotComparableError("almost everybody was reached")
    kept = _like_others(_standardised(now), is_reached)
    unmatched = int((~kept).sum())
    now, outcomes, is_reached = now.filter(kept), outcomes.filter(kept), is_reached[kept]
    if is_reached.sum() < FEWEST_REACHED:
        raise NotComparableError("those reached are like nobody who wasn't")
    then = now.select("customer").join(then, on="customer", how="left", maintain_order="left").fill_null(0.0)
    comparisons = [_Comparison.of(_standardised(each), is_reached) for each in (now, then)]
    if min(each.comparable for each in comparisons) < FEWEST_COMPARABLE:
        raise NotComparableError("too few are like those reached")
    later, since = (_exposure(outcomes.select(names), is_reached) for names in (["later"], ["later", "meanwhile"]))
    scale = length / window
    measured = {}
    for name in MEASURES:
        during, before = (outcomes[f"{name}_{when}"].to_numpy() for when in ("during", "before"))
        effect = comparisons[0].contrast(during, later, coverage)
        change = comparisons[1].contrast(during - scale * before, since, coverage)
        placebo = comparisons[1].contrast(scale * before, _exposure(outcomes.select("meanwhile"), is_reached), coverage)
        otherwise = float(during[is_reached].mean() - effect.difference)
        measured[name] = Response(otherwise, effect, change, placebo)
    also = outcomes["also"].to_numpy().astype(float)
    return CampaignResponse(
        compared=int(is_reached.sum()),
        unmatched=unmatched,
        others=int((~is_reached).sum()),
        comparable=comparisons[0].comparable,
        before_days=window,
        also_reached=float(also[is_reached].mean()),
        others_also_reached=float(comparisons[0].weights[~is_reached] @ also[~is_reached]),
        adjusted=later.shape[1] > 0,
        customers=now["customer"],
        **measured,
    )


def _outcomes(
    days: pl.DataFrame,
    customers: pl.Series,
    reached: pl.Series,
    when: tuple[dt.date, dt.date, dt.date],
    reach: pl.DataFrame,
) -> pl.DataFrame:
    """Return what customers bought before and during the campaign, and what other campaigns reached them meanwhile."""
    earlier, start, until = when
    is_during = pl.col("date").is_between(start, until)
    is_before = pl.col("date").is_between(earlier, start, closed="left")
    bought = days.filter(pl.col("date").is_between(earlier, until))
    of_each = bought.group_by("customer").agg(
        revenue_during=pl.col("amount").filter(is_during).cast(EXACT).sum().cast(pl.Float64),
        revenue_before=pl.col("amount").filter(is_before).cast(EXACT).sum().cast(pl.Float64),
        purchases_during=is_during.sum().cast(pl.Float64),
        purchases_before=is_before.sum().cast(pl.Float64),
    )
    length, window = (until - start).days + 1, (start - earlier).days
    begins = pl.col("start").is_between(start, until)
    meanwhile = reach.group_by("customer").agg(
        later=overlap(start, length).filter(begins).sum() / length,
        meanwhile=overlap(earlier, window).filter(pl.col("start").is_between(earlier, start, closed="left")).sum()
        / window,
        also=(overlap(start, length) > 0).any(),
    )
    return (
        customers.to_frame()
        .with_columns(reached=pl.col("customer").is_in(reached.implode()))
        .join(of_each, on="customer", how="left", maintain_order="left")
        .join(meanwhile, on="customer", how="left", maintain_order="left")
        .with_columns(pl.col("also").fill_null(value=False))
        .fill_null(0.0)
    )


def _standardised(history: pl.DataFrame) -> Array:
    values = history.drop("customer").to_numpy().astype(float)
    spread = values.std(axis=0)
    told = spread > 1e-12 * (1 + np.abs(values).max(axis=0))
    return (values[:, told] - values[:, told].mean(axis=0)) / spread[told]


def _like_others(history: Array, is_reached: Array) -> Array:
    """Tell whom to compare: everybody but those reached whom, by their history, the campaign was as good as sure to."""
    model = LogisticRegression(max_iter=500).fit(history, is_reached)
    likely = model.predict_proba(history)[:, 1]
    return ~is_reached | (likely <= min(ALMOST_SURE, likely[~is_reached].max()))


def _exposure(shares: pl.DataFrame, is_reached: Array) -> Array:
    """Return what of other campaigns can be adjusted for: enough customers on both sides have to differ in it."""
    values = shares.to_numpy().astype(float)
    enough = [
        min((column[group] > 0).sum() for group in (is_reached, ~is_reached)) >= FEWEST_EXPOSED for column in values.T
    ]
    return values[:, enough]


@dataclass(frozen=True)
class _Comparison:
    """Those reached, and the others weighted to be like them."""

    history: Array
    is_reached: Array
    weights: Array
    comparable: float

    @classmethod
    def of(cls, history: Array, is_reached: Array) -> "_Comparison":
        others = entropy_balancing(history[~is_reached], history[is_reached].mean(axis=0))
        weights = np.full(len(is_reached), 1 / is_reached.sum())
        weights[~is_reached] = others
        return cls(history, is_reached, weights, float(1 / (others**2).sum()))

    def contrast(self, outcome: Array, exposure: Array, coverage: float) -> Contrast:
        """Compare an outcome by weighted least squares, whose error is robust (HC2), a customer being one case.

        Where enough are reached, how the effect differs by history is part of the regression, so that the error is that
        of the effect on these very customers.
        """
        centred = self.history - self.history[self.is_reached].mean(axis=0)
        parts = [self.is_reached, np.ones(len(outcome)), centred, exposure]
        if self.is_reached.sum() >= CUSTOMERS_A_TERM * centred.shape[1]:
            parts.append(centred * self.is_reached[:, None])
        design = np.column_stack(parts).astype(float)
        root = np.sqrt(self.weights)[:, None]
        inverse = np.linalg.pinv((design * root).T @ (design * root), rcond=1e-10, hermitian=True)
        coefficients = inverse @ (design.T @ (self.weights * outcome))
        leverage = ((design * root) @ inverse * (design * root)).sum(axis=1)
        residual = (outcome - design @ coefficients) / np.sqrt(np.maximum(1 - leverage, 0.1))
        influence = (design @ inverse[0]) * self.weights * residual
        freedom = max(min(self.is_reached.sum(), self.comparable) - 1, 1)
        return contrast(float(coefficients[0]), influence, freedom, coverage)


def contrast(difference: float, influence: Array, freedom: float, coverage: float) -> Contrast:
    """Return a difference with its interval and p-value by Student's t, from each customer's influence on it."""
    error = float(np.sqrt((influence**2).sum()))
    reach = student.ppf((1 + coverage) / 2, freedom) * error
    p_value = float(2 * student.sf(abs(difference) / error, freedom)) if error > 0 else 1.0
    return Contrast(difference, difference - reach, difference + reach, p_value, error, influence)


def together(found: Sequence[CampaignResponse], measure: str, *, coverage: float = 0.8) -> Response:
    """Take several campaigns together, each weighted by the customers it reached.

    A customer of several campaigns is one case, whose influences on each add up; `influence` has a row for each
    customer, in the order of the keys.

    Parameters
    ----------
    found : sequence of CampaignResponse
        At least one.
    measure : {"revenue", "purchases"}
    coverage : float, default 0.8
        Of the intervals, whose errors are clustered by customer.
    """
    reached = np.array([each.compared for each in found], dtype=float)
    shares = reached / reached.sum()
    responses: list[Response] = [getattr(each, measure) for each in found]
    freedom = max(float(reached.max()) - 1, 1.0)
    keys = pl.concat([each.customers for each in found]).to_numpy()
    customer = np.unique(keys, return_inverse=True)[1]

    def joined(which: str) -> Contrast:
        influence = np.concatenate(
            [share * getattr(response, which).influence for response, share in zip(responses, shares, strict=True)]
        )
        by_customer = np.bincount(customer, influence)
        difference = sum(
            share * getattr(response, which).difference for response, share in zip(responses, shares, strict=True)
        )
        return contrast(float(difference), by_customer, freedom, coverage)

    otherwise = float(shares @ [each.otherwise for each in responses])
    return Response(otherwise, joined("effect"), joined("change"), joined("placebo"))
