"""Where tables live. ``open_engine`` is the only door."""

from __future__ import annotations

from personas.engines.engine import Engine, Table
from personas.errors import ConfigError

__all__ = ["Engine", "Table", "open_engine"]


def open_engine(name: str = "duckdb", *, memory_limit: str | None = None, threads: int | None = None) -> Engine:
    """Open the engine of that name: ``"duckdb"`` (this machine) or ``"spark"`` (a cluster)."""
    if name == "duckdb":
        from personas.engines.duckdb import DuckDBEngine

        return DuckDBEngine(memory_limit=memory_limit, threads=threads)
    raise ConfigError(f"engine.name: no engine '{name}' here. Known: duckdb. Leave --engine and engine.name out.")
