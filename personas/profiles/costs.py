"""The components of the ledger as SQL: cost of goods, service, returns, marketing. What is not known stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from personas.config import EconomicsConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.estimate import Notice
from personas.sources.canonical import Tables

COVERAGE = Decimal("0.95")
"""Share of order value or of tickets whose cost must be known before the level is printed (method 9.6)."""
MONEY = "DECIMAL(18, 4)"


@dataclass(frozen=True, slots=True)
class Component:
    """One component of money. ``sql`` is its expression in the ledger's SELECT, None while it is unknown."""

    sql: str | None = None
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[tuple[str, str], ...] = ()
    events: int = 0


def _double(value: float | Decimal) -> str:
    """A number as portable SQL without a decimal literal."""
    return f"CAST({text_literal(format(Decimal(repr(float(value))), 'f'))} AS DOUBLE)"


def _percent(share: Decimal | float) -> str:
    return f"{float(share) * 100:.1f}".removesuffix(".0") + "%"


def _row(engine: Engine, sql: str) -> dict[str, Any]:
    row: dict[str, Any] = engine.fetch(sql, 1).to_pylist()[0]
    return row


# --- goods -----------------------------------------------------------------------------------------------------------


def order_costs_sql(lines: Table) -> str:
    """Per order: value of its lines, value of those whose cost is known, that cost. Goods sent back are negative."""
    cost = f"CAST(unit_cost AS {MONEY})" if lines.has("unit_cost") else f"CAST(NULL AS {MONEY})"
    amount, quantity = f"CAST(line_amount AS {MONEY})", f"CAST(quantity AS {MONEY})"
    known = f"quantity IS NOT NULL AND {cost} IS NOT NULL"
    return f"""SELECT
  order_id,
  SUM({amount}) AS value,
  SUM(CASE WHEN {known} THEN {amount} ELSE 0 END) AS known_value,
  COUNT(CASE WHEN {known} THEN 1 END) AS known_lines,
  SUM(CASE WHEN {known} THEN CAST({cost} * {quantity} AS {MONEY}) ELSE 0 END) AS known_cost
FROM {quoted(lines.name)}
WHERE in_window AND order_id IS NOT NULL
GROUP BY order_id"""


def coverage_sql(orders: str) -> str:
    """Value of the sales in the window, how much of it has known cost, that cost, and rows that are refunds."""
    return f"""SELECT
  SUM(CAST(CASE WHEN o.net_amount > 0 THEN o.net_amount ELSE 0 END AS {MONEY})) AS sales,
  SUM(CAST(CASE WHEN o.net_amount > 0 AND c.value > 0
      THEN CAST(o.net_amount AS DOUBLE) * CAST(c.known_value AS DOUBLE) / CAST(c.value AS DOUBLE)
      ELSE 0 END AS {MONEY})) AS covered,
  SUM(CASE WHEN o.net_amount > 0 THEN c.known_value END) AS known_value,
  SUM(CASE WHEN o.net_amount > 0 THEN c.known_cost END) AS known_cost,
  COUNT(CASE WHEN o.net_amount < 0 THEN 1 END) AS refunds
FROM {quoted(orders)} AS o
LEFT JOIN ledger_order_costs AS c ON c.order_id = o.order_id
WHERE o.in_window"""


def order_goods_sql(orders: Table, rate: float | None, in_place: bool) -> str:
    """Per order in the window: net amount, cost of its goods, whether something came back.

    Goods whose cost is unknown cost ``rate`` of their value; the cost of a refund row without lines is NULL here.
    ``in_place``: the shop subtracts refunds from the order itself; goods of a refunded order then come back to the
    shelf in proportion to the money given back.
    """
    refunded = "COALESCE(o.refunded, FALSE)" if orders.has("refunded") else "FALSE"
    back = ""
    if in_place:
        back = f"""
      * CASE WHEN {refunded} AND c.value > 0
          THEN LEAST(1, GREATEST(0, CAST(o.net_amount AS DOUBLE) / CAST(c.value AS DOUBLE))) ELSE 1 END"""
    cost = f"CAST(NULL AS {MONEY})"
    join = ""
    if rate is not None:
        join = "\nLEFT JOIN ledger_order_costs AS c ON c.order_id = o.order_id"
        cost = f"""CAST(CASE
    WHEN COALESCE(c.known_lines, 0) > 0
      THEN (CAST(c.known_cost AS DOUBLE) + CAST(c.value - c.known_value AS DOUBLE) * {_double(rate)}){back}
    WHEN o.net_amount >= 0 THEN CAST(o.net_amount AS DOUBLE) * {_double(rate)}
  END AS {MONEY})"""
    return f"""SELECT
  o.customer_id AS customer_id,
  CAST(o.net_amount AS {MONEY}) AS net_amount,
  {cost} AS cost,
  CASE WHEN {refunded} THEN 1 ELSE 0 END AS was_returned,
  CASE WHEN o.net_amount < 0 THEN 1 ELSE 0 END AS is_refund
FROM {quoted(orders.name)} AS o{join}
WHERE o.in_window"""


def customer_goods_sql(rate: float | None) -> str:
    """Per customer: revenue, cost of goods kept, returned orders.

    Refund rows without lines bring goods back at the customer's own cost rate (at ``rate`` when nothing was bought in
    the window). A return is counted once whether the shop marks the order, books a row of its own, or both.
    """
    cost = f"CAST(NULL AS {MONEY})"
    if rate is not None:
        refunds = "SUM(CASE WHEN net_amount < 0 AND cost IS NULL THEN net_amount ELSE 0 END)"
        sales = "SUM(CASE WHEN net_amount > 0 THEN net_amount ELSE 0 END)"
        spent = "SUM(CASE WHEN net_amount > 0 THEN cost ELSE 0 END)"
        cost = f"""CAST(COALESCE(SUM(cost), 0) + CASE
    WHEN {sales} > 0 THEN CAST({refunds} AS DOUBLE) * CAST({spent} AS DOUBLE) / CAST({sales} AS DOUBLE)
    ELSE CAST({refunds} AS DOUBLE) * {_double(rate)}
  END AS {MONEY})"""
    return f"""SELECT
  customer_id,
  SUM(net_amount) AS revenue,
  {cost} AS cost,
  GREATEST(SUM(was_returned), SUM(is_refund)) AS returned
FROM ledger_order_goods
GROUP BY customer_id"""


def goods(engine: Engine, tables: Tables, economics: EconomicsConfig) -> Component:
    """Gross margin; makes ``ledger_orders`` (customer_id, revenue, cost, returned) in any case."""
    assert tables.orders is not None
    empty = """SELECT
  customer_id AS order_id,
  net_amount AS value,
  net_amount AS known_value,
  0 AS known_lines,
  net_amount AS known_cost"""
    has_lines = tables.order_lines is not None and tables.order_lines.has("order_id", "quantity")
    lines_sql = order_costs_sql(tables.order_lines) if has_lines and tables.order_lines else ""
    engine.make("ledger_order_costs", lines_sql or f"{empty}\nFROM {quoted(tables.orders.name)}\nWHERE FALSE")
    row = _row(engine, coverage_sql(tables.orders.name))
    sales, known_value = row["sales"] or Decimal(0), row["known_value"] or Decimal(0)
    coverage = float((row["covered"] or Decimal(0)) / sales) if sales > 0 else 0.0
    rate, component = _margin(coverage, float(known_value), float(row["known_cost"] or 0), economics)
    engine.make("ledger_order_goods", order_goods_sql(tables.orders, rate, in_place=row["refunds"] == 0))
    engine.make("ledger_orders", customer_goods_sql(rate))
    return component


def _margin(
    coverage: float, known_value: float, known_cost: float, economics: EconomicsConfig
) -> tuple[float | None, Component]:
    """Cost rate for goods without a cost, and the component; None and unknown when costs are not known well enough."""
    sql = "COALESCE(m.revenue, 0) - COALESCE(m.cost, 0)"
    said = f"product costs, known for {_percent(coverage)} of order value"
    if economics.margin_rate is not None:
        rate = 1 - economics.margin_rate
        margin = f"{_percent(economics.margin_rate)} of revenue (economics.margin_rate)"
        words = margin if coverage == 0 else f"{said}; {margin} where they are not known"
        return rate, Component(sql, assumptions=(("gross margin", words),))
    if coverage >= float(COVERAGE) and known_value > 0:
        rate = known_cost / known_value
        words = f"{said}; the average of those goods for the rest"
        return rate, Component(sql, assumptions=() if coverage > 0.9999 else (("gross margin", words),))
    if coverage > 0:
        text = f"Product costs are known for only {_percent(coverage)} of order value, so gross margin is unknown."
        code = "margin-coverage"
    else:
        text, code = "No product has a cost, so gross margin is unknown.", "margin-unknown"
    return None, Component(notices=(Notice(code, f"{text} Give costs or economics.margin_rate."),))


# --- service, returns, marketing -------------------------------------------------------------------------------------


def ticket_cost_sql(tickets: Table, economics: EconomicsConfig) -> str:
    """Per ticket in the window: channel, minutes and what it cost, NULL where unknown."""
    known = []
    if tickets.has("cost_amount"):
        known.append("cost_amount")
    price = _price_sql(tickets, economics.service_minute_cost)
    if price is not None and tickets.has("agent_minutes"):
        known.append(f"CAST(agent_minutes AS {MONEY}) * {price}")
    cost = f"COALESCE({', '.join(known)})" if len(known) > 1 else known[0] if known else "NULL"
    channel = "LOWER(channel)" if tickets.has("channel") else "CAST(NULL AS VARCHAR)"
    minutes = "agent_minutes" if tickets.has("agent_minutes") else "NULL"
    return f"""SELECT
  customer_id,
  {channel} AS channel,
  CAST({minutes} AS {MONEY}) AS minutes,
  CAST({cost} AS {MONEY}) AS cost
FROM {quoted(tickets.name)}
WHERE in_window"""


def _price_sql(tickets: Table, price: float | dict[str, float] | None) -> str | None:
    """Cost of one minute as SQL; a ticket of a channel that has no price is NULL."""
    if price is None:
        return None
    if not isinstance(price, dict):
        return _exact_price(price)
    if not price or not tickets.has("channel"):
        return None
    cases = " ".join(f"WHEN {text_literal(c.lower())} THEN {_exact_price(p)}" for c, p in sorted(price.items()))
    return f"CASE LOWER(channel) {cases} END"


def _exact_price(price: float) -> str:
    return f"CAST({text_literal(f'{price:.6f}')} AS DECIMAL(18, 6))"


def service(engine: Engine, tables: Tables, economics: EconomicsConfig) -> Component:
    """Cost of tickets; makes ``ledger_service`` (customer_id, cost) when it is known."""
    price = economics.service_minute_cost
    if tables.tickets is None:
        if price == 0:
            return Component("0", assumptions=(("service", "no cost (economics.service_minute_cost: 0)"),))
        text = "There is no table of tickets, so the cost of service is unknown and contribution with it."
        return Component(notices=(Notice("service-unknown", text),))
    engine.make("ledger_tickets", ticket_cost_sql(tables.tickets, economics))
    row = _row(engine, "SELECT COUNT(*) AS n, COUNT(cost) AS known, SUM(cost) AS total FROM ledger_tickets")
    n, known = int(row["n"]), int(row["known"])
    if n and known < COVERAGE * n:
        share = _percent(known / n)
        text = f"The cost of service is known for {share} of {n:,} tickets, so it counts as unknown."
        text += " Give cost_amount, or agent_minutes and economics.service_minute_cost."
        return Component(notices=(Notice("service-unknown", text, n - known),), events=n)
    mean = Decimal(row["total"]) / known if known else Decimal(0)
    engine.make("ledger_service", f"""SELECT
  customer_id,
  SUM(COALESCE(cost, CAST({text_literal(f"{mean:.4f}")} AS {MONEY}))) AS cost
FROM ledger_tickets
GROUP BY customer_id""")  # fmt: skip
    return Component(
        "COALESCE(s.cost, 0)",
        assumptions=_service_assumptions(tables.tickets, price, tables.currency, n, known),
        events=n,
    )


def _service_assumptions(
    tickets: Table, price: float | dict[str, float] | None, currency: str, n: int, known: int
) -> tuple[tuple[str, str], ...]:
    lines = []
    if tickets.has("cost_amount"):
        lines.append(("service", "cost of the ticket where the shop recorded it"))
    if isinstance(price, dict):
        lines.extend(
            (f"service by {channel}", f"{cost:,.2f} {currency} a minute") for channel, cost in sorted(price.items())
        )
    elif price is not None:
        lines.append(("service", f"{price:,.2f} {currency} a minute"))
    if known < n:
        lines.append(("tickets without cost", f"{n - known:,} of {n:,}, taken at the average of the others"))
    return tuple(lines)


def returns(engine: Engine, tables: Tables, economics: EconomicsConfig) -> Component:
    """Handling cost of returned orders; needs ``ledger_orders``."""
    row = _row(engine, "SELECT COALESCE(SUM(returned), 0) AS n FROM ledger_orders")
    n = int(row["n"])
    if economics.return_cost is None:
        text = f"Handling {n:,} returned orders has a cost that is not configured (economics.return_cost)."
        return Component(notices=(Notice("return-cost-unknown", text, n),) if n else (), events=n)
    sql = f"COALESCE(m.returned, 0) * {_exact_price(economics.return_cost)}"
    return Component(
        sql, assumptions=(("returns", f"{economics.return_cost:,.2f} {tables.currency} per returned order"),), events=n
    )


def marketing(tables: Tables, economics: EconomicsConfig) -> Component:
    """Marketing cost of the customers who belong to a segment."""
    if economics.marketing_cost_per_customer is None:
        text = "The cost of marketing is not configured (economics.marketing_cost_per_customer), so ROI is unknown."
        return Component(notices=(Notice("marketing-unknown", text),))
    cost = Decimal(repr(economics.marketing_cost_per_customer)) * tables.window_days / 365
    sql = f"CASE WHEN l.segment IS NULL THEN 0 ELSE CAST({text_literal(f'{cost:.4f}')} AS {MONEY}) END"
    words = f"{economics.marketing_cost_per_customer:,.2f} {tables.currency} per customer and year"
    return Component(sql, assumptions=(("marketing", words),))


# --- acquisition -----------------------------------------------------------------------------------------------------


def won_sql(tables: Tables, price: float | dict[str, float] | None) -> str:
    """Customers whose first sale lies in the window, with what it cost to win them, NULL where unknown."""
    assert tables.orders is not None
    known = [f"CAST(c.acquisition_cost AS {MONEY})"] if tables.customers.has("acquisition_cost") else []
    if isinstance(price, dict) and price and tables.customers.has("acquired_channel"):
        cases = " ".join(f"WHEN {text_literal(c.lower())} THEN {_exact_price(p)}" for c, p in sorted(price.items()))
        known.append(f"CAST(CASE LOWER(c.acquired_channel) {cases} END AS {MONEY})")
    elif isinstance(price, float | int):
        known.append(f"CAST({_exact_price(price)} AS {MONEY})")
    amount = f"COALESCE({', '.join(known)})" if len(known) > 1 else known[0] if known else f"CAST(NULL AS {MONEY})"
    return f"""SELECT
  c.customer_id AS customer_id,
  {amount} AS amount
FROM {quoted(tables.customers.name)} AS c
JOIN (
  SELECT
    customer_id,
    COUNT(CASE WHEN NOT in_window THEN 1 END) AS earlier
  FROM {quoted(tables.orders.name)}
  WHERE is_sale
  GROUP BY customer_id
) AS o ON o.customer_id = c.customer_id
WHERE o.earlier = 0"""


def acquisition(engine: Engine, tables: Tables, economics: EconomicsConfig) -> Component:
    """Cost of winning the customers whose first order lies in the window; makes ``ledger_won`` when it is known.

    Unknown below 95% of them (method 9.6); the rest is then taken at the average of the others.
    """
    if not tables.customers.has("acquisition_cost") and economics.acquisition_cost is None:
        return Component()
    engine.make("ledger_won_known", won_sql(tables, economics.acquisition_cost))
    row = _row(engine, "SELECT COUNT(*) AS n, COUNT(amount) AS known, SUM(amount) AS total FROM ledger_won_known")
    n, known = int(row["n"]), int(row["known"])
    if n == 0 or known < COVERAGE * n:
        share = _percent(known / n) if n else "none"
        text = f"What it cost to win a customer is known for {share} of {n:,} new ones, so it counts as unknown."
        return Component(notices=(Notice("acquisition-unknown", text, n - known),) if n else (), events=n)
    mean = Decimal(row["total"]) / known
    engine.make("ledger_won", f"""SELECT
  customer_id,
  COALESCE(amount, CAST({text_literal(f"{mean:.4f}")} AS {MONEY})) AS amount
FROM ledger_won_known""")  # fmt: skip
    lines = [("winning customers", "cost as recorded, once, for those whose first order lies in the window")]
    if economics.acquisition_cost is not None:
        lines = [("winning customers", "recorded cost, else economics.acquisition_cost, once, in the window")]
    if known < n:
        rest = f"{n - known:,} of {n:,} without a cost, taken at the average of the others"
        lines.append(("winning customers", rest))
    return Component("COALESCE(w.amount, 0)", assumptions=tuple(lines), events=n)
