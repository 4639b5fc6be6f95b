"""Remarks on the matrix that the reader must see: lattice, repeated rows, unusual customers, too many columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.errors import count_of
from personas.estimate import Notice
from personas.features.coding import Coding
from personas.features.recoding import Raw
from personas.features.transforms import forward
from personas.features.weights import second_moments

Floats = NDArray[np.float64]
FEW_DISTINCT = 0.2
UNUSUAL = 12.0
CUSTOMERS_PER_DIMENSION = 70


def flags(X: Floats, coding: Coding, raw: Raw) -> tuple[Notice, ...]:
    """All remarks that apply to the matrix X (n, d)."""
    found = (_lattice(X), _repeated(X), _unusual(coding, raw), _dimension(X))
    return tuple(notice for notice in found if notice is not None)


def distinct_rows(X: Floats) -> int:
    """How many different rows X has."""
    return len(np.unique(np.ascontiguousarray(X).view([("", X.dtype)] * X.shape[1])))


def _lattice(X: Floats) -> Notice | None:
    """Few different rows, or one coarse column that carries much of the distance: gaps there are gaps of counting."""
    n, rows = len(X), distinct_rows(X)
    if rows < FEW_DISTINCT * n:
        text = (
            f"{count_of(n, 'customer')} show only {count_of(rows, 'different combination')} of values: "
            "gaps between segments may come from counting."
        )
        return Notice("lattice", text, rows)
    variance = X.var(axis=0)
    coarse = [j for j in range(X.shape[1]) if variance[j] > 0.3 * variance.sum() and len(np.unique(X[:, j])) <= 10]
    if coarse:
        return Notice("lattice", "One feature with at most 10 values carries over 30% of the distance.", len(coarse))
    return None


def _repeated(X: Floats) -> Notice | None:
    n, repeated = len(X), len(X) - distinct_rows(X)
    continuous = any(len(np.unique(X[:, j])) >= FEW_DISTINCT * n for j in range(X.shape[1]))
    if repeated > 0.2 * n and continuous:
        text = f"{count_of(repeated, 'customer')} repeat another one exactly. Is the input doubled?"
        return Notice("duplicated-input", text, repeated)
    return None


def unusual_rows(coding: Coding, raw: Raw) -> NDArray[np.bool_]:
    """(n,) customers who lie more than 12 robust standard deviations out in some column, before clipping."""
    n = len(next(iter(raw.values())))
    far = np.zeros(n, dtype=bool)
    for column in coding.columns:
        if column.level is None and not column.missing_indicator:
            values = np.where(np.isnan(raw[column.feature]), column.fill, raw[column.feature])
            coded = forward(values, column.transform, column.divisor)
            far |= np.abs(coded - np.median(coded)) > UNUSUAL * column.scale
    return far


def _unusual(coding: Coding, raw: Raw) -> Notice | None:
    count = int(unusual_rows(coding, raw).sum())
    if not count:
        return None
    text = (
        f"{count_of(count, 'unusual customer')}: some value lies more than {UNUSUAL:.0f} times the usual spread from "
        "the middle. They stay in."
    )
    return Notice("unusual-customers", text, count)


def effective_dimension(X: Floats) -> float:
    """How many independent columns X is worth: (sum of eigenvalues)^2 / sum of their squares."""
    eigenvalues = np.linalg.eigvalsh(second_moments(X))
    return float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


def _dimension(X: Floats) -> Notice | None:
    dimension = effective_dimension(X)
    needed = CUSTOMERS_PER_DIMENSION * dimension
    if len(X) >= needed:
        return None
    text = (
        f"{count_of(len(X), 'customer')} are few for features that are worth {dimension:.1f} independent ones: "
        f"{int(np.ceil(needed)):,} would be advised."
    )
    return Notice("few-customers-for-features", text, len(X))
