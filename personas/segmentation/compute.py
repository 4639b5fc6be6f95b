"""The border of the kernels: fixes types and layout, and picks the compiled loops or their twins in numpy.

``PERSONAS_COMPILE=0`` in the environment switches compiling off; so does a numba that cannot be imported.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
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
def _mixture_module() -> ModuleType:
    """What holds the passes of a mixture; loaded when the first one is fitted."""
    if not compiled():
        return _modules()[0]
    from personas.segmentation import kernels_mixture

    return kernels_mixture


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


def nearest(X: Floats, centroids: Floats) -> tuple[Labels, Floats, float]:
    """(n,) number of the nearest centroid, (n,) squared distance to it, and the sum of these.

    >>> labels, gaps, total = nearest(np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [2.0]]))
    >>> labels.tolist(), gaps.tolist(), total
    ([0, 0, 1], [0.0, 1.0, 1.0], 2.0)
    """
    labels, gaps, total = np.empty(len(X), dtype=np.int32), np.empty(len(X)), 0.0
    points = np.array(centroids, dtype=np.float64, order="C")  # a copy: arrays that may not be written are another type
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        part = np.require(X[piece], np.float64, ["C", "W"])
        total += _modules()[1].nearest(part, points, TIE, labels[piece], gaps[piece])
    return labels, gaps, float(total)


def group_sums(
    X: Floats, labels: Labels, k: int, weights: Floats | None = None, pivot: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Of each group the weighted sum (k, d) of the rows less ``pivot``, the weight (k,), the squared norms (k,)."""
    d = X.shape[1]
    sums, counts, squares = np.zeros((k, d)), np.zeros(k), np.zeros(k)
    none, middle = np.empty(0), np.zeros(d) if pivot is None else pivot
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        part = np.ascontiguousarray(X[piece], dtype=np.float64)
        weight = none if weights is None else np.ascontiguousarray(weights[piece], dtype=np.float64)
        own = np.ascontiguousarray(labels[piece], dtype=np.int32)
        more = _modules()[1].group_sums(part, own, weight, middle, k)
        for total, part_of_it in zip((sums, counts, squares), more, strict=True):
            total += part_of_it
    return sums, counts, squares


def squared_silhouettes(X: Floats, labels: Labels) -> Floats:
    """(n,) silhouettes with squared distances."""
    k, values = int(labels.max()) + 1, np.empty(len(X))
    pivot = X[:CHUNK].mean(axis=0)
    sums, counts, squares = group_sums(X, labels, k, pivot=pivot)
    means = sums / np.maximum(counts, 1.0)[:, None]
    spread = np.maximum(squares / np.maximum(counts, 1.0) - (means**2).sum(axis=1), 0.0)
    for first in range(0, len(X), CHUNK):
        piece = slice(first, first + CHUNK)
        part = np.ascontiguousarray(X[piece], dtype=np.float64)
        own = np.ascontiguousarray(labels[piece], dtype=np.int32)
        _modules()[1].squared(part, own, means + pivot, spread, counts, values[piece])
    return values


def cell_sums(queries: Blocks, rows: Tiles, bounds: Bounds) -> Floats:
    """(cells, b * 256) sums of the distances from the rows of ``queries`` to the rows of each cell."""
    sums = np.empty((len(bounds) - 1, len(queries) * ROWS))
    _modules()[1].cell_sums(queries, rows, bounds, sums)
    return sums


@dataclass(frozen=True, slots=True)
class Whitened:
    """Components of a mixture as the kernels want them, in columns less ``centre`` over ``scale``.

    ``matrices`` (k, wide, wide) and ``offsets`` (k, wide) make every component round and of variance 1 around 0;
    ``constants`` (k,) hold weights and volumes. Wide is the number of columns rounded up to a multiple of four.
    """

    centre: Floats
    scale: Floats
    matrices: Floats
    offsets: Floats
    constants: Floats


def whitened(centre: Floats, scale: Floats, weights: Floats, means: Floats, covariances: Floats) -> Whitened:
    """Components with these weights (k,), means (k, d) and covariances (k, d, d) in columns less centre over scale."""
    k, d = means.shape
    wide = -(-d // 4) * 4
    lower = np.linalg.cholesky(covariances)
    matrices, offsets = np.zeros((k, wide, wide)), np.zeros((k, wide))
    matrices[:, :d, :d] = np.linalg.inv(lower)
    offsets[:, :d] = np.einsum("kij,kj->ki", matrices[:, :d, :d], means)
    volumes = np.log(np.einsum("kii->ki", lower)).sum(axis=1)
    constants = np.log(weights) - volumes - 0.5 * d * np.log(2 * np.pi)
    # Copies: arrays of a saved model may not be written, and are another type for the compiler.
    return Whitened(np.array(centre), np.array(scale), matrices, offsets, constants)


def mixture(X: Floats, model: Whitened) -> tuple[float, Floats, Floats, Floats]:
    """One pass of expectation: the sum of the log-densities of the rows in columns less centre over scale, and of each
    component the weight (k,), the sums (k, d) and the sums of products (k, d, d) of what it has of the rows.
    """
    (k, wide), d, total = model.offsets.shape, X.shape[1], 0.0
    counts, sums, squares = np.zeros(k), np.zeros((k, wide)), np.zeros((k, wide, wide))
    for first in range(0, len(X), CHUNK):
        part = np.require(X[first : first + CHUNK], np.float64, ["C", "W"])
        total += _mixture_module().mixture(
            part, model.centre, model.scale, model.matrices, model.offsets, model.constants, counts, sums, squares
        )
    return float(total), counts, sums[:, :d], squares[:, :d, :d]


@dataclass(frozen=True, slots=True)
class Narrow:
    """``n`` rows of ``d`` columns in float32, centred and scaled, as blocks filled up to a multiple of four columns."""

    blocks: Blocks
    n: int
    d: int


def narrow(X: Floats, centre: Floats, scale: Floats) -> Narrow:
    """Rows of X less ``centre`` over ``scale``."""
    n, d = X.shape
    rows = np.zeros((n, -(-d // 4) * 4))
    np.divide(X, scale, out=rows[:, :d])
    middle = np.zeros(rows.shape[1])
    middle[:d] = centre / scale
    return Narrow(packed_blocks(rows, middle), n, d)


def narrow_mixture(rows: Narrow, model: Whitened) -> tuple[float, Floats, Floats, Floats]:
    """As ``mixture``, in float32 within 256 rows: for many rows, and for climbs that end before rounding counts."""
    (k, wide), d = model.offsets.shape, rows.d
    counts, sums, squares = np.zeros(k), np.zeros((k, wide)), np.zeros((k, wide, wide))
    parts = (part.astype(np.float32) for part in (model.matrices, model.offsets, model.constants))
    total = _mixture_module().narrow_mixture(rows.blocks, rows.n, *parts, counts, sums, squares)
    return float(total), counts, sums[:, :d], squares[:, :d, :d]


def log_densities(X: Floats, model: Whitened) -> Floats:
    """(n, k) log of weight times density of each component, of columns less centre over scale."""
    logs = np.empty((len(X), len(model.constants)))
    for first in range(0, len(X), CHUNK):
        part = np.require(X[first : first + CHUNK], np.float64, ["C", "W"])
        _mixture_module().log_densities(
            part, model.centre, model.scale, model.matrices, model.offsets, model.constants, logs[first : first + CHUNK]
        )
    return logs
