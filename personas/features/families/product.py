"""Product: what a customer buys, how widely, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence

from personas.engines.portable import text_literal
from personas.features.families.customer import given
from personas.features.families.expressions import ratio, sum_where, yearly
from personas.features.feature import FamilyContext, Feature, FeatureFamily

BOUGHT = "category IS NOT NULL AND line_amount > 0"
MARGIN = "line_amount - unit_cost * quantity"
COSTED = "unit_cost IS NOT NULL AND quantity IS NOT NULL"
COST_COLUMNS = ("line_amount", "quantity", "unit_cost")


def features(context: FamilyContext) -> tuple[Feature, ...]:
    """Category shares, breadth and margin. The shares describe; breadth forms, because shares follow from the range."""
    large = [(slug, value, f"category = {text_literal(value)}") for slug, value in context.categories]
    others = " AND ".join(f"NOT ({condition})" for _, _, condition in large) if context.rest_of_categories else ""
    breadth = Feature(
        "category_breadth", _breadth([where for _, _, where in large], others), "order_lines", "categories",
        "categories bought from", "how many product categories were bought from in the window",
        "product", ("category", "line_amount"), None, "count",
    )  # fmt: skip
    parts = [*large, ("other", "other categories", others)] if large and others else large
    return (breadth, *_shares(parts), *_margin(context), *given(context, "product"))


def _spent(where: str) -> str:
    """What was spent where a condition holds: 0 for a customer who bought from other known categories only."""
    return f"coalesce({sum_where('line_amount', f'{BOUGHT} AND {where}')}, 0)"


def _breadth(large: Sequence[str], others: str) -> str:
    """Large categories are counted by what was spent on them, which their shares need too: one sum instead of a set."""
    if not large:
        return f"count(DISTINCT category) FILTER (WHERE {BOUGHT})"
    small = [f"count(DISTINCT category) FILTER (WHERE {BOUGHT} AND {others})"] if others else []
    return " + ".join([*(f"CASE WHEN {_spent(where)} > 0 THEN 1 ELSE 0 END" for where in large), *small])


def _shares(parts: Sequence[tuple[str, str, str]]) -> tuple[Feature, ...]:
    """One share of spend per large category, and one for all the others together: (name, in words, condition)."""
    return tuple(
        Feature(
            f"category_share_{slug}", ratio(_spent(where), sum_where("line_amount", BOUGHT)), "order_lines",
            "share", f"spent on {value}",
            f"what was spent on {value}, as a share of the spend in known categories; returned lines do not count",
            "product", ("category", "line_amount"), None, "share", "profile",
        )
        for slug, value, where in parts
    )  # fmt: skip


def _margin(context: FamilyContext) -> tuple[Feature, ...]:
    known, whole = sum_where("abs(line_amount)", COSTED), "sum(abs(line_amount))"
    enough = f"CAST({known} AS DOUBLE) * 100 >= CAST({whole} AS DOUBLE) * 95"
    return (
        Feature(
            "margin_rate", ratio(sum_where(MARGIN, COSTED), sum_where("line_amount", COSTED)), "order_lines", "share",
            "gross margin rate", "paid less cost of the goods, divided by paid, over the lines with a known cost",
            "product", COST_COLUMNS, None, "number", "profile",
        ),
        Feature(
            "gross_margin_per_year", f"CASE WHEN {enough} THEN {yearly(sum_where(MARGIN, COSTED), context)} END",
            "order_lines", f"{context.currency}/year", "gross margin a year",
            "paid less cost of the goods in the window, per year; unknown when under 95% of the value has a cost",
            "product", COST_COLUMNS, None, "signed", "profile", ("orders_per_year", "average_order"),
        ),
    )  # fmt: skip


FAMILY = FeatureFamily("product", "What they buy", "what", features)
