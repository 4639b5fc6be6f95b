"""The loops that numpy cannot do in one pass, compiled by numba; ``twins`` holds the same functions in numpy.

Only ``compute`` imports this module. Rows come in blocks of 256, feature-major inside a block, so that every inner
loop runs over rows that stand side by side. Sums inside a block are float32, everything that is kept is float64. No
kernel starts a thread; all of them let other threads run. ``fastmath`` needs finite input: checked at the room's
border.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
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
def scores_of_two(x: Tiles, mu: Tiles, half: Weights, c: int, score: Weights) -> None:
    """Half the squared distances less half the squared norms of the rows, from one block x (d, 256) to the centroids c
    and c + 1 of ``mu`` (k, d), one after the other in ``score`` (512,): two at a time share what is loaded.
    """
    d = x.shape[0]
    whole = d - d % 4
    start, other = half[c], half[c + 1]
    for r in range(ROWS):
        score[r] = start
    for r in range(ROWS):
        score[ROWS + r] = other
    for j in range(0, whole, 4):
        m0, m1, m2, m3 = mu[c, j], mu[c, j + 1], mu[c, j + 2], mu[c, j + 3]
        o0, o1, o2, o3 = mu[c + 1, j], mu[c + 1, j + 1], mu[c + 1, j + 2], mu[c + 1, j + 3]
        for r in range(ROWS):
            x0, x1, x2, x3 = x[j, r], x[j + 1, r], x[j + 2, r], x[j + 3, r]
            score[r] -= x0 * m0 + x1 * m1 + x2 * m2 + x3 * m3
            score[ROWS + r] -= x0 * o0 + x1 * o1 + x2 * o2 + x3 * o3
    for j in range(whole, d):
        m0, o0 = mu[c, j], mu[c + 1, j]
        for r in range(ROWS):
            score[r] -= x[j, r] * m0
            score[ROWS + r] -= x[j, r] * o0


@compiled
def _assign(x: Tiles, mu: Tiles, half: Weights, score: Weights, best: Weights, label: Labels) -> None:
    """Nearest of the centroids ``mu`` (k, d) for one block x (d, 256): ``best`` is half the squared distance less
    half the squared norm of the row. k is even.
    """
    for r in range(ROWS):
        best[r] = half[0] + np.float32(1e30)
        label[r] = 0
    for c in range(0, mu.shape[0], 2):
        scores_of_two(x, mu, half, c, score)
        for r in range(ROWS):
            label[r] = c if score[r] < best[r] else label[r]
            best[r] = min(score[r], best[r])
            label[r] = c + 1 if score[ROWS + r] < best[r] else label[r]
            best[r] = min(score[ROWS + r], best[r])


@compiled
def two_nearest(
    x: Tiles, mu: Tiles, half: Weights, score: Weights, best: Weights, second: Weights, label: Labels
) -> None:
    """The nearest of the centroids and, of it and the next, half the squared distance less half the squared norm of the
    row; see ``_assign``.
    """
    for r in range(ROWS):
        best[r], second[r], label[r] = np.float32(1e30), np.float32(1e30), 0
    for c in range(0, mu.shape[0], 2):
        scores_of_two(x, mu, half, c, score)
        for two in range(2):
            shift = two * ROWS
            for r in range(ROWS):
                now = score[shift + r]
                second[r] = min(second[r], max(best[r], now))
                label[r] = c + two if now < best[r] else label[r]
                best[r] = min(best[r], now)


@compiled
def _add(x: Tiles, weight: Weights, label: Labels, mask: Weights, sums: Floats, counts: Floats) -> None:
    """Add the rows of one block to the sums (k, d) and weights (k,) of their groups: one dot product per group and
    column, which is faster than going from row to row.
    """
    d = x.shape[0]
    zero = np.float32(0.0)
    whole = d - d % 4
    for c in range(sums.shape[0]):
        members = zero
        for r in range(ROWS):
            mask[r] = weight[r] if label[r] == c else zero
            members += mask[r]
        if members == zero:
            continue
        counts[c] += members
        for j in range(0, whole, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            for r in range(ROWS):
                m = mask[r]
                s0 += x[j, r] * m
                s1 += x[j + 1, r] * m
                s2 += x[j + 2, r] * m
                s3 += x[j + 3, r] * m
            sums[c, j] += s0
            sums[c, j + 1] += s1
            sums[c, j + 2] += s2
            sums[c, j + 3] += s3
        for j in range(whole, d):
            s0 = zero
            for r in range(ROWS):
                s0 += x[j, r] * mask[r]
            sums[c, j] += s0


@compiled
def _move(x: Tiles, weight: Weights, before: Small, label: Labels, sums: Floats, counts: Floats) -> None:
    """Move the rows of one block whose label changed from the sums of one group to those of another: few do after the
    first pass, and adding all of them up takes as long as finding their nearest centroid.
    """
    for r in range(ROWS):
        old, new, w = before[r], label[r], np.float64(weight[r])
        if old != new and w > 0:
            counts[old] -= w
            counts[new] += w
            for j in range(x.shape[0]):
                value = w * x[j, r]
                sums[old, j] -= value
                sums[new, j] += value


@compiled
def gaps_to(x: Tiles, point: Weights, gaps: Weights) -> None:
    """Squared distances of the rows of one block to one point."""
    d = x.shape[0]
    whole = d - d % 4
    for r in range(ROWS):
        gaps[r] = np.float32(0.0)
    for j in range(0, whole, 4):
        p0, p1, p2, p3 = point[j], point[j + 1], point[j + 2], point[j + 3]
        for r in range(ROWS):
            e0, e1, e2, e3 = x[j, r] - p0, x[j + 1, r] - p1, x[j + 2, r] - p2, x[j + 3, r] - p3
            gaps[r] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
    for j in range(whole, d):
        p0 = point[j]
        for r in range(ROWS):
            e0 = x[j, r] - p0
            gaps[r] += e0 * e0


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
    even = k + k % 2
    centroids = start.copy()
    mu, half = np.zeros((even, d), np.float32), np.full(even, np.float32(1e30))
    score, best, mask = np.empty(2 * ROWS, np.float32), np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    label, point = np.empty(ROWS, np.int32), np.empty(d, np.float32)
    labels = np.empty((len(blocks), ROWS), np.int8)
    sums, counts = np.zeros((k, d)), np.zeros(k)
    inertia, done = 0.0, 0
    for _ in range(most):
        done += 1
        for c in range(k):
            norm = 0.0
            for j in range(d):
                norm += centroids[c, j] * centroids[c, j]
                mu[c, j] = centroids[c, j]
            half[c] = 0.5 * norm
        for b in range(len(blocks)):
            _assign(blocks[b], mu, half, score, best, label)
            if done == 1:
                _add(blocks[b], weights[b], label, mask, sums, counts)
            else:
                _move(blocks[b], weights[b], labels[b], label, sums, counts)
            labels[b] = label
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
    mu, half = np.zeros((len(centroids) + len(ends), d), np.float32), np.full(len(centroids) + len(ends), np.float32(1e30))
    for m in range(len(ends) - 1):
        for c in range(ends[m], ends[m + 1]):
            norm = 0.0
            for j in range(d):
                mu[c + m, j] = centroids[c, j]
                norm += centroids[c, j] * centroids[c, j]
            half[c + m] = 0.5 * norm
    score, best, mask = np.empty(2 * ROWS, np.float32), np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    label, changed = np.empty(ROWS, np.int32), 0
    for b in range(len(blocks)):
        for m in range(len(ends) - 1):
            low, high = ends[m], ends[m + 1]
            wide = (high - low) + (high - low) % 2
            _assign(blocks[b], mu[low + m : low + m + wide], half[low + m : low + m + wide], score, best, label)
            if fresh:
                _add(blocks[b], weights[b], label, mask, sums[low:high], counts[low:high])
            else:
                _move(blocks[b], weights[b], labels[m, b], label, sums[low:high], counts[low:high])
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
        found[i], inertias[i], _ = passes(blocks, weights, squares, seeds, most, tolerance)
    return inertias, found
