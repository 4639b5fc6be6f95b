"""Structureless data shaped like ours, and whether ours separate better than they do (method.md 4).

Margins with one mode, joined by a Gaussian copula with our rank correlations: the parametric bootstrap of Hennig and
Lin 2015 with a null family after Helgeson, Vock and Bair 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.algorithms.kmeans import REFIT_STARTS
from personas.segmentation.margins import Margin, fit_margin
from personas.segmentation.records import Algorithm, Fitted, Floats, Progress
from personas.segmentation.silhouette import silhouettes
from personas.segmentation.streams import Step, generator, stream

DRAWS = {"full": 99, "quick": 39}
LEVEL = {"full": 0.01, "quick": 0.025}
EXCESS = 0.05
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
    largest standardised silhouette over all k; ``excess`` of ours over the mean draw; ``sets`` and ``fits`` keep the
    drawn rows and their models per k for the border test.
    """

    ks: tuple[int, ...]
    observed: Floats
    null: Floats
    p_value: float
    excess: Floats
    passed: bool
    stopped_early: bool
    sets: tuple[Floats, ...]
    fits: tuple[tuple[Fitted, ...], ...]


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
    algorithm: Algorithm,
    seed: int,
    *,
    blocks: Sequence[Sequence[int]] = (),
    protocol: str = "full",
    progress: Progress | None = None,
) -> Comparison:
    """Whether the rows of Z (n', d) separate better than structureless rows of the same shape, over all k at once.

    The observed silhouettes use the recipe of the draws (5 starts), not the reference fits. The gate passes when p is
    at most 1% (quick: 2.5%) and the largest excess is at least 0.05.
    """
    reference = fit_reference(Z, blocks)
    observed = _scores(Z, ks, algorithm, seed, 0)[0]
    null: list[Floats] = []
    sets, fits, stopped = [], [], False
    for b in range(1, DRAWS[protocol] + 1):
        if progress:
            progress("comparing with structureless customers", (b - 1) / DRAWS[protocol])
        rows = draw(reference, len(Z), generator(seed, Step.NULL_DRAW, 0, b))
        rows = np.ascontiguousarray(rows[np.lexsort(rows.T[::-1])])
        scores, models = _scores(rows, ks, algorithm, seed, b)
        null.append(scores)
        sets.append(rows)
        fits.append(models)
        if b in LOOKS and largest_p(observed, np.array(null)) > 0.2:
            stopped = True
            break
    table = np.array(null)
    p_value, excess = largest_p(observed, table), observed - table.mean(axis=0)
    passed = not stopped and p_value <= LEVEL[protocol] and float(excess.max()) >= EXCESS
    return Comparison(tuple(ks), observed, table, p_value, excess, passed, stopped, tuple(sets), tuple(fits))


def _scores(
    Z: Floats, ks: Sequence[int], algorithm: Algorithm, seed: int, b: int
) -> tuple[Floats, tuple[Fitted, ...]]:
    models = tuple(algorithm.fit(Z, k, stream(seed, Step.NULL_FIT, k, b), REFIT_STARTS) for k in ks)
    found = silhouettes(Z, [model.labels for model in models])
    return np.array([score.mean for score in found]), models


def largest_p(observed: Floats, null: Floats) -> float:
    """p-value of the largest standardised value over the columns: choosing k is part of the test.

    Share of all rows, ours included, whose largest value reaches ours; a column without spread counts 0.
    """
    table = np.vstack((observed, null))
    spread = table.std(axis=0, ddof=1)
    standardised = np.divide(table - table.mean(axis=0), spread, out=np.zeros_like(table), where=spread > 0)
    largest = standardised.max(axis=1)
    return float((largest >= largest[0] - 1e-12).sum() / len(table))
