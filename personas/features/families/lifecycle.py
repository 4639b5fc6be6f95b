"""Where a customer stands between the first order and being lost, by visible rules relative to the own rhythm.

The rhythm is the mean gap between the customer's buying days from three of them on (one gap alone is no rhythm), else
the usual one of the shop: the median of those who have one.

==========  ==================================================================================================
stage       rule, the first that fits
==========  ==================================================================================================
new         known for at most 2 usual rhythms (``tenure_days``): too early to be late
active      the last order is at most 2 own rhythms ago
lapsing     more than 2 and at most 4 own rhythms ago
lost        more than 4 own rhythms ago
==========  ==================================================================================================

Decided on 2 and 4, because a customer who buys at random and has not changed is silent for 2 mean gaps one time in
seven (exp(-2)) and for 4 one time in fifty (exp(-4)); reconsider when P(alive) is worked out before the segments are.
Customers without an order in the window are kept apart by their own rule and have no stage.
"""

from __future__ import annotations

from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.features.families.expressions import decimal
from personas.features.feature import FamilyContext, Feature

LIFECYCLE = "lifecycle_stage"
STAGES = ("new", "active", "lapsing", "lost")
"""From the first order on."""
LATE, LOST = 2, 4
"""So many rhythms without an order."""
RHYTHM_FROM = 3
"""Buying days from which a customer has a rhythm."""


def usual_rhythm(engine: Engine, orders: Table) -> float | None:
    """Median of the mean days between buying days, over customers with three of them; None without any."""
    found = engine.fetch(rhythm_sql(orders), 1).to_pylist()[0]["rhythm"]
    return None if found is None else float(found)


def rhythm_sql(orders: Table) -> str:
    """The median over customers of the days from the first to the last buying day, per gap."""
    return f"""
        SELECT
          median(gap) AS rhythm
        FROM (
          SELECT
            customer_id,
            CAST(date_diff('day', min(ordered_on), max(ordered_on)) AS DOUBLE) / (count(DISTINCT ordered_on) - 1) AS gap
          FROM {quoted(orders.name)}
          WHERE in_window AND is_sale
          GROUP BY customer_id
          HAVING count(DISTINCT ordered_on) >= {RHYTHM_FROM}
        ) AS g
    """


def lifecycle(context: FamilyContext) -> tuple[Feature, ...]:
    """The stage, where segments are sought within stages; else nothing."""
    usual = context.rhythm_days
    if usual is None:
        return ()
    own = f"CASE WHEN gap_variation IS NOT NULL THEN gap_days ELSE {decimal(usual)} END"
    stage = (
        f"CASE WHEN tenure_days <= {LATE} * {decimal(usual)} THEN 'new' "
        f"WHEN recency_days <= {LATE} * ({own}) THEN 'active' "
        f"WHEN recency_days <= {LOST} * ({own}) THEN 'lapsing' "
        "WHEN recency_days IS NOT NULL THEN 'lost' END"
    )
    words = (
        f"new: known for at most {LATE} usual rhythms; active: last order at most {LATE} own rhythms ago; "
        f"lapsing: at most {LOST}; else lost. Rhythm: days between orders from {RHYTHM_FROM} buying days on, else the "
        f"usual {usual:.1f} days"
    )
    return (
        Feature(
            LIFECYCLE, stage, "features", "category", "lifecycle stage", words,
            "purchase", ("tenure_days", "recency_days", "gap_days", "gap_variation"), None, "category", "profile",
            ("recency_days", "orders_per_year"),
        ),
    )  # fmt: skip
