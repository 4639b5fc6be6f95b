"""DuckDB behind the seven verbs, and what it must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personas.engines import Engine, Table, open_engine
from personas.errors import ConfigError, LimitError, PersonasError

ORDERS = pa.table(
    {
        "order_id": ["a1", "a2", "b1", "b2", "b3"],
        "customer_id": ["a", "a", "b", "b", None],
        "amount": [10.0, 20.0, 5.0, None, 7.0],
    }
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with open_engine("duckdb", memory_limit="512MB", threads=2) as engine:
        yield engine


def test_it_has_the_seven_verbs(engine: Engine) -> None:
    assert isinstance(engine, Engine)
    assert engine.name == "duckdb"


def test_another_engine_is_refused_with_what_is_known() -> None:
    with pytest.raises(ConfigError, match="no engine 'sprak' here. Known: duckdb, spark"):
        open_engine("sprak")


def test_an_arrow_table_is_read_and_its_columns_told(engine: Engine) -> None:
    orders = engine.read("orders", ORDERS)
    assert orders == Table("orders", ("order_id", "customer_id", "amount"))
    assert engine.columns(orders) == {"order_id": "VARCHAR", "customer_id": "VARCHAR", "amount": "DOUBLE"}
    assert orders.has("amount", "order_id") and not orders.has("amount", "channel")


def test_parquet_files_are_read_together(engine: Engine, tmp_path: Path) -> None:
    pq.write_table(ORDERS.slice(0, 2), tmp_path / "1.parquet")
    pq.write_table(ORDERS.slice(2), tmp_path / "2.parquet")
    engine.read("orders", [tmp_path / "1.parquet", tmp_path / "2.parquet"])
    assert engine.fetch("SELECT count(*) AS orders FROM orders", 1).to_pylist() == [{"orders": 5}]


def test_reading_under_a_name_again_replaces_the_table(engine: Engine) -> None:
    engine.read("orders", ORDERS)
    engine.read("orders", ORDERS.slice(0, 1))
    assert engine.fetch("SELECT count(*) AS orders FROM orders", 1).to_pylist() == [{"orders": 1}]


def test_make_keeps_a_select_and_fetch_brings_it_out(engine: Engine) -> None:
    engine.read("orders", ORDERS)
    made = engine.make("per_customer", "SELECT customer_id, sum(amount) AS revenue FROM orders GROUP BY customer_id")
    assert made.columns == ("customer_id", "revenue")
    rows = engine.fetch("SELECT customer_id, revenue FROM per_customer ORDER BY customer_id NULLS LAST", 10)
    # a: 10 + 20; b: 5, the unknown amount counts for nothing; without a customer: 7
    assert rows.to_pylist() == [
        {"customer_id": "a", "revenue": 30.0},
        {"customer_id": "b", "revenue": 5.0},
        {"customer_id": None, "revenue": 7.0},
    ]


def test_more_rows_than_the_limit_do_not_leave(engine: Engine) -> None:
    engine.read("orders", ORDERS)
    assert engine.fetch("SELECT order_id FROM orders", 5).num_rows == 5
    with pytest.raises(LimitError, match="5 rows where at most 4"):
        engine.fetch("SELECT order_id FROM orders", 4)


def test_map_runs_a_function_over_batches_and_sees_every_row_once(engine: Engine) -> None:
    many = engine.read("many", pa.table({"x": pa.array(range(150_000), pa.int64())}))
    seen: list[int] = []

    def double(batch: pa.RecordBatch) -> pa.RecordBatch:
        seen.append(batch.num_rows)
        return pa.RecordBatch.from_arrays([pa.array([2 * x for x in batch["x"].to_pylist()], pa.int64())], ["y"])

    engine.map("doubled", many, double, pa.schema([("y", pa.int64())]))
    # 0 + 2 + ... + 299,998 = 150,000 * 149,999
    total = engine.fetch("SELECT sum(y) AS total, count(*) AS n FROM doubled", 1).to_pylist()
    assert (int(total[0]["total"]), total[0]["n"]) == (150_000 * 149_999, 150_000)
    assert sum(seen) == 150_000 and len(seen) > 1


def test_map_over_no_rows_gives_an_empty_table_of_the_right_columns(engine: Engine) -> None:
    empty = engine.read("empty", ORDERS.slice(0, 0))
    made = engine.map("copy", empty, lambda batch: batch, ORDERS.schema)
    assert made.columns == ("order_id", "customer_id", "amount")
    assert engine.fetch("SELECT order_id FROM copy", 1).num_rows == 0


def test_written_files_are_sorted_and_do_not_depend_on_threads(tmp_path: Path) -> None:
    ids = [f"c{(7919 * i) % 100_003}" for i in range(30_000)]
    content = set()
    for threads in (1, 2):
        with open_engine("duckdb", threads=threads) as engine:
            table = engine.read("t", pa.table({"customer_id": ids, "x": list(range(30_000))}))
            engine.write(table, tmp_path / "t.parquet", ("customer_id",))
        content.add((tmp_path / "t.parquet").read_bytes())
    assert len(content) == 1
    assert pq.read_table(tmp_path / "t.parquet")["customer_id"].to_pylist() == sorted(ids)


def test_hostile_names_are_names(engine: Engine) -> None:
    name = 'a"; DROP TABLE orders; --'
    engine.read("orders", ORDERS)
    table = engine.read(name, pa.table({name: [1, 2]}))
    assert engine.columns(table) == {name: "BIGINT"}
    assert engine.fetch("SELECT count(*) AS n FROM orders", 1).to_pylist() == [{"n": 5}]


def test_its_folder_is_gone_after_close() -> None:
    from personas.engines.duckdb import DuckDBEngine

    engine = DuckDBEngine()
    folder = engine._work
    assert folder.is_dir()
    engine.close()
    assert not folder.exists()


def test_sql_that_the_engine_refuses_is_a_bug_of_ours_and_names_the_sql(engine: Engine) -> None:
    with pytest.raises(PersonasError, match="SELECT nowhere") as refusal:
        engine.make("x", "SELECT nowhere FROM nothing")
    assert refusal.value.exit_code == 6


HIDDEN = pa.table({"secret": [1]})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM HIDDEN",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM sniff_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM read_parquet('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{work}/../out.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "EXPORT DATABASE '{folder}/all'",
        "IMPORT DATABASE '{folder}'",
        "SET enable_external_access=true",
        "SET threads=1",
        "RESET lock_configuration",
        "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    ],
)
def test_the_connection_reads_and_writes_nothing_that_was_not_given(engine: Engine, tmp_path: Path, sql: str) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    connection: duckdb.DuckDBPyConnection = engine._connection  # type: ignore[attr-defined]
    text = sql.format(file=tmp_path / "secret.csv", folder=tmp_path, work=engine._work)  # type: ignore[attr-defined]
    with pytest.raises(duckdb.Error):
        connection.execute(text).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("python_enable_replacements", False),
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("allow_community_extensions", False),
        ("allow_persistent_secrets", False),
        ("enable_external_access", False),
        ("lock_configuration", True),
        ("TimeZone", "UTC"),
        ("preserve_insertion_order", True),
        ("threads", 2),
    ],
)
def test_the_lock_down_holds_in_every_part(engine: Engine, setting: str, value: object) -> None:
    connection: duckdb.DuckDBPyConnection = engine._connection  # type: ignore[attr-defined]
    assert connection.execute(f"SELECT current_setting('{setting}')").fetchall() == [(value,)]


def test_no_secret_is_known_to_the_connection(engine: Engine) -> None:
    connection: duckdb.DuckDBPyConnection = engine._connection  # type: ignore[attr-defined]
    assert connection.execute("SELECT * FROM duckdb_secrets()").fetchall() == []


def test_a_link_in_the_work_folder_does_not_lead_out(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (engine._work / "link").symlink_to(tmp_path)  # type: ignore[attr-defined]
    connection: duckdb.DuckDBPyConnection = engine._connection  # type: ignore[attr-defined]
    with pytest.raises(duckdb.Error):
        connection.execute(f"SELECT * FROM read_csv('{engine._work}/link/secret.csv')").fetchall()  # type: ignore[attr-defined]


def test_too_little_memory_is_a_limit_not_a_crash(tmp_path: Path) -> None:
    with open_engine("duckdb", memory_limit="20MB", threads=1) as engine:
        engine.read("t", pa.table({"x": pa.array(range(200_000), pa.int64())}))
        with pytest.raises(LimitError, match="memory"):
            engine.make("big", "SELECT a.x AS a, b.x AS b, md5(CAST(a.x * b.x AS VARCHAR)) AS c FROM t AS a, t AS b "
                               "WHERE a.x < 2000 ORDER BY c NULLS LAST LIMIT 40000000")  # fmt: skip
