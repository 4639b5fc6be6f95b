"""A table of PostgreSQL as texts: read-only, in one snapshot, with credentials that never stand in a configuration.

Method: ingest.md 5. Every value is selected as text and read by our own grammar; times with a zone come in UTC.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from typing import TYPE_CHECKING, Any

from personas.config import SourceConfig
from personas.errors import ConfigError, InputError
from personas.sources.dialect import clean_header
from personas.sources.raw import Raw

if TYPE_CHECKING:
    from psycopg import Connection

BATCH = 50_000
LONGEST = 3_600_000
"""Milliseconds after which the server gives a statement up."""


def read_postgres(name: str, source: SourceConfig) -> Raw:
    """The table ``source.sheet`` (schema.table); every value as text.

    Raises
    ------
    ConfigError
        When the connection is not described, or psycopg is not installed.
    InputError
        When the server cannot be reached, or the table is not there or empty. What the server says is not repeated
        whole: it may hold a host or a name.
    """
    try:
        import psycopg
    except ImportError as error:
        raise ConfigError("PostgreSQL needs psycopg. Install it: pip install 'personas[postgres]'") from error
    schema, _, table = str(source.sheet).rpartition(".")
    label = f"{schema or 'public'}.{table}"
    try:
        with psycopg.connect(_described(name, source), connect_timeout=20) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            return _read(connection, schema or "public", table, label, name)
    except psycopg.OperationalError as error:
        raise InputError(
            f"sources.{name}.postgres: the server cannot be reached, or does not let us in ({type(error).__name__}). "
            "Check host, database and password where the connection is described"
        ) from error
    except psycopg.Error as error:
        raise InputError(
            f"{label} cannot be read ({error.sqlstate or type(error).__name__}). Check the rights"
        ) from error


def _described(name: str, source: SourceConfig) -> str:
    """The connection string: of a service, or from the environment."""
    wanted = str(source.postgres)
    if wanted.startswith("service:"):
        return f"service={wanted.removeprefix('service:')}"
    if not os.environ.get(wanted):
        raise ConfigError(
            f"sources.{name}.postgres: the environment variable {wanted} is not set. Put the connection string there, "
            "such as postgresql://reader@host/shop"
        )
    return os.environ[wanted]


def _read(connection: Connection[Any], schema: str, table: str, label: str, name: str) -> Raw:
    import pyarrow as pa
    from psycopg import sql

    connection.execute(f"SET LOCAL statement_timeout = {LONGEST}")
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "ORDER BY ordinal_position",
        (schema, table),
    ).fetchall()
    if not found:
        raise InputError(f"there is no table {label} (sources.{name}.sheet). Write it as schema.table")
    columns = clean_header([str(row[0]) for row in found], label)
    parts = [
        sql.SQL("{}::text || ':00'" if kind == "timestamp with time zone" else "{}::text").format(
            sql.Identifier(column)
        )
        for column, kind in found
    ]
    query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(parts), sql.Identifier(schema, table))
    batches = []
    with connection.cursor(name="personas") as cursor:
        cursor.itersize = BATCH
        cursor.execute(query)
        while rows := cursor.fetchmany(BATCH):
            cells = [pa.array([cell or "" for cell in column], pa.string()) for column in zip(*rows, strict=True)]
            batches.append(pa.table(cells, names=columns))
    if not batches:
        raise InputError(f"{label} has no rows")
    data = pa.concat_tables(batches)
    digest = hashlib.sha256("\n".join(sorted(map(str, data.to_pylist()))).encode()).hexdigest()
    facts: dict[str, object] = {"file": label, "format": "postgres", "notes": []}
    lines = array("q", range(1, data.num_rows + 1))
    types = ("string",) * len(columns)
    return Raw(name, label, data, tuple(columns), types, True, data.num_rows, 0, 0, lines, facts, digest)
