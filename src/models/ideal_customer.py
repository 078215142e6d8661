"""Which traits, known at the first purchase, foretell who becomes a good customer: fitted, tested, and put in words.

Two models are set side by side: a logistic regression and boosted trees (histogram gradient boosting). The simpler one
is kept unless the other ranks customers better beyond chance. Everything that is said of them comes from customers
they weren't fitted on: customers are shared out among ten folds, several times over where there are few of them, and
intervals take account of how much the folds have in common (`models.cross_validation`).

How much a trait matters is what ranking loses when the trait is shuffled among customers (permutation importance:
Breiman 2001, Random Forests, *Machine Learning* 45(1), 5-32, and Fisher, Rudin & Dominici 2019, *JMLR* 20(177)). Traits
that go together share what they tell, so each may look smaller than both are.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import chi2_contingency, fisher_exact, mannwhitneyu, norm
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from statsmodels.stats.proportion import proportion_confint
from threadpoolctl import threadpool_limits

from models.cross_validation import (
    Estimate,
    above_zero,
    area_under_curve,
    area_with_interval,
    corrected_interval,
    jackknife_interval,
)
from models.exact import EXACT
from models.first_purchase import FEWEST_WITH_LEVEL, FirstPurchases, Trait
from models.multiple_comparisons import holm
from models.trait_coding import TraitCoding

Array = np.ndarray

LOGISTIC, BOOSTED = "logistic regression", "boosted trees"
FEWEST_CUSTOMERS = 100
FEWEST_OF_EACH = 20  # good ones, and others
FITTED_ON = 10_000  # more customers make the intervals narrower than anybody needs
SIGNIFICANT = 0.05
MANY = 2_000  # customers, from which sharing them out once is enough
FOLDS, REPEATS_OF_FEW = 10, 3
SHUFFLES = 3
SHUFFLED_AT_MOST = 1_000  # customers of a fold
ASKED_AT_MOST = 1_000  # customers, of what a trait changes
TENTHS_FROM = 1_000  # customers, from which scores are looked at in tenths
EARLIER = 2 / 3  # share of the customers, the earliest, that the test on later ones is fitted on
AT_THE_LEAST = 0.3  # share of customers at a figure's smallest value from which on they are set against all others

_BATCH = 50_000
RARE = ""  # no level of a ledger is an empty text


@dataclass(frozen=True)
class GoodCustomers:
    """Who became a good customer.

    Attributes
    ----------
    good : pandas.Series of bool
        Of each customer watched for long enough, indexed and sorted by customer.
    limit : float
        What the least of them brought.
    """

    good: pd.Series
    limit: float

    @property
    def enough(self) -> bool:
        """Whether there are enough of both kinds to fit and test a model."""
        ones = int(self.good.sum())
        return len(self.good) >= FEWEST_CUSTOMERS and min(ones, len(self.good) - ones) >= FEWEST_OF_EACH


@dataclass(frozen=True)
class LaterCohorts:
    """How a model fitted on earlier customers did on later ones.

    Attributes
    ----------
    since : datetime.date
        First day of the later ones.
    customers : int
        The later ones.
    known_by_then : bool
        Whether all that the model was fitted on was known before the first of the later ones came.
    auc : Estimate
    expected, turned_out : float
        Share of good ones among the later ones.
    """

    since: dt.date
    customers: int
    known_by_then: bool
    auc: Estimate
    expected: float
    turned_out: float


@dataclass(frozen=True)
class Scored:
    """What is expected of customers.

    Attributes
    ----------
    expected : pandas.Series
        Expected share of good ones among customers like each; of customers fitted on by models without them.
    by_fold : ndarray of shape (models, customers)
        What each fold's model expects of them, the folds of a repeat next to one another.
    folds : int
    """

    expected: pd.Series
    by_fold: Array
    folds: int

    def of(self, chosen: Array) -> "Scored":
        """Return the scores of some of the customers, chosen by a mask."""
        return Scored(self.expected[chosen], self.by_fold[:, chosen], self.folds)


@dataclass(frozen=True)
class IdealCustomer:
    """What the first purchase tells of who becomes a good customer.

    Attributes
    ----------
    method : str
        `LOGISTIC` or `BOOSTED`: the one that is used.
    auc : Estimate
        Of `method`, on customers not fitted on: how often, of one who became good and one who didn't, the first has
        the higher score. 0.5 is guessing.
    p_value : float
        How probable an AUC this high is where the first purchase tells nothing.
    judged : pandas.DataFrame
        Of both methods: method, auc, low, high.
    gain : Estimate
        By how much the AUC of the boosted trees is above that of the logistic regression.
    good : pandas.Series of bool
        The customers fitted and tested on, all or a sample of those watched.
    scores : pandas.Series
        Expected share of good ones, of the same customers, by models not fitted on them.
    importance : pandas.DataFrame
        One row a trait, the most important first: trait, loss (of AUC), low, high, p_alone (how probable it is that
        the trait, looked at alone, goes so closely with becoming good by chance, corrected for the number of traits by
        Holm's method), goes_with (whether that is below `SIGNIFICANT`), p_loss (how probable such a loss is where the
        score doesn't need the trait, corrected likewise for the number of traits that go with it; NaN of the others),
        tells (whether that is below `SIGNIFICANT`: the others don't say the same). Empty where the score tells nothing.
    contrasts : pandas.DataFrame
        Customers set side by side by one thing: trait, level (None of figures), above (the limit, NaN of text),
        customers, share (who became good), other_customers, other_share, difference, low, high (of the expected share,
        the other traits being alike). Sorted as `importance`, and within a trait by the size of `difference`.
    later : LaterCohorts or None
        None where there are too few.
    """

    method: str
    auc: Estimate
    p_value: float
    judged: pd.DataFrame
    gain: Estimate
    good: pd.Series
    scores: pd.Series
    importance: pd.DataFrame
    contrasts: pd.DataFrame
    later: LaterCohorts | None
    _coding: TraitCoding
    _models: tuple[Any, ...]
    _final: Any

    @property
    def tells(self) -> bool:
        """Whether the first purchase tells anything beyond chance."""
        return self.p_value < SIGNIFICANT

    def scored(self, customers: pd.DataFrame) -> Scored:
        """Return what is expected of customers, known or new.

        Parameters
        ----------
        customers : pandas.DataFrame
            As in `models.first_purchase.FirstPurchases`.
        """
        everybody = (self._final, *self._models)
        parts = []
        with threadpool_limits(1):
            for at in range(0, max(len(customers), 1), _BATCH):
                X = self._coding.coded(customers.iloc[at : at + _BATCH])
                parts.append([_probability(model, X) for model in everybody])
        final, *by_fold = np.concatenate(parts, axis=1)
        expected = pd.Series(final, index=customers.index)
        expected.update(self.scores)
        return Scored(expected, np.array(by_fold), FOLDS)


def by_score(ideal: IdealCustomer, *, coverage: float = 0.8) -> pd.DataFrame:
    """Return what was expected and what turned out, by parts of equal size from the lowest scores to the highest.

    Parameters
    ----------
    ideal : IdealCustomer
    coverage : float, default 0.8
        Of the Wilson intervals of what turned out.

    Returns
    -------
    pandas.DataFrame
        Ten rows, or five where there are fewer than `TENTHS_FROM` customers: part (from 1 up), customers, expected,
        turned_out, low, high.
    """
    parts = 10 if len(ideal.good) >= TENTHS_FROM else 5
    place = ideal.scores.rank(method="first") - 1
    part = (place * parts // len(place)).astype(int) + 1
    frame = pd.DataFrame({"part": part, "expected": ideal.scores, "turned_out": ideal.good.astype(float)})
    table = frame.groupby("part").agg(
        customers=("expected", "size"), expected=("expected", "mean"), turned_out=("turned_out", "mean")
    )
    ones = (table["turned_out"] * table["customers"]).round()
    table["low"], table["high"] = proportion_confint(ones, table["customers"], 1 - coverage, method="wilson")
    return table.reset_index()


def calibration(ideal: IdealCustomer, *, coverage: float = 0.8) -> Estimate:
    """Return how much of the differences between scores comes true, on the scale of logits: 1 is right.

    Below 1 the scores lie too far apart, above 1 too near one another. Source: Cox (1958), Two Further Applications of
    a Model for Binary Regression, *Biometrika* 45, 562-565.
    """
    limits = np.finfo(float).eps
    line = sm.Logit(
        ideal.good.to_numpy(float), sm.add_constant(logit(ideal.scores.clip(limits, 1 - limits).to_numpy()))
    )
    found = line.fit(disp=False)
    reach = float(norm.ppf((1 + coverage) / 2) * found.bse[1])
    return Estimate(float(found.params[1]), float(found.params[1]) - reach, float(found.params[1]) + reach)


def later_value(lines: pl.DataFrame, days: pl.DataFrame, *, watched_days: int, as_of: dt.date) -> pd.Series:
    """Return what customers brought in the days after their first, of those watched for so long.

    Parameters
    ----------
    lines : polars.DataFrame
        customer, date, and value: what a row brought, below zero for a return. A return of the first purchase counts
        against what came later unless the values are net of the returns that undo them.
    days : polars.DataFrame
        customer, first_day; see `models.first_purchase.first_days`.
    watched_days : int
        How many days after the first count; the first itself doesn't.
    as_of : datetime.date
        Last day observed.

    Returns
    -------
    pandas.Series
        Indexed and sorted by customer; 0 for those who never came back.
    """
    reach = pl.duration(days=watched_days)
    watched = days.filter(pl.col("first_day") + reach <= as_of)
    day = pl.col("date").dt.date()
    brought = (
        lines.lazy()
        .join(watched.lazy(), on="customer")
        .filter((day > pl.col("first_day")) & (day <= pl.col("first_day") + reach))
        .group_by("customer")
        .agg(pl.col("value").cast(EXACT).sum().cast(pl.Float64))
        .collect()
    )
    found = watched.join(brought, on="customer", how="left").with_columns(pl.col("value").fill_null(0.0))
    return found.sort("customer").to_pandas().set_index("customer")["value"]


def good_customers(value: pd.Series, share: float) -> GoodCustomers:
    """Return the top `share` of customers by what they brought, none of them with nothing.

    Where fewer than that brought anything, the good ones are those who did. Customers who brought the same as the
    least of them are good ones too.
    """
    ranked = np.sort(value.to_numpy())[::-1]
    above = ranked[ranked > 0]
    if not len(above):
        return GoodCustomers(value > 0, math.nan)
    limit = float(above[min(math.ceil(share * len(ranked)), len(above)) - 1])
    return GoodCustomers(value >= limit, limit)


def filled_in_with_success(first: FirstPurchases, good: pd.Series) -> list[str]:
    """Return the particulars that are recorded more, or less, often of those who became good.

    Whether such a particular is filled in is itself a sign of what came later, so it is no trait of the beginning.

    Parameters
    ----------
    first : FirstPurchases
    good : pandas.Series of bool
        Who became good, of the customers watched.
    """
    names, chances = [], []
    for trait in (trait for trait in first.traits if trait.recorded):
        recorded = first.customers.loc[good.index, trait.columns[0]].notna().to_numpy()
        if recorded.all() or not recorded.any():
            continue
        names.append(trait.name)
        chances.append(fisher_exact(_counts(recorded, good.to_numpy())).pvalue)
    return [name for name, chance in zip(names, chances, strict=True) if chance < SIGNIFICANT]


def fit_ideal_customer(
    first: FirstPurchases,
    good: pd.Series,
    *,
    watched_days: int,
    coverage: float = 0.8,
    seed: int = 0,
) -> IdealCustomer:
    """Fit and test both models, and say what the traits tell.

    Parameters
    ----------
    first : FirstPurchases
    good : pandas.Series of bool
        Who became good, indexed by customer; customers of `first`, at least `FEWEST_OF_EACH` of both kinds. Of more
        than `FITTED_ON` a random sample is taken.
    watched_days : int
        How many days it takes to see who became good.
    coverage : float, default 0.8
        Of the intervals.
    seed : int, default 0

    Raises
    ------
    ValueError
        If there is no trait, or too few customers of a kind.
    """
    if not first.traits:
        raise ValueError("No trait differs between the customers, so nothing can be fitted.")
    if not GoodCustomers(good, math.nan).enough:
        raise ValueError(
            f"{int(good.sum())} of {len(good)} customers are good; it takes {FEWEST_CUSTOMERS} customers, and "
            f"{FEWEST_OF_EACH} of each kind."
        )
    if len(good) > FITTED_ON:
        chosen = np.random.default_rng(seed).choice(len(good), FITTED_ON, replace=False)
        good = good.iloc[np.sort(chosen)]
    customers = first.customers.loc[good.index]
    coding = TraitCoding(first.traits, customers)
    with threadpool_limits(1):
        return _fitted(coding, customers, good, watched_days, coverage, seed)


def _fitted(
    coding: TraitCoding, customers: pd.DataFrame, good: pd.Series, watched_days: int, coverage: float, seed: int
) -> IdealCustomer:
    X, y = coding.coded(customers), good.to_numpy()
    splits = _splits(y, seed)
    boosted = partial(_boosted, seed)
    simple = _Tested.of(_logistic, X, y, splits)
    # trees that don't rank better the first time round can't turn out better beyond chance, and take longest to fit
    trees = _Tested.of(boosted, X, y, splits[:FOLDS])
    if (trees.areas - simple.areas[: len(trees.areas)]).mean() > 0:
        trees = trees.and_also(_Tested.of(boosted, X, y, splits[len(trees.areas) :]))
    difference = trees.areas - simple.areas[: len(trees.areas)]
    tested = {LOGISTIC: simple, BOOSTED: trees}
    method = BOOSTED if above_zero(difference, FOLDS) < SIGNIFICANT else LOGISTIC
    chosen, make = tested[method], boosted if method == BOOSTED else _logistic
    judged = {name: _share(corrected_interval(each.areas, FOLDS, coverage)) for name, each in tested.items()}
    auc = judged[method]
    tests = _Tests(coding, X, y, splits, chosen.models, coverage, seed)
    p_value = above_zero(tested[method].areas - 0.5, FOLDS)
    tells = p_value < SIGNIFICANT
    importance = tests.importance(customers) if tells else _importance_frame([])
    contrasts = tests.contrasts(customers) if tells else _contrast_frame([])
    place = {name: number for number, name in enumerate(importance["trait"])}
    contrasts = contrasts.sort_values(
        ["trait", "difference"],
        key=lambda column: column.map(place) if column.name == "trait" else -column.abs(),
        kind="stable",
        ignore_index=True,
    )
    return IdealCustomer(
        method,
        auc,
        p_value,
        pd.DataFrame([(name, *each) for name, each in judged.items()], columns=["method", "auc", "low", "high"]),
        corrected_interval(difference, FOLDS, coverage),
        good,
        pd.Series(_out_of_fold(chosen.scores, splits, len(y)), index=good.index),
        importance,
        contrasts,
        _later_cohorts(coding.traits, customers, good, make, watched_days, coverage),
        coding,
        tuple(chosen.models),
        make().fit(X, y),
    )


@dataclass(frozen=True)
class _Tested:
    """A method's models of each fold, with what they expect of the customers held out and how well they rank them."""

    models: list[Any]
    scores: list[Array]
    areas: Array

    @classmethod
    def of(cls, make: Callable[[], Any], X: Array, y: Array, splits: Sequence[tuple[Array, Array]]) -> "_Tested":
        models = [make().fit(X[fitted], y[fitted]) for fitted, _ in splits]
        scores = [_probability(model, X[out]) for model, (_, out) in zip(models, splits, strict=True)]
        areas = [area_under_curve(y[out], score) for score, (_, out) in zip(scores, splits, strict=True)]
        return cls(models, scores, np.array(areas))

    def and_also(self, more: "_Tested") -> "_Tested":
        areas = np.concatenate([self.areas, more.areas])
        return _Tested(self.models + more.models, self.scores + more.scores, areas)


@dataclass(frozen=True)
class _Tests:
    """The chosen method's models with the customers each wasn't fitted on."""

    coding: TraitCoding
    X: Array
    y: Array
    splits: Sequence[tuple[Array, Array]]
    models: Sequence[Any]
    coverage: float
    seed: int

    def importance(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Shuffle each trait among the customers of each fold, and look at each alone."""
        random = np.random.default_rng(self.seed)
        losses = np.zeros((len(self.splits), len(self.coding.traits)))
        for fold, (model, (_, tested)) in enumerate(zip(self.models, self.splits, strict=True)):
            taken = _at_most(tested, SHUFFLED_AT_MOST, self.y, random)
            X, y = self.X[taken], self.y[taken]
            whole = area_under_curve(y, _probability(model, X))
            for number, trait in enumerate(self.coding.traits):
                columns = self.coding.columns(trait)
                shuffled = np.tile(X, (SHUFFLES, 1))
                order = np.concatenate([random.permutation(len(X)) for _ in range(SHUFFLES)])
                shuffled[:, columns] = X[order][:, columns]
                scores = _probability(model, shuffled).reshape(SHUFFLES, -1)
                losses[fold, number] = whole - np.mean([area_under_curve(y, score) for score in scores])
        rows = []
        for number, trait in enumerate(self.coding.traits):
            found = corrected_interval(losses[:, number], FOLDS, self.coverage)
            alone = _alone(trait, customers, self.y)
            rows.append((trait.name, *found, alone, above_zero(losses[:, number], FOLDS)))
        return _importance_frame(rows)

    def contrasts(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Set customers side by side by each thing, and ask the models what it changes with all else alike."""
        everybody = _at_most(np.arange(len(self.y)), ASKED_AT_MOST, self.y, np.random.default_rng(self.seed))
        rows = []
        for side in (side for trait in self.coding.traits for side in _sides(self.coding, trait, customers)):
            has, others = int(side.has.sum()), int(side.others.sum())
            if min(has, others) < FEWEST_WITH_LEVEL:
                continue
            high, low = side.opposed(self.X, everybody)
            changes = np.array([(_probability(m, high) - _probability(m, low)).mean() for m in self.models])
            adjusted = jackknife_interval(changes, FOLDS, self.coverage)
            shares = has, self.y[side.has].mean(), others, self.y[side.others].mean()
            rows.append((side.trait, side.level, side.above, *shares, *adjusted))
        return _contrast_frame(rows)


@dataclass(frozen=True)
class _Side:
    """Customers who have something, and those who don't.

    Attributes
    ----------
    trait : str
    level : str or None
    above : float
        NaN where it is a level that they have.
    has, others : ndarray of bool, of shape (customers,)
    columns : ndarray of int
        Where it stands among the columns of the models.
    low, high : ndarray of float
        What stands there for others and for those who have it; `low` None: whatever others have instead.
    """

    trait: str
    level: str | None
    above: float
    has: Array
    others: Array
    columns: Array
    low: Array | None
    high: Array

    def opposed(self, X: Array, asked: Array) -> tuple[Array, Array]:
        """Return the columns of the customers asked as if all of them had it, and as if none had."""
        if self.low is None:
            without = asked[~self.has[asked]]
            asked = without if len(without) else np.flatnonzero(~self.has)
        high, low = X[asked], X[asked]
        high[:, self.columns] = self.high
        if self.low is not None:
            low[:, self.columns] = self.low
        return high, low


def _sides(coding: TraitCoding, trait: Trait, customers: pd.DataFrame) -> list[_Side]:
    columns = np.arange(coding.width)[coding.columns(trait)]
    if trait.kind == "flags":
        bought = customers[list(trait.columns)].to_numpy(float)
        zero, one = np.zeros(1), np.ones(1)
        return [
            _Side(trait.name, level, math.nan, bought[:, n] == 1, bought[:, n] != 1, columns[[n]], zero, one)
            for n, level in enumerate(trait.levels)
        ]
    if trait.kind == "text":
        text = customers[trait.columns[0]]
        known = text.notna().to_numpy()
        return [
            _Side(trait.name, level, math.nan, has, known & ~has, columns, None, coding.value(trait, level))
            for level in coding.levels(trait)
            for has in [(text == level).to_numpy(bool)]
        ]
    values = customers[trait.columns[0]].to_numpy(float)
    known = values[np.isfinite(values)]
    if known.min() == known.max():
        return []
    limit = _limit(known)
    has, others = values > limit, values <= limit
    low, high = (coding.value(trait, float(np.median(values[side]))) for side in (others, has))
    return [_Side(trait.name, None, limit, has, others, columns, low, high)]


def _alone(trait: Trait, customers: pd.DataFrame, y: Array) -> float:
    """Return how probable it is that a trait would go so closely with becoming good by chance, nothing else looked at.

    Of text by chi-squared. Of figures by Mann & Whitney's test, and by chi-squared of their fifths where what is good
    lies in the middle; of flags by Fisher's exact test of each: the smallest, corrected for their number.
    """
    values = customers[list(trait.columns)]
    if trait.kind == "flags":
        tables = [_counts(flag.to_numpy(), y) for _, flag in values.eq(1).items() if 0 < flag.sum() < len(flag)]
        chances = [fisher_exact(table).pvalue for table in tables]
        return min(1.0, len(chances) * min(chances, default=1.0))
    known = values.iloc[:, 0].notna().to_numpy()
    found, good = values.iloc[:, 0][known], y[known]
    if trait.kind == "text":
        return _chi_squared(found, good)
    if not 0 < good.sum() < len(good):
        return 1.0
    ranked = mannwhitneyu(found[good], found[~good]).pvalue
    fifths = pd.qcut(found, 5, labels=False, duplicates="drop").astype(str)
    return float(min(1.0, 2 * min(ranked, _chi_squared(fifths, good))))


def _chi_squared(levels: pd.Series, y: Array) -> float:
    sizes = levels.value_counts()
    common = levels.where(levels.map(sizes) >= FEWEST_WITH_LEVEL, RARE)
    table = _counts(common.to_numpy(), y)
    return float(chi2_contingency(table).pvalue) if min(table.shape) > 1 else 1.0


def _counts(levels: Array, y: Array) -> Array:
    """Return how many of each level didn't become good, and did: a row each."""
    codes, found = pd.factorize(levels)
    table = np.array([np.bincount(codes[side], minlength=len(found)) for side in (~y, y)])
    return table[table.sum(axis=1) > 0]


def _limit(values: Array) -> float:
    """Return the figure above which customers are set against the others: the smallest where it is common.

    Else the median, rounded as people say it.
    """
    smallest = float(values.min())
    if (values == smallest).mean() >= AT_THE_LEAST:
        return smallest
    middle = float(np.median(values))
    rounded = float(f"{middle:.2g}")
    return rounded if (values > rounded).any() and (values <= rounded).any() else smallest


def _later_cohorts(
    traits: Sequence[Trait],
    customers: pd.DataFrame,
    good: pd.Series,
    make: Callable[[], Any],
    watched_days: int,
    coverage: float,
) -> LaterCohorts | None:
    began = customers["first_day"]
    since = began.sort_values().iloc[min(int(EARLIER * len(began)), len(began) - 1)]
    later = (began >= since).to_numpy()
    known_by_then = (began + pd.Timedelta(days=watched_days) < since).to_numpy()
    y = good.to_numpy()
    if not _enough_of_each(y[later]):
        return None
    whole = _enough_of_each(y[known_by_then]) and int(known_by_then.sum()) >= FEWEST_CUSTOMERS
    earlier = known_by_then if whole else ~later
    if not _enough_of_each(y[earlier]):
        return None
    coding = TraitCoding(traits, customers[earlier])
    model = make().fit(coding.coded(customers[earlier]), y[earlier])
    score = _probability(model, coding.coded(customers[later]))
    area = area_with_interval(y[later], score, coverage)
    return LaterCohorts(since.date(), int(later.sum()), bool(whole), area, float(score.mean()), float(y[later].mean()))


def _enough_of_each(good: Array) -> bool:
    return bool(FEWEST_OF_EACH <= good.sum() <= len(good) - FEWEST_OF_EACH)


def _logistic() -> LogisticRegression:
    return LogisticRegression(C=0.3, solver="newton-cholesky", max_iter=100)


def _boosted(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=60,
        max_leaf_nodes=6,
        min_samples_leaf=20,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


def _probability(model: Any, X: Array) -> Array:
    if isinstance(model, LogisticRegression):
        return np.asarray(expit(X @ model.coef_[0] + model.intercept_[0]))  # without the checks, which take longest
    return np.asarray(model.predict_proba(X)[:, 1])


def _splits(y: Array, seed: int) -> list[tuple[Array, Array]]:
    repeats = 1 if len(y) >= MANY else REPEATS_OF_FEW
    folds = (StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat) for repeat in range(repeats))
    return [split for each in folds for split in each.split(y, y)]


def _out_of_fold(scores: Sequence[Array], splits: Sequence[tuple[Array, Array]], customers: int) -> Array:
    total, times = np.zeros(customers), np.zeros(customers)
    for score, (_, tested) in zip(scores, splits, strict=True):
        total[tested] += score
        times[tested] += 1
    return total / times


def _at_most(places: Array, most: int, y: Array, random: np.random.Generator) -> Array:
    """Return a random part of a fold's customers, of which some became good and some didn't."""
    if len(places) <= most:
        return places
    taken = random.choice(places, most, replace=False)
    return taken if 0 < y[taken].sum() < most else places


def _share(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, max(estimate.low, 0.0), min(estimate.high, 1.0))


def _importance_frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["trait", "loss", "low", "high", "p_alone", "p_loss"])
    frame["p_alone"] = holm(frame["p_alone"])
    frame["goes_with"] = frame["p_alone"] < SIGNIFICANT
    frame["p_loss"] = holm(frame["p_loss"].astype(float).where(frame["goes_with"]))
    frame["tells"] = frame["p_loss"] < SIGNIFICANT
    return frame.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def _contrast_frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    names = ["trait", "level", "above", "customers", "share", "other_customers", "other_share"]
    return pd.DataFrame(rows, columns=[*names, "difference", "low", "high"])
