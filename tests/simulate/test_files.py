"""Files of the simulated shop: exact, repeatable, and with the blemishes that the truth counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from personas.errors import InputError
from personas.simulate import simulate_shop
from personas.simulate.basket import BRANDS
from personas.simulate.files import days, ids, money, numbered, write_csv
from personas.simulate.groups import CATEGORIES
from tests.simulate.shop_files import WINDOW_START, Shop, cents


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_shop(tmp_path / name, customers=200, seed=seed)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        "customers.csv", "order_lines.csv", "orders.csv", "products.csv", "reach.csv", "tickets.csv", "truth.csv",
        "truth.json",
    ]  # fmt: skip
    same = [name for name in names if (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()]
    assert same == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes(), name


def test_money_and_ids_and_days_are_written_exactly(tmp_path: Path) -> None:
    amounts = np.array([-5, 0, 123456789, -100])
    number = numbered("S", np.array([1, 20, 345, 99999]), 5)
    write_csv(tmp_path / "x.csv", {"n": ids(number), "m": money(amounts), "d": days(np.array([0, 28, 365, 729]))})
    # Day 0 is 2024-11-01, day 28 the 29th, day 365 a year later (no 29 February between), day 729 the last.
    assert (tmp_path / "x.csv").read_text().splitlines() == [
        "n,m,d",
        '"S00001",-0.05,2024-11-01',
        '"S00020",0.00,2024-11-29',
        '"S00345",1234567.89,2025-11-01',
        '"S99999",-1.00,2026-10-31',
    ]


def test_the_lines_of_every_order_add_up_to_its_amount_and_discount_to_the_cent(shop: Shop) -> None:
    orders = shop.read("orders").drop_duplicates().set_index("order_no")
    lines = shop.read("order_lines")
    for column in ("amount", "discount"):
        total = cents(lines[column]).groupby(lines["order_no"]).sum()
        assert (total.reindex(orders.index) == cents(orders[column])).all(), column


def test_the_blemishes_are_those_that_the_truth_counts(shop: Shop) -> None:
    customers, orders, tickets = shop.read("customers"), shop.read("orders"), shop.read("tickets")
    lines = shop.read("order_lines")
    known, once = set(customers["id"]), orders.drop_duplicates()
    refunds = once[once["type"] == "refund"]
    found = {
        "customers_twice": len(customers) - customers["id"].nunique(),
        "customers_without_birth_year": int((customers.drop_duplicates()["birth_year"] == "").sum()),
        "customers_without_gender": int((customers.drop_duplicates()["gender"] == "").sum()),
        "customers_with_hostile_name": int(customers.drop_duplicates()["display_name"].str.contains(r"[<=;{@/]").sum()),
        "orders_without_customer": int((once["customer"] == "").sum()),
        "orders_of_unknown_customers": int((~once["customer"].isin(known | {""})).sum()),
        "orders_twice": len(orders) - len(once),
        "orders_rows": len(orders),
        "refunds": len(refunds),
        "refunds_unlinked": int((refunds["refers_to"] == "").sum()),
        "order_lines_without_order": int((~lines["order_no"].isin(once["order_no"])).sum()),
        "tickets_without_customer": int((tickets["customer"] == "").sum()),
        "net_amount_of_known_customers": f"{shop.orders['cents'].sum() / 100:.2f}",
    }
    assert found == {name: count for name, count in shop.counts.items() if name != "order_lines_under_cost"}
    # Shares of the rows as planned: 0.5% nobody's, 1% strangers', 0.3% twice.
    rows = len(shop.orders)
    assert found["orders_without_customer"] == round(0.005 * rows)
    assert found["orders_of_unknown_customers"] == round(0.01 * rows)
    assert found["orders_twice"] == round(0.003 * rows)
    assert 0.08 < found["customers_without_gender"] / 4000 < 0.12
    # 6% of the sarahs and 23% of the others hide their followers: 0.15 x 0.06 + 0.85 x 0.23 = 0.2045.
    assert abs(shop.reach["followers"].isna().mean() - 0.2045) < 0.02
    assert 0.45 < (customers["home"] == "").mean() < 0.55


def test_every_linked_refund_follows_a_larger_sale_of_the_same_customer(shop: Shop) -> None:
    refunds = shop.orders[(shop.orders["type"] == "refund") & (shop.orders["refers_to"] != "")]
    sale = shop.orders.set_index("order_no").loc[refunds["refers_to"]]
    assert (sale["customer"].to_numpy() == refunds["customer"].to_numpy()).all()
    assert (sale["type"] == "sale").all()
    assert (sale["channel"].to_numpy() == refunds["channel"].to_numpy()).all()
    wait = (refunds["day"].to_numpy() - sale["day"].to_numpy()) / np.timedelta64(1, "D")
    assert wait.min() >= 4 and wait.max() <= 20
    back = -refunds["cents"].to_numpy()
    assert (back > 0).all() and (back <= sale["cents"].to_numpy()).all()
    full = (back == sale["cents"].to_numpy()).mean()
    assert 0.015 < full < 0.05  # one in thirty is planned


def test_orders_lie_in_the_24_months_and_some_customers_bought_in_the_first_year_only(shop: Shop) -> None:
    assert shop.orders["day"].min() == pd.Timestamp("2024-11-01")
    assert shop.orders["day"].max() == pd.Timestamp("2026-10-31")
    last = shop.orders.groupby("customer")["day"].max()
    gone = (last < WINDOW_START).sum()
    assert 40 <= gone <= 200  # 3% of 4,000 leave, less those who had come after they would have left
    first = pd.to_datetime(shop.read("customers").drop_duplicates().set_index("id")["first_seen"])
    assert (shop.orders.groupby("customer")["day"].min() >= first.reindex(last.index)).all()


def test_products_keep_the_planned_margin_and_some_lines_are_sold_under_cost(shop: Shop) -> None:
    products = shop.read("products").set_index("sku")
    assert products.index.is_unique and len(products) == len(CATEGORIES) * BRANDS * 22
    lines = shop.read("order_lines").join(products, on="sku")
    quantity, paid = lines["qty"].astype(int), cents(lines["amount"])
    price, cost = paid + cents(lines["discount"]), quantity * cents(lines["unit_cost"])
    sold = quantity > 0
    # Before discounts tableware keeps 45% and the rest 35%; the cost of a product is off by up to 3%: 2 points at most.
    for tableware, keeps in ((True, 0.45), (False, 0.35)):
        rows = sold & ((lines["category"] == "Tableware") == tableware)
        assert abs(1 - cost[rows].sum() / price[rows].sum() - keeps) < 0.02
    known = sold & lines["order_no"].isin(shop.orders["order_no"])
    assert int((paid < cost)[known].sum()) == shop.counts["order_lines_under_cost"] > 100


@pytest.mark.parametrize(("arguments", "says"), [({"customers": 49}, "at least 50"), ({"structure": "some"}, "'none'")])
def test_impossible_shops_are_refused(tmp_path: Path, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        simulate_shop(tmp_path / "shop", **arguments)
    assert not (tmp_path / "shop").exists()
