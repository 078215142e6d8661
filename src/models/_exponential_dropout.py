"""A customer who is alive, buys at random, and may leave at any time.

The purchase rate lambda is Gamma(r, alpha), the rate mu of leaving Gamma(s, beta). Each takes part in an
integral of one kind: over the time tau of leaving, or of the n-th purchase, of powers of tau, alpha + tau and
beta + tau. The literature writes these with Gauss hypergeometric functions (Fader & Hardie 2005, A Note on
Deriving the Pareto/NBD Model and Related Expressions, http://www.brucehardie.com/notes/009/), whose
differences lose all digits for a few hundred purchases. Here the integrals themselves are evaluated by
Gauss-Legendre quadrature in w, tau = c (exp(w) - 1): the integrands are positive, so no digit is lost, and for
c no longer than the shortest time scale they are analytic in the strip |Im w| < pi, so that few nodes do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import exprel, gammaln

Array = np.ndarray
ArrayOrFloat = Array | float

NEGLIGIBLE = 36.0  # a tail e**-36 times the peak is beyond double precision
NODES = (5, 6, 8, 10, 12, 14, 16, 19, 22, 26, 30, 36, 42, 50, 60, 80, 110, 160, 240, 360)
CHUNK = 2**13  # elements held at a time: arrays of this size stay in the cache and are allocated fast
FEW = 4  # for powers up to this,
SHORT = 4.0  # and stretches up to this, a peak isn't worth searching for
GAUSSIAN = 32.0  # nodes that a narrow peak takes
TIGHTENINGS = 6  # steps towards where a peak ends; each at least halves what is left
LARGE = 1e4  # shape from which rounding in a logarithm near 0 would show
LONG_STIRLING = 10.0  # from here on Stirling's series is exact to double precision


@dataclass(frozen=True)
class ExponentialDropout:
    """Purchases of customers alive now, one element each.

    The number bought in the time t is Poisson, of mean lambda min(lifetime, t); the lifetime is exponential
    at the rate mu.

    Parameters
    ----------
    r, alpha : ndarray or float
        Shape and rate of the gamma distribution of the purchase rate.
    s, beta : ndarray or float
        Shape and rate of the gamma distribution of the rate of leaving. All broadcast, with each other and with the
        numbers and times the methods take.
    """

    r: ArrayOrFloat
    alpha: ArrayOrFloat
    s: ArrayOrFloat
    beta: ArrayOrFloat

    def expected(self, t: ArrayOrFloat) -> Array:
        """Give the expected purchases in the next `t` (equation 27 of the note), without its pole at s = 1."""
        span = np.log1p(t / self.beta)
        return self.r / self.alpha * self.beta * span * exprel((1 - self.s) * span)

    def at_least(self, n: ArrayOrFloat, t: ArrayOrFloat) -> Array:
        """Probability of `n` purchases or more in the next `t`: that the n-th comes in time and before leaving."""
        n, t, r, alpha, s, beta = self._with(n, t)
        result = np.where(n > 0, 0.0, 1.0)
        buying = np.flatnonzero((n > 0).ravel() & (t > 0).ravel())
        result.ravel()[buying] = _nth_purchase(*(each.ravel()[buying] for each in (n, t, r, alpha, s, beta)))
        return result

    def exactly(self, n: ArrayOrFloat, t: ArrayOrFloat) -> Array:
        """Probability of just `n` purchases in the next `t`."""
        n, t, r, alpha, s, beta = self._with(n, t)
        result = np.where(n > 0, 0.0, 1.0)
        later = t.ravel() > 0
        for some, probability in [(False, _no_purchase), (True, _n_purchases)]:
            rows = np.flatnonzero(later & ((n.ravel() > 0) == some))
            result.ravel()[rows] = probability(*(each.ravel()[rows] for each in (n, t, r, alpha, s, beta)))
        return result

    def sample(self, t: ArrayOrFloat, random: np.random.Generator) -> Array:
        """Draw the number of purchases in the next `t`."""
        shape = np.broadcast_shapes(*(np.shape(each) for each in (t, self.r, self.alpha, self.s, self.beta)))
        with np.errstate(over="ignore"):
            lifetime = self.beta * np.expm1(random.standard_exponential(shape) / self.s)
        return random.poisson(random.gamma(self.r, 1 / self.alpha, shape) * np.minimum(lifetime, t))

    def _with(self, n: ArrayOrFloat, t: ArrayOrFloat) -> tuple[Array, ...]:
        given = (n, t, self.r, self.alpha, self.s, self.beta)
        return tuple(np.broadcast_arrays(*(np.asarray(each, dtype=float) for each in given)))


@dataclass(frozen=True)
class Leaving:
    """When customers who left in silence did so, and how probable that was.

    Attributes
    ----------
    rows : ndarray of int, shape (j,)
        Customers this is about.
    times : ndarray of shape (nodes, j)
        Times of leaving, since the last purchase.
    purchase_span, life_span : ndarray of shape (nodes, j)
        log(1 + times / alpha) and log(1 + times / beta).
    shares : ndarray of shape (nodes, j)
        Probabilities of the times, given that the customer left: they sum to 1 for each customer.
    log_left : ndarray of shape (j,)
        Log probability of leaving within the silence and buying nothing before; minus infinity without silence.
    """

    rows: Array
    times: Array
    purchase_span: Array
    life_span: Array
    shares: Array
    log_left: Array


def times_of_leaving(k: Array, alpha: Array, s: Array, beta: Array, silence: Array) -> Iterator[Leaving]:
    """When customers who left in silence did so, a chunk of them at a time.

    At the last purchase the purchase rate was Gamma(k, alpha), the rate of leaving Gamma(s, beta); nothing was bought
    since. The joint density of leaving after tau and buying nothing until then is
    s / (beta + tau) (beta / (beta + tau))**s (alpha / (alpha + tau))**k.

    Parameters
    ----------
    k, alpha, s, beta, silence : ndarray of shape (m,)

    Yields
    ------
    Leaving
    """
    scale = np.minimum(1 / (k / alpha + (s + 1) / beta), alpha)
    longest = np.minimum(_decay(alpha, k - 1), _decay(beta, s))
    length = np.log1p(np.minimum(silence, longest) / scale)
    with np.errstate(divide="ignore"):
        outside = np.log(s * (scale / beta) * length)
    for rows, points, weights in _alike(length):
        shares = length[rows] * points
        times = np.expm1(shares)
        times *= scale[rows]
        purchase_span, life_span = times / alpha[rows], times / beta[rows]
        np.log1p(purchase_span, out=purchase_span)
        np.log1p(life_span, out=life_span)
        shares -= k[rows] * purchase_span
        shares -= (s[rows] + 1) * life_span
        np.exp(shares, out=shares)
        shares *= weights
        mass = shares.sum(axis=0)
        shares /= mass
        yield Leaving(rows, times, purchase_span, life_span, shares, outside[rows] + np.log(mass))


def log_of_silence(k: Array, alpha: Array, s: Array, beta: Array, silence: Array) -> tuple[Array, Array]:
    """Log probabilities of buying nothing in the `silence`: as a customer who is still here, and as one who left.

    Parameters
    ----------
    k, alpha, s, beta, silence : ndarray of shape (m,)
        As in `times_of_leaving`.

    Returns
    -------
    here, left : ndarray of shape (m,)
    """
    left = np.empty(len(k))
    for leaving in times_of_leaving(k, alpha, s, beta, silence):
        left[leaving.rows] = leaving.log_left
    return -k * np.log1p(silence / alpha) - s * np.log1p(silence / beta), left


def _decay(scale: Array, power: Array) -> Array:
    """Where (1 + tau / scale)**-power has become negligible; infinite where it never does."""
    with np.errstate(over="ignore"):
        return scale * np.expm1(NEGLIGIBLE / np.maximum(power, 1e-9))


def _no_purchase(n: Array, t: Array, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
    return np.exp(np.logaddexp(*log_of_silence(r, alpha, s, beta, t)))


def _n_purchases(n: Array, t: Array, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
    """Made by a customer who is still there at t, or by one who left before."""
    n_th = _PurchaseTime(n, r, alpha)
    still_there = np.exp(n_th.log_density(t) - s * np.log1p(t / beta)) / n
    left = np.empty(len(n))
    for rows, times, weights in _around_the_peak(n + 1, n + r, alpha, s + 1, beta, t):
        integrand = n_th.of(rows).log_density(times)
        relative = times / beta[rows]
        integrand -= s[rows] * np.log1p(relative)
        np.exp(integrand, out=integrand)
        integrand *= weights
        integrand *= relative
        relative += 1
        integrand /= relative
        left[rows] = integrand.sum(axis=0)
    return still_there + left * (s / n)


def _nth_purchase(n: Array, t: Array, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
    """Comes before t and before leaving."""
    n_th = _PurchaseTime(n, r, alpha)
    result = np.empty(len(n))
    for rows, times, weights in _around_the_peak(n, n + r, alpha, s, beta, t):
        integrand = n_th.of(rows).log_density(times)
        integrand -= s[rows] * np.log1p(times / beta[rows])
        np.exp(integrand, out=integrand)
        integrand *= weights
        result[rows] = integrand.sum(axis=0)
    return np.minimum(result, 1.0)


class _PurchaseTime:
    """Time of the n-th purchase of customers who never leave.

    The log density in log tau is n log(u) - (n + r) log((n u + r) / (n + r)), u = tau r / (alpha n), plus what makes
    it integrate to 1: free of the large terms that cancel when it is written with gamma functions.
    """

    def __init__(self, n: Array, r: Array, alpha: Array) -> None:
        total = n + r
        at_mode = 0.5 * np.log(n / (2 * np.pi) * (r / total)) + _stirling(total) - _stirling(n) - _stirling(r)
        self._rows = np.array([n, r, total, r / alpha / n, at_mode])

    def of(self, rows: Array) -> "_PurchaseTime":
        """Take the customers in `rows`."""
        part = object.__new__(_PurchaseTime)
        part._rows = self._rows[:, rows]
        return part

    def log_density(self, tau: Array) -> Array:
        n, r, total, rate, at_mode = self._rows
        u = tau * rate
        value = np.log(u)
        value *= n
        value += at_mode
        if (r > LARGE).any():
            rest = np.where(r > n, np.log1p(np.maximum((u - 1) * (n / total), -0.75)), np.log((u * n + r) / total))
        else:
            u *= n / total
            u += r / total
            rest = np.log(u, out=u)
        rest *= total
        value -= rest
        return value


def _stirling(x: Array) -> Array:
    """Give log gamma(x) less Stirling's (x - 1/2) log x - x + log(2 pi) / 2."""
    y = 1 / np.maximum(x, LONG_STIRLING)
    z = y * y
    series = y * (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360))))))
    short = np.minimum(x, LONG_STIRLING)
    direct = gammaln(short) - (short - 0.5) * np.log(short) + short - 0.5 * np.log(2 * np.pi)
    return np.where(x < LONG_STIRLING, direct, series)


def _around_the_peak(
    power: Array, k: Array, alpha: Array, m: Array, beta: Array, t: Array
) -> Iterator[tuple[Array, Array, Array]]:
    """Quadrature for the integral over log tau, up to log t, of tau**power (alpha + tau)**-k (beta + tau)**-m.

    In w the integrand is log-concave. Only the stretch around its peak where it is not negligible is covered.

    Yields
    ------
    rows : ndarray of int, shape (j,)
    times, weights : ndarray of shape (nodes, j)
    """
    scale = np.minimum(1 / (k / alpha + m / beta), beta)
    lower, upper = np.zeros(len(t)), np.log1p(t / scale)
    for rows in _chunks(np.flatnonzero((power > FEW) | (upper > SHORT)), CHUNK):
        of_rows = (each[rows] for each in (power, k, alpha, m, beta, scale, t))
        lower[rows], upper[rows] = _stretch(*of_rows)
    length = upper - lower
    for rows, points, weights in _alike(length, np.minimum(power, GAUSSIAN)):
        w = length[rows] * points
        w += lower[rows]
        grown = np.expm1(w, out=w)
        yield rows, scale[rows] * grown, (1 + 1 / grown) * (weights * length[rows])


def _stretch(
    power: Array, k: Array, alpha: Array, m: Array, beta: Array, scale: Array, t: Array
) -> tuple[Array, Array]:
    """Where, in w, the integrand of `_around_the_peak` is not negligible."""

    def log_integrand(w: Array) -> tuple[Array, Array]:
        tau = scale * np.expm1(w)
        narrowing = -np.expm1(-w)
        value = power * np.log(tau) - k * np.log1p(tau / alpha) - m * np.log1p(tau / beta) - np.log(narrowing)
        slope = power - 1 + narrowing - k * tau / (alpha + tau) - m * tau / (beta + tau)
        return value, slope / narrowing

    peak = np.log1p(np.minimum(_mode(power, k, alpha, m, beta), t) / scale)
    enough = log_integrand(peak)[0] - NEGLIGIBLE
    lower = _end(log_integrand, peak, np.zeros(len(t)), enough)
    return lower, _end(log_integrand, peak, np.log1p(t / scale), enough)


def _mode(power: Array, k: Array, alpha: Array, m: Array, beta: Array) -> Array:
    """Where tau**power (alpha + tau)**-k (beta + tau)**-m is greatest: the root of a quadratic."""
    square = k + m - power
    linear = (k - power) * beta + (m - power) * alpha
    root = np.sqrt(linear**2 + 4 * square * power * alpha * beta)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(linear > 0, 2 * power * alpha * beta / (linear + root), (root - linear) / (2 * square))


def _end(log_integrand: Callable[[Array], tuple[Array, Array]], inner: Array, outer: Array, enough: Array) -> Array:
    """Draw `outer` in to where the log integrand falls below `enough`, never past it.

    The tangent to a concave function lies above it, so Newton's method from outside stays outside.
    """
    for _ in range(TIGHTENINGS):
        middle = (inner + outer) / 2
        value, slope = log_integrand(middle)
        outside = value < enough
        with np.errstate(divide="ignore", invalid="ignore"):
            outer = np.where(outside, middle + (enough - value) / slope, outer)
        inner = np.where(outside, inner, middle)
    return outer


def _alike(length: Array, bends: Array | float = 0.0) -> Iterator[tuple[Array, Array, Array]]:
    """Rows that need about as many nodes, in chunks, with the nodes on (0, 1) and their weights."""
    enough = np.minimum.reduce([4 + 6 * length, 10 + 4 * length, 18 + 2.5 * length]) + bends
    number = np.minimum(np.searchsorted(NODES, enough), len(NODES) - 1)
    for which in np.unique(number):
        points, weights = _gauss_legendre(NODES[which])
        for rows in _chunks(np.flatnonzero(number == which), CHUNK // len(points)):
            yield rows, points, weights


def _chunks(rows: Array, size: int) -> Iterator[Array]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


@cache
def _gauss_legendre(number: int) -> tuple[Array, Array]:
    """Nodes and weights on (0, 1), one a row."""
    points, weights = np.polynomial.legendre.leggauss(number)
    return (points[:, np.newaxis] + 1) / 2, weights[:, np.newaxis] / 2
