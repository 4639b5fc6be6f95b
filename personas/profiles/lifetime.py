"""How often customers come back and what they spend: BG/NBD and Gamma-Gamma by maximum likelihood (method 9.8, 9.9).

Of our own, from the papers (Fader, Hardie and Lee 2005a, 2005b). A customer is three numbers, in weeks: ``x`` days with
a repeat purchase, ``t_x`` from the first purchase to the last, ``T`` from the first purchase to the end of observation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Likelihood = Callable[[Floats], tuple[float, Floats]]
"""Of log-parameters: its logarithm and the slopes of it."""
WEEKS_A_MONTH = 4.348
MONTHS = 36
"""How far ahead value is counted (method 9.9, our choice)."""
DISCOUNT_RATE = 0.10
"""A year (method 9.9, our choice)."""
NARROW = 20.0
"""Value of ``a`` from which the chance to stop is averaged instead of expanded."""
NODES = 32
BOUND = 12.0
"""Largest absolute log-parameter: beyond it the likelihood is flat."""
STARTS = ((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 3.0, 3.0), (0.0, 0.0, -6.0, -3.0))
"""Log-parameters from which BG/NBD is searched: the likelihood has more than one hill where few customers stop."""


@dataclass(frozen=True, slots=True)
class BgNbd:
    """A fitted BG/NBD model. ``covariance`` (4, 4) of the log-parameters, zeros where it is not defined."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    covariance: Floats

    @property
    def logs(self) -> Floats:
        """(4,) log-parameters."""
        return np.log([self.r, self.alpha, self.a, self.b])


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted Gamma-Gamma model of the value of one purchase."""

    p: float
    q: float
    gamma: float
    log_likelihood: float
    covariance: Floats

    @property
    def logs(self) -> Floats:
        """(3,) log-parameters."""
        return np.log([self.p, self.q, self.gamma])


@dataclass(frozen=True, slots=True)
class _Counted:
    """Different customers of a BG/NBD model and how many there are of each; ``xs[place]`` is their ``x``."""

    xs: Floats
    place: NDArray[np.intp]
    t_x: Floats
    T: Floats
    counts: Floats

    @classmethod
    def of(cls, x: Floats, t_x: Floats, T: Floats) -> _Counted:
        """The customers ``x``, ``t_x``, ``T``, each (n,)."""
        own, counts = np.unique(np.column_stack([x, t_x, T]), axis=0, return_counts=True)
        xs, place = np.unique(own[:, 0], return_inverse=True)
        return cls(xs, place, own[:, 1], own[:, 2], counts.astype(np.float64))


def _bgnbd(logs: Floats, rows: _Counted) -> tuple[float, Floats]:
    """The log-likelihood of all customers and its slopes (4,) in the log-parameters."""
    from scipy.special import digamma, gammaln

    r, alpha, a, b = np.exp(logs)
    xs, place, counts = rows.xs, rows.place, rows.counts
    x = xs[place]
    # what depends on x alone is taken once per value of x: there are few of them
    alone = gammaln(r + xs) - gammaln(r) + r * math.log(alpha) + gammaln(a + b) + gammaln(b + xs)
    alone -= gammaln(b) + gammaln(a + b + xs)
    left = np.where(xs > 0, math.log(a) - np.log(np.maximum(b + xs - 1, 1e-300)), -np.inf)
    until, since = np.log(alpha + rows.T), np.log(alpha + rows.t_x)
    stayed, went = -(r + x) * until, left[place] - (r + x) * since
    either = np.logaddexp(stayed, went)
    gone = np.exp(went - either)
    per_x = np.bincount(place, counts, len(xs))
    gone_per_x = np.bincount(place, counts * gone, len(xs))
    ends = (1 - gone) / (alpha + rows.T) + gone / (alpha + rows.t_x)
    both = digamma(a + b) - digamma(a + b + xs)
    slopes = (
        per_x @ (digamma(r + xs) - digamma(r) + math.log(alpha)) - np.sum(counts * ((1 - gone) * until + gone * since)),
        r / alpha * counts.sum() - np.sum(counts * (r + x) * ends),
        per_x @ both + gone_per_x.sum() / a,
        per_x @ (both + digamma(b + xs) - digamma(b))
        - gone_per_x @ np.where(xs > 0, 1 / np.maximum(b + xs - 1, 1e-300), 0),
    )
    return float(per_x @ alone + np.sum(counts * either)), np.array(slopes) * (r, alpha, a, b)


def _gamma_gamma(logs: Floats, x: Floats, z: Floats) -> tuple[float, Floats]:
    """The log-density of all mean values and its slopes (3,) in the log-parameters."""
    from scipy.special import digamma, gammaln

    p, q, gamma = np.exp(logs)
    px, shared = p * x, np.log(gamma + x * z)
    density = (
        gammaln(px + q) - gammaln(px) - gammaln(q) + q * math.log(gamma)
        + (px - 1) * np.log(z) + px * np.log(x) - (px + q) * shared
    )  # fmt: skip
    slopes = (
        np.sum(x * (digamma(px + q) - digamma(px) + np.log(z * x) - shared)),
        np.sum(digamma(px + q) - digamma(q) + math.log(gamma) - shared),
        np.sum(q / gamma - (px + q) / (gamma + x * z)),
    )
    return float(density.sum()), np.array(slopes) * (p, q, gamma)


def fit_bgnbd(x: Floats, t_x: Floats, T: Floats) -> BgNbd:
    """The model of ``x``, ``t_x``, ``T``, each (n,), 0 <= t_x <= T and t_x = 0 where x = 0."""
    rows = _Counted.of(x, t_x, T)
    logs, likelihood = _maximum(lambda at: _bgnbd(at, rows), STARTS)
    if abs(math.exp(logs[2]) - 1) < 1e-6:  # E[Y(t)] divides by a - 1
        logs[2] += 1e-5
    r, alpha, a, b = np.exp(logs)
    covariance = _covariance(lambda at: _bgnbd(at, rows), logs)
    return BgNbd(float(r), float(alpha), float(a), float(b), likelihood, covariance)


def fit_gamma_gamma(x: Floats, z: Floats) -> GammaGamma:
    """The model of the mean repeat value ``z`` > 0 of customers with ``x`` > 0 repeat purchases, each (n,)."""
    scale = float(np.mean(z))
    logs, likelihood = _maximum(lambda at: _gamma_gamma(at, x, z / scale), [(0.0, 0.0, 0.0)])
    p, q, gamma = np.exp(logs)
    # in units of the mean the search is well-conditioned; the density of z is that of z / scale over scale
    likelihood -= len(z) * math.log(scale)
    covariance = _covariance(lambda at: _gamma_gamma(at, x, z / scale), logs)
    return GammaGamma(float(p), float(q), float(gamma) * scale, likelihood, covariance)


def _maximum(likelihood: Likelihood, starts: Sequence[tuple[float, ...]]) -> tuple[Floats, float]:
    """The best that L-BFGS-B with exact slopes finds from the starts, within bounds: where it lies and its value."""
    from scipy.optimize import minimize

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slopes = likelihood(logs)
        return -value, -slopes

    options = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-15, "gtol": 1e-6}
    bounds = [(-BOUND, BOUND)] * len(starts[0])
    found = [
        minimize(loss, np.array(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        for start in starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    return np.asarray(best.x, dtype=np.float64), -float(best.fun)


def _covariance(likelihood: Likelihood, at: Floats, h: float = 1e-3) -> Floats:
    """Inverse of the negative Hessian by central differences of the slopes, without its flat directions."""
    m = len(at)
    bent = np.array([likelihood(at - step)[1] - likelihood(at + step)[1] for step in np.eye(m) * h]) / (2 * h)
    hessian = (bent + bent.T) / 2
    if not np.isfinite(hessian).all():
        return np.zeros((m, m))
    # along a flat direction the figures do not depend on the parameters either: it adds no spread
    values, vectors = np.linalg.eigh(hessian)
    inverted = np.where(values > 1e-4 * max(values.max(), 1e-12), 1 / np.maximum(values, 1e-12), 0.0)
    inverse: Floats = (vectors * inverted) @ vectors.T
    return inverse


def probability_alive(model: BgNbd, x: Floats, t_x: Floats, T: Floats) -> Floats:
    """(n,) probability that a customer still buys; 1 for one-time buyers, as the model has it."""
    log_ratio = (model.r + x) * (np.log(model.alpha + T) - np.log(model.alpha + t_x))
    odds = np.where(x > 0, model.a / np.maximum(model.b + x - 1, 1e-300) * np.exp(np.minimum(log_ratio, 700)), 0.0)
    result: Floats = 1 / (1 + odds)
    return result


def expected_purchases(model: BgNbd, x: Floats, t_x: Floats, T: Floats, weeks: float) -> Floats:
    """(n,) expected purchases in the next ``weeks``.

    The hypergeometric function of the paper is evaluated after Euler's transformation,
    (1-z)^(r+x) 2F1(r+x, b+x; c; z) = (1-z)^(a-1) 2F1(a+b-1-r, a-1; c; z) with c = a+b+x-1, in which x stands only in c,
    so that customers with many purchases lose no digits.
    """
    result: Floats = _purchases_until(model, x, t_x, T, [weeks])[:, 0]
    return result


def _purchases_until(model: BgNbd, x: Floats, t_x: Floats, T: Floats, ends: Sequence[float]) -> Floats:
    """(n, len(ends)) expected purchases until each of ``ends``, in weeks from now."""
    from scipy.special import hyp2f1

    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    alive = probability_alive(model, x, t_x, T)[:, None]
    if a > NARROW:
        return alive * _averaged(model, x, T, ends)
    weeks = np.asarray(ends, dtype=np.float64)
    z = weeks / (alpha + T[:, None] + weeks)
    c = (a + b + x - 1)[:, None]
    left = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, c, z)
    result: Floats = c / (a - 1) * (1 - left) * alive
    return result


def _averaged(model: BgNbd, x: Floats, T: Floats, ends: Sequence[float]) -> Floats:
    """(n, len(ends)) expected purchases of somebody alive, as a mean over the chance p to stop after a purchase.

    Where p is nearly the same for everybody (large a and b) the powers of the formula leave the range of numbers. Given
    p, E = (1 - ((alpha+T) / (alpha+T+p t))^(r+x)) / p; the mean over Beta(a, b+x) is taken at its quantiles, which do
    not depend on t.
    """
    from scipy.special import betaincinv, roots_legendre

    nodes, weights = roots_legendre(NODES)
    own, place = np.unique(x, return_inverse=True)
    stops = betaincinv(model.a, model.b + own[:, None], (nodes + 1) / 2)[place]
    power, share, scaled = -(model.r + x)[:, None], stops / (model.alpha + T)[:, None], weights / stops / 2
    result = np.empty((len(x), len(ends)))
    for i, weeks in enumerate(ends):
        result[:, i] = -(np.expm1(power * np.log1p(share * weeks)) * scaled).sum(axis=1)
    return result


def expected_value(model: GammaGamma, x: Floats, z: Floats) -> Floats:
    """(n,) expected value of one purchase; the population's mean where x = 0. Needs q > 1."""
    p, q, gamma = model.p, model.q, model.gamma
    result: Floats = p * (gamma + x * np.where(x > 0, z, 0.0)) / (p * x + q - 1)
    return result


def monthly_rate(a_year: float) -> float:
    """The discount rate of a month.

    >>> round((1 + monthly_rate(0.1)) ** 12, 12)
    1.1
    """
    return float((1 + a_year) ** (1 / 12) - 1)


def discounted(purchases: Floats, rate: float) -> Floats:
    """(n,) sum over periods t = 1..H of the purchases (n, H) of each period, each over (1 + rate)^t (method 9.9)."""
    periods = np.arange(1, purchases.shape[1] + 1)
    result: Floats = purchases @ (1 + rate) ** -periods.astype(np.float64)
    return result


def discounted_purchases(
    model: BgNbd, x: Floats, t_x: Floats, T: Floats, months: int = MONTHS, a_year: float = DISCOUNT_RATE
) -> Floats:
    """(n,) purchases of the next months, each month's discounted to today."""
    ends = [month * WEEKS_A_MONTH for month in range(1, months + 1)]
    total = _purchases_until(model, x, t_x, T, ends)
    return discounted(np.diff(total, axis=1, prepend=0.0), monthly_rate(a_year))
