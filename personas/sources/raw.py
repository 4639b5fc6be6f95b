"""A source as it was read, before any meaning is given to it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Raw:
    """A source before any meaning is given to it.

    ``data`` is an Arrow table, or what the engine reads itself: Parquet files, a table of Spark. ``is_text`` says that
    every column is text from a text file. ``records`` counts what the files hold, ``ragged`` and ``blank`` what is set
    aside already.
    """

    name: str
    label: str
    data: pa.Table | tuple[Any, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...]
    is_text: bool
    records: int
    ragged: int
    blank: int
    lines: array[int] | None
    facts: dict[str, object]
    sha256: str
    parts: tuple[tuple[int, str], ...] = ()
    """(first record, file) of each file, where there are several."""
    dropped: tuple[tuple[str, int], ...] = ()
    """(reason, records) set aside by rules before the columns were matched."""

    @property
    def kept(self) -> int:
        """Records that are not set aside by a rule."""
        return self.records - sum(count for _, count in self.dropped)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """These columns, or all, in memory."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not isinstance(self.data, tuple):
            return self.data if columns is None else self.data.select(list(columns))
        wanted = None if columns is None else list(columns)
        parts = [
            pq.read_table(part, columns=wanted)
            if isinstance(part, Path)
            else part.select(*map(in_backticks, wanted or self.columns)).toArrow()
            for part in self.data
        ]
        return pa.concat_tables(parts).replace_schema_metadata(None)

    def place(self, record: int) -> str:
        """Where a record (from 0) stands: its line for a text file, else its row number."""
        if self.lines is None:
            return f"row {record + 1}"
        files = [file for first, file in self.parts if first <= record]
        return f"{files[-1]} line {self.lines[record]}" if files else f"line {self.lines[record]}"


def in_backticks(name: str) -> str:
    """A column's name as Spark reads it, whatever it holds."""
    return "`" + name.replace("`", "``") + "`"


def as_written(table: pa.Table) -> pa.Table:
    """The table with times of a zone as their clock shows them there: the day is taken as written."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.tz:
            table = table.set_column(position, field.name, pc.local_timestamp(table.column(position)))
    return table
