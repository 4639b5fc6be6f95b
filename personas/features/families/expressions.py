"""The few SQL expressions that every family is built of. All are exact before the last division."""

from __future__ import annotations

from datetime import date

from personas.engines.portable import text_literal
from personas.features.feature import FamilyContext


def as_double(aggregate: str) -> str:
    """The aggregate as DOUBLE, after it was summed exactly: sums of DOUBLE would depend on the number of threads.

    >>> as_double("sum(net_amount)")
    'CAST(sum(net_amount) AS DOUBLE)'
    """
    return f"CAST({aggregate} AS DOUBLE)"


def yearly(aggregate: str, context: FamilyContext) -> str:
    """What was counted in the window, per year of 365 days."""
    return f"{as_double(aggregate)} * 365 / {context.window_days}"


def ratio(part: str, whole: str) -> str:
    """``part / whole`` as DOUBLE, NULL where the whole is 0.

    >>> ratio("count(*) FILTER (WHERE is_sale)", "count(*)")
    'CAST(count(*) FILTER (WHERE is_sale) AS DOUBLE) / nullif(CAST(count(*) AS DOUBLE), 0)'
    """
    return f"{as_double(part)} / nullif({as_double(whole)}, 0)"


def count_where(condition: str) -> str:
    """How many rows fulfil the condition."""
    return f"count(*) FILTER (WHERE {condition})"


def sum_where(value: str, condition: str) -> str:
    """The sum of a value over the rows that fulfil the condition."""
    return f"sum({value}) FILTER (WHERE {condition})"


def day(value: date) -> str:
    """A day as a literal.

    >>> day(date(2026, 2, 14))
    "CAST('2026-02-14' AS DATE)"
    """
    return f"CAST({text_literal(value.isoformat())} AS DATE)"


def decimal(value: float) -> str:
    """A number from the configuration as a literal that no engine shortens.

    >>> decimal(0.8)
    "CAST('0.8' AS DOUBLE)"
    """
    return f"CAST({text_literal(repr(float(value)))} AS DOUBLE)"
