"""How different a group is from all other customers: Cliff's delta for numbers, phi and lift for levels.

Labels are taken as given; the intervals say how far the sample may be off, not how far another clustering may be.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate
from personas.profiles.intervals import OTHER_REPLICATES, Z95, percentile_interval

Floats = NDArray[np.float64]


def cliffs_delta(group: Floats, rest: Floats) -> Estimate | None:
    """P(group > rest) - P(group < rest), -1 to 1, ties count zero; None when a side has no known value.

    O(n log n) by ranks. The interval is Feng and Cliff's (2004): consistent variance, asymmetric, inside -1 to 1.
    """
    x, y = np.sort(group[np.isfinite(group)]), np.sort(rest[np.isfinite(rest)])
    n, m = len(x), len(y)
    if n == 0 or m == 0:
        return None
    below, upto = np.searchsorted(y, x, "left"), np.searchsorted(y, x, "right")
    of_x = (below - (m - upto)) / m
    of_y = ((n - np.searchsorted(x, y, "right")) - np.searchsorted(x, y, "left")) / n
    ties = int((upto - below).sum())
    delta = int((below - (m - upto)).sum()) / (n * m)
    if n < 2 or m < 2:
        return Estimate(delta, -1.0, 1.0, "Cliff's delta", n, "too few for an interval")
    cells = n * m - ties - n * m * delta**2
    spread = m * m * float(((of_x - delta) ** 2).sum()) + n * n * float(((of_y - delta) ** 2).sum()) - cells
    floor = (1 - delta**2) / (n * m - 1)
    variance = max(spread / (n * m * (n - 1) * (m - 1)), floor, 0.0)
    low, high = _asymmetric(delta, variance)
    return Estimate(delta, low, high, "Cliff's delta", n, "asymptotic, 95%")


def _asymmetric(delta: float, variance: float) -> tuple[float, float]:
    """Feng and Cliff's interval, cut to -1 to 1 and around delta."""
    if abs(delta) >= 1:
        return delta, delta
    z2v = Z95**2 * variance
    centre = delta - delta**3
    half = Z95 * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + z2v)
    bottom = 1 - delta**2 + z2v
    return max(-1.0, min(delta, (centre - half) / bottom)), min(1.0, max(delta, (centre + half) / bottom))


def phi_of(hits: Floats, size: Floats, rest_hits: Floats, rest_size: Floats) -> Floats:
    """Correlation of "is in the group" and "has the level"; 0 where either does not vary. Arrays broadcast."""
    a, b = hits, size - hits
    c, d = rest_hits, rest_size - rest_hits
    bottom = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    result: Floats = np.divide(a * d - b * c, bottom, out=np.zeros_like(bottom), where=bottom > 0)
    return result


def phi(hits: int, size: int, rest_hits: int, rest_size: int, random: np.random.Generator) -> Estimate:
    """Phi of a level against all other customers whose level is known, -1 to 1, with a bootstrap interval.

    ``hits`` of ``size`` in the group and ``rest_hits`` of ``rest_size`` outside carry the level.
    """
    cells = np.array([hits, size - hits, rest_hits, rest_size - rest_hits], dtype=np.float64)
    n = int(cells.sum())
    value = float(phi_of(*(np.array([v], dtype=np.float64) for v in (hits, size, rest_hits, rest_size)))[0])
    if n == 0:
        return Estimate(0.0, -1.0, 1.0, "phi", 0, "nobody")
    draws = random.multinomial(n, cells / n, size=OTHER_REPLICATES).astype(np.float64)
    low, high = percentile_interval(
        phi_of(draws[:, 0], draws[:, 0] + draws[:, 1], draws[:, 2], draws[:, 2] + draws[:, 3])
    )
    return Estimate(value, min(low, value), max(high, value), "phi", size, "bootstrap, 95%")


def lift(share: float, rest_share: float) -> float | None:
    """How many times as common a level is in the group as outside; None when nobody outside carries it.

    >>> lift(0.5, 0.25)
    2.0
    """
    return share / rest_share if rest_share > 0 else None
