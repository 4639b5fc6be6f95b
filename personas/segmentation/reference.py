"""Structureless data shaped like ours, and whether ours separate better than they do (method.md 4).

Margins with one mode, joined by a Gaussian copula with our rank correlations: the parametric bootstrap of Hennig and
Lin 2015 with a null family after Helgeson, Vock and Bair 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.algorithms.kmeans import REFIT_STARTS, fit_kmeans
from personas.segmentation.margins import Margin, fit_margin
from personas.segmentation.records import Candidate, Floats, Progress
from personas.segmentation.silhouette import silhouettes
from personas.segmentation.streams import Step, generator, stream
from personas.segmentation.threads import spread

DRAWS = {"full": 99, "quick": 39}
NOTHING_TO_FIND = 0.2
LOOKS = (19, 49)
"""After so many draws the comparison may stop early, but only towards "not significant" (Besag and Clifford 1991)."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How to draw structureless rows: margins and correlation of the free columns, level patterns of the blocks."""

    d: int
    free: NDArray[np.int64]
    margins: tuple[Margin, ...]
    root: Floats
    """Cholesky factor of the correlation of the free columns."""
    blocks: tuple[tuple[tuple[int, ...], Floats, Floats], ...]
    """Columns of a one-hot block, its distinct coded rows, and their shares."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against the draws.

    ``observed`` (number of k,) and ``null`` (draws, number of k) silhouettes by the same recipe; ``p_value`` of the
    largest standardised silhouette over all k; ``excess`` of ours over the mean draw; ``sets`` are the drawn rows.
    ``fits`` holds the centroids of every k: first of our rows, then of each set, for the border test.
    """

    ks: tuple[int, ...]
    observed: Floats
    null: Floats
    p_value: float
    excess: Floats
    stopped_early: bool
    sets: tuple[Floats, ...]
    fits: tuple[tuple[Floats, ...], ...]

    @property
    def null_centroids(self) -> dict[int, list[Floats]]:
        """For each k the centroids of every drawn set."""
        return {k: [models[i] for models in self.fits[1:]] for i, k in enumerate(self.ks)}


def fit_reference(Z: Floats, blocks: Sequence[Sequence[int]] = ()) -> Reference:
    """Margins, rank correlation and level shares of the rows of Z (n', d); ``blocks`` are one-hot column groups."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    in_block = {column for block in blocks for column in block}
    free = np.array([j for j in range(Z.shape[1]) if j not in in_block], dtype=np.int64)
    scores = ndtri((rankdata(Z[:, free], axis=0) - 0.5) / len(Z)) if len(free) else np.empty((len(Z), 0))
    patterns = []
    for block in blocks:
        rows, counts = np.unique(Z[:, list(block)], axis=0, return_counts=True)
        patterns.append((tuple(block), rows, counts / len(Z)))
    margins = tuple(fit_margin(Z[:, j]) for j in free)
    return Reference(Z.shape[1], free, margins, _root(scores), tuple(patterns))


def _root(scores: Floats) -> Floats:
    """Cholesky factor of the correlation of the scores, made positive definite."""
    n, d = scores.shape
    if d == 0:
        return np.empty((0, 0))
    if n < 5 * d:
        from sklearn.covariance import ledoit_wolf

        covariance = ledoit_wolf(scores)[0]
    else:
        covariance = np.atleast_2d(np.cov(scores, rowvar=False))
    spread = np.sqrt(np.diag(covariance))
    spread[spread == 0] = 1.0
    correlation = covariance / np.outer(spread, spread)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    positive = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = np.sqrt(np.diag(positive))
    root: Floats = np.linalg.cholesky(positive / np.outer(scale, scale))
    return root


def draw(reference: Reference, n: int, random: np.random.Generator) -> Floats:
    """(n, d) rows without structure: Gaussian scores through the margins, one-hot blocks level by level."""
    from scipy.special import ndtr

    Z = np.empty((n, reference.d))
    shares = ndtr(random.normal(size=(n, len(reference.free))) @ reference.root.T)
    for position, column in enumerate(reference.free):
        Z[:, column] = reference.margins[position].quantile(shares[:, position])
    for columns, rows, weights in reference.blocks:
        Z[:, list(columns)] = rows[random.choice(len(rows), size=n, p=weights)]
    return Z


def compare(
    Z: Floats,
    ks: Sequence[int],
    seed: int,
    *,
    blocks: Sequence[Sequence[int]] = (),
    protocol: str = "full",
    progress: Progress | None = None,
    before: Comparison | None = None,
) -> Comparison:
    """Whether the rows of Z (n', d) separate better than structureless rows of the same shape, over all k at once.

    Always with k-means, whatever forms the segments in the end: whether there is structure is a question to the data.
    The observed silhouettes use the recipe of the draws (5 starts), not the reference fits. ``before`` is the same
    comparison over fewer k; what it knows is not computed again.
    """
    reference = fit_reference(Z, blocks)
    observed, fitted = _scores(Z, ks, seed, 0, before)
    null: list[Floats] = []
    sets: list[Floats] = []
    fits = [fitted]
    draws = DRAWS[protocol]

    def one(b: int) -> tuple[Floats, Floats, tuple[Floats, ...]]:
        rows = before.sets[b - 1] if before and b <= len(before.sets) else _drawn(reference, len(Z), seed, b)
        return rows, *_scores(rows, ks, seed, b, before)

    stops = [*(look for look in LOOKS if look < draws), draws]
    for first, last in zip([0, *stops[:-1]], stops, strict=True):
        for b, (rows, scores, models) in enumerate(spread(one, range(first + 1, last + 1)), first + 1):
            null.append(scores)
            sets.append(rows)
            fits.append(models)
            if progress:
                progress("comparing with structureless customers", b / draws)
        stopped = last in LOOKS and largest_p(observed, np.array(null)) > NOTHING_TO_FIND
        if stopped:
            break
    table = np.array(null)
    excess = observed - table.mean(axis=0)
    return Comparison(tuple(ks), observed, table, largest_p(observed, table), excess, stopped, tuple(sets), tuple(fits))


def observed_and_drawn(
    Z: Floats, reference: Reference, ks: Sequence[int], seed: int, draws: int
) -> tuple[Floats, Floats]:
    """Silhouettes of ours (number of k,) and of so many draws (draws, number of k), without an early stop."""
    null = [_scores(_drawn(reference, len(Z), seed, b), ks, seed, b, None)[0] for b in range(1, draws + 1)]
    return _scores(Z, ks, seed, 0, None)[0], np.array(null)


def _drawn(reference: Reference, n: int, seed: int, b: int) -> Floats:
    rows = draw(reference, n, generator(seed, Step.NULL_DRAW, 0, b))
    return np.ascontiguousarray(rows[np.lexsort(rows.T[::-1])])


def _scores(
    Z: Floats, ks: Sequence[int], seed: int, b: int, before: Comparison | None
) -> tuple[Floats, tuple[Floats, ...]]:
    """Silhouette and centroids of every k; those that an earlier comparison knows are taken from there."""
    known: dict[int, tuple[float, Floats]] = {}
    if before and b < len(before.fits):
        values = before.observed if b == 0 else before.null[b - 1]
        known = {k: (float(v), c) for k, v, c in zip(before.ks, values, before.fits[b], strict=True)}
    models = {k: fit_kmeans(Z, k, stream(seed, Step.NULL_FIT, k, b), REFIT_STARTS) for k in ks if k not in known}
    if models:
        found = silhouettes(Z, [model.labels for model in models.values()])
        known |= {k: (score.mean, models[k].centroids) for k, score in zip(models, found, strict=True)}
    return np.array([known[k][0] for k in ks]), tuple(known[k][1] for k in ks)


def with_null(candidate: Candidate, comparison: Comparison, observed: float) -> Candidate:
    """The candidate with the band of structureless silhouettes (the middle 95%) and what ``observed`` is above it."""
    column = comparison.null[:, comparison.ks.index(candidate.k)]
    low, high = np.quantile(column, (0.025, 0.975))
    return replace(
        candidate,
        null_mean=float(column.mean()),
        null_low=float(low),
        null_high=float(high),
        excess=float(observed - column.mean()),
    )


def largest_p(observed: Floats, null: Floats) -> float:
    """p-value of the largest standardised value over the columns: choosing k is part of the test.

    Share of all rows, ours included, whose largest value reaches ours; a column without spread counts 0.
    """
    table = np.vstack((observed, null))
    spread = table.std(axis=0, ddof=1)
    standardised = np.divide(table - table.mean(axis=0), spread, out=np.zeros_like(table), where=spread > 0)
    largest = standardised.max(axis=1)
    return float((largest >= largest[0] - 1e-12).sum() / len(table))
