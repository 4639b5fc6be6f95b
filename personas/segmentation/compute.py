"""The border of the kernels: fixes types and layout, and picks the compiled loops or their twins in numpy.

``PERSONAS_COMPILE=0`` in the environment switches compiling off; so does a numba that cannot be imported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.ordered import Rows
from personas.segmentation.records import Floats, Labels
from personas.segmentation.threads import spread
from personas.segmentation.tiles import ROWS, Blocks, Bounds, Small, Tiles

TIE = 1e-9
"""Squared distances that differ by less than this share of their mean count as equal; the lower number wins."""
CHUNK = 65_536
PIECE = 16_384
"""Rows that a thread works on at once: they stay in the second cache."""


def compiled() -> bool:
    """Whether the compiled kernels are used."""
    return _modules()[0].__name__ != "personas.segmentation.twins"


def lies_ready() -> bool:
    """Whether nobody has to wait for compiling: the kernels lie in a cache folder, or are switched off."""
    if not compiled():
        return True
    from personas.segmentation import compiling

    passes_over_blocks, loops_over_rows = _modules()
    return compiling.lies_ready(passes_over_blocks.starts) and compiling.lies_ready(loops_over_rows.cell_sums)


@cache
def _modules() -> tuple[ModuleType, ModuleType]:
    """What holds the passes over blocks, and what holds the loops over rows."""
    if os.environ.get("PERSONAS_COMPILE", "1") != "0":
        try:
            from personas.segmentation import kernels, kernels_rows

            return kernels, kernels_rows
        except ImportError:  # numba has no build for this Python or machine
            pass
    from personas.segmentation import twins

    return twins, twins


@cache
def _exchange_module() -> ModuleType:
    """What holds the exchanges of centroids."""
    if compiled():
        from personas.segmentation import kernels_exchange

        return kernels_exchange
    from personas.segmentation import twins_exchange

    return twins_exchange


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows ready for the kernels, less ``centre``.

    ``squares`` is the weighted sum of squared norms, ``variance`` the mean over the columns.
    """

    blocks: Blocks
    weights: Tiles
    centre: Floats
    squares: float
    variance: float

    def rows(self) -> Floats:
        """(n, d) as they were, but for the rounding of float32."""
        rows = self.blocks.transpose(0, 2, 1).reshape(-1, self.blocks.shape[1])
        return rows[self.weights.ravel() > 0] + self.centre


def pack(X: Floats, weights: Floats | None = None, centre: Floats | None = None) -> Packed:
    """Rows of X (n, d) as blocks, with weights (n,) or 1 each, less ``centre`` or their mean."""
    n, d = X.shape
    total = float(n) if weights is None else float(weights.sum())
    if centre is None:
        centre = X.mean(axis=0) if weights is None else (weights @ X) / total
    padded = np.zeros(-(-n // ROWS) * ROWS, dtype=np.float32)
    padded[:n] = 1.0 if weights is None else weights
    blocks, squares = _filled(X, centre, padded.reshape(-1, ROWS))
    return Packed(blocks, padded.reshape(-1, ROWS), centre, squares, squares / total / d)


def packed_blocks(X: Floats, centre: Floats) -> Blocks:
    """Rows of X less ``centre`` as blocks; the last one is filled up with zeros."""
    return _filled(X, centre, np.zeros((-(-len(X) // ROWS), ROWS), dtype=np.float32))[0]


def _filled(X: Floats, centre: Floats, weights: Tiles) -> tuple[Blocks, float]:
    blocks, squares = np.zeros((len(weights), X.shape[1], ROWS), dtype=np.float32), 0.0
    for first in range(0, len(X), CHUNK):
        part = np.ascontiguousarray(X[first : first + CHUNK], dtype=np.float64)
        squares += _modules()[0].pack(part, centre, first, weights, blocks)
    return blocks, float(squares)


def tries(k: int) -> int:
    """Rows among which greedy k-means++ picks each further centroid (Arthur and Vassilvitskii 2007)."""
    return 2 + int(np.log(k))


def starts(packed: Packed, k: int, uniforms: Floats, most: int, tolerance: float) -> tuple[Floats, Floats]:
    """Inertia (R,) and centroids (R, k, d) of R starts; ``tolerance`` is in mean variances of a column."""
    inertias, centroids = _modules()[0].starts(
        packed.blocks, packed.weights, packed.squares, uniforms, k, most, tolerance * packed.variance
    )
    return inertias, centroids + packed.centre


def passes(packed: Packed, centroids: Floats, most: int, tolerance: float = 0.0) -> tuple[float, Floats]:
    """Inertia and centroids after at most ``most`` Lloyd passes from ``centroids``."""
    start = np.ascontiguousarray(centroids - packed.centre, dtype=np.float64)
    found, inertia, _ = _modules()[0].passes(
        packed.blocks, packed.weights, packed.squares, start, most, tolerance * packed.variance
    )
    return float(inertia), found + packed.centre


def exchanges(
    packed: Packed, centroids: Floats, uniforms: Floats, most: int, tolerance: float
) -> tuple[float, Floats]:
    """Inertia and centroids after exchanges of centroids and at most ``most`` Lloyd passes."""
    found, inertia = _exchange_module().exchanges(
        packed.blocks, packed.weights, packed.squares, numbers(centroids - packed.centre), uniforms, most,
        tolerance * packed.variance,
    )  # fmt: skip
    return float(inertia), found + packed.centre


def sweep(
    packed: Packed, centroids: Sequence[Floats], fresh: bool, labels: Small
) -> tuple[int, list[Floats], list[Floats]]:
    """One Lloyd pass for several models at once: how many labels (m, b, 256) changed, sums (k, d) of the rows less the
    centre and weights (k,) of the groups of each model when all is ``fresh``, else what came to them.
    """
    together, ends = _side_by_side(centroids)
    sums, counts = np.zeros_like(together), np.zeros(len(together))
    changed = _modules()[0].sweep(
        packed.blocks, packed.weights, together - packed.centre, ends, fresh, labels, sums, counts
    )
    return int(changed), np.split(sums, ends[1:-1]), np.split(counts, ends[1:-1])


def _side_by_side(models: Sequence[Floats]) -> tuple[Floats, Bounds]:
    """What several models have, one after the other, and where each begins."""
    ends = np.concatenate(([0], np.cumsum([len(model) for model in models]))).astype(np.int64)
    return np.concatenate(models).astype(np.float64, copy=False), ends


def nearest(X: Rows, centroids: Floats) -> tuple[Labels, Floats, float]:
    """(n,) number of the nearest centroid, (n,) squared distance to it, and the sum of these.

    >>> labels, gaps, total = nearest(np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [2.0]]))
    >>> labels.tolist(), gaps.tolist(), total
    ([0, 0, 1], [0.0, 1.0, 1.0], 2.0)
    """
    labels, gaps, total = np.empty(len(X), dtype=np.int32), np.empty(len(X)), 0.0
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        own, away = nearest_of_all(X[piece], [centroids])
        labels[piece], gaps[piece] = own[0], away[0]
        total += float(away[0].sum())
    return labels, gaps, total


def nearest_of_all(X: Floats, models: Sequence[Floats]) -> tuple[Labels, Floats]:
    """(m, n) number of the nearest centroid under each model, and (m, n) squared distance to it."""
    points, ends = _side_by_side(models)
    labels, gaps = np.empty((len(models), len(X)), dtype=np.int32), np.empty((len(models), len(X)))
    _modules()[1].nearest(numbers(X), points, ends, points.mean(axis=0), TIE, labels, gaps)
    return labels, gaps


def numbers(X: Floats) -> Floats:
    """X as the kernels want it: what may not be written is another type for the compiler."""
    return np.require(X, np.float64, ["C", "W"])


def group_sums(
    X: Floats, labels: Labels, k: int, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Of each group the weighted sum (k, d) of the rows and the weight (k,)."""
    sums, counts, squares = np.zeros((k, X.shape[1])), np.zeros(k), np.zeros(k)
    ends, none, middle = np.array([0, k], dtype=np.int64), np.empty(0), np.zeros(X.shape[1])
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        weight = none if weights is None else numbers(weights[piece])
        own = np.require(labels[piece], np.int32, ["C", "W"])[None]
        _modules()[1].group_sums(numbers(X[piece]), own, ends, weight, middle, sums, counts, squares)
    return sums, counts


@dataclass(frozen=True, slots=True)
class Groups:
    """Of the groups of several labelings, side by side as ``ends`` says: weights, means, and mean squared distances of
    the rows to their mean.
    """

    ends: Bounds
    counts: Floats
    means: Floats
    spread: Floats


def groups_of(X: Rows, labelings: Sequence[Labels]) -> Groups:
    """Of each group of each labeling of the rows of X, in one pass over the rows."""
    ends = np.concatenate(([0], np.cumsum([int(labels.max()) + 1 for labels in labelings]))).astype(np.int64)
    pivot = X[:CHUNK].mean(axis=0)

    def of(piece: slice) -> tuple[Floats, Floats, Floats]:
        sums, counts, squares = np.zeros((ends[-1], X.shape[1])), np.zeros(ends[-1]), np.zeros(ends[-1])
        own = _labels(labelings, piece)
        _modules()[1].group_sums(numbers(X[piece]), own, ends, np.empty(0), pivot, sums, counts, squares)
        return sums, counts, squares

    parts = spread(of, pieces(len(X)))
    sums, counts, squares = next(parts)
    for part in parts:
        for total, more in zip((sums, counts, squares), part, strict=True):
            total += more
    means = sums / np.maximum(counts, 1.0)[:, None]
    within = np.maximum(squares / np.maximum(counts, 1.0) - (means**2).sum(axis=1), 0.0)
    return Groups(ends, counts, means + pivot, within)


def pieces(n: int) -> list[slice]:
    """Rows that are worked on at once: always the same ones, whatever the number of threads."""
    return [slice(first, first + PIECE) for first in range(0, n, PIECE)]


def _labels(labelings: Sequence[Labels], piece: slice) -> Labels:
    return np.array([labels[piece] for labels in labelings], dtype=np.int32)


def squared_silhouettes(X: Rows, labelings: Sequence[Labels], groups: Groups, piece: slice) -> Floats:
    """(m, rows of the piece) silhouettes with squared distances under each labeling of the rows of X."""
    own = _labels(labelings, piece)
    values = np.empty(own.shape)
    _modules()[1].squared(numbers(X[piece]), own, groups.ends, groups.means, groups.spread, groups.counts, values)
    return values


def cell_sums(queries: Blocks, rows: Tiles, bounds: Bounds) -> Floats:
    """(cells, b * 256) sums of the distances from the rows of ``queries`` to the rows of each cell."""
    sums = np.empty((len(bounds) - 1, len(queries) * ROWS))
    _modules()[1].cell_sums(queries, rows, bounds, sums)
    return sums


def segment_sums(pieces: Floats, segments: NDArray[np.int64], weights: Floats, count: int) -> Floats:
    """(count, q) sums over segments from those over pieces (p, q), each part of some ``segments`` (p, m)."""
    sums = np.zeros((count, pieces.shape[1]))
    _modules()[1].segment_sums(numbers(pieces), np.require(segments, np.int64, ["C", "W"]), numbers(weights), sums)
    return sums
