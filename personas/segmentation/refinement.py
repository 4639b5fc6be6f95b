"""Cells: rows that carry the same label in all labelings. Distances added up per cell serve every labeling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute
from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import Bounds

PARTS = 8
"""References are drawn in so many parts; how much these differ says how far drawing moved the result."""
CHUNK = 65_536
WHOLE_CELL = 200
"""Cells up to this size are kept whole, where there are few."""
MOST_CELLS = 2_000
FEW_REFERENCES = 100
"""A segment that would have fewer references has its cells drawn from one by one."""


@dataclass(frozen=True, slots=True)
class Cells:
    """``of`` (n,) cell of each row; ``bounds`` (cells + 1,) in rows sorted by cell; ``segments`` (cells, labelings)
    which of the ``count`` segments of all labelings, side by side, a cell is part of.
    """

    of: NDArray[np.int64]
    bounds: Bounds
    segments: NDArray[np.int64]
    count: int

    def order(self) -> NDArray[np.int64]:
        """The order that sorts rows by cell, equal ones as they stand."""
        # Sixteen bits are sorted by counting.
        few = len(self.bounds) <= 2**16
        return np.argsort(self.of.astype(np.uint16) if few else self.of, kind="stable").astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True)
class References:
    """Rows drawn within cells: ``rows`` in pieces between ``bounds``; a piece is a whole cell or an eighth of a drawn
    one.

    ``segments`` (pieces, labelings) and ``weights`` (pieces,) turn sums over pieces into sums over the ``count`` whole
    segments. The first ``whole`` pieces are whole cells; the others follow part by part, the same number in each.
    """

    rows: NDArray[np.int64]
    bounds: Bounds
    segments: NDArray[np.int64]
    weights: Floats
    count: int
    whole: int

    def segment_sums(self, pieces: Floats) -> Floats:
        """(1 + parts, segments, q) from sums over pieces (pieces, q): from all references, then from each part alone;
        only the first when nothing was drawn.
        """
        fixed = self._added(pieces, 0, self.whole)
        each = (len(pieces) - self.whole) // PARTS
        if not each:
            return fixed[None]
        firsts = [self.whole + p * each for p in range(PARTS)]
        parts = np.stack([self._added(pieces, i, i + each) for i in firsts])
        return np.concatenate(((fixed + parts.sum(axis=0))[None], fixed + PARTS * parts))

    def _added(self, pieces: Floats, first: int, last: int) -> Floats:
        piece = slice(first, last)
        return compute.segment_sums(pieces[piece], self.segments[piece], self.weights[piece], self.count)


def every_row(cells: Cells) -> References:
    """All rows, cell by cell."""
    cell_count = len(cells.segments)
    return References(cells.order(), cells.bounds, cells.segments, np.ones(cell_count), cells.count, cell_count)


def sizes_of(labels: NDArray[np.integer], count: int = 0) -> NDArray[np.int64]:
    """How many rows carry each label, at least ``count`` numbers; piece by piece, without a wide copy of all."""
    total = np.zeros(count, dtype=np.int64)
    for first in range(0, len(labels), CHUNK):
        more = np.bincount(labels[first : first + CHUNK], minlength=len(total))
        more[: len(total)] += total
        total = more
    return total


def common_refinement(labelings: Sequence[Labels]) -> Cells:
    """The cells of the labelings, numbered by label of the first, then of the second and so on."""
    cells = np.zeros(len(labelings[0]), dtype=np.int64)
    counts = np.array([len(cells)])
    widths = [int(labels.max()) + 1 for labels in labelings]
    for labels, k in zip(labelings, widths, strict=True):
        cells *= k
        cells += labels
        counts = sizes_of(cells, len(counts) * k)
        used = counts > 0
        number = np.cumsum(used) - 1
        for first in range(0, len(cells), CHUNK):
            cells[first : first + CHUNK] = number[cells[first : first + CHUNK]]
        counts = counts[used]
    first_row = np.zeros(len(counts), dtype=np.int64)
    first_row[cells[::-1]] = np.arange(len(cells) - 1, -1, -1)
    offsets = np.concatenate(([0], np.cumsum(widths)[:-1]))
    segments = np.column_stack([offset + labels[first_row] for labels, offset in zip(labelings, offsets, strict=True)])
    return Cells(cells, np.concatenate(([0], np.cumsum(counts))).astype(np.int64), segments, sum(widths))


def draw_references(cells: Cells, random: np.random.Generator, most: int) -> References:
    """All rows, or about ``most`` of them drawn within cells and divided into parts.

    Rows are drawn at even steps from a random first one: in canonical order neighbours have nothing in common. Of very
    many cells the small ones are drawn from together, as one row after the other.
    """
    n, order, sizes = len(cells.of), cells.order(), np.diff(cells.bounds)
    if n <= most:
        return every_row(cells)
    apart = _apart(cells, sizes, most)
    # As many for each part of a cell; many small cells must not make many rows.
    least = min(WHOLE_CELL, PARTS * max(1, most // (2 * PARTS * int(apart.sum()))))
    wanted = np.maximum(least, PARTS * np.rint(sizes * most / n / PARTS).astype(np.int64))
    drawn, kept = np.flatnonzero(apart & (sizes > wanted)), np.flatnonzero(apart & (sizes <= wanted))
    rows, number = _at_even_steps(cells.bounds[drawn], sizes[drawn], wanted[drawn], random)
    pool = order[np.repeat(~apart, sizes)]
    some = PARTS * -(-len(pool) * most // (n * PARTS))
    singles, turn = _at_even_steps(np.zeros(1, np.int64), np.array([len(pool)]), np.array([some]), random)
    by_part = np.argsort(np.concatenate((number, turn)) % PARTS, kind="stable")
    taken = np.concatenate((order[rows], pool[singles]))[by_part]
    alone = cells.of[pool[singles]].reshape(-1, PARTS).T
    place = np.concatenate((kept, np.column_stack((np.tile(drawn, (PARTS, 1)), alone)).ravel()))
    weights = np.where(apart, np.maximum(1.0, sizes / wanted), len(pool) / max(1, some))
    weights[kept] = 1.0
    lengths = np.concatenate((wanted[drawn] // PARTS, np.ones(alone.shape[1], np.int64)))
    bounds = np.cumsum(np.concatenate(([0], sizes[kept], np.tile(lengths, PARTS))))
    return References(
        np.concatenate((order[np.repeat(np.isin(np.arange(len(sizes)), kept), sizes)], taken)),
        bounds.astype(np.int64), cells.segments[place], weights[place], cells.count, len(kept),
    )  # fmt: skip


def _apart(cells: Cells, sizes: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Cells that are drawn from on their own: the largest, and all that a small segment has."""
    if len(sizes) <= MOST_CELLS:
        return np.ones(len(sizes), dtype=bool)
    in_segments = np.bincount(cells.segments.ravel(), np.repeat(sizes, cells.segments.shape[1]), cells.count)
    few = in_segments < FEW_REFERENCES * len(cells.of) / most
    large: NDArray[np.bool_] = sizes > np.partition(sizes, -MOST_CELLS)[-MOST_CELLS]
    return large | few[cells.segments].any(axis=1)


def _at_even_steps(
    first: NDArray[np.int64], sizes: NDArray[np.int64], wanted: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """So many places ``wanted`` of each stretch of ``sizes`` places from ``first`` on, and their number in it."""
    number = np.arange(wanted.sum()) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    steps = (number + np.repeat(random.random(len(first)), wanted)) * np.repeat(sizes / np.maximum(wanted, 1), wanted)
    return np.repeat(first, wanted) + np.minimum(steps.astype(np.int64), np.repeat(sizes, wanted) - 1), number
