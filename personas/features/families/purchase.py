"""Purchase: when and how often a customer buys, and for how much."""

from __future__ import annotations

from datetime import date, timedelta

from personas.features.families.customer import given
from personas.features.families.expressions import as_double, count_where, day, ratio, sum_where, yearly
from personas.features.families.lifecycle import lifecycle
from personas.features.feature import FamilyContext, Feature, FeatureFamily
from personas.features.occasions import spans, words

SALES = count_where("is_sale")
# Days since the sale before are unknown for the first and 0 on the same day: what is left are new days. Counting
# different days instead would keep them all.
BUYING_DAYS = count_where("is_sale AND coalesce(gap_days, 1) > 0")
SALE_COLUMNS = ("ordered_on", "is_sale")


def features(context: FamilyContext) -> tuple[Feature, ...]:
    """Recency, frequency, money, rhythm, occasions, trend, and the stage where segments are sought within stages."""
    own = given(context, "purchase")
    return (*_frequency_and_money(context), *_rhythm(context), *lifecycle(context), *own)


def _frequency_and_money(context: FamilyContext) -> tuple[Feature, ...]:
    currency, last = context.currency, "max(ordered_on) FILTER (WHERE is_sale)"
    return (
        Feature(
            "orders_per_year", yearly(SALES, context), "orders", "orders/year", "orders a year",
            f"sales in the window, times 365 / {context.window_days} days; fully refunded orders do not count",
            "purchase", ("is_sale",), 0, "count",
        ),
        Feature(
            "recency_days", f"date_diff('day', {last}, {day(context.snapshot_date)})", "orders", "days",
            "days since the last order", f"days from the last sale to {context.snapshot_date}",
            "purchase", SALE_COLUMNS, None, "amount",
        ),
        Feature(
            "average_order", ratio(sum_where("net_amount", "is_sale"), SALES), "orders", f"{currency}/order",
            "average order", "net amount of the sales in the window, divided by their number",
            "purchase", ("is_sale", "net_amount"), None, "amount",
        ),
        Feature(
            "revenue_per_year", yearly("sum(net_amount)", context), "orders", f"{currency}/year", "spent a year",
            f"net amount of all orders and refunds in the window, times 365 / {context.window_days} days",
            "purchase", ("net_amount",), 0, "signed", "profile", ("orders_per_year", "average_order"),
        ),
    )  # fmt: skip


def _rhythm(context: FamilyContext) -> tuple[Feature, ...]:
    start = context.snapshot_date - timedelta(days=context.window_days)
    middle = start + timedelta(days=context.window_days // 2)
    days = context.config.features.occasion_days
    near = " OR ".join(
        f"ordered_on BETWEEN {day(first)} AND {day(last)}"
        for first, last in spans(context.config.features.occasions, days, start, context.snapshot_date)
    )
    later = count_where(f"is_sale AND ordered_on >= {day(middle)}")
    earlier = count_where(f"is_sale AND ordered_on < {day(middle)}")
    span = "date_diff('day', min(ordered_on) FILTER (WHERE is_sale), max(ordered_on) FILTER (WHERE is_sale))"
    monday = f"date_diff('day', {day(_A_MONDAY)}, ordered_on)"
    occasions = (
        Feature(
            # One order tells nothing of a habit, and 0 or 1 for most customers would cut them by a coincidence.
            "occasion_share", f"CASE WHEN {SALES} >= 2 THEN {ratio(count_where(f'is_sale AND ({near})'), SALES)} END",
            "orders", "share", "orders before an occasion",
            f"share of the sales placed in the {days} days that end with {words(context.config.features.occasions)}; "
            "from two sales on",
            "purchase", SALE_COLUMNS, None, "share",
        ),
    ) if near else ()  # fmt: skip
    return (
        *occasions,
        Feature(
            "gap_days", f"{as_double(span)} / nullif({as_double(BUYING_DAYS)} - 1, 0)", "orders", "days",
            "days between orders", "days from the first to the last buying day, divided by the buying days less one",
            "purchase", SALE_COLUMNS, None, "amount", "profile", ("orders_per_year",),
        ),
        Feature(
            "gap_variation", _GAP_VARIATION, "orders", "times the mean gap", "unevenness of the gaps",
            "standard deviation of the days between buying days, divided by their mean; from three buying days on",
            "purchase", SALE_COLUMNS, None, "number", "profile",
        ),
        Feature(
            "trend", ratio(f"{later} - {earlier}", SALES), "orders", "share", "trend",
            f"sales from {middle} on less those before, as a share of all: -1 falling, 1 rising",
            "purchase", SALE_COLUMNS, None, "score", "profile",
        ),
        Feature(
            "weekend_share", ratio(count_where(f"is_sale AND {monday} % 7 >= 5"), SALES), "orders", "share",
            "orders on a weekend", "share of the sales placed on a Saturday or Sunday",
            "purchase", SALE_COLUMNS, None, "share", "profile",
        ),
    )  # fmt: skip


# Same-day orders make gaps of 0 that say nothing about rhythm. Squares of whole days are summed exactly, so that the
# value does not depend on the order in which threads add.
_GAPS = "count(*) FILTER (WHERE is_sale AND gap_days > 0)"
_SUM = "CAST(sum(gap_days) FILTER (WHERE is_sale AND gap_days > 0) AS DOUBLE)"
_SQUARES = "CAST(sum(gap_days * gap_days) FILTER (WHERE is_sale AND gap_days > 0) AS DOUBLE)"
_GAP_VARIATION = (
    f"CASE WHEN {_GAPS} >= 2 THEN sqrt(greatest({_SQUARES} - {_SUM} * {_SUM} / {_GAPS}, 0) / ({_GAPS} - 1))"
    f" / ({_SUM} / {_GAPS}) END"
)
_A_MONDAY = date(1970, 1, 5)

FAMILY = FeatureFamily("purchase", "What and when they buy", "when", features)
