"""A small shop written as files, and an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from personas.config import Config
from personas.engines import Engine, open_engine
from personas.pipeline import run, save
from personas.sources import prepare
from personas.sources.canonical import Tables

ORDERS = """order_id,customer_id,ordered_on,total_amount
1,ann,2024-01-05,10.00
2,ann,2024-02-05,20.00
3,bob,2024-03-05,30.50
"""
Prepare = Callable[..., Tables]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with open_engine(threads=2) as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> Prepare:
    """``shop(orders="csv text", orders_with={...settings}, study={...})`` writes the files and prepares them."""

    def write(study: dict[str, Any] | None = None, **given: Any) -> Tables:
        settings = {name.removesuffix("_with"): value for name, value in given.items() if name.endswith("_with")}
        sources: dict[str, Any] = {}
        for name, content in given.items():
            if name.endswith("_with"):
                continue
            path = tmp_path / f"{name}.csv"
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif isinstance(content, str):
                path.write_text(content, encoding="utf-8", newline="")
            sources[name] = {"data": content} if not isinstance(content, str | bytes) else {"file": path.name}
            sources[name] |= settings.get(name, {})
        wanted = {"name": "Shop", "currency": "EUR"} | (study or {})
        return prepare(engine, Config.model_validate({"study": wanted, "sources": sources, "folder": tmp_path}))

    return write


def steps(tables: Tables, name: str) -> dict[str, tuple[int, str | None]]:
    """Step -> (records, money) of a table's control totals."""
    return {line.step: (line.rows, line.amount) for line in tables.audit.lines if line.table == name}


def rows(engine: Engine, table: str, order: str = "1") -> list[dict[str, Any]]:
    """All records of a small table."""
    return engine.fetch(f'SELECT * FROM "{table}" ORDER BY {order}', 1000).to_pylist()


def studies_of(folder: Path, orders: str, people: str) -> list[dict[str, bytes]]:
    """What a study of orders.csv and people.csv in ``folder`` gives, and one of the tables that stand for them."""
    config = folder / "shop.yaml"
    text, found = config.read_text(encoding="utf-8"), []
    for first, second in (("file: orders.csv", "file: people.csv"), (orders, people)):
        sources = f"orders:\n    {first}\n  customers:\n    {second}"
        config.write_text(text.replace("orders:\n    file: orders.csv", sources), encoding="utf-8")
        save(run(config), folder / "out")
        told = ("personas.json", "k_table.csv", "segments.parquet")
        found.append({name: (folder / "out" / name).read_bytes() for name in told})
    return found
