"""The data of the measurements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GROUPS, IN_GROUPS, LOGNORMAL, NOISE = 6, 14, 3, 3


def customers(n: int, seed: int = 0, groups: int = GROUPS, spread: float = 1.2) -> NDArray[np.float64]:
    """(n, 20) standardised columns: 14 Gaussian in ``groups`` true groups, 3 lognormal, 3 of noise."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    centres = random.normal(size=(groups, IN_GROUPS)) * spread
    X = np.column_stack(
        [
            centres[random.integers(0, groups, n)] + random.normal(size=(n, IN_GROUPS)),
            random.lognormal(size=(n, LOGNORMAL)),
            random.normal(size=(n, NOISE)),
        ]
    )
    standardised: NDArray[np.float64] = (X - X.mean(axis=0)) / X.std(axis=0)
    return standardised
