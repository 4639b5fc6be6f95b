"""Intervals at 95%: bootstrap-t for means, order statistics for medians, Wilson for shares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, unique
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate

Floats = NDArray[np.float64]

Z95 = 1.959963984540054
FEWEST = 30
"""Below this many customers a bootstrap-t interval is refused (method 9.10) and Student's t is printed, flagged."""
MOST_RESAMPLED = 5_000
"""Above this many rows Student's t takes the place of the bootstrap: what skewness adds shrinks with 1 / sqrt(n)."""
MONEY_REPLICATES = 1_999
OTHER_REPLICATES = 599
DOMINATED = 0.5
"""One customer with more than this share of a total: the interval is flagged."""
CELLS = 4_000_000
"""Resampling weights held at a time (32 MB)."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a mean may be off: the interval is ``mean - high_t * se`` to ``mean - low_t * se``."""

    low_t: float
    high_t: float
    se: float
    basis: str

    def around(self, mean: float, unit: str, n: int, low: float = -math.inf, high: float = math.inf) -> Estimate:
        """The mean with its interval, cut at what is possible (a share stays in 0 to 1)."""
        ends = (mean - self.high_t * self.se, mean - self.low_t * self.se)
        return Estimate(mean, max(ends[0], min(low, mean)), min(ends[1], max(high, mean)), unit, n, self.basis)


@unique
class Use(IntEnum):
    """What a stream of a group is for; a use that numbers its draws has the thousand from its code on to itself.

    The codes are part of the numbers and never change.
    """

    MONEY_FACTS = 0
    OTHER_FACTS = 1
    MONEY = 2
    RETURN = 3
    SIZES = 4
    FORECAST = 5
    MOVES = 6
    LEADS = 7
    EXPERIMENT = 9
    CLAIM_PERMUTATIONS = 11
    CLAIM_RESAMPLES = 12
    REFERRALS = 30
    RFM = 1000
    CATEGORIES = 2000


def stream(seed: int, step: int, group: int, use: int = 0) -> np.random.Generator:
    """The random stream of one ``Use`` (method 0.3); ``group`` -1 is everyone."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(step, group + 1, use))))


def resampling_weights(n: int, replicates: int, random: np.random.Generator) -> Iterator[Floats]:
    """How often each of ``n`` customers is drawn, in blocks (b, n) whose b add up to ``replicates``."""
    block = max(1, CELLS // n)
    for start in range(0, replicates, block):
        rows = min(block, replicates - start)
        drawn = random.integers(0, n, size=(rows, n))
        drawn += np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def spreads(x: Floats, population: NDArray[np.int64], replicates: int, random: np.random.Generator) -> list[Spread]:
    """The Spread of the mean of each column of ``x`` (n, m), NaN where unknown; see ``bootstrap``."""
    return bootstrap(x, population, replicates, random)[0]


def bootstrap(
    x: Floats, population: NDArray[np.int64], replicates: int, random: np.random.Generator
) -> tuple[list[Spread], Floats]:
    """The Spread of the mean of each column of ``x`` (n, m), NaN where unknown, and resampled means (replicates, m).

    Bootstrap-t over customers: every replicate draws n customers for all columns at once, t = (mean_b - mean) / se_b.
    Of very skewed spend the interval of t ends too soon: each end reaches as far as that of Hall's statistic, t without
    its skewness, where that is farther.
    ``population`` (m,) known customers that the column stands for, when ``x`` is a sample of them: the standard error
    is divided by its root. Replicates without spread (se_b = 0) do not count; more than 1% of them, fewer than 30 known
    values or more than 5,000 rows give Student's t instead, and the basis says so (the means are then drawn from their
    joint normal distribution). Source: method 9.10, Efron 1981, Hall 1992.
    """
    known = np.isfinite(x)
    counts = known.sum(axis=0)
    mean = np.divide(np.where(known, x, 0).sum(axis=0), counts, out=np.zeros(x.shape[1]), where=counts > 0)
    centred = np.where(known, x - mean, 0)
    sd = np.sqrt(np.divide((centred**2).sum(axis=0), counts - 1, out=np.zeros(x.shape[1]), where=counts > 1))
    rounding = 1e-12 * np.maximum(1.0, np.abs(mean))
    if 2 <= len(x) <= MOST_RESAMPLED:
        shift, t, hall = _resampled(centred, known, sd, replicates, random)
    else:
        shift, t = _normal(centred, replicates, random), np.full((replicates, x.shape[1]), np.nan)
        hall = t
    found = [
        _spread(x[:, i], float(sd[i]), float(rounding[i]), int(population[i]), (t[:, i], hall[:, i]))
        for i in range(x.shape[1])
    ]
    return found, mean + shift


def _spread(x: Floats, sd: float, rounding: float, population: int, resampled: tuple[Floats, Floats]) -> Spread:
    """The Spread of one column (n,) from its resampled t and Hall's statistic."""
    size = int(np.isfinite(x).sum())
    if size < 2:
        return Spread(0, 0, 0, "one customer" if size else "nobody")
    if sd <= rounding:
        return Spread(0, 0, 0, "all customers alike")
    se = sd / math.sqrt(max(population, 1))
    t, hall = (np.sort(values[np.isfinite(values)]) for values in resampled)
    if size >= FEWEST and len(t) >= 0.99 * len(resampled[0]):
        skew = skewness(x)
        low, high = (
            (_order_statistic(t, q), _skewed_again(_order_statistic(hall, q), skew, size)) for q in (0.025, 0.975)
        )
        return Spread(min(low), max(high), se, "bootstrap-t, 95%")
    half = _student(size - 1)
    return Spread(-half, half, se, "t, 95%" if size >= FEWEST else f"t, 95%, fewer than {FEWEST} customers")


def _resampled(
    centred: Floats, known: NDArray[np.bool_], sd: Floats, replicates: int, random: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Resampled mean less the mean, t and Hall's statistic (both NaN without spread), each (replicates, m)."""
    n = len(centred)
    complete = bool(known.all())
    powers = np.hstack((centred, centred**2, centred**3))
    shifts, ts, halls = [], [], []
    for weights in resampling_weights(n, replicates, random):
        size = np.full((len(weights), 1), float(n)) if complete else weights @ known.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            shift, squares, cubes = (sums / size for sums in np.split(weights @ powers, 3, axis=1))
            variance = (squares - shift**2) * (size / (size - 1))
            spread = np.sqrt(np.where(variance > 1e-20 * sd**2, variance, np.nan))
            skew = (cubes - 3 * shift * squares + 2 * shift**3) / (squares - shift**2) ** 1.5
            s = shift / spread
            ts.append(np.sqrt(size) * s)
            halls.append(np.sqrt(size) * (s + skew * s**2 / 3 + skew**2 * s**3 / 27 + skew / (6 * size)))
        shifts.append(shift)
    return np.concatenate(shifts), np.concatenate(ts), np.concatenate(halls)


def _skewed_again(hall: float, skew: float, size: int) -> float:
    """The t that a value of Hall's statistic stands for."""
    y = hall / math.sqrt(size)
    if abs(skew) < 1e-9:
        return hall
    return math.sqrt(size) * 3 / skew * float(np.cbrt(1 + skew * (y - skew / (6 * size))) - 1)


def _normal(centred: Floats, replicates: int, random: np.random.Generator) -> Floats:
    """Draws (replicates, m) from the joint normal distribution of the means of complete columns."""
    n, m = centred.shape
    if n < 2:
        return np.zeros((replicates, m))
    factor = np.linalg.svd(centred / n, full_matrices=False)
    drawn: Floats = random.standard_normal((replicates, m)) @ (factor.S[:, None] * factor.Vh)
    return drawn


def _order_statistic(ordered: Floats, q: float) -> float:
    """The ceil(q (B + 1))-th smallest of B values."""
    return float(ordered[min(len(ordered), math.ceil(q * (len(ordered) + 1))) - 1])


def _student(degrees: int) -> float:
    """97.5% quantile of Student's t."""
    from scipy.special import stdtrit  # scipy.stats takes a second to load

    return float(stdtrit(degrees, 0.975))


def percentile_interval(draws: Floats) -> tuple[float, float]:
    """The middle 95% of the resamples."""
    ordered = np.sort(draws[np.isfinite(draws)])
    return _order_statistic(ordered, 0.025), _order_statistic(ordered, 0.975)


def wilson(hits: int, n: int, unit: str = "share") -> Estimate:
    """A share with Wilson's interval (1927).

    >>> e = wilson(8, 10); round(e.value, 3), round(e.low, 3), round(e.high, 3)
    (0.8, 0.49, 0.943)
    """
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, unit, 0, "nobody")
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == n else centre + half
    return Estimate(share, low, high, unit, n, "Wilson, 95%")


def median_interval(ordered: Floats) -> tuple[float, float]:
    """Two order statistics that hold the median in at least 95% of samples (never more than the range).

    ``ordered`` (n,) sorted known values, n >= 1. The l-th smallest and l-th largest with l the largest rank for which
    Binomial(n, 1/2) stays below it in at most 2.5% of samples; fewer than 6 values: the range.
    """
    n = len(ordered)
    rank = max(1, _binomial_quantile(n))
    return float(ordered[rank - 1]), float(ordered[n - rank])


@lru_cache(maxsize=1024)
def _binomial_quantile(n: int) -> int:
    """The smallest number that Binomial(n, 1/2) reaches or stays below in at least 2.5%."""
    from scipy.special import bdtr, bdtrik

    found = math.ceil(bdtrik(0.025, n, 0.5))
    return int(found - 1 if found > 0 and bdtr(found - 1, n, 0.5) >= 0.025 else found)


def skewness(x: Floats) -> float:
    """Sample skewness of the known values, 0 without spread."""
    known = x[np.isfinite(x)]
    centred = known - known.mean() if len(known) else known
    variance = float((centred**2).mean()) if len(known) else 0.0
    return float((centred**3).mean() / variance**1.5) if variance > 0 else 0.0


def is_dominated(x: Floats) -> bool:
    """Whether one customer holds more than half of the sum of all amounts, signs aside."""
    size = np.abs(x[np.isfinite(x)])
    return len(size) > 1 and float(size.max()) > DOMINATED * float(size.sum())
