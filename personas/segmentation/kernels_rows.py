"""Compiled loops over rows and pairs of rows: nearest centroids, sums of distances, squared silhouettes.

Only ``compute`` imports this module; ``twins`` holds the same functions in numpy.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.kernels_block import narrow, two_nearest
from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, Blocks, Bounds, Places, Tiles, Weights

SMALL, LARGE = 1e-12, 1e12
"""Distances of centroids, and values, that float32 can square."""
FLUSH = 128
"""So many float32 distances are added up before the sum goes over to float64."""


@compiled
def _columns(X: Floats, first: int, size: int, columns: Floats) -> None:
    """Up to 256 rows from ``first`` on, feature-major into ``columns`` (d, 256)."""
    # Sixteen rows at a time: whole rows at once would write to places that share a line of the cache.
    for head in range(0, size, 16):
        tail = min(head + 16, size)
        for j in range(X.shape[1]):
            for r in range(head, tail):
                columns[j, r] = X[first + r, j]


@compiled
def _squares(columns: Floats, centroids: Floats, out: Floats) -> None:
    """Squared distances ``out`` (k, 256) of 256 rows to all centroids."""
    k, d = centroids.shape
    whole = d - d % 4
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
def _nearest_of(row: Floats, centroids: Floats, tie: float, squares: Floats) -> int:
    """The nearest centroid of one row in float64; squared distances that differ by less than ``tie`` of their mean are
    equal, and the lower number wins.
    """
    least, middle = np.inf, 0.0
    for c in range(len(centroids)):
        total = 0.0
        for j in range(len(row)):
            e = row[j] - centroids[c, j]
            total += e * e
        squares[c] = total
        least = min(least, total)
        middle += total
    limit = least + tie * (1e-12 + middle / len(centroids))
    for c in range(len(centroids)):
        if squares[c] <= limit:
            return c
    return 0


@compiled
def _tile(X: Floats, first: int, size: int, centre: Floats, x: Tiles, norms: Weights) -> float:
    """Up to 256 rows from ``first`` on, less ``centre``, in float32 feature-major into x (d, 256), and their ``norms``;
    rows that are missing are 0. Gives the largest value.
    """
    if size < ROWS:
        x[:] = np.float32(0.0)
    largest = 0.0
    for head in range(0, size, 16):
        tail = min(head + 16, size)
        for j in range(X.shape[1]):
            for r in range(head, tail):
                value = X[first + r, j] - centre[j]
                largest = max(largest, abs(value))
                x[j, r] = value
    for r in range(ROWS):
        norms[r] = np.float32(0.0)
    for j in range(X.shape[1]):
        for r in range(ROWS):
            norms[r] += x[j, r] * x[j, r]
    for r in range(ROWS):
        norms[r] = np.sqrt(norms[r])
    return largest


@compiled
def nearest(
    X: Floats, centroids: Floats, ends: Bounds, centre: Floats, tie: float, labels: Labels, gaps: Floats
) -> None:
    """Labels (m, n) of the nearest centroids under m models, and squared distances ``gaps`` (m, n) to them.

    ``centroids`` (K, d) are those of all models; model i has those from ``ends[i]`` to ``ends[i + 1]``. Squared
    distances that differ by less than ``tie`` of their mean are equal; the lower number wins. Where the rounding of
    float32, less ``centre``, cannot decide, float64 does.
    """
    n, d = X.shape
    room = len(centroids) + len(ends)
    mu, half = np.zeros((room, d), np.float32), np.empty(room, np.float32)
    narrow(centroids - centre, ends, mu, half)
    x, norms = np.zeros((d, ROWS), np.float32), np.empty(ROWS, np.float32)
    score, best, second = np.empty(2 * ROWS, np.float32), np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    label, squares = np.empty(ROWS, np.int32), np.empty(len(centroids))
    # The bound of products in float32 (Higham 2002, 3.1), of both scores and of the rounding of what they are made of.
    rounding = 4.0 * (d + 4) * 6e-8
    for first in range(0, n, ROWS):
        size = min(ROWS, n - first)
        largest = _tile(X, first, size, centre, x, norms)
        for m in range(len(ends) - 1):
            low, high = ends[m], ends[m + 1]
            far = np.sqrt(2.0 * half[low + m : high + m].max())
            plain = SMALL < far < LARGE and largest < LARGE
            if plain:
                first_of, last_of = low + m, high + m + (high - low) % 2
                two_nearest(x, mu[first_of:last_of], half[first_of:last_of], score, best, second, label)
            for r in range(size):
                beyond = norms[r] + far
                if not plain or second[r] - best[r] <= rounding * far * beyond + tie * beyond * beyond:
                    label[r] = _nearest_of(X[first + r], centroids[low:high], tie, squares)
            for r in range(size):
                gap = 0.0
                for j in range(d):
                    e = X[first + r, j] - centroids[low + label[r], j]
                    gap += e * e
                labels[m, first + r] = label[r]
                gaps[m, first + r] = gap


@compiled
def group_sums(
    X: Floats, labels: Labels, ends: Bounds, weights: Floats, pivot: Floats, sums: Floats, counts: Floats,
    squares: Floats,
) -> None:  # fmt: skip
    """Add to the weighted sums (K, d) of the rows less ``pivot``, to the weights (K,) and to the sums of squared norms
    (K,) of the groups of all models, side by side as ``ends`` says; labels (m, n). No ``weights`` at all count 1 each.
    """
    n, d = X.shape
    row = np.empty(d)
    for i in range(n):
        w, norm = weights[i] if len(weights) else 1.0, 0.0
        for j in range(d):
            value = X[i, j] - pivot[j]
            norm += value * value
            row[j] = w * value
        for m in range(len(ends) - 1):
            g = ends[m] + labels[m, i]
            counts[g] += w
            squares[g] += w * norm
            for j in range(d):
                sums[g, j] += row[j]


@compiled
def squared(
    X: Floats, labels: Labels, ends: Bounds, means: Floats, spread: Floats, counts: Floats, values: Floats
) -> None:
    """Squared-Euclidean silhouettes under all models, side by side as ``ends`` says, written to ``values`` (m, n).

    The mean squared distance from x to a group is |x - its mean|^2 + its ``spread``, the mean squared distance of its
    rows to its mean; ``counts`` are the sizes.
    """
    n, d = X.shape
    columns, squares = np.zeros((d, ROWS)), np.empty((len(means), ROWS))
    own, near, within = np.zeros(ROWS, np.int64), np.empty(ROWS), np.empty(ROWS)
    for first in range(0, n, ROWS):
        size = min(ROWS, n - first)
        _columns(X, first, size, columns)
        _squares(columns, means, squares)
        for m in range(len(ends) - 1):
            for r in range(size):
                own[r] = ends[m] + labels[m, first + r]
            for r in range(ROWS):
                near[r], within[r] = 1e308, 0.0
            for c in range(ends[m], ends[m + 1]):
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
                values[m, first + r] = 0.0 if alone else (near[r] - within[r]) / larger


@compiled
def _aligned(rows: int) -> Tiles:
    """(rows, 256) zeros that begin where a line of the cache does: sixteen numbers that lie in two load slowly."""
    line = 16
    room = np.zeros(rows * ROWS + line, np.float32)
    first = -(room.ctypes.data // 4) % line
    return room[first : first + rows * ROWS].reshape(rows, ROWS)


@compiled
def _in_fours(rows: Tiles) -> Blocks:
    """(fours, groups, 16) four rows side by side, four columns at a time; what is missing is 0."""
    m, d = rows.shape
    points = np.zeros((-(-m // 4), -(-d // 4), 16), np.float32)
    for i in range(m):
        for j in range(d):
            points[i // 4, j // 4, i % 4 * 4 + j % 4] = rows[i, j]
    return points


@compiled
def _four(x: Tiles, points: Tiles, squares: Tiles, before: Tiles, pieces: Tiles, places: Bounds) -> None:
    """Squared distances ``squares`` (5, 256) of the 256 rows of one block to four points, from direct differences.

    Roots take long, and multiplying can go on beside them: in the same loops the distances to the four points
    ``before`` are added to the rows ``places`` (5,) of ``pieces``. The fifth row of both stays 0.
    """
    for q in range(len(points)):
        turn = min(q, 4)
        p, root, piece = points[q], before[turn], pieces[places[turn]]
        y0, y1, y2, y3 = x[4 * q], x[4 * q + 1], x[4 * q + 2], x[4 * q + 3]
        a0, a1, a2, a3, b0, b1, b2, b3 = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]
        c0, c1, c2, c3, d0, d1, d2, d3 = p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]
        if q == 0:
            for r in range(ROWS):
                x0, x1, x2, x3 = y0[r], y1[r], y2[r], y3[r]
                squares[0, r] = (x0 - a0) ** 2 + (x1 - a1) ** 2 + (x2 - a2) ** 2 + (x3 - a3) ** 2
                squares[1, r] = (x0 - b0) ** 2 + (x1 - b1) ** 2 + (x2 - b2) ** 2 + (x3 - b3) ** 2
                squares[2, r] = (x0 - c0) ** 2 + (x1 - c1) ** 2 + (x2 - c2) ** 2 + (x3 - c3) ** 2
                squares[3, r] = (x0 - d0) ** 2 + (x1 - d1) ** 2 + (x2 - d2) ** 2 + (x3 - d3) ** 2
                piece[r] += np.sqrt(root[r])
        else:
            for r in range(ROWS):
                x0, x1, x2, x3 = y0[r], y1[r], y2[r], y3[r]
                squares[0, r] += (x0 - a0) ** 2 + (x1 - a1) ** 2 + (x2 - a2) ** 2 + (x3 - a3) ** 2
                squares[1, r] += (x0 - b0) ** 2 + (x1 - b1) ** 2 + (x2 - b2) ** 2 + (x3 - b3) ** 2
                squares[2, r] += (x0 - c0) ** 2 + (x1 - c1) ** 2 + (x2 - c2) ** 2 + (x3 - c3) ** 2
                squares[3, r] += (x0 - d0) ** 2 + (x1 - d1) ** 2 + (x2 - d2) ** 2 + (x3 - d3) ** 2
                piece[r] += np.sqrt(root[r])
    for q in range(len(points), 4):
        root, piece = before[q], pieces[places[q]]
        for r in range(ROWS):
            piece[r] += np.sqrt(root[r])


@compiled
def cell_sums(queries: Blocks, rows: Tiles, bounds: Bounds, sums: Floats) -> None:
    """Sums of the distances from every query to the rows of every cell, written into ``sums`` (cells, b * 256).

    ``rows`` (m, d) are sorted by cell, ``bounds`` (cells + 1,) say where each begins. From direct differences, so that
    nothing cancels. Cells are cut into pieces of at most 128 rows, whose distances are added up in float32.
    """
    points, d = _in_fours(rows), queries.shape[1]
    # The piece that each of four rows belongs to; missing ones go to piece 0, which is nobody's.
    places = np.zeros((len(points) + 1, 5), np.int64)
    count = 0
    for g in range(len(bounds) - 1):
        for i in range(bounds[g], bounds[g + 1]):
            count += (i - bounds[g]) % FLUSH == 0
            places[i // 4 + 1, i % 4] = count
    pieces, x = _aligned(count + 1), _aligned(4 * points.shape[1])
    now, before = _aligned(5), _aligned(5)
    for b in range(len(queries)):
        for j in range(d):
            for r in range(ROWS):
                x[j, r] = queries[b, j, r]
        for c in range(count + 1):
            for r in range(ROWS):
                pieces[c, r] = 0.0
        for q in range(4):
            for r in range(ROWS):
                before[q, r] = 0.0
        # Once more than there are points: the distances to the last four are added beside some others, which nobody
        # takes.
        for i in range(len(places)):
            _four(x, points[min(i, len(points) - 1)], now, before, pieces, places[i])
            now, before = before, now
        used = 0
        for g in range(len(bounds) - 1):
            for r in range(ROWS):
                sums[g, b * ROWS + r] = 0.0
            for _ in range(bounds[g], bounds[g + 1], FLUSH):
                used += 1
                for r in range(ROWS):
                    sums[g, b * ROWS + r] += pieces[used, r]


@compiled
def segment_sums(pieces: Floats, segments: Places, weights: Floats, sums: Floats) -> None:
    """Add the rows of ``pieces`` (p, q), by weight, to the rows of ``sums`` (s, q) that ``segments`` (p, m) names."""
    for i in range(len(pieces)):
        w = weights[i]
        for m in range(segments.shape[1]):
            total, piece = sums[segments[i, m]], pieces[i]
            for r in range(len(piece)):
                total[r] += w * piece[r]
