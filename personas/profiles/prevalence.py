"""How many customers fit a whole description: counted, not modelled (method 9.5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from personas.profiles.values import Values

Bound = float | str | None
Condition = tuple[str, Bound, Bound]
"""(feature, low, high), both ends included, None is open; for a category the level twice."""


def fits(values: Values, conditions: Sequence[Condition]) -> NDArray[np.bool_]:
    """(n,) who fits every condition. An unknown value fits none. KeyError for a feature that is not in ``values``."""
    n = len(next(iter(values.values()))) if values else 0
    result = np.ones(n, dtype=np.bool_)
    for feature, low, high in conditions:
        x = values[feature]
        if x.dtype == object:
            allowed = {bound for bound in (low, high) if bound is not None}
            result &= np.array([value is not None and (not allowed or value in allowed) for value in x], dtype=np.bool_)
            continue
        numbers = np.asarray(x, dtype=np.float64)
        result &= np.isfinite(numbers)
        if low is not None:
            result &= numbers >= float(low)
        if high is not None:
            result &= numbers <= float(high)
    return result


def prevalence(
    values: Values, labels: NDArray[np.int32], segment: int, conditions: Sequence[Condition]
) -> dict[str, float]:
    """Share of the segment and of all customers that fit all ``conditions``: ``of_segment`` and ``of_customers``.

    ``values`` and ``labels`` as ``customer_values`` gives them.

    >>> x = {"orders_per_year": np.array([1.0, 4.0, 9.0, np.nan])}
    >>> prevalence(x, np.array([0, 1, 1, 1]), 1, [("orders_per_year", 4, None)])
    {'of_segment': 0.6666666666666666, 'of_customers': 0.5}
    """
    inside = np.asarray(labels) == segment
    who = fits(values, conditions) if conditions else np.ones(len(inside), dtype=np.bool_)
    return {
        "of_segment": float(who[inside].mean()) if inside.any() else 0.0,
        "of_customers": float(who.mean()) if len(who) else 0.0,
    }
