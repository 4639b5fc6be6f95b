"""The order of the rows: by their values alone, so that the order in which the caller had them decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats

FEW_ROWS = 20_000
CHUNK = 16_384
"""Rows taken at once: they stay in the cache."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Rows of X (n, d) in an order of their own, read from where they lie: there is no second copy of all of them.

    Stands for an array of float64 where rows are asked for by slices or by their numbers. ``distinct`` of them differ.
    """

    X: NDArray[np.floating]
    order: NDArray[np.int64]
    distinct: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.order), self.X.shape[1]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: slice | NDArray[np.int64]) -> Floats:
        return np.take(self.X, self.order[index], axis=0).astype(np.float64, copy=False)


Rows = Floats | Ordered
"""(n, d) rows that are taken by slices or by numbers."""


def in_canonical_order(X: NDArray[np.floating]) -> Ordered:
    """The rows of X in canonical order."""
    return Ordered(X, *canonical_order(X))


def canonical_order(X: NDArray[np.floating]) -> tuple[NDArray[np.int64], int]:
    """An order of the rows that depends on their values alone, and how many of them differ; equal rows stand together.

    Work on rows in this order does not depend on the order in which the caller had them. Many rows are sorted by a
    number mixed from their values, which takes one key where sorting by value takes one per column.
    """
    if len(X) <= FEW_ROWS:
        order = np.argsort(X[:, 0])
        first = X[order, 0]
        if (first[1:] > first[:-1]).all():
            return order, len(X)
        order = np.lexsort(X.T[::-1])
    else:
        keys = _mixed(X)
        order, near = _sorted(keys)
        same = near[keys[order[near]] == keys[order[near + 1]]]
        if not (X[order[same]] != X[order[same + 1]]).any():
            return order, len(X) - len(same)
        order = np.lexsort((*X.T[::-1], keys))  # two rows share a number by chance
    return order, sum(int(changes.sum()) for changes in _changes(X, order))


def _sorted(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order that sorts the keys, equal ones as they stand, and where neighbours share all leading bits.

    The row number takes the place of the last bits: sorting numbers takes half the time of sorting their places.
    """
    last = np.uint64((1 << (len(keys) - 1).bit_length()) - 1)
    marked = (keys & ~last) | np.arange(len(keys), dtype=np.uint64)
    marked.sort()
    near = np.flatnonzero((marked[1:] ^ marked[:-1]) <= last)
    order = (marked & last).view(np.int64)
    doubtful = np.union1d(near, near + 1)
    order[doubtful] = order[doubtful][np.argsort(keys[order[doubtful]], kind="stable")]
    return order, near


def runs(X: Ordered) -> NDArray[np.int64]:
    """Where the rows begin that differ from the one before."""
    return np.flatnonzero(np.concatenate(list(_changes(X.X, X.order))))


def _changes(X: NDArray[np.floating], order: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Whether each row differs from the one before, piece by piece."""
    found = [np.ones(min(1, len(order)), dtype=bool)]
    for first in range(1, len(order), CHUNK):
        rows = X[order[first - 1 : first + CHUNK]]
        found.append((rows[1:] != rows[:-1]).any(axis=1))
    return found


def _mixed(X: NDArray[np.floating]) -> NDArray[np.uint64]:
    """(n,) a number that depends on all values of the row (the mixing steps of SplitMix64, Steele et al. 2014)."""
    keys = np.zeros(len(X), dtype=np.uint64)
    for first in range(0, len(X), CHUNK):
        # Zero is added, because there is a negative zero.
        columns = np.ascontiguousarray((X[first : first + CHUNK].astype(np.float64) + 0.0).T).view(np.uint64)
        part = keys[first : first + CHUNK]
        for bits in columns:
            part += bits
            part += np.uint64(0x9E3779B97F4A7C15)
            part ^= part >> np.uint64(30)
            part *= np.uint64(0xBF58476D1CE4E5B9)
            part ^= part >> np.uint64(27)
            part *= np.uint64(0x94D049BB133111EB)
            part ^= part >> np.uint64(31)
    return keys
