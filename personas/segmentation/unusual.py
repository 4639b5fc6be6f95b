"""Customers far from every segment: trimmed k-means (Cuesta-Albertos, Gordaliza and Matran 1997; method.md 2.8)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute
from personas.segmentation.algorithms.kmeans import REFIT_STARTS, fit_kmeans
from personas.segmentation.lloyd import means
from personas.segmentation.records import Floats
from personas.segmentation.streams import Step, draw_rows, stream

TRIMMED_SHARE = 0.01
FAR = 6 * 1.4826
PASSES = 30
START_ROWS = 2_000
TRIMMED_ROWS = 20_000
"""Centroids are found on at most so many rows; every row is then judged by its distance to them."""


def unusual_rows(X: Floats, ks: Sequence[int], seed: int) -> NDArray[np.bool_]:
    """(n,) rows that are trimmed at half of the k or more, and lie far beyond the others' distance to a centroid.

    Far is more than median + 6 * 1.4826 * MAD of the distances. The starts are k-means on rows (at most 2,000) of which
    the farthest from the middle are left out, because a row that owns a centroid is at no distance from it.
    """
    from_middle = ((X - np.median(X, axis=0)) ** 2).sum(axis=1)
    inner = np.sort(np.argsort(from_middle, kind="stable")[: len(X) - _left_out(X)])
    start = X[inner[draw_rows(seed, Step.TRIMMED, len(inner), START_ROWS)]]
    trimmed = np.zeros(len(X))
    usable = [k for k in ks if k < len(start)]
    some = X[draw_rows(seed, Step.TRIMMED, len(X), TRIMMED_ROWS)]
    for k in usable:
        begin = fit_kmeans(start, k, stream(seed, Step.TRIMMED, k), REFIT_STARTS).centroids
        squares = compute.nearest(X, trimmed_means(some, begin))[1]
        out = squares >= np.partition(squares, -_left_out(X))[-_left_out(X)]
        distances = np.sqrt(squares)
        middle = np.median(distances)
        bound = middle + FAR * np.median(np.abs(distances - middle))
        trimmed += out & (distances > bound)
    return trimmed >= max(1.0, len(usable) / 2)


def _left_out(X: Floats) -> int:
    return int(np.ceil(TRIMMED_SHARE * len(X)))


def trimmed_means(X: Floats, centroids: Floats) -> Floats:
    """Centroids (k, d) that the farthest 1% of the rows have no part in."""
    k, left_out = len(centroids), _left_out(X)
    out = np.zeros(len(X), dtype=bool)
    for _ in range(PASSES):
        labels, squares, _ = compute.nearest(X, centroids)
        now = np.zeros(len(X), dtype=bool)
        now[np.argsort(-squares, kind="stable")[:left_out]] = True
        moved, weight = means(X[~now], labels[~now], k)
        moved[weight == 0] = centroids[weight == 0]
        if np.array_equal(now, out) and np.allclose(moved, centroids, rtol=0, atol=1e-12):
            break
        centroids, out = moved, now
    return centroids
