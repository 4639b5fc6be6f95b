"""Customers who belong to no segment, by the rule that set them aside, so that people and money add up to all."""

from __future__ import annotations

from decimal import Decimal

from personas.engines import Table
from personas.engines.portable import quoted
from personas.features.feature import Customers
from personas.profiles.facts import GROUPS_LIMIT
from personas.profiles.ledger import Ledger
from personas.segmentation.records import Segmentation

NO_ORDER = "no order in the window"
UNUSUAL = "unusual, far from every segment"


def set_aside(customers: Customers, ledger: Ledger, segmentation: Segmentation) -> tuple[tuple[str, int, float], ...]:
    """(name, customers, revenue in the window): named rules in their order, no order in the window, unusual."""
    engine = customers.engine
    sql = apart_sql(ledger.table.name, customers.table.name, customers.apart)
    far = segmentation.unusual_distance is not None or bool(segmentation.stages)
    found: dict[str, tuple[int, Decimal]] = {}
    for row in engine.fetch(sql, GROUPS_LIMIT).to_pylist():
        rule = row["rule"]
        name = customers.apart_names[rule] if rule is not None else UNUSUAL if row["in_study"] and far else NO_ORDER
        count, revenue = found.get(name, (0, Decimal(0)))
        found[name] = (count + int(row["customers"]), revenue + Decimal(row["revenue"] or 0))
    order = (*customers.apart_names, NO_ORDER, UNUSUAL)
    return tuple((name, found[name][0], float(found[name][1])) for name in order if name in found)


def apart_sql(ledger: str, customers: str, apart: Table | None) -> str:
    """Customers and revenue without a segment, by rule and by whether they took part."""
    rule, join = "CAST(NULL AS INTEGER)", ""
    if apart is not None:
        rule, join = "p.rule", f"\nLEFT JOIN {quoted(apart.name)} AS p ON p.customer_id = g.customer_id"
    return f"""SELECT
  {rule} AS rule,
  c.in_study AS in_study,
  COUNT(*) AS customers,
  SUM(g.revenue) AS revenue
FROM {quoted(ledger)} AS g
JOIN {quoted(customers)} AS c ON c.customer_id = g.customer_id{join}
WHERE g.segment IS NULL
GROUP BY {rule}, c.in_study"""
