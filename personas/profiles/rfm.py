"""The eleven RFM names by a visible table.

Every customer gets a score of 1 to 5 for recency, frequency and money. By default from the share of customers below
(half of the ties): 0 to 20% is 1, and so on; or by natural breaks, or by cuts that were given (``RfmConfig``). Equal
values always get equal scores and the order of rows cannot matter.
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

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from personas.config import RfmConfig
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
QUINTILES = RfmConfig()


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


MOST_CLASSED = 500
"""Different values among which natural breaks are sought; more are rounded to as many quantiles."""


def natural_breaks(x: Floats, classes: int = 5) -> tuple[float, ...]:
    """The smallest value of every class but the lowest, with the least squared spread of log(1 + x) inside the classes.

    ``x`` (n,) >= 0, NaN where unknown. Exact over at most 500 different values (Fisher 1958); fewer different values
    than classes give fewer breaks.

    >>> natural_breaks(np.array([1.0, 1, 2, 50, 52, 900]), 3)
    (50.0, 900.0)
    """
    known = np.sort(x[np.isfinite(x)])
    found, counts = np.unique(known, return_counts=True)
    if len(found) > MOST_CLASSED:
        edges = np.unique(known[np.linspace(0, len(known) - 1, MOST_CLASSED).astype(np.int64)])
        place = np.searchsorted(edges, known, "right") - 1
        found, counts = edges, np.bincount(place, minlength=len(edges))
    logs, n = np.log1p(np.maximum(found, 0)), len(found)
    weight, first, second = (np.concatenate([[0.0], np.cumsum(counts * logs**p)]) for p in (0, 1, 2))
    at = np.arange(n + 1)
    mass = weight[None, :] - weight[:, None]
    spread = second[None, :] - second[:, None] - (first[None, :] - first[:, None]) ** 2 / np.where(mass > 0, mass, 1.0)
    spread = np.where(at[None, :] > at[:, None], spread, np.inf)
    cost, starts = spread[0], list[NDArray[np.intp]]()
    for _ in range(min(classes, n) - 1):
        total = cost[:, None] + spread
        starts.append(total.argmin(axis=0))
        cost = total.min(axis=0)
    breaks, end = list[float](), n
    for start in reversed(starts):
        end = int(start[end])
        breaks.append(float(found[end]))
    return tuple(reversed(breaks))


def scores(x: Floats, cut: str, cuts: tuple[float, ...] | None = None, *, fewer_is_better: bool = False) -> Floats:
    """(n,) 1 to 5, 5 the best; NaN where unknown.

    ``cuts`` are the four given numbers of ``fixed``: at least so much for 2 to 5, with ``fewer_is_better`` at most so
    much for 5 to 2.
    """
    if cut == "quantile":
        return quintile_scores(-x if fewer_is_better else x)
    breaks = natural_breaks(x) if cuts is None else cuts
    side: Literal["left", "right"] = "left" if fewer_is_better and cuts is not None else "right"
    above = np.searchsorted(np.array(breaks), x, side).astype(np.float64)
    result: Floats = np.where(np.isfinite(x), 5 - above if fewer_is_better else 1 + above, np.nan)
    return result


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


def rfm_segments(values: Values, rules: RfmConfig = QUINTILES) -> NDArray[np.object_] | None:
    """(n,) RFM name of each customer, None where a score is unknown; None altogether without the three features."""
    money = money_of(values)
    if money is None or not {"recency_days", "orders_per_year"} <= set(values):
        return None
    days = np.asarray(values["recency_days"], dtype=np.float64)
    recency = scores(days, rules.cut, rules.recency_days, fewer_is_better=True)
    orders = np.asarray(values["orders_per_year"], dtype=np.float64)
    frequency = scores(orders, rules.cut, rules.orders_per_year)
    value = np.floor((frequency + scores(money, rules.cut, rules.money_per_year) + 1) / 2)
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
