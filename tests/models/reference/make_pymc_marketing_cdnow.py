"""Sample the posteriors that ours are compared with, by MCMC with pymc-marketing. README.md tells how to run it."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arviz as az
import lifetimes
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from pymc_extras.prior import Prior
from pymc_marketing.clv import BetaGeoModel, GammaGammaModel, ModifiedBetaGeoModel, ParetoNBDModel
from pymc_marketing.clv.distributions import BetaGeoNBD

DATASETS = Path(lifetimes.__file__).parent / "datasets"
REFERENCE = Path(__file__).with_name("pymc_marketing_cdnow.json")

CLASSES = {
    "BGNBD": BetaGeoModel,
    "ModifiedBGNBD": ModifiedBetaGeoModel,
    "ParetoNBD": ParetoNBDModel,
    "GammaGamma": GammaGammaModel,
}
PARAMETERS = {
    "BGNBD": ("r", "alpha", "a", "b"),
    "ModifiedBGNBD": ("r", "alpha", "a", "b"),
    "ParetoNBD": ("r", "alpha", "s", "beta"),
    "GammaGamma": ("p", "q", "v"),
}
PRIOR_SETS = ("lognormal", "halfnormal")
TYPICAL_SCALE = {"alpha": 10.0, "beta": 10.0, "v": 15.0}
HALFNORMAL_SCALE = {"alpha": 20.0, "beta": 20.0, "v": 30.0}

CHAINS, CORES, TUNE, DRAWS, SEED = 4, 2, 1500, 5000, 20240607
QUADRATURE_NODES = 24
LIMIT_SECONDS = 900

# PyMC's own NUTS is what pymc-marketing brings along; PyMC turns to nutpie, which is faster, where it is installed.
# demz, without gradients, is what pymc-marketing advises for the Pareto/NBD, whose gradient takes a tenth of a second:
# NUTS would take most of an hour.
TIMED_FITS = (
    *((model, sampler) for model in ("BGNBD", "ModifiedBGNBD", "GammaGamma") for sampler in ("nutpie", "pymc")),
    ("ParetoNBD", "demz"),
)


def purchases() -> pd.DataFrame:
    """Read customer_id, frequency, recency and T, in weeks, of the 2,357 customers of the CDNOW sample."""
    return pd.read_csv(DATASETS / "cdnow_customers_summary.csv").rename(columns={"ID": "customer_id"})


def spend() -> pd.DataFrame:
    """Read customer_id, frequency and monetary_value, in dollars, of the 946 who bought again."""
    summary = pd.read_csv(DATASETS / "cdnow_customers_summary_with_transactions.csv")
    repeaters = summary[summary["x"] > 0]
    named = repeaters.rename(columns={"ID": "customer_id", "x": "frequency", "zbar": "monetary_value"})
    return named[["customer_id", "frequency", "monetary_value"]]


def distinct_purchases() -> pd.DataFrame:
    """Count the customers of each distinct frequency, recency and T."""
    return purchases().groupby(["frequency", "recency", "T"]).size().rename("customers").reset_index()


def plain_priors(model: str, prior_set: str) -> dict[str, dict[str, Any]]:
    """Describe the independent prior of each parameter, as it is written to the file."""
    if prior_set == "halfnormal":
        return {
            name: {"distribution": "halfnormal", "scale": HALFNORMAL_SCALE.get(name, 10.0)}
            for name in PARAMETERS[model]
        }
    return {
        name: {"distribution": "lognormal", "mean_log": float(np.log(TYPICAL_SCALE.get(name, 1.0))), "sd_log": 1.5}
        for name in PARAMETERS[model]
    }


def priors(model: str, prior_set: str) -> dict[str, Prior]:
    """Give `plain_priors` in pymc-marketing's terms."""

    def of(plain: dict[str, Any]) -> Prior:
        if plain["distribution"] == "halfnormal":
            return Prior("HalfNormal", sigma=plain["scale"])
        return Prior("LogNormal", mu=plain["mean_log"], sigma=plain["sd_log"])

    return {name: of(plain) for name, plain in plain_priors(model, prior_set).items()}


def plain_model(model: str, prior_set: str) -> Any:
    """Build pymc-marketing's own model, one row a customer."""
    built = CLASSES[model](model_config=priors(model, prior_set))
    built.build_model(spend() if model == "GammaGamma" else purchases())
    return built


def compressed_bgnbd(prior_set: str) -> pm.Model:
    """Weight pymc-marketing's BG/NBD density of each distinct row by its customers."""
    rows = distinct_purchases()
    with pm.Model() as model:
        named = {name: prior.create_variable(name) for name, prior in priors("BGNBD", prior_set).items()}
        density = BetaGeoNBD.dist(**named, T=rows["T"].to_numpy())
        log_density = pm.logp(density, rows[["recency", "frequency"]].to_numpy())
        pm.Potential("likelihood", pt.sum(rows["customers"].to_numpy() * log_density))
    return model


def compressed_pareto_nbd(prior_set: str) -> pm.Model:
    """Pareto/NBD on distinct rows, with the integral over the time of leaving by Gauss-Legendre quadrature.

    The likelihood is that of Fader & Hardie (2005), "A Note on Deriving the Pareto/NBD Model", before the
    integral is written as hypergeometric functions, whose gradients are slow. The integral runs over
    log(alpha + time), where the integrand is nearly exponential, and is taken relative to the likelihood of
    those who are still customers.
    """
    rows = distinct_purchases()
    x, t_x, T, customers = (rows[c].to_numpy(float) for c in ("frequency", "recency", "T", "customers"))
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    nodes, weights = (nodes + 1) / 2, weights / 2
    with pm.Model() as model:
        named = {name: prior.create_variable(name) for name, prior in priors("ParetoNBD", prior_set).items()}
        r, alpha, s, beta = named.values()
        still = -(r + x) * pt.log(alpha + T) + s * (pt.log(beta) - pt.log(beta + T))
        low = pt.log(alpha + t_x)
        width = pt.log(alpha + T) - low
        at = low[:, None] + width[:, None] * nodes
        left = (
            pt.log(s)
            + s * pt.log(beta)
            - (r + x - 1)[:, None] * at
            - (s + 1) * pt.log(beta - alpha + pt.exp(at))
            - still[:, None]
        )
        odds_of_having_left = width * pt.sum(weights * pt.exp(left), axis=1)
        log_density = pt.gammaln(r + x) - pt.gammaln(r) + r * pt.log(alpha) + still + pt.log1p(odds_of_having_left)
        pm.Potential("likelihood", pt.sum(customers * log_density))
    return model


def measured(sample: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Run a fit and take its wall and processor time, with and without building and compiling."""
    load, processor, start = os.getloadavg()[0], sum(os.times()[:4]), time.perf_counter()
    tree = sample()
    wall = time.perf_counter() - start
    return tree, {
        "wall_seconds_of_sampling": round(float(tree["posterior"].attrs["sampling_time"]), 2),
        "wall_seconds_with_compiling": round(wall, 2),
        "processor_seconds_with_compiling": round(sum(os.times()[:4]) - processor, 2),
        "load_average_before": round(load, 2),
    }


def draws_of(tree: Any, parameters: tuple[str, ...]) -> np.ndarray:
    """Pool the chains: shape (draws, parameters)."""
    return np.column_stack([tree["posterior"][name].to_numpy().ravel() for name in parameters])


def rounded(values: Any) -> Any:
    """Keep seven significant digits."""
    if isinstance(values, dict):
        return {key: rounded(value) for key, value in values.items()}
    if np.ndim(values):
        return [rounded(value) for value in values]
    return float(f"{float(values):.7g}")


def summary(tree: Any, parameters: tuple[str, ...]) -> dict[str, Any]:
    """Summarise each parameter's posterior, the correlations, and how well the chains have converged."""
    posterior = tree["posterior"].to_dataset()[list(parameters)]
    pooled = draws_of(tree, parameters)
    bulk, tail = az.ess(posterior, method="bulk"), az.ess(posterior, method="tail")
    error, r_hat = az.mcse(posterior, method="mean"), az.rhat(posterior)
    described = {}
    for name, column in zip(parameters, pooled.T, strict=True):
        quantiles = np.quantile(column, [0.025, 0.1, 0.5, 0.9, 0.975])
        described[name] = {
            "mean": column.mean(),
            "sd": column.std(ddof=1),
            "quantiles": dict(zip(("2.5", "10", "50", "90", "97.5"), quantiles, strict=True)),
            "ess_bulk": bulk[name].item(),
            "ess_tail": tail[name].item(),
            "mcse_mean": error[name].item(),
            "r_hat": r_hat[name].item(),
        }
    stats = tree["sample_stats"].to_dataset()
    return {
        "posterior": rounded(described),
        "correlation": rounded(np.corrcoef(pooled.T)),
        "divergences": int(stats["diverging"].sum()) if "diverging" in stats else None,
    }


def largest_difference(one: pm.Model, other: pm.Model, pooled: np.ndarray, parameters: tuple[str, ...]) -> float:
    """Compare two log posteriors at 40 draws and at those where some parameter is least or greatest."""
    extremes = np.concatenate([pooled.argmin(axis=0), pooled.argmax(axis=0)])
    chosen = np.concatenate([np.linspace(0, len(pooled) - 1, 40).astype(int), extremes])
    values = [one.compile_logp(), other.compile_logp()]
    points = [
        {f"{name}_log__": np.log(value) for name, value in zip(parameters, pooled[i], strict=True)} for i in chosen
    ]
    return max(abs(float(values[0](point)) - float(values[1](point))) for point in points)


def sample_reference(model: str, prior_set: str) -> dict[str, Any]:
    """Sample the long chains that the comparison rests on."""
    settings = {"draws": DRAWS, "tune": TUNE, "chains": CHAINS, "cores": CORES, "random_seed": SEED}
    plain, parameters = plain_model(model, prior_set), PARAMETERS[model]
    result: dict[str, Any] = {
        "pymc_marketing_class": CLASSES[model].__name__,
        "parameters": parameters,
        "prior": plain_priors(model, prior_set),
    }
    options = settings | {"nuts_sampler": "nutpie", "progressbar": False}
    if model == "ParetoNBD":
        compressed = compressed_pareto_nbd(prior_set)
        tree, seconds = measured(lambda: pm.sample(model=compressed, **options))
        likelihood = "own quadrature on distinct rows with counts"
        difference = largest_difference(plain.model, compressed, draws_of(tree, parameters), parameters)
        result["largest_difference_from_the_class_in_log_posterior"] = float(f"{difference:.2g}")
    else:
        tree, seconds = measured(lambda: plain.fit(**options))
        likelihood = "of the class, one row a customer"
    sampling = settings | {"sampler": "nutpie NUTS", "likelihood": likelihood} | seconds
    return result | summary(tree, parameters) | {"sampling": sampling}


def time_default(model: str, prior_set: str, sampler: str) -> dict[str, Any]:
    """Time pymc-marketing's own `fit` with its own numbers of draws, and the four chains PyMC runs on four cores."""
    plain = CLASSES[model](model_config=priors(model, prior_set))
    data = spend() if model == "GammaGamma" else purchases()
    method = {"method": "demz"} if sampler == "demz" else {"method": "mcmc", "nuts_sampler": sampler}
    settings = {"chains": CHAINS, "cores": CORES, "random_seed": SEED}
    main_thread = time.thread_time()
    tree, seconds = measured(lambda: plain.fit(data, progressbar=False, **settings, **method))
    # Compiling runs on the main thread, sampling on others or in processes of its own. On a machine that is busy with
    # other work the processor's time tells more than the clock's.
    compiling = time.thread_time() - main_thread
    seconds["processor_seconds_of_sampling"] = round(seconds["processor_seconds_with_compiling"] - compiling, 2)
    described = summary(tree, PARAMETERS[model])["posterior"]
    return {
        "finished": True,
        "prior_set": prior_set,
        "draws": tree["posterior"].sizes["draw"],
        **settings,
        **seconds,
        "least_ess_bulk": min(one["ess_bulk"] for one in described.values()),
        "greatest_r_hat": max(one["r_hat"] for one in described.values()),
        "mean": {name: one["mean"] for name, one in described.items()},
        "sd": {name: one["sd"] for name, one in described.items()},
    }


def check_compression() -> dict[str, Any]:
    """Sample the BG/NBD from distinct rows, to compare with the same from one row a customer."""
    compressed, parameters = compressed_bgnbd("lognormal"), PARAMETERS["BGNBD"]
    settings = {"draws": DRAWS, "tune": TUNE, "chains": CHAINS, "cores": CORES, "random_seed": SEED + 1}
    tree, seconds = measured(lambda: pm.sample(model=compressed, nuts_sampler="nutpie", progressbar=False, **settings))
    plain = plain_model("BGNBD", "lognormal").model
    difference = largest_difference(plain, compressed, draws_of(tree, parameters), parameters)
    return {
        "model": "BGNBD",
        "prior_set": "lognormal",
        "distinct_rows": len(distinct_purchases()),
        "largest_difference_in_log_posterior": float(f"{difference:.2g}"),
        **summary(tree, parameters),
        "sampling": settings | {"sampler": "nutpie NUTS"} | seconds,
    }


def in_fresh_process(*task: str) -> dict[str, Any]:
    """Run one task by itself, so that its time owes nothing to what ran before; stop a timing at the limit."""
    command = [sys.executable, __file__, *task]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=LIMIT_SECONDS if task[0] == "default" else None)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return {"finished": False, "limit_seconds": LIMIT_SECONDS}
    if process.returncode:
        raise RuntimeError(f"{' '.join(task)} failed with exit code {process.returncode}")
    return json.loads(output.splitlines()[-1])


def write_missing() -> None:
    """Run every task whose result the file lacks, and write the file after each."""
    reference = json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}
    packages = ("pymc-marketing", "pymc", "pytensor", "nutpie", "arviz", "numpy", "lifetimes")
    reference["data"] = (
        "CDNOW sample from lifetimes: 2,357 customers, 39 weeks, time in weeks; Gamma-Gamma: 946 repeat customers"
    )
    reference["versions"] = {"python": platform.python_version()} | {name: version(name) for name in packages}
    posteriors = reference.setdefault("posteriors", {})
    timings = reference.setdefault("default_fits", {})

    def fill(place: dict[str, Any], key: str, *task: str) -> None:
        if key not in place:
            place[key] = in_fresh_process(*task)
            REFERENCE.write_text(json.dumps(reference, indent=1) + "\n")

    for model in CLASSES:
        for prior_set in PRIOR_SETS:
            fill(posteriors.setdefault(model, {}), prior_set, "reference", model, prior_set)
    fill(reference, "compression", "compression")
    for model, sampler in TIMED_FITS:
        fill(timings.setdefault(model, {}), sampler, "default", model, "lognormal", sampler)


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "reference": sample_reference,
    "default": time_default,
    "compression": check_compression,
}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
    else:
        write_missing()
