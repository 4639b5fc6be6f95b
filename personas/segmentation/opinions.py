"""Second opinions on the number of segments: shown beside the evidence with their own k, never summed up, never voting.

Gap statistic (Tibshirani, Walther and Hastie 2001), prediction strength (Tibshirani and Walther 2005), BIC and ICL of a
Gaussian mixture and how far it agrees with the segments at the same k (method.md 7.2 and 7.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.algorithms.gmm import fit_gmm
from personas.segmentation.algorithms.kmeans import REFIT_STARTS, fit_kmeans
from personas.segmentation.lloyd import nearest
from personas.segmentation.records import Candidate, Fitted, Floats, Labels, Progress
from personas.segmentation.streams import Step, generator, stream

SETS = 20
"""Uniform sets of the gap statistic, and random halvings of prediction strength."""
GAP_ROWS = 1_000
STARTS = 2
STRENGTH = 0.8
"""Published rule: the largest k whose prediction strength reaches it."""


def with_opinions(
    rows: Floats, models: Mapping[int, Fitted], candidates: Sequence[Candidate], seed: int,
    progress: Progress | None = None,
) -> tuple[tuple[Candidate, ...], Mapping[str, int]]:  # fmt: skip
    """The candidates with their second opinions, and the k that each index would take (``own_k``).

    Parameters
    ----------
    rows : (n', d) at most 2,000 rows; the uniform sets of the gap statistic have at most 1,000.
    models : the reference model of each k.
    """
    gaps = gap_statistic(rows, sorted(models), seed)
    found = []
    for done, candidate in enumerate(candidates):
        k = candidate.k
        if progress:
            progress(f"second opinions on {k} segments", done / len(candidates))
        mixture = fit_gmm(rows, k, stream(seed, Step.MIXTURE_START, k), REFIT_STARTS)
        found.append(
            replace(
                candidate,
                gap=gaps[k][0],
                gap_error=gaps[k][1],
                prediction_strength=prediction_strength(rows, k, seed),
                mixture_bic=mixture.bic(rows),
                mixture_icl=mixture.icl(rows),
                mixture_ari=adjusted_rand(contingency(models[k].predict(rows), mixture.labels, k, k)),
            )
        )
    return tuple(found), own_k(found, gaps[1][0])


def own_k(candidates: Sequence[Candidate], gap_of_one: float) -> dict[str, int]:
    """The k that each index takes by its own rule; 1 where the gap statistic or prediction strength see no segments."""
    highest = ("silhouette", "calinski_harabasz")
    lowest = ("davies_bouldin", "mixture_bic", "mixture_icl")
    found: dict[str, int] = {}
    for name in highest + lowest:
        known = [(getattr(c, name), c.k) for c in candidates if getattr(c, name) is not None]
        if known:
            sign = -1 if name in highest else 1
            found[name] = min(known, key=lambda pair: (sign * pair[0], pair[1]))[1]
    with_gap = [c for c in sorted(candidates, key=lambda c: c.k) if c.gap is not None and c.gap_error is not None]
    if with_gap:
        ks, values = [1, *(c.k for c in with_gap)], [gap_of_one, *(c.gap or 0.0 for c in with_gap)]
        errors = [c.gap_error or 0.0 for c in with_gap]
        falls = [k for i, k in enumerate(ks[:-1]) if values[i] >= values[i + 1] - errors[i]]
        found["gap"] = falls[0] if falls else ks[-1]
    strong = [c.k for c in candidates if c.prediction_strength is not None and c.prediction_strength >= STRENGTH]
    if any(c.prediction_strength is not None for c in candidates):
        found["prediction_strength"] = max(strong, default=1)
    return found


def gap_statistic(rows: Floats, ks: Sequence[int], seed: int) -> dict[int, tuple[float, float]]:
    """For 1 and every k: mean log inertia of uniform sets minus log inertia of ours, and sd * sqrt(1 + 1/20).

    The uniform sets lie in the box of our principal axes. A second opinion only: such sets differ from skewed customers
    even when these have no segments (method.md F3).
    """
    Z = rows[np.linspace(0, len(rows) - 1, min(len(rows), GAP_ROWS)).round().astype(np.int64)]
    Z = Z - Z.mean(axis=0)
    axes = np.linalg.svd(Z, full_matrices=False)[2]
    turned = Z @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    ours = _log_inertias(Z, ks, seed, 0)
    sets = []
    for b in range(1, SETS + 1):
        uniform = generator(seed, Step.OPINION, 0, b).uniform(low, high, size=turned.shape)
        sets.append(_log_inertias(uniform, ks, seed, b))
    table = np.array(sets)
    gaps = table.mean(axis=0) - ours
    errors = table.std(axis=0) * np.sqrt(1 + 1 / SETS)
    return {k: (float(g), float(e)) for k, g, e in zip([1, *ks], gaps, errors, strict=True)}


def _log_inertias(Z: Floats, ks: Sequence[int], seed: int, b: int) -> Floats:
    """Log of the sum of squared distances to the own centroid, for one segment and for each k."""
    whole = float(((Z - Z.mean(axis=0)) ** 2).sum())
    inertias = [fit_kmeans(Z, k, stream(seed, Step.OPINION, k, b), STARTS).inertia for k in ks]
    logs: Floats = np.log(np.maximum([whole, *inertias], 1e-300))
    return logs


def prediction_strength(rows: Floats, k: int, seed: int) -> float:
    """Of pairs that one half puts together the share that the other half's centroids put together too.

    Of the worst cluster, mean over both directions of 20 halvings; 1 is perfect.
    """
    strengths = []
    for replicate in range(SETS):
        order = generator(seed, Step.OPINION, k, 1000 + replicate).permutation(len(rows))
        halves = [rows[np.sort(part)] for part in (order[: len(rows) // 2], order[len(rows) // 2 :])]
        models = [
            fit_kmeans(half, k, stream(seed, Step.OPINION, k, 2000 + 2 * replicate + i), STARTS)
            for i, half in enumerate(halves)
        ]
        for i, half in enumerate(halves):
            strengths.append(_weakest(models[i].labels, nearest(half, models[1 - i].centroids), k))
    return float(np.mean(strengths))


def _weakest(own: Labels, predicted: Labels, k: int) -> float:
    """Smallest share over clusters of ``own`` of their pairs that ``predicted`` keeps together."""
    table = contingency(own, predicted, k, k).astype(float)
    sizes = table.sum(axis=1)
    together = (table * (table - 1)).sum(axis=1)
    pairs = sizes * (sizes - 1)
    shares = np.divide(together, pairs, out=np.zeros(k), where=pairs > 0)
    return float(shares.min())
