"""The contribution ledger: one row per customer with every component of money that is known, to the cent.

net revenue - cost of goods = gross margin; gross margin - service - returns - marketing = contribution;
contribution - acquisition (once, in the window of the first order) = after acquisition (method 9.6).
Every component is a DECIMAL in the engine, so that the sums over segments and set-aside customers add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from personas.config import Config
from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.errors import PersonasError
from personas.estimate import Assumption, Notice
from personas.profiles import costs
from personas.profiles.goods import goods
from personas.sources.canonical import Tables

COMPONENTS = (
    "revenue", "gross_margin", "service_cost", "return_cost", "marketing_cost", "contribution", "acquisition_cost",
    "after_acquisition",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ledger:
    """The table ``ledger`` (customer_id, segment or NULL when set aside, and the components) and what it rests on.

    ``known`` are the components that have figures; the columns of the others are NULL throughout.
    """

    table: Table
    known: tuple[str, ...]
    notices: tuple[Notice, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def level(self) -> str:
        """The deepest level: none, revenue, gross margin or contribution."""
        names = {"contribution": "contribution", "gross_margin": "gross margin", "revenue": "revenue"}
        return next((name for component, name in names.items() if component in self.known), "none")


def build_ledger(engine: Engine, customers: Table, labels: Table, tables: Tables, config: Config) -> Ledger:
    """Every known customer's money in the window.

    ``customers`` has one row per customer, ``labels`` those who belong to a segment. Raises PersonasError when a join
    would count a customer twice.
    """
    economics = config.economics
    gross = goods(engine, tables, economics) if tables.orders else costs.Component()
    service = costs.service(engine, tables, economics)
    returns = costs.returns(engine, tables, economics) if tables.orders else costs.Component()
    marketing = costs.marketing(tables, economics)
    won = costs.acquisition(engine, tables, economics) if tables.orders else costs.Component()
    found = {
        "gross_margin": gross, "service_cost": service, "return_cost": returns, "marketing_cost": marketing,
        "acquisition_cost": won,
    }  # fmt: skip
    known = {name for name, component in found.items() if component.sql is not None}
    notices = [notice for component in found.values() for notice in component.notices]
    if tables.orders is None:
        known, notices = set(), [Notice("money-unknown", "There are no orders, so money is unknown.")]
    else:
        known.add("revenue")
        if {"gross_margin", "service_cost"} <= known:
            known |= {"contribution", "after_acquisition"} if won.sql else {"contribution"}
            notices += _left_out_of_contribution(known, bool(returns.events))
    sql = ledger_sql(customers.name, labels.name, tables, found, known)
    table = engine.make("ledger", sql)
    _one_row_each(engine, customers, table)
    assumptions = [line for component in found.values() for line in component.assumptions]
    return Ledger(table, tuple(c for c in COMPONENTS if c in known), tuple(notices), tuple(assumptions))


def _left_out_of_contribution(known: set[str], has_returns: bool) -> list[Notice]:
    """Costs that contribution does not contain because nobody gave them."""
    missing = []
    if "return_cost" not in known and has_returns:
        missing.append(("return", "the handling of returns (economics.return_cost)"))
    if "marketing_cost" not in known:
        missing.append(("marketing", "marketing (economics.marketing_cost_per_customer)"))
    text = "Contribution is before the cost of {}, which is not configured."
    return [Notice(f"contribution-before-{code}", text.format(what)) for code, what in missing]


def ledger_sql(customers: str, labels: str, tables: Tables, found: dict[str, costs.Component], known: set[str]) -> str:
    """One row per customer. Known components of customers without rows are 0: no orders is a fact."""
    money = "DECIMAL(18, 4)"
    columns = {}
    for name in found:
        columns[name] = f"CAST({found[name].sql} AS {money})" if name in known and name in found else None
    if "revenue" in known:
        columns["revenue"] = f"CAST(COALESCE(m.revenue, 0) AS {money})"
    if "contribution" in known:
        spent = "".join(f" - {columns[c]}" for c in ("service_cost", "return_cost", "marketing_cost") if columns[c])
        columns["contribution"] = f"CAST({columns['gross_margin']}{spent} AS {money})"
    if "after_acquisition" in known:
        columns["after_acquisition"] = f"CAST({columns['contribution']} - {columns['acquisition_cost']} AS {money})"
    listed = "".join(f",\n  {columns.get(c) or f'CAST(NULL AS {money})'} AS {c}" for c in COMPONENTS)
    joins = ""
    if "revenue" in known:
        joins += f"\nLEFT JOIN {quoted('ledger_orders')} AS m ON m.customer_id = c.customer_id"
    if "service_cost" in known and tables.tickets is not None:
        joins += f"\nLEFT JOIN {quoted('ledger_service')} AS s ON s.customer_id = c.customer_id"
    if "acquisition_cost" in known:
        joins += f"\nLEFT JOIN {quoted('ledger_won')} AS w ON w.customer_id = c.customer_id"
    return f"""SELECT
  c.customer_id AS customer_id,
  l.segment AS segment{listed}
FROM {quoted(customers)} AS c
LEFT JOIN {quoted(labels)} AS l ON l.customer_id = c.customer_id{joins}"""


def _one_row_each(engine: Engine, customers: Table, ledger: Table) -> None:
    """Refuse a ledger that counts a customer twice: a bug of ours or of a plug-in."""
    counts = [
        engine.fetch(f"SELECT COUNT(*) AS n, COUNT(DISTINCT customer_id) AS d FROM {quoted(t.name)}", 1).to_pylist()[0]
        for t in (customers, ledger)
    ]
    numbers = {value for row in counts for value in row.values()}
    if len(numbers) != 1:
        raise PersonasError(f"the ledger does not have exactly one row per customer: {counts}")


def totals_sql(ledger: str, known: tuple[str, ...]) -> str:
    """Customers and exact sums per segment; NULL are the customers set aside."""
    sums = "".join(f",\n  SUM({c}) AS {c}" for c in known)
    return f"SELECT\n  segment,\n  COUNT(*) AS customers{sums}\nFROM {quoted(ledger)}\nGROUP BY segment"


def totals(engine: Engine, ledger: Ledger) -> dict[int | None, dict[str, Decimal]]:
    """Exact sums by segment (None: set aside), each with ``customers`` and the known components."""
    rows = engine.fetch(totals_sql(ledger.table.name, ledger.known), 100_000).to_pylist()
    return {row["segment"]: {name: Decimal(row[name]) for name in ("customers", *ledger.known)} for row in rows}
