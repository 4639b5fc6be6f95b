"""One column without its clusters: the same atoms, tails and spread, but a single mode (method.md 4.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personas.segmentation.records import Floats

ATOM_SHARE = 0.03
LATTICE_SHARE = 0.2
LEAST_CONTINUOUS, LEAST_DISTINCT, MOST_BINS, ROWS_PER_BIN = 30, 10, 60, 5


@dataclass(frozen=True, slots=True)
class Margin:
    """A quantile function through the points (``shares``, ``values``), snapped to ``lattice`` when there is one."""

    shares: Floats
    values: Floats
    lattice: Floats | None

    def quantile(self, share: Floats) -> Floats:
        """Values at shares 0 to 1, of the same shape."""
        found: Floats = np.interp(share, self.shares, self.values)
        if self.lattice is None:
            return found
        middles = (self.lattice[1:] + self.lattice[:-1]) / 2
        return self.lattice[np.searchsorted(middles, found)]


def has_lattice(column: Floats) -> bool:
    """Whether fewer than a fifth of the values are different: counts, ratings, indicators."""
    return len(np.unique(column)) < LATTICE_SHARE * len(column)


def fit_margin(column: Floats) -> Margin:
    """The closest distribution with one mode outside its atoms (values that more than 3% of the rows share)."""
    values, counts = np.unique(column, return_counts=True)
    shares = counts / len(column)
    lattice = values if has_lattice(column) else None
    atoms = shares > ATOM_SHARE
    rest = np.sort(column[np.isin(column, values[~atoms])])
    if len(rest) < LEAST_CONTINUOUS or int((~atoms).sum()) < LEAST_DISTINCT:
        ends = np.cumsum(shares)
        # Every value is an atom: a step function with a point at both ends of each step.
        steps = np.column_stack((np.concatenate(([0.0], ends[:-1])), ends)).ravel()
        return Margin(steps, np.repeat(values, 2), lattice)
    points, places = _continuous(rest)
    return Margin(*_joined(points, places, values[atoms], shares[atoms]), lattice)


def _continuous(rest: Floats) -> tuple[Floats, Floats]:
    """Breakpoints (cumulative share, value) of the continuous part with one mode."""
    m = len(rest)
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, min(MOST_BINS, m // ROWS_PER_BIN) + 1)))
    masses = np.histogram(rest, bins=edges)[0] / m
    widths = np.diff(edges)
    masses = unimodal(masses / widths, widths, masses) * widths
    ends = np.concatenate(([0.0], np.cumsum(masses)))
    # Inside a bin the density is even; the first and last bin keep the spacing of the observed values, because an even
    # spread over a wide end bin would fatten the tail.
    head = rest[rest < edges[1]]
    tail = rest[rest >= edges[-2]]
    if len(edges) == 2:
        return np.linspace(0, 1, m), rest
    points = [np.linspace(0, ends[1], len(head) + 1), ends[2:-2], np.linspace(ends[-2], ends[-1], len(tail) + 1)]
    places = [np.append(head, edges[1]), edges[2:-2], np.concatenate(([edges[-2]], tail))]
    return np.concatenate(points), np.concatenate(places)


def unimodal(heights: Floats, widths: Floats, masses: Floats) -> Floats:
    """The histogram heights with one mode that are closest to ``heights`` (Kullback-Leibler), same total mass.

    For each place of the mode: isotonic regression up to it and antitonic after it, weighted by the widths.
    """
    from scipy.optimize import isotonic_regression

    best, best_score = heights, -np.inf
    for cut in range(len(heights) + 1):
        parts = []
        for part, rising in ((slice(0, cut), True), (slice(cut, None), False)):
            if len(heights[part]):
                parts.append(isotonic_regression(heights[part], weights=widths[part], increasing=rising).x)
        fitted = np.concatenate(parts)
        used = masses > 0
        score = float((masses[used] * np.log(fitted[used])).sum())
        if score > best_score:
            best, best_score = fitted, score
    return best


def _joined(points: Floats, places: Floats, atoms: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Breakpoints of the continuous part and the atoms together: each atom is a step of its own share."""
    q = 1.0 - float(shares.sum())
    before = np.concatenate(([0.0], np.cumsum(shares)))
    continuous = q * points + before[np.searchsorted(atoms, places)]
    starts = q * np.interp(atoms, places, points, left=0.0, right=1.0) + before[:-1]
    all_points = np.concatenate((continuous, starts, starts + shares))
    all_places = np.concatenate((places, atoms, atoms))
    order = np.lexsort((all_points, all_places))
    return np.maximum.accumulate(all_points[order]), all_places[order]
