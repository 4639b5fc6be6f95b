"""The border of the kernels: fixes types and layout, and picks the compiled loops or their twins in numpy.

``PERSONAS_COMPILE=0`` in the environment switches compiling off; so does a numba that cannot be imported.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, Blocks, Bounds, Tiles

TIE = 1e-9
"""Squared distances that differ by less than this share of their mean count as equal; the lower number wins."""
CHUNK = 65_536


def compiled() -> bool:
    """Whether the compiled kernels are used."""
    return _modules()[0].__name__ != "personas.segmentation.twins"


def compiled_before() -> bool:
    """Whether the kernels lie ready in a cache folder, or are not needed: then nobody has to wait for them."""
    if not compiled():
        return True
    return all(any(Path(module.LAST.stats.cache_path).glob(f"{name}.*.nbi")) for name, module in _named())


def _named() -> list[tuple[str, ModuleType]]:
    return [(module.__name__.rpartition(".")[2], module) for module in _modules()]


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


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows ready for the kernels, less their weighted mean ``centre``.

    ``squares`` is the weighted sum of squared norms, ``variance`` the mean over the columns.
    """

    blocks: Blocks
    weights: Tiles
    centre: Floats
    squares: float
    variance: float


def pack(X: Floats, weights: Floats | None = None) -> Packed:
    """Rows of X (n, d) as blocks, with weights (n,) or 1 each."""
    n, d = X.shape
    total = float(n) if weights is None else float(weights.sum())
    centre = X.mean(axis=0) if weights is None else (weights @ X) / total
    blocks = packed_blocks(X, centre)
    padded = np.zeros(len(blocks) * ROWS, dtype=np.float32)
    padded[:n] = 1.0 if weights is None else weights
    spread = 0.0
    for first in range(0, n, CHUNK):
        part = (X[first : first + CHUNK] - centre) ** 2
        spread += float(part.sum() if weights is None else (weights[first : first + CHUNK] @ part).sum())
    return Packed(blocks, padded.reshape(-1, ROWS), centre, spread, spread / total / d)


def packed_blocks(X: Floats, centre: Floats) -> Blocks:
    """Rows of X less ``centre`` as blocks; the last one is filled up with zeros."""
    n, d = X.shape
    blocks = np.zeros((-(-n // ROWS), d, ROWS), dtype=np.float32)
    _modules()[0].pack(np.ascontiguousarray(X, dtype=np.float64), centre, blocks)
    return blocks


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


def nearest(X: Floats, centroids: Floats) -> tuple[Labels, float]:
    """(n,) number of the nearest centroid, and the sum of squared distances to them.

    >>> nearest(np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0]]))[0].tolist()
    [0, 0, 1]
    """
    labels, total = np.empty(len(X), dtype=np.int32), 0.0
    points = np.ascontiguousarray(centroids, dtype=np.float64)
    for first in range(0, len(X), CHUNK):
        part = np.ascontiguousarray(X[first : first + CHUNK], dtype=np.float64)
        total += _modules()[1].nearest(part, points, TIE, labels[first : first + CHUNK])
    return labels, float(total)


def group_sums(X: Floats, labels: Labels, k: int, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Weighted sums (k, d) and weights (k,) of the groups."""
    sums, counts = np.zeros((k, X.shape[1])), np.zeros(k)
    none = np.empty(0)
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        part = np.ascontiguousarray(X[piece], dtype=np.float64)
        weight = none if weights is None else np.ascontiguousarray(weights[piece], dtype=np.float64)
        more, heads = _modules()[1].group_sums(part, np.ascontiguousarray(labels[piece], dtype=np.int32), weight, k)
        sums += more
        counts += heads
    return sums, counts


def squared_silhouettes(X: Floats, labels: Labels) -> Floats:
    """(n,) silhouettes with squared distances."""
    k = int(labels.max()) + 1
    whole = np.ascontiguousarray(labels, dtype=np.int32)
    sums, counts = group_sums(X, whole, k)
    means = sums / np.maximum(counts, 1.0)[:, None]
    spread, values = np.zeros(k), np.empty(len(X))
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        away = ((X[piece] - means[whole[piece]]) ** 2).sum(axis=1)
        spread += np.bincount(whole[piece], weights=away, minlength=k)
    spread /= np.maximum(counts, 1.0)
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        part = np.ascontiguousarray(X[piece], dtype=np.float64)
        _modules()[1].squared(part, whole[piece], means, spread, counts, values[piece])
    return values


def cell_sums(queries: Blocks, rows: Tiles, bounds: Bounds) -> Floats:
    """(cells, b * 256) sums of the distances from the rows of ``queries`` to the rows of each cell."""
    sums = np.empty((len(bounds) - 1, len(queries) * ROWS))
    _modules()[1].cell_sums(queries, rows, bounds, sums)
    return sums
