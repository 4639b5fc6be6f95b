"""Five kinds of customer, each a score of 0 to 1 by a visible formula.

A score is the weighted mean of its parts that are known. A part is a share as it stands, a number on a fixed scale, or
the share of customers below (``high``) or above (``low``). Four orders a year count as full repeat buying.

loyal           2 repeat + 2 repeat x brand concentration + full price + kept (no returns) + high revenue
impulse         2 high breadth + 2 high gap variation + repeat
bargain_hunter  3 share of discounted orders + low margin
wandering       2 few orders (1 - repeat) + long ago (high recency days) + low average order
need_based      2 low breadth + 2 low gap variation + no occasion + high gap days + full price

Who has bought too seldom to show a rhythm has none: low gap variation and high gap days are 0 there. A score needs half
of its weight to be known of a customer, and its first part to be measured at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from personas.profiles.rfm import money_of, share_below
from personas.profiles.values import Values

Floats = NDArray[np.float64]
ARCHETYPES = ("loyal", "impulse", "bargain_hunter", "wandering", "need_based")
FULL_REPEAT = 4.0
"""Orders a year that count as full repeat buying; one order a year is none."""
FEWEST_MEASURED = 3
LOWEST_LEAD = 0.5


def _parts(values: Values) -> dict[str, Floats]:
    """Every part that can be measured, 0 to 1, NaN where unknown."""

    def number(name: str) -> Floats:
        return np.asarray(values[name], dtype=np.float64)

    def have(*names: str) -> bool:
        return set(names) <= set(values)

    def repeat() -> Floats:
        return np.clip((number("orders_per_year") - 1) / (FULL_REPEAT - 1), 0, 1)

    rules: Mapping[str, tuple[tuple[str, ...], Callable[[], Floats]]] = {
        "repeat": (("orders_per_year",), repeat),
        "few": (("orders_per_year",), lambda: 1 - repeat()),
        "brand": (("orders_per_year", "brand_concentration"), lambda: repeat() * number("brand_concentration")),
        "full_price": (("discount_share",), lambda: 1 - number("discount_share")),
        "discounted": (("discount_share",), lambda: number("discount_share")),
        "kept": (("return_share",), lambda: 1 - number("return_share")),
        "low_margin": (("margin_rate",), lambda: 1 - share_below(number("margin_rate"))),
        "broad": (("category_breadth",), lambda: share_below(number("category_breadth"))),
        "narrow": (("category_breadth",), lambda: 1 - share_below(number("category_breadth"))),
        "bursts": (("gap_variation",), lambda: share_below(number("gap_variation"))),
        "regular": (("gap_variation",), lambda: np.nan_to_num(1 - share_below(number("gap_variation")), nan=0.0)),
        "long_gaps": (("gap_days",), lambda: np.nan_to_num(share_below(number("gap_days")), nan=0.0)),
        "long_ago": (("recency_days",), lambda: share_below(number("recency_days"))),
        "small": (("average_order",), lambda: 1 - share_below(number("average_order"))),
        "no_occasion": (("occasion_share",), lambda: 1 - number("occasion_share")),
    }
    found = {name: rule() for name, (needs, rule) in rules.items() if have(*needs)}
    money = money_of(values)
    if money is not None:
        found["revenue"] = share_below(money)
    return found


FORMULAS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "loyal": (("repeat", 2), ("brand", 2), ("full_price", 1), ("kept", 1), ("revenue", 1)),
    "impulse": (("broad", 2), ("bursts", 2), ("repeat", 1)),
    "bargain_hunter": (("discounted", 3), ("low_margin", 1)),
    "wandering": (("few", 2), ("long_ago", 1), ("small", 1)),
    "need_based": (("narrow", 2), ("regular", 2), ("no_occasion", 1), ("long_gaps", 1), ("full_price", 1)),
}
"""Parts with their weights, by archetype."""


def archetype_scores(values: Values) -> dict[str, Floats]:
    """(n,) score of each archetype that can be measured, NaN where too little is known of a customer."""
    parts = _parts(values)
    scores = {}
    for name, formula in FORMULAS.items():
        if formula[0][0] not in parts:
            continue
        weights = np.array([weight for part, weight in formula if part in parts], dtype=np.float64)
        x = np.column_stack([parts[part] for part, _ in formula if part in parts])
        known = np.isfinite(x)
        weight = known @ weights
        total = np.where(known, x, 0) @ weights
        enough = weight * 2 >= sum(weight for _, weight in formula)
        scores[name] = np.divide(total, weight, out=np.full(len(x), np.nan), where=enough & (weight > 0))
    return scores


def archetype_means(scores: Mapping[str, Floats], inside: NDArray[np.bool_]) -> dict[str, float]:
    """Mean score of the group per archetype; archetypes nobody of the group has a score for are left out."""
    found = {}
    for name, score in scores.items():
        own = score[inside & np.isfinite(score)]
        if len(own):
            found[name] = float(own.mean())
    return found


def leading_archetype(means: Mapping[str, float]) -> str | None:
    """The archetype with the highest mean, ties by the order of ``ARCHETYPES``.

    None when fewer than three are measured (the best of one is no finding) or none reaches one half.
    """
    known = [name for name in ARCHETYPES if name in means]
    best = max(known, key=lambda name: (round(means[name], 9), -ARCHETYPES.index(name))) if known else None
    return best if best and len(known) >= FEWEST_MEASURED and means[best] >= LOWEST_LEAD else None
