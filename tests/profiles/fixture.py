"""Hand-made shops for the tests of profiles: every figure can be worked out on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from personas.config import Config
from personas.engines import Engine, Table
from personas.estimate import Estimate
from personas.features.coding import Coding, FeatureMatrix
from personas.features.feature import Customers, Feature
from personas.segmentation.records import Segmentation
from personas.sources.canonical import Audit, Tables

MONEY = pa.decimal128(18, 4)
ORDERS: dict[str, pa.DataType] = {
    "order_id": pa.string(), "customer_id": pa.string(), "ordered_on": pa.date32(), "is_sale": pa.bool_(),
    "net_amount": MONEY, "in_window": pa.bool_(), "refunded": pa.bool_(),
}  # fmt: skip
LINES: dict[str, pa.DataType] = {
    "order_id": pa.string(), "customer_id": pa.string(), "in_window": pa.bool_(), "line_amount": MONEY,
    "quantity": MONEY, "unit_cost": MONEY,
}  # fmt: skip
TICKETS: dict[str, pa.DataType] = {
    "ticket_id": pa.string(), "customer_id": pa.string(), "in_window": pa.bool_(), "channel": pa.string(),
    "agent_minutes": MONEY, "cost_amount": MONEY,
}  # fmt: skip


def arrow(columns: Mapping[str, pa.DataType], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as Arrow; money may be given as text."""

    def cell(value: Any, kind: pa.DataType) -> Any:
        return Decimal(str(value)) if pa.types.is_decimal(kind) and value is not None else value

    return pa.table(
        {n: pa.array([cell(row[i], kind) for row in rows], type=kind) for i, (n, kind) in enumerate(columns.items())}
    )


def order(order_id: str, who: str, amount: str, day: date = date(2026, 1, 15), **more: Any) -> tuple[Any, ...]:
    """One order; a negative amount is a refund row."""
    is_sale = more.get("is_sale", Decimal(amount) > 0)
    return (order_id, who, day, is_sale, amount, more.get("in_window", True), more.get("refunded", False))


def shop(
    engine: Engine, who: Sequence[str], orders: Sequence[Sequence[Any]] | None,
    lines: Sequence[Sequence[Any]] | None = None, tickets: Sequence[Sequence[Any]] | None = None,
    window_days: int = 365, without: Sequence[str] = (),
) -> Tables:  # fmt: skip
    """Canonical tables inside the engine. ``without`` drops columns (``unit_cost``, ``cost_amount`` ...)."""

    def table(name: str, columns: Mapping[str, pa.DataType], rows: Sequence[Sequence[Any]] | None) -> Table | None:
        if rows is None:
            return None
        data = arrow(columns, rows)
        return engine.read(name, data.drop_columns([c for c in without if c in data.column_names]))

    return Tables(
        customers=engine.read("customers", pa.table({"customer_id": pa.array(who, pa.string())})),
        orders=table("orders", ORDERS, orders),
        order_lines=table("order_lines", LINES, lines),
        tickets=table("tickets", TICKETS, tickets),
        reach=None,
        given=(),
        snapshot_date=date(2026, 11, 1),
        window_days=window_days,
        currency="EUR",
        audit=Audit((), (), ()),
        input_hashes=(),
    )


def number(name: str, unit: str = "orders/year", shape: str = "count", label: str | None = None) -> Feature:
    return Feature(name, "", "orders", unit, label or name.replace("_", " "), "", "purchase", shape=shape)


def category(name: str) -> Feature:
    return Feature(name, "", "customers", "category", name, "", "geography", shape="category", role="profile")


def measured(
    engine: Engine, who: Sequence[str], features: Sequence[Feature], values: Mapping[str, Sequence[Any]],
    in_study: Sequence[bool] | None = None,
) -> Customers:  # fmt: skip
    """The features table; whole columns by name."""
    columns: dict[str, Any] = {
        "customer_id": pa.array(who, pa.string()),
        "in_study": pa.array(in_study or [True] * len(who), pa.bool_()),
    }
    for feature in features:
        if feature.shape == "category":
            kind = pa.string()
        else:
            kind = pa.bool_() if isinstance(values[feature.name][0], bool) else pa.float64()
        columns[feature.name] = pa.array(list(values[feature.name]), kind)
    return Customers(engine, engine.read("features", pa.table(columns)), tuple(features), ())


def labelled(
    engine: Engine, who: Sequence[str], segments: Sequence[int], confidence: Sequence[float] | None = None
) -> Table:
    """The table of labels."""
    n = len(who)
    return engine.read("labels", pa.table({
        "customer_id": pa.array(who, pa.string()),
        "segment": pa.array(segments, pa.int32()),
        "membership": pa.array([1.0] * n, pa.float64()),
        "confidence": pa.array(confidence if confidence is not None else [1.0] * n, pa.float64()),
    }))  # fmt: skip


def config(**economics: Any) -> Config:
    return Config.model_validate({
        "study": {"name": "Shop", "currency": "EUR", "seed": 3},
        "sources": {"orders": {"file": "orders.csv"}},
        "economics": economics,
    })  # fmt: skip


def matrix(features: Sequence[Feature]) -> FeatureMatrix:
    """A matrix of which profiles read only the forming features."""
    return FeatureMatrix(
        ids=np.array([], dtype=np.str_), X=np.zeros((0, 0)), coding=Coding(()), features=tuple(features), raw={},
        share_of_distance={}, missing_share={}, transforms={}, dropped=(), notices=(), sampled_from=0,
    )  # fmt: skip


def segmentation(k: int) -> Segmentation:
    """A segmentation of which profiles read only the stability."""
    model: Any = None
    return Segmentation(
        algorithm="kmeans", k=k, k_silhouette=k, verdict="reproducible", reasons=(), labels=np.zeros(0, np.int32),
        model=model, candidates=(), confidence=np.zeros(0), membership=np.zeros(0),
        stability=tuple(Estimate(0.9 - g / 100, 0.8, 1.0, "share", 50, "bootstrap") for g in range(k)),
        min_size=2, seed=3, protocol="full", k_fixed=False,
    )  # fmt: skip
