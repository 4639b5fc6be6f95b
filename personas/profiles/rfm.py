"""The eleven RFM names by a visible table.

Every customer gets a score of 1 to 5 for recency, frequency and money, from the share of customers below (half of the
ties): 0 to 20% is 1, and so on, so that equal values always get equal scores and the order of rows cannot matter.
Frequency and money are averaged (halves up) to one score. The table then reads

===========  =============  ==================  ==================  ===========  ===========
recency      value 1        value 2             value 3             value 4      value 5
===========  =============  ==================  ==================  ===========  ===========
5 (latest)   new            potential_loyalist  potential_loyalist  champions    champions
4            promising      potential_loyalist  potential_loyalist  loyal        champions
3            about_to_sleep about_to_sleep      needs_attention     loyal        loyal
2            hibernating    hibernating         at_risk             at_risk      at_risk
1            lost           lost                at_risk             cannot_lose  cannot_lose
===========  =============  ==================  ==================  ===========  ===========
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.profiles.values import Values

Floats = NDArray[np.float64]
RFM_NAMES = (
    "champions", "loyal", "potential_loyalist", "new", "promising", "needs_attention", "about_to_sleep", "at_risk",
    "cannot_lose", "hibernating", "lost",
)  # fmt: skip
RFM_TABLE = (
    ("lost", "lost", "at_risk", "cannot_lose", "cannot_lose"),
    ("hibernating", "hibernating", "at_risk", "at_risk", "at_risk"),
    ("about_to_sleep", "about_to_sleep", "needs_attention", "loyal", "loyal"),
    ("promising", "potential_loyalist", "potential_loyalist", "loyal", "champions"),
    ("new", "potential_loyalist", "potential_loyalist", "champions", "champions"),
)
"""Row: recency score - 1. Column: value score - 1."""


def share_below(x: Floats) -> Floats:
    """(n,) share of the known values below each value, half of the ties counted; NaN where unknown.

    >>> share_below(np.array([1.0, 2.0, 2.0, 5.0]))
    array([0.125, 0.5  , 0.5  , 0.875])
    """
    known = np.sort(x[np.isfinite(x)])
    middle = (np.searchsorted(known, x, "left") + np.searchsorted(known, x, "right")) / 2
    result: Floats = np.where(np.isfinite(x), middle / max(len(known), 1), np.nan)
    return result


def quintile_scores(x: Floats) -> Floats:
    """(n,) 1 to 5, 5 the largest; NaN where unknown."""
    scores: Floats = np.minimum(5.0, np.floor(5 * share_below(x)) + 1)
    return scores


def money_of(values: Values) -> Floats | None:
    """Money a year: measured, or orders a year times the average order."""
    for name in ("revenue_per_year", "spend_per_year"):
        if name in values:
            return np.asarray(values[name], dtype=np.float64)
    if {"orders_per_year", "average_order"} <= set(values):
        orders = np.asarray(values["orders_per_year"], dtype=np.float64)
        product: Floats = orders * np.asarray(values["average_order"], dtype=np.float64)
        return product
    return None


def rfm_segments(values: Values) -> NDArray[np.object_] | None:
    """(n,) RFM name of each customer, None where a score is unknown; None altogether without the three features."""
    money = money_of(values)
    if money is None or not {"recency_days", "orders_per_year"} <= set(values):
        return None
    recency = quintile_scores(-np.asarray(values["recency_days"], dtype=np.float64))
    frequency = quintile_scores(np.asarray(values["orders_per_year"], dtype=np.float64))
    value = np.floor((frequency + quintile_scores(money) + 1) / 2)
    known = np.isfinite(recency) & np.isfinite(value)
    result = np.full(len(recency), None, dtype=object)
    table = np.array(RFM_TABLE, dtype=object)
    result[known] = table[recency[known].astype(int) - 1, value[known].astype(int) - 1]
    return result


def rfm_shares(names: NDArray[np.object_] | None, inside: NDArray[np.bool_]) -> dict[str, float]:
    """Share of the group's known customers in each of the eleven segments; empty when nobody is known."""
    if names is None:
        return {}
    own = [name for name in names[inside] if name is not None]
    return {name: own.count(name) / len(own) for name in RFM_NAMES} if own else {}
