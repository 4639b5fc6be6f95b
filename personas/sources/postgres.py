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
SETTINGS = {"statement_timeout": "3600000", "idle_in_transaction_session_timeout": "0", "TimeZone": "'UTC'"}
"""Milliseconds after which the server gives a statement up; between two tables it waits for us."""


class Snapshots:
    """Open connections, one per server and account: all tables that come from one are of the same moment.

    Each holds one transaction that reads only; the first table fixes the moment, ``close`` ends it.
    """

    def __init__(self) -> None:
        self._open: dict[str, Connection[Any]] = {}

    def __enter__(self) -> Snapshots:
        return self

    def __exit__(self, *ending: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the servers go."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def of(self, described: str) -> Connection[Any]:
        """The connection with its transaction."""
        import psycopg

        if described not in self._open:
            connection = psycopg.connect(described, connect_timeout=20)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            self._open[described] = connection
            for setting, value in SETTINGS.items():
                connection.execute(f"SET LOCAL {setting} = {value}")
        return self._open[described]


def read_postgres(name: str, source: SourceConfig, snapshots: Snapshots) -> Raw:
    """The table ``source.sheet`` (schema.table) as it is in the snapshot of its server; every value as text.

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
        connection = snapshots.of(_described(name, source))
        with connection.transaction():  # a savepoint: a table that fails leaves the snapshot to the others
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
