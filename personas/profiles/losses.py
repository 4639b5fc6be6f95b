"""Customers who cost more than they bring, and which cost it is: exact counts by SQL on the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from personas.engines import Engine
from personas.engines.portable import quoted
from personas.profiles.costs import MONEY, won_sql
from personas.profiles.facts import EVERYONE, GROUPS_LIMIT
from personas.profiles.intervals import wilson
from personas.profiles.ledger import Ledger
from personas.profiles.money_records import Loss
from personas.sources.canonical import Tables

CAUSES = ("service", "returns", "discounts", "below_cost", "marketing")
"""What can take a contribution below zero; equal amounts count for the first."""
_LEDGER_COLUMNS = {"service": "service_cost", "returns": "return_cost", "marketing": "marketing_cost"}


def discounts_sql(tables: Tables) -> str:
    """Per customer: discounts given on sales in the window."""
    assert tables.orders is not None
    return f"""SELECT
  customer_id,
  SUM(CAST(COALESCE(discount_amount, 0) AS {MONEY})) AS amount
FROM {quoted(tables.orders.name)}
WHERE in_window AND is_sale
GROUP BY customer_id"""


def below_cost_sql(tables: Tables) -> str:
    """Per customer: by how much goods were priced below their cost, before any discount."""
    assert tables.order_lines is not None
    lines = tables.order_lines
    price = f"CAST(line_amount AS {MONEY})"
    if lines.has("discount_amount"):
        price = f"({price} + CAST(COALESCE(discount_amount, 0) AS {MONEY}))"
    cost = f"CAST(CAST(unit_cost AS {MONEY}) * CAST(quantity AS {MONEY}) AS {MONEY})"
    return f"""SELECT
  customer_id,
  SUM(CAST(CASE WHEN quantity > 0 AND {cost} > {price} THEN {cost} - {price} ELSE 0 END AS {MONEY})) AS amount
FROM {quoted(lines.name)}
WHERE in_window
GROUP BY customer_id"""


def causes_sql(ledger: str, known: tuple[str, ...], tables_made: tuple[str, ...]) -> str:
    """One row per labelled customer who loses money: every cost, 0 where there is none."""
    columns, joins = [], ""
    for cause in CAUSES:
        column = _LEDGER_COLUMNS.get(cause)
        if column in known:
            columns.append(f"COALESCE(l.{column}, 0) AS {cause}")
        elif cause in tables_made:
            columns.append(f"COALESCE({cause}.amount, 0) AS {cause}")
            joins += f"\nLEFT JOIN {quoted(f'loss_{cause}')} AS {cause} ON {cause}.customer_id = l.customer_id"
        else:
            columns.append(f"CAST(0 AS {MONEY}) AS {cause}")
    listed = "".join(f",\n  {column}" for column in columns)
    return f"""SELECT
  l.customer_id AS customer_id,
  l.segment AS segment,
  l.contribution AS contribution{listed}
FROM {quoted(ledger)} AS l{joins}
WHERE l.segment IS NOT NULL AND l.contribution < 0"""


def totals_sql() -> str:
    """Per segment and largest cost: customers, contribution and the sum of every cost."""
    largest = f"GREATEST({', '.join(CAUSES)})"
    which = "".join(f" WHEN {cause} >= {largest} THEN '{cause}'" for cause in CAUSES)
    sums = "".join(f",\n  SUM({cause}) AS {cause}" for cause in CAUSES)
    return f"""SELECT
  segment,
  cause,
  COUNT(*) AS customers,
  SUM(contribution) AS contribution{sums}
FROM (
  SELECT
    segment,
    contribution,
    {", ".join(CAUSES)},
    CASE WHEN {largest} <= 0 THEN 'small'{which} END AS cause
  FROM loss_causes
) AS c
GROUP BY segment, cause"""


def unearned_sql(ledger: str) -> str:
    """Per segment: customers won in the window who contribute less than winning them cost, and by how much."""
    return f"""SELECT
  l.segment AS segment,
  COUNT(*) AS customers,
  SUM(l.contribution - w.amount) AS short
FROM {quoted(ledger)} AS l
JOIN loss_won AS w ON w.customer_id = l.customer_id
WHERE l.segment IS NOT NULL AND l.contribution >= 0 AND l.contribution < w.amount
GROUP BY l.segment"""


def losses(engine: Engine, ledger: Ledger, tables: Tables, sizes: Mapping[int, int]) -> dict[int, Loss]:
    """The losing customers of every group in ``sizes`` (-1 is everyone); empty where contribution is unknown."""
    if "contribution" not in ledger.known or tables.orders is None:
        return {}
    made = []
    if tables.orders.has("discount_amount"):
        engine.make("loss_discounts", discounts_sql(tables))
        made.append("discounts")
    lines = tables.order_lines
    if lines is not None and lines.has("customer_id", "unit_cost", "quantity"):
        engine.make("loss_below_cost", below_cost_sql(tables))
        made.append("below_cost")
    engine.make("loss_causes", causes_sql(ledger.table.name, ledger.known, tuple(made)))
    rows = engine.fetch(totals_sql(), GROUPS_LIMIT).to_pylist()
    unearned = None
    if tables.customers.has("acquisition_cost"):
        known = f"SELECT customer_id, amount FROM ({won_sql(tables, None)}) AS w WHERE amount IS NOT NULL"
        engine.make("loss_won", known)
        unearned = engine.fetch(unearned_sql(ledger.table.name), GROUPS_LIMIT).to_pylist()
    return {g: _loss(_of(rows, g), None if unearned is None else _of(unearned, g), size) for g, size in sizes.items()}


def _of(rows: list[dict[str, Any]], group: int) -> list[dict[str, Any]]:
    return [row for row in rows if group in (EVERYONE, row["segment"])]


def _loss(rows: list[dict[str, Any]], unearned: list[dict[str, Any]] | None, size: int) -> Loss:
    """The record of one group."""
    customers = sum(int(row["customers"]) for row in rows)
    amounts = {cause: sum((row[cause] for row in rows), Decimal(0)) for cause in CAUSES}
    counts = {c: sum(int(row["customers"]) for row in rows if row["cause"] == c) for c in (*CAUSES, "small")}
    ranked = sorted(CAUSES, key=lambda cause: (-amounts[cause], CAUSES.index(cause)))
    return Loss(
        customers=customers,
        share=wilson(customers, size),
        total=float(sum((row["contribution"] for row in rows), Decimal(0))),
        causes=tuple((cause, float(amounts[cause])) for cause in ranked if amounts[cause] > 0),
        counts=tuple((c, n) for c, n in sorted(counts.items(), key=lambda item: -item[1]) if n),
        not_earned_back=None if unearned is None else sum(int(row["customers"]) for row in unearned),
        not_earned_back_total=None if unearned is None else float(sum((row["short"] for row in unearned), Decimal(0))),
    )
