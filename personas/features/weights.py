"""Family weights: no family of features outvotes another only because it has more columns (method.md 2.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MISSINGNESS = "missingness"
MISSINGNESS_WEIGHT = 0.25


def second_moments(X: Floats) -> Floats:
    """X^T X / n of (n, d), added up in an order that does not depend on the number of threads."""
    return np.asarray(np.einsum("ij,ik->jk", X, X, optimize=False) / len(X), dtype=np.float64)


def family_weights(X: Floats, families: Sequence[str], mode: str, wanted: Mapping[str, float]) -> Floats:
    """The weight (d,) of each column of the centred matrix X (n, d).

    ``mfa`` gives each family the largest eigenvalue 1, ``inertia`` the total variance 1, ``none`` leaves it as it is;
    then the configured weight of the family multiplies it.
    """
    weights = np.ones(X.shape[1])
    for family in sorted(set(families)):
        own = [j for j, name in enumerate(families) if name == family]
        moments = second_moments(X[:, own])
        size = {"mfa": float(np.linalg.eigvalsh(moments)[-1]), "inertia": float(np.trace(moments))}.get(mode, 1.0)
        asked = wanted.get(family, MISSINGNESS_WEIGHT if family == MISSINGNESS else 1.0)
        weights[own] = asked / np.sqrt(size)
    return weights
