"""Where tables live: seven verbs, whatever is behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

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
    """The seven verbs. SQL given to ``make`` and ``fetch`` is portable SQL (see ``portable.py``), never user text.

    ``read``    brings an Arrow table or a Parquet file in under a name
    ``columns`` says which columns a table has, with their types in DuckDB's words
    ``make``    runs a SELECT and keeps the result as a table
    ``fetch``   the only way out: at most ``limit`` rows as Arrow; more is a LimitError
    ``map``     runs a function over Arrow batches of a table and keeps the result as a table
    ``write``   writes a table to one Parquet file, sorted
    ``close``   lets everything go
    """

    name: str

    def read(self, name: str, source: pa.Table | Path | list[Path]) -> Table: ...

    def columns(self, table: Table) -> dict[str, str]: ...

    def make(self, name: str, sql: str) -> Table: ...

    def fetch(self, sql: str, limit: int) -> pa.Table: ...

    def map(
        self, name: str, table: Table, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
    ) -> Table: ...

    def write(self, table: Table, path: Path, order_by: tuple[str, ...]) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
