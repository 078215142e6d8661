"""Expected purchases of a customer who is alive and may leave after any purchase.

The purchase rate is Gamma(r, alpha), the probability of leaving after a purchase Beta(a, b). Given both,
the expected number of purchases in t is (1 - exp(-lambda p t)) / p, so that

    E[X(t)] = E_p[(1 - (1 + p t / alpha)**-r) / p],    p ~ Beta(a, b).

Equation (9) of Fader, Hardie & Lee (2005) writes this with a Gauss hypergeometric function, which has poles
the expectation does not have (a = 1, a + b = 1) and overflows for hundreds of purchases. Both routes taken
here sum positive terms only, so neither loses digits anywhere in the parameter space.
"""

import numpy as np
from scipy.special import betaln

Array = np.ndarray

LONGEST_SERIES = 1000  # terms beyond which the integral is cheaper than the series
NEGLIGIBLE = 40.0  # a term e**-40 times the largest is beyond double precision


def expected_purchases(t: Array, r: Array, alpha: Array, a: float, b: Array) -> Array:
    """Expect this many purchases in the time t from now of customers alive now.

    Parameters
    ----------
    t : ndarray of shape (n,)
        Length of time ahead, at least 0.
    r, alpha : ndarray of shape (n,)
        Shape and rate of the gamma distribution of the purchase rate.
    a : float
    b : ndarray of shape (n,)
        Parameters of the beta distribution of the probability of leaving.

    Returns
    -------
    ndarray of shape (n,)
    """
    result = np.empty(len(t))
    odds = t / alpha
    series = r * odds + NEGLIGIBLE * (1 + odds) + 10 * np.sqrt(r * odds * (1 + odds)) < LONGEST_SERIES
    result[series] = _by_series(odds[series], r[series], a, b[series])
    for i in np.flatnonzero(~series):
        result[i] = _by_integral(float(odds[i]), float(r[i]), a, float(b[i]))
    return result


def _by_series(odds: Array, r: Array, a: float, b: Array) -> Array:
    """Sum over k of P(k purchases if nobody left) times the expected number made before leaving.

    The first factor is negative binomial; the n-th purchase is made with probability E[(1 - p)**(n - 1)].
    """
    total = np.zeros(len(odds))
    if not len(odds):
        return total
    log_z = np.log(odds, out=np.full(len(odds), -np.inf), where=odds > 0) - np.log1p(odds)
    log_pmf = -r * np.log1p(odds)
    stays, made = np.ones(len(odds)), np.zeros(len(odds))
    mean = r * odds
    k = 0
    while True:
        log_pmf = log_pmf + log_z + np.log((r + k) / (k + 1))
        made += stays
        stays = stays * (b + k) / (a + b + k)
        k += 1
        term = np.exp(log_pmf) * made
        total += term
        # Past the mode the terms shrink about geometrically, so the tail is a multiple of the last term.
        shrink = np.exp(log_z) * (r + k) / k
        if np.all((k > mean) & ((term <= 1e-17 * total * np.maximum(1 - shrink, 1e-3)) | (log_pmf < -700))):
            return total


def _by_integral(odds: float, r: float, a: float, b: float) -> float:
    """Trapezoidal rule for the expectation over p, on the logit scale.

    On that scale the integrand is analytic in a strip about the real line, where the rule converges
    exponentially (Trefethen & Weideman 2014, SIAM Review 56). What the integrand tends to at p = 0 and p = 1
    is taken out first, in terms with known expectations, so that small a or b leave no long tails. This needs
    (r + 1) * odds above 2, as it is wherever the series is long.
    """
    at_0, at_1 = r * odds, -np.expm1(-r * np.log1p(odds))
    decay = (r + 1) * odds / 2  # (1 - p)**decay has the integrand's value and slope at 0
    spread = np.sqrt(1 / a + 1 / b)
    centre = np.log(a / b)
    margin = min(9 * spread, 18.0)
    lowest = min(centre, 0.0) - margin - NEGLIGIBLE / (a + 2) - np.log1p(decay)
    highest = max(centre, 0.0) + margin + NEGLIGIBLE / (b + 1)
    step = min(0.2, 0.3 * spread)
    y = np.arange(lowest, highest + step, step)
    log_p, log_q = -np.logaddexp(0, -y), -np.logaddexp(0, y)
    p = np.exp(log_p)
    rest = -np.expm1(-r * np.log1p(odds * p)) / p - at_0 * np.exp(decay * log_q) - at_1 * p**2
    density = np.exp(a * log_p + b * log_q - betaln(a, b))
    known = at_0 * np.exp(betaln(a, b + decay) - betaln(a, b)) + at_1 * a * (a + 1) / ((a + b) * (a + b + 1))
    return float(known + step * (density @ rest))
