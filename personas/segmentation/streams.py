"""One random stream for every (step, k, replicate), so that results do not depend on the order of work."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Step(IntEnum):
    """What a stream is used for; the codes are part of the numbers and never change (method.md 0.3)."""

    REFERENCE_FIT = 1
    HALF_SAMPLE = 2
    NULL_DRAW = 3
    NULL_FIT = 4
    BOOTSTRAP = 5
    JITTER = 6
    SUBSAMPLE = 7
    SILHOUETTE_QUERIES = 8
    SENSITIVITY = 9
    MIXTURE_START = 12
    TRIMMED = 13
    MAP = 15
    OPINION = 16


def stream(seed: int, step: Step, k: int = 0, replicate: int = 0) -> np.random.SeedSequence:
    """The stream of one (step, k, replicate) under the study's seed; ``k`` is 0 where it does not apply.

    >>> a = stream(7, Step.BOOTSTRAP, 3, 0).generate_state(1); b = stream(7, Step.BOOTSTRAP, 3, 1).generate_state(1)
    >>> bool(a == b)
    False
    """
    return np.random.SeedSequence(entropy=seed, spawn_key=(int(step), k, replicate))


def generator(seed: int, step: Step, k: int = 0, replicate: int = 0) -> np.random.Generator:
    """A generator on that stream."""
    return np.random.Generator(np.random.PCG64(stream(seed, step, k, replicate)))


def draw_rows(seed: int, step: Step, n: int, m: int) -> NDArray[np.int64]:
    """``min(n, m)`` of the row numbers 0..n-1 without replacement, ascending."""
    if n <= m:
        return np.arange(n, dtype=np.int64)
    return np.sort(generator(seed, step).choice(n, size=m, replace=False)).astype(np.int64)
