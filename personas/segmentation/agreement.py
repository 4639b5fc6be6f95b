"""How far two labelings agree: one contingency table gives every measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats, Labels

Counts = NDArray[np.int64]


def contingency(a: Labels, b: Labels, k_a: int, k_b: int) -> Counts:
    """(k_a, k_b) how many rows carry label g in ``a`` and h in ``b``.

    >>> contingency(np.array([0, 0, 1], dtype=np.int32), np.array([1, 1, 0], dtype=np.int32), 2, 2).tolist()
    [[0, 2], [1, 0]]
    """
    return np.bincount(a.astype(np.int64) * k_b + b, minlength=k_a * k_b).reshape(k_a, k_b)


def adjusted_rand(table: Counts) -> float:
    """Adjusted Rand index of a contingency table: 1 for the same partition, 0 on average for unrelated ones.

    Source: Hubert and Arabie 1985. Two partitions that both put all rows into one group agree: 1.
    """
    sizes = table.sum(axis=1)
    n = int(sizes.sum())
    together, rows, columns = _pairs(table.ravel(), n), _pairs(sizes, n), _pairs(table.sum(axis=0), n)
    expected = rows * columns / max(1.0, n * (n - 1) / 2)
    largest = (rows + columns) / 2
    if largest == expected:
        return 1.0
    return float((together - expected) / (largest - expected))


def _pairs(counts: Counts, n: int) -> float:
    """How many pairs of n rows lie in one group: the sum of c (c - 1) / 2, in whole numbers."""
    return (int(counts @ counts) - n) / 2


def best_jaccard(table: Counts) -> Floats:
    """(k_a,) for each group of the first labeling its largest Jaccard with a group of the second (Hennig 2007)."""
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    best: Floats = (table / np.maximum(union, 1)).max(axis=1)
    return best


def matched(table: Counts) -> Labels:
    """(k_b,) for each group of the second labeling its partner in the first, -1 without one.

    The one-to-one matching that keeps most rows together (``linear_sum_assignment`` on the negative overlap). Groups
    that share no row are not partners.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-table)
    partner = np.full(table.shape[1], -1, dtype=np.int32)
    keep = table[rows, columns] > 0
    partner[columns[keep]] = rows[keep]
    return partner


def matched_share(table: Counts) -> float:
    """Share of rows that the best one-to-one matching of the groups keeps together."""
    partner = matched(table)
    columns = np.flatnonzero(partner >= 0)
    return float(table[partner[columns], columns].sum() / table.sum())
