"""Channel: where a customer buys, and where the customer was won."""

from __future__ import annotations

from personas.engines.portable import text_literal
from personas.features.families.customer import given
from personas.features.families.expressions import count_where, ratio
from personas.features.feature import FamilyContext, Feature, FeatureFamily

LABELS = {
    "online": "orders placed online",
    "store": "orders placed in the store",
    "phone": "orders placed by phone",
    "other": "orders placed elsewhere",
}


def features(context: FamilyContext) -> tuple[Feature, ...]:
    """The share of each channel. The shares add up to 1, so all but one form segments: one tells nothing new."""
    slugs = [slug for slug, _ in context.channels]
    told_by_the_others = "store" if "store" in slugs else slugs[-1] if slugs else ""
    shares = tuple(
        Feature(
            f"{slug}_share",
            ratio(
                count_where(f"is_sale AND channel = {text_literal(value)}"),
                count_where("is_sale AND channel IS NOT NULL"),
            ),
            "orders", "share", LABELS.get(slug, f"orders placed through {value}"),
            f"sales through {value}, as a share of the sales with a known channel",
            "channel", ("is_sale", "channel"), None, "share",
            "profile" if slug == told_by_the_others else "basis",
        )
        for slug, value in (context.channels or (("online", "online"), ("store", "store"), ("phone", "phone")))
    )  # fmt: skip
    return (
        *shares,
        Feature(
            "acquired_channel", "acquired_channel", "customers", "category", "won through",
            "where the customer was won", "channel", ("acquired_channel",), None, "category", "profile",
        ),
        *given(context, "channel"),
    )  # fmt: skip


FAMILY = FeatureFamily("channel", "Where they buy", "where", features)
