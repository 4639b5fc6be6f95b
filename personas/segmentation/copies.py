"""A table that is there several times is searched once: a copy is no further evidence (method.md 11, row I1)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Notice
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.preflight import Limits
from personas.segmentation.records import Floats, Segmentation
from personas.segmentation.scan import model_as_given


def copies_of(ordered: Floats, distinct: int) -> int:
    """How many times the whole table is there, 1 for once: the largest number that divides how often each row is.

    Of rows (n, d) in canonical order. A table of few different rows, such as answers yes or no, is no copy of a smaller
    one, and nothing smaller than the least amount of data is searched.

    >>> copies_of(np.repeat(np.arange(60.0), 3)[:, None], 60), copies_of(np.repeat(np.arange(2.0), 90)[:, None], 2)
    (3, 1)
    """
    n = len(ordered)
    if n < 2 * Limits().least_rows or distinct > n // 2:
        return 1
    first = np.flatnonzero(np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1))))
    copies = int(np.gcd.reduce(np.diff(np.append(first, n))))
    return copies if n >= copies * Limits().least_rows and 2 * distinct * copies >= n else 1


def repeated(once: Segmentation, order: NDArray[np.int64], copies: int) -> Segmentation:
    """The segmentation of the rows ``order[::copies]`` as that of all rows: each copy like the one that was seen."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) // copies
    labels = once.labels[place]
    text = f"Every customer is there {copies} times, or a multiple of that: each was counted once to find the segments."
    return replace(
        once,
        labels=labels,
        model=model_as_given(once.model, ALGORITHMS.get(once.algorithm), labels),
        candidates=tuple(replace(c, sizes=tuple(copies * size for size in c.sizes)) for c in once.candidates),
        confidence=once.confidence[place],
        membership=once.membership[place],
        labelings=None if once.labelings is None else once.labelings[:, place],
        moved=None if once.moved is None else once.moved[:, place],
        map_rows=None if once.map_rows is None else order[::copies][once.map_rows].astype(np.int64),
        min_size=copies * once.min_size,
        unusual=copies * once.unusual,
        separation=tuple(tuple(tuple(copies * c for c in part) for part in pair) for pair in once.separation),  # type: ignore[misc]
        notices=(*once.notices, Notice("copied-table", text, len(order) - len(order) // copies)),
    )
