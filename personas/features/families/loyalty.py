"""Loyalty: how long, how faithful, at which price, and how much comes back."""

from __future__ import annotations

from personas.features.families.customer import given
from personas.features.families.expressions import count_where, day, ratio, sum_where, yearly
from personas.features.feature import FamilyContext, Feature, FeatureFamily

PRICED = "is_sale AND discount_amount IS NOT NULL"
PLACED = count_where("is_sale OR refunded")


def features(context: FamilyContext) -> tuple[Feature, ...]:
    """Tenure, discounts, brand and returns."""
    return (*_discount(context), *_brand(), *_returns(context), _tenure(context), *given(context, "loyalty"))


def _discount(context: FamilyContext) -> tuple[Feature, ...]:
    given_away = sum_where("discount_amount", PRICED)
    return (
        Feature(
            "discount_share", ratio(count_where("is_sale AND discount_amount > 0"), count_where(PRICED)), "orders",
            "share", "orders at a discount", "share of the sales with a discount",
            "loyalty", ("is_sale", "discount_amount"), None, "share",
        ),
        Feature(
            "discount_rate", ratio(given_away, f"{given_away} + {sum_where('net_amount', PRICED)}"), "orders", "share",
            "discount on the price", "discounts, divided by what the sales would have cost without them",
            "loyalty", ("is_sale", "discount_amount", "net_amount"), None, "share", "profile", ("discount_share",),
        ),
        Feature(
            "discount_per_year", yearly(f"coalesce({given_away}, 0)", context), "orders", f"{context.currency}/year",
            "discounts a year", f"discounts on the sales in the window, times 365 / {context.window_days} days",
            "loyalty", ("is_sale", "discount_amount"), 0, "amount", "profile", ("discount_share",),
        ),
    )  # fmt: skip


def _brand() -> tuple[Feature, ...]:
    return (
        Feature(
            "brand_concentration", ratio("max(amount)", "sum(amount)"), "brands", "share", "spent on one brand",
            "what was spent on the brand bought most, as a share of the spend on known brands",
            "loyalty", ("amount",), None, "share",
        ),
    )  # fmt: skip


def _returns(context: FamilyContext) -> tuple[Feature, ...]:
    # A return is seen as a sale marked as refunded, as a refund row of its own, or as both: then it is one return.
    returns = f"greatest({count_where('refunded')}, {count_where('NOT is_sale AND net_amount < 0')})"
    needs = ("is_sale", "net_amount", "refunded")
    return (
        Feature(
            "return_share", f"CASE WHEN {PLACED} > 0 THEN least({ratio(returns, PLACED)}, 1) END", "orders",
            "share", "orders sent back", "orders with a refund, as a share of the orders placed",
            "loyalty", needs, None, "share",
        ),
        Feature(
            "returns_per_year", yearly(returns, context), "orders", "returns/year", "returns a year",
            f"orders with a refund in the window, times 365 / {context.window_days} days",
            "loyalty", needs, 0, "count", "profile", ("return_share", "orders_per_year"),
        ),
    )  # fmt: skip


def _tenure(context: FamilyContext) -> Feature:
    """Days since the first known day: the shop's own, the first order, or the earlier of the two."""
    customers = context.tables.customers
    known = [column for column in ("created_on",) if customers.has(column)]
    if context.tables.orders is not None:
        known.append("first_ordered_on")
    first = f"least({', '.join(known)})" if len(known) > 1 else known[0] if known else "created_on"
    label = "days since the first order" if context.tables.orders is not None else "days since joining"
    return Feature(
        "tenure_days", f"date_diff('day', {first}, {day(context.snapshot_date)})", "customers", "days",
        label, f"days from the first known day or order to {context.snapshot_date}",
        "loyalty", tuple(known) or ("created_on",), None, "amount", "profile",
    )  # fmt: skip


FAMILY = FeatureFamily("loyalty", "How faithful they are", "why", features)
