"""Leads: scored by the columns that they share with the customers, with "cannot tell" where these do not say enough."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from personas import load
from personas.config import load_config
from personas.prospects import score_leads
from tests.commands import document, personas
from tests.small_shop import CONFIG, order_rows, write_shop, write_table

REGIONS = ("north", "south", "east")
CUSTOMERS = CONFIG.replace("sources:", "sources:\n  customers:\n    file: customers.csv").replace("k: [2, 4]", "k: 3")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred and fifty customers and their study; nine of ten of a segment live where the segment lives."""
    folder = tmp_path_factory.mktemp("shop")
    header, everyone = ("customer_id", "region", "gender"), [f"C{number:03d}" for number in range(150)]
    write_table(folder / "customers.csv", header, [[who, "", ""] for who in everyone])
    config = write_shop(folder, order_rows(150), config=CUSTOMERS)
    result = personas("run", config, "--out", folder / "study", "--quiet")
    assert result.exit_code == 0, result.stderr
    of = {row["customer_id"]: row["segment"] for row in load(folder / "study").segments.to_pylist()}
    rows, seen = [], [0, 0, 0]
    for who in everyone:
        seen[of[who]] += 1
        region = "harbour" if seen[of[who]] % 10 == 0 else REGIONS[of[who]]
        rows.append([who, region, ("female", "male")[len(rows) % 2]])
    write_table(folder / "customers.csv", header, rows)
    return config


def test_leads_are_put_where_their_region_says_and_the_harbour_cannot_be_told(shop: Path, tmp_path: Path) -> None:
    leads = [["L1", "north", "male"], ["L2", "south", "male"], ["L3", "harbour", "female"], ["L4", "moon", "male"]]
    file = write_table(tmp_path / "leads.csv", ("customer_id", "region", "gender"), leads)
    found = document(personas("leads", shop, shop.parent / "study", file, "--out", tmp_path / "out.csv", "--json"))
    # nine of ten are found by their region, the others not at all: an answer for 90%, right each time
    assert found["fields"] == ["region"], "gender is protected and was not asked for"
    assert (found["leads"], found["answered"]) == (4, 2)
    assert abs(found["cross_validation"]["answered"] - 0.9) < 0.02
    assert found["cross_validation"]["accuracy"] > 0.97
    assert abs(found["cross_validation"]["largest_segment"] - 1 / 3) < 0.03
    rows = {row["customer_id"]: row for row in csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))}
    assert rows["L3"]["persona"] == rows["L4"]["persona"] == "cannot tell" and rows["L3"]["segment"] == ""
    assert rows["L1"]["persona"] != rows["L2"]["persona"] and float(rows["L1"]["probability"]) > 0.8


def test_a_protected_column_is_used_only_when_it_is_named(shop: Path, tmp_path: Path) -> None:
    file = write_table(tmp_path / "leads.csv", ("customer_id", "gender"), [["L1", "male"], ["L2", "female"]])
    refused = personas("leads", shop, shop.parent / "study", file, "--out", tmp_path / "out.csv")
    assert refused.exit_code == 3
    assert "Protected columns are used only when --fields names them: gender" in refused.stderr
    named = personas("leads", shop, shop.parent / "study", file, "--out", tmp_path / "out.csv", "--fields", "gender")
    assert named.exit_code == 0 and "0 of 2 leads are like one persona" in named.stdout
    unknown = personas("leads", shop, shop.parent / "study", file, "--fields", "gendre", "--out", tmp_path / "o.csv")
    assert unknown.exit_code == 2 and "gendre" in unknown.stderr


def test_the_file_of_leads_is_never_written_over(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_table(tmp_path / "leads.csv", ("customer_id", "region"), [["L1", "north"], ["L2", "south"]])
    before = file.read_bytes()
    assert document(personas("leads", shop, shop.parent / "study", file, "--json"))["file"] == "leads-personas.csv"
    refused = personas("leads", shop, shop.parent / "study", "leads.csv", "--out", tmp_path / "leads.csv")
    assert refused.exit_code == 2 and "is the file of leads itself" in refused.stderr
    assert file.read_bytes() == before and (tmp_path / "leads-personas.csv").is_file()


def test_leads_come_from_their_own_file_although_customers_come_from_memory(shop: Path, tmp_path: Path) -> None:
    config = load_config(shop)
    customers = pd.read_csv(config.folder / "customers.csv", dtype=str)
    memory = config.sources["customers"].model_copy(update={"file": None, "data": customers})
    config = config.model_copy(update={"sources": {**config.sources, "customers": memory}})
    file = write_table(tmp_path / "leads.csv", ("customer_id", "region"), [["L1", "north"], ["L2", "south"]])
    assert score_leads(config, load(shop.parent / "study"), file).ids == ("L1", "L2")


def test_leads_come_from_their_file_though_the_customers_live_in_a_database(shop: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(shop.parent / "crm.db")) as base, (shop.parent / "customers.csv").open() as file:
        base.execute("CREATE TABLE people (customer_id, region, gender)")
        base.executemany("INSERT INTO people VALUES (:customer_id, :region, :gender)", csv.DictReader(file))
        base.execute("CREATE TABLE other (x)")
        base.commit()
    text = shop.read_text(encoding="utf-8").replace("file: customers.csv", "file: crm.db\n    sheet: people")
    config = shop.with_name("base.yaml")
    config.write_text(text, encoding="utf-8")
    file_of_leads = write_table(tmp_path / "leads.csv", ("customer_id", "region"), [["L1", "north"], ["L2", "harbour"]])
    out = tmp_path / "out.csv"
    found = document(personas("leads", config, shop.parent / "study", file_of_leads, "--out", out, "--json"))
    assert (found["leads"], found["answered"]) == (2, 1)
    # a database server that cannot be reached is not asked for leads either, only for the customers
    gone = shop.with_name("gone.yaml")
    there = text.replace("file: crm.db\n    sheet: people", "postgres: NO_SUCH_DATABASE\n    sheet: crm.people")
    gone.write_text(there, encoding="utf-8")
    refused = personas("leads", gone, shop.parent / "study", file_of_leads.with_name("none.csv"), "--out", out)
    assert refused.exit_code == 3 and "there is no file none.csv" in refused.stderr
