"""One row per customer, whatever the tables lack and whatever columns are called."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tables_by_hand import config, random_rows, rows_of, sale, tables_of

from personas.config import FAMILIES as CONFIGURED_FAMILIES
from personas.engines import Engine, open_engine
from personas.errors import ConfigError, PersonasError
from personas.features import FAMILIES, build, sample
from personas.features.context import named
from personas.sources.canonical import GivenColumn, Tables

HOSTILE = ["select", 'a"b; drop table t;--', "order by 1", "ünï cödé", "O'Neill"]


def test_customers_without_a_sale_in_the_window_are_kept_but_not_in_the_study(
    engine: Engine, shop: Callable[..., Tables]
) -> None:
    customers = [{"customer_id": name} for name in ("ann", "bob", "cy")]
    orders = [sale("ann", "2025-03-03", 10), sale("bob", "2024-03-03", 10, in_window=False),
              sale("cy", "2025-03-03", -10, is_sale=False)]  # fmt: skip
    rows = rows_of(build(engine, shop(customers, orders=orders), config()))
    assert {name: row["in_study"] for name, row in rows.items()} == {"ann": True, "bob": False, "cy": False}
    assert rows["bob"]["orders_per_year"] == 0  # no orders is a fact
    assert rows["bob"]["average_order"] is None  # an average of nothing is not
    assert rows["cy"]["revenue_per_year"] == -10


def test_without_orders_everybody_is_in_the_study(engine: Engine, shop: Callable[..., Tables]) -> None:
    customers = build(engine, shop([{"customer_id": "ann", "birth_year": 1990}]), config())
    assert rows_of(customers)["ann"]["in_study"] is True
    assert [feature.name for feature in customers.features] == ["age"]


def test_what_cannot_be_measured_is_listed_with_its_reason(engine: Engine, shop: Callable[..., Tables]) -> None:
    customers = build(engine, shop([{"customer_id": "ann"}], orders=[sale("ann", "2025-03-03", 10)]), config())
    reasons = {feature.name: reason for feature, reason in customers.unmeasured}
    assert reasons["followers"] == "there is no table of reach"
    assert reasons["online_share"] == "the orders have no channel"
    assert reasons["effort_score"] == "there is no table of tickets"
    texts = [notice.text for notice in customers.left_out]
    lines = "categories bought from, gross margin rate, gross margin a year, spent on one brand"
    assert f"Not measured, because there is no table of order lines: {lines}." in texts
    assert "Not measured, because the orders have no channel, discount_amount, mark of refunds: " in " ".join(texts)
    assert sum(notice.count for notice in customers.left_out) == len(customers.unmeasured)
    measured = {feature.name for feature in customers.features}
    assert not measured & set(reasons)
    assert measured == set(customers.table.columns) - {"customer_id", "in_study"}


def test_left_out_features_and_the_formulas_over_them_are_not_measured(
    engine: Engine, shop: Callable[..., Tables]
) -> None:
    tables = shop([{"customer_id": "ann"}], tickets=[{"customer_id": "ann", "agent_minutes": 3}])
    customers = build(engine, tables, config(features={"leave_out": ["service_minutes_per_year"]}))
    reasons = {feature.name: reason for feature, reason in customers.unmeasured}
    assert reasons["service_minutes_per_year"] == reasons["effort_score"] == "left out by the configuration"
    assert "tickets_per_year" in customers.table.columns


def test_unknown_names_are_all_reported_at_once_with_the_nearest(engine: Engine, shop: Callable[..., Tables]) -> None:
    tables = shop([{"customer_id": "ann"}], orders=[sale("ann", "2025-03-03", 10)])
    wanted = {"basis": ["recency_day", "followers"], "leave_out": ["zzz"]}
    with pytest.raises(ConfigError) as caught:
        build(engine, tables, config(features=wanted))
    assert caught.value.problems[0] == "features.basis[0]: no feature 'recency_day'. Did you mean 'recency_days'?"
    assert caught.value.problems[1].startswith("features.basis[1]: 'followers' cannot be measured, because there is no")
    assert caught.value.problems[2].startswith("features.leave_out[0]: no feature 'zzz'. Known: ")


def test_a_given_column_may_not_take_the_name_of_a_feature(engine: Engine, shop: Callable[..., Tables]) -> None:
    for name in ("orders_per_year", "in_study"):
        given = [GivenColumn(name, "number", "psychographics", "basis", "mine", "")]
        with pytest.raises(ConfigError, match=f"two features '{name}'"):
            build(engine, shop([{"customer_id": "ann", name: 1.0}], given=given), config())


@pytest.mark.parametrize("name", HOSTILE)
def test_columns_categories_and_channels_may_be_called_anything(
    engine: Engine, shop: Callable[..., Tables], name: str
) -> None:
    given = [GivenColumn(name, "number", "psychographics", "basis", name, "")]
    lines = [{"customer_id": "ann", "category": name, "brand": name, "line_amount": 10}]
    tables = shop(
        [{"customer_id": "ann", name: 4.5}], given=given,
        orders=[sale("ann", "2025-03-03", 10, channel=name)], order_lines=lines,
    )  # fmt: skip
    row = rows_of(build(engine, tables, config()))["ann"]
    (slug, _), = named([name])
    assert (row[name], row[f"category_share_{slug}"], row[f"{slug}_share"]) == (4.5, 1.0, 1.0)


def test_slugs_keep_the_letters_of_every_script() -> None:
    assert named(["เสื้อผ้า", "Đồ gốm", "پارچه ها"]) == (
        ("เสื้อผ้า", "เสื้อผ้า"), ("đồ_gốm", "Đồ gốm"), ("پارچه_ها", "پارچه ها"),
    )  # fmt: skip


def test_a_repeated_customer_stops_the_run(engine: Engine, shop: Callable[..., Tables]) -> None:
    tables = shop([{"customer_id": "ann"}, {"customer_id": "ann"}], orders=[sale("ann", "2025-03-03", 10)])
    with pytest.raises(PersonasError, match="changed the number of customers"):
        build(engine, tables, config())


def test_nothing_depends_on_the_order_of_rows_or_the_number_of_threads() -> None:
    rows = random_rows(seed=3, customers=60)
    found = []
    for threads in (1, 2):
        with open_engine("duckdb", threads=threads) as opened:
            customers = build(opened, tables_of(opened, **rows), config())
            found.append((rows_of(customers), sample(customers, config())))
        for table in rows.values():
            random.Random(threads).shuffle(table)
    assert found[0][0] == found[1][0]
    assert found[0][1].X.tobytes() == found[1][1].X.tobytes()
    assert found[0][1].coding == found[1][1].coding


def test_every_family_of_the_configuration_is_there() -> None:
    assert set(FAMILIES.names()) == set(CONFIGURED_FAMILIES)


def test_progress_is_told_from_start_to_end(engine: Engine, shop: Callable[..., Tables]) -> None:
    told: list[tuple[str, float]] = []
    tables = shop([{"customer_id": "ann"}], orders=[sale("ann", "2025-03-03", 10)])
    build(engine, tables, config(), lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
