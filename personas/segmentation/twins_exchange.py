"""What ``kernels_exchange`` does, in numpy with the same arguments."""

from __future__ import annotations

import numpy as np

from personas.segmentation.records import Floats
from personas.segmentation.tiles import Blocks, Tiles
from personas.segmentation.twins import passes, rows_of

WORTH = 1e-4


def exchanges(
    blocks: Blocks, weights: Tiles, squares: float, start: Floats, uniforms: Floats, most: int, tolerance: float
) -> tuple[Floats, float]:
    """See ``kernels_exchange.exchanges``."""
    rows, weight, centroids, inertia = rows_of(blocks), weights.ravel(), start.copy(), 0.0
    columns, norms = np.ascontiguousarray(rows.T), np.einsum("ij,ij->i", rows, rows)
    for i, tries in enumerate(uniforms):
        exchanged, moved = 0, True
        for uniform in tries:
            if moved:
                away = _away(columns, norms, centroids)
                label = away.argmin(axis=0)
                best, second = np.partition(away, 1, axis=0)[:2] if len(away) > 1 else (away[0], away[0] + 1e30)
                shares = np.cumsum(weight * best, dtype=np.float64)
            row = min(int(np.searchsorted(shares, uniform * shares[-1], side="right")), len(rows) - 1)
            gaps = _away(columns, norms, rows[row : row + 1])[0]
            now = np.minimum(best, gaps)
            losses = np.bincount(label, weight * (np.minimum(second, gaps) - now), minlength=len(start))
            c = int(losses.argmin())
            moved = float(weight @ now) + losses[c] < shares[-1] * (1 - WORTH)
            if moved:
                centroids[c], exchanged = rows[row], exchanged + 1
        if i and not exchanged:
            break
        centroids, inertia, _ = passes(blocks, weights, squares, centroids, most, tolerance)
    return centroids, inertia


def _away(columns: Tiles, norms: Tiles, points: Floats | Tiles) -> Tiles:
    """(k, n) squared distances."""
    points = points.astype(np.float32)
    away: Tiles = (-2.0 * points) @ columns
    away += norms
    away += np.einsum("ij,ij->i", points, points)[:, None]
    return np.maximum(away, 0.0, out=away)
