"""Spark in two processes gives what DuckDB gives: every function, every feature, the whole study, and after a loss."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from personas import features, sources
from personas.config import Config, load_config
from personas.demo import demo_config
from personas.engines import Engine, Table, open_engine
from personas.engines.portable import ALLOWED, ALLOWED_NAMED
from personas.engines.spark import SparkEngine
from personas.errors import LimitError, PersonasError
from personas.pipeline import run, save
from personas.profiles.affinity import baskets_sql
from personas.profiles.goods import margin_notices
from personas.simulated import simulate_if_asked
from personas.sources.canonical import GivenColumn, Tables
from tests.conftest import lacking
from tests.profiles.fixture import config, labelled, order
from tests.profiles.test_margins import Line, ledger_of, shop_of

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # little data: no compiling, few tasks
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    # what the engine must set for itself, and leave alone here
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    "spark.sql.parser.escapedStringLiterals": "true",
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session as a reader may have it, with two executors in processes of their own."""
    away = [name for name, there in (("pyspark", find_spec("pyspark")), ("java", shutil.which("java"))) if not there]
    if away:
        lacking(f"Spark needs {' and '.join(away)}: pip install 'personas[spark]', openjdk-17-jre-headless")
    import pyspark
    from pyspark.sql import SparkSession

    # Two executors on one machine write their logs below SPARK_HOME: a folder of links keeps them out of the package.
    home = tmp_path_factory.mktemp("spark")
    for part in Path(pyspark.__file__).parent.iterdir():
        (home / part.name).symlink_to(part)
    patched = pytest.MonkeyPatch()
    patched.setenv("SPARK_HOME", str(home))
    patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    patched.setenv("PYSPARK_PYTHON", sys.executable)
    patched.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    builder = SparkSession.builder.master("local-cluster[2,1,1024]")
    builder = builder.config("spark.sql.warehouse.dir", str(home / "warehouse"))
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    patched.undo()


@pytest.fixture
def engine(spark: Any) -> Iterator[SparkEngine]:
    with SparkEngine(spark) as engine:
        yield engine


ORDERS = pa.table(
    {
        "order_id": ["a1", "a2", "b1", "b2", "b3"],
        "customer_id": ["a", "a", "b", "b", None],
        "amount": [10.0, 20.0, 5.0, None, 7.0],
    }
)


# --- the seven verbs -------------------------------------------------------------------------------------------------


def test_the_verbs_do_on_spark_what_they_do_on_duckdb(engine: SparkEngine, tmp_path: Path) -> None:
    assert isinstance(engine, Engine) and engine.name == "spark"
    pq.write_table(ORDERS.slice(0, 2), tmp_path / "1.parquet")
    pq.write_table(ORDERS.slice(2), tmp_path / "2.parquet")
    orders = engine.read("orders", [tmp_path / "1.parquet", tmp_path / "2.parquet"])
    assert orders == Table("orders", ("order_id", "customer_id", "amount"))
    assert engine.columns(orders) == {"order_id": "VARCHAR", "customer_id": "VARCHAR", "amount": "DOUBLE"}
    made = engine.make("spent", "SELECT customer_id, sum(amount) AS revenue FROM orders GROUP BY customer_id")
    assert made.columns == ("customer_id", "revenue")
    rows = engine.fetch("SELECT customer_id, revenue FROM spent ORDER BY customer_id NULLS LAST", 3).to_pylist()
    # a: 10 + 20; b: 5, the unknown amount counts for nothing; without a customer: 7
    assert [tuple(row.values()) for row in rows] == [("a", 30.0), ("b", 5.0), (None, 7.0)]
    with pytest.raises(LimitError, match="more than 2 rows where at most 2"):
        engine.fetch("SELECT customer_id FROM spent", 2)
    engine.write(made, tmp_path / "spent.parquet", ("customer_id",))
    assert pq.read_table(tmp_path / "spent.parquet")["customer_id"].to_pylist() == ["a", "b", None]
    engine.read("orders", ORDERS.slice(0, 1))
    assert engine.fetch("SELECT count(*) AS n FROM orders", 1).to_pylist() == [{"n": 1}]


def test_map_sees_every_row_once_and_hostile_names_are_names(engine: SparkEngine) -> None:
    name = "a`\"; DROP TABLE orders; --"
    many = engine.read(name, pa.table({name: pa.array(range(3_000), pa.int64())}))

    def double(batch: pa.RecordBatch) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays([pa.array([2 * x for x in batch[0].to_pylist()], pa.int64())], ["y"])

    engine.map("doubled", many, double, pa.schema([("y", pa.int64())]))
    # 0 + 2 + ... + 5,998 = 3,000 * 2,999
    found = engine.fetch("SELECT sum(y) AS total, count(*) AS n FROM doubled", 1).to_pylist()
    assert found == [{"total": 3_000 * 2_999, "n": 3_000}]


def test_a_given_session_is_left_as_it_was(spark: Any) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS theirs")
    spark.sql("USE theirs")
    spark.createDataFrame(pa.table({"x": [1]})).createOrReplaceTempView("orders")
    before = settings(spark)
    with SparkEngine(spark) as engine:
        engine.read("orders", ORDERS)
        engine.make("orders", "SELECT customer_id FROM orders")  # a table of the name that it is made of
        assert engine.fetch("SELECT count(customer_id) AS n FROM orders", 1).to_pylist() == [{"n": 4}]
    assert spark.sql("SELECT x FROM orders").toArrow().to_pylist() == [{"x": 1}]
    assert settings(spark) == before and before["spark.sql.session.timeZone"] == "America/New_York"
    assert [row.tableName for row in spark.sql("SHOW TABLES").collect()] == ["orders"]
    assert spark.catalog.currentDatabase() == "theirs"
    spark.sql("USE default")


def settings(session: Any) -> dict[str, str]:
    return {row.key: row.value for row in session.sql("SET").collect()}


def test_what_spark_refuses_is_a_bug_of_ours_and_names_the_sql(engine: SparkEngine) -> None:
    with pytest.raises(PersonasError, match="nowhere"):
        engine.make("x", "SELECT nowhere FROM nothing")
    engine.read("orders", ORDERS)
    with pytest.raises(PersonasError, match="DIVIDE_BY_ZERO"):  # not NULL and not infinity without a word
        engine.fetch("SELECT count(*) / (count(*) - 5) AS x FROM orders", 1)


# --- every allow-listed function -------------------------------------------------------------------------------------

VALUES = pa.table(
    {
        "i": pa.array([1, 2, 3, 4, 5, 6, None, 8, 9, -9_007_199_254_740_993, 11, 12], pa.int64()),
        # d: nothing known but the name
        "g": ["a", "a", "b", "b", "b", "c", None, "ı", "ı", "ı", "d", "d"],
        # halves that round to the even or away from 0, a tie that is none in binary, very large and very small
        "x": [0.12345, 2.675, -2.5, 1e-7, 123456.789, 3.5, None, 0.5, -0.125, -1.005, None, None],
        "y": [1.5, 0.25, 8.0, 3.0, 2.0, 0.5, None, 4.0, 1e-300, 700.0, None, None],
        "m": pa.array(
            [Decimal(t) for t in ("0.1000", "2.5000", "-3.5000", "7.0001", "0.0049", "99.9999")] + [None]
            + [Decimal(t) for t in ("99999.9999", "-0.0001", "-0.0500")] + [None, None], pa.decimal128(18, 4)
        ),
        "s": ["Abc-d", " x ", "", "O'Neill\\n", "Straßburg", "ÉCOLE-2", None, "日本-🛒-b", "e\u0301-b", "-", None, ""],
        # the last days of February of a leap year, of 1900 (none) and 2000 (one); weeks 53 and 1 around a new year
        "d": pa.array(
            [date(2026, 1, 1), date(2025, 1, 1), date(2022, 1, 8), date(1970, 1, 1), date(1969, 12, 27),
             date(2025, 12, 31), None, date(2024, 2, 29), date(1900, 2, 28), date(2000, 2, 29), None, date(2021, 1, 3)]
        ),
        "t": [True, False, True, None, True, False, None, False, None, True, None, None],
    }
)  # fmt: skip
CASES = {
    # aggregates, per g
    "Count": "count(x), count(DISTINCT i)", "Sum": "sum(m), sum(i)", "Avg": "avg(y), avg(m), avg(i)",
    "Min": "min(s), min(d), min(m)", "Max": "max(s), max(d), max(x)", "Stddev": "stddev(y)",
    "StddevSamp": "stddev_samp(y)", "Variance": "var_samp(y)", "Median": "median(x), median(i)",
    "PercentileCont": "percentile_cont(0.25) WITHIN GROUP (ORDER BY x)",
    "WithinGroup": "percentile_cont(0.9) WITHIN GROUP (ORDER BY y)",
    "CovarSamp": "covar_samp(x, y)", "ArgMax": "max_by(s, y)",
    "CountIf": "count_if(y > 1)", "LogicalOr": "bool_or(t)",
    "Filter": "sum(m) FILTER (WHERE t), count(*) FILTER (WHERE y > 1)",
    # scalars
    "Case": "CASE g WHEN 'a' THEN m WHEN 'b' THEN 1 END", "If": "CASE WHEN t THEN y ELSE m END",
    "Coalesce": "coalesce(x, m, 0)", "Nullif": "nullif(g, 'a'), nullif(i, 3)",
    "Greatest": "greatest(x, m, 1), greatest(i, 3)",
    "Least": "least(x, NULL, y), least(d, CAST('2020-01-01' AS DATE))", "Ln": "ln(y)", "Exp": "exp(y)",
    "Sqrt": "sqrt(y)", "Pow": "power(y, 3), power(y, CAST('0.5' AS DOUBLE))", "Sign": "sign(m), sign(x)",
    "Floor": "floor(x), floor(m)", "Ceil": "ceil(x), ceil(m)",
    "Round": "round(x), round(x, 2), round(m, 1), round(y, 1)", "Abs": "abs(x), abs(m)",
    "Cast": "CAST(x AS DECIMAL(18, 4)), CAST(x AS DECIMAL(38, 10)), CAST(x + m AS DECIMAL(18, 2)), CAST(y AS BIGINT),"
            " CAST(m AS BIGINT), CAST(x AS INTEGER), CAST(m AS VARCHAR), CAST(i AS VARCHAR), CAST(d AS VARCHAR),"
            " CAST(t AS VARCHAR), CAST('1.005' AS DECIMAL(18, 4)), CAST('0.1' AS DOUBLE), CAST(m AS DOUBLE)",
    "TryCast": "try_cast(s AS DOUBLE), try_cast('12' AS BIGINT), try_cast(x AS DECIMAL(18, 4)), try_cast(s AS DATE)",
    # days
    "Month": "month(d)", "Year": "year(d)", "WeekOfYear": "weekofyear(d)",
    "TimestampTrunc": "CAST(date_trunc('month', d) AS DATE)", "DateTrunc": "CAST(date_trunc('year', d) AS DATE)",
    "DateDiff": "date_diff('day', d, DATE '2026-11-01')", "DateStrToDate": "DATE '2026-02-28'",
    # texts
    "MD5": "md5(s)", "Substring": "substr(s, 1, 3), substr(s, 2, 100)", "Lower": "lower(s)", "Upper": "upper(g)",
    "Trim": "trim(s)", "Length": "length(s)", "BitLength": "bit_length(s)",
    "SplitPart": "split_part(s, '-', 2), split_part(s, '-', 1)",
    "StrPosition": "position('b' IN s)", "DPipe": "s || '|' || g, s || 'O''Neill\\n'",
    # windows
    "Lag": "lag(i) OVER (PARTITION BY g ORDER BY i NULLS LAST)",
    "RowNumber": "row_number() OVER (PARTITION BY g ORDER BY i NULLS LAST)",
    # logic, and what is no function: division, remainder, comparison
    "And": "t AND y > 1", "Or": "t OR y > 1, t IS NOT DISTINCT FROM NULL", "Xor": "XOR(t, y > 1)",
    "Exists": "EXISTS (SELECT u.i FROM u WHERE u.i = 3)", "log10": "log10(y)", "log2": "log2(y)",
    "operators": "m / 3, i / 4, m / m, i % 4, -5 % 3, m * m, m - x, i + m, m * 365 / 100, y BETWEEN 1 AND 2, m = y",
}  # fmt: skip
AGGREGATES = {name for name in [*CASES][: [*CASES].index("Case")]}
NO_SQL = {"Xor"}
"""In the list for the sake of sqlglot's names only: DuckDB has no such word."""


def test_every_allowed_function_has_its_case() -> None:
    assert set(CASES) - {"operators"} == set(ALLOWED) | ALLOWED_NAMED


def test_every_allowed_function_gives_the_same_on_both_engines(engine: SparkEngine) -> None:
    texts = {True: ["g AS own"], False: ["i AS own"]}
    for name, columns in CASES.items():
        if name not in NO_SQL:
            parts = top_level_parts(columns)
            texts[name in AGGREGATES] += [f"{part} AS {name.lower()}_{n}" for n, part in enumerate(parts)]
    with open_engine("duckdb", threads=1) as duck:
        for each in (duck, engine):
            each.read("t", VALUES)
            each.read("u", VALUES.select(["i"]))
        for aggregate, columns in texts.items():
            end = " GROUP BY g" if aggregate else ""
            sql = f"SELECT {', '.join(columns)} FROM t{end}"
            same(duck.fetch(sql, 100), engine.fetch(sql, 100), "own")
        sql = "SELECT g, i FROM t QUALIFY row_number() OVER (PARTITION BY g ORDER BY i DESC NULLS LAST) = 1"
        same(duck.fetch(sql, 100), engine.fetch(sql, 100), "g")
        sql = "SELECT i FROM t ORDER BY g DESC, i"  # NULLs last without a word, as in DuckDB
        places = [each.fetch(sql, 100)["i"].to_pylist() for each in (duck, engine)]
        assert places[0] == places[1] == [-9_007_199_254_740_993, 8, 9, 11, 12, 6, 3, 4, 5, 1, 2, None]


def top_level_parts(columns: str) -> list[str]:
    """The text cut at commas outside of parentheses and quotes."""
    parts, depth, inside, start = [], 0, False, 0
    for place, letter in enumerate(columns):
        inside ^= letter == "'"
        depth += 0 if inside else {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth and not inside:
            parts.append(columns[start:place].strip())
            start = place + 1
    return [*parts, columns[start:].strip()]


def same(left: pa.Table, right: pa.Table, key: str, tolerance: float = 1e-9) -> None:
    """Fail with every column in which two tables of the same rows differ: DOUBLE by tolerance, all else exactly."""
    assert left.column_names == right.column_names
    rows = [sorted(table.to_pylist(), key=lambda row: (row[key] is None, str(row[key]))) for table in (left, right)]
    assert len(rows[0]) == len(rows[1])
    differ = [
        f"{name}, {key}={one[key]}: duckdb {one[name]!r}, spark {other[name]!r}"
        for one, other in zip(*rows, strict=True)
        for name in one
        if not equal(one[name], other[name], tolerance)
    ]
    assert not differ, "\n".join(differ[:20])


def equal(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float | int):
        return one == other or abs(one - other) <= tolerance * max(1.0, abs(one))
    return bool(one == other)


# --- every feature ---------------------------------------------------------------------------------------------------

RECORDED = ("age_band", "marital_status", "household_size", "income_band", "education", "country", "area_type",
            "account_type", "industry", "acquired_channel", "gender", "home_owner", "region")  # fmt: skip
GIVEN = tuple(
    GivenColumn(f"own_{kind}", kind, "psychographics", "basis", kind, "")
    for kind in ("number", "amount", "count", "share", "score", "category", "flag")
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A small shop of Joe and Sarah in three groups, quick."""
    config = demo_config(tmp_path_factory.mktemp("shop") / "data", 240)
    config = config.model_copy(
        update={
            "segmentation": config.segmentation.model_copy(update={"protocol": "quick", "k": 3}),
            "report": config.report.model_copy(update={"map": "none"}),
        }
    )
    simulate_if_asked(config)
    return config


def widened(customers: pa.Table, other: bool) -> pa.Table:
    """The customers with every column that a feature may ask for; ``other``: those that take the place of some."""
    n = customers.num_rows
    more: dict[str, Any] = {name: [None if i % 7 == 0 else f"{name} {i % 3}" for i in range(n)] for name in RECORDED}
    more["employees"] = pa.array([None if i % 5 == 0 else i for i in range(n)], pa.int64())
    for given in GIVEN:
        more[given.name] = [None if i % 9 == 0 else i / 8 for i in range(n)]
    more["own_category"] = [None if i % 9 == 0 else f"level {i % 4}" for i in range(n)]
    more["own_flag"] = [None if i % 9 == 0 else i % 2 == 0 for i in range(n)]
    if other:
        more["age"] = pa.array([None if i % 11 == 0 else 20 + i % 60 for i in range(n)], pa.int64())
        more["service_level"] = pa.array([1 + i % 10 for i in range(n)], pa.int64())
    for name, column in more.items():
        if name in customers.column_names:
            customers = customers.drop_columns([name])
        customers = customers.append_column(name, pa.array(column) if isinstance(column, list) else column)
    return customers


@pytest.mark.parametrize("other", [False, True])
def test_every_feature_is_the_same_on_both_engines(shop: Config, engine: SparkEngine, other: bool) -> None:
    if other:
        prices = {"phone": 0.9, "email": 0.31, "chat": 0.17, "store": 0.5, "form": 0.2, "social": 0.1}
        shop = shop.model_copy(update={"economics": shop.economics.model_copy(update={"service_minute_cost": prices})})
    with open_engine("duckdb", threads=2) as duck:
        tables = sources.prepare(duck, shop)
        found = measured(duck, duck, tables, shop, other)
        same_on = measured(engine, duck, tables, shop, other)
    # 45 of the ten families and 7 columns of the shop's own, or more: with the id and the mark of the study
    assert found.num_columns >= 60 and found.num_rows == 240
    same(found, same_on, "customer_id")


def measured(engine: Engine, duck: Engine, tables: Tables, config: Config, other: bool) -> pa.Table:
    """The features of the canonical tables that DuckDB holds, measured on an engine."""
    there: dict[str, Any] = {}
    for name in ("customers", "orders", "order_lines", "tickets", "reach"):
        table = getattr(tables, name)
        rows = duck.fetch(f"SELECT * FROM {table.name} ORDER BY customer_id", 1_000_000)
        there[name] = engine.read(name, widened(rows, other) if name == "customers" else rows)
    customers = features.build(engine, replace(tables, given=GIVEN, **there), config)
    assert not customers.unmeasured  # every feature that a family proposes takes part
    return engine.fetch(f"SELECT * FROM {customers.table.name}", 1_000)


def test_margins_by_category_are_the_same_on_both_engines(engine: SparkEngine) -> None:
    rates = {"tea": 0.333333, "Books": -0.17, "others": 0.41}
    found = []
    with open_engine("duckdb", threads=2) as duck:
        for one in (duck, engine):
            lines: list[Line] = [
                (f"o{i}", "ab"[i % 2], ("TEA", "books", None, "hats")[i % 4], f"{7.77 * i + 0.03:.2f}",
                 None if i % 5 else "1.1")
                for i in range(60)
            ]  # fmt: skip
            orders = [order(number, who, f"{Decimal(amount) * 9 / 10:.2f}") for number, who, _, amount, _ in lines]
            tables = shop_of(one, [*orders, order("r", "a", "-12.34")], lines)
            ledger = ledger_of(one, tables, margin_rate=rates)
            labels = labelled(one, ["a", "b"], [0, 1])
            baskets = one.fetch(baskets_sql(tables, labels.name, 10, config(margin_rate=rates).economics), 1_000)
            said = margin_notices(one, tables, config(margin_rate=rates).economics)
            rows = one.fetch("SELECT customer_id, revenue, gross_margin FROM ledger ORDER BY customer_id", 10)
            in_order = sorted(baskets.to_pylist(), key=lambda row: row["order_id"])
            found.append((rows.to_pylist(), ledger.notices, said, in_order))
    assert found[0] == found[1]
    assert found[0][0][0]["gross_margin"] > 0


# --- the whole study, and a loss in the middle -----------------------------------------------------------------------


class Losing(SparkEngine):
    """Loses an executor between two statements, and another one in the middle of a task."""

    def __init__(self, session: Any, marks: Path) -> None:
        super().__init__(session)
        self.marks = marks

    def make(self, name: str, sql: str) -> Table:
        if name == "ledger":
            killed = min(executors(self._session))
            os.kill(killed, signal.SIGKILL)
            (self.marks / "between").write_text(str(killed))
        return super().make(name, sql)

    def map(
        self, name: str, table: Table, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
    ) -> Table:
        mark = self.marks / "within"

        def deadly(batch: pa.RecordBatch) -> pa.RecordBatch:
            if not mark.exists():
                mark.write_text(str(jvm()))
                os.kill(jvm(), signal.SIGKILL)
            return function(batch)

        def jvm() -> int:
            """The executor: the parent of the process that starts Python's workers."""
            status = Path(f"/proc/{os.getppid()}/status").read_text(encoding="ascii")
            return int(status.split("PPid:")[1].split()[0])

        return super().map(name, table, deadly, schema)


def executors(session: Any) -> set[int]:
    """Process ids of the executors that are alive."""

    def own(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            status = Path(f"/proc/{os.getppid()}/status").read_text(encoding="ascii")
            yield pa.RecordBatch.from_arrays([pa.array([int(status.split("PPid:")[1].split()[0])])], ["pid"])

    return set(session.range(0, 8, 1, 8).mapInArrow(own, "pid long").toArrow()["pid"].to_pylist())


def test_the_configuration_for_spark_is_the_demo_on_another_engine() -> None:
    ours, theirs = (
        load_config(ROOT / "configs" / f"{name}.yaml").model_dump() for name in ("joe_and_sarah", "joe_and_sarah_spark")
    )
    assert theirs["engine"]["name"] == "spark"
    assert theirs.pop("engine") != ours.pop("engine")
    assert theirs["simulate"].pop("folder") != ours["simulate"].pop("folder")
    assert theirs == ours


def test_the_study_equals_duckdbs_although_two_executors_are_killed(spark: Any, shop: Config, tmp_path: Path) -> None:
    save(run(shop), tmp_path / "duckdb")
    with Losing(spark, tmp_path) as engine:
        study = run(shop, engine=engine)
    save(study, tmp_path / "spark")
    # Two different ones are gone; the second may have been started in the place of the first.
    killed = {int((tmp_path / name).read_text()) for name in ("within", "between")}
    assert len(killed) == 2 and executors(spark).isdisjoint(killed)
    assert study.about.engine == "spark"
    written = ("personas.json", "segmentation.json", "features.json", "audit.json", "k_table.csv", "segments.parquet")
    for name in written:
        assert (tmp_path / "spark" / name).read_bytes() == (tmp_path / "duckdb" / name).read_bytes(), name


# --- tables that Spark has already -----------------------------------------------------------------------------------


def given_study(customers: Any, orders: Any) -> Config:
    return Config.model_validate(
        {
            "study": {"name": "Tables", "currency": "USD", "snapshot_date": "2026-03-31", "window_days": 365},
            "sources": {
                "customers": {"data": customers, "columns": {"region": "odd`name.x"}, "coverage": "all"},
                "orders": {"data": orders, "columns": {"ordered_on": "moment", "total_amount": "paid"}},
            },
        }
    )


@pytest.mark.parametrize("as_text", [False, True])
def test_a_table_of_spark_stays_there_and_gives_what_the_same_table_in_memory_gives(
    spark: Any, engine: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_text: bool
) -> None:
    # 300 orders of 20 customers, two hours after midnight in London: in New York it is still the day before.
    moments = pa.array([datetime(2026, 1, 1 + i % 28, 2, tzinfo=UTC) for i in range(300)], pa.timestamp("us", "UTC"))
    orders = pa.table(
        {
            "order_id": [f"o{i}" for i in range(300)],
            "customer_id": [f" c{i % 20}" for i in range(300)],
            "moment": pc.strftime(moments, "%Y-%m-%d") if as_text else moments,
            "paid": pa.array([Decimal(i) / 4 for i in range(300)], pa.decimal128(10, 2)),
        }
    )
    names, towns = [f"c{i}" for i in range(25)], [f"town {i % 3}" for i in range(25)]
    customers = pa.table({"customer_id": names, "odd`name.x": towns})
    frames = []
    for name, table in (("customers", customers), ("orders", orders)):
        pq.write_table(table, tmp_path / f"{name}.parquet")
        frames.append(spark.read.parquet((tmp_path / f"{name}.parquet").as_uri()))
    brought: list[int] = []
    whole = type(frames[0]).toArrow
    monkeypatch.setattr(type(frames[0]), "toArrow", lambda frame: counted(whole(frame), brought))
    tables = sources.prepare(engine, given_study(*frames))
    # Texts that must become days are read here; else counts and the 28 days that occur are all that leaves Spark.
    assert max(brought) == (300 if as_text else 28)
    shown = orders if as_text else orders.set_column(2, "moment", moments.cast(pa.timestamp("us", "America/New_York")))
    with open_engine("duckdb") as duck:
        known = sources.prepare(duck, given_study(customers, shown))
        queries = [
            f"SELECT * FROM {known.customers.name} ORDER BY customer_id",
            f"SELECT * FROM {known.orders.name} ORDER BY order_id",  # type: ignore[union-attr]
        ]
        rows = [duck.fetch(sql, 1_000).to_pylist() for sql in queries]
        assert rows == [engine.fetch(sql, 1_000).to_pylist() for sql in queries]
        assert len(rows[1]) == 300
        assert rows[1][0]["ordered_on"] == (date(2026, 1, 1) if as_text else date(2025, 12, 31))
        # On an engine that cannot keep it, a table of Spark is brought into memory.
        sources.prepare(duck, given_study(*frames))
        assert rows == [duck.fetch(sql, 1_000).to_pylist() for sql in queries]
    # The content counts, not the order of the rows.
    turned = [frame.orderBy(frame.customer_id.desc()) for frame in frames]
    assert sources.prepare(engine, given_study(*turned)).input_hashes == tables.input_hashes
    fewer = [frames[0], frames[1].limit(299)]
    assert sources.prepare(engine, given_study(*fewer)).input_hashes[1] != tables.input_hashes[1]


def counted(table: pa.Table, brought: list[int]) -> pa.Table:
    brought.append(table.num_rows)
    return table
