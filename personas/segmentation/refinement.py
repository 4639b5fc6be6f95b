"""Cells: rows that carry the same label in all labelings. Distances added up per cell serve every labeling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import Bounds

PARTS = 8
"""References are drawn in so many parts; how much these differ says how far drawing moved the result."""
WHOLE_CELL = 200
"""Cells up to this size are kept whole."""


@dataclass(frozen=True, slots=True)
class Cells:
    """``of`` (n,) cell of each row; ``bounds`` (cells + 1,) in rows sorted by cell; ``to_segments`` (cells, segments of
    all labelings side by side) says with 1 which segments a cell is part of.
    """

    of: NDArray[np.int64]
    bounds: Bounds
    to_segments: Floats

    def order(self) -> NDArray[np.int64]:
        """The order that sorts rows by cell, equal ones as they stand."""
        # Sixteen bits are sorted by counting.
        few = len(self.bounds) < 2**15
        return np.argsort(self.of.astype(np.int16) if few else self.of, kind="stable").astype(np.int64)


@dataclass(frozen=True, slots=True)
class References:
    """Rows drawn within cells: ``rows`` in pieces between ``bounds``; a piece is a whole cell or an eighth of a drawn
    one.

    ``to_segments`` (pieces, segments) turns sums over pieces into sums over whole segments. The first ``whole`` pieces
    are whole cells; the others follow part by part, the same number in each.
    """

    rows: NDArray[np.int64]
    bounds: Bounds
    to_segments: Floats
    whole: int

    def segment_sums(self, pieces: Floats) -> Floats:
        """(1 + parts, segments, q) from sums over pieces (pieces, q): from all references, then from each part alone;
        only the first when nothing was drawn.
        """
        fixed = self.to_segments[: self.whole].T @ pieces[: self.whole]
        each = (len(pieces) - self.whole) // PARTS
        if not each:
            return fixed[None]
        firsts = [self.whole + p * each for p in range(PARTS)]
        parts = np.stack([self.to_segments[i : i + each].T @ pieces[i : i + each] for i in firsts])
        return np.concatenate(((fixed + parts.sum(axis=0))[None], fixed + PARTS * parts))


def common_refinement(labelings: Sequence[Labels]) -> Cells:
    """The cells of the labelings, numbered by label of the first, then of the second and so on."""
    cells = np.zeros(len(labelings[0]), dtype=np.int64)
    counts = np.array([len(cells)])
    widths = [int(labels.max()) + 1 for labels in labelings]
    for labels, k in zip(labelings, widths, strict=True):
        cells = cells * k + labels
        counts = np.bincount(cells, minlength=len(counts) * k)
        used = counts > 0
        cells = (np.cumsum(used) - 1)[cells]
        counts = counts[used]
    first = np.zeros(len(counts), dtype=np.int64)
    first[cells[::-1]] = np.arange(len(cells) - 1, -1, -1)
    offsets = np.concatenate(([0], np.cumsum(widths)[:-1]))
    to_segments = np.zeros((len(counts), sum(widths)))
    for labels, offset in zip(labelings, offsets, strict=True):
        to_segments[np.arange(len(counts)), offset + labels[first]] = 1.0
    return Cells(cells, np.concatenate(([0], np.cumsum(counts))).astype(np.int64), to_segments)


def draw_references(cells: Cells, random: np.random.Generator, most: int) -> References:
    """All rows, or about ``most`` of them drawn within cells and divided into parts at random."""
    n, order, sizes = len(cells.of), cells.order(), np.diff(cells.bounds)
    if n <= most:
        return References(order, cells.bounds, cells.to_segments, len(sizes))
    # As many for each part of a cell.
    wanted = np.maximum(WHOLE_CELL, PARTS * np.rint(sizes * most / n / PARTS).astype(np.int64))
    drawn = np.flatnonzero(sizes > wanted)
    kept = np.flatnonzero(sizes <= wanted)
    inside = {int(g): order[cells.bounds[g] : cells.bounds[g + 1]] for g in range(len(sizes))}
    pieces = [inside[int(g)] for g in kept]
    taken = [inside[int(g)][random.choice(sizes[g], wanted[g], replace=False)] for g in drawn]
    pieces += [np.sort(rows[p::PARTS]) for p in range(PARTS) for rows in taken]
    place = np.concatenate((kept, np.tile(drawn, PARTS)))
    weights = np.where(sizes > wanted, sizes / wanted, 1.0)[place]
    bounds = np.concatenate(([0], np.cumsum([len(piece) for piece in pieces]))).astype(np.int64)
    return References(np.concatenate(pieces), bounds, cells.to_segments[place] * weights[:, None], len(kept))
