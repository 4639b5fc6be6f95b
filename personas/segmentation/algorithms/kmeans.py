"""k-means: the default model. Segments are the rows nearest to each of k centroids."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.lloyd import inertia_of, lloyd, nearest, squared_distances
from personas.segmentation.records import Algorithm, Floats, Labels
from personas.segmentation.threads import single_thread

START_ROWS = 10_000
"""Above this many rows the starts run on a subsample and only the best go on with all rows (performance.md 2.1)."""
FINALISTS = 5
"""Starts stop early, so optima that differ in the sixth digit can only be told apart after going on to the end."""
LAST_PASSES = 300
FULL_PASSES = 5
"""Passes over all rows when the starts ran on a subsample: inertia is then within 2e-5 of convergence."""
SAME_OPTIMUM = 1e-4
REFIT_STARTS = 5
"""Up to this many starts are a refit: they run in one call, and no share of starts is recorded."""


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
    changes = np.concatenate(([True], (X[1:] != X[:-1]).any(axis=1)))
    if changes.all():
        return X, None
    first = np.flatnonzero(changes)
    return X[first], np.diff(np.append(first, len(X))).astype(float)


def fit_kmeans(X: Floats, k: int, stream: np.random.SeedSequence, starts: int) -> KMeansModel:
    """The best of ``starts`` k-means++ starts by inertia, its centroids in lexicographic order.

    Parameters
    ----------
    X : (n, d) float64
        Finite, scaled. Cost O(starts * n * d * k) up to 10,000 rows; beyond, starts run on 10,000 of them.
    k : int
        At most the number of distinct rows.
    stream : SeedSequence
        Each start takes its own state from it, so that 100 starts contain the first 20.
    starts : int
        20 for a reference fit, 5 for a refit (method.md 7.1).
    """
    rows, weights = collapse(X)
    if len(rows) < k:
        rows, weights = X, None
    with single_thread():
        if len(rows) > START_ROWS:
            found, share = _start_on_subsample(rows, weights, k, stream, starts)
        else:
            found, share = _start(rows, weights, k, stream, starts)
        few = len(rows) <= START_ROWS
        # Few rows: all finalists go on to the end. Many: they are judged after one pass over all rows.
        if few and len(found) == 1:
            best = found[0]
        else:
            raced = [_continue(rows, weights, start, LAST_PASSES if few else 1) for start in found]
            best = min(raced, key=lambda run: run[0])[1]
        if few:
            # The last word on labels is ours: equal distances go to the lower number.
            centroids = lloyd(rows, best, LAST_PASSES, weights)[0]
        else:
            centroids = _continue(rows, weights, best, FULL_PASSES - 1)[1]
        centroids = np.ascontiguousarray(centroids[in_order(centroids)])
        labels = nearest(X, centroids)
    return KMeansModel(k, labels, centroids, inertia_of(X, labels, centroids), share)


def restore_kmeans(arrays: Mapping[str, NDArray[np.generic]]) -> KMeansModel:
    """The model of saved ``arrays``; its labels are empty."""
    centroids = np.ascontiguousarray(arrays["centroids"], dtype=np.float64)
    return KMeansModel(len(centroids), np.empty(0, dtype=np.int32), centroids, float(arrays["inertia"]))


def _start(
    X: Floats, weights: Floats | None, k: int, stream: np.random.SeedSequence, starts: int
) -> tuple[list[Floats], float | None]:
    """The best centroids of all starts, and the share of starts that end there."""
    if starts <= REFIT_STARTS:
        return [_sklearn(X, weights, k, int(stream.generate_state(1)[0]), starts)[1]], None
    runs = [_sklearn(X, weights, k, int(state), 1) for state in stream.generate_state(starts)]
    return _finalists(runs), _share(runs)


def _start_on_subsample(
    X: Floats, weights: Floats | None, k: int, stream: np.random.SeedSequence, starts: int
) -> tuple[list[Floats], float | None]:
    """The best few of all starts on a subsample."""
    drawn = np.random.Generator(np.random.PCG64(stream)).choice(len(X), START_ROWS, replace=False)
    drawn.sort()
    part = X[drawn]
    part_weights = None if weights is None else weights[drawn]
    runs = [_sklearn(part, part_weights, k, int(state), 1) for state in stream.generate_state(starts)]
    return _finalists(runs), _share(runs) if starts > REFIT_STARTS else None


def _sklearn(X: Floats, weights: Floats | None, k: int, state: int, starts: int) -> tuple[float, Floats]:
    from sklearn import config_context
    from sklearn.cluster import KMeans

    # X was checked at the border of this room; checking it again takes a third of the time of a small fit.
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        # "Number of distinct clusters found smaller": a resample may lack a rare value; Lloyd re-seeds the empty group.
        warnings.simplefilter("ignore")
        model = KMeans(k, n_init=starts, random_state=state).fit(X, sample_weight=weights)
    return float(model.inertia_), np.asarray(model.cluster_centers_, dtype=np.float64)


def _continue(X: Floats, weights: Floats | None, centroids: Floats, passes: int) -> tuple[float, Floats]:
    """Inertia and centroids after at most ``passes`` further passes, until no label changes."""
    from sklearn import config_context
    from sklearn.cluster import KMeans

    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore")  # as above; stopping early is intended
        model = KMeans(len(centroids), init=centroids, n_init=1, tol=0, max_iter=passes).fit(X, sample_weight=weights)
    return float(model.inertia_), np.asarray(model.cluster_centers_, dtype=np.float64)


def _finalists(runs: list[tuple[float, Floats]]) -> list[Floats]:
    """The best few starts that differ: two with the same inertia to the ninth digit are the same solution."""
    kept: list[tuple[float, Floats]] = []
    for inertia, centroids in sorted(runs, key=lambda run: run[0]):
        if len(kept) < FINALISTS and (not kept or inertia > kept[-1][0] * (1 + 1e-9)):
            kept.append((inertia, centroids))
    return [centroids for _, centroids in kept]


def _share(runs: list[tuple[float, Floats]]) -> float:
    best = min(inertia for inertia, _ in runs)
    return sum(inertia <= best * (1 + SAME_OPTIMUM) for inertia, _ in runs) / len(runs)


KMEANS = Algorithm(
    name="kmeans",
    label="k-means",
    fit=fit_kmeans,
    restore=restore_kmeans,
    soft=False,
    suits="compact groups of similar spread",
)
