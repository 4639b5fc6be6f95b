"""A sample that every engine, order of rows and number of threads gives alike."""

from __future__ import annotations

from hashlib import md5

import pyarrow as pa

from personas.engines import open_engine
from personas.engines.sampling import sample_sql

IDS = [f"c{n}" for n in range(500)]


def test_the_sample_is_the_customers_with_the_smallest_md5() -> None:
    expected = sorted(IDS, key=lambda name: md5(name.encode()).hexdigest())[:40]
    for threads, ids in ((1, IDS), (2, IDS[::-1])):
        with open_engine("duckdb", threads=threads) as engine:
            table = engine.read("features", pa.table({"customer_id": ids, "in_study": [True] * 500}))
            found = engine.fetch(sample_sql(table, ("customer_id",), 40, "in_study"), 40)
        assert found.column("customer_id").to_pylist() == expected


def test_a_condition_comes_before_the_limit() -> None:
    with open_engine("duckdb", threads=1) as engine:
        table = engine.read("features", pa.table({"customer_id": IDS, "in_study": [n < 5 for n in range(500)]}))
        found = engine.fetch(sample_sql(table, ("customer_id",), 40, "in_study"), 40)
    assert sorted(found.column("customer_id").to_pylist()) == IDS[:5]
