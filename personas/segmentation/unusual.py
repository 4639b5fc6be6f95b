"""Customers far from every segment: trimmed k-means (Cuesta-Albertos, Gordaliza and Matran 1997; method.md 2.8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.lloyd import means, nearest, squared_distances
from personas.segmentation.records import Fitted, Floats

TRIMMED_SHARE = 0.01
FAR = 6 * 1.4826
PASSES = 100


def unusual_rows(X: Floats, models: Sequence[Fitted]) -> NDArray[np.bool_]:
    """(n,) rows that are trimmed at half of the k or more, and lie far beyond the others' distance to a centroid.

    Far is more than median + 6 * 1.4826 * MAD of the distances. The trimmed fit goes on from each model, one start:
    a row that owns a segment of its own is found when the next k gives it none.
    """
    trimmed = np.zeros(len(X))
    for model in models:
        centroids, out = trimmed_means(X, model.centroids)
        distances = np.sqrt(squared_distances(X, centroids).min(axis=1))
        middle = np.median(distances)
        bound = middle + FAR * np.median(np.abs(distances - middle))
        trimmed += out & (distances > bound)
    return trimmed >= max(1.0, len(models) / 2)


def trimmed_means(X: Floats, centroids: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Centroids (k, d) that the farthest 1% of the rows have no part in, and which rows (n,) those are."""
    k, left_out = len(centroids), int(np.ceil(TRIMMED_SHARE * len(X)))
    out = np.zeros(len(X), dtype=bool)
    for _ in range(PASSES):
        squares = squared_distances(X, centroids).min(axis=1)
        now = np.zeros(len(X), dtype=bool)
        now[np.argsort(-squares, kind="stable")[:left_out]] = True
        labels = nearest(X, centroids)
        moved, weight = means(X[~now], labels[~now], k)
        moved[weight == 0] = centroids[weight == 0]
        if np.array_equal(now, out) and np.allclose(moved, centroids, rtol=0, atol=1e-12):
            break
        centroids, out = moved, now
    return centroids, out
