"""PostgreSQL for real: a server of our own on a socket, started and stopped here, where its programs are installed."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from personas.config import Config, SourceConfig
from personas.engines import Engine
from personas.errors import ConfigError, InputError
from personas.sources.prepare import Progress, prepare
from personas.sources.readers import read_source

from ..conftest import lacking, needed
from ..small_shop import HEADER, order_rows, write_shop, write_table
from .conftest import Prepare, rows, steps, studies_of

psycopg = needed("psycopg")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The connection string of a server with a table of orders."""
    # Debian keeps them away from the path, a folder per version.
    programs = [*map(Path, filter(None, [shutil.which("initdb")])), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not programs or (os.geteuid() == 0 and shutil.which("runuser") is None):
        lacking("the programs of PostgreSQL are not here; install Debian's package postgresql")
    bin_folder = programs[-1].resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    as_owner: list[str] = []
    if os.geteuid() == 0:  # a server refuses to run as root
        shutil.chown(folder, "postgres")
        as_owner = ["runuser", "-u", "postgres", "--"]

    def call(*command: str) -> None:
        done = subprocess.run([*as_owner, *command], capture_output=True, text=True, cwd=folder, timeout=120)
        assert done.returncode == 0, done.stderr

    try:
        call(f"{bin_folder}/initdb", "-D", f"{folder}/data", "-U", "reader", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        call(f"{bin_folder}/pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"host={folder} user=reader dbname=postgres"
        finally:
            call(f"{bin_folder}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def orders(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table ``shop.orders`` with days, amounts and times as types of the database; the name of the variable."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS shop CASCADE")
        connection.execute("CREATE SCHEMA shop")
        connection.execute(
            "CREATE TABLE shop.orders (order_id text, customer_id text, ordered_on date, total_amount numeric, "
            'channel text, "odd ""name""" timestamptz)'
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO shop.orders VALUES (%s, %s, %s::date, %s::numeric, %s, '2025-01-01 00:30:00+02')",
                order_rows(20),
            )
    monkeypatch.setenv("SHOP_DATABASE", server)
    return "SHOP_DATABASE"


def test_a_table_gives_the_same_orders_as_the_file(orders: str, shop: Prepare, engine: Engine, tmp_path: Path) -> None:
    with (tmp_path / "same.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *order_rows(20)])
    of_file = shop(orders="x", orders_with={"file": "same.csv"})
    wanted = engine.fetch("SELECT * FROM orders ORDER BY order_id", 10_000).to_pylist()
    given = {"postgres": orders, "sheet": "shop.orders", "file": None}
    of_table = shop(orders="x", orders_with=given)
    assert engine.fetch("SELECT * FROM orders ORDER BY order_id", 10_000).to_pylist() == wanted
    assert steps(of_table, "orders") == steps(of_file, "orders")
    assert of_table.snapshot_date == of_file.snapshot_date and len(rows(engine, "customers")) == 20


def test_times_with_a_zone_come_in_utc_and_numbers_as_written(orders: str, tmp_path: Path) -> None:
    raw = read_source("orders", SourceConfig(postgres=orders, sheet="shop.orders"), tmp_path)
    assert raw.data.column('odd "name"')[0].as_py() == "2024-12-31 22:30:00+00:00"
    assert raw.data.column("total_amount")[0].as_py() == "20.00"


def test_what_is_not_there_is_told_without_the_connection(
    orders: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"no table shop\.order"):
        read_source("orders", SourceConfig(postgres=orders, sheet="shop.order"), tmp_path)
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE is not set"):
        read_source("orders", SourceConfig(postgres="NO_SUCH_VARIABLE", sheet="a.b"), tmp_path)
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://reader:s3cret@127.0.0.1:1/none")
    with pytest.raises(InputError) as found:
        read_source("orders", SourceConfig(postgres=orders, sheet="shop.orders"), tmp_path)
    assert "s3cret" not in str(found.value) and "127.0.0.1" not in str(found.value)
    with pytest.raises(ValueError, match="postgres"):
        SourceConfig(postgres="postgresql://reader:s3cret@host/shop", sheet="a.b")


def test_all_tables_of_a_database_are_of_one_moment(orders: str, server: str, engine: Engine) -> None:
    with psycopg.connect(server, autocommit=True) as other:
        other.execute("CREATE TABLE shop.people AS SELECT DISTINCT customer_id FROM shop.orders")
    place = {"postgres": orders, "sheet": "shop.orders"}
    sources = {"customers": {**place, "sheet": "shop.people"}, "orders": place}
    config = Config.model_validate({"study": {"name": "Shop", "currency": "EUR"}, "sources": sources})
    said: list[str] = []

    def sell(what: str, share: float) -> None:
        said.append(what)
        if what == "reading orders":  # the customers are read, the orders are not
            with psycopg.connect(server) as other:
                other.execute("INSERT INTO shop.people VALUES ('late')")
                other.execute("INSERT INTO shop.orders VALUES ('late', 'late', '2025-06-01', 5, 'online')")

    def found(progress: Progress | None) -> tuple[int, int]:
        prepare(engine, config, progress)
        count = "SELECT COUNT(*) AS n FROM "
        people, sold = (engine.fetch(count + name, 1).to_pylist()[0]["n"] for name in ("customers", "orders"))
        return int(people), int(sold)

    before = found(None)
    assert found(sell) == before and said.index("reading customers") < said.index("reading orders")
    assert found(None) == (before[0] + 1, before[1] + 1)


def test_a_table_that_fails_leaves_the_others_their_snapshot(orders: str, engine: Engine) -> None:
    place = {"postgres": orders, "sheet": "shop.orders"}
    missing = {"customers": {**place, "sheet": "shop.nobody"}, "tickets": {**place, "sheet": "no.such"}}
    sources = {"orders": place, **missing}
    config = Config.model_validate({"study": {"name": "Shop", "currency": "EUR"}, "sources": sources})
    with pytest.raises(InputError) as told:
        prepare(engine, config)
    # Both tables that are not there, and no word of the one that is.
    assert [line.split(" (")[0] for line in told.value.problems] == [
        "there is no table shop.nobody", "there is no table no.such"
    ]  # fmt: skip


def test_a_whole_study_of_a_database_is_that_of_the_files(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = order_rows(100)
    people = [[f"C{number:03d}", ("north", "south", "")[number % 3]] for number in range(100)]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS whole CASCADE")
        connection.execute("CREATE SCHEMA whole")
        connection.execute(
            "CREATE TABLE whole.orders (order_id text, customer_id text, ordered_on date, total_amount numeric(12, 2), "
            "channel text)"
        )
        connection.execute("CREATE TABLE whole.people (customer_id text, region text)")
        with connection.cursor() as cursor:
            # the other way round: a database promises no order of records
            cursor.executemany("INSERT INTO whole.orders VALUES (%s, %s, %s::date, %s::numeric, %s)", orders[::-1])
            cursor.executemany("INSERT INTO whole.people VALUES (%s, NULLIF(%s, ''))", people[::-1])
    monkeypatch.setenv("SHOP_DATABASE", server)
    write_shop(tmp_path, orders)
    write_table(tmp_path / "people.csv", ("customer_id", "region"), people)
    orders_there, people_there = (f"postgres: SHOP_DATABASE\n    sheet: whole.{name}" for name in ("orders", "people"))
    from_files, from_tables = studies_of(tmp_path, orders_there, people_there)
    assert from_files == from_tables
