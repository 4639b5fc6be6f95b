"""What leaves the engine: one row per customer of a bounded sample, features in raw units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.engines import Table
from personas.engines.portable import quoted
from personas.features.feature import Customers, Feature

Values = Mapping[str, NDArray[np.generic]]
LIMIT = 100_000


def is_category(feature: Feature, column_type: str) -> bool:
    """Whether a feature is described by levels; ``column_type`` is the engine's type of its column."""
    return feature.shape == "category" or column_type.upper().startswith("VARCHAR")


def reading_sql(feature: Feature, column_type: str, table: str = "c") -> str:
    """A feature's column of the alias ``table`` as text (categories) or DOUBLE (everything else)."""
    column = f"{table}.{quoted(feature.name)}"
    if is_category(feature, column_type):
        return f"CAST({column} AS VARCHAR)"
    if column_type.upper() == "BOOLEAN":
        return f"CASE WHEN {column} THEN CAST(1 AS DOUBLE) WHEN NOT {column} THEN CAST(0 AS DOUBLE) END"
    return f"CAST({column} AS DOUBLE)"


def values_sql(customers: str, labels: str, readings: Sequence[str], limit: int) -> str:
    """Features of the ``limit`` labelled customers whose ids come first by md5: a rule, never a random call."""
    columns = "".join(f",\n  {reading} AS f{i}" for i, reading in enumerate(readings))
    return f"""SELECT
  c.customer_id AS customer_id,
  l.segment AS segment{columns}
FROM {quoted(customers)} AS c
JOIN {quoted(labels)} AS l ON l.customer_id = c.customer_id
ORDER BY md5(CAST(c.customer_id AS VARCHAR)) NULLS LAST, c.customer_id NULLS LAST
LIMIT {int(limit)}"""


Read = tuple[NDArray[np.str_], NDArray[np.int32], dict[str, NDArray[np.generic]]]
"""Ids, segments and raw values of the sampled customers."""


def customer_values(
    customers: Customers, labels: Table, features: Sequence[Feature], limit: int = LIMIT
) -> Read:
    """Ids (n,), segments (n,) and raw values (n,) per feature of the labelled customers, sorted by id.

    Numbers are float64 with NaN where unknown, categories object arrays with None. With more than ``limit`` customers a
    sample of that size by the md5 of the id: the same customers on every engine and in every order of rows.
    """
    engine = customers.engine
    types = engine.columns(customers.table)
    readings = [reading_sql(feature, types[feature.name]) for feature in features]
    rows = engine.fetch(values_sql(customers.table.name, labels.name, readings, limit), limit)
    ids = np.asarray(rows["customer_id"].to_pylist(), dtype=np.str_)
    order = np.argsort(ids, kind="stable")
    segments = _numpy(rows["segment"]).astype(np.int32)[order]
    values = {}
    for i, feature in enumerate(features):
        kind: Any = object if is_category(feature, types[feature.name]) else np.float64
        values[feature.name] = _numpy(rows[f"f{i}"]).astype(kind)[order]
    return ids[order], segments, values


def _numpy(column: Any) -> NDArray[Any]:
    """An Arrow column as numpy; NULL becomes NaN or None."""
    found: NDArray[Any] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return found
