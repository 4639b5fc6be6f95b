"""How far forming features differ between segments when there is no structure at all (method 9.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from personas.features.coding import Coding
from personas.profiles.claims import centred_ranks, deltas
from personas.profiles.contrast import phi_of
from personas.segmentation.algorithms.kmeans import REFIT_STARTS
from personas.segmentation.records import Algorithm
from personas.segmentation.reference import draw, fit_reference
from personas.segmentation.streams import Step, generator, stream

Floats = NDArray[np.float64]
SETS = 19
ROWS = 1_000


def null_effects(X: Floats, coding: Coding, k: int, algorithm: Algorithm, seed: int) -> dict[str, float]:
    """|Cliff's delta| (|phi| for categories) that 95% of the segments of structureless rows stay below, by feature.

    ``X`` (n, d) coded rows. Rows without clusters of the same shape are drawn 19 times and cut into ``k`` by the
    algorithm that cut ours; of a feature with several columns (levels of a category) the largest threshold counts.
    """
    names = [column.feature for column in coding.columns]
    n = min(len(X), ROWS)
    step = np.linspace(0, len(X) - 1, n).round().astype(np.int64)
    reference = fit_reference(X[step], coding.blocks)
    found = []
    for b in range(1, SETS + 1):
        rows = draw(reference, n, generator(seed, Step.NULL_DRAW, k, 1000 + b))
        rows = np.ascontiguousarray(rows[np.lexsort(rows.T[::-1])])
        labels = algorithm.fit(rows, k, stream(seed, Step.NULL_FIT, k, 1000 + b), REFIT_STARTS).labels
        found.append(_effects(rows, np.eye(k)[labels], coding.blocks))
    thresholds = np.quantile(np.concatenate(found), 0.95, axis=0)
    result: dict[str, float] = {}
    for name, threshold in zip(names, thresholds.tolist(), strict=True):
        result[name] = max(result.get(name, 0.0), threshold)
    return result


def _effects(rows: Floats, members: Floats, blocks: Sequence[Sequence[int]]) -> Floats:
    """(k, d) |effect| of each segment, ``members`` (n, k): Cliff's delta of numbers, phi of levels."""
    ranks = np.column_stack([centred_ranks(column) for column in rows.T])
    found = np.abs(deltas(ranks, np.ones_like(rows), members))
    levels = [column for block in blocks for column in block]
    carries = (rows[:, levels] > rows[:, levels].mean(axis=0)).astype(np.float64)
    hits, size = members.T @ carries, members.sum(axis=0)[:, None]
    found[:, levels] = np.abs(phi_of(hits, size, carries.sum(axis=0) - hits, len(rows) - size))
    return found
