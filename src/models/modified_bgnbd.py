"""The modified BG/NBD model of repeat purchases (Batislam, Denizel & Filiztekin 2007)."""

from lifetimes import ModifiedBetaGeoFitter

from models._beta_geometric import BetaGeometric


class ModifiedBGNBD(BetaGeometric, ModifiedBetaGeoFitter):
    """Modified BG/NBD: as BG/NBD, but a customer may also leave right after the first purchase.

    The purchase rate is gamma distributed over customers (shape `r`, rate `alpha`), the probability of
    leaving after a purchase is beta distributed (`a`, `b`). It is a lifetimes `ModifiedBetaGeoFitter`:
    whatever works on that works on this.

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
    Batislam, E. P., M. Denizel & A. Filiztekin (2007). Empirical Validation and Comparison of Models for
    Customer Base Analysis. *International Journal of Research in Marketing* 24(3), 201-209.

    Wagner, U. & D. Hoppe (2008). Erratum on the MBG/NBD Model. *International Journal of Research in
    Marketing* 25(3), 225-226.
    """

    CHANCES_AT_FIRST = 1
