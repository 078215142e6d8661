"""A customer who is alive, buys at random, and may leave after any purchase.

The purchase rate lambda is Gamma(r, alpha), the probability p of leaving after a purchase Beta(a, b). The
purchases in the time t are the lesser of two independent counts: those made if nobody left, which are Poisson
given lambda, and the number of the purchase that is followed by leaving, which is geometric given p. So

    P(N(t) >= n) = I_z(n, r) * B(a, b + n - 1) / B(a, b),    z = t / (alpha + t),

which agrees with equation (8) of Fader, Hardie & Lee (2005), and

    E[N(t)] = E_p[(1 - (1 + p t / alpha)**-r) / p].

Their equation (9) writes this with a Gauss hypergeometric function, which has poles the expectation does not
have (a = 1, a + b = 1) and overflows for hundreds of purchases. Both routes taken here sum positive terms
only, so neither loses digits anywhere in the parameter space.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaln

Array = np.ndarray

LONGEST_SERIES = 400  # terms beyond which the integral is cheaper than the series
NEGLIGIBLE = 40.0  # a term e**-40 times the largest is beyond double precision
CHUNK = 2_000_000  # elements held at a time
SMALLEST_PROBABILITY = 1e-18  # below it the geometric generator overflows


@dataclass(frozen=True)
class GeometricDropout:
    """Purchases of customers alive now, one element each.

    Parameters
    ----------
    r, alpha : ndarray
        Shape and rate of the gamma distribution of the purchase rate.
    a, b : ndarray
        Parameters of the beta distribution of the probability of leaving. All of one shape, or scalars.
    """

    r: Array
    alpha: Array
    a: Array
    b: Array

    def expected(self, t: Array) -> Array:
        """Expect this many purchases in the next `t`; of shape (n,)."""
        t, r, alpha, a, b = (np.ravel(each) for each in np.broadcast_arrays(t, self.r, self.alpha, self.a, self.b))
        odds = t / alpha
        result = np.empty(len(odds))
        series = r * odds + NEGLIGIBLE * (1 + odds) + 10 * np.sqrt(r * odds * (1 + odds)) < LONGEST_SERIES
        result[series] = _by_series(odds[series], r[series], a[series], b[series])
        result[~series] = _by_integral(odds[~series], r[~series], a[~series], b[~series])
        return result

    def at_least(self, n: Array, t: Array) -> Array:
        """Probability of `n` purchases or more in the next `t`."""
        bought = np.maximum(n, 1)
        reached = betainc(bought, self.r, _share(t, self.alpha)) * self._stays(bought)
        return np.where(np.asarray(n) > 0, reached, 1.0)

    def exactly(self, n: Array, t: Array) -> Array:
        """Probability of just `n` purchases in the next `t`."""
        some = np.asarray(n) > 0
        bought = np.maximum(n, 1)
        # r (r + 1) ... (r + n - 1) / n!, by way of the beta function for the sake of large r
        ways = np.where(some, -betaln(self.r, bought) - np.log(bought), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):  # nobody buys in no time
            waits = np.where(some, -n * np.log1p(self.alpha / np.asarray(t, dtype=float)), 0.0)
        would_buy = np.exp(ways - self.r * np.log1p(t / self.alpha) + waits)
        leaves = np.exp(betaln(self.a + 1, self.b + bought - 1) - betaln(self.a, self.b))
        leaves_then = np.where(some, betainc(bought, self.r, _share(t, self.alpha)) * leaves, 0.0)
        return would_buy * self._stays(np.asarray(n) + 1) + leaves_then

    def sample(self, t: Array | float, random: np.random.Generator) -> Array:
        """Draw the number of purchases in the next `t`."""
        shape = np.broadcast_shapes(*(np.shape(each) for each in (t, self.r, self.alpha, self.a, self.b)))
        would_buy = random.poisson(random.gamma(self.r, 1 / self.alpha, shape) * t)
        bought = would_buy.ravel()
        buying = np.flatnonzero(bought)
        a, b = (np.broadcast_to(each, shape).ravel()[buying] for each in (self.a, self.b))
        bought[buying] = np.minimum(bought[buying], _number_that_ends(a, b, random))
        return bought.reshape(shape)

    def buys(self, t: Array | float) -> Array:
        """Probability of a purchase in the next `t`."""
        return -np.expm1(-self.r * np.log1p(t / self.alpha))

    def sample_of_buyer(self, t: Array | float, random: np.random.Generator) -> Array:
        """Draw the number of purchases in the next `t`, given that there is one.

        The first comes within w with the probability 1 - (alpha / (alpha + w))**r, and once it came at w the rate is
        Gamma(r + 1, alpha + w).
        """
        shape = np.broadcast_shapes(*(np.shape(each) for each in (t, self.r, self.alpha, self.a, self.b)))
        first = self.alpha * np.expm1(-np.log1p(-random.random(shape) * self.buys(t)) / self.r)
        rate = random.standard_gamma(np.broadcast_to(self.r + 1, shape)) / (self.alpha + first)
        bought = 1 + random.poisson(rate * np.maximum(t - first, 0.0)).ravel()
        again = np.flatnonzero(bought > 1)
        a, b = (np.broadcast_to(each, shape).ravel()[again] for each in (self.a, self.b))
        bought[again] = np.minimum(bought[again], _number_that_ends(a, b, random))
        return bought.reshape(shape)

    def _stays(self, n: Array) -> Array:
        """Probability of not leaving before the n-th purchase."""
        return np.exp(betaln(self.a, self.b + n - 1) - betaln(self.a, self.b))


def _number_that_ends(a: Array, b: Array, random: np.random.Generator) -> Array:
    """Draw the number of the purchase after which the customer leaves."""
    return random.geometric(np.clip(random.beta(a, b), SMALLEST_PROBABILITY, 1.0))


def _share(t: Array, alpha: Array) -> Array:
    return t / (alpha + t)


def _by_series(odds: Array, r: Array, a: Array, b: Array) -> Array:
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


def _by_integral(odds: Array, r: Array, a: Array, b: Array) -> Array:
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
    margin = np.minimum(9 * spread, 18.0)
    lowest = np.minimum(centre, 0.0) - margin - NEGLIGIBLE / (a + 2) - np.log1p(decay)
    highest = np.maximum(centre, 0.0) + margin + NEGLIGIBLE / (b + 1)
    # Rows that need about as many points share a grid.
    points = 2.0 ** np.ceil(np.log2((highest - lowest) / np.minimum(0.2, 0.3 * spread)))
    total = np.empty(len(odds))
    for number in np.unique(points):
        rows = np.flatnonzero(points == number)
        for part in np.array_split(rows, max(1, int(len(rows) * number // CHUNK) + 1)):
            one = (part, np.newaxis)
            step = (highest[one] - lowest[one]) / number
            y = lowest[one] + step * np.arange(number + 1)
            log_p, log_q = -np.logaddexp(0, -y), -np.logaddexp(0, y)
            p = np.exp(log_p)
            rest = -np.expm1(-r[one] * np.log1p(odds[one] * p)) / p
            rest -= at_0[one] * np.exp(decay[one] * log_q) + at_1[one] * p**2
            density = np.exp(a[one] * log_p + b[one] * log_q - betaln(a[one], b[one]))
            total[part] = (step * density * rest).sum(axis=1)
    known = at_0 * np.exp(betaln(a, b + decay) - betaln(a, b)) + at_1 * a * (a + 1) / ((a + b) * (a + b + 1))
    return known + total
