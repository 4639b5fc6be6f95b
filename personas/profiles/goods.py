"""Cost of goods and gross margin: unit costs where the shop knows them, else margins by category; never silently 0."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from personas.config import OTHERS, EconomicsConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.errors import did_you_mean
from personas.estimate import Assumption, Notice, exact
from personas.profiles.costs import COVERAGE, MONEY, Component, exact_double, exact_price, one_row, percent
from personas.profiles.facts import GROUPS_LIMIT
from personas.sources.canonical import Tables


def line_cost_sql(lines: Table, line: str = "") -> str:
    """Cost of the goods of an order line, NULL where unknown. ``line`` stands before the names of columns: ``l.``."""
    if not lines.has("unit_cost", "quantity"):
        return f"CAST(NULL AS {MONEY})"
    return f"CAST(CAST({line}unit_cost AS {MONEY}) * CAST({line}quantity AS {MONEY}) AS {MONEY})"


def named_cost_sql(lines: Table, economics: EconomicsConfig, line: str = "") -> str:
    """What the margin of its category says that an order line costs, NULL for categories that are not named."""
    rates = _named(economics)
    if not rates or not lines.has("category"):
        return f"CAST(NULL AS {MONEY})"
    cases = " ".join(
        f"WHEN {text_literal(category)} THEN {exact_price(1 - rate)}" for category, rate in sorted(rates.items())
    )
    amount = f"CAST({line}line_amount AS {MONEY})"
    return f"CAST({amount} * CASE LOWER({line}category) {cases} END AS {MONEY})"


def cost_sql(lines: Table, economics: EconomicsConfig, line: str = "") -> str:
    """What the goods of an order line cost by all that is known: unit cost, margin of the category, other margin."""
    known = [line_cost_sql(lines, line), named_cost_sql(lines, economics, line)]
    rate = margin_elsewhere(economics)
    if rate is not None:
        known.append(f"CAST(CAST({line}line_amount AS {MONEY}) * {exact_price(1 - rate)} AS {MONEY})")
    return f"COALESCE({', '.join(known)})"


def _named(economics: EconomicsConfig) -> dict[str, float]:
    """Margin of every category that has one of its own, by its name in small letters."""
    rates = economics.margin_rate
    return {} if not isinstance(rates, dict) else {c.lower(): rate for c, rate in rates.items() if c != OTHERS}


def margin_elsewhere(economics: EconomicsConfig) -> float | None:
    """The configured margin of goods without a cost whose category has no margin of its own."""
    rates = economics.margin_rate
    return rates[OTHERS] if isinstance(rates, dict) else rates


def order_costs_sql(lines: Table, economics: EconomicsConfig) -> str:
    """Per order: value of its lines, and value and cost of those whose cost is known and whose category has a margin.

    Goods sent back are negative.
    """
    amount = f"CAST(line_amount AS {MONEY})"
    cost, named = line_cost_sql(lines), named_cost_sql(lines, economics)
    known, priced = f"{cost} IS NOT NULL", f"{cost} IS NULL AND {named} IS NOT NULL"
    return f"""SELECT
  order_id,
  SUM({amount}) AS value,
  SUM(CASE WHEN {known} THEN {amount} ELSE 0 END) AS known_value,
  COUNT(CASE WHEN {known} THEN 1 END) AS known_lines,
  SUM(CASE WHEN {known} THEN {cost} ELSE 0 END) AS known_cost,
  SUM(CASE WHEN {priced} THEN {amount} ELSE 0 END) AS named_value,
  COUNT(CASE WHEN {priced} THEN 1 END) AS named_lines,
  SUM(CASE WHEN {priced} THEN {named} ELSE 0 END) AS named_cost
FROM {quoted(lines.name)}
WHERE in_window AND order_id IS NOT NULL
GROUP BY order_id"""


NO_ORDER_COSTS = """SELECT
  customer_id AS order_id,
  net_amount AS value,
  net_amount AS known_value,
  0 AS known_lines,
  net_amount AS known_cost,
  net_amount AS named_value,
  0 AS named_lines,
  net_amount AS named_cost"""


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

    Goods without a cost whose category has no margin cost ``rate`` of their value. An order of which no cost is known
    is priced by its margins, in proportion to what was paid for it; the cost of a refund row without lines is NULL
    here. ``in_place``: the shop subtracts refunds from the order itself; goods of a refunded order then come back to
    the shelf in proportion to the money given back.
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
        lines = f"""(CAST(c.known_cost + c.named_cost AS DOUBLE)
        + CAST(c.value - c.known_value - c.named_value AS DOUBLE) * {exact_double(rate)})"""
        paid = "CASE WHEN c.value <> 0 THEN CAST(o.net_amount AS DOUBLE) / CAST(c.value AS DOUBLE) ELSE 1 END"
        cost = f"""CAST(CASE
    WHEN COALESCE(c.known_lines, 0) > 0 THEN {lines}{back}
    WHEN COALESCE(c.named_lines, 0) > 0 THEN {lines} * {paid}
    WHEN o.net_amount >= 0 THEN CAST(o.net_amount AS DOUBLE) * {exact_double(rate)}
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
    ELSE CAST({refunds} AS DOUBLE) * {exact_double(rate)}
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
    lines = _lines_with_orders(tables)
    none = f"{NO_ORDER_COSTS}\nFROM {quoted(tables.orders.name)}\nWHERE FALSE"
    engine.make("ledger_order_costs", order_costs_sql(lines, economics) if lines else none)
    row = one_row(engine, coverage_sql(tables.orders.name))
    sales, known_value = row["sales"] or Decimal(0), row["known_value"] or Decimal(0)
    coverage = float((row["covered"] or Decimal(0)) / sales) if sales > 0 else 0.0
    notices = tuple(margin_notices(engine, tables, economics))
    rate, component = _margin(coverage, float(known_value), float(row["known_cost"] or 0), economics, notices)
    engine.make("ledger_order_goods", order_goods_sql(tables.orders, rate, in_place=row["refunds"] == 0))
    engine.make("ledger_orders", customer_goods_sql(rate))
    return component


def _lines_with_orders(tables: Tables) -> Table | None:
    """The order lines that say which order they belong to."""
    lines = tables.order_lines
    return lines if lines is not None and lines.has("order_id", "quantity") else None


def _margin(
    coverage: float, known_value: float, known_cost: float, economics: EconomicsConfig, notices: tuple[Notice, ...]
) -> tuple[float | None, Component]:
    """Cost rate for goods without a cost, and the component; None and unknown when costs are not known well enough."""
    sql = "COALESCE(m.revenue, 0) - COALESCE(m.cost, 0)"
    said = f"product costs, known for {percent(coverage)} of order value"
    elsewhere = margin_elsewhere(economics)
    if elsewhere is not None:
        return 1 - elsewhere, Component(sql, notices, _margin_assumptions(coverage, said, economics))
    if coverage >= float(COVERAGE) and known_value > 0:
        rest = Assumption("gross margin", f"{said}; the average of those goods for the rest")
        return known_cost / known_value, Component(sql, assumptions=() if coverage > 0.9999 else (rest,))
    if coverage > 0:
        text = f"Product costs are known for only {percent(coverage)} of order value, so gross margin is unknown."
        code = "margin-coverage"
    else:
        text, code = "No product has a cost, so gross margin is unknown.", "margin-unknown"
    return None, Component(notices=(Notice(code, f"{text} Give costs or economics.margin_rate."),))


def _margin_assumptions(coverage: float, said: str, economics: EconomicsConfig) -> tuple[Assumption, ...]:
    """Every configured margin, and how much rests on none of them."""
    rates, key = economics.margin_rate, "(economics.margin_rate)"
    of_revenue = f"{{}} of revenue {key}"
    if not isinstance(rates, dict):
        assert rates is not None
        words = of_revenue if coverage == 0 else f"{said}; {of_revenue} where they are not known"
        return (Assumption("gross margin", words, (exact(rates, "share", 0),)),)
    lines = [] if coverage == 0 else [Assumption("gross margin", f"{said}; by category where they are not known")]
    lines += [
        Assumption(f"gross margin of {category}", of_revenue, (exact(rate, "share", 0),))
        for category, rate in sorted(rates.items())
        if category != OTHERS
    ]
    rest = Assumption("gross margin of every other category", of_revenue, (exact(rates[OTHERS], "share", 0),))
    return (*lines, rest)


# --- what the table of margins does not say --------------------------------------------------------------------------


def categories_sql(lines: Table) -> str:
    """Categories of the sold lines in the window whose cost is unknown, with their value."""
    return f"""SELECT
  category,
  SUM(CAST(line_amount AS {MONEY})) AS value
FROM {quoted(lines.name)}
WHERE in_window AND line_amount > 0 AND {line_cost_sql(lines)} IS NULL
GROUP BY category"""


def margin_notices(engine: Engine, tables: Tables, economics: EconomicsConfig) -> list[Notice]:
    """Categories that the configuration names and nobody sold, and what is counted with the rate for others."""
    rates = economics.margin_rate
    if not isinstance(rates, dict):
        return []
    lines = _lines_with_orders(tables)
    if lines is None or not lines.has("category"):
        text = "Order lines have no category, so every order counts with the rate for others (economics.margin_rate)."
        return [Notice("margin-no-category", text)]
    rows = engine.fetch(categories_sql(lines), GROUPS_LIMIT).to_pylist()
    sold = {row["category"]: Decimal(row["value"]) for row in rows}
    return [*_not_sold(rates, [category for category in sold if category]), *_not_named(_named(economics), sold)]


def _not_sold(rates: Mapping[str, float], sold: list[str]) -> list[Notice]:
    known = {category.lower() for category in sold}
    missing = [category for category in sorted(rates) if category != OTHERS and category.lower() not in known]
    if not missing:
        return []
    hints = [did_you_mean(category, sorted(sold)) for category in missing]
    said = ", ".join(f"'{c}'" + (f" ({hint})" if hint else "") for c, hint in zip(missing, hints, strict=True))
    text = f"economics.margin_rate names {said}, and no order line without a cost has that category."
    return [Notice("margin-not-sold", text, len(missing))]


def _not_named(named: Mapping[str, float], sold: Mapping[str | None, Decimal]) -> list[Notice]:
    rest = {category: value for category, value in sold.items() if category is None or category.lower() not in named}
    if not rest:
        return []
    largest = sorted(rest, key=lambda category: (-rest[category], category or ""))
    names = ", ".join("without a category" if category is None else f"'{category}'" for category in largest[:5])
    if len(largest) > 5:
        names += f" and {len(largest) - 5} more"
    share = percent(sum(rest.values()) / sum(sold.values()))
    text = (
        f"{share} of the value of order lines without a cost counts with the margin of {OTHERS} "
        f"(economics.margin_rate): {names}."
    )
    return [Notice("margin-others", text, len(largest))]
