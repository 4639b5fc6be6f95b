"""How clearly customers belong to one segment: similarity to each centroid, members against all others.

Source: the gorge plots of Dolnicar, Gruen and Leisch 2018: separate segments have a gorge in the middle.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.records import Fitted, Floats, Labels

STEPS = 20
MOST_ROWS = 20_000

Histograms = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


def separation(X: Floats, labels: Labels, fitted: Fitted) -> Histograms:
    """Per segment two counts over twenty equal steps of similarity 0 to 1: of its members, and of all others.

    Similarity is the membership of the model, which adds up to 1 over the segments. ``X`` (n, d) and ``labels`` (n,) of
    those who belong to a segment; of more than 20,000 rows every so many-th is taken.
    """
    rows = np.linspace(0, len(X) - 1, min(len(X), MOST_ROWS)).round().astype(np.int64)
    similar, own = fitted.membership(X[rows]), labels[rows]
    steps = np.minimum((similar * STEPS).astype(np.int64), STEPS - 1)
    return tuple(
        (_counts(steps[own == g, g]), _counts(steps[own != g, g])) for g in range(fitted.k)
    )  # fmt: skip


def _counts(steps: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[int, ...]:
    return tuple(int(count) for count in np.bincount(steps, minlength=STEPS))
