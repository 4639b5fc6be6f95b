"""The loops that numpy cannot do in one pass, compiled by numba; ``twins`` holds the same functions in numpy.

Only ``compute`` imports this module. Rows come in blocks of 256, feature-major inside a block, so that every inner
loop runs over rows that stand side by side. Sums inside a block are float32, everything that is kept is float64. No
kernel starts a thread; all of them let other threads run. ``fastmath`` needs finite input: checked at the room's
border. Arrays are filled number by number: of ``a[i] = b`` the compiler makes an error message too, for five seconds.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.kernels_block import add, assign, gaps_to, move, narrow
from personas.segmentation.records import Floats, Labels
from personas.segmentation.tiles import ROWS, Blocks, Bounds, Small, Tiles, Weights


@compiled
def pack(X: Floats, centre: Floats, first: int, weights: Tiles, blocks: Blocks) -> float:
    """Rows of X (n, d) minus ``centre`` into ``blocks`` (b, d, 256) from row ``first`` on, a multiple of
    256; missing rows stay 0.

    Gives the sum of squared norms, weighted by ``weights`` (b, 256).
    """
    n, d = X.shape
    total = 0.0
    # Sixteen rows at a time: whole rows at once would write to places that share a line of the cache.
    for head in range(0, n, 16):
        b, r, size = (first + head) // ROWS, (first + head) % ROWS, min(16, n - head)
        for j in range(d):
            for i in range(size):
                value = X[head + i, j] - centre[j]
                blocks[b, j, r + i] = value
                total += weights[b, r + i] * value * value
    return total


@compiled
def _farthest(blocks: Blocks, weights: Tiles, centroids: Floats, taken: Labels, out: Weights) -> int:
    """The row, not among ``taken``, that lies farthest from its nearest centroid."""
    k, d = centroids.shape
    gaps, least = np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    where, most = -1, np.float32(-1.0)
    for b in range(len(blocks)):
        for c in range(k):
            for j in range(d):
                out[j] = np.float32(centroids[c, j])
            gaps_to(blocks[b], out, gaps)
            for r in range(ROWS):
                least[r] = gaps[r] if c == 0 else min(least[r], gaps[r])
        for r in range(ROWS):
            if least[r] > most and weights[b, r] > 0:
                free = True
                for t in taken:
                    free = free and t != b * ROWS + r
                if free:
                    where, most = b * ROWS + r, least[r]
    return where


@compiled
def passes(
    blocks: Blocks, weights: Tiles, squares: float, start: Floats, most: int, tolerance: float
) -> tuple[Floats, float, int]:
    """Centroids (k, d), inertia and number of passes after at most ``most`` Lloyd passes.

    ``squares`` is the weighted sum of all squared norms. Stops when the centroids move by no more than ``tolerance``
    in squared distance. An emptied centroid is moved to the row farthest from the others.
    """
    k, d = start.shape
    even, ends = k + k % 2, np.array([0, k])
    centroids = start.copy()
    mu, half = np.zeros((k + 1, d), np.float32), np.empty(k + 1, np.float32)
    score, best, mask = np.empty(2 * ROWS, np.float32), np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    label, point = np.empty(ROWS, np.int32), np.empty(d, np.float32)
    labels = np.empty((len(blocks), ROWS), np.int8)
    sums, counts = np.zeros((k, d)), np.zeros(k)
    inertia, done = 0.0, 0
    for _ in range(most):
        done += 1
        narrow(centroids, ends, mu, half)
        for b in range(len(blocks)):
            assign(blocks[b], mu[:even], half[:even], score, best, label)
            if done == 1:
                add(blocks[b], weights[b], label, mask, sums, counts)
            else:
                move(blocks[b], weights[b], labels[b], label, sums, counts)
            for r in range(ROWS):
                labels[b, r] = label[r]
        inertia, moved = squares, 0.0
        taken = np.full(k, -1, np.int32)
        for c in range(k):
            if counts[c] == 0:
                taken[c] = _farthest(blocks, weights, centroids, taken, point)
                for j in range(d):
                    sums[c, j] = 0.0
                    point[j] = blocks[taken[c] // ROWS, j, taken[c] % ROWS]
            for j in range(d):
                now = sums[c, j] / counts[c] if counts[c] > 0 else point[j]
                moved += (now - centroids[c, j]) ** 2
                inertia -= counts[c] * now * now
                centroids[c, j] = now
        if moved <= tolerance:
            break
    return centroids, inertia, done


@compiled
def sweep(
    blocks: Blocks, weights: Tiles, centroids: Floats, ends: Bounds, fresh: bool, labels: Small, sums: Floats,
    counts: Floats,
) -> int:  # fmt: skip
    """One Lloyd pass over some blocks for m models at once; gives how many labels changed.

    ``centroids`` (K, d) are those of all models; model i has those from ``ends[i]`` to ``ends[i + 1]``. Labels
    (m, b, 256) are rewritten. ``sums`` (K, d) and weights ``counts`` (K,) of the groups are added up when all is
    ``fresh``; else what moved from one group to another is added to them.
    """
    d = blocks.shape[1]
    room = len(centroids) + len(ends)
    mu, half = np.zeros((room, d), np.float32), np.empty(room, np.float32)
    narrow(centroids, ends, mu, half)
    score, best, mask = np.empty(2 * ROWS, np.float32), np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    label, changed = np.empty(ROWS, np.int32), 0
    for b in range(len(blocks)):
        for m in range(len(ends) - 1):
            low, high = ends[m], ends[m + 1]
            first, last = low + m, high + m + (high - low) % 2
            assign(blocks[b], mu[first:last], half[first:last], score, best, label)
            if fresh:
                add(blocks[b], weights[b], label, mask, sums[low:high], counts[low:high])
            else:
                move(blocks[b], weights[b], labels[m, b], label, sums[low:high], counts[low:high])
            for r in range(ROWS):
                changed += labels[m, b, r] != label[r]
                labels[m, b, r] = label[r]
    return changed


@compiled
def drawn_row(weights: Tiles, least: Tiles, parts: Floats, left: float) -> tuple[int, int]:
    """The block and the row in it where the sum of ``weights`` times ``least`` (b, 256) passes ``left``; ``parts`` (b,)
    are the sums of the blocks.
    """
    b = 0
    while b < len(parts) - 1 and left >= parts[b]:
        left -= parts[b]
        b += 1
    row, seen = -1, -1
    for r in range(ROWS):
        if weights[b, r] * least[b, r] > 0:
            seen = r
            left -= weights[b, r] * least[b, r]
            if left < 0:
                row = r
                break
    return b, max(0, seen if row < 0 else row)


@compiled
def _seed(blocks: Blocks, weights: Tiles, total: float, uniforms: Floats, k: int) -> Floats:
    """k starting centroids by greedy k-means++: of several rows drawn by squared distance, the best is taken."""
    count, d = len(blocks), blocks.shape[1]
    tries = (len(uniforms) - 1) // max(1, k - 1)
    centroids = np.empty((k, d))
    least, kept = np.empty((count, ROWS), np.float32), np.empty((count, ROWS), np.float32)
    parts, kept_parts = np.empty(count), np.empty(count)
    gaps, point = np.empty(ROWS, np.float32), np.empty(d, np.float32)
    for b in range(count):
        part = 0.0
        for r in range(ROWS):
            least[b, r] = np.float32(1.0)
            part += weights[b, r]
        parts[b] = part
    pot, used = total, 0
    for c in range(k):
        best_pot, candidates = np.inf, 1 if c == 0 else tries
        for _ in range(candidates):
            b, row = drawn_row(weights, least, parts, uniforms[used] * pot)
            used += 1
            for j in range(d):
                point[j] = blocks[b, j, row]
            now = 0.0
            trial, trial_parts = np.empty((count, ROWS), np.float32), np.empty(count)
            for q in range(count):
                gaps_to(blocks[q], point, gaps)
                share = np.float32(0.0)
                for r in range(ROWS):
                    trial[q, r] = gaps[r] if c == 0 else min(least[q, r], gaps[r])
                    share += weights[q, r] * trial[q, r]
                trial_parts[q] = share
                now += trial_parts[q]
            if now < best_pot:
                best_pot, kept, kept_parts = now, trial, trial_parts
                for j in range(d):
                    centroids[c, j] = point[j]
        least, parts, pot = kept, kept_parts, best_pot
    return centroids


@compiled
def starts(
    blocks: Blocks, weights: Tiles, squares: float, uniforms: Floats, k: int, most: int, tolerance: float
) -> tuple[Floats, Floats]:
    """Inertia (R,) and centroids (R, k, d) of R whole starts: seeding and at most ``most`` Lloyd passes each.

    ``uniforms`` (R, 1 + (k - 1) * tries) are numbers from 0 to 1, a row for each start.
    """
    total = 0.0
    for b in range(len(blocks)):
        for r in range(ROWS):
            total += weights[b, r]
    inertias, found = np.empty(len(uniforms)), np.empty((len(uniforms), k, blocks.shape[1]))
    for i in range(len(uniforms)):
        seeds = _seed(blocks, weights, total, uniforms[i], k)
        centroids, inertias[i], _ = passes(blocks, weights, squares, seeds, most, tolerance)
        for c in range(k):
            for j in range(blocks.shape[1]):
                found[i, c, j] = centroids[c, j]
    return inertias, found
