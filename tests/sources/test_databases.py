"""DuckDB files as sources: the same study as of files, and nothing that stands in a hostile one is run."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from personas.config import SourceConfig
from personas.engines import Engine
from personas.errors import InputError, LimitError
from personas.sources.readers import read_here, read_source

from ..small_shop import order_rows, write_shop, write_table
from .conftest import Prepare, rows, steps, studies_of


def made(path: Path, *statements: str) -> Path:
    """A database file in which the statements were run."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def refused(folder: Path, file: str, *, apart: bool = False, **settings: str) -> str:
    source = SourceConfig.model_validate({"file": file, **settings})
    with pytest.raises((InputError, LimitError)) as found:
        (read_source if apart else read_here)("orders", source, folder)
    return str(found.value)


def test_a_whole_study_of_a_duckdb_file_is_that_of_the_files(tmp_path: Path) -> None:
    orders = order_rows(100)
    people = [[f"C{number:03d}", ("north", "south", "")[number % 3]] for number in range(100)]
    write_shop(tmp_path, orders)
    write_table(tmp_path / "people.csv", ("customer_id", "region"), people)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE orders (order_id VARCHAR, customer_id VARCHAR, ordered_on DATE, "
            "total_amount DECIMAL(12, 2), channel VARCHAR)"
        )
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", orders[::-1])
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.people (customer_id VARCHAR, region VARCHAR)")
        connection.executemany("INSERT INTO crm.people VALUES (?, NULLIF(?, ''))", people[::-1])
    orders_there, people_there = (f"file: shop.duckdb\n    sheet: {name}" for name in ("orders", "crm.people"))
    from_files, from_tables = studies_of(tmp_path, orders_there, people_there)
    assert from_files == from_tables


def test_types_of_the_database_pass_the_same_grammar(tmp_path: Path, shop: Prepare, engine: Engine) -> None:
    made(
        tmp_path / "shop.duckdb",
        "CREATE TABLE o (order_id BIGINT, customer_id DOUBLE, ordered_on TIMESTAMPTZ, total_amount DOUBLE, tags INT[])",
        "INSERT INTO o VALUES (1, 7, '2025-01-31 23:30:00+00', 0.1::DOUBLE + 0.2::DOUBLE, [1]),"
        " (2, 8, 'infinity', 5, NULL), (3, 8, '2025-02-03 10:00:00+00', -1.5, NULL)",
    )
    given = {"file": "shop.duckdb", "max_set_aside": 0.5}
    tables = shop(orders="x", orders_with=given, study={"time_zone": "Europe/Berlin"})
    shown = [(r["order_id"], r["customer_id"], str(r["ordered_on"]), str(r["net_amount"]))
             for r in rows(engine, "orders", "order_id")]  # fmt: skip
    # 23:30 in Greenwich is half an hour after midnight in Berlin; 0.30000000000000004 is 0.30; no day is infinite.
    assert shown == [("1", "7", "2025-02-01", "0.3000"), ("3", "8", "2025-02-03", "-1.5000")]
    assert steps(tables, "orders")["read"][0] == 3
    assert any("binary values are not read: tags" in notice.text for notice in tables.audit.notices)


def test_numbers_that_are_no_ids_or_no_amounts_are_refused(tmp_path: Path, shop: Prepare) -> None:
    made(
        tmp_path / "shop.duckdb",
        "CREATE TABLE o AS SELECT 1.5::DOUBLE AS order_id, 'a' AS customer_id, DATE '2025-01-01' AS ordered_on, "
        "5 AS total_amount",
    )
    with pytest.raises(InputError, match="1 of 1 values are no id"):
        shop(orders="x", orders_with={"file": "shop.duckdb"})


def test_the_table_is_named_when_there_are_several_and_views_do_not_count(tmp_path: Path) -> None:
    made(
        tmp_path / "a.duckdb", "CREATE TABLE o (x INT)", "CREATE SCHEMA s", "CREATE TABLE s.o (x INT)",
        "CREATE VIEW v AS SELECT 1 AS x",
    )  # fmt: skip
    assert refused(tmp_path, "a.duckdb") == "a.duckdb has 2 tables (o, s.o). Write sources.orders.sheet: o"
    assert refused(tmp_path, "a.duckdb", sheet="v").startswith("a.duckdb has no table 'v' (sources.orders.sheet). It")
    assert refused(tmp_path, "a.duckdb", sheet="s.o") == "a.duckdb: the table s.o has no rows"


def test_nothing_that_a_hostile_file_brings_along_reads_another_one(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\ncanary,1\n")
    made(tmp_path / "other.duckdb", "CREATE TABLE t AS SELECT 'canary' AS a")
    readers = (f"read_csv('{secret}')", f"read_text('{secret}')", f"'{secret}'", f"glob('{tmp_path}/*')")
    made(
        tmp_path / "shop.duckdb",
        *(f"CREATE VIEW view_{number} AS SELECT * FROM {reader}" for number, reader in enumerate(readers)),
        f"CREATE MACRO upper(x) AS (SELECT content FROM read_text('{secret}'))",
        f"CREATE MACRO stolen() AS (SELECT content FROM read_text('{secret}'))",
        "CREATE TABLE orders (id INT, name VARCHAR, copied VARCHAR AS (name || '!'))",
        "INSERT INTO orders (id, name) VALUES (1, 'ann')",
    )
    for number in range(len(readers)):
        assert "has no table" in refused(tmp_path, "shop.duckdb", sheet=f"view_{number}")
    raw = read_source("orders", SourceConfig(file="shop.duckdb"), tmp_path)
    assert raw.facts["sheet"] == "orders" and "canary" not in str(raw.data.to_pydict())
    # If one of them were run all the same, the connection could open this one file only.
    from personas.engines.duckdbfile import open_file

    hostile = [f"FROM source.view_{number}" for number in range(len(readers))]
    hostile += ["SELECT source.stolen()", f"ATTACH '{tmp_path}/other.duckdb' AS b", "INSTALL httpfs", "LOAD httpfs",
                "FROM read_csv('https://example.test/a.csv')", "SET enable_external_access=true",
                f"COPY source.orders TO '{tmp_path}/out.csv'", "INSERT INTO source.orders (id) VALUES (2)"]  # fmt: skip
    with open_file(tmp_path / "shop.duckdb", "1 GiB") as file:
        for statement in hostile:
            with pytest.raises(duckdb.Error, match="(?i)disabled|locked|read-only|not found|access"):
                file._connection.execute(statement).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.duckdb", "secret.csv", "shop.duckdb"]


CHECKSUM = 0xBF58476D1CE4E5B9
"""Factor of the checksum that DuckDB keeps of every block."""


def of_version(data: bytes, version: int) -> bytes:
    """The database file with another number of its format, and a checksum that fits."""
    head = bytearray(data[:4096])
    head[12:20] = version.to_bytes(8, "little")
    check = 5381
    for at in range(8, 4096, 8):
        check ^= int.from_bytes(head[at : at + 8], "little") * CHECKSUM % 2**64
    head[:8] = check.to_bytes(8, "little")
    return bytes(head) + data[4096:]


def test_a_file_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    whole = made(tmp_path / "a.duckdb", "CREATE TABLE o AS SELECT range AS x FROM range(100000)").read_bytes()
    (tmp_path / "later.duckdb").write_bytes(of_version(whole, 9999))
    assert "written by another version of DuckDB" in refused(tmp_path, "later.duckdb")
    (tmp_path / "torn.duckdb").write_bytes(whole[: len(whole) // 2])
    for at in (8192, 20_000, len(whole) // 2):  # in the head of the database, in a block of the catalog or of the table
        (tmp_path / f"at{at}.duckdb").write_bytes(whole[:at] + b"\xff" * 100 + whole[at + 100 :])
    for file in ("torn.duckdb", "at8192.duckdb", "at20000.duckdb", f"at{len(whole) // 2}.duckdb"):
        assert "is a damaged DuckDB database" in refused(tmp_path, file, apart=True)


def test_a_file_that_another_program_writes_is_refused(tmp_path: Path) -> None:
    code = (
        "import duckdb, os, sys\nc = duckdb.connect('a.duckdb')\nc.execute('CREATE TABLE o AS SELECT 1 AS x')\n"
        "c.execute('CHECKPOINT')\nprint(1, flush=True)\nsys.stdin.readline()\nc.execute('INSERT INTO o VALUES (2)')\n"
        "os._exit(0)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    assert "open in another program" in refused(tmp_path, "a.duckdb")
    child.communicate("\n")
    # It ended without a word: the second row stands in the log only, and a damaged log loses it silently.
    assert "a.duckdb.wal that are not in the file yet" in refused(tmp_path, "a.duckdb")
    made(tmp_path / "a.duckdb", "CHECKPOINT")
    assert read_source("orders", SourceConfig(file="a.duckdb"), tmp_path).data.to_pydict() == {"x": [1, 2]}


def test_a_sqlite_file_with_a_log_is_read_without_a_trace_or_refused(tmp_path: Path) -> None:
    code = (
        "import os, sqlite3, sys\nc = sqlite3.connect('a.db')\nc.execute('PRAGMA journal_mode=wal')\n"
        "c.execute('CREATE TABLE o (x INT)')\nc.execute('INSERT INTO o VALUES (1)')\nc.commit()\n"
        "c.execute('PRAGMA wal_checkpoint(TRUNCATE)')\nc.execute('INSERT INTO o VALUES (2)')\nc.commit()\nos._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert "a.db-wal that are not in the file yet" in refused(tmp_path, "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]
    raw = read_here("orders", SourceConfig(file="a.db"), tmp_path)
    assert isinstance(raw.data, pa.Table) and raw.data.to_pydict() == {"x": ["1", "2"]}
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_a_table_that_needs_more_memory_than_allowed_is_a_limit(tmp_path: Path) -> None:
    made(tmp_path / "a.duckdb", "CREATE TABLE o AS SELECT repeat('a', 1000) AS x FROM range(500000)")
    assert "more than 300 MB of memory" in refused(tmp_path, "a.duckdb", apart=True, max_memory="300 MB")
