"""The costs of the ledger as SQL: service, returns, marketing, winning customers. What is not known stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from personas.config import EconomicsConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.estimate import Assumption, Notice, exact
from personas.sources.canonical import Tables

COVERAGE = Decimal("0.95")
"""Share of order value or of tickets whose cost must be known before the level is printed (method 9.6)."""
MONEY = "DECIMAL(18, 4)"


@dataclass(frozen=True, slots=True)
class Component:
    """One component of money. ``sql`` is its expression in the ledger's SELECT, None while it is unknown."""

    sql: str | None = None
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    events: int = 0


def exact_double(value: float | Decimal) -> str:
    """A number as portable SQL without a decimal literal."""
    return f"CAST({text_literal(format(Decimal(repr(float(value))), 'f'))} AS DOUBLE)"


def percent(share: Decimal | float) -> str:
    """A share as percent with one decimal, for thresholds that a whole percent would hide."""
    return f"{float(share) * 100:.1f}".removesuffix(".0") + "%"


def one_row(engine: Engine, sql: str) -> dict[str, Any]:
    """The only row of a SELECT."""
    row: dict[str, Any] = engine.fetch(sql, 1).to_pylist()[0]
    return row


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
        return exact_price(price)
    if not price or not tickets.has("channel"):
        return None
    cases = " ".join(f"WHEN {text_literal(c.lower())} THEN {exact_price(p)}" for c, p in sorted(price.items()))
    return f"CASE LOWER(channel) {cases} END"


def exact_price(price: float) -> str:
    """A price or rate as portable SQL, exact to six decimals."""
    return f"CAST({text_literal(f'{price:.6f}')} AS DECIMAL(18, 6))"


def service(engine: Engine, tables: Tables, economics: EconomicsConfig) -> Component:
    """Cost of tickets; makes ``ledger_service`` (customer_id, cost) when it is known."""
    price = economics.service_minute_cost
    if tables.tickets is None:
        if price == 0:
            return Component("0", assumptions=(Assumption("service", "no cost (economics.service_minute_cost: 0)"),))
        text = "There is no table of tickets, so the cost of service is unknown and contribution with it."
        return Component(notices=(Notice("service-unknown", text),))
    engine.make("ledger_tickets", ticket_cost_sql(tables.tickets, economics))
    row = one_row(engine, "SELECT COUNT(*) AS n, COUNT(cost) AS known, SUM(cost) AS total FROM ledger_tickets")
    n, known = int(row["n"]), int(row["known"])
    if n and known < COVERAGE * n:
        share = percent(known / n)
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
) -> tuple[Assumption, ...]:
    lines = []
    if tickets.has("cost_amount"):
        lines.append(Assumption("service", "cost of the ticket where the shop recorded it"))
    prices = [] if price is None else sorted(price.items()) if isinstance(price, dict) else [("", price)]
    for channel, cost in prices:
        what = f"service by {channel}" if channel else "service"
        lines.append(Assumption(what, "{} a minute", (exact(cost, f"{currency}/minute", 0),)))
    if known < n:
        rest = f"{n - known:,} of {n:,}, taken at the average of the others"
        lines.append(Assumption("tickets without cost", rest))
    return tuple(lines)


def returns(engine: Engine, tables: Tables, economics: EconomicsConfig) -> Component:
    """Handling cost of returned orders; needs ``ledger_orders``."""
    row = one_row(engine, "SELECT COALESCE(SUM(returned), 0) AS n FROM ledger_orders")
    n = int(row["n"])
    if economics.return_cost is None:
        text = f"Handling {n:,} returned orders has a cost that is not configured (economics.return_cost)."
        return Component(notices=(Notice("return-cost-unknown", text, n),) if n else (), events=n)
    sql = f"COALESCE(m.returned, 0) * {exact_price(economics.return_cost)}"
    price = exact(economics.return_cost, f"{tables.currency}/order", 0)
    return Component(sql, assumptions=(Assumption("returns", "{} per returned order", (price,)),), events=n)


def marketing(tables: Tables, economics: EconomicsConfig) -> Component:
    """Marketing cost of the customers who belong to a segment."""
    if economics.marketing_cost_per_customer is None:
        text = "The cost of marketing is not configured (economics.marketing_cost_per_customer), so ROI is unknown."
        return Component(notices=(Notice("marketing-unknown", text),))
    cost = Decimal(repr(economics.marketing_cost_per_customer)) * tables.window_days / 365
    sql = f"CASE WHEN l.segment IS NULL THEN 0 ELSE CAST({text_literal(f'{cost:.4f}')} AS {MONEY}) END"
    price = exact(economics.marketing_cost_per_customer, f"{tables.currency}/year", 0)
    return Component(sql, assumptions=(Assumption("marketing", "{} per customer and year", (price,)),))


# --- acquisition -----------------------------------------------------------------------------------------------------


def won_sql(tables: Tables, price: float | dict[str, float] | None) -> str:
    """Customers whose first sale lies in the window, with what it cost to win them, NULL where unknown."""
    assert tables.orders is not None
    known = [f"CAST(c.acquisition_cost AS {MONEY})"] if tables.customers.has("acquisition_cost") else []
    if isinstance(price, dict) and price and tables.customers.has("acquired_channel"):
        cases = " ".join(f"WHEN {text_literal(c.lower())} THEN {exact_price(p)}" for c, p in sorted(price.items()))
        known.append(f"CAST(CASE LOWER(c.acquired_channel) {cases} END AS {MONEY})")
    elif isinstance(price, float | int):
        known.append(f"CAST({exact_price(price)} AS {MONEY})")
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
    row = one_row(engine, "SELECT COUNT(*) AS n, COUNT(amount) AS known, SUM(amount) AS total FROM ledger_won_known")
    n, known = int(row["n"]), int(row["known"])
    if n == 0 or known < COVERAGE * n:
        share = percent(known / n) if n else "none"
        text = f"What it cost to win a customer is known for {share} of {n:,} new ones, so it counts as unknown."
        return Component(notices=(Notice("acquisition-unknown", text, n - known),) if n else (), events=n)
    mean = Decimal(row["total"]) / known
    engine.make("ledger_won", f"""SELECT
  customer_id,
  COALESCE(amount, CAST({text_literal(f"{mean:.4f}")} AS {MONEY})) AS amount
FROM ledger_won_known""")  # fmt: skip
    lines = _winning_assumptions(tables, economics.acquisition_cost)
    if known < n:
        rest = f"{n - known:,} of {n:,} without a cost, taken at the average of the others"
        lines.append(Assumption("winning customers", rest))
    return Component("COALESCE(w.amount, 0)", assumptions=tuple(lines), events=n)


def _winning_assumptions(tables: Tables, price: float | dict[str, float] | None) -> list[Assumption]:
    once = "once, for those whose first order lies in the window"
    recorded = tables.customers.has("acquisition_cost")
    lines = [Assumption("winning customers", f"cost as recorded, {once}")] if recorded else []
    words = "{} each where no cost is recorded" if recorded else f"{{}} each, {once}"
    prices = [] if price is None else sorted(price.items()) if isinstance(price, dict) else [("", price)]
    for channel, cost in prices:
        what = f"winning customers by {channel}" if channel else "winning customers"
        lines.append(Assumption(what, words, (exact(cost, f"{tables.currency}/customer", 0),)))
    return lines
