"""Intervals at 95%: bootstrap-t for means, order statistics for medians, Wilson for shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate

Floats = NDArray[np.float64]

Z95 = 1.959963984540054
FEWEST = 30
"""Below this many customers a bootstrap-t interval is refused (method 9.10) and Student's t is printed, flagged."""
MOST_RESAMPLED = 20_000
"""Above this many customers Student's t takes the place of the bootstrap: the skewness term has gone (1 / sqrt(n))."""
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


def stream(seed: int, step: int, group: int, replicate: int = 0) -> np.random.Generator:
    """The random stream of one use (method 0.3); ``group`` -1 is everyone."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(step, group + 1, replicate))))


def resampling_weights(n: int, replicates: int, random: np.random.Generator) -> Iterator[Floats]:
    """How often each of ``n`` customers is drawn, in blocks (b, n) whose b add up to ``replicates``."""
    block = max(1, CELLS // n)
    for start in range(0, replicates, block):
        rows = min(block, replicates - start)
        drawn = random.integers(0, n, size=(rows, n))
        drawn += np.arange(rows)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def spreads(x: Floats, population: NDArray[np.int64], replicates: int, random: np.random.Generator) -> list[Spread]:
    """The Spread of the mean of each column of ``x`` (n, m), NaN where unknown.

    Bootstrap-t over customers: every replicate draws n customers for all columns at once, t = (mean_b - mean) / se_b.
    ``population`` (m,) known customers that the column stands for, when ``x`` is a sample of them: the standard error
    is divided by its root. Replicates without spread (se_b = 0) do not count; more than 1% of them, fewer than 30 known
    values or more than 20,000 rows give Student's t instead, and the basis says so. Source: method 9.10, Efron 1981.
    """
    n, m = x.shape
    known = np.isfinite(x)
    counts = known.sum(axis=0)
    mean = np.divide(np.where(known, x, 0).sum(axis=0), counts, out=np.zeros(m), where=counts > 0)
    centred = np.where(known, x - mean, 0)
    sd = np.sqrt(np.divide((centred**2).sum(axis=0), counts - 1, out=np.zeros(m), where=counts > 1))
    rounding = 1e-12 * np.maximum(1.0, np.abs(mean))
    wanted = (counts >= FEWEST) & (sd > rounding) & (n <= MOST_RESAMPLED)
    quantiles = _t_quantiles(centred[:, wanted], known[:, wanted], sd[wanted], replicates, random)
    found = iter(quantiles)
    result = []
    for column in range(m):
        size = int(counts[column])
        se = float(sd[column] / math.sqrt(max(int(population[column]), 1)))
        pair = next(found) if wanted[column] else None
        if size < 2:
            result.append(Spread(0, 0, 0, "one customer" if size else "nobody"))
        elif sd[column] <= rounding[column]:
            result.append(Spread(0, 0, 0, "all customers alike"))
        elif pair is not None:
            result.append(Spread(*pair, se, "bootstrap-t, 95%"))
        else:
            basis = "t, 95%" if size >= FEWEST else f"t, 95%, fewer than {FEWEST} customers"
            half = _student(size - 1)
            result.append(Spread(-half, half, se, basis))
    return result


def _t_quantiles(
    centred: Floats, known: NDArray[np.bool_], sd: Floats, replicates: int, random: np.random.Generator
) -> list[tuple[float, float] | None]:
    """The 2.5% and 97.5% quantile of t per column, None where too many replicates have no spread."""
    n, m = centred.shape
    if m == 0:
        return []
    complete = bool(known.all())
    parts = []
    for weights in resampling_weights(n, replicates, random):
        size = np.full((len(weights), 1), float(n)) if complete else weights @ known.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = weights @ centred / size
            variance = (weights @ centred**2 - size * shift**2) / (size - 1)
            se = np.sqrt(np.where(variance > 1e-20 * sd**2, variance, np.nan) / size)
            parts.append(shift / se)
    t = np.concatenate(parts)
    result: list[tuple[float, float] | None] = []
    for column in range(m):
        usable = np.sort(t[np.isfinite(t[:, column]), column])
        if len(usable) < 0.99 * replicates:
            result.append(None)
        else:
            result.append((_order_statistic(usable, 0.025), _order_statistic(usable, 0.975)))
    return result


def _order_statistic(ordered: Floats, q: float) -> float:
    """The ceil(q (B + 1))-th smallest of B values."""
    return float(ordered[min(len(ordered), math.ceil(q * (len(ordered) + 1))) - 1])


def _student(degrees: int) -> float:
    """97.5% quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))


def resampled(x: Floats, statistic: Callable[[Floats], Floats], replicates: int, random: np.random.Generator) -> Floats:
    """``statistic`` of resampled column means, (replicates, ...): ``statistic`` takes means (b, m).

    More than 20,000 rows: the means are drawn from their joint normal distribution instead.
    """
    n, m = x.shape
    if n > MOST_RESAMPLED:
        mean = x.mean(axis=0)
        factor = np.linalg.svd((x - mean) / n, full_matrices=False)
        root = factor.S[:, None] * factor.Vh
        return statistic(mean + random.standard_normal((replicates, m)) @ root)
    return np.concatenate([statistic(weights @ x / n) for weights in resampling_weights(n, replicates, random)])


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
    from scipy.stats import binom

    n = len(ordered)
    rank = max(1, int(binom.ppf(0.025, n, 0.5)))
    return float(ordered[rank - 1]), float(ordered[n - rank])


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
