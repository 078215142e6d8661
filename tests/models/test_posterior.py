"""The posterior of a model's parameters."""

import json
from pathlib import Path

import lifetimes
import numpy as np
import pandas as pd
import pytest
from scipy.stats import genpareto, halfnorm, lognorm, norm

from models import BGNBD, GammaGamma, ModifiedBGNBD, ParetoNBD
from models.posterior import Posterior, default_prior, sample_posterior, smoothed

DATASETS = Path(lifetimes.__file__).parent / "datasets"
REFERENCE = json.loads((Path(__file__).parent / "reference" / "pymc_marketing_cdnow.json").read_text())["posteriors"]
SPEND_COLUMNS = ["ID", "frequency", "recency", "T", "monetary_value"]
MODELS = {model.__name__: model for model in (BGNBD, ModifiedBGNBD, ParetoNBD, GammaGamma)}


def from_reference(prior):
    if prior["distribution"] == "lognormal":
        return lognorm(prior["sd_log"], scale=np.exp(prior["mean_log"]))
    assert prior["distribution"] == "halfnormal"
    return halfnorm(scale=prior["scale"])


@pytest.fixture(scope="module")
def cdnow():
    return pd.read_csv(DATASETS / "cdnow_customers_summary.csv")


@pytest.fixture(scope="module")
def fits(cdnow):
    spend = pd.read_csv(DATASETS / "cdnow_customers_summary_with_transactions.csv", names=SPEND_COLUMNS, header=0)
    spend = spend[spend["frequency"] > 0]
    histories = [cdnow[name] for name in ("frequency", "recency", "T")]
    fitted = {name: model().fit(*histories) for name, model in MODELS.items() if model is not GammaGamma}
    return {**fitted, "GammaGamma": GammaGamma().fit(spend["frequency"], spend["monetary_value"])}


def with_draws(values, weights):
    return Posterior(pd.DataFrame(values), np.asarray(weights), 0.1, len(weights), {})


class TestAgainstSampling:
    """A sampler's posterior under the same priors; see reference/README.md for how it was made."""

    @pytest.mark.parametrize(
        ("model", "priors"), [(model, priors) for model in MODELS for priors in ("lognormal", "halfnormal")]
    )
    def test_means_and_deviations(self, fits, model, priors):
        theirs = REFERENCE[model][priors]
        prior = {name: from_reference(given) for name, given in theirs["prior"].items()}
        ours = sample_posterior(fits[model], prior)
        assert ours.reliable and ours.caveat is None
        for name, known in theirs["posterior"].items():
            assert abs(ours.mean[name] - known["mean"]) < 0.15 * known["sd"]
            assert ours.sd[name] == pytest.approx(known["sd"], rel=0.15)

    @pytest.mark.parametrize("model", MODELS)
    def test_quantiles_and_correlations(self, fits, model):
        theirs = REFERENCE[model]["lognormal"]
        prior = {name: from_reference(given) for name, given in theirs["prior"].items()}
        ours = sample_posterior(fits[model], prior, draws=2000)
        for name, known in theirs["posterior"].items():
            off = ours.interval(0.8).loc[name] - [known["quantiles"]["10"], known["quantiles"]["90"]]
            assert (off.abs() < 0.15 * known["sd"]).all()
        away = (ours.draws - ours.mean) / ours.sd
        correlation = (away * ours.weights[:, None]).T @ away
        np.testing.assert_allclose(correlation, theirs["correlation"], atol=0.1)


class TestPrior:
    def test_default_knows_only_the_units(self, fits):
        prior = default_prior(fits["BGNBD"])
        assert prior["r"].median() == pytest.approx(1) and prior["a"].median() == pytest.approx(1)
        assert prior["alpha"].median() == pytest.approx(fits["BGNBD"].data["T"].mean())
        spend = fits["GammaGamma"]
        assert default_prior(spend)["v"].median() == pytest.approx(spend.data["monetary_value"].mean())

    def test_unit_of_time_does_not_matter(self, cdnow, fits):
        days = BGNBD().fit(cdnow["frequency"], 7 * cdnow["recency"], 7 * cdnow["T"])
        weekly, daily = sample_posterior(fits["BGNBD"]), sample_posterior(days)
        np.testing.assert_allclose(daily.mean / [1, 7, 1, 1], weekly.mean, rtol=1e-3)

    def test_a_strong_prior_prevails(self, fits):
        posterior = sample_posterior(fits["BGNBD"], {"r": lognorm(0.001, scale=0.3)})
        assert posterior.mean["r"] == pytest.approx(0.3, rel=0.01)

    def test_without_much_data_the_prior_is_left(self):
        one = BGNBD().fit([0, 1], [0, 1.0], [2.0, 2.0])
        posterior = sample_posterior(one)
        logs = np.log(posterior.draws["b"].to_numpy())
        spread = np.sqrt(posterior.weights @ (logs - posterior.weights @ logs) ** 2)
        assert spread == pytest.approx(2, rel=0.15)

    def test_a_wrong_name_is_refused(self, fits):
        with pytest.raises(ValueError, match=r"names s; the parameters of BGNBD are r, alpha, a, b"):
            sample_posterior(fits["BGNBD"], {"s": lognorm(1)})


class TestPosterior:
    def test_weighted_summaries(self):
        posterior = with_draws({"r": [1.0, 2.0, 4.0]}, [0.25, 0.5, 0.25])
        assert posterior.mean["r"] == 2.25
        assert posterior.sd["r"] == pytest.approx(np.sqrt(0.25 * 1.25**2 + 0.5 * 0.25**2 + 0.25 * 1.75**2))
        assert posterior.interval(0.5).loc["r"].tolist() == pytest.approx([1.25 + 1 / 12, 2.75 + 7 / 12], abs=0.6)

    def test_sample_keeps_the_weights(self):
        posterior = with_draws({"r": [1.0, 2.0, 4.0], "alpha": [1.0, 4.0, 16.0]}, [0.25, 0.5, 0.25])
        r, alpha = posterior.sample(100, seed=1)
        assert sorted(set(r)) == [1, 2, 4] and (alpha == r**2).all()
        assert [(r == value).sum() for value in (1, 2, 4)] == [25, 50, 25]

    def test_same_seed_same_draws(self, fits):
        one, same, other = (sample_posterior(fits["BGNBD"], draws=64, seed=seed) for seed in (1, 1, 2))
        pd.testing.assert_frame_equal(one.draws, same.draws)
        assert not one.draws.equals(other.draws)

    def test_at_a_limit_it_is_still_proper(self):
        random = np.random.default_rng(5)
        frequency = random.poisson(3, 400)
        recency = np.where(frequency > 0, 29.5, 0.0)
        with pytest.warns(UserWarning, match="grew together"):
            model = BGNBD().fit(frequency, recency, np.full(400, 30.0))
        posterior = sample_posterior(model)
        assert np.isfinite(posterior.draws).all(axis=None) and np.isfinite(posterior.sd).all()
        rate = posterior.draws["r"] / posterior.draws["alpha"]
        assert posterior.weights @ rate == pytest.approx(0.1, rel=0.05)

    def test_where_no_prior_outweighs_the_data_the_limit_is_all(self):
        with pytest.warns(UserWarning):
            model = GammaGamma().fit([1, 2, 3] * 50, [9.99] * 150)
        posterior = sample_posterior(model)
        assert len(posterior.draws) == 1 and posterior.reliable
        assert posterior.mean.to_dict() == pytest.approx(model.params_.to_dict())


class TestSmoothing:
    @pytest.mark.parametrize("k", [0.1, 0.5, 0.9])
    def test_finds_the_shape_of_the_tail(self, k):
        weights = genpareto(k).rvs(20_000, random_state=3)
        assert smoothed(np.log(weights))[1] == pytest.approx(k, abs=0.12)

    def test_a_good_proposal_is_told_from_a_bad_one(self):
        random = np.random.default_rng(1)
        x = random.normal(size=4000)
        good = norm(0, 0.8).logpdf(x) - norm.logpdf(x)
        bad = norm(0, 3).logpdf(x) - norm.logpdf(x)
        assert smoothed(good)[1] < 0.5 < 0.7 < smoothed(bad)[1]
        poor = Posterior(pd.DataFrame({"r": [1.0]}), np.ones(1), smoothed(bad)[1], 1.0, {})
        assert not poor.reliable and "Observe for longer" in str(poor.caveat)

    def test_equal_weights_stay_equal(self):
        log_weights, k = smoothed(np.full(100, -1234.5))
        assert (log_weights == 0).all() and k == -np.inf

    def test_smoothing_brings_the_mean_nearer(self):
        random = np.random.default_rng(2)
        raw: list[float] = []
        smooth: list[float] = []
        for _ in range(200):
            x = random.normal(size=400)
            log_weights = norm(0, 1.35).logpdf(x) - norm.logpdf(x)
            for found, kept in ((log_weights, raw), (smoothed(log_weights)[0], smooth)):
                weights = np.exp(found - found.max())
                kept.append(weights @ x**2 / weights.sum())
        assert np.square(np.subtract(smooth, 1.35**2)).mean() < np.square(np.subtract(raw, 1.35**2)).mean()


def test_a_ridge_as_sharp_as_rounding_leads_to_the_limit_alone():
    """Everybody pays the same at a rhythm of their own: far out only the prior holds p and q, and on no width."""
    frequency = np.array([59, 29, 19, 14, 11, 9, 8] * 4)
    with pytest.warns(UserWarning, match="the same on every purchase"):
        model = GammaGamma().fit(frequency, np.full(len(frequency), 10.0))
    posterior = sample_posterior(model, seed=1)
    np.testing.assert_allclose(posterior.draws.to_numpy(), [model.params_.to_numpy()])
