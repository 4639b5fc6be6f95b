"""Apache Spark, on a cluster or on this machine: the only place that imports pyspark."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from personas.engines.engine import Table
from personas.engines.portable import quoted
from personas.engines.sparksql import duckdb_type, spark_sql
from personas.errors import ConfigError, LimitError, PersonasError

SETTINGS = {
    # What decides over results: errors instead of NULL, UTC, exact decimals, names as they are written.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
}
BATCH = {"spark.sql.execution.arrow.maxRecordsPerBatch": "65536"}
FEWEST_ROWS_OF_A_LIMIT = 1_000_000
"""Above it, a LIMIT would bring all rows into one task first: the result is fetched and counted instead."""


class SparkEngine:
    """Tables as temporary views in a session of their own on a Spark application.

    Parameters
    ----------
    session : SparkSession, optional
        A session of yours: classic or Connect, on Databricks, EMR or anywhere. It is left as it was; the engine
        works in a new session beside it and never stops it. Without one the active session is taken; without that
        ``SPARK_REMOTE`` and the settings of ``spark-submit`` count; else Spark starts on this machine.
    master : str, optional
        Where Spark starts when no session is there: ``local[4]``, ``yarn``, ``spark://host:7077``.
    memory_limit : str, optional
        Memory of the process of a Spark that is started here.
    threads : int, optional
        Tasks at once of a Spark that is started here.

    Every ``make`` is kept by Spark in memory and on the disks of the executors. When an executor is lost, what it held
    is computed again from the sources, and every statement gives the same rows again.
    """

    name = "spark"

    def __init__(
        self, session: Any = None, *, master: str | None = None, memory_limit: str | None = None,
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self._work = Path(tempfile.mkdtemp(prefix="personas-"))
        self._prefix = self._work.name.replace("-", "_")
        self._tables: dict[str, dict[str, str]] = {}
        self._views: dict[str, str] = {}
        self._kept: list[tuple[str, Any]] = []
        self._started: Any = None
        self._client: Any = None
        self._former: dict[str, str] = {}
        try:
            with _quiet():
                given = session or _running() or _connected()
                if given is None:
                    given = self._started = _start(master, memory_limit, threads, self._work)
                self._session, own = _beside(given)
                self._client = None if not own or hasattr(given, "_jsparkSession") else self._session.client
                self._set(SETTINGS, needed=True)
                self._set(BATCH, needed=False)
                if own:
                    self._former = {}
        except BaseException:
            self.close()
            raise

    def read(self, name: str, source: pa.Table | Path | list[Any]) -> Table:
        """Bring an Arrow table, Parquet files or ``[a DataFrame of Spark]`` in under ``name``.

        Parquet is read by Spark where it sees this disk; else it goes through this process.
        """
        with _quiet(), _plain_errors(f"reading {name}"):
            if isinstance(source, pa.Table):
                frame = self._session.createDataFrame(_known_types(source))
            else:
                paths = source if isinstance(source, list) else [source]
                if not isinstance(paths[0], Path):
                    # It is of another session; a classic one becomes one of ours as a leaf.
                    frame = paths[0] if hasattr(paths[0], "_jdf") else type(paths[0])(paths[0]._plan, self._session)
                elif self._is_here():
                    frame = self._session.read.parquet(*(path.resolve().as_uri() for path in paths))
                else:
                    import pyarrow.dataset as ds

                    table = ds.dataset([str(path) for path in paths], format="parquet").to_table()
                    frame = self._session.createDataFrame(_known_types(table))
            return self._keep(name, frame, persist=not isinstance(source, pa.Table))

    def columns(self, table: Table) -> dict[str, str]:
        """Column names with their types in DuckDB's words, in order."""
        return dict(self._tables[table.name])

    def make(self, name: str, sql: str) -> Table:
        """Plan a portable SELECT and keep its result under ``name`` from the first time that it is needed."""
        text = self._emit(sql)
        with _quiet(), _plain_errors(text):
            return self._keep(name, self._session.sql(text))

    def fetch(self, sql: str, limit: int) -> pa.Table:
        """The rows of a portable SELECT as Arrow; more than ``limit`` of them is a LimitError."""
        text = self._emit(sql)
        with _quiet(), _plain_errors(text):
            frame = self._session.sql(text)
            result = (frame.limit(limit + 1) if limit < FEWEST_ROWS_OF_A_LIMIT else frame).toArrow()
        if result.num_rows > limit:
            found = f"more than {limit:,}" if limit < FEWEST_ROWS_OF_A_LIMIT else f"{result.num_rows:,}"
            raise LimitError(f"a result has {found} rows where at most {limit:,} may leave the engine")
        return result

    def map(
        self, name: str, table: Table, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
    ) -> Table:
        """Run ``function`` over the record batches of ``table`` on the executors and keep the result under ``name``.

        The function travels there by pickle; the package must be installed on every node.
        """
        from pyspark.sql.pandas.types import from_arrow_schema

        names = [*self.columns(table)]

        def batches(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for part in parts:
                yield function(part.rename_columns(names))

        with _quiet(), _plain_errors(f"a function over {table.name}"):
            # Numbers as names on the way: pyspark looks a column up by its name and stumbles over some.
            frame = self._session.table(self._views[table.name]).toDF(*map(str, range(len(names))))
            return self._keep(name, frame.mapInArrow(batches, from_arrow_schema(schema)))

    def write(self, table: Table, path: Path, order_by: tuple[str, ...]) -> None:
        """Write ``table`` to one Parquet file on this machine, sorted by ``order_by``."""
        import pyarrow.parquet as pq

        with _quiet(), _plain_errors(f"writing {table.name}"):
            order = ", ".join(f"{quoted(column)} NULLS LAST" for column in order_by)
            rows = self._session.sql(self._emit(f"SELECT * FROM {quoted(table.name)} ORDER BY {order}"))
            pq.write_table(rows.toArrow(), path, compression="zstd")

    def close(self) -> None:
        """Let the views go, put a session of yours back as it was, stop a Spark that was started here."""
        with _quiet():
            self._let_go()
            for key, value in self._former.items():
                self._session.conf.set(key, value)
            if self._client is not None:  # left open, it would wait at the end of the process for a server that is gone
                self._client.release_session()
                self._client.close()
            if self._started is not None:
                self._started.stop()
        self._started, self._client, self._former = None, None, {}
        shutil.rmtree(self._work, ignore_errors=True)

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _emit(self, sql: str) -> str:
        return spark_sql(sql, self._tables, self._views)

    def _keep(self, name: str, frame: Any, *, persist: bool = True) -> Table:
        """Register a frame in a view of its own: Connect looks up a view anew for all that rests on it."""
        if persist:
            frame = self._leaf(frame)
        view = f"{self._prefix}_{len(self._kept)}"
        frame.createTempView(view)
        self._kept.append((view, frame))
        self._views[name] = view
        self._tables[name] = {field.name: duckdb_type(field.dataType.simpleString()) for field in frame.schema.fields}
        return Table(name, tuple(self._tables[name]))

    def _leaf(self, frame: Any) -> Any:
        """The rows of a frame, kept, as a source: Spark does not plan everything before it anew for each statement.

        They can still be computed again from the sources when an executor is lost, which a checkpoint on the executors
        cannot. Connect has no other way than that: there every row is kept on two executors.
        """
        java = getattr(frame, "_jdf", None)
        if java is None:
            from pyspark.storagelevel import StorageLevel

            found = frame.localCheckpoint(eager=False, storageLevel=StorageLevel.MEMORY_AND_DISK_2)
            found._plan._spark_session = self._session  # pyspark 4.3 takes the active session for that of the frame
            return type(frame)(found._plan, self._session)
        from pyspark.sql.classic.dataframe import DataFrame

        rows = java.queryExecution().toRdd()
        leaf = self._session._jsparkSession.internalCreateDataFrame(rows, java.schema(), False)
        return DataFrame(leaf, self._session).persist()

    def _let_go(self) -> None:
        """Free what is kept and drop the views, the last first."""
        for view, frame in reversed(self._kept):
            frame.unpersist()
            self._session.catalog.dropTempView(view)
        self._kept.clear()

    def _set(self, settings: Mapping[str, str], *, needed: bool) -> None:
        """Settings of the session, with what they were before; a needed one that cannot be set is a ConfigError."""
        for key, value in settings.items():
            former = None
            try:
                former = self._session.conf.get(key)
                if former != value:
                    self._session.conf.set(key, value)
                    self._former[key] = former
            except Exception as error:
                if needed:
                    raise ConfigError(
                        f"engine spark: the session does not let {key} be set to {value}, and results would depend on "
                        f"it (it is {former}). Set it where the cluster is configured."
                    ) from error

    def _is_here(self) -> bool:
        """Whether the executors see the disk of this machine."""
        return str(self._session.conf.get("spark.master", "")).startswith("local")


def _running() -> Any:
    """The active session of this process, if there is one."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ConfigError("engine spark: pyspark is not installed. Run: pip install 'personas[spark]'") from error
    return SparkSession.getActiveSession()


def _connected() -> Any:
    """A session as ``SPARK_REMOTE`` or ``spark-submit`` set it up, if one of them did."""
    from pyspark.sql import SparkSession

    if "SPARK_REMOTE" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ:
        return SparkSession.builder.getOrCreate()
    return None


def _start(master: str | None, memory_limit: str | None, threads: int | None, work: Path) -> Any:
    """Spark on this machine, or of the given master: quiet, without a web page, its spills in the private folder."""
    from pyspark.sql import SparkSession

    where = master or f"local[{threads or os.cpu_count() or 1}]"
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    package = str(Path(__file__).resolve().parents[2])
    settings = {
        "spark.master": where,
        "spark.app.name": "personas",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")])),
    }
    if where.startswith("local"):
        # Nobody else's machine takes part, so nothing listens to the network.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(work / "spill"),
            # One machine gains nothing from plans that change while they run, and loses by many small tasks.
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.shuffle.partitions": str(2 * (threads or os.cpu_count() or 1)),
        }
    if memory_limit:
        settings["spark.driver.memory"] = memory_limit.replace(" ", "").lower().removesuffix("b").removesuffix("i")
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:
        raise ConfigError(
            f"engine spark: Spark does not start ({str(error).splitlines()[0]}). It needs Java 17 or newer: on Debian, "
            "apt-get install openjdk-17-jre-headless."
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def _beside(given: Any) -> tuple[Any, bool]:
    """A new session on the same application, with views and settings of its own; ``given`` where there is no such."""
    try:
        return given.newSession(), True
    except Exception:  # Connect before 4.3
        return given, False


def _known_types(table: pa.Table) -> pa.Table:
    """The table with types that Spark knows: no dictionaries, no unsigned numbers, days instead of date64."""
    fields = [pa.field(field.name, _known_type(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields)) if fields else table


def _known_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _known_type(kind.value_type)
    if pa.types.is_unsigned_integer(kind):
        return pa.decimal128(20, 0) if kind == pa.uint64() else pa.int64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    swapped = {pa.large_string(): pa.string(), pa.string_view(): pa.string(), pa.date64(): pa.date32()}
    return swapped.get(kind, pa.float32() if kind == pa.float16() else kind)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without pyspark's warning about pandas 3, of which nothing is used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        yield


@contextmanager
def _plain_errors(what: str) -> Iterator[None]:
    """Turn Spark's errors into ours."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        text = str(error)
        if "OutOfMemory" in text or "maxResultSize" in text:
            raise LimitError(
                f"the tables need more memory than Spark has ({text[:300]}). Raise engine.memory_limit, "
                "spark.executor.memory or spark.driver.maxResultSize, or leave features out."
            ) from error
        raise PersonasError(f"the engine refused work of ours: {text[:2000]}\n{what[:2000]}") from error
