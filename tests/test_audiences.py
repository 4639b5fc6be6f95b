"""Audiences: who is in them by hand, the same in the count, the export and the study."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from personas.audiences import count_audiences, export_audience
from personas.config import Config, load_config
from personas.errors import ConfigError, InputError, PersonasError

from .commands import document, personas
from .small_shop import order_rows, write_shop

PEOPLE = [("ann", "North", "1980", "2024-01-01"), ("bob", "south", "1990", "2024-06-01"), ("cyd", "", "", "2025-01-01")]
ORDERS = [
    ("1", "ann", "2025-01-05", "10.00", "online"), ("2", "ann", "2025-02-05", "20.00", "store"),
    ("3", "bob", "2025-03-05", "100.00", "store"), ("4", "cyd", "2025-04-05", "5.00", "online"),
]  # fmt: skip
LINES = [
    ("1", "Lamp", "1", "10.00"),
    ("2", "Cup", "2", "20.00"),
    ("3", "Lamp", "4", "100.00"),
    ("4", "Cup", "1", "5.00"),
]


def shop(folder: Path, where: list[dict[str, Any]], **study: Any) -> Config:
    tables = {
        "customers": (("customer_id", "region", "birth_year", "created_on"), PEOPLE),
        "orders": (("order_id", "customer_id", "ordered_on", "total_amount", "channel"), ORDERS),
        "order_lines": (("order_id", "category", "quantity", "line_amount"), LINES),
    }
    for name, (header, body) in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *body])
    return Config.model_validate(
        {
            "study": {"name": "Shop", "currency": "EUR", **study},
            "sources": {name: {"file": f"{name}.csv"} for name in tables},
            "audiences": {"wanted": {"where": where}},
            "folder": folder,
        }
    )


def members(folder: Path, where: list[dict[str, Any]]) -> list[str]:
    config = shop(folder, where)
    count = export_audience(config, "wanted", folder / "out.csv")
    with (folder / "out.csv").open(newline="") as file:
        found = [row["customer_id"] for row in csv.DictReader(file)]
    assert count == {"wanted": len(found)}
    assert count_audiences(config) == {"everybody": 3, "wanted": len(found)}
    return found


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ([{"column": "region", "is": "NORTH"}], ["ann"]),
        ([{"column": "region", "is": ["north", "south"]}], ["ann", "bob"]),
        # An unknown region is neither north nor anything else.
        ([{"column": "region", "is_not": "north"}], ["bob"]),
        ([{"column": "region", "known": False}], ["cyd"]),
        ([{"column": "birth_year", "from": 1985}], ["bob"]),
        ([{"column": "created_on", "from": "2024-06-01", "to": "2024-12-31"}], ["bob"]),
        ([{"column": "created_on", "below": "2024-06-01"}], ["ann"]),
        ([{"table": "order_lines", "column": "category", "is": "lamp"}], ["ann", "bob"]),
        ([{"table": "orders", "column": "channel", "known": True, "times": 2}], ["ann"]),
        ([{"table": "orders", "column": "net_amount", "from": 20}], ["ann", "bob"]),
        ([{"column": "region", "is": "north"}, {"column": "birth_year", "from": 1985}], []),
        ([{"any": [{"column": "region", "is": "north"}, {"column": "birth_year", "from": 1985}]}], ["ann", "bob"]),
        # Not in the north: cyd's region is not known to be north.
        ([{"no": [{"column": "region", "is": "north"}]}], ["bob", "cyd"]),
        ([{"column": "average_order", "from": 50}], ["bob"]),
    ],
)
def test_who_is_in_an_audience(tmp_path: Path, where: list[dict[str, Any]], wanted: list[str]) -> None:
    if isinstance(where[0].get("from"), str) or isinstance(where[0].get("below"), str):
        from datetime import date

        where = [{k: date.fromisoformat(v) if k in ("from", "to", "below") else v for k, v in where[0].items()}]
    assert members(tmp_path, where) == wanted


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"column": "regoin", "is": "x"}, "Did you mean 'region'"),
        ({"column": "birth_year", "is": "x"}, "is not a number"),
        ({"column": "created_on", "from": 3}, "is not a day"),
        ({"column": "region", "from": "a"}, "has no order"),
        ({"table": "tickets", "column": "topic", "is": "x"}, "no table of tickets"),
        ({"column": 'region" OR 1=1 --', "is": "x"}, "no column"),
        # What the rules keep beside the orders is no column of theirs.
        ({"table": "orders", "column": "status", "is": "used"}, "orders have no column 'status'"),
    ],
)
def test_conditions_that_do_not_fit_are_told(tmp_path: Path, condition: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        count_audiences(shop(tmp_path, [condition]))


def test_values_are_texts_and_never_sql(tmp_path: Path) -> None:
    assert members(tmp_path, [{"column": "region", "is": "x') OR ('1'='1"}]) == []


def test_an_unknown_audience_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no audience 'all'"):
        shop(tmp_path, [{"column": "region", "is": "north"}], population="all")
    with pytest.raises(PersonasError, match="Known: wanted"):
        count_audiences(shop(tmp_path, [{"column": "region", "is": "north"}]), "all")


def test_audiences_of_one_label_are_counted_each_and_an_export_needs_a_name(tmp_path: Path) -> None:
    audience = "{label: Shoppers, where: [{table: orders, column: channel, is: %s}]}"
    more = f"audiences:\n  stores: {audience % 'store'}\n  web: {audience % 'online'}\n"
    config = write_shop(tmp_path)
    config.write_text(config.read_text() + more)
    # One of three customers buys online only, the others in the store.
    assert document(personas("audience", config, "--json")) == {"everybody": 100, "stores": 66, "web": 34}
    assert personas("audience", config).stdout.splitlines()[1:] == ["          66  Shoppers", "          34  Shoppers"]
    nameless = personas("audience", config, "--out", tmp_path / "out.csv")
    assert (nameless.exit_code, nameless.stdout) == (2, "")
    assert "name the audience to export: personas audience" in nameless.stderr
    with pytest.raises(ConfigError, match=r"audiences\.everybody: everybody is counted anyway"):
        config.write_text(config.read_text().replace("  web:", "  everybody:"))
        load_config(config)


def test_a_study_of_an_audience_has_its_customers_only(tmp_path: Path) -> None:
    from personas.pipeline import run

    more = "audiences:\n  stores:\n    where: [{table: orders, column: channel, is: store}]\n"
    path = write_shop(tmp_path, order_rows(240))
    text = path.read_text().replace("study:\n", "study:\n  population: stores\n")
    path.write_text(text + more)
    study = run(load_config(path))
    # Two of three customers buy in the store.
    assert study.about.customers == 160
    assert any(notice.code == "population" and notice.count == 160 for notice in study.notices)


def test_an_audience_of_nobody_stops_the_study(tmp_path: Path) -> None:
    from personas.pipeline import run

    with pytest.raises(InputError, match="nobody who bought"):
        run(shop(tmp_path, [{"column": "region", "is": "west"}], population="wanted"))
