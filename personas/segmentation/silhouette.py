"""The Euclidean silhouette of many labelings at once: every distance is computed once and serves all of them.

Rows that carry the same label in all labelings share a cell (the common refinement). Distances of a block of rows are
added up per cell and then per segment, so memory is block x n, never n x n (performance.md 2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute
from personas.segmentation.ordered import Rows
from personas.segmentation.records import Floats, Labels, Progress
from personas.segmentation.refinement import PARTS, References, common_refinement, draw_references, every_row, sizes_of
from personas.segmentation.streams import Step, draw_rows, generator
from personas.segmentation.threads import single_thread, spread
from personas.segmentation.tiles import ROWS
from personas.segmentation.twins import distance_sums

EXACT_LIMIT = 20_000
QUERIES = 2_000
QUERIES_PER_SEGMENT = 100
BLOCK_CELLS = 2_000_000
"""Distances held at once: 16 MB a matrix of float64."""
SMALL = 1_000
"""Up to so many rows distances are float64: it costs nothing there. Beyond they are float32 from direct differences."""
QUERY_BLOCK, SUMS = 2_048, 8_000_000
"""Queries of a thread at once, fewer where there are many cells: so many sums are held at once."""
REFERENCES = 100_000
"""Above so many rows the sampled silhouette looks at a sample of references too: cost then no longer grows with n."""


@dataclass(frozen=True, slots=True)
class Silhouette:
    """The silhouette of one labeling.

    ``mean`` over all rows; ``macro`` mean of the segment means; ``segments`` (k,) mean per segment; ``error``,
    ``macro_error`` and ``segment_errors`` half widths of their 95% intervals, 0 when exact;
    ``rows`` and ``values`` the rows it was computed for and their own silhouettes;
    ``base`` how many of the first rows belong to the common query sample (pairs of labelings are compared on these).
    """

    mean: float
    error: float
    macro: float
    segments: tuple[float, ...]
    rows: NDArray[np.int64]
    values: Floats
    base: int
    macro_error: float = 0.0
    segment_errors: tuple[float, ...] = ()


def silhouettes(
    X: Rows, labelings: Sequence[Labels], seed: int = 0, progress: Progress | None = None, limit: int | None = None
) -> list[Silhouette]:
    """The silhouette of each labeling of the rows of X: exact up to ``limit`` rows, sampled beyond, with its error.

    Parameters
    ----------
    X : (n, d) float64
    labelings : sequence of (n,) int arrays
        Labels 0..k-1, every label used, 2 <= k <= n - 1.
    seed : int
        Seeds the query sample, which is the same for all labelings, so that differences between them are paired.

    Source: Rousseeuw 1987. Singletons and rows at distance 0 of everything have silhouette 0.
    """
    n = len(X)
    if n <= (EXACT_LIMIT if limit is None else limit):
        everyone = np.arange(n, dtype=np.int64)
        values = row_silhouettes(X, labelings, everyone, progress)
        return [_exact(labels, values[i]) for i, labels in enumerate(labelings)]
    base = draw_rows(seed, Step.SILHOUETTE_QUERIES, n, QUERIES)
    extra = [_top_up(labels, base, seed) for labels in labelings]
    queries = np.union1d(base, np.concatenate(extra)) if extra else base
    cells = common_refinement(labelings)
    drawn = draw_references(cells, generator(seed, Step.SILHOUETTE_QUERIES, 0, 2), REFERENCES)
    values = _values(X, labelings, queries, drawn, progress)
    scores = []
    for i, labels in enumerate(labelings):
        rows = np.concatenate((base, extra[i]))
        scores.append(_sampled(labels, rows, values[:, i, np.searchsorted(queries, rows)], len(base)))
    return scores


def row_silhouettes(
    X: Rows, labelings: Sequence[Labels], queries: NDArray[np.int64], progress: Progress | None = None
) -> Floats:
    """(number of labelings, q) silhouettes of the rows ``queries`` against all rows of X."""
    cells = common_refinement(labelings)
    values: Floats = _values(X, labelings, queries, every_row(cells), progress)[0]
    return values


def _values(
    X: Rows, labelings: Sequence[Labels], queries: NDArray[np.int64], references: References,
    progress: Progress | None = None,
) -> Floats:  # fmt: skip
    """(1 or 1 + parts, labelings, q) silhouettes of the rows ``queries``, from distances to the references."""
    counts = [sizes_of(labels) for labels in labelings]
    sizes, firsts = np.concatenate(counts), np.concatenate(([0], np.cumsum([len(c) for c in counts])[:-1]))
    rows, small = X[references.rows], len(X) <= SMALL
    centre = rows.mean(axis=0)
    rows -= centre
    narrow = rows.astype(np.float32)
    versions = 1 if references.whole == len(references.weights) else 1 + PARTS
    values = np.empty((versions, len(labelings), len(queries)))

    step = ROWS * max(1, min(QUERY_BLOCK, SUMS // len(references.weights)) // ROWS)

    def block(start: int) -> int:
        part = queries[start : start + step]
        if small:
            pieces = distance_sums(X[part] - centre, rows, references.bounds, BLOCK_CELLS).T
        else:
            blocks = compute.packed_blocks(X[part], centre)
            pieces = compute.cell_sums(blocks, narrow, references.bounds)[:, : len(part)]
        own = firsts[:, None] + np.stack([labels[part] for labels in labelings])
        for m, sums in enumerate(references.segment_sums(pieces)):
            values[m, :, start : start + len(part)] = _from_sums(sums, sizes, firsts, own)
        return start

    with single_thread():
        for start in spread(block, range(0, len(queries), step)):
            if progress:
                progress("silhouettes", min(1.0, (start + step) / len(queries)))
    return values


def _from_sums(sums: Floats, sizes: NDArray[np.int64], firsts: NDArray[np.int64], own: NDArray[np.int64]) -> Floats:
    """(labelings, q) silhouettes from the sums (segments, q) of distances to the segments of all labelings, side by
    side from ``firsts`` on; ``own`` (labelings, q) is where each query belongs. 0 where nobody is in another one.
    """
    counts, query = sizes[own], np.arange(own.shape[1])
    within = sums[own, query] / np.maximum(counts - 1, 1)
    others = sums / np.maximum(sizes, 1)[:, None]
    others[sizes == 0] = np.inf
    others[own, query] = np.inf
    nearest = np.stack([one.min(axis=0) for one in np.split(others, firsts[1:])])
    larger = np.maximum(within, nearest)
    some = (larger > 0) & (larger < np.inf) & (counts > 1)
    values: Floats = np.divide(nearest - within, larger, out=np.zeros(own.shape), where=some)
    return values


def _exact(labels: Labels, values: Floats) -> Silhouette:
    counts = np.bincount(labels)
    means = np.bincount(labels, weights=values) / np.maximum(counts, 1)
    everyone = np.arange(len(labels), dtype=np.int64)
    segments = tuple(float(m) for m in means)
    exact = (0.0,) * len(segments)
    mean, macro = float(values.mean()), float(means.mean())
    return Silhouette(mean, 0.0, macro, segments, everyone, values, len(labels), 0.0, exact)


def _top_up(labels: Labels, base: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """More query rows for each segment that the base sample caught fewer than 100 of."""
    sizes = sizes_of(labels)
    k = len(sizes)
    have = np.bincount(labels[base], minlength=k)
    want = np.minimum(QUERIES_PER_SEGMENT, sizes)
    random = generator(seed, Step.SILHOUETTE_QUERIES, k, 1)
    extra = [np.empty(0, dtype=np.int64)]
    free = np.ones(len(labels), dtype=bool)
    free[base] = False
    for g in np.flatnonzero(have < want):
        rest = np.flatnonzero((labels == g) & free)
        extra.append(np.sort(random.choice(rest, size=int(want[g] - have[g]), replace=False)))
    return np.concatenate(extra)


def _sampled(labels: Labels, rows: NDArray[np.int64], values: Floats, base: int) -> Silhouette:
    """The stratified estimate of method.md 3.2: segment means weighted by true segment sizes.

    ``values`` (1 + parts, rows): from all references, then from each part of them; how much the parts differ is what
    drawing the references adds to the error.
    """
    sizes = sizes_of(labels).astype(float)
    drawn = labels[rows]
    m = np.maximum(np.bincount(drawn, minlength=len(sizes)).astype(float), 1.0)
    means = np.bincount(drawn, weights=values[0], minlength=len(sizes)) / m
    squares = np.bincount(drawn, weights=(values[0] - means[drawn]) ** 2, minlength=len(sizes))
    variance = squares / np.maximum(m - 1, 1) / m * (1 - m / np.maximum(sizes, 1))
    k, weights = len(sizes), sizes / sizes.sum()
    # Of the mean over all rows, of the macro mean, and of each segment: what they make of the segment means.
    makes = np.vstack((weights, np.full(k, 1.0 / k), np.eye(k)))
    square_errors = makes**2 @ variance
    if len(values) > 1:
        by_part = np.stack([np.bincount(drawn, weights=part, minlength=k) for part in values[1:]]) / m
        square_errors += (by_part @ makes.T).var(axis=0, ddof=1) / len(by_part)
    mean, macro, *segments = (float(value) for value in makes @ means)
    error, macro_error, *errors = (1.96 * float(root) for root in np.sqrt(square_errors))
    return Silhouette(
        mean, error, macro, tuple(segments), rows, values[0], base, macro_error, tuple(errors)
    )
