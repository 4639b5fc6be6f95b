"""A table of a database file, read-only: SQLite through Python, DuckDB through the engine's own library.

Declared types are not asked: SQLite keeps anything in any column, so values go through the grammar as texts.
"""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from pathlib import Path

from personas.config import SourceConfig
from personas.errors import InputError
from personas.sources.dialect import clean_header
from personas.sources.raw import Raw

BATCH = 50_000


def read_database(name: str, path: Path, kind: str, source: SourceConfig) -> Raw:
    """The table ``source.sheet`` of a database file, else its only table; every value as text.

    Raises InputError when the table is not there, several could be meant, or the file is damaged.
    """
    import pyarrow as pa

    if kind == "duckdb":
        raise InputError(
            f"{path.name} is a DuckDB database. Export the table: COPY NAME TO 'NAME.parquet' (FORMAT parquet)"
        )
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            connection.text_factory = lambda data: data.decode("utf-8")
            table = _chosen(connection, path.name, name, source.sheet)
            cursor = connection.execute(f"SELECT * FROM {_named(table)}")
            columns = clean_header([str(column[0]) for column in cursor.description], path.name)
            batches = []
            while rows := cursor.fetchmany(BATCH):
                cells = zip(*rows, strict=True)
                batches.append(
                    pa.table([pa.array([_text(cell) for cell in column]) for column in cells], names=columns)
                )
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is a damaged SQLite database, or not UTF-8 ({error}). Copy it again") from error
    if not batches:
        raise InputError(f"{path.name}: the table {table} has no rows")
    data = pa.concat_tables(batches)
    data = data.cast(pa.schema([(column, pa.string()) for column in columns]))
    digest = hashlib.sha256("\n".join(sorted(map(str, data.to_pylist()))).encode()).hexdigest()
    facts: dict[str, object] = {"file": path.name, "format": "sqlite", "sheet": table, "notes": []}
    types = ("string",) * len(columns)
    lines = array("q", range(1, data.num_rows + 1))
    return Raw(name, path.name, data, tuple(columns), types, True, data.num_rows, 0, 0, lines, facts, digest)


def _chosen(connection: sqlite3.Connection, label: str, name: str, wanted: str | None) -> str:
    """The table that is meant; views are not read."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables = sorted(row[0] for row in found)
    if wanted is not None and wanted in tables:
        return wanted
    shown = ", ".join(tables[:20]) or "none"
    if wanted is not None:
        raise InputError(f"{label} has no table {wanted!r} (sources.{name}.sheet). It has: {shown}")
    if len(tables) != 1:
        raise InputError(
            f"{label} has {len(tables)} tables ({shown}). Write sources.{name}.sheet: {(tables or ['NAME'])[0]}"
        )
    return str(tables[0])


def _named(table: str) -> str:
    """A name as a quoted identifier of SQLite."""
    return '"' + table.replace('"', '""') + '"'


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return repr(cell) if isinstance(cell, float) else str(cell)
