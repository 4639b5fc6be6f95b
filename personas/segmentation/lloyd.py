"""Nearest centroids and Lloyd passes in float64: where labels are decided, so that every caller decides alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from personas.segmentation import compute
from personas.segmentation.compute import Packed
from personas.segmentation.ordered import Rows
from personas.segmentation.records import Floats, Labels
from personas.segmentation.threads import spread

__all__ = ["go_on", "inertia_of", "lloyd", "means", "nearest", "settle", "squared_distances"]

BLOCK = 8192
HELD = 1_000_000
"""Up to so many rows are packed once; more are packed anew in every pass: memory would take as long."""


def nearest(X: Floats, centroids: Floats) -> Labels:
    """(n,) number of the nearest centroid; equal distances go to the lower number.

    >>> nearest(np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0]])).tolist()
    [0, 0, 1]
    """
    return compute.nearest(X, centroids)[0]


def squared_distances(X: Floats, centroids: Floats) -> Floats:
    """(n, k) squared Euclidean distances, never negative.

    Both sides are moved to the mean of the centroids first: without it, values far from 0 lose their digits.
    """
    centre = centroids.mean(axis=0)
    rows, points = X - centre, centroids - centre
    squares: Floats = np.einsum("ij,ij->i", rows, rows)[:, None] + np.einsum("ij,ij->i", points, points)
    squares -= 2.0 * (rows @ points.T)
    np.maximum(squares, 0.0, out=squares)
    return squares


def means(X: Floats, labels: Labels, k: int, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """(k, d) weighted means of the groups and (k,) their weights; the mean of an empty group is NaN."""
    sums, weight = compute.group_sums(X, labels, k, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / weight[:, None], weight


def inertia_of(X: Floats, labels: Labels, centroids: Floats) -> float:
    """Sum of squared distances to the own centroid, from direct differences."""
    total = 0.0
    for start in range(0, len(X), BLOCK):
        difference = X[start : start + BLOCK] - centroids[labels[start : start + BLOCK]]
        total += float(np.einsum("ij,ij->", difference, difference))
    return total


def lloyd(X: Floats, centroids: Floats, passes: int, weights: Floats | None = None) -> tuple[Floats, Labels]:
    """Centroids and labels after at most ``passes`` passes, or when no label changes any more.

    An emptied centroid is moved to the row that lies farthest from its own centroid.
    """
    k = len(centroids)
    labels = nearest(X, centroids)
    for _ in range(passes):
        moved, weight = means(X, labels, k, weights)
        empty = np.flatnonzero(weight == 0)
        if len(empty):
            gaps = ((X - moved[labels]) ** 2).sum(axis=1)
            moved[empty] = X[np.argsort(-gaps, kind="stable")[: len(empty)]]
        centroids = moved
        found = nearest(X, centroids)
        if np.array_equal(found, labels):
            break
        labels = found
    return centroids, labels


def go_on(
    rows: Rows, weights: Floats | None, part: Packed, models: Sequence[Floats], most: int
) -> list[Floats]:
    """Centroids of several models after at most ``most`` passes over many rows, read piece by piece.

    An emptied centroid is moved to the row of ``part`` that lies farthest from the others.
    """
    pieces, held = compute.pieces(len(rows)), len(rows) <= HELD
    ks, labels = [len(model) for model in models], [np.empty(0, dtype=np.int8)] * len(pieces)
    ready: list[Packed | None] = [None] * len(pieces)

    def sweep(i: int) -> tuple[int, list[Floats], list[Floats]]:
        packed = ready[i] or compute.pack(rows[pieces[i]], None if weights is None else weights[pieces[i]], part.centre)
        if held:
            ready[i] = packed
        fresh = not labels[i].size
        if fresh:
            labels[i] = np.empty((len(models), *packed.weights.shape), dtype=np.int8)
        return compute.sweep(packed, models, fresh, labels[i])

    sums, counts = [np.zeros((k, rows.shape[1])) for k in ks], [np.zeros(k) for k in ks]
    for _ in range(most):
        changed = 0
        for moved, more_sums, more_counts in spread(sweep, range(len(pieces))):
            changed += moved
            for total, more in zip((*sums, *counts), (*more_sums, *more_counts), strict=True):
                total += more
        if not changed:
            break
        models = [_moved(*group, part) for group in zip(models, sums, counts, strict=True)]
    return list(models)


def _moved(centroids: Floats, sums: Floats, counts: Floats, part: Packed) -> Floats:
    """The means of the groups; where one is empty, the row of ``part`` farthest from the others."""
    now: Floats = part.centre + sums / np.maximum(counts, 1e-300)[:, None]
    some = list(np.flatnonzero(counts > 0))
    for c in np.flatnonzero(counts == 0):
        rows = part.rows()
        now[c] = rows[compute.nearest(rows, now[some])[1].argmax()]
        some.append(c)
    return now


def settle(X: Rows, models: Sequence[Floats], kind: type[np.integer] = np.int32) -> tuple[Labels, list[float]]:
    """(m, n) the nearest centroid of each row under each model, and the inertia of each model, in one pass."""
    labels = np.empty((len(models), len(X)), dtype=kind)

    def of(piece: slice) -> Floats:
        labels[:, piece], gaps = compute.nearest_of_all(X[piece], models)
        total: Floats = gaps.sum(axis=1)
        return total

    inertias = sum(spread(of, compute.pieces(len(X))), np.zeros(len(models)))
    return labels, inertias.tolist()
