"""k-means: the default model. Segments are the rows nearest to each of k centroids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute
from personas.segmentation.compute import Packed
from personas.segmentation.lloyd import go_on, lloyd, nearest, settle, squared_distances
from personas.segmentation.ordered import Ordered, Rows, runs
from personas.segmentation.records import Algorithm, Floats, Labels
from personas.segmentation.threads import spread
from personas.segmentation.tiles import ROWS

START_ROWS = 10_000
"""Above this many rows the starts run on so many of them, and only the best go on with all (performance.md 2.1). Starts
on a third of 10,000 rows would be three times as fast and end up to 2% above the best inertia."""
FINALISTS = 5
"""Starts stop early, so optima that differ in the sixth digit can only be told apart after going on to the end."""
LAST_PASSES = 300
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
class Quick:
    """A fit that nobody asks for its share of starts in the best optimum: starts of a few passes, fewer for large k,
    each bettered by exchanges, so many tries for each centroid. Of 176 fits of 6,000 and 10,000 rows 6 ended more than
    0.5% above the best of ten whole starts; of twenty whole starts, which take 2.4 times as long, 3 did. Many rows are
    passed over once, which leaves 5e-5 of the inertia.
    """

    start_centroids: int = 50
    fewest: int = 6
    most: int = 20
    passes: int = 2
    tries: int = 4
    last_passes: int = 5
    finalists: int = 2
    full_passes: int = 1

    def starts(self, k: int) -> int:
        """How many starts."""
        return min(self.most, max(self.fewest, self.start_centroids // k))


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


QUICK = Quick()


def in_order(centroids: Floats) -> NDArray[np.int64]:
    """The order that sorts centroids by their first coordinate, then the second and so on."""
    return np.lexsort(centroids.T[::-1]).astype(np.int64)


def collapse(X: Rows) -> tuple[Rows, Floats | None]:
    """Equal rows that stand side by side as one row with a weight: resamples are a third smaller this way."""
    if isinstance(X, Ordered):
        if X.distinct == len(X):
            return X, None
        first = runs(X)
        return replace(X, order=X.order[first]), np.diff(np.append(first, len(X))).astype(float)
    changes = np.concatenate(([True], X[1:, 0] != X[:-1, 0]))
    same = np.flatnonzero(~changes)
    changes[same] = (X[same] != X[same - 1]).any(axis=1)
    if changes.all():
        return X, None
    first = np.flatnonzero(changes)
    return X[first], np.diff(np.append(first, len(X))).astype(float)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows ready to be fitted with any k: X (n, d), its distinct ``rows`` with ``weights``, and the same packed.

    Many rows are packed piece by piece while they are passed over: ``packed`` is a part of them.
    """

    X: Rows
    rows: Rows
    weights: Floats | None
    packed: Packed


def prepare(X: Rows) -> Prepared:
    """What all k share; equal rows that stand side by side become one."""
    rows, weights = collapse(X)
    if len(rows) <= FEW_ROWS:
        return Prepared(X, rows, weights, compute.pack(rows[:], weights))
    track = _track(len(rows))
    return Prepared(X, rows, weights, compute.pack(rows[track], None if weights is None else weights[track]))


def _track(n: int) -> NDArray[np.int64]:
    """Where the finalists race: so many blocks, evenly from all whole ones."""
    blocks = np.arange(0, n // ROWS, max(1, n // ROWS // RACE_BLOCKS))
    return (blocks[:, None] * ROWS + np.arange(ROWS)).ravel()


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
    data: Prepared, k: int, stream: np.random.SeedSequence, starts: int, *, quick: bool = False
) -> KMeansModel:
    """``fit_kmeans`` on prepared rows. ``quick``: a few starts, bettered by exchanges, so there is no share of them in
    the best optimum; many rows are passed over once only and have labels of eight bits.
    """
    if len(data.rows) > FEW_ROWS:
        return fit_many(data, {k: stream}, starts, quick=quick)[k]
    if len(data.rows) < k:
        data = Prepared(data.X, data.X, None, compute.pack(data.X[:]))
    inertias, found = _starts(data, k, stream, starts, quick)
    finalists = _finalists(inertias, found, QUICK.finalists if quick else FINALISTS)
    centroids = _best([compute.passes(data.packed, start, LAST_PASSES) for start in finalists])
    # The last word on labels is said in float64, and equal distances go to the lower number.
    centroids = lloyd(data.rows[:], centroids, LAST_PASSES, data.weights)[0]
    centroids = np.ascontiguousarray(centroids[in_order(centroids)])
    labels, _, inertia = compute.nearest(data.X, centroids)
    return KMeansModel(k, labels, centroids, inertia, None if quick or starts <= REFIT_STARTS else _share(inertias))


def fit_many(
    data: Prepared, streams: Mapping[int, np.random.SeedSequence], starts: int, *, quick: bool = False
) -> dict[int, KMeansModel]:
    """``fit_prepared`` for many rows and all k at once: starts and finalists run on parts of the rows, one model of
    each k goes on with all of them, and every pass over the rows serves all k (performance.md 2.1).
    """

    def best(k: int) -> tuple[Floats, float | None]:
        inertias, found = _starts(data, k, streams[k], starts, quick)
        finalists = _finalists(inertias, found, QUICK.finalists if quick else FINALISTS)
        runs = [compute.passes(data.packed, start, RACE_PASSES) for start in finalists]
        return _best(runs), None if quick or starts <= REFIT_STARTS else _share(inertias)

    # The largest k takes longest: it goes first, so that no thread waits for it at the end.
    ks = sorted(streams, reverse=True)
    found = dict(zip(ks, spread(best, ks), strict=True))
    most = QUICK.full_passes if quick else max(FULL_PASSES, ROWS_PASSED // len(data.rows))
    models = go_on(data.rows, data.weights, data.packed, [found[k][0] for k in ks], most)
    models = [np.ascontiguousarray(centroids[in_order(centroids)]) for centroids in models]
    labels, inertias = settle(data.X, models, np.int8 if quick else np.int32)
    return {k: KMeansModel(k, labels[i], models[i], inertias[i], found[k][1]) for i, k in enumerate(ks)}


def restore_kmeans(arrays: Mapping[str, NDArray[np.generic]]) -> KMeansModel:
    """The model of saved ``arrays``; its labels are empty."""
    centroids = np.ascontiguousarray(arrays["centroids"], dtype=np.float64)
    return KMeansModel(len(centroids), np.empty(0, dtype=np.int32), centroids, float(arrays["inertia"]))


def _starts(
    data: Prepared, k: int, stream: np.random.SeedSequence, starts: int, quick: bool
) -> tuple[Floats, Floats]:
    """Inertia (R,) and centroids (R, k, d) of all starts, on a part of the rows when there are many."""
    random = np.random.Generator(np.random.PCG64(stream))
    uniforms = random.random((QUICK.starts(k) if quick else starts, 1 + (k - 1) * compute.tries(k)))
    n, packed = len(data.rows), data.packed
    if n > START_ROWS:
        drawn = np.sort(random.choice(n, max(k, START_ROWS), replace=False))
        packed = compute.pack(data.rows[drawn], None if data.weights is None else data.weights[drawn])
    if not quick:
        return compute.starts(packed, k, uniforms, LAST_PASSES, LOOSE if packed is data.packed else ROUGH)
    found = compute.starts(packed, k, uniforms, QUICK.passes, ROUGH)[1]
    tries = random.random((len(found), QUICK.tries * k))
    runs = [compute.exchanges(packed, *start, QUICK.last_passes, LOOSE) for start in zip(found, tries, strict=True)]
    return np.array([inertia for inertia, _ in runs]), np.stack([centroids for _, centroids in runs])


def _best(runs: list[tuple[float, Floats]]) -> Floats:
    return min(runs, key=lambda run: run[0])[1]


def _finalists(inertias: Floats, centroids: Floats, most: int) -> list[Floats]:
    """The best few starts that differ: two with the same inertia to the sixth digit are the same solution."""
    kept: list[int] = []
    for i in np.argsort(inertias, kind="stable"):
        if len(kept) < most and (not kept or inertias[i] > inertias[kept[-1]] * (1 + SAME_SOLUTION)):
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
