"""Spark Connect, with a server on this machine: what the engine needs of a session that is only a connection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.conftest import lacking

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = """
import sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from personas.engines.spark import SparkEngine

folder = Path(sys.argv[1])
session = SparkSession.builder.remote("local[2]").config("spark.sql.session.timeZone", "America/New_York").getOrCreate()
assert "connect" in type(session).__module__
theirs = pa.table({"x": [1]})
session.createDataFrame(theirs).createOrReplaceTempView("orders")
orders = pa.table({"customer_id": ["a", "a", "b", None], "amount": [10.0, 20.0, 5.0, 7.0]})
pq.write_table(orders, folder / "orders.parquet")

def halved(batch):
    column = pa.array([None if x is None else x / 2 for x in batch.column("amount").to_pylist()])
    return batch.set_column(1, "amount", column)

with SparkEngine(session) as engine:
    raw = engine.read("orders", folder / "orders.parquet")
    given = engine.read("given", [session.createDataFrame(theirs)])
    assert engine.fetch("SELECT x FROM given", 1).to_pylist() == [{"x": 1}]
    # A table of the name that it is made of, twice; what rests on the first keeps meaning the first.
    known = engine.make("orders", "SELECT customer_id, amount FROM orders WHERE customer_id IS NOT NULL")
    engine.make("spent", "SELECT customer_id, sum(amount) AS amount FROM orders GROUP BY customer_id")
    engine.make("orders", "SELECT customer_id FROM orders")
    half = engine.map("half", known.__class__("spent", ("customer_id", "amount")), halved,
                      pa.schema([("customer_id", pa.string()), ("amount", pa.float64())]))
    engine.write(half, folder / "half.parquet", ("customer_id",))
    assert engine.fetch("SELECT count(customer_id) AS n FROM orders", 1).to_pylist() == [{"n": 3}]
    # A LIMIT shows only a part of a table; the rest is still there for the next statement.
    assert engine.fetch("SELECT amount FROM spent ORDER BY amount LIMIT 1", 1).to_pylist() == [{"amount": 5.0}]
    assert engine.fetch("SELECT sum(amount) AS n FROM spent", 1).to_pylist() == [{"n": 35.0}]
assert pq.read_table(folder / "half.parquet").to_pylist() == [
    {"customer_id": "a", "amount": 15.0}, {"customer_id": "b", "amount": 2.5}]
assert session.sql("SELECT x FROM orders").toArrow().to_pylist() == [{"x": 1}]
assert [row.tableName for row in session.sql("SHOW TABLES").collect()] == ["orders"]
assert session.conf.get("spark.sql.session.timeZone") == "America/New_York"
print("all held")
session.stop()
"""


def test_the_verbs_work_over_spark_connect_and_leave_the_session_as_it_was(tmp_path: Path) -> None:
    needed = {name: find_spec(name) for name in ("pyspark", "grpc", "grpc_status", "zstandard")}
    away = [*(name for name, there in needed.items() if not there), *([] if shutil.which("java") else ["java"])]
    if away:
        lacking(f"Spark Connect needs {' and '.join(away)}: pip install 'personas[test]', openjdk-17-jre-headless")
    # In a process of its own: a process that has started a classic session cannot start a server as well.
    around = {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}
    confs = " ".join(
        f"--conf {key}={value}"
        for key, value in {
            "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.sql.codegen.wholeStage": "false",
            "spark.sql.warehouse.dir": tmp_path / "warehouse",
        }.items()
    )  # fmt: skip
    around["PYSPARK_SUBMIT_ARGS"] = f"{confs} pyspark-shell"
    (tmp_path / "work.py").write_text(WORK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", tmp_path / "work.py", tmp_path], env={**os.environ, **around}, cwd=tmp_path,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "all held" in done.stdout, done.stderr[-3000:]
