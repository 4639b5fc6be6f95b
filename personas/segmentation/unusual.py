"""Customers far from every segment: trimmed k-means (Cuesta-Albertos, Gordaliza and Matran 1997; method.md 2.8).

They are set aside by name before anything is fitted, so that one of them cannot own a segment; people and money still
add up to everybody.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute
from personas.segmentation.algorithms.kmeans import REFIT_STARTS, fit_kmeans
from personas.segmentation.lloyd import means
from personas.segmentation.records import Fitted, Floats, Labels
from personas.segmentation.streams import Step, draw_rows, stream

TRIMMED_SHARE = 0.01
FAR = 6 * 1.4826
APART = -1
"""Label of those who belong to no segment."""
PASSES = 30
START_ROWS = 2_000
TRIMMED_ROWS = 20_000
"""Centroids are found on at most so many rows; every row is then judged by its distance to them."""


def unusual_rows(X: Floats, ks: Sequence[int], seed: int) -> NDArray[np.bool_]:
    """(n,) rows that are trimmed at half of the k or more, far at each of those, and worth a segment of their own.

    Far at one k alone is not enough: with many segments the tail of a round group is far from its small part. Far is
    more than median + 6 * 1.4826 * MAD of the distances. That alone would set the best customer of every shop aside
    (method.md 2.8 does), so the row must also be able to own a segment: at half of those k or more its squared distance
    is more than what the last segment takes off the inertia of the others. The starts are k-means on rows (at most
    2,000) of which the farthest from the middle are left out, because a row that owns a centroid is at no distance.
    """
    inner = _inner(X, TRIMMED_SHARE)
    start = X[inner[draw_rows(seed, Step.TRIMMED, len(inner), START_ROWS)]]
    trimmed, far, owning = np.zeros(len(X)), np.zeros(len(X)), np.zeros(len(X))
    before, last = float(((X[inner] - X[inner].mean(axis=0)) ** 2).sum()), 1
    usable = [k for k in ks if k < len(start)]
    some = X[draw_rows(seed, Step.TRIMMED, len(X), TRIMMED_ROWS)]
    for k in usable:
        begin = fit_kmeans(start, k, stream(seed, Step.TRIMMED, k), REFIT_STARTS).centroids
        distances = distance_to_segment(X, trimmed_means(some, begin))
        out = _farthest(distances, TRIMMED_SHARE)
        inertia = float((distances[~out] ** 2).sum())
        trimmed += out
        far += out & (distances > far_beyond(distances))
        owning += out & (distances**2 > (before - inertia) / (k - last))
        before, last = inertia, k
    unusual: NDArray[np.bool_] = (trimmed >= max(1.0, len(usable) / 2)) & (far == trimmed) & (2 * owning >= trimmed)
    return unusual


def farthest_rows(X: Floats, k: int, seed: int, share: float) -> NDArray[np.bool_]:
    """(n,) the share of the rows that trimmed k-means leaves out at one k; X has a few thousand rows at most."""
    begin = fit_kmeans(X[_inner(X, share)], k, stream(seed, Step.TRIMMED, k), REFIT_STARTS).centroids
    return _farthest(distance_to_segment(X, trimmed_means(X, begin, share)), share)


def _inner(X: Floats, share: float) -> NDArray[np.int64]:
    """Rows without the share that is farthest from the middle."""
    from_middle = ((X - np.median(X, axis=0)) ** 2).sum(axis=1)
    return np.sort(np.argsort(from_middle, kind="stable")[: len(X) - _left_out(X, share)])


def _farthest(distances: Floats, share: float) -> NDArray[np.bool_]:
    count = _left_out(distances, share)
    out: NDArray[np.bool_] = distances >= np.partition(distances, -count)[-count]
    return out


def far_beyond(distances: Floats) -> float:
    """Median + 6 * 1.4826 * MAD; the standard deviation instead where half of the distances are equal (MAD 0)."""
    middle = float(np.median(distances))
    spread = FAR * float(np.median(np.abs(distances - middle)))
    return middle + (spread or 6 * float(distances.std()))


def distance_to_segment(X: Floats, centroids: Floats) -> Floats:
    """(n,) distance of each row to the nearest centroid."""
    distances: Floats = np.sqrt(compute.nearest(X, centroids)[1])
    return distances


def placed(everyone: Floats, kept: NDArray[np.bool_], fitted: Fitted) -> tuple[Labels, float | None]:
    """(n,) segment of each row, -1 for those who belong to none, and the distance from which on that is so.

    Apart are those set aside who lie farther from every segment than anybody who formed one; the distance is that of
    the nearest of them. So one rule serves them, customers who were not drawn, and new ones. None: all have a segment.
    """
    distances = distance_to_segment(everyone, fitted.centroids)
    apart = ~kept & (distances > distances[kept].max() * (1 + 1e-6))
    labels = np.full(len(everyone), APART, dtype=np.int32)
    labels[kept] = fitted.labels
    back = ~kept & ~apart
    if back.any():
        labels[back] = fitted.predict(everyone[back])
    return labels, float(distances[apart].min()) if apart.any() else None


def outside(X: Floats, centroids: Floats, bound: float | None) -> NDArray[np.bool_]:
    """(n,) rows at least as far from every segment as the bound; nobody without one."""
    if bound is None:
        return np.zeros(len(X), dtype=bool)
    return distance_to_segment(X, centroids) >= bound * (1 - 1e-9)


def _left_out(rows: Floats, share: float) -> int:
    return int(np.ceil(share * len(rows)))


def trimmed_means(X: Floats, centroids: Floats, share: float = TRIMMED_SHARE) -> Floats:
    """Centroids (k, d) that the farthest rows, 1% or another share of them, have no part in."""
    k, left_out = len(centroids), _left_out(X, share)
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
