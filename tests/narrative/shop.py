"""Two segments of a small shop, made by hand, for the tests of the narrative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate, exact
from personas.features.feature import Feature
from personas.profiles.records import Economics, Fact, Profile, Profiles

FEATURES = {
    "orders_per_year": ("orders/year", "orders a year", "purchase"),
    "average_order": ("USD/order", "average order", "purchase"),
    "occasion_share": ("share", "orders before a holiday", "purchase"),
    "online_share": ("share", "placed online", "channel"),
    "store_share": ("share", "placed in the store", "channel"),
    "discount_share": ("share", "at a discount", "loyalty"),
    "brand_concentration": ("share", "spend on one brand", "loyalty"),
    "return_share": ("share", "sent back", "loyalty"),
    "effort_score": ("score 1-10", "effort of service", "service"),
    "followers": ("people", "followers", "influence"),
    "brands_followed": ("brands", "brands followed", "influence"),
    "age": ("years", "age", "demographics"),
}


def fact(name: str, value: float, effect: float, n: int = 500, known: float = 1.0) -> Fact:
    unit, label, family = FEATURES[name]
    feature = Feature(name, "", "orders", unit, label, label, family, role="profile" if name == "age" else "basis")
    figure = Estimate(value, value * 0.95, value * 1.05, unit, n, "bootstrap-t, 95%")
    strength = Estimate(effect, effect, effect, "delta", n, "exact")
    share = Estimate(known, known, known, "share", n, "exact")
    return Fact(feature, share, figure, figure, value * 0.8, value * 1.2, effect=strength)


def gender(share: float, level: str, known: float = 0.9, n: int = 500) -> Fact:
    feature = Feature("gender", "", "customers", "category", "gender", "gender", "demographics", shape="category")
    levels = ((level, exact(share, "share", n)), ("other", exact(1 - share, "share", n)))
    return Fact(feature, exact(known, "share", n), levels=levels)


def money(contribution: float | None, revenue: float = 300.0) -> Economics:
    def per_year(value: float) -> Estimate:
        return Estimate(value, value - 5, value + 5, "USD/year", 500, "bootstrap-t, 95%")

    if contribution is None:
        return Economics("revenue", revenue=per_year(revenue))
    return Economics(
        "contribution",
        revenue=per_year(revenue),
        gross_margin=per_year(revenue * 0.4),
        contribution=per_year(contribution),
    )


EVERYONE = {
    "orders_per_year": 6.3, "average_order": 67.0, "occasion_share": 0.26, "online_share": 0.64, "store_share": 0.25,
    "discount_share": 0.35, "brand_concentration": 0.35, "return_share": 0.08, "effort_score": 3.1, "followers": 220.0,
    "brands_followed": 44.0, "age": 36.0,
}  # fmt: skip
JOE = {
    "orders_per_year": (3.8, -0.4), "average_order": (310.0, 0.98), "occasion_share": (0.71, 0.9),
    "online_share": (0.11, -0.7), "store_share": (0.88, 0.8), "discount_share": (0.08, -0.4),
    "brand_concentration": (0.72, 0.6), "return_share": (0.05, -0.1), "effort_score": (6.1, 0.7), "age": (37.0, 0.05),
}  # fmt: skip
SARAH = {
    "orders_per_year": (11.4, 0.7), "average_order": (27.0, -0.8), "occasion_share": (0.11, -0.3),
    "online_share": (0.97, 0.6), "store_share": (0.02, -0.4), "discount_share": (0.22, -0.2),
    "brand_concentration": (0.3, -0.1), "return_share": (0.04, -0.1), "effort_score": (1.8, -0.4),
    "followers": (3000.0, 0.9), "brands_followed": (118.0, 0.9), "age": (19.0, -0.95),
}  # fmt: skip


def profile(segment: int, facts: dict[str, Fact], economics: Economics, stability: float = 0.94) -> Profile:
    return Profile(
        segment=segment,
        customers=exact(500, "customers", 500),
        share=exact(0.25, "share", 2000),
        facts=facts,
        economics=economics,
        stability=Estimate(stability, stability - 0.03, stability + 0.03, "share", 100, "bootstrap"),
        core_share=0.83,
    )


def profiles(joe_money: float | None = 428.0, sarah_stability: float = 0.94) -> Profiles:
    everyone = {name: fact(name, value, 0.0, 2000) for name, value in EVERYONE.items()}
    joe = {name: fact(name, *pair) for name, pair in JOE.items()} | {"gender": gender(0.8, "male")}
    sarah = {name: fact(name, *pair) for name, pair in SARAH.items()} | {"gender": gender(0.9, "Female")}
    known = joe_money is not None
    return Profiles(
        everyone=profile(-1, everyone, money(108.0 if known else None, 424.0)),
        segments=(
            profile(0, joe, money(joe_money, 1178.0)),
            profile(1, sarah, money(86.0 if known else None, 308.0), sarah_stability),
        ),
        currency="USD",
    )


def values() -> dict[str, NDArray[np.generic]]:
    """100 Joes and 100 Sarahs who are all exactly like their segment."""
    return {
        name: np.repeat([JOE.get(name, (np.nan,))[0], SARAH.get(name, (np.nan,))[0]], 100).astype(np.float64)
        for name in FEATURES
    }
