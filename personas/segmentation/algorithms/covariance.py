"""Covariances of a mixture: shapes, shrinkage to the pooled covariance, and a cap on how unlike they may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats

SHAPES = ("full", "tied", "diag", "spherical")
HELD = 1_000_000
"""Numbers of covariances of pairs held at once."""


@dataclass(frozen=True, slots=True)
class Regularisation:
    """How covariances are kept away from singular (method.md 7.2).

    ``shrinkage`` rows worth of pooled covariance are added to each component (None: d + 2; Fraley and Raftery 2007);
    ``ridge`` times the mean variance is added to each variance; no two eigenvalues differ by more than the factor
    ``cap`` (Fritz, García-Escudero and Mayo-Iscar 2013).
    """

    shrinkage: float | None = None
    ridge: float = 1e-6
    cap: float = 50.0


OFF = Regularisation(shrinkage=0.0, ridge=0.0, cap=np.inf)


def free_parameters(shape: str, k: int, d: int) -> int:
    """How many numbers a mixture of ``k`` components in ``d`` columns is free to choose."""
    covariance = {"full": k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diag": k * d, "spherical": k}[shape]
    return (k - 1) + k * d + covariance


@dataclass(frozen=True, slots=True)
class Moments:
    """What each component has of the rows: their weight (k,), sums (k, d) and sums of products (k, d, d)."""

    counts: Floats
    sums: Floats
    products: Floats

    @property
    def lightest(self) -> float:
        """Weight of the lightest component."""
        return float(self.counts.min() / self.counts.sum())


@dataclass(frozen=True, slots=True)
class Components:
    """Weights (k,), means (k, d) and covariances (k, d, d)."""

    weights: Floats
    means: Floats
    covariances: Floats


def maximise(moments: Moments, shape: str, how: Regularisation) -> Components:
    """The most likely components with these moments, covariances regularised."""
    counts, means, raw = _apart(moments)
    pooled = np.tensordot(counts / counts.sum(), raw, axes=1)
    return Components(counts / counts.sum(), means, _capped(_regular(counts, raw, pooled, shape, how), counts, how.cap))


def _apart(moments: Moments) -> tuple[Floats, Floats, Floats]:
    """Weights, means and covariances as they are."""
    counts = np.maximum(moments.counts, 1e-9)
    means = moments.sums / counts[:, None]
    return counts, means, moments.products / counts[:, None, None] - means[:, :, None] * means[:, None, :]


def _regular(counts: Floats, raw: Floats, pooled: Floats, shape: str, how: Regularisation) -> Floats:
    """Covariances shrunk to the ``pooled`` one and brought into shape, without the cap."""
    d = len(pooled)
    nu = (d + 2.0) if how.shrinkage is None else how.shrinkage
    if shape == "tied":
        shrunk = np.repeat(pooled[None], len(raw), axis=0)
    else:
        shrunk = (counts[:, None, None] * raw + nu * pooled) / (counts + nu)[:, None, None]
    if shape in ("diag", "spherical"):
        variances = np.einsum("kii->ki", shrunk)
        if shape == "spherical":
            variances = np.repeat(variances.mean(axis=1, keepdims=True), d, axis=1)
        shrunk = np.einsum("ki,ij->kij", variances, np.eye(d))
    regular: Floats = shrunk + how.ridge * np.trace(pooled) / d * np.eye(d)
    return regular


def merged(moments: Moments, shape: str, how: Regularisation) -> Moments:
    """The same with two components made one: those that lose least likelihood by it, were each row of one component;
    one of less than a row first of all.
    """
    k, d = moments.sums.shape
    parts = moments.counts, moments.sums, moments.products
    # A pair and its members are shrunk alike, to the covariance of all rows.
    everyone = _apart(Moments(*(part.sum(axis=0, keepdims=True) for part in parts)))[2][0]

    def pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> Moments:
        return Moments(*(part[first] + part[second] for part in parts))

    def worth(some: Moments) -> Floats:
        counts, _, raw = _apart(some)
        lower = np.linalg.cholesky(_regular(counts, raw, everyone, shape, how))
        found: Floats = counts * (np.log(counts) - np.log(np.einsum("kii->ki", lower)).sum(axis=1))
        return found

    a, b = np.triu_indices(k, 1)
    step = max(1, HELD // d**2)
    together = [worth(pairs(a[i : i + step], b[i : i + step])) for i in range(0, len(a), step)]
    alone = worth(moments)
    gains = np.concatenate(together) - alone[a] - alone[b]
    gains[np.minimum(moments.counts[a], moments.counts[b]) < 1] = np.inf
    best = int(np.argmax(gains))
    kept, one = np.delete(np.arange(k), [a[best], b[best]]), pairs(a[best : best + 1], b[best : best + 1])
    return Moments(
        np.append(moments.counts[kept], one.counts),
        np.concatenate((moments.sums[kept], one.sums)),
        np.concatenate((moments.products[kept], one.products)),
    )


def _capped(covariances: Floats, counts: Floats, cap: float) -> Floats:
    """The same covariances with all eigenvalues clipped to [m, cap m], m chosen by the likelihood."""
    if not np.isfinite(cap):
        return covariances
    values, vectors = np.linalg.eigh(covariances)
    low, high = float(values.min()), float(values.max())
    if low > 0 and high <= cap * low:
        return covariances
    best = _best_floor(values, counts, cap, max(low, high * 1e-12))
    kept = np.clip(values, best, cap * best)
    result: Floats = np.einsum("kij,kj,klj->kil", vectors, kept, vectors)
    return result


def _best_floor(values: Floats, counts: Floats, cap: float, lowest: float) -> float:
    """The m, among 200 from ``lowest`` to the largest eigenvalue, whose clipping to [m, cap m] costs least likelihood:
    log(clipped) + value / clipped, added up by sums over eigenvalues in order.
    """
    order = np.argsort(values, axis=None)
    value, weight = values.ravel()[order], np.repeat(counts, values.shape[1])[order]
    grid = np.geomspace(lowest, value[-1], 200)
    weights, weighted, kept = (
        np.concatenate(([0.0], np.cumsum(part)))
        for part in (weight, weight * value, weight * (np.log(np.maximum(value, lowest)) + 1))
    )
    below, above = np.searchsorted(value, grid), np.searchsorted(value, cap * grid, side="right")
    costs = weights[below] * np.log(grid) + weighted[below] / grid + kept[above] - kept[below]
    costs += (weights[-1] - weights[above]) * np.log(cap * grid) + (weighted[-1] - weighted[above]) / (cap * grid)
    return float(grid[int(np.argmin(costs))])
