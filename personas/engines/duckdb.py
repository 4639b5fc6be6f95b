"""DuckDB on this machine; with ``duckdbfile`` the only place that imports duckdb."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from personas.engines.engine import Table
from personas.engines.portable import emit, quoted, text_literal
from personas.errors import LimitError, PersonasError


class DuckDBEngine:
    """Tables in a private in-memory database that spills into a folder of its own.

    The connection is locked down before the first byte of data is read: no extension is loaded or fetched, no Python
    variable is visible by name, and no file can be read but those given to ``read`` (through Arrow).

    ``memory_limit`` is the ceiling of the whole process: the database gets half of it and spills beyond.
    """

    name = "duckdb"

    def __init__(self, *, memory_limit: str | None = None, threads: int | None = None) -> None:
        self._work = Path(tempfile.mkdtemp(prefix="personas-"))
        self._connection = locked_down(self._work, memory_limit, threads)

    def read(self, name: str, source: pa.Table | Path | list[Any]) -> Table:
        """Bring an Arrow table, Parquet files or ``[a DataFrame of Spark]`` in under ``name``; the last in memory."""
        if isinstance(source, list) and not isinstance(source[0], Path):
            source = source[0].toArrow()
        if isinstance(source, pa.Table):
            self._connection.register("incoming", source)
            self._connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT * FROM incoming").fetchall()
            self._connection.unregister("incoming")
        else:
            import pyarrow.dataset as ds

            paths = [str(path) for path in (source if isinstance(source, list) else [source])]
            # Files stay where they are: what a SELECT names is decoded when it runs, the rest never.
            self._connection.register(name, ds.dataset(paths, format="parquet"))
        return self._table(name)

    def columns(self, table: Table) -> dict[str, str]:
        """Column names with their types in DuckDB's words, in order."""
        rows = self._connection.execute(f"DESCRIBE {quoted(table.name)}").fetchall()
        return {str(row[0]): str(row[1]) for row in rows}

    def make(self, name: str, sql: str) -> Table:
        """Run a portable SELECT and keep its result under ``name``."""
        self._run(f"CREATE OR REPLACE TABLE {quoted(name)} AS {emit(sql, 'duckdb')}")
        return self._table(name)

    def fetch(self, sql: str, limit: int) -> pa.Table:
        """The rows of a portable SELECT as Arrow; more than ``limit`` of them is a LimitError."""
        result = self._select(emit(sql, "duckdb")).to_arrow_table()
        if result.num_rows > limit:
            raise LimitError(f"a result has {result.num_rows:,} rows where at most {limit:,} may leave the engine")
        return result

    def map(
        self, name: str, table: Table, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
    ) -> Table:
        """Run ``function`` over the record batches of ``table`` and keep what it returns under ``name``."""
        reader = self._select(f"SELECT * FROM {quoted(table.name)}").to_arrow_reader(65_536)
        result = pa.Table.from_batches([function(batch) for batch in reader], schema=schema)
        return self.read(name, result)

    def write(self, table: Table, path: Path, order_by: tuple[str, ...]) -> None:
        """Write ``table`` to one Parquet file, sorted by ``order_by`` so that the bytes do not depend on threads."""
        import pyarrow.parquet as pq

        order = ", ".join(f"{quoted(column)} NULLS LAST" for column in order_by)
        reader = self._select(f"SELECT * FROM {quoted(table.name)} ORDER BY {order}").to_arrow_reader(65_536)
        with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)

    def close(self) -> None:
        """Close the connection and remove the private folder."""
        self._connection.close()
        shutil.rmtree(self._work, ignore_errors=True)

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _table(self, name: str) -> Table:
        return Table(name, tuple(self.columns(Table(name, ()))))

    def _run(self, sql: str) -> None:
        with _plain_errors(sql):
            self._connection.execute(sql).fetchall()

    def _select(self, sql: str) -> duckdb.DuckDBPyRelation:
        with _plain_errors(sql):
            return self._connection.sql(sql)


def locked_down(
    work: Path, memory_limit: str | None, threads: int | None, inputs: Sequence[Path] = ()
) -> duckdb.DuckDBPyConnection:
    """A connection that reads ``inputs`` and the private folder ``work``, and no other file of this machine."""
    connection = duckdb.connect(":memory:")
    settings = {
        "python_enable_replacements": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
        "TimeZone": "'UTC'",
        "preserve_insertion_order": "true",
        "enable_progress_bar": "false",
        # Compressing tables that the next step replaces costs a tenth of the reading and frees nothing at the peak.
        "checkpoint_threshold": "'1TB'",
        "threads": str(threads or os.cpu_count() or 1),
        "temp_directory": text_literal(str(work / "spill")),
    }
    if memory_limit:
        settings["memory_limit"] = text_literal(half(memory_limit))
    for key, value in settings.items():
        connection.execute(f"SET {key}={value}")
    connection.execute(f"SET allowed_directories=[{text_literal(str(work))}]")
    connection.execute(f"SET allowed_paths=[{', '.join(text_literal(str(path)) for path in inputs)}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def half(memory_limit: str) -> str:
    """Half of a ceiling: the engine's share; the other half is for what leaves it.

    >>> half("4GB"), half("1.5 GiB")
    ('2000MB', '768MiB')
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MG])(i?B)", memory_limit)
    if match is None:
        return memory_limit
    number, size, unit = match.groups()
    thousand = 1 if size == "M" else 1024 if unit == "iB" else 1000
    return f"{max(1, round(float(number) * thousand / 2))}M{unit}"


@contextmanager
def _plain_errors(sql: str) -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise LimitError(
            f"the tables need more memory than allowed ({error}). Raise engine.memory_limit or leave features out."
        ) from error
    except duckdb.Error as error:
        raise PersonasError(f"the engine refused SQL of ours: {error}\n{sql[:2000]}") from error
