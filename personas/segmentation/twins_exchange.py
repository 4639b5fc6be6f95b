"""What ``kernels_exchange`` does, in numpy with the same arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats
from personas.segmentation.tiles import WORTH, Blocks, Tiles
from personas.segmentation.twins import passes, rows_of


def exchanges(
    blocks: Blocks, weights: Tiles, squares: float, start: Floats, uniforms: Floats, most: int, tolerance: float
) -> tuple[Floats, float]:
    """See ``kernels_exchange.exchanges``."""
    rows, weight, centroids = rows_of(blocks), weights.ravel(), start.copy()
    columns, norms = np.ascontiguousarray(rows.T), np.einsum("ij,ij->i", rows, rows)
    label, best, second, shares = _state(columns, norms, weight, centroids)
    for uniform in uniforms:
        row = min(int(np.searchsorted(shares, uniform * shares[-1], side="right")), len(rows) - 1)
        gaps = _away(columns, norms, rows[row : row + 1])[0]
        now = np.minimum(best, gaps)
        losses = np.bincount(label, weight * (np.minimum(second, gaps) - now), minlength=len(start))
        c = int(losses.argmin())
        if float(weight @ now) + losses[c] < shares[-1] * (1 - WORTH):
            centroids[c] = rows[row]
            label, best, second, shares = _state(columns, norms, weight, centroids)
    centroids, inertia, _ = passes(blocks, weights, squares, centroids, most, tolerance)
    return centroids, inertia


def _state(
    columns: Tiles, norms: Tiles, weight: Tiles, centroids: Floats
) -> tuple[NDArray[np.int64], Tiles, Tiles, Floats]:
    """The nearest centroid, the squared distances to it and to the next, and the running sum of the former."""
    away = _away(columns, norms, centroids)
    label, best, second = np.zeros(len(norms), dtype=np.int64), away[0].copy(), np.full_like(norms, np.inf)
    # From centroid to centroid: numpy's own partition goes from row to row and takes five times as long.
    for c in range(1, len(away)):
        np.minimum(second, np.maximum(best, away[c]), out=second)
        np.copyto(label, c, where=away[c] < best)
        np.minimum(best, away[c], out=best)
    return label, best, second, np.cumsum(weight * best, dtype=np.float64)


def _away(columns: Tiles, norms: Tiles, points: Floats | Tiles) -> Tiles:
    """(k, n) squared distances."""
    narrow: Tiles = points.astype(np.float32)
    away: Tiles = narrow @ columns
    away *= -2.0
    away += norms
    away += np.einsum("ij,ij->i", narrow, narrow)[:, None]
    np.maximum(away, np.float32(0.0), out=away)
    return away
