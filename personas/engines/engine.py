"""Where tables live: seven verbs, whatever is behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Table:
    """A handle on a large table inside an engine. ``name`` is what SQL calls it, ``columns`` its columns in order."""

    name: str
    columns: tuple[str, ...]

    def has(self, *columns: str) -> bool:
        """Whether all these columns are there."""
        return set(columns) <= set(self.columns)


@runtime_checkable
class Engine(Protocol):
    """The seven verbs. SQL given to ``make`` and ``fetch`` is portable (see ``portable.py``) and our own."""

    name: str

    def read(self, name: str, source: pa.Table | Path | list[Any]) -> Table:
        """Bring an Arrow table, Parquet files or ``[a DataFrame of Spark]`` in under ``name``."""
        ...

    def columns(self, table: Table) -> dict[str, str]:
        """Column names with their types in DuckDB's words, in order."""
        ...

    def make(self, name: str, sql: str) -> Table:
        """Run a SELECT and keep the result as a table."""
        ...

    def fetch(self, sql: str, limit: int) -> pa.Table:
        """The only way out: at most ``limit`` rows as Arrow; more is a LimitError."""
        ...

    def map(
        self, name: str, table: Table, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
    ) -> Table:
        """Run a function over Arrow batches of a table and keep the result as a table."""
        ...

    def write(self, table: Table, path: Path, order_by: tuple[str, ...]) -> None:
        """Write a table to one Parquet file, sorted."""
        ...

    def close(self) -> None:
        """Let everything go."""
        ...

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
