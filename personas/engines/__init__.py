"""Where tables live. ``open_engine`` is the only door."""

from __future__ import annotations

from personas.engines.engine import Engine, Table
from personas.errors import ConfigError

__all__ = ["Engine", "Table", "open_engine"]


def open_engine(
    name: str = "duckdb", *, memory_limit: str | None = None, threads: int | None = None, master: str | None = None
) -> Engine:
    """Open the engine of that name: ``"duckdb"`` (this machine) or ``"spark"`` (a cluster, or Spark on this machine).

    Raises
    ------
    ConfigError
        For an unknown name, or Spark that is not installed or does not start.
    """
    if name == "duckdb":
        from personas.engines.duckdb import DuckDBEngine

        return DuckDBEngine(memory_limit=memory_limit, threads=threads)
    if name == "spark":
        from personas.engines.spark import SparkEngine

        return SparkEngine(master=master, memory_limit=memory_limit, threads=threads)
    raise ConfigError(f"engine.name: no engine '{name}' here. Known: duckdb, spark. Leave engine.name out.")
