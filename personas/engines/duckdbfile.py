"""A database file of DuckDB as a source: attached read-only to a connection that can open this file and no other.

Base tables only: a view is SQL of a stranger, and nothing of it is run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from personas.engines.duckdb import locked_down
from personas.engines.portable import quoted, text_literal
from personas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

AS_THEY_ARE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT",
               "DOUBLE", "DECIMAL", "BOOLEAN", "VARCHAR")  # fmt: skip
"""Types that come as values; days, times and all else come as texts, which our own grammar reads."""
INSTANT = "TIMESTAMP WITH TIME ZONE"


class DatabaseFile:
    """The base tables of an attached file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        found = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' AND NOT internal"
        ).fetchall()
        named = sorted((str(schema), str(table)) for schema, table in found)
        plain = {table for schema, table in named if schema == "main" and "." not in table}
        self.tables = {
            table if schema == "main" and table in plain else f"{schema}.{table}": (schema, table)
            for schema, table in named
        }
        """What a table is called to (schema, table); those of other schemas than ``main`` as schema.table."""

    def read(self, name: str) -> tuple[pa.Table, list[str]]:
        """All rows of a table, and its columns of lists, structures and binary values, which are not read."""
        path = ".".join(map(quoted, ("source", *self.tables[name])))
        found = self._connection.execute(f"DESCRIBE {path}").fetchall()
        types = {str(row[0]): str(row[1]) for row in found}
        nested = [name for name, kind in types.items() if kind.endswith("]") or kind.startswith(NESTED)]
        parts = [f"{_value(name, kind)} AS {quoted(name)}" for name, kind in types.items() if name not in nested]
        if not parts:
            raise InputError(f"the table {name} has but lists, structures and binary values. Make a plainer one of it")
        return self._connection.sql(f"SELECT {', '.join(parts)} FROM {path}").to_arrow_table(), nested


NESTED = ("STRUCT", "MAP", "UNION", "VARIANT", "BLOB", "BIT")


def _value(name: str, kind: str) -> str:
    if kind.startswith(AS_THEY_ARE):
        return quoted(name)
    minutes = " || ':00'" if kind == INSTANT else ""
    return f"CAST({quoted(name)} AS VARCHAR){minutes}"


@contextmanager
def open_file(path: Path, memory_limit: str) -> Iterator[DatabaseFile]:
    """The database file, for reading.

    Raises InputError when it is damaged, locked, encrypted or of another version, and when a write-ahead log lies
    beside it: of a damaged log DuckDB 2.0 leaves changes out without a word (measured).
    """
    path = path.resolve()
    log = path.with_name(f"{path.name}.wal")
    if log.exists() and log.stat().st_size:
        raise InputError(
            f"{path.name} has changes in {log.name} that are not in the file yet. Open it with DuckDB and run "
            "CHECKPOINT, or close the program that writes it"
        )
    with tempfile.TemporaryDirectory(prefix="personas-") as work:
        connection = locked_down(Path(work), memory_limit, 1, (path, log))
        try:
            connection.execute(f"ATTACH {text_literal(str(path))} AS source (READ_ONLY)").fetchall()
            yield DatabaseFile(connection)
        except duckdb.OutOfMemoryException as error:
            raise MemoryError from error
        except duckdb.Error as error:
            raise InputError(_said(path.name, str(error))) from error
        finally:
            connection.close()


def _said(label: str, error: str) -> str:
    """The engine's error in our words; its own may quote paths and values."""
    if "Could not set lock" in error:
        return f"{label} is open in another program. Close it there, or copy the file"
    if "version number" in error or "newer version" in error:
        return (
            f"{label} was written by another version of DuckDB than {duckdb.__version__} reads. Export its tables "
            "there: COPY NAME TO 'NAME.parquet' (FORMAT parquet)"
        )
    if "encrypt" in error.lower():
        return f"{label} is encrypted. Export its tables: COPY NAME TO 'NAME.parquet' (FORMAT parquet)"
    return f"{label} is a damaged DuckDB database. Copy it again, or export its tables"
