"""Service: how much time and effort a customer needs."""

from __future__ import annotations

from personas.engines.portable import text_literal
from personas.features.families.customer import given
from personas.features.families.expressions import decimal, yearly
from personas.features.feature import FamilyContext, Feature, FeatureFamily

MINUTES_OF_A_RETURN = 10
FULL_EFFORT_MINUTES = 120


def features(context: FamilyContext) -> tuple[Feature, ...]:
    """Tickets, minutes, effort from 1 to 10, and cost."""
    tickets = Feature(
        "tickets_per_year", yearly("count(*)", context), "tickets", "tickets/year", "service cases a year",
        f"tickets in the window, times 365 / {context.window_days} days",
        "service", (), 0, "count", "profile", ("effort_score",),
    )  # fmt: skip
    minutes = Feature(
        "service_minutes_per_year", yearly("sum(agent_minutes)", context), "tickets", "minutes/year",
        "service minutes a year", f"minutes of work in the window, times 365 / {context.window_days} days",
        "service", ("agent_minutes",), 0, "amount", "profile", ("effort_score",),
    )  # fmt: skip
    return (tickets, minutes, _effort(context), _cost(context), *given(context, "service"))


def _effort(context: FamilyContext) -> Feature:
    """The level as the shop keeps it, or one of minutes and returns: 1 without any, 10 from two hours a year on."""
    if context.tables.customers.has("service_level"):
        return Feature(
            "effort_score", "service_level", "customers", "score 1-10", "effort of serving",
            "service level as the shop keeps it",
            "service", ("service_level",), None, "score",
        )  # fmt: skip
    knows_returns = context.tables.orders is not None and context.tables.orders.has("refunded")
    returns = f" + {MINUTES_OF_A_RETURN} * returns_per_year" if knows_returns else ""
    minutes = f"(service_minutes_per_year{returns})"
    also = f" and {MINUTES_OF_A_RETURN} minutes for each return" if knows_returns else ""
    return Feature(
        "effort_score",
        # least() skips what is unknown, so that unknown minutes would become full effort.
        f"CASE WHEN {minutes} >= {FULL_EFFORT_MINUTES} THEN 10"
        f" WHEN {minutes} >= 0 THEN 1 + 9 * sqrt({minutes} / {FULL_EFFORT_MINUTES}) END",
        "features", "score 1-10",
        "effort of serving",
        f"1 + 9 times the square root of (m / {FULL_EFFORT_MINUTES}), with m the service minutes a year{also}, "
        f"at most {FULL_EFFORT_MINUTES}",
        "service", ("service_minutes_per_year", *(("returns_per_year",) if knows_returns else ())), None, "score",
    )  # fmt: skip


def _cost(context: FamilyContext) -> Feature:
    """Cost of the tickets: recorded, or minutes times the configured cost; unknown when one of them is unknown."""
    needs: tuple[str, ...]
    rate = context.config.economics.service_minute_cost
    tickets = context.tables.tickets
    if (tickets is not None and tickets.has("cost_amount")) or rate is None:
        cost, needs, words = "cost_amount", ("cost_amount",), "recorded cost of the tickets"
        total = "CAST(sum(cost_amount) AS DOUBLE)"
    elif isinstance(rate, dict):
        price = "".join(f" WHEN lower(channel) = {text_literal(k.lower())} THEN {decimal(v)}" for k, v in rate.items())
        cost, needs = f"CASE{price} END * agent_minutes", ("agent_minutes", "channel")
        # Minutes are summed exactly per channel before they are priced: sums of DOUBLE depend on the threads.
        total = " + ".join(
            f"coalesce(CAST(sum(agent_minutes) FILTER (WHERE lower(channel) = {text_literal(k.lower())}) AS DOUBLE), 0)"
            f" * {decimal(v)}"
            for k, v in sorted(rate.items())
        )
        words = "minutes of work times the cost of a minute in their channel"
    else:
        cost, needs = "agent_minutes", ("agent_minutes",)
        total, words = f"CAST(sum(agent_minutes) AS DOUBLE) * {decimal(rate)}", f"minutes of work times {rate:g}"
    known = f"count({cost}) = count(*)"
    return Feature(
        "service_cost_per_year", f"CASE WHEN {known} THEN ({total}) * 365 / {context.window_days} END", "tickets",
        f"{context.currency}/year", "service cost a year", f"{words} in the window, per year",
        "service", needs, 0, "amount", "profile", ("effort_score",),
    )  # fmt: skip


FAMILY = FeatureFamily("service", "What they ask of the service", "what", features)
