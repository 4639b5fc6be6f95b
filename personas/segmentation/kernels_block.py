"""Compiled loops over one block of 256 rows, feature-major: what the other kernels are made of."""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, Bounds, Small, Tiles, Weights


@compiled
def narrow(centroids: Floats, ends: Bounds, mu: Tiles, half: Weights) -> None:
    """Centroids (K, d) of several models in float32 and half their squared norms; model i has those from ``ends[i]`` to
    ``ends[i + 1]``, and those of an odd number are followed by one that no row is near to: centroid c is row c + i.
    """
    for m in range(len(ends) - 1):
        half[ends[m + 1] + m] = np.float32(1e30)
        for c in range(ends[m], ends[m + 1]):
            norm = 0.0
            for j in range(centroids.shape[1]):
                norm += centroids[c, j] * centroids[c, j]
                mu[c + m, j] = centroids[c, j]
            half[c + m] = 0.5 * norm


@compiled
def scores_of_two(x: Tiles, mu: Tiles, half: Weights, c: int, score: Weights) -> None:
    """Half the squared distances less half the squared norms of the rows, from one block x (d, 256) to the centroids c
    and c + 1 of ``mu`` (k, d), one after the other in ``score`` (512,): two at a time share what is loaded.
    """
    d = x.shape[0]
    whole = d - d % 4
    start, other = half[c], half[c + 1]
    for r in range(ROWS):
        score[r] = start
    for r in range(ROWS):
        score[ROWS + r] = other
    for j in range(0, whole, 4):
        m0, m1, m2, m3 = mu[c, j], mu[c, j + 1], mu[c, j + 2], mu[c, j + 3]
        o0, o1, o2, o3 = mu[c + 1, j], mu[c + 1, j + 1], mu[c + 1, j + 2], mu[c + 1, j + 3]
        for r in range(ROWS):
            x0, x1, x2, x3 = x[j, r], x[j + 1, r], x[j + 2, r], x[j + 3, r]
            score[r] -= x0 * m0 + x1 * m1 + x2 * m2 + x3 * m3
            score[ROWS + r] -= x0 * o0 + x1 * o1 + x2 * o2 + x3 * o3
    for j in range(whole, d):
        m0, o0 = mu[c, j], mu[c + 1, j]
        for r in range(ROWS):
            score[r] -= x[j, r] * m0
            score[ROWS + r] -= x[j, r] * o0


@compiled
def assign(x: Tiles, mu: Tiles, half: Weights, score: Weights, best: Weights, label: Labels) -> None:
    """Nearest of the centroids ``mu`` (k, d) for one block x (d, 256): ``best`` is half the squared distance less
    half the squared norm of the row. k is even.
    """
    for r in range(ROWS):
        best[r] = half[0] + np.float32(1e30)
        label[r] = 0
    for c in range(0, mu.shape[0], 2):
        scores_of_two(x, mu, half, c, score)
        for r in range(ROWS):
            label[r] = c if score[r] < best[r] else label[r]
            best[r] = min(score[r], best[r])
            label[r] = c + 1 if score[ROWS + r] < best[r] else label[r]
            best[r] = min(score[ROWS + r], best[r])


@compiled
def two_nearest(
    x: Tiles, mu: Tiles, half: Weights, score: Weights, best: Weights, second: Weights, label: Labels
) -> None:
    """The nearest of the centroids and, of it and the next, half the squared distance less half the squared norm of the
    row; see ``assign``.
    """
    for r in range(ROWS):
        best[r], second[r], label[r] = np.float32(1e30), np.float32(1e30), 0
    for c in range(0, mu.shape[0], 2):
        scores_of_two(x, mu, half, c, score)
        for two in range(2):
            shift = two * ROWS
            for r in range(ROWS):
                now = score[shift + r]
                second[r] = min(second[r], max(best[r], now))
                label[r] = c + two if now < best[r] else label[r]
                best[r] = min(best[r], now)


@compiled
def add(x: Tiles, weight: Weights, label: Labels, mask: Weights, sums: Floats, counts: Floats) -> None:
    """Add the rows of one block to the sums (k, d) and weights (k,) of their groups: one dot product per group and
    column, which is faster than going from row to row.
    """
    d = x.shape[0]
    zero = np.float32(0.0)
    whole = d - d % 4
    for c in range(sums.shape[0]):
        members = zero
        for r in range(ROWS):
            mask[r] = weight[r] if label[r] == c else zero
            members += mask[r]
        if members == zero:
            continue
        counts[c] += members
        for j in range(0, whole, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            for r in range(ROWS):
                m = mask[r]
                s0 += x[j, r] * m
                s1 += x[j + 1, r] * m
                s2 += x[j + 2, r] * m
                s3 += x[j + 3, r] * m
            sums[c, j] += s0
            sums[c, j + 1] += s1
            sums[c, j + 2] += s2
            sums[c, j + 3] += s3
        for j in range(whole, d):
            s0 = zero
            for r in range(ROWS):
                s0 += x[j, r] * mask[r]
            sums[c, j] += s0


@compiled
def move(x: Tiles, weight: Weights, before: Small, label: Labels, sums: Floats, counts: Floats) -> None:
    """Move the rows of one block whose label changed from the sums of one group to those of another: few do after the
    first pass, and adding all of them up takes as long as finding their nearest centroid.
    """
    for r in range(ROWS):
        old, new, w = before[r], label[r], np.float64(weight[r])
        if old != new and w > 0:
            counts[old] -= w
            counts[new] += w
            for j in range(x.shape[0]):
                value = w * x[j, r]
                sums[old, j] -= value
                sums[new, j] += value


@compiled
def gaps_to(x: Tiles, point: Weights, gaps: Weights) -> None:
    """Squared distances of the rows of one block to one point."""
    d = x.shape[0]
    whole = d - d % 4
    for r in range(ROWS):
        gaps[r] = np.float32(0.0)
    for j in range(0, whole, 4):
        p0, p1, p2, p3 = point[j], point[j + 1], point[j + 2], point[j + 3]
        for r in range(ROWS):
            e0, e1, e2, e3 = x[j, r] - p0, x[j + 1, r] - p1, x[j + 2, r] - p2, x[j + 3, r] - p3
            gaps[r] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
    for j in range(whole, d):
        p0 = point[j]
        for r in range(ROWS):
            e0 = x[j, r] - p0
            gaps[r] += e0 * e0
