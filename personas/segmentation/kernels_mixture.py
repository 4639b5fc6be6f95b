"""Compiled passes of a Gaussian mixture: densities of all components and, in the same pass, what they add up to.

Only ``compute`` imports this module; ``twins`` holds the same functions in numpy. Everything is float64: a mixture
subtracts squares, and one that climbs by 1e-8 a round must not stand on float32.
"""

from __future__ import annotations

import numpy as np

from personas.segmentation.compiling import compiled
from personas.segmentation.records import Floats
from personas.segmentation.tiles import ROWS

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
def _density(x: Floats, whiten: Floats, offset: Floats, constant: float, y: Floats, out: Floats) -> None:
    """Log-density ``out`` (256,) of one block under one component: ``constant`` less half the squared length of
    ``whiten`` x - ``offset``. ``whiten`` (wide, wide) is lower triangular, wide a multiple of four.
    """
    for r in range(ROWS):
        out[r] = constant
    for i in range(0, len(x), 2):
        start, other = -offset[i], -offset[i + 1]
        for r in range(ROWS):
            y[r] = start
        for r in range(ROWS):
            y[ROWS + r] = other
        for j in range(0, i + 2, 4):
            a0, a1, a2, a3 = whiten[i, j], whiten[i, j + 1], whiten[i, j + 2], whiten[i, j + 3]
            b0, b1, b2, b3 = whiten[i + 1, j], whiten[i + 1, j + 1], whiten[i + 1, j + 2], whiten[i + 1, j + 3]
            for r in range(ROWS):
                x0, x1, x2, x3 = x[j, r], x[j + 1, r], x[j + 2, r], x[j + 3, r]
                y[r] += x0 * a0 + x1 * a1 + x2 * a2 + x3 * a3
                y[ROWS + r] += x0 * b0 + x1 * b1 + x2 * b2 + x3 * b3
        for r in range(ROWS):
            out[r] -= 0.5 * (y[r] * y[r] + y[ROWS + r] * y[ROWS + r])


@compiled
def _add(x: Floats, share: Floats, sums: Floats, squares: Floats) -> None:
    """Add one block, each row by its ``share``, to the sums (wide,) and the lower triangle of the sums of products
    (wide, wide) of one component. Four by four, so that sixteen sums share eight loads.
    """
    for i in range(0, len(x), 4):
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
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
            s00, s01, s02, s03 = 0.0, 0.0, 0.0, 0.0
            s10, s11, s12, s13 = 0.0, 0.0, 0.0, 0.0
            s20, s21, s22, s23 = 0.0, 0.0, 0.0, 0.0
            s30, s31, s32, s33 = 0.0, 0.0, 0.0, 0.0
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
def _shares(logs: Floats, size: int, top: Floats, total: Floats) -> float:
    """Turn log-densities (k, 256) into the share of each component in each row; gives the sum over the first ``size``
    rows of the log-density of the mixture. Rows beyond get no share.
    """
    for r in range(ROWS):
        top[r], total[r] = logs[0, r], 0.0
    for c in range(1, len(logs)):
        for r in range(ROWS):
            top[r] = max(top[r], logs[c, r])
    for c in range(len(logs)):
        for r in range(ROWS):
            logs[c, r] = _exp(logs[c, r] - top[r])
            total[r] += logs[c, r]
    found = 0.0
    for r in range(size):
        found += top[r] + np.log(total[r])
        total[r] = 1.0 / total[r]
    total[size:] = 0.0
    for c in range(len(logs)):
        for r in range(ROWS):
            logs[c, r] *= total[r]
    return found


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
    x, y, logs = np.zeros((wide, ROWS)), np.empty(2 * ROWS), np.empty((k, ROWS))
    top, total = np.empty(ROWS), np.empty(ROWS)
    found = 0.0
    for first in range(0, len(X), ROWS):
        size = _tile(X, first, centre, scale, x)
        for c in range(k):
            _density(x, whiten[c], offset[c], constant[c], y, logs[c])
        found += _shares(logs, size, top, total)
        for c in range(k):
            most, count = 0.0, 0.0
            for r in range(ROWS):
                most = max(most, logs[c, r])
                count += logs[c, r]
            if most > NOTHING:
                counts[c] += count
                _add(x, logs[c], sums[c], squares[c])
    for i in range(wide):
        for j in range(i):
            squares[:, j, i] = squares[:, i, j]
    return found


@compiled
def log_densities(
    X: Floats, centre: Floats, scale: Floats, whiten: Floats, offset: Floats, constant: Floats, out: Floats
) -> None:
    """Log of weight times density of each component, written into ``out`` (n, k); see ``mixture``."""
    k, wide = offset.shape
    x, y, log = np.zeros((wide, ROWS)), np.empty(2 * ROWS), np.empty(ROWS)
    for first in range(0, len(X), ROWS):
        size = _tile(X, first, centre, scale, x)
        for c in range(k):
            _density(x, whiten[c], offset[c], constant[c], y, log)
            for r in range(size):
                out[first + r, c] = log[r]
