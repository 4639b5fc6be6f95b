"""Canonical tables of a tiny shop, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from personas.config import Config
from personas.engines import Engine, Table
from personas.features.feature import Customers
from personas.sources.canonical import Audit, GivenColumn, Tables

MONEY = pa.decimal128(18, 4)
TYPES = {
    "customer_id": pa.string(), "order_id": pa.string(), "ordered_on": pa.date32(), "is_sale": pa.bool_(),
    "refunded": pa.bool_(), "in_window": pa.bool_(), "net_amount": MONEY, "discount_amount": MONEY,
    "channel": pa.string(), "line_amount": MONEY, "quantity": MONEY, "unit_cost": MONEY, "category": pa.string(),
    "brand": pa.string(),
    "agent_minutes": MONEY, "cost_amount": MONEY, "followers": pa.int64(), "brands_followed": pa.int64(),
    "mentions": pa.int64(), "referrals_made": pa.int64(), "platform": pa.string(), "created_on": pa.date32(),
    "birth_year": pa.int64(), "gender": pa.string(), "region": pa.string(), "service_level": MONEY,
}  # fmt: skip
Row = Mapping[str, Any]
SNAPSHOT = date(2026, 1, 1)


def config(**parts: Any) -> Config:
    """A configuration with the given parts; the source is never read."""
    return Config.model_validate({"study": {"name": "Shop"}, "sources": {"orders": {"file": "orders.csv"}}, **parts})


def arrow(rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table with the canonical types; numbers for money may be written as text."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    arrays = []
    for name in names:
        values = [row.get(name) for row in rows]
        kind = TYPES.get(name)
        if kind == MONEY:
            values = [None if value is None else Decimal(str(value)) for value in values]
        arrays.append(pa.array(values, type=kind))
    return pa.table(arrays, names=names)


def with_window(rows: Sequence[Row]) -> list[Row]:
    """Rows count as inside the window unless they say otherwise."""
    return [{"in_window": True, **row} for row in rows]


def tables_of(
    engine: Engine,
    customers: Sequence[Row],
    given: Sequence[GivenColumn] = (),
    snapshot: date = SNAPSHOT,
    window_days: int = 365,
    **tables: Sequence[Row],
) -> Tables:
    """The canonical tables of these rows inside the engine."""

    def read(name: str) -> Table | None:
        return engine.read(name, arrow(with_window(tables[name]))) if name in tables else None

    return Tables(
        engine.read("customers", arrow(customers)), read("orders"), read("order_lines"), read("tickets"), read("reach"),
        tuple(given), snapshot, window_days, "EUR", Audit((), (), ()), (),
    )  # fmt: skip


def rows_of(customers: Customers) -> dict[str, dict[str, Any]]:
    """customer -> feature -> value."""
    columns = ", ".join('"' + column.replace('"', '""') + '"' for column in customers.table.columns)
    rows = customers.engine.fetch(f"SELECT {columns} FROM {customers.table.name}", 1000).to_pylist()
    return {row["customer_id"]: row for row in rows}


def sale(customer: str, day: str, amount: object, **more: Any) -> Row:
    """One sale."""
    return {
        "order_id": f"{customer}-{day}-{amount}", "customer_id": customer, "ordered_on": date.fromisoformat(day),
        "is_sale": True, "net_amount": amount, **more,
    }  # fmt: skip


def random_rows(seed: int, customers: int) -> dict[str, list[Row]]:
    """A shop with every table, drawn at random; the same rows for the same seed."""
    from random import Random

    draw = Random(seed)
    ids = [f"c{n:03d}" for n in range(customers)]
    people: list[Row] = [{"customer_id": name, "birth_year": draw.randint(1950, 2005)} for name in ids]
    rows: dict[str, list[Row]] = {"customers": people}
    rows["orders"] = [
        sale(
            draw.choice(ids), f"2025-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}",
            f"{draw.randint(100, 99999) / 100:.2f}", channel=draw.choice(["online", "store", "phone"]),
            refunded=draw.random() < 0.2, discount_amount=f"{draw.choice([0, 0, 5]) * draw.random():.2f}",
        )
        for _ in range(customers * 5)
    ]  # fmt: skip
    rows["order_lines"] = [
        {
            "customer_id": order["customer_id"], "line_amount": order["net_amount"], "quantity": draw.randint(1, 3),
            "unit_cost": f"{draw.random() * 5:.2f}", "category": draw.choice("ABCD"), "brand": draw.choice("XYZ"),
        }
        for order in rows["orders"]
    ]  # fmt: skip
    rows["tickets"] = [{"customer_id": draw.choice(ids), "agent_minutes": f"{draw.random() * 30:.2f}"} for _ in ids]
    rows["reach"] = [{"customer_id": name, "followers": draw.randint(0, 5000)} for name in ids if draw.random() < 0.8]
    return rows
