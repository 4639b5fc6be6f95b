"""The border of the kernels of mixtures: fixes types and layout, as ``compute`` does for the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from personas.segmentation import compute
from personas.segmentation.records import Floats
from personas.segmentation.tiles import Blocks


@cache
def _module() -> ModuleType:
    """What holds the passes of a mixture; loaded when the first one is fitted."""
    if compute.compiled():
        from personas.segmentation import kernels_mixture

        return kernels_mixture
    from personas.segmentation import twins

    return twins


@dataclass(frozen=True, slots=True)
class Whitened:
    """Components of a mixture as the kernels want them, in columns less ``centre`` over ``scale``.

    ``matrices`` (k, wide, wide) and ``offsets`` (k, wide) make every component round and of variance 1 around 0;
    ``constants`` (k,) hold weights and volumes. Wide is the number of columns rounded up to a multiple of four.
    """

    centre: Floats
    scale: Floats
    matrices: Floats
    offsets: Floats
    constants: Floats


def whitened(centre: Floats, scale: Floats, weights: Floats, means: Floats, covariances: Floats) -> Whitened:
    """Components with these weights (k,), means (k, d) and covariances (k, d, d) in columns less centre over scale."""
    k, d = means.shape
    wide = -(-d // 4) * 4
    lower = np.linalg.cholesky(covariances)
    matrices, offsets = np.zeros((k, wide, wide)), np.zeros((k, wide))
    matrices[:, :d, :d] = np.linalg.inv(lower)
    offsets[:, :d] = np.einsum("kij,kj->ki", matrices[:, :d, :d], means)
    volumes = np.log(np.einsum("kii->ki", lower)).sum(axis=1)
    constants = np.log(weights) - volumes - 0.5 * d * np.log(2 * np.pi)
    # Copies: arrays of a saved model may not be written, and are another type for the compiler.
    return Whitened(np.array(centre), np.array(scale), matrices, offsets, constants)


def mixture(X: Floats, model: Whitened) -> tuple[float, Floats, Floats, Floats]:
    """One pass of expectation: the sum of the log-densities of the rows in columns less centre over scale, and of each
    component the weight (k,), the sums (k, d) and the sums of products (k, d, d) of what it has of the rows.
    """
    (k, wide), d, total = model.offsets.shape, X.shape[1], 0.0
    counts, sums, squares = np.zeros(k), np.zeros((k, wide)), np.zeros((k, wide, wide))
    for first in range(0, len(X), compute.CHUNK):
        part = compute.numbers(X[first : first + compute.CHUNK])
        total += _module().mixture(
            part, model.centre, model.scale, model.matrices, model.offsets, model.constants, counts, sums, squares
        )
    return float(total), counts, sums[:, :d], squares[:, :d, :d]


@dataclass(frozen=True, slots=True)
class Narrow:
    """``n`` rows of ``d`` columns in float32, centred and scaled, as blocks filled up to a multiple of four columns."""

    blocks: Blocks
    n: int
    d: int


def narrow(X: Floats, centre: Floats, scale: Floats) -> Narrow:
    """Rows of X less ``centre`` over ``scale``."""
    n, d = X.shape
    rows = np.zeros((n, -(-d // 4) * 4))
    np.divide(X, scale, out=rows[:, :d])
    middle = np.zeros(rows.shape[1])
    middle[:d] = centre / scale
    return Narrow(compute.packed_blocks(rows, middle), n, d)


def narrow_mixture(rows: Narrow, model: Whitened) -> tuple[float, Floats, Floats, Floats]:
    """As ``mixture``, in float32 within 256 rows: for many rows, and for climbs that end before rounding counts."""
    (k, wide), d = model.offsets.shape, rows.d
    counts, sums, squares = np.zeros(k), np.zeros((k, wide)), np.zeros((k, wide, wide))
    parts = (part.astype(np.float32) for part in (model.matrices, model.offsets, model.constants))
    total = _module().narrow_mixture(rows.blocks, rows.n, *parts, counts, sums, squares)
    return float(total), counts, sums[:, :d], squares[:, :d, :d]


def log_densities(X: Floats, model: Whitened) -> Floats:
    """(n, k) log of weight times density of each component, of columns less centre over scale."""
    logs = np.empty((len(X), len(model.constants)))
    for first in range(0, len(X), compute.CHUNK):
        piece = slice(first, first + compute.CHUNK)
        _module().log_densities(
            compute.numbers(X[piece]), model.centre, model.scale, model.matrices, model.offsets, model.constants,
            logs[piece],
        )  # fmt: skip
    return logs
