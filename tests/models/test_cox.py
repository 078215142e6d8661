"""Cox regression: R's published figures, statsmodels as a second engine, planted ratios, edges."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import binomtest
from statsmodels.duration.hazard_regression import PHReg

from benchmarks.hazard_ratios import ALIKE, COVERAGE, UNLIKE, WITHIN, estimates
from models.concordance import concordance
from models.cox import concordance_on_others, fit_cox

REFERENCE = Path(__file__).parent / "reference"
TOO_RARE = 1e-3  # of a share of intervals as far from 80%, were they right


@pytest.fixture(scope="module")
def lung():
    """Loprinzi et al. (1994), as in R's survival: 228 patients."""
    return pd.read_csv(REFERENCE / "lung.csv")


@pytest.fixture(scope="module")
def veteran():
    """Kalbfleisch & Prentice (1980), as in R's survival: 137 patients; prior as R has it, 0 or 10."""
    rows = pd.read_csv(REFERENCE / "veteran.csv")
    return rows.assign(trt=1 + (rows["treatment"] != "standard"), prior=10 * rows["prior"])


@pytest.fixture(scope="module")
def tied():
    """Waits in whole days of customers who wait several times, with an event on nearly every day."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.normal(size=(400, 2)), columns=["a", "b"])
    hazard = np.exp(0.4 * frame["a"] - 0.2 * frame["b"])
    wait = np.ceil(8 * random.exponential(size=400) / hazard)
    watched = random.integers(1, 25, 400)
    return frame.assign(
        days=np.minimum(wait, watched), ended=wait <= watched, group=np.arange(400) % 3, customer=np.arange(400) % 90
    )


def of(fit, column):
    return dict(zip(fit.covariates, fit.coefficients[column], strict=True))


def test_lung_is_what_r_prints(lung):
    """coxph(Surv(time, status) ~ age + sex + ph.ecog, data = lung), summary() and concordance()."""
    rows = lung.dropna(subset=["ph_ecog"])
    fit = fit_cox(rows, "time", "died", ["age", "sex", "ph_ecog"], interval=0.95)
    assert (fit.rows, fit.events) == (227, 164)
    assert of(fit, "coefficient") == pytest.approx({"age": 0.011067, "sex": -0.552612, "ph_ecog": 0.463728}, abs=5e-7)
    assert of(fit, "standard_error") == pytest.approx({"age": 0.009267, "sex": 0.167739, "ph_ecog": 0.113577}, abs=5e-7)
    assert of(fit, "hazard_ratio") == pytest.approx({"age": 1.011128, "sex": 0.575445, "ph_ecog": 1.589991}, abs=5e-7)
    assert 2 * (fit.log_likelihood - fit.log_likelihood_null) == pytest.approx(30.5, abs=0.05)
    compared = fit.concordance(rows, "time", "died")
    assert compared[1:] == (12544, 7117, 126)
    assert round(compared.value, 4) == 0.6371


def test_proportional_hazards_of_lung_are_what_r_prints(lung):
    """cox.zph() of that fit, in survival 3: the score test on the Kaplan-Meier scale."""
    fit = fit_cox(lung.dropna(subset=["ph_ecog"]), "time", "died", ["age", "sex", "ph_ecog"])
    tests = fit.proportional_hazards().tests
    assert tests["statistic"].tolist() == pytest.approx([0.1879877, 2.3054372, 2.0542488, 4.4636576], abs=5e-7)
    assert tests["p_value"].tolist() == pytest.approx([0.6645968, 0.1289220, 0.1517821, 0.2155549], abs=5e-7)
    assert tests["covariate"].tolist() == ["age", "sex", "ph_ecog", "GLOBAL"]


def test_veteran_is_what_r_prints(veteran):
    """coxph(Surv(time, status) ~ trt + prior + karno, veteran) and cox.zph(), of the vignette on time dependence."""
    fit = fit_cox(veteran, "time", "died", ["trt", "prior", "karnofsky"])
    assert of(fit, "coefficient") == pytest.approx({"trt": 0.180, "prior": -0.00555, "karnofsky": -0.0338}, abs=5e-4)
    assert of(fit, "standard_error") == pytest.approx(
        {"trt": 0.18347, "prior": 0.02023, "karnofsky": 0.00511}, abs=5e-5
    )
    tests = fit.proportional_hazards().tests
    assert tests["statistic"].round(3).tolist() == [0.288, 2.168, 12.138, 18.073]
    assert tests["p_value"].round(5).tolist() == [0.59125, 0.14087, 0.00049, 0.00042]


def test_clustered_errors_are_what_r_prints():
    """coxph(Surv(time, status) ~ rx, rats, cluster = litter), the females: Mantel et al. (1977), Lee et al. (1992)."""
    rats = pd.read_csv(REFERENCE / "rats.csv")
    fit = fit_cox(rats, "time", "tumour", ["drug"], cluster="litter", interval=0.95)
    found = fit.coefficients.iloc[0]
    assert (fit.rows, fit.events, fit.clusters) == (150, 40, 50)
    assert round(found["coefficient"], 4) == 0.9047
    assert round(found["standard_error"], 4) == 0.3175
    assert round(found["robust_error"], 4) == 0.3025
    assert round(found["p_value"], 5) == 0.00278
    assert (round(found["low"], 3), round(found["high"], 3)) == (1.366, 4.471)


@pytest.mark.parametrize("strata", [None, "group"])
def test_statsmodels_agrees_on_ties_and_strata(tied, strata):
    ours = fit_cox(tied, "days", "ended", ["a", "b"], strata=strata)
    groups = tied[strata] if strata else None
    theirs = PHReg(tied["days"], tied[["a", "b"]], status=tied["ended"], strata=groups, ties="efron").fit()
    np.testing.assert_allclose(ours.coefficients["coefficient"], theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.coefficients["standard_error"], theirs.bse, rtol=1e-9)
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-12)


def test_rows_that_are_counted_are_rows_that_are_repeated(tied):
    counted = tied.assign(times=1 + np.arange(len(tied)) % 3)
    repeated = counted.loc[counted.index.repeat(counted["times"])]
    by_count = fit_cox(counted, "days", "ended", ["a", "b"], cluster="customer", weights="times")
    by_row = fit_cox(repeated, "days", "ended", ["a", "b"], cluster="customer")
    pd.testing.assert_frame_equal(by_count.coefficients, by_row.coefficients, rtol=1e-10)
    assert (by_count.rows, by_count.events) == (by_row.rows, by_row.events)


def test_neither_order_nor_kind_of_frame_nor_units_matter(tied):
    fit = fit_cox(tied, "days", "ended", ["a", "b"], cluster="customer")
    shuffled = pl.from_pandas(tied.sample(frac=1, random_state=1).assign(b=lambda rows: 100 + rows["b"] / 10))
    other = fit_cox(shuffled, "days", "ended", ["a", "b"], cluster="customer")
    np.testing.assert_allclose(other.coefficients["coefficient"], fit.coefficients["coefficient"] * [1, 10], rtol=1e-7)
    np.testing.assert_allclose(other.coefficients["z"], fit.coefficients["z"], rtol=1e-7)


def test_scaled_schoenfeld_residuals_average_to_the_effect(tied):
    fit = fit_cox(tied, "days", "ended", ["a", "b"])
    residuals = fit.proportional_hazards().residuals
    assert len(residuals) == fit.events
    np.testing.assert_allclose(residuals[["a", "b"]].mean(), fit.coefficients["coefficient"], rtol=1e-7)


@pytest.mark.parametrize("robust", [False, True])
def test_an_effect_that_ends_is_found_where_it_ends(robust):
    random = np.random.default_rng(5)
    x, gone = random.integers(0, 2, 4000), random.exponential(size=4000)
    hazard = 1 + x  # up to the half day, and 1 from then on
    wait = np.where(gone < hazard / 2, gone / hazard, 0.5 + gone - hazard / 2)
    rows = pd.DataFrame({"days": wait, "ended": True, "x": x, "other": random.normal(size=4000)})
    check = fit_cox(rows, "days", "ended", ["x", "other"]).proportional_hazards(robust=robust)
    p = check.tests.set_index("covariate")["p_value"]
    assert p["x"] < 1e-6
    assert p["GLOBAL"] < 1e-6
    assert p["other"] > 0.01
    by_part = check.residuals.groupby(check.residuals["duration"] < 0.5)["x"].mean()
    assert by_part[True] == pytest.approx(np.log(2), abs=0.15)
    assert by_part[False] == pytest.approx(0, abs=0.15)


@pytest.mark.parametrize("scale", ["km", "rank", "identity", "log", np.sqrt])
def test_every_scale_of_time_gives_a_test(tied, scale):
    tests = fit_cox(tied, "days", "ended", ["a", "b"]).proportional_hazards(scale).tests
    assert tests["p_value"].between(0, 1).all()


@pytest.mark.parametrize("strata", [None, True])
def test_concordance_counts_pairs(strata):
    random = np.random.default_rng(8)
    rows = random.integers(0, [9, 2, 5, 3], (80, 4))
    agree = against = tied = 0
    for days, ended, risk, group in rows:
        for other_days, other_ended, other_risk, other_group in rows:
            sooner = days < other_days or (days == other_days and not other_ended)
            if ended and sooner and (strata is None or group == other_group):
                agree += int(risk > other_risk)
                against += int(risk < other_risk)
                tied += int(risk == other_risk)
    days, ended, risk, group = rows.T
    found = concordance(days, ended, risk, group if strata else None)
    assert found[1:] == (agree, against, tied)
    assert found.value == pytest.approx((agree + tied / 2) / (agree + against + tied))


def test_nothing_to_compare_has_no_concordance():
    assert np.isnan(concordance([3, 3], [True, True], [1, 2]).value)
    assert np.isnan(concordance([], [], []).value)


def test_concordance_on_others_is_drawn_by_the_seed_and_knows_no_customer(tied):
    given = (tied, "days", "ended", ["a", "b"], "customer")
    one, again, other = (concordance_on_others(*given, strata="group", seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.folds != other.folds
    assert one.low < one.value < one.high
    # what tells customers apart by chance orders those fitted, and nobody else
    random = np.random.default_rng(4)
    customer = np.repeat(np.arange(40), 10)
    waits = pd.DataFrame(random.normal(size=(40, 6))[customer], columns=list("uvwxyz"))
    pace = random.gamma(0.5, 1, 40)[customer]
    waits = waits.assign(customer=customer, days=random.exponential(1 / pace), ended=True)
    fitted = fit_cox(waits, "days", "ended", list("uvwxyz")).concordance(waits, "days", "ended").value
    assert fitted > 0.58
    assert concordance_on_others(waits, "days", "ended", list("uvwxyz"), "customer").low < 0.55


@pytest.fixture(scope="module")
def alike():
    return pd.concat([estimates("alike", 150, seed) for seed in range(40)])


@pytest.fixture(scope="module")
def unlike():
    return pd.concat([estimates("unlike", 150, seed) for seed in range(40)])


def inside(found, covariate, truth, error):
    rows = found[found["covariate"] == covariate]
    hits = (rows["coefficient"] - truth).abs() <= 1.2815515655446004 * rows[error]
    return int(hits.sum()), len(hits)


@pytest.mark.parametrize("covariate", ALIKE)
def test_intervals_hold_planted_ratios_as_often_as_they_say(alike, covariate):
    """`python -m benchmarks.hazard_ratios` makes 200 bases; here are 40 smaller ones."""
    held = inside(alike, covariate, ALIKE[covariate], "robust_error")
    assert binomtest(*held, COVERAGE).pvalue > TOO_RARE


@pytest.mark.parametrize("covariate", WITHIN)
def test_beside_themselves_customers_show_the_planted_ratio_however_they_differ(unlike, covariate):
    held = inside(unlike[unlike["fitted"] == "within"], covariate, UNLIKE[covariate], "robust_error")
    assert binomtest(*held, COVERAGE).pvalue > TOO_RARE


def test_where_customers_differ_only_clustered_errors_are_wide_enough(unlike):
    """What a customer usually spends makes no difference here, with frailties or without."""
    among = unlike[unlike["fitted"] == "among"]
    assert binomtest(*inside(among, "spend_usual", 0, "robust_error"), COVERAGE).pvalue > TOO_RARE
    assert binomtest(*inside(among, "spend_usual", 0, "standard_error"), COVERAGE).pvalue < TOO_RARE


def test_what_isnt_recorded_pulls_ratios_towards_none(unlike):
    among = unlike[(unlike["fitted"] == "among") & (unlike["covariate"] == "categories_last")]["coefficient"]
    error = among.std() / np.sqrt(len(among))
    assert among.mean() + 3 * error < UNLIKE["categories_last"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"a": 1.0}, "`a` is the same in all rows"),
        ({"a": np.arange(400) % 3}, "same in all rows that are compared"),
        ({"a": np.nan}, "Missing or infinite values in a"),
        ({"days": -1.0}, "not negative"),
        ({"ended": False}, "No wait has ended"),
        ({"ended": None}, "missing values"),
        ({"group": None}, "must be known"),
    ],
)
def test_what_cant_be_fitted_is_refused(tied, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_cox(tied.assign(**change), "days", "ended", ["a", "b"], strata="group")


def test_covariates_that_tell_the_same_or_separate_are_named(tied):
    with pytest.raises(ValueError, match=r"a, b, c tell the same"):
        fit_cox(tied.assign(c=tied["a"] - 2 * tied["b"]), "days", "ended", ["a", "b", "c"])
    with pytest.raises(ValueError, match="`late` separates"):
        fit_cox(tied.assign(late=~tied["ended"] * 1.0), "days", "ended", ["a", "late"])


def test_other_impossible_demands_are_refused(tied):
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit_cox(tied, "days", "ended", ["a"], interval=80)
    with pytest.raises(ValueError, match="no column wait"):
        fit_cox(tied, "wait", "ended", ["a"])
    with pytest.raises(ValueError, match="whole numbers"):
        fit_cox(tied.assign(times=0.5), "days", "ended", ["a"], weights="times")
    with pytest.raises(ValueError, match="needs a covariate"):
        fit_cox(tied, "days", "ended", [])
    with pytest.raises(ValueError, match="into 5 folds"):
        concordance_on_others(tied.assign(customer=1), "days", "ended", ["a"], "customer")
    with pytest.raises(ValueError, match="must be km"):
        fit_cox(tied, "days", "ended", ["a"]).proportional_hazards("cubic")
    with pytest.raises(ValueError, match="after time 0"):
        fit_cox(tied.assign(days=tied["days"] - 1), "days", "ended", ["a"]).proportional_hazards("log")
