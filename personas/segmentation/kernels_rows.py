"""Compiled loops over rows and pairs of rows: nearest centroids, sums of distances, squared silhouettes.

Only ``compute`` imports this module; ``twins`` holds the same functions in numpy.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, Blocks, Bounds, Tiles, Weights

FLUSH = 128
"""So many float32 distances are added up before the sum goes over to float64."""


@compiled
def _squares(X: Floats, first: int, size: int, centroids: Floats, columns: Floats, out: Floats) -> None:
    """Squared distances ``out`` (k, 256) of up to 256 rows from ``first`` on to all centroids."""
    k, d = centroids.shape
    whole = d - d % 4
    # Sixteen rows at a time: whole rows at once would write to places that share a line of the cache.
    for head in range(0, size, 16):
        tail = min(head + 16, size)
        for j in range(d):
            for r in range(head, tail):
                columns[j, r] = X[first + r, j]
    for c in range(k):
        for r in range(ROWS):
            out[c, r] = 0.0
        for j in range(0, whole, 4):
            m0, m1, m2, m3 = centroids[c, j], centroids[c, j + 1], centroids[c, j + 2], centroids[c, j + 3]
            for r in range(ROWS):
                e0, e1 = columns[j, r] - m0, columns[j + 1, r] - m1
                e2, e3 = columns[j + 2, r] - m2, columns[j + 3, r] - m3
                out[c, r] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
        for j in range(whole, d):
            m0 = centroids[c, j]
            for r in range(ROWS):
                e0 = columns[j, r] - m0
                out[c, r] += e0 * e0


@compiled
def nearest(X: Floats, centroids: Floats, tie: float, labels: Labels, gaps: Floats) -> float:
    """Labels (n,) of the nearest centroids and squared distances ``gaps`` (n,) to them; gives the sum of these.

    Squared distances that differ by less than ``tie`` of their mean are equal; the lower number wins.
    """
    n, k = len(X), len(centroids)
    columns, squares = np.zeros((X.shape[1], ROWS)), np.empty((k, ROWS))
    least, middle = np.empty(ROWS), np.empty(ROWS)
    label = np.empty(ROWS, np.int64)  # as wide as the distances, so that both move in step
    total = 0.0
    for first in range(0, n, ROWS):
        size = min(ROWS, n - first)
        _squares(X, first, size, centroids, columns, squares)
        for r in range(ROWS):
            least[r], middle[r] = squares[0, r], squares[0, r]
        for c in range(1, k):
            for r in range(ROWS):
                least[r] = min(least[r], squares[c, r])
                middle[r] += squares[c, r]
        for r in range(ROWS):
            least[r] += tie * (1e-12 + middle[r] / k)
            label[r] = 0
        for c in range(k - 1, -1, -1):
            for r in range(ROWS):
                label[r] = c if squares[c, r] <= least[r] else label[r]
        for r in range(size):
            labels[first + r] = label[r]
            gaps[first + r] = squares[label[r], r]
            total += squares[label[r], r]
    return total


@compiled
def group_sums(X: Floats, labels: Labels, weights: Floats, pivot: Floats, k: int) -> tuple[Floats, Floats, Floats]:
    """Weighted sums (k, d) of the rows less ``pivot``, weights (k,) and sums of squared norms (k,) of the groups; no
    ``weights`` at all count 1 each.
    """
    sums, counts, squares = np.zeros((k, X.shape[1])), np.zeros(k), np.zeros(k)
    for i in range(len(X)):
        g, w = labels[i], weights[i] if len(weights) else 1.0
        norm = 0.0
        for j in range(X.shape[1]):
            value = X[i, j] - pivot[j]
            sums[g, j] += w * value
            norm += value * value
        counts[g] += w
        squares[g] += w * norm
    return sums, counts, squares


@compiled
def squared(X: Floats, labels: Labels, means: Floats, spread: Floats, counts: Floats, values: Floats) -> None:
    """Squared-Euclidean silhouettes, written into ``values`` (n,).

    The mean squared distance from x to a group is |x - its mean|^2 + its ``spread``, the mean squared distance of its
    rows to its mean; ``counts`` are the sizes.
    """
    n, k = len(X), len(means)
    columns, squares = np.zeros((X.shape[1], ROWS)), np.empty((k, ROWS))
    own, near, within = np.zeros(ROWS, np.int64), np.empty(ROWS), np.empty(ROWS)
    for first in range(0, n, ROWS):
        size = min(ROWS, n - first)
        _squares(X, first, size, means, columns, squares)
        for r in range(size):
            own[r] = labels[first + r]
        for r in range(ROWS):
            near[r], within[r] = 1e308, 0.0
        for c in range(k):
            if counts[c] == 0:
                continue
            add, corrected = spread[c], counts[c] / max(1.0, counts[c] - 1.0)
            for r in range(ROWS):
                away = squares[c, r] + add
                within[r] = away * corrected if own[r] == c else within[r]
                near[r] = near[r] if own[r] == c else min(near[r], away)
        for r in range(size):
            larger = max(within[r], near[r])
            alone = larger <= 0 or counts[own[r]] <= 1
            values[first + r] = 0.0 if alone else (near[r] - within[r]) / larger


@compiled
def _distances(x: Tiles, point: Weights, out: Weights) -> None:
    """Distances of the 256 rows of one block to one point.

    The loop of ``kernels._gaps`` once more: called from there it is not inlined, and the silhouettes take 1.7 times as
    long.
    """
    d = x.shape[0]
    whole = d - d % 4
    for r in range(ROWS):
        out[r] = np.float32(0.0)
    for j in range(0, whole, 4):
        p0, p1, p2, p3 = point[j], point[j + 1], point[j + 2], point[j + 3]
        for r in range(ROWS):
            e0, e1, e2, e3 = x[j, r] - p0, x[j + 1, r] - p1, x[j + 2, r] - p2, x[j + 3, r] - p3
            out[r] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
    for j in range(whole, d):
        p0 = point[j]
        for r in range(ROWS):
            e0 = x[j, r] - p0
            out[r] += e0 * e0
    for r in range(ROWS):
        out[r] = np.sqrt(out[r])


@compiled
def cell_sums(queries: Blocks, rows: Tiles, bounds: Bounds, sums: Floats) -> None:
    """Sums of the distances from every query to the rows of every cell, written into ``sums`` (cells, b * 256).

    ``rows`` (m, d) are sorted by cell, ``bounds`` (cells + 1,) say where each begins. From direct differences, so that
    nothing cancels.
    """
    gaps, part = np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    zero = np.float32(0.0)
    for b in range(len(queries)):
        for g in range(len(bounds) - 1):
            for r in range(ROWS):
                sums[g, b * ROWS + r] = 0.0
            for start in range(bounds[g], bounds[g + 1], FLUSH):
                for r in range(ROWS):
                    part[r] = zero
                for i in range(start, min(start + FLUSH, bounds[g + 1])):
                    _distances(queries[b], rows[i], gaps)
                    for r in range(ROWS):
                        part[r] += gaps[r]
                for r in range(ROWS):
                    sums[g, b * ROWS + r] += part[r]
