"""Nearest centroids and Lloyd passes in float64: where labels are decided, so that every caller decides alike."""

from __future__ import annotations

import numpy as np

from personas.segmentation import compute
from personas.segmentation.records import Floats, Labels

__all__ = ["inertia_of", "lloyd", "means", "nearest", "squared_distances"]

BLOCK = 8192


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
    sums, weight, _ = compute.group_sums(X, labels, k, weights)
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
