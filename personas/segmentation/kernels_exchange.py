"""Better optima for k-means: a centroid is given up for a row that lowers the inertia, where there is one.

Only ``compute`` imports this module; ``twins_exchange`` holds the same in numpy. Source: Lattanzi and Sohler 2019, A
better k-means++ algorithm via local search: the row is drawn by squared distance, and the centroid that is missed least
makes room for it. One such try looks at one point, where a pass looks at k.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.kernels import drawn_row, passes
from personas.segmentation.kernels_block import gaps_to, narrow, two_nearest
from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, WORTH, Blocks, Tiles, Weights


@compiled
def _state(
    blocks: Blocks, weights: Tiles, norms: Tiles, centroids: Floats, best: Tiles, second: Tiles, label: Labels,
    parts: Floats,
) -> float:  # fmt: skip
    """Of every row (b, 256) the nearest centroid and the squared distances to it and to the next; gives their weighted
    sum, ``parts`` (b,) that of each block.
    """
    k, d = centroids.shape
    even = k + k % 2
    mu, half = np.zeros((k + 1, d), np.float32), np.empty(k + 1, np.float32)
    narrow(centroids, np.array([0, k]), mu, half)
    score = np.empty(2 * ROWS, np.float32)
    total, two, none = 0.0, np.float32(2.0), np.float32(0.0)
    for b in range(len(blocks)):
        two_nearest(blocks[b], mu[:even], half[:even], score, best[b], second[b], label[b])
        part = none
        for r in range(ROWS):
            best[b, r] = max(none, two * best[b, r] + norms[b, r])
            second[b, r] = max(none, two * second[b, r] + norms[b, r])
            part += weights[b, r] * best[b, r]
        parts[b] = part
        total += parts[b]
    return total


@compiled
def _without(
    blocks: Blocks, weights: Tiles, point: Weights, best: Tiles, second: Tiles, label: Labels, gaps: Weights,
    losses: Floats,
) -> float:  # fmt: skip
    """The inertia with one more centroid at ``point``, and by how much it rises without each of the others."""
    losses[:] = 0.0
    total = 0.0
    for b in range(len(blocks)):
        gaps_to(blocks[b], point, gaps)
        part = np.float32(0.0)
        for r in range(ROWS):
            now = min(best[b, r], gaps[r])
            part += weights[b, r] * now
            gaps[r] = weights[b, r] * (min(second[b, r], gaps[r]) - now)
        total += np.float64(part)
        for r in range(ROWS):
            losses[label[b, r]] += gaps[r]
    return total


@compiled
def exchanges(
    blocks: Blocks, weights: Tiles, squares: float, start: Floats, uniforms: Floats, most: int, tolerance: float
) -> tuple[Floats, float]:
    """Centroids (k, d) and inertia after exchanges and at most ``most`` Lloyd passes; ``uniforms`` (tries,) are numbers
    from 0 to 1.
    """
    count, d = len(blocks), blocks.shape[1]
    best, second = np.empty((count, ROWS), np.float32), np.empty((count, ROWS), np.float32)
    label, norms = np.empty((count, ROWS), np.int32), np.zeros((count, ROWS), np.float32)
    gaps, point = np.empty(ROWS, np.float32), np.zeros(d, np.float32)
    parts, losses, centroids = np.empty(count), np.empty(len(start)), start.copy()
    for b in range(count):
        gaps_to(blocks[b], point, norms[b])
    total = _state(blocks, weights, norms, centroids, best, second, label, parts)
    for uniform in uniforms:
        b, r = drawn_row(weights, best, parts, uniform * total)
        for j in range(d):
            point[j] = blocks[b, j, r]
        with_it = _without(blocks, weights, point, best, second, label, gaps, losses)
        c = np.argmin(losses)
        if with_it + losses[c] < total * (1.0 - WORTH):
            for j in range(d):
                centroids[c, j] = point[j]
            total = _state(blocks, weights, norms, centroids, best, second, label, parts)
    centroids, inertia, _ = passes(blocks, weights, squares, centroids, most, tolerance)
    return centroids, inertia
