"""The eight planted groups have the planted figures."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from personas.simulate import GROUPS
from personas.simulate.basket import _every_so_often
from personas.simulate.groups import group_sizes
from personas.simulate.rhythm import before_occasion, planted_occasions
from tests.simulate.shop_files import FIRST_DAY, WINDOW_START, Shop, cents


def test_group_sizes_follow_the_shares_and_add_up_for_every_number() -> None:
    # 4,000 x (0.13, 0.15, 0.16, 0.14, 0.12, 0.11, 0.11, 0.08), in the order of the table.
    assert group_sizes(4000) == (520, 600, 640, 560, 480, 440, 440, 320)
    assert [sum(group_sizes(n)) for n in (50, 57, 1003, 99_999)] == [50, 57, 1003, 99_999]
    assert min(group.share for group in GROUPS) > 0.06


def test_the_planted_occasions_are_the_days_of_the_calendar() -> None:
    assert sorted(planted_occasions()) == [
        date(2024, 11, 29), date(2024, 12, 25), date(2025, 2, 14), date(2025, 5, 11),
        date(2025, 11, 28), date(2025, 12, 25), date(2026, 2, 14), date(2026, 5, 10),
    ]  # fmt: skip
    # Day 28 is Black Friday 2024-11-29; 15 is the 13th day before it, 14 the 14th.
    assert before_occasion(np.array([28, 27, 15, 14, 29])).tolist() == [True, True, True, False, False]


def test_every_so_often_spreads_a_share_evenly_over_the_orders_of_each_customer() -> None:
    customer = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    hits = _every_so_often(customer, np.array([0.5, 1.0]), np.random.default_rng(0))
    assert hits[customer == 1].all()
    assert sorted(hits[customer == 0].tolist()) == [False, False, True, True]
    assert hits[customer == 0][0] != hits[customer == 0][1]


def of(shop: Shop, group: str) -> pd.Index:
    """Customers of a group who bought in the window."""
    buyers = shop.sales["customer"].unique()
    return pd.Index(buyers[shop.truth.reindex(buyers).to_numpy() == group])


def share(shop: Shop, group: str, column: str, values: set[str]) -> float:
    """Mean over the customers of a group of the share of their sales with one of the values."""
    mine = shop.sales[shop.sales["customer"].isin(of(shop, group))]
    return float(mine[column].isin(values).groupby(mine["customer"]).mean().mean())


def age(shop: Shop, group: str) -> float:
    born = pd.to_numeric(shop.read("customers").drop_duplicates().set_index("id")["birth_year"])
    return float((2026 - born.reindex(of(shop, group))).median())


def test_joe_buys_for_occasions_in_the_store_at_three_hundred_dollars(shop: Shop) -> None:
    joes = of(shop, "joe")
    sales = shop.sales[shop.sales["customer"].isin(joes)]
    assert 36 <= age(shop, "joe") <= 38
    assert share(shop, "joe", "channel", {"store"}) >= 0.87
    assert abs(len(sales) / len(joes) - 3.8) < 0.3
    assert 295 <= sales["cents"].mean() / 100 <= 330
    offset = (sales["day"] - FIRST_DAY).dt.days.to_numpy()
    assert 0.82 <= before_occasion(offset).mean() <= 0.92
    assert shop.reach["followers"].reindex(joes).max() == 0
    asked = shop.tickets[shop.tickets["customer"].isin(joes)]
    assert 0.7 <= (asked["topic"] == "advice before a purchase").mean() <= 0.9


def test_sarah_buys_online_once_a_month_and_speaks_to_three_thousand(shop: Shop) -> None:
    sarahs = of(shop, "sarah")
    sales = shop.sales[shop.sales["customer"].isin(sarahs)]
    assert 18 <= age(shop, "sarah") <= 20
    assert share(shop, "sarah", "channel", {"web", "app"}) >= 0.97
    assert 11.5 <= len(sales) / len(sarahs) <= 12.5
    assert 25 <= sales["cents"].median() / 100 <= 30
    assert 2700 <= shop.reach["followers"].reindex(sarahs).median() <= 3300
    assert (shop.reach["brands_followed"].reindex(sarahs) > 100).mean() > 0.85
    assert shop.reach["mentions"].reindex(sarahs).mean() > 4
    assert len(shop.tickets[shop.tickets["customer"].isin(sarahs)]) / len(sarahs) < 0.2


def contribution(shop: Shop) -> pd.Series:
    """Per customer in the window: margin of the lines less 0.80 a service minute and 6 a returned order, in USD."""
    window = shop.orders[shop.orders["day"] >= WINDOW_START]
    lines = shop.read("order_lines").merge(shop.read("products"), on="sku")
    lines = lines.merge(window[["order_no", "customer"]], on="order_no")
    margin = cents(lines["amount"]) - lines["qty"].astype(int) * cents(lines["unit_cost"])
    margin = margin.groupby(lines["customer"]).sum()
    minutes = shop.tickets["minutes"].astype(int).groupby(shop.tickets["customer"]).sum()
    returns = window[window["type"] == "refund"].groupby("customer").size()
    service = 0.8 * minutes.reindex(margin.index).fillna(0) + 6 * returns.reindex(margin.index).fillna(0)
    return margin / 100 - service


def test_only_the_drain_loses_money_once_its_service_is_paid(shop: Shop) -> None:
    worth = contribution(shop)
    per_group = worth.groupby(shop.truth.reindex(worth.index)).mean()
    assert sorted(per_group.index[per_group < 0]) == ["drain"]
    assert per_group["drain"] < -15
    assert per_group["joe"] > 4 * per_group["sarah"] > 0
    drains = of(shop, "drain")
    sent_back = shop.orders[(shop.orders["type"] == "refund") & (shop.orders["refers_to"] != "")]["refers_to"]
    mine = shop.sales[shop.sales["customer"].isin(drains)]
    assert 0.39 <= mine["order_no"].isin(sent_back).mean() <= 0.46  # 44% less those not sent back yet
    tickets = shop.tickets[shop.tickets["customer"].isin(drains)]
    assert 8 <= len(tickets) / len(drains) <= 10.5
