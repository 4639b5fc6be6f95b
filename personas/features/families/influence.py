"""Influence: how far a customer's voice carries. Never turned into money."""

from __future__ import annotations

from personas.features.families.customer import given
from personas.features.feature import FamilyContext, Feature, FeatureFamily


def features(context: FamilyContext) -> tuple[Feature, ...]:
    """Followers, mentions, brands followed and referrals.

    A customer without a row in the table of reach is unknown, not without followers.
    """
    return (
        _reach("followers", "followers", "people", "followers", "people who follow the customer, over all networks"),
        _reach(
            "mentions_per_year", "mentions", "mentions/year", "public mentions a year",
            "public mentions of the shop in the year before they were counted, over all networks",
        ),
        _reach("brands_followed", "brands_followed", "brands", "brands followed", "brands the customer follows"),
        _reach("referrals", "referrals_made", "people", "customers brought along", "as recorded", "profile"),
        *given(context, "influence"),
    )  # fmt: skip


def _reach(name: str, column: str, unit: str, label: str, words: str, role: str = "basis") -> Feature:
    return Feature(name, f"sum({column})", "reach", unit, label, words, "influence", (column,), None, "count", role)


FAMILY = FeatureFamily("influence", "Whom they reach", "who", features)
