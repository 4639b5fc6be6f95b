"""k-means: the default model. Segments are the rows nearest to each of k centroids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute
from personas.segmentation.compute import Packed
from personas.segmentation.lloyd import lloyd, nearest, squared_distances
from personas.segmentation.records import Algorithm, Floats, Labels

START_ROWS = 10_000
"""Above this many rows the starts run on so many of them, and only the best go on with all (performance.md 2.1). Starts
on a third of 10,000 rows would be three times as fast and end up to 2% above the best inertia."""
FINALISTS = 5
"""Starts stop early, so optima that differ in the sixth digit can only be told apart after going on to the end."""
LAST_PASSES, FIRST_PASSES = 300, 10
FEW_ROWS = 20_000
"""Up to so many rows every finalist goes on until nothing moves."""
RACE_BLOCKS = 100
"""Beyond FEW_ROWS the finalists race on so many blocks of 256 rows, and only the winner goes on with all rows."""
RACE_PASSES = 6
FULL_PASSES = 4
"""Fewest last passes over all rows; after them the inertia is within 4e-5 of convergence at a million rows."""
ROWS_PASSED = 1_000_000
"""Fewer rows get more last passes: so many rows are looked at in all."""
LOOSE = 1e-4
"""A start ends when its centroids move by less than this, in mean variances of a column."""
ROUGH = 1e-3
"""The same on a part of the rows: the best go on with all of them anyway."""
SAME_OPTIMUM = 1e-4
SAME_SOLUTION = 1e-7
REFIT_STARTS = 5
"""Up to this many starts are a refit: no share of starts is recorded."""


@dataclass(frozen=True, slots=True)
class KMeansModel:
    """k centroids. ``optimum_share`` is the share of starts within 1e-4 of the best inertia, None for a refit."""

    k: int
    labels: Labels
    centroids: Floats
    inertia: float
    optimum_share: float | None = None
    algorithm: str = field(default="kmeans")

    def predict(self, X: Floats) -> Labels:
        """(n,) number of the nearest centroid."""
        return nearest(X, self.centroids)

    def membership(self, X: Floats) -> Floats:
        """(n, k) inverse squared distances scaled to 1: the weights of fuzzy c-means with exponent 2 (Bezdek 1981).

        1 on a centroid, 1/k at equal distance to all. A graded distance, not a probability.
        """
        squares = squared_distances(X, self.centroids)
        floor = 1e-12 * (1e-300 + squares.mean(axis=1, keepdims=True))
        weights = 1.0 / np.maximum(squares, floor)
        shares: Floats = weights / weights.sum(axis=1, keepdims=True)
        return shares

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Centroids and inertia."""
        return {"centroids": self.centroids, "inertia": np.array(self.inertia)}


def in_order(centroids: Floats) -> NDArray[np.int64]:
    """The order that sorts centroids by their first coordinate, then the second and so on."""
    return np.lexsort(centroids.T[::-1]).astype(np.int64)


def collapse(X: Floats) -> tuple[Floats, Floats | None]:
    """Equal rows that stand side by side as one row with a weight: resamples are a third smaller this way."""
    changes = np.concatenate(([True], X[1:, 0] != X[:-1, 0]))
    same = np.flatnonzero(~changes)
    changes[same] = (X[same] != X[same - 1]).any(axis=1)
    if changes.all():
        return X, None
    first = np.flatnonzero(changes)
    return X[first], np.diff(np.append(first, len(X))).astype(float)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows ready to be fitted with any k: X (n, d), its distinct ``rows`` with ``weights``, and the same packed."""

    X: Floats
    rows: Floats
    weights: Floats | None
    packed: Packed


def prepare(X: Floats) -> Prepared:
    """What all k share; equal rows that stand side by side become one."""
    rows, weights = collapse(X)
    return Prepared(X, rows, weights, compute.pack(rows, weights))


def fit_kmeans(X: Floats, k: int, stream: np.random.SeedSequence, starts: int) -> KMeansModel:
    """The best of ``starts`` k-means++ starts by inertia, its centroids in lexicographic order.

    Parameters
    ----------
    X : (n, d) float64
        Finite, scaled. Cost O(starts * n * d * k) up to 10,000 rows; beyond, starts run on 10,000 of them.
    k : int
        At most the number of distinct rows.
    stream : SeedSequence
        Each start takes its own numbers from it, so that 100 starts contain the first 20.
    starts : int
        20 for a reference fit, 5 for a refit (method.md 7.1).
    """
    return fit_prepared(prepare(X), k, stream, starts)


def fit_prepared(
    data: Prepared, k: int, stream: np.random.SeedSequence, starts: int, *, share: bool = True
) -> KMeansModel:
    """``fit_kmeans`` on prepared rows. Without the ``share`` of starts in the best optimum, all but the best few starts
    end after ten passes: the inertia stays within 0.2% (measured on eight markets) for half the time.
    """
    if len(data.rows) < k:
        data = Prepared(data.X, data.X, None, compute.pack(data.X))
    n = len(data.rows)
    inertias, found = _starts(data, k, stream, starts, LAST_PASSES if share else FIRST_PASSES)
    finalists = _finalists(inertias, found)
    if n <= FEW_ROWS:
        centroids = _best([compute.passes(data.packed, start, LAST_PASSES) for start in finalists])
        # The last word on labels is said in float64, and equal distances go to the lower number.
        centroids = lloyd(data.rows, centroids, LAST_PASSES, data.weights)[0]
    else:
        track = _every(data.packed, RACE_BLOCKS)
        centroids = _best([compute.passes(track, start, RACE_PASSES) for start in finalists])
        centroids = compute.passes(data.packed, centroids, max(FULL_PASSES, ROWS_PASSED // n))[1]
    centroids = np.ascontiguousarray(centroids[in_order(centroids)])
    labels, _, inertia = compute.nearest(data.X, centroids)
    return KMeansModel(k, labels, centroids, inertia, _share(inertias) if share and starts > REFIT_STARTS else None)


def restore_kmeans(arrays: Mapping[str, NDArray[np.generic]]) -> KMeansModel:
    """The model of saved ``arrays``; its labels are empty."""
    centroids = np.ascontiguousarray(arrays["centroids"], dtype=np.float64)
    return KMeansModel(len(centroids), np.empty(0, dtype=np.int32), centroids, float(arrays["inertia"]))


def _starts(
    data: Prepared, k: int, stream: np.random.SeedSequence, starts: int, most: int
) -> tuple[Floats, Floats]:
    """Inertia (R,) and centroids (R, k, d) of all starts after at most so many passes, on a part of the rows when there
    are many.
    """
    random = np.random.Generator(np.random.PCG64(stream))
    uniforms = random.random((starts, 1 + (k - 1) * compute.tries(k)))
    n, packed = len(data.rows), data.packed
    if n > START_ROWS:
        drawn = np.sort(random.choice(n, max(k, START_ROWS), replace=False))
        packed = compute.pack(data.rows[drawn], None if data.weights is None else data.weights[drawn])
    return compute.starts(packed, k, uniforms, most, LOOSE if packed is data.packed else ROUGH)


def _every(packed: Packed, blocks: int) -> Packed:
    """So many blocks, evenly from all."""
    step = len(packed.blocks) // blocks
    if step <= 1:
        return packed
    return replace(packed, blocks=np.ascontiguousarray(packed.blocks[::step]), weights=packed.weights[::step].copy())


def _best(runs: list[tuple[float, Floats]]) -> Floats:
    return min(runs, key=lambda run: run[0])[1]


def _finalists(inertias: Floats, centroids: Floats) -> list[Floats]:
    """The best few starts that differ: two with the same inertia to the sixth digit are the same solution."""
    kept: list[int] = []
    for i in np.argsort(inertias, kind="stable"):
        if len(kept) < FINALISTS and (not kept or inertias[i] > inertias[kept[-1]] * (1 + SAME_SOLUTION)):
            kept.append(int(i))
    return [centroids[i] for i in kept]


def _share(inertias: Floats) -> float:
    return float((inertias <= inertias.min() * (1 + SAME_OPTIMUM)).mean())


KMEANS = Algorithm(
    name="kmeans",
    label="k-means",
    fit=fit_kmeans,
    restore=restore_kmeans,
    suits="compact groups of similar spread",
)
