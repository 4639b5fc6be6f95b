"""The Euclidean silhouette of many labelings at once: every distance is computed once and serves all of them.

Rows that carry the same label in all labelings share a cell (the common refinement). Distances of a block of rows are
added up per cell and then per segment, so memory is block x n, never n x n (performance.md 2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats, Labels, Progress
from personas.segmentation.streams import Step, draw_rows, generator
from personas.segmentation.threads import single_thread

EXACT_LIMIT = 20_000
QUERIES = 2_000
QUERIES_PER_SEGMENT = 100
BLOCK_CELLS = 2_000_000
"""Distances held at once: 16 MB a matrix of float64."""
CANCELLED = 1e-6
"""Squared distances below this share of the squared norms have lost digits and are computed again, directly."""


@dataclass(frozen=True, slots=True)
class Silhouette:
    """The silhouette of one labeling.

    ``mean`` over all rows; ``error`` half width of its 95% interval, 0 when exact; ``macro`` mean of the segment means;
    ``segments`` (k,) mean per segment; ``rows`` and ``values`` the rows it was computed for and their own silhouettes;
    ``base`` how many of the first rows belong to the common query sample (pairs of labelings are compared on these).
    """

    mean: float
    error: float
    macro: float
    segments: tuple[float, ...]
    rows: NDArray[np.int64]
    values: Floats
    base: int


def silhouettes(
    X: Floats, labelings: Sequence[Labels], seed: int = 0, progress: Progress | None = None, limit: int = EXACT_LIMIT
) -> list[Silhouette]:
    """The silhouette of each labeling of the rows of X: exact up to ``limit`` rows, sampled with its error beyond.

    Parameters
    ----------
    X : (n, d) float64
    labelings : sequence of (n,) int arrays
        Labels 0..k-1, every label used, 2 <= k <= n - 1.
    seed : int
        Seeds the query sample, which is the same for all labelings, so that differences between them are paired.

    Source: Rousseeuw 1987. Singletons and rows at distance 0 of everything have silhouette 0.
    """
    n = len(X)
    if n <= limit:
        everyone = np.arange(n, dtype=np.int64)
        values = row_silhouettes(X, labelings, everyone, progress)
        return [_exact(labels, values[i]) for i, labels in enumerate(labelings)]
    base = draw_rows(seed, Step.SILHOUETTE_QUERIES, n, QUERIES)
    extra = [_top_up(labels, base, seed) for labels in labelings]
    queries = np.union1d(base, np.concatenate(extra)) if extra else base
    values = row_silhouettes(X, labelings, queries, progress)
    scores = []
    for i, labels in enumerate(labelings):
        rows = np.concatenate((base, extra[i]))
        scores.append(_sampled(labels, rows, values[i][np.searchsorted(queries, rows)], len(base)))
    return scores


def row_silhouettes(
    X: Floats, labelings: Sequence[Labels], queries: NDArray[np.int64], progress: Progress | None = None
) -> Floats:
    """(number of labelings, q) silhouettes of the rows ``queries`` against all rows of X."""
    n = len(X)
    cells, order, starts = _common_refinement(labelings, n)
    counts = [np.bincount(labels) for labels in labelings]
    # One 0/1 map takes cell sums to the segments of all labelings, side by side.
    offsets = np.concatenate(([0], np.cumsum([len(c) for c in counts])))
    to_segments = np.zeros((len(starts), offsets[-1]))
    for i, labels in enumerate(labelings):
        to_segments[cells, offsets[i] + labels] = 1.0
    values = np.empty((len(labelings), len(queries)))
    sorted_rows = X[order] - X.mean(axis=0)
    centred = X[queries] - X.mean(axis=0)
    norms = np.einsum("ij,ij->i", sorted_rows, sorted_rows)
    block = max(1, BLOCK_CELLS // n)
    with single_thread():
        for start in range(0, len(queries), block):
            part = slice(start, start + block)
            distances = _distances(centred[part], sorted_rows, norms)
            sums = np.add.reduceat(distances, starts, axis=1) @ to_segments
            for i, labels in enumerate(labelings):
                own = labels[queries[part]]
                values[i, part] = _from_sums(sums[:, offsets[i] : offsets[i + 1]], counts[i], own)
            if progress:
                progress("silhouettes", min(1.0, (start + block) / len(queries)))
    return values


def _common_refinement(
    labelings: Sequence[Labels], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(n,) cell of each row; the order that sorts rows by cell; where each cell starts in that order."""
    cells = np.zeros(n, dtype=np.int64)
    for labels in labelings:
        cells = cells * (int(labels.max()) + 1) + labels
        cells = np.unique(cells, return_inverse=True)[1].reshape(-1).astype(np.int64)
    order = np.argsort(cells, kind="stable").astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(np.bincount(cells))[:-1])).astype(np.int64)
    return cells, order, starts


def _distances(queries: Floats, rows: Floats, norms: Floats) -> Floats:
    """(q, n) Euclidean distances; close pairs from direct differences, because the fast formula cancels there."""
    scale = np.einsum("ij,ij->i", queries, queries)[:, None] + norms
    squares = queries @ rows.T
    squares *= -2.0
    squares += scale
    near_q, near_r = np.nonzero(squares <= CANCELLED * scale)
    for start in range(0, len(near_q), 100_000):
        i, j = near_q[start : start + 100_000], near_r[start : start + 100_000]
        squares[i, j] = ((queries[i] - rows[j]) ** 2).sum(axis=1)
    return np.sqrt(squares, out=squares)


def _from_sums(sums: Floats, counts: NDArray[np.int64], own: Labels) -> Floats:
    """Silhouettes from the sums of distances to each segment."""
    row = np.arange(len(own))
    within = sums[row, own] / np.maximum(counts[own] - 1, 1)
    others = sums / np.maximum(counts, 1)
    others[:, counts == 0] = np.inf
    others[row, own] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(within, nearest)
    values = np.divide(nearest - within, larger, out=np.zeros(len(own)), where=larger > 0)
    return np.where(counts[own] == 1, 0.0, values)


def _exact(labels: Labels, values: Floats) -> Silhouette:
    counts = np.bincount(labels)
    means = np.bincount(labels, weights=values) / np.maximum(counts, 1)
    everyone = np.arange(len(labels), dtype=np.int64)
    segments = tuple(float(m) for m in means)
    return Silhouette(float(values.mean()), 0.0, float(means.mean()), segments, everyone, values, len(labels))


def _top_up(labels: Labels, base: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """More query rows for each segment that the base sample caught fewer than 100 of."""
    k = int(labels.max()) + 1
    have = np.bincount(labels[base], minlength=k)
    want = np.minimum(QUERIES_PER_SEGMENT, np.bincount(labels, minlength=k))
    random = generator(seed, Step.SILHOUETTE_QUERIES, k, 1)
    extra = [np.empty(0, dtype=np.int64)]
    for g in np.flatnonzero(have < want):
        rest = np.setdiff1d(np.flatnonzero(labels == g), base)
        extra.append(np.sort(random.choice(rest, size=int(want[g] - have[g]), replace=False)))
    return np.concatenate(extra)


def _sampled(labels: Labels, rows: NDArray[np.int64], values: Floats, base: int) -> Silhouette:
    """The stratified estimate of method.md 3.2: segment means weighted by true segment sizes."""
    sizes = np.bincount(labels).astype(float)
    drawn = labels[rows]
    m = np.bincount(drawn, minlength=len(sizes)).astype(float)
    m = np.maximum(m, 1.0)
    means = np.bincount(drawn, weights=values, minlength=len(sizes)) / m
    squares = np.bincount(drawn, weights=(values - means[drawn]) ** 2, minlength=len(sizes))
    variance = squares / np.maximum(m - 1, 1)
    weights = sizes / sizes.sum()
    standard_error = float(np.sqrt((weights**2 * variance / m * (1 - m / np.maximum(sizes, 1))).sum()))
    segments = tuple(float(s) for s in means)
    return Silhouette(
        float((weights * means).sum()), 1.96 * standard_error, float(means.mean()), segments, rows, values, base
    )
