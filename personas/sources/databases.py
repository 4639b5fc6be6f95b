"""A table of a database file, read-only: SQLite through Python, DuckDB through the engine's own library.

SQLite keeps anything in any column, so its values go through the grammar as texts whatever type is declared. DuckDB
keeps its word: numbers come as numbers, and all else (days and times too) as texts.
"""

from __future__ import annotations

import hashlib
import sqlite3
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from personas.config import SourceConfig
from personas.errors import InputError
from personas.sources.dialect import clean_header
from personas.sources.raw import Raw

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 50_000
EXACT = 2**53
"""Whole numbers from here on are no longer exact in a float."""


def read_database(name: str, path: Path, kind: str, source: SourceConfig) -> Raw:
    """The table ``source.sheet`` of a database file, else its only table; views are not read.

    Raises InputError when the table is not there, several could be meant, or the file is damaged.
    """
    return _read_duckdb(name, path, source) if kind == "duckdb" else _read_sqlite(name, path, source)


def _read_sqlite(name: str, path: Path, source: SourceConfig) -> Raw:
    """Every value as text."""
    import pyarrow as pa

    try:
        connection = sqlite3.connect(_address(path), uri=True)
        try:
            connection.text_factory = lambda data: data.decode("utf-8")
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            table = _chosen([row[0] for row in found], path.name, name, source.sheet)
            cursor = connection.execute(f"SELECT * FROM {_named(table)}")
            columns = clean_header([str(column[0]) for column in cursor.description], path.name)
            batches, binary = [], set[str]()
            while rows := cursor.fetchmany(BATCH):
                cells = list(zip(*rows, strict=True))
                binary |= {name for name, column in zip(columns, cells, strict=True) if bytes in set(map(type, column))}
                texts = [pa.array([_text(cell) for cell in column], pa.string()) for column in cells]
                batches.append(pa.table(texts, names=columns))
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is a damaged SQLite database, or not UTF-8 ({error}). Copy it again") from error
    if not batches:
        raise InputError(f"{path.name}: the table {table} has no rows")
    notes = [f"columns of binary values are not read: {', '.join(sorted(binary))}"] if binary else []
    data = pa.concat_tables(batches).drop_columns(sorted(binary))
    return _raw(name, path.name, data, "sqlite", table, notes)


def _address(path: Path) -> str:
    """The address that opens a file for reading and leaves nothing beside it.

    Raises InputError for a file whose last changes are still in a write-ahead log: of a damaged log some are lost
    without a word.
    """
    with path.open("rb") as file:
        logged = file.read(20)[18:] == b"\2\2"  # so is a file marked that has or had such a log
    log = path.with_name(f"{path.name}-wal")
    if logged and log.exists() and log.stat().st_size:
        raise InputError(
            f"{path.name} has changes in {log.name} that are not in the file yet. Close the program that writes it, or "
            "run PRAGMA wal_checkpoint(TRUNCATE)"
        )
    return f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if logged else ''}"


def _read_duckdb(name: str, path: Path, source: SourceConfig) -> Raw:
    """Numbers as they are, all else as text; lists and structures are left out with a note."""
    from personas.engines.duckdbfile import open_file

    with open_file(path, source.max_memory) as file:
        table = _chosen(list(file.tables), path.name, name, source.sheet)
        data, nested = file.read(table)
    if data.num_rows == 0:
        raise InputError(f"{path.name}: the table {table} has no rows")
    data = data.rename_columns(clean_header([str(column) for column in data.column_names], path.name))
    notes = [f"columns of lists, structures and binary values are not read: {', '.join(nested)}"] if nested else []
    return _raw(name, path.name, data, "duckdb", table, notes)


def _raw(name: str, label: str, data: pa.Table, kind: str, table: str, notes: list[str]) -> Raw:
    digest = hashlib.sha256("\n".join(sorted(map(str, data.to_pylist()))).encode()).hexdigest()
    facts: dict[str, object] = {"file": label, "format": kind, "sheet": table, "notes": notes}
    types = tuple(str(field.type) for field in data.schema)
    lines = array("q", range(1, data.num_rows + 1))
    is_text = kind == "sqlite"
    return Raw(name, label, data, tuple(data.column_names), types, is_text, data.num_rows, 0, 0, lines, facts, digest)


def _chosen(found: Sequence[str], label: str, name: str, wanted: str | None) -> str:
    """The table that is meant."""
    if wanted is not None and wanted in found:
        return wanted
    tables = sorted(found)
    shown = ", ".join(tables[:20]) or "none"
    if wanted is not None:
        raise InputError(f"{label} has no table {wanted!r} (sources.{name}.sheet). It has: {shown}")
    if len(tables) != 1:
        raise InputError(
            f"{label} has {len(tables)} tables ({shown}). Write sources.{name}.sheet: {(tables or ['NAME'])[0]}"
        )
    return tables[0]


def _named(table: str) -> str:
    """A name as a quoted identifier of SQLite."""
    return '"' + table.replace('"', '""') + '"'


def _text(cell: object) -> str:
    """A value as text; a whole number in a column of floats is written without its point, as ids are elsewhere."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else repr(cell)
    return str(cell)
