"""Gap or gradient: is there a valley between two neighbouring segments, or only our cut (method.md 6)?

In two points this departs from method.md, both measured on planted groups and on structureless data. The members of two
segments are laid along the line on which they differ most *for their own spread*, column by column, rather than along
the line between the centroids: a column's scale must not decide whether there is a valley. And dips are held against
those of structureless data at the same number of customers (times its square root, as in the p-value).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.dip import TIED, dip, dip_p_value
from personas.segmentation.lloyd import squared_distances
from personas.segmentation.margins import has_lattice
from personas.segmentation.records import Border, Candidate, Floats
from personas.segmentation.streams import Step, generator

ADJACENT = 0.10
LEAST_CUSTOMERS = 60
LEVEL = 0.01
NULL_QUANTILE = 0.95
NULL_SETS = 39
LEAST_SPREAD = 1e-6
"""Share of a column's variance that two segments are taken to have at least, where they have none."""


def find_borders(
    Z: Floats, centroids: Floats, null_dips: Floats, seed: int, one_hot: Sequence[int] = ()
) -> tuple[Border, ...]:
    """Every pair of neighbouring segments with its kind.

    Parameters
    ----------
    Z : (n', d)
    centroids : (k, d) of the reference solution.
    null_dips : dips of the borders in structureless data at the same k, for one customer (``structureless_dips``). Two
        k-means cells touch in a facet narrower than their middles, which looks like a valley and is found in
        structureless data too.
    one_hot : columns of the one-hot blocks.
    """
    bound = null_bound(null_dips)
    random = generator(seed, Step.JITTER, len(centroids), 0)
    measured = _measure(Z, spread_lattices(Z, seed, 0), centroids, random, one_hot)
    p_values = {
        (border.first, border.second): dip_p_value(border.dip, border.customers)
        for border in measured
        if border.dip is not None
    }
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    borders = []
    for border in measured:
        pair = (border.first, border.second)
        if border.dip is None:
            borders.append(border)
            continue
        here = bound / float(np.sqrt(border.customers))
        kind = "gap" if is_gap(border.dip, p_values[pair], here) else "gradient"
        shown = here if np.isfinite(here) else None
        borders.append(Border(*pair, kind, border.customers, border.dip, p_values[pair], shown, adjusted[pair]))
    return tuple(borders)


def is_gap(found: float, p_value: float, bound: float) -> bool:
    """A valley: unlikely in one uniform hump, and deeper than 95% of the borders in structureless data."""
    return p_value <= LEVEL and found > bound


def structureless_dips(
    sets: Sequence[Floats], centroids: Mapping[int, Sequence[Floats]], seed: int, one_hot: Sequence[int] = ()
) -> dict[int, Floats]:
    """For each k the dips of all borders of structureless rows: ``centroids[k][b]`` are those of ``sets[b]``.

    Each dip is multiplied by the square root of its customers. Borders of structureless data are of other sizes than
    ours, small ones have large dips by chance alone, and one bound for all of them hid gaps of large segments. The
    first 39 sets are enough for a 95% quantile, because each has several borders.
    """
    found: dict[int, list[float]] = {k: [] for k in centroids}
    for b, rows in enumerate(sets[:NULL_SETS]):
        spread = spread_lattices(rows, seed, b + 1)
        for k, fits in centroids.items():
            random = generator(seed, Step.JITTER, k, b + 1)
            measured = _measure(rows, spread, fits[b], random, one_hot)
            found[k] += [x.dip * float(np.sqrt(x.customers)) for x in measured if x.dip is not None]
    return {k: np.array(values) for k, values in found.items()}


def spread_lattices(Z: Floats, seed: int, replicate: int) -> Floats:
    """Z with the steps of its lattice columns spread, once per set of rows; replicate 0 are our own rows."""
    random = generator(seed, Step.JITTER, 0, replicate)
    return np.column_stack([jittered(column, random) if has_lattice(column) else column for column in Z.T])


def with_borders(candidate: Candidate, borders: Sequence[Border]) -> Candidate:
    """The candidate with its borders counted."""
    kinds = [border.kind for border in borders]
    tested = kinds.count("gap") + kinds.count("gradient")
    return replace(
        candidate,
        borders_tested=tested,
        borders_gap=kinds.count("gap"),
        borders_untested=len(kinds) - tested,
        natural_groups=natural_groups(candidate.k, borders),
    )


def _measure(
    Z: Floats, spread: Floats, centroids: Floats, random: np.random.Generator, one_hot: Sequence[int]
) -> list[Border]:
    """Neighbouring pairs with the dip of their members along the line on which they differ; not yet judged."""
    squares = squared_distances(Z, centroids)
    variance = spread.var(axis=0)
    ranks = np.argsort(squares, axis=1, kind="stable")
    own, second = ranks[:, 0], ranks[:, 1]
    found = []
    for g in range(len(centroids)):
        for h in range(g + 1, len(centroids)):
            if not _adjacent(own, second, g, h):
                continue
            members = (own == g) | (own == h)
            difference = centroids[h] - centroids[g]
            direction = direction_between(difference, (spread[own == g], spread[own == h]), variance)
            apart = difference * direction
            if members.sum() < LEAST_CUSTOMERS or apart.sum() == 0:
                found.append(Border(g, h, "untested", int(members.sum())))
            elif apart[list(one_hot)].sum() > apart.sum() / 2:
                found.append(Border(g, h, "categorical", int(members.sum())))
            else:
                line = spread_ties(spread[members] @ direction, random)
                found.append(Border(g, h, "measured", int(members.sum()), dip(line)))
    return found


def direction_between(difference: Floats, pair: tuple[Floats, Floats], variance: Floats) -> Floats:
    """(d,) the difference of two centroids, each column over its variance inside the two segments.

    So the line, and with it the dip, does not depend on how the columns were scaled. Correlations inside the segments
    are left out: of few customers in many columns they make a valley, or hide one, by chance. ``variance`` (d,) of the
    columns among everybody keeps a column that is constant in both segments finite.
    """
    inside = sum(len(rows) * rows.var(axis=0) for rows in pair if len(rows)) / sum(len(rows) for rows in pair)
    spread = np.maximum(inside, LEAST_SPREAD * variance)
    direction: Floats = np.divide(difference, spread, out=np.zeros_like(difference), where=spread > 0)
    return direction


def _adjacent(own: NDArray[np.int64], second: NDArray[np.int64], g: int, h: int) -> bool:
    """Whether a tenth of the members of either have the other as their second nearest segment."""
    shares = [(second[own == a] == b).mean() if (own == a).any() else 0.0 for a, b in ((g, h), (h, g))]
    return bool(max(shares) >= ADJACENT)


def jittered(column: Floats, random: np.random.Generator) -> Floats:
    """Lattice values spread evenly over the way to the middle of their neighbours, so that steps are no valleys."""
    values = np.unique(column)
    if len(values) < 2:
        return column
    gaps = np.diff(values)
    below = np.concatenate(([gaps[0]], gaps)) / 2
    above = np.concatenate((gaps, [gaps[-1]])) / 2
    place = np.searchsorted(values, column)
    spread: Floats = column - below[place] + random.random(len(column)) * (below + above)[place]
    return spread


def spread_ties(values: Floats, random: np.random.Generator) -> Floats:
    """The values with ties broken by noise as wide as the smallest gap.

    Values that differ in their last digits only are ties that arithmetic has parted: they are no gap.
    """
    gaps = np.diff(np.sort(values))
    apart = gaps > TIED * np.ptp(values)
    if apart.all() or not apart.any():
        return values
    noise: Floats = values + (random.random(len(values)) - 0.5) * gaps[apart].min()
    return noise


def null_bound(dips: Floats) -> float:
    """The ceil(0.95 (M + 1))-th smallest of M dips, or the largest; infinite without any."""
    if len(dips) == 0:
        return float("inf")
    rank = int(np.ceil(NULL_QUANTILE * (len(dips) + 1)))
    return float(np.sort(dips)[min(rank, len(dips)) - 1])


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's method, in the given order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.zeros(len(p_values))
    running = 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return [float(p) for p in adjusted]


def natural_groups(k: int, borders: Sequence[Border]) -> int:
    """How many groups remain when every border that is no gap is opened: connected components of the segments."""
    group = list(range(k))
    for border in borders:
        if border.kind != "gap":
            old, new = group[border.second], group[border.first]
            group = [new if g == old else g for g in group]
    return len(set(group))
