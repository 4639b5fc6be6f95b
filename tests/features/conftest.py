"""The tiny shop as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from tables_by_hand import Row, config, rows_of, tables_of

from personas.config import Config
from personas.engines import Engine, open_engine
from personas.features import build
from personas.sources.canonical import GivenColumn, Tables


@pytest.fixture
def engine() -> Iterator[Engine]:
    with open_engine("duckdb", threads=2) as opened:
        yield opened


@pytest.fixture
def shop(engine: Engine) -> Callable[..., Tables]:
    """``shop(customers, orders=..., ...)``: canonical tables with a window of 365 days before 2026-01-01."""

    def make(customers: Sequence[Row], given: Sequence[GivenColumn] = (), **more: Any) -> Tables:
        return tables_of(engine, customers, given, **more)

    return make


@pytest.fixture
def measure(engine: Engine, shop: Callable[..., Tables]) -> Callable[..., dict[str, dict[str, Any]]]:
    """``measure(customers, settings, ...)``: customer -> feature -> value."""

    def values(customers: Sequence[Row], settings: Config | None = None, **tables: Any) -> dict[str, dict[str, Any]]:
        return rows_of(build(engine, shop(customers, **tables), settings or config()))

    return values


