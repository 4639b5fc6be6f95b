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
    """Rows drawn within cells: ``rows`` in pieces between ``bounds``.

    ``maps`` (pieces, segments) turn sums over pieces into sums over whole segments: first from all pieces, then, if
    anything was drawn, from each of the parts alone.
    """

    rows: NDArray[np.int64]
    bounds: Bounds
    maps: tuple[Floats, ...]


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
    n, order, count = len(cells.of), cells.order(), len(cells.bounds) - 1
    if n <= most:
        return References(order, cells.bounds, (cells.to_segments,))
    pieces: list[NDArray[np.int64]] = []
    of, part, weight = [], [], []
    for g in range(count):
        rows = order[cells.bounds[g] : cells.bounds[g + 1]]
        size = max(WHOLE_CELL, round(len(rows) * most / n))
        if len(rows) <= size:
            found = [(rows, -1)]
        else:
            drawn = rows[random.choice(len(rows), size, replace=False)]
            found = [(np.sort(drawn[p::PARTS]), p) for p in range(PARTS)]
        for piece, p in found:
            pieces.append(piece)
            of.append(g)
            part.append(p)
            weight.append(1.0 if p < 0 else len(rows) / size)
    sizes = np.array([len(piece) for piece in pieces])
    bounds = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    place, number, weights = np.array(of), np.array(part), np.array(weight)
    total = np.bincount(place, weights=sizes)[place]
    maps = [cells.to_segments[place] * weights[:, None]]
    for p in range(PARTS) if (number >= 0).any() else ():
        alone = np.where(number < 0, 1.0, np.where(number == p, weights * total / sizes, 0.0))
        maps.append(cells.to_segments[place] * alone[:, None])
    return References(np.concatenate(pieces), bounds, tuple(maps))
