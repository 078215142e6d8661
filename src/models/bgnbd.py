"""The BG/NBD model of repeat purchases (Fader, Hardie & Lee 2005)."""

from lifetimes import BetaGeoFitter

from models._beta_geometric import BetaGeometric


class BGNBD(BetaGeometric, BetaGeoFitter):
    """BG/NBD: customers buy at random at rates of their own, and may leave after any repeat purchase.

    The purchase rate is gamma distributed over customers (shape `r`, rate `alpha`), the probability of
    leaving after a purchase is beta distributed (`a`, `b`). It is a lifetimes `BetaGeoFitter`: whatever
    works on that works on this. A customer without repeat purchases is alive for certain in this model.

    Parameters
    ----------
    penalizer_coef : float, default 0.0
        Weight of the penalty on the squared parameters, as in lifetimes: added to the mean negative
        log-likelihood, with time measured in the age of the oldest customer.

    Attributes
    ----------
    params_ : Series
        r, alpha, a, b. `alpha` is in the caller's unit of time.
    data : DataFrame
        frequency, recency, T and weights, as given.
    log_likelihood_ : float
        Of all customers, in the caller's unit of time, without the penalty.
    aic_, bic_ : float
    variance_matrix_ : DataFrame of shape (4, 4)
        Covariance of the estimates; NaN for a parameter named in `limits_`.
    standard_errors_ : Series
    confidence_intervals_ : DataFrame
        At 95%.
    limits_ : tuple of str
        Parameters without an estimate of their own.

    References
    ----------
    Fader, P. S., B. G. S. Hardie & K. L. Lee (2005). "Counting Your Customers" the Easy Way: An Alternative
    to the Pareto/NBD Model. *Marketing Science* 24(2), 275-284.
    """

    CHANCES_AT_FIRST = 0
