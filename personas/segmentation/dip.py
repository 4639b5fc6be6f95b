"""The dip statistic: how far a sample is from having one mode. Written from Hartigan and Hartigan 1985."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats

TABLE_SIZES = (10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000)
TABLE_SHARES = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985,
    0.99, 0.9925, 0.995, 0.9975, 0.999, 0.9995,
)  # fmt: skip
TABLE_DRAWS = 20_000
TIED, CLOSE = 1e-13, 1e-9
"""Neighbours nearer than the first share of the range are ties; all ties together are spread over the second."""
TABLE_SEED = 19850301
"""The shipped table is ``{n: simulate_quantiles(n, TABLE_DRAWS)}`` over TABLE_SIZES (5,000 draws at the largest)."""


def dip(values: Floats) -> float:
    """Largest distance between the empirical distribution and the nearest one with a single mode.

    Parameters
    ----------
    values : (n,) numbers
        Ties are best broken before (``borders.spread_ties``). What is left of them, or comes back by rounding when
        rows are projected, is taken as values close together; elsewhere equal values are counted by another convention.

    Returns
    -------
    float
        Between 1/(2n) and 1/4; n <= 3 or all values equal gives 1/(2n).
    """
    x = np.sort(np.asarray(values, dtype=np.float64))
    n = len(x)
    if n <= 3 or x[0] == x[-1]:
        return 1.0 / (2 * max(1, n))
    x = _apart(x)
    low, high, best = 0, n - 1, 1.0
    below, above = np.arange(n, dtype=np.float64), np.arange(1, n + 1, dtype=np.float64)
    while True:
        minorant = _hull(x[low : high + 1], below[low : high + 1], lower=True) + low
        majorant = _hull(x[low : high + 1], above[low : high + 1], lower=False) + low
        # The gap between the two hulls, at the corners of each (in counts).
        gaps_minor = np.interp(x[minorant], x[majorant], above[majorant]) - below[minorant]
        gaps_major = above[majorant] - np.interp(x[majorant], x[minorant], below[minorant])
        widest = max(float(gaps_minor.max()), float(gaps_major.max()))
        if float(gaps_minor.max()) > float(gaps_major.max()):
            left = int(minorant[int(np.argmax(gaps_minor))])
            right = int(majorant[np.searchsorted(majorant, left)])
        else:
            right = int(majorant[int(np.argmax(gaps_major))])
            left = int(minorant[np.searchsorted(minorant, right, side="right") - 1])
        if widest <= best:
            break
        best = max(best, _outside(x, above, minorant, low, left, below, +1))
        best = max(best, _outside(x, below, majorant, right, high, above, -1))
        if (left, right) == (low, high):
            break
        low, high = left, right
    return best / (2 * n)


def _apart(x: Floats) -> Floats:
    """Sorted values without ties: each is moved by its rank, together a billionth of the range. Distinct ones stay.

    Between equal values the hulls have no slope and no value, and an atom would count as a valley of its own size.
    """
    width = x[-1] - x[0]
    if np.diff(x).min() > TIED * width:
        return x
    tilted: Floats = (x - x[0]) / width + np.linspace(0.0, CLOSE, len(x))
    return tilted


def _outside(
    x: Floats, points: Floats, knots: NDArray[np.int64], first: int, last: int, hull: Floats, sign: int
) -> float:
    """Largest distance between the empirical distribution and a hull on the rows ``first`` to ``last``."""
    part = slice(first, last + 1)
    fitted = np.interp(x[part], x[knots], hull[knots])
    return float((sign * (points[part] - fitted)).max())


def _hull(x: Floats, y: Floats, *, lower: bool) -> NDArray[np.int64]:
    """Corners of the greatest convex minorant (``lower``) or the least concave majorant of points with rising x.

    The slopes of the minorant are the isotonic regression of the slopes between neighbours, weighted by their width.
    """
    from scipy.optimize import isotonic_regression

    if len(x) < 3:
        return np.arange(len(x), dtype=np.int64)
    widths = np.diff(x)
    return np.asarray(isotonic_regression(np.diff(y) / widths, weights=widths, increasing=lower).blocks, dtype=np.int64)


def dip_p_value(statistic: float, n: int) -> float:
    """Share of uniform samples of size n whose dip is larger, from the shipped table.

    Linear in sqrt(n) between sizes and in the quantile within a size; beyond the largest size its row is used. The
    smallest value is 0.0005, the resolution of the table.
    """
    sizes, shares, quantiles = _table()
    value = np.sqrt(n) * statistic
    at = [np.interp(value, row, shares, left=0.0, right=float(shares[-1])) for row in quantiles]
    return float(1.0 - np.interp(np.sqrt(n), np.sqrt(sizes), at))


def simulate_quantiles(n: int, draws: int) -> list[float]:
    """Quantiles of sqrt(n) * dip of uniform samples of size n: one row of the shipped table."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(TABLE_SEED, spawn_key=(n,))))
    values = [np.sqrt(n) * dip(random.random(n)) for _ in range(draws)]
    return [round(float(value), 6) for value in np.quantile(values, TABLE_SHARES)]


@cache
def _table() -> tuple[Floats, Floats, Floats]:
    """Sizes, shares and (sizes, shares) quantiles of the shipped table."""
    text = resources.files("personas.segmentation").joinpath("dip_table.json").read_text(encoding="utf-8")
    rows = {int(n): row for n, row in json.loads(text).items()}
    return np.array(list(rows), dtype=np.float64), np.array(TABLE_SHARES), np.array(list(rows.values()))
