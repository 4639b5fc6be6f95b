"""Compiled passes of a Gaussian mixture: densities of all components and, in the same pass, what they add up to.

Only ``compute_mixture`` imports this module; ``twins`` holds the same functions in numpy. ``mixture`` is float64: one
that climbs by 1e-8 a round must not stand on float32. ``narrow_mixture`` is float32 within a block of 256 rows, for
many rows and for climbs that end sooner: it takes a third of the time.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.records import Floats
from personas.segmentation.tiles import ROWS, Blocks, Tiles, Weights

NOTHING = 1e-18
"""A component that no row of a block belongs to by more than this changes no digit of its sums there."""


@compiled
def _tile(X: Floats, first: int, centre: Floats, scale: Floats, x: Floats) -> int:
    """Up to 256 rows from ``first`` on, centred and scaled, feature-major into x (wide, 256); rows that are missing
    are 0. Gives how many there are.
    """
    size = min(ROWS, len(X) - first)
    if size < ROWS:
        x[:] = 0.0
    # Sixteen rows at a time: whole rows at once would write to places that share a line of the cache.
    for head in range(0, size, 16):
        tail = min(head + 16, size)
        for j in range(X.shape[1]):
            for r in range(head, tail):
                x[j, r] = (X[first + r, j] - centre[j]) / scale[j]
    return size


@compiled
def _density(x: Tiles, whiten: Floats, offset: Floats, constant: float, y: Tiles, out: Weights) -> None:
    """Log-density ``out`` (256,) of one block under one component: ``constant`` less half the squared length of
    ``whiten`` x - ``offset``. ``whiten`` (wide, wide) is lower triangular, wide a multiple of four; all float32 or all
    float64. Four by four, so that sixteen products share four loads.
    """
    half = x.dtype.type(0.5)
    for r in range(ROWS):
        out[r] = constant
    for g in range(len(x) // 4):
        wa, wb, wc, wd = whiten[4 * g], whiten[4 * g + 1], whiten[4 * g + 2], whiten[4 * g + 3]
        for c in range(4):
            start = -offset[4 * g + c]
            for r in range(ROWS):
                y[c, r] = start
        for h in range(g + 1):
            j = 4 * h
            a0, a1, a2, a3 = wa[j], wa[j + 1], wa[j + 2], wa[j + 3]
            b0, b1, b2, b3 = wb[j], wb[j + 1], wb[j + 2], wb[j + 3]
            c0, c1, c2, c3 = wc[j], wc[j + 1], wc[j + 2], wc[j + 3]
            d0, d1, d2, d3 = wd[j], wd[j + 1], wd[j + 2], wd[j + 3]
            z0, z1, z2, z3 = x[j], x[j + 1], x[j + 2], x[j + 3]
            for r in range(ROWS):
                x0, x1, x2, x3 = z0[r], z1[r], z2[r], z3[r]
                y[0, r] += x0 * a0 + x1 * a1 + x2 * a2 + x3 * a3
                y[1, r] += x0 * b0 + x1 * b1 + x2 * b2 + x3 * b3
                y[2, r] += x0 * c0 + x1 * c1 + x2 * c2 + x3 * c3
                y[3, r] += x0 * d0 + x1 * d1 + x2 * d2 + x3 * d3
        for r in range(ROWS):
            out[r] -= half * (y[0, r] ** 2 + y[1, r] ** 2 + y[2, r] ** 2 + y[3, r] ** 2)


@compiled
def _add(x: Tiles, share: Weights, sums: Floats, squares: Floats) -> None:
    """Add one block, each row by its ``share``, to the sums (wide,) and the lower triangle of the sums of products
    (wide, wide) of one component. Four by four, so that sixteen sums share eight loads.
    """
    zero = x.dtype.type(0)
    for i in range(0, len(x), 4):
        t0, t1, t2, t3 = zero, zero, zero, zero
        for r in range(ROWS):
            p = share[r]
            t0 += x[i, r] * p
            t1 += x[i + 1, r] * p
            t2 += x[i + 2, r] * p
            t3 += x[i + 3, r] * p
        sums[i] += t0
        sums[i + 1] += t1
        sums[i + 2] += t2
        sums[i + 3] += t3
        for j in range(0, i + 1, 4):
            s00, s01, s02, s03 = zero, zero, zero, zero
            s10, s11, s12, s13 = zero, zero, zero, zero
            s20, s21, s22, s23 = zero, zero, zero, zero
            s30, s31, s32, s33 = zero, zero, zero, zero
            for r in range(ROWS):
                p = share[r]
                b0, b1, b2, b3 = x[j, r] * p, x[j + 1, r] * p, x[j + 2, r] * p, x[j + 3, r] * p
                a0, a1, a2, a3 = x[i, r], x[i + 1, r], x[i + 2, r], x[i + 3, r]
                s00, s01, s02, s03 = s00 + a0 * b0, s01 + a0 * b1, s02 + a0 * b2, s03 + a0 * b3
                s10, s11, s12, s13 = s10 + a1 * b0, s11 + a1 * b1, s12 + a1 * b2, s13 + a1 * b3
                s20, s21, s22, s23 = s20 + a2 * b0, s21 + a2 * b1, s22 + a2 * b2, s23 + a2 * b3
                s30, s31, s32, s33 = s30 + a3 * b0, s31 + a3 * b1, s32 + a3 * b2, s33 + a3 * b3
            for row, (c0, c1, c2, c3) in enumerate(
                ((s00, s01, s02, s03), (s10, s11, s12, s13), (s20, s21, s22, s23), (s30, s31, s32, s33))
            ):
                squares[i + row, j] += c0
                squares[i + row, j + 1] += c1
                squares[i + row, j + 2] += c2
                squares[i + row, j + 3] += c3


@compiled
def _exp(t: float) -> float:
    """e to the power t of t <= 0, to 1e-12; below -600 as at -600. Unlike the library's, loops over it run side by
    side in the registers: a series of t / 4096, squared twelve times.
    """
    t = max(t, -600.0) / 4096.0
    p = 1.0 + t * (1.0 + t / 2 * (1.0 + t / 3 * (1.0 + t / 4 * (1.0 + t / 5 * (1.0 + t / 6 * (1.0 + t / 7))))))
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    return p * p


@compiled
def _narrow_exp(t: np.float32) -> np.float32:
    """As ``_exp`` in float32, to 4e-6; below -50 as at -50. Six squarings: each doubles the rounding."""
    one: np.float32 = np.float32(1.0)
    t = np.float32(max(t, np.float32(-50.0)) * np.float32(1 / 64))
    p = np.float32(1 / 120) + t * (np.float32(1 / 720) + t * np.float32(1 / 5040))
    p = one + t * (one + t * (np.float32(1 / 2) + t * (np.float32(1 / 6) + t * (np.float32(1 / 24) + t * p))))
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    return p * p


@compiled
def _below_top(logs: Tiles, top: Weights) -> None:
    """Take the largest log-density of each row, ``top`` (256,), from all of ``logs`` (k, 256)."""
    for r in range(ROWS):
        top[r] = logs[0, r]
    for c in range(1, len(logs)):
        for r in range(ROWS):
            top[r] = max(top[r], logs[c, r])
    for c in range(len(logs)):
        for r in range(ROWS):
            logs[c, r] -= top[r]


@compiled
def _shares(parts: Tiles, size: int, top: Weights, total: Weights) -> float:
    """Turn densities (k, 256) over that of ``top`` into the share of each component in each row; gives the sum over the
    first ``size`` rows of the log-density of the mixture. Rows beyond get no share.
    """
    for r in range(ROWS):
        total[r] = 0
    for c in range(len(parts)):
        for r in range(ROWS):
            total[r] += parts[c, r]
    found = 0.0
    for r in range(size):
        found += top[r] + np.log(total[r])
        total[r] = 1 / total[r]
    for r in range(size, ROWS):
        total[r] = 0
    for c in range(len(parts)):
        for r in range(ROWS):
            parts[c, r] *= total[r]
    return found


@compiled
def _add_all(x: Tiles, shares: Tiles, counts: Floats, sums: Floats, squares: Floats) -> None:
    """Add one block to what each component has of the rows."""
    for c in range(len(shares)):
        most, count = 0.0, 0.0
        for r in range(ROWS):
            most = max(most, shares[c, r])
            count += shares[c, r]
        if most > NOTHING:
            counts[c] += count
            _add(x, shares[c], sums[c], squares[c])


@compiled
def _mirror(squares: Floats) -> None:
    """Fill the upper triangles."""
    for i in range(squares.shape[1]):
        for j in range(i):
            for c in range(len(squares)):
                squares[c, j, i] = squares[c, i, j]


@compiled
def mixture(
    X: Floats, centre: Floats, scale: Floats, whiten: Floats, offset: Floats, constant: Floats,
    counts: Floats, sums: Floats, squares: Floats,
) -> float:  # fmt: skip
    """Sum of the log-densities of the rows of X (n, d) under a mixture; adds to ``counts`` (k,), ``sums`` (k, wide) and
    ``squares`` (k, wide, wide), the sums of products, what each component has of the rows.

    ``whiten`` (k, wide, wide), ``offset`` (k, wide) and ``constant`` (k,) belong to columns less ``centre`` over
    ``scale``; wide is d rounded up to a multiple of four.
    """
    k, wide = offset.shape
    x, y, logs = np.zeros((wide, ROWS)), np.empty((4, ROWS)), np.empty((k, ROWS))
    top, total = np.empty(ROWS), np.empty(ROWS)
    found = 0.0
    for first in range(0, len(X), ROWS):
        size = _tile(X, first, centre, scale, x)
        for c in range(k):
            _density(x, whiten[c], offset[c], constant[c], y, logs[c])
        _below_top(logs, top)
        for c in range(k):
            for r in range(ROWS):
                logs[c, r] = _exp(logs[c, r])
        found += _shares(logs, size, top, total)
        _add_all(x, logs, counts, sums, squares)
    _mirror(squares)
    return found


@compiled
def narrow_mixture(
    blocks: Blocks, n: int, whiten: Blocks, offset: Tiles, constant: Weights,
    counts: Floats, sums: Floats, squares: Floats,
) -> float:  # fmt: skip
    """As ``mixture``, for the ``n`` rows of ``blocks`` (b, wide, 256), already centred and scaled."""
    k = len(offset)
    y, logs = np.empty((4, ROWS), np.float32), np.empty((k, ROWS), np.float32)
    top, total = np.empty(ROWS, np.float32), np.empty(ROWS, np.float32)
    found = 0.0
    for b in range(len(blocks)):
        for c in range(k):
            _density(blocks[b], whiten[c], offset[c], constant[c], y, logs[c])
        _below_top(logs, top)
        for c in range(k):
            for r in range(ROWS):
                logs[c, r] = _narrow_exp(logs[c, r])
        found += _shares(logs, min(ROWS, n - b * ROWS), top, total)
        _add_all(blocks[b], logs, counts, sums, squares)
    _mirror(squares)
    return found


@compiled
def log_densities(
    X: Floats, centre: Floats, scale: Floats, whiten: Floats, offset: Floats, constant: Floats, out: Floats
) -> None:
    """Log of weight times density of each component, written into ``out`` (n, k); see ``mixture``."""
    k, wide = offset.shape
    x, y, log = np.zeros((wide, ROWS)), np.empty((4, ROWS)), np.empty(ROWS)
    for first in range(0, len(X), ROWS):
        size = _tile(X, first, centre, scale, x)
        for c in range(k):
            _density(x, whiten[c], offset[c], constant[c], y, log)
            for r in range(size):
                out[first + r, c] = log[r]
