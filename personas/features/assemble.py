"""Families in, one row per customer out: one SELECT per table, then a join that cannot multiply rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from personas.config import Config
from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.errors import ConfigError, InputError, PersonasError, count_of
from personas.estimate import Notice
from personas.features.context import look
from personas.features.families import FAMILIES
from personas.features.families.expressions import decimal
from personas.features.families.lifecycle import LIFECYCLE
from personas.features.feature import Customers, FamilyContext, Feature
from personas.features.selection import check_names
from personas.sources.canonical import Tables

Progress = Callable[[str, float], None]
Unmeasured = tuple[Feature, str]
RESERVED = ("customer_id", "in_study")
SHORTEST_WINDOW = 7
"""Days of orders below which figures per year are refused, unless the configuration says the window."""
SPOKEN = {"refunded": "mark of refunds"}
"""Columns that the sources make and no file has, as a reader understands them."""


def build(engine: Engine, tables: Tables, config: Config, progress: Progress | None = None) -> Customers:
    """Every feature of every customer, in raw units, as the table ``features`` inside the engine.

    Parameters
    ----------
    engine : Engine
        Where ``tables`` live.
    tables : Tables
        The canonical tables; only rows with ``in_window`` are measured (tenure also looks before).
    config : Config
        ``features.leave_out`` and ``features.basis`` must name features that some family knows.
    progress : callable, optional
        Told what is being done and the share that is done.

    Raises
    ------
    ConfigError
        For an unknown feature, or one that this shop's tables cannot measure but that is asked for.
    InputError
        When nothing at all can be measured, or all orders lie within a few days.
    """
    _refuse_a_few_days(tables, config)
    tell = progress or (lambda _what, _share: None)
    tell("looking at categories and channels", 0.0)
    context = look(engine, tables, config)
    proposed = _proposed(context)
    sources = _sources(tables)
    measured, unmeasured = _measurable(proposed, sources, config)
    check_names(config, tuple(feature.name for feature in measured), unmeasured)
    _refuse_without_stages(unmeasured)
    if not measured:
        raise InputError("nothing can be measured: the tables have none of the columns that a feature needs.")
    parts: list[Part] = []
    for done, (name, source) in enumerate(sources.items()):
        tell(f"measuring {name.replace('_', ' ')}", 0.1 + 0.7 * done / len(sources))
        features = [feature for feature in measured if feature.table == name]
        if name == "customers":
            parts.append(Part("measured_customers", features, measured_sql(name, source, features)))
        elif features or name == "orders":
            parts.append(Part(engine.make(f"measured_{name}", measured_sql(name, source, features)).name, features))
    tell("joining what was measured", 0.8)
    table = engine.make("features", features_sql(parts, measured, has_orders="orders" in sources))
    _one_row_each(engine, table, tables.customers)
    tell("features are measured", 1.0)
    return Customers(engine, table, measured, _grouped(unmeasured), unmeasured)


def _refuse_a_few_days(tables: Tables, config: Config) -> None:
    """Raise InputError where figures per year would be inventions; orders of one day are mostly days of an export."""
    if tables.orders is not None and config.study.window_days is None and tables.window_days < SHORTEST_WINDOW:
        raise InputError(
            f"all orders lie in the {count_of(tables.window_days, 'day')} before {tables.snapshot_date}: too few to "
            "say anything per year. Write over how many days they were collected, such as study.window_days: 90, or "
            "give more orders"
        )


def _refuse_without_stages(unmeasured: Sequence[Unmeasured]) -> None:
    """Raise ConfigError where segments are sought within stages that cannot be told."""
    for feature, reason in unmeasured:
        if feature.name == LIFECYCLE:
            raise ConfigError(f"segmentation.within: lifecycle cannot be told, because {reason}")


def _proposed(context: FamilyContext) -> tuple[Feature, ...]:
    """Every feature that some family proposes; two of one name are a mistake of the configuration."""
    found: dict[str, Feature] = {}
    for family in FAMILIES:
        for feature in family.features(context):
            if feature.name in found or feature.name in RESERVED:
                raise ConfigError(
                    f"there are two features '{feature.name}'. Give the column under `given:` another name."
                )
            found[feature.name] = feature
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Source:
    """What features are measured on: its columns, and what stands behind FROM. Nothing of it is kept by the engine."""

    columns: tuple[str, ...]
    sql: str

    def has(self, *columns: str) -> bool:
        """Whether all these columns are there."""
        return set(columns) <= set(self.columns)


@dataclass(frozen=True, slots=True)
class Part:
    """Measured features of one table: kept as ``name``, or a SELECT that runs where it is joined."""

    name: str
    features: list[Feature]
    sql: str = ""


def _sources(tables: Tables) -> dict[str, Source]:
    """What features are measured on, by the name that ``Feature.table`` uses."""
    customers, orders, lines = tables.customers, tables.orders, tables.order_lines
    found = {"customers": Source(customers.columns, customers.name)}
    if orders is not None:
        found["customers"] = _select((*customers.columns, "first_ordered_on"), first_order_sql(customers, orders))
        found["orders"] = _select((*orders.columns, "gap_days"), orders_with_gaps_sql(orders))
    if lines is not None:
        found["order_lines"] = Source(lines.columns, lines.name)
        if lines.has("brand", "line_amount"):
            found["brands"] = _select(("customer_id", "brand", "amount"), brands_sql(lines))
    for name, table in (("tickets", tables.tickets), ("reach", tables.reach)):
        if table is not None:
            found[name] = Source(table.columns, table.name)
    return found


def _select(columns: tuple[str, ...], sql: str) -> Source:
    return Source(columns, f"(\n{sql}\n) AS source")


def orders_with_gaps_sql(orders: Table) -> str:
    """The orders of the window with ``gap_days`` since the customer's sale before."""
    columns = "".join(f"\n  {quoted(column)}," for column in orders.columns)
    return (
        f"SELECT{columns}\n"
        "  date_diff('day', lag(ordered_on) OVER (PARTITION BY customer_id, is_sale ORDER BY ordered_on NULLS LAST),"
        f" ordered_on) AS gap_days\nFROM {orders.name}\nWHERE in_window"
    )


def first_order_sql(customers: Table, orders: Table) -> str:
    """The customers with the day of their first sale ever, in the window or before."""
    columns = "".join(f"\n  c.{quoted(column)}," for column in customers.columns)
    return (
        f"SELECT{columns}\n  o.first_ordered_on\nFROM {customers.name} AS c\nLEFT JOIN (\n"
        "  SELECT\n    customer_id,\n    min(ordered_on) AS first_ordered_on\n"
        f"  FROM {orders.name}\n  WHERE is_sale\n  GROUP BY customer_id\n"
        ") AS o ON c.customer_id = o.customer_id"
    )


def brands_sql(lines: Table) -> str:
    """What each customer spent on each known brand in the window."""
    return (
        f"SELECT\n  customer_id,\n  brand,\n  sum(line_amount) AS amount\nFROM {lines.name}\n"
        "WHERE in_window AND brand IS NOT NULL AND line_amount > 0\nGROUP BY customer_id, brand"
    )


def _measurable(
    proposed: Sequence[Feature], sources: dict[str, Source], config: Config
) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...]]:
    """What this shop's tables can measure, and what they cannot, with the reason."""
    reasons = {feature.name: _missing(feature, sources) for feature in proposed}
    reasons |= {name: "left out by the configuration" for name in config.features.leave_out if name in reasons}
    for feature in proposed:
        if feature.table == "features" and reasons[feature.name] is None:
            lacking = [reasons.get(name, f"there is no {name}") for name in feature.needs]
            reasons[feature.name] = next((reason for reason in lacking if reason is not None), None)
    return (
        tuple(feature for feature in proposed if reasons[feature.name] is None),
        tuple((feature, reason) for feature in proposed if (reason := reasons[feature.name]) is not None),
    )


def _missing(feature: Feature, sources: dict[str, Source]) -> str | None:
    """Why the feature cannot be measured, or None."""
    if feature.table == "features":
        return None
    if feature.table not in sources:
        if feature.table == "brands" and "order_lines" in sources:
            return "the order lines have no brand"
        return f"there is no table of {'order lines' if feature.table == 'brands' else _spoken(feature.table)}"
    absent = [SPOKEN.get(column, column) for column in feature.needs if not sources[feature.table].has(column)]
    return f"the {_spoken(feature.table)} have no {' and no '.join(absent)}" if absent else None


def _spoken(table: str) -> str:
    return table.replace("_", " ")


def _grouped(unmeasured: Sequence[Unmeasured]) -> tuple[Notice, ...]:
    """One remark per table that is missing or lacks columns: which features are not measured, and why."""
    by_table: dict[str, dict[str, list[str]]] = {}
    for feature, reason in unmeasured:
        table, _, column = reason.partition(" have no ")
        by_table.setdefault(table, {}).setdefault(column, []).append(feature.label)
    found = []
    for table, columns in by_table.items():
        why = table + (f" have no {', '.join(columns)}" if "" not in columns else "")
        labels = [label for own in columns.values() for label in own]
        found.append(Notice("features-not-measured", f"Not measured, because {why}: {', '.join(labels)}.", len(labels)))
    return tuple(found)


def measured_sql(name: str, source: Source, features: Sequence[Feature]) -> str:
    """One row per customer of a table with its features; for ``orders`` also ``sales_in_window``."""
    columns = ["customer_id", *(f"{_typed(feature)} AS {quoted(feature.name)}" for feature in features)]
    listed = ",\n  ".join(columns)
    if name == "customers":
        return f"SELECT\n  {listed}\nFROM {source.sql}"
    if name == "orders":
        listed += ",\n  count(*) FILTER (WHERE is_sale) AS sales_in_window"
    window = "" if name in ("orders", "brands") else "WHERE in_window\n"
    return f"SELECT\n  {listed}\nFROM {source.sql}\n{window}GROUP BY customer_id"


def _typed(feature: Feature) -> str:
    return feature.sql if feature.shape in ("category", "ordinal") else f"CAST({feature.sql} AS DOUBLE)"


def joined_sql(parts: Sequence[Part], *, has_orders: bool) -> str:
    """The customers with every measured table beside them; a customer without rows gets the feature's ``absent``."""
    columns, joins = ["measured_customers.customer_id"], []
    in_study = "coalesce(measured_orders.sales_in_window, 0) > 0" if has_orders else "TRUE"
    columns.append(f"{in_study} AS in_study")
    for part in parts:
        columns += [f"{_or_absent(part, feature)} AS {quoted(feature.name)}" for feature in part.features]
        if part.name != "measured_customers":
            joins.append(f"LEFT JOIN {part.name} ON measured_customers.customer_id = {part.name}.customer_id")
    return "SELECT\n  " + ",\n  ".join(columns) + "\nFROM measured_customers\n" + "\n".join(joins)


def _or_absent(part: Part, feature: Feature) -> str:
    """The value, or ``absent`` where the table has no row of the customer: an unknown value is not an absent row."""
    value = f"{part.name}.{quoted(feature.name)}"
    if feature.absent is None or feature.table == "customers":
        return value
    return f"CASE WHEN {part.name}.customer_id IS NULL THEN {decimal(feature.absent)} ELSE {value} END"


def features_sql(parts: Sequence[Part], measured: Sequence[Feature], *, has_orders: bool) -> str:
    """The finished table: the measured row and the formulas over it, in the order of the dictionary."""
    made = [f"{part.name} AS (\n{part.sql}\n)" for part in parts if part.sql]
    made.append(f"measured AS (\n{joined_sql(parts, has_orders=has_orders)}\n)")
    columns = ["customer_id", "in_study"]
    for feature in measured:
        value = _typed(feature) if feature.table == "features" else quoted(feature.name)
        columns.append(f"{value} AS {quoted(feature.name)}")
    return f"WITH {', '.join(made)}\nSELECT\n  " + ",\n  ".join(columns) + "\nFROM measured"


def _one_row_each(engine: Engine, table: Table, customers: Table) -> None:
    """Raise PersonasError unless the table has exactly the customers, each once."""
    counts = []
    for name in (table.name, customers.name):
        sql = f"SELECT count(*) AS n, count(DISTINCT customer_id) AS ids FROM {name}"
        counts.append(tuple(engine.fetch(sql, 1).to_pylist()[0].values()))
    if len({*counts[0], *counts[1]}) != 1:
        found = f"rows and ids {counts[0]} where {counts[1]} were expected"
        raise PersonasError(f"a join changed the number of customers: {found}. Please report this.")
