"""What the kernels do, in numpy with the same arguments: used where numba is missing or switched off."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, Blocks, Bounds, Places, Small, Tiles, Weights

BLOCK = 4096
CANCELLED, LOST, ROUNDED = 1e-6, 1e-3, 1e-6
"""Squared distances below this share of the squared norms have lost digits, in float64 and in float32; below the last
one nothing is left in float32."""
PIECE = 128
"""Rows whose distances are added up in float32."""


def pack(X: Floats, centre: Floats, first: int, weights: Tiles, blocks: Blocks) -> float:
    """See ``kernels.pack``; ``first`` is a multiple of 256."""
    n, d = X.shape
    head, count = first // ROWS, -(-n // ROWS)
    padded = np.zeros((count * ROWS, d))
    padded[:n] = X - centre
    blocks[head : head + count] = padded.reshape(count, ROWS, d).transpose(0, 2, 1)
    return float(weights[head : head + count].ravel().astype(np.float64) @ (padded**2).sum(axis=1))


def rows_of(blocks: Blocks) -> Tiles:
    """(b * 256, d) the rows of blocks, one after another."""
    rows: Tiles = blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])
    return rows


def passes(
    blocks: Blocks, weights: Tiles, squares: float, start: Floats, most: int, tolerance: float
) -> tuple[Floats, float, int]:
    """See ``kernels.passes``."""
    rows = rows_of(blocks)
    return _passes(rows, np.ascontiguousarray(rows.T), weights.ravel(), squares, start, most, tolerance)


def _passes(
    rows: Tiles, columns: Tiles, weight: Tiles, squares: float, start: Floats, most: int, tolerance: float
) -> tuple[Floats, float, int]:
    k = len(start)
    centroids, inertia, done = start.copy(), 0.0, 0
    label = np.zeros(len(rows), dtype=np.int8 if k < 128 else np.int32)
    counts, sums = np.zeros(k), np.zeros((k, rows.shape[1]))
    counts[0], sums[0] = weight.sum(dtype=np.float64), columns.astype(np.float64) @ weight.astype(np.float64)
    for _ in range(most):
        done += 1
        before, label = label, _nearest(columns, centroids, label.dtype)
        _shift(rows, weight, before, label, sums, counts)
        now = sums / np.maximum(counts, 1e-300)[:, None]
        for c in np.flatnonzero(counts == 0):
            points = centroids.copy()
            points[:c] = now[:c]
            gaps = ((rows[:, None, :] - points[None]) ** 2).sum(axis=2).min(axis=1)
            sums[c], now[c] = 0.0, rows[int(np.argmax(np.where(weight > 0, gaps, -1)))]
        inertia = squares - float((counts[:, None] * now**2).sum())
        moved = float(((now - centroids) ** 2).sum())
        centroids = now
        if moved <= tolerance:
            break
    return centroids, inertia, done


def _nearest(columns: Tiles, centroids: Floats, kind: np.dtype[np.generic]) -> NDArray[np.generic]:
    """Nearest centroids by half the squared distances less half the squared norms of the rows. From centroid to
    centroid: numpy's own search for the smallest goes from row to row and takes five times as long.
    """
    halves = centroids.astype(np.float32) @ columns
    np.subtract((0.5 * (centroids**2).sum(axis=1)).astype(np.float32)[:, None], halves, out=halves)
    label, best = np.zeros(columns.shape[1], dtype=kind), halves[0]
    for c in range(1, len(centroids)):
        np.copyto(label, c, where=halves[c] < best)
        np.minimum(best, halves[c], out=best)
    return label


def starts(
    blocks: Blocks, weights: Tiles, squares: float, uniforms: Floats, k: int, most: int, tolerance: float
) -> tuple[Floats, Floats]:
    """See ``kernels.starts``."""
    rows, weight = rows_of(blocks), weights.ravel()
    columns, norms = np.ascontiguousarray(rows.T), np.einsum("ij,ij->i", rows, rows)
    seeds = [_seed(rows, columns, norms, weight, u, k) for u in uniforms]
    found = [_passes(rows, columns, weight, squares, seed, most, tolerance) for seed in seeds]
    return np.array([inertia for _, inertia, _ in found]), np.stack([centroids for centroids, _, _ in found])


def _seed(rows: Tiles, columns: Tiles, norms: Tiles, weight: Tiles, uniforms: Floats, k: int) -> Floats:
    tries = (len(uniforms) - 1) // max(1, k - 1)
    centroids = np.empty((k, rows.shape[1]))
    least, used = np.ones(len(rows), dtype=np.float32), 0
    last = int(np.flatnonzero(weight > 0)[-1])
    for c in range(k):
        shares = np.cumsum(weight * least, dtype=np.float64)
        candidates = 1 if c == 0 else tries
        wanted = uniforms[used : used + candidates] * shares[-1]
        used += candidates
        # The first row whose cumulative share is beyond the drawn one; never a row without weight.
        picked = np.minimum(np.searchsorted(shares, wanted, side="right"), last)
        trials = (-2.0 * rows[picked]) @ columns
        trials += norms
        trials += norms[picked, None]
        # What is left of equal rows is rounding.
        trials[trials < ROUNDED * norms] = 0.0
        if c:
            np.minimum(trials, least, out=trials)
        best = int(np.argmin(trials @ weight))
        least = trials[best]
        centroids[c] = rows[picked[best]]
    return centroids


def sweep(
    blocks: Blocks, weights: Tiles, centroids: Floats, ends: Bounds, fresh: bool, labels: Small, sums: Floats,
    counts: Floats,
) -> int:  # fmt: skip
    """See ``kernels.sweep``."""
    rows, weight, changed = rows_of(blocks), weights.ravel(), 0
    columns = np.ascontiguousarray(rows.T)
    if fresh:
        labels[:] = 0
        counts[ends[:-1]] = weight.sum(dtype=np.float64)
        sums[ends[:-1]] = columns.astype(np.float64) @ weight.astype(np.float64)
    for before, low, high in zip(labels.reshape(len(labels), -1), ends, ends[1:], strict=False):
        label = _nearest(columns, centroids[low:high], before.dtype)
        changed += _shift(rows, weight, before, label, sums[low:high], counts[low:high])
        before[:] = label
    return changed


def _shift(
    rows: Tiles, weight: Tiles, before: NDArray[np.generic], label: NDArray[np.generic], sums: Floats, counts: Floats
) -> int:
    """Move the rows whose label changed from one sum to another; gives how many they are."""
    moving = np.flatnonzero(label != before)
    groups = np.arange(len(counts))[:, None]
    shift = (label[moving] == groups) - (before[moving] == groups).astype(float)
    shift *= weight[moving]
    counts += shift.sum(axis=1)
    sums += shift @ rows[moving].astype(np.float64)
    return len(moving)


def nearest(
    X: Floats, centroids: Floats, ends: Bounds, centre: Floats, tie: float, labels: Labels, gaps: Floats
) -> None:
    """See ``kernels_rows.nearest``."""
    for first in range(0, len(X), BLOCK):
        part = slice(first, first + BLOCK)
        everything = _squares(X[part], centroids)
        for m, (low, high) in enumerate(pairwise(ends)):
            squares = everything[:, low:high]
            limit = squares.min(axis=1) + tie * (1e-12 + squares.mean(axis=1))
            labels[m, part] = np.argmax(squares <= limit[:, None], axis=1)
            gaps[m, part] = squares[np.arange(len(squares)), labels[m, part]]


def _squares(X: Floats, centroids: Floats) -> Floats:
    """(n, k) squared distances. Both sides are moved to the mean of the centroids: values far from 0 keep digits."""
    centre = centroids.mean(axis=0)
    rows, points = X - centre, centroids - centre
    squares: Floats = rows @ (-2.0 * points.T)
    squares += np.einsum("ij,ij->i", rows, rows)[:, None]
    squares += np.einsum("ij,ij->i", points, points)
    return np.maximum(squares, 0.0, out=squares)


def group_sums(
    X: Floats, labels: Labels, ends: Bounds, weights: Floats, pivot: Floats, sums: Floats, counts: Floats,
    squares: Floats,
) -> None:  # fmt: skip
    """See ``kernels_rows.group_sums``."""
    weight = weights if len(weights) else np.ones(len(X))
    rows, norms = X - pivot, np.einsum("ij,ij->i", X - pivot, X - pivot)
    for own, low, high in zip(labels, ends, ends[1:], strict=False):
        counts[low:high] += np.bincount(own, weights=weight, minlength=high - low)
        squares[low:high] += np.bincount(own, weights=weight * norms, minlength=high - low)
        for j, x in enumerate(rows.T):
            sums[low:high, j] += np.bincount(own, weights=weight * x, minlength=high - low)


def squared(
    X: Floats, labels: Labels, ends: Bounds, means: Floats, spread: Floats, counts: Floats, values: Floats
) -> None:
    """See ``kernels_rows.squared``."""
    for first in range(0, len(X), BLOCK):
        part = slice(first, first + BLOCK)
        everything = _squares(X[part], means) + spread
        everything[:, counts == 0] = np.inf
        for m, (low, high) in enumerate(pairwise(ends)):
            own, away, sizes = labels[m, part], everything[:, low:high], counts[low:high]
            row = np.arange(len(own))
            within = away[row, own] * sizes[own] / np.maximum(sizes[own] - 1, 1)
            away[row, own] = np.inf
            near = away.min(axis=1)
            larger = np.maximum(within, near)
            some = (larger > 0) & (sizes[own] > 1)
            values[m, part] = np.divide(near - within, larger, out=np.zeros(len(own)), where=some)


def cell_sums(queries: Blocks, rows: Tiles, bounds: Bounds, sums: Floats) -> None:
    """See ``kernels_rows.cell_sums``."""
    x = rows_of(queries)
    # Pieces of at most 128 rows are added up in float32, these sums in float64; about 4,096 rows at a time.
    parts = [np.arange(bounds[g], bounds[g + 1], PIECE) for g in range(len(bounds) - 1)]
    first = np.concatenate(([0], np.cumsum([len(part) for part in parts])))[:-1]
    starts = np.concatenate(parts)
    norms = np.einsum("ij,ij->i", rows, rows)
    left = np.column_stack((-2.0 * x, np.einsum("ij,ij->i", x, x), np.ones(len(x), np.float32)))
    right = np.ascontiguousarray(np.column_stack((rows, np.ones(len(rows), np.float32), norms)).T)
    pieces = np.empty((ROWS, len(starts)), np.float32)
    cuts = np.unique(np.searchsorted(starts, np.append(np.arange(0, len(rows), BLOCK), len(rows))))
    places = np.append(starts, len(rows))
    for i in range(0, len(x), ROWS):
        for j, k in pairwise(cuts):
            low, high = places[j], places[k]
            squares = left[i : i + ROWS] @ right[:, low:high]
            # As in distance_sums: close rows have about the same norm.
            a, b = _close(squares, 2 * LOST * left[i : i + ROWS, -2, None])
            squares[a, b] = ((x[i + a] - rows[low + b]) ** 2).sum(axis=1)
            pieces[:, j:k] = np.add.reduceat(np.sqrt(squares, out=squares), starts[j:k] - low, axis=1)
        sums[:, i : i + ROWS] = np.add.reduceat(pieces, first, axis=1, dtype=np.float64).T


def segment_sums(pieces: Floats, segments: Places, weights: Floats, sums: Floats) -> None:
    """See ``kernels_rows.segment_sums``."""
    together = np.zeros((len(sums), len(pieces)))
    np.add.at(together, (segments.T, np.arange(len(pieces))), weights)
    sums += together @ pieces


def _close(squares: NDArray[np.floating[Any]], limit: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int64], ...]:
    """Where ``squares`` are below ``limit``; numpy's own search in two dimensions takes four times as long."""
    return np.divmod(np.flatnonzero(squares < limit), squares.shape[1])


def distance_sums(queries: Floats, rows: Floats, bounds: Bounds, held: int = 2_000_000) -> Floats:
    """(q, cells) sums of the distances from every query to the rows of every cell, in float64.

    ``rows`` are sorted by cell; so many distances are ``held`` at once.
    """
    norms = np.einsum("ij,ij->i", rows, rows)
    sums = np.empty((len(queries), len(bounds) - 1))
    step = max(1, held // len(rows))
    for first in range(0, len(queries), step):
        part = queries[first : first + step]
        scale = np.einsum("ij,ij->i", part, part)[:, None] + norms
        squares = part @ rows.T
        squares *= -2.0
        squares += scale
        # The fast formula cancels where rows are close: there from direct differences.
        i, j = _close(squares, CANCELLED * scale)
        squares[i, j] = ((part[i] - rows[j]) ** 2).sum(axis=1)
        sums[first : first + step] = np.add.reduceat(np.sqrt(squares, out=squares), bounds[:-1], axis=1)
    return sums


def mixture(
    X: Floats, centre: Floats, scale: Floats, whiten: Floats, offset: Floats, constant: Floats,
    counts: Floats, sums: Floats, squares: Floats,
) -> float:  # fmt: skip
    """See ``kernels_mixture.mixture``."""
    k, d, found = len(constant), X.shape[1], 0.0
    for first in range(0, len(X), BLOCK):
        rows = (X[first : first + BLOCK] - centre) / scale
        shares = _densities(rows, whiten, offset, constant)
        top = shares.max(axis=1, keepdims=True)
        np.exp(np.subtract(shares, top, out=shares), out=shares)
        total = shares.sum(axis=1, keepdims=True)
        found += float((top + np.log(total)).sum())
        shares /= total
        counts += shares.sum(axis=0)
        sums[:, :d] += shares.T @ rows
        # All components in one product: the rows once for each of them, by their shares.
        squares[:, :d, :d] += ((shares[:, :, None] * rows[:, None, :]).reshape(-1, k * d).T @ rows).reshape(k, d, d)
    return found


def narrow_mixture(
    blocks: Blocks, n: int, whiten: Blocks, offset: Tiles, constant: Weights,
    counts: Floats, sums: Floats, squares: Floats,
) -> float:  # fmt: skip
    """See ``kernels_mixture.narrow_mixture``."""
    rows, model = rows_of(blocks)[:n].astype(np.float64), (whiten.astype(float), offset.astype(float))
    wide = rows.shape[1]
    return mixture(rows, np.zeros(wide), np.ones(wide), *model, constant.astype(float), counts, sums, squares)


def log_densities(
    X: Floats, centre: Floats, scale: Floats, whiten: Floats, offset: Floats, constant: Floats, out: Floats
) -> None:
    """See ``kernels_mixture.log_densities``."""
    for first in range(0, len(X), BLOCK):
        rows = (X[first : first + BLOCK] - centre) / scale
        out[first : first + BLOCK] = _densities(rows, whiten, offset, constant)


def _densities(rows: Floats, whiten: Floats, offset: Floats, constant: Floats) -> Floats:
    """(n, k) from one product for all components."""
    k, d = len(constant), rows.shape[1]
    white = rows @ whiten[:, :d, :d].reshape(k * d, d).T
    white -= offset[:, :d].reshape(-1)
    np.multiply(white, white, out=white)
    logs: Floats = constant - 0.5 * white.reshape(-1, k, d).sum(axis=2)
    return logs
