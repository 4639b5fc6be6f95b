"""Every feature of every family against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from tables_by_hand import config, sale

from personas.sources.canonical import GivenColumn

Measure = Callable[..., dict[str, dict[str, Any]]]
ANN = [{"customer_id": "ann"}]
TOLERANCE = 1e-12


def test_frequency_counts_sales_and_money_counts_refunds_too(measure: Measure) -> None:
    orders = [
        sale("ann", "2025-03-03", "100.00"),
        sale("ann", "2025-09-01", "50.50"),
        sale("ann", "2025-10-01", "0", is_sale=False),  # fully refunded
        sale("ann", "2025-10-05", "-20.25", is_sale=False),  # a refund without its order
        sale("ann", "2024-05-05", "999", in_window=False),
    ]
    ann = measure(ANN, orders=orders)["ann"]
    assert ann["orders_per_year"] == 2
    assert ann["recency_days"] == 122  # 1 September to 1 January: 30 + 31 + 30 + 31 less 0 = 122
    assert ann["average_order"] == pytest.approx(75.25, abs=TOLERANCE)  # (100 + 50.50) / 2
    assert ann["revenue_per_year"] == pytest.approx(130.25, abs=TOLERANCE)  # 100 + 50.50 - 20.25


def test_a_shorter_window_is_scaled_to_a_year(measure: Measure) -> None:
    ann = measure(ANN, orders=[sale("ann", "2025-12-01", "10")], window_days=73)["ann"]
    assert ann["orders_per_year"] == pytest.approx(5, abs=TOLERANCE)  # 1 * 365 / 73
    assert ann["revenue_per_year"] == pytest.approx(50, abs=TOLERANCE)


def test_rhythm_is_taken_between_buying_days(measure: Measure) -> None:
    # Days 1, 11 and 41 of January's count, the second day twice: gaps 10 and 30, mean 20, sample sd sqrt(200) = 14.14
    # The order numbers run backwards, so that only the days can have sorted the orders.
    orders = [sale("ann", day, amount, order_id=f"o{9 - amount}") for day, amount in
              [("2025-01-01", 1), ("2025-01-11", 2), ("2025-01-11", 3), ("2025-02-10", 4)]]  # fmt: skip
    ann = measure(ANN, orders=[*orders, sale("ann", "2025-01-20", -1, is_sale=False)])["ann"]
    assert ann["gap_days"] == pytest.approx(20, abs=TOLERANCE)
    assert ann["gap_variation"] == pytest.approx(200**0.5 / 20, abs=TOLERANCE)


def test_rhythm_is_unknown_until_there_are_enough_buying_days(measure: Measure) -> None:
    ann = measure(ANN, orders=[sale("ann", "2025-01-01", 1), sale("ann", "2025-01-01", 2)])["ann"]
    assert ann["gap_days"] is None
    ann = measure(ANN, orders=[sale("ann", "2025-01-01", 1), sale("ann", "2025-01-09", 2)])["ann"]
    assert ann["gap_variation"] is None


def test_occasion_share_counts_the_days_that_end_with_an_occasion(measure: Measure) -> None:
    # Valentine's Day 14 February: with 14 days the span is 1 to 14 February.
    days = ["2025-01-31", "2025-02-01", "2025-02-14", "2025-02-15"]
    ann = measure(ANN, orders=[sale("ann", day, 10) for day in days])["ann"]
    assert ann["occasion_share"] == pytest.approx(0.5, abs=TOLERANCE)


def test_a_single_order_tells_nothing_of_a_habit(measure: Measure) -> None:
    assert measure(ANN, orders=[sale("ann", "2025-02-10", 10)])["ann"]["occasion_share"] is None


def test_occasions_come_from_the_configuration_when_it_names_them(measure: Measure) -> None:
    wanted = {"occasions": [{"name": "Midsummer", "month": 6, "day": 21}], "occasion_days": 1}
    orders = [sale("ann", "2025-06-21", 10), sale("ann", "2025-06-20", 10), sale("ann", "2025-12-24", 10)]
    ann = measure(ANN, config(features=wanted), orders=orders)["ann"]
    assert ann["occasion_share"] == pytest.approx(1 / 3, abs=TOLERANCE)


def test_trend_compares_the_halves_of_the_window_and_weekends_are_found(measure: Measure) -> None:
    # The window of 365 days starts on 2025-01-01, its middle is 182 days later, 2025-07-02.
    orders = [
        sale("ann", "2025-07-01", 1),  # Tuesday, first half
        sale("ann", "2025-07-02", 1),  # Wednesday, second half
        sale("ann", "2025-07-05", 1),  # Saturday, second half
        sale("ann", "2025-07-06", 1),  # Sunday, second half
    ]
    ann = measure(ANN, orders=orders)["ann"]
    assert ann["trend"] == pytest.approx((3 - 1) / 4, abs=TOLERANCE)
    assert ann["weekend_share"] == pytest.approx(2 / 4, abs=TOLERANCE)


def test_product_shares_divide_by_what_is_known_and_leave_returns_out(measure: Measure) -> None:
    lines = [
        {"customer_id": "ann", "category": "Tea", "line_amount": 30, "quantity": 3, "unit_cost": 6},
        {"customer_id": "ann", "category": "Pots", "line_amount": 10, "quantity": 1, "unit_cost": 12},
        {"customer_id": "ann", "category": None, "line_amount": 60, "quantity": 1, "unit_cost": 30},
        {"customer_id": "ann", "category": "Pots", "line_amount": -10, "quantity": -1, "unit_cost": 12},
        {"customer_id": "ann", "category": "Tea", "line_amount": 500, "unit_cost": 1, "in_window": False},
    ]
    ann = measure(ANN, orders=[sale("ann", "2025-03-03", 90)], order_lines=lines)["ann"]
    assert ann["category_share_tea"] == pytest.approx(30 / 40, abs=TOLERANCE)
    assert ann["category_share_pots"] == pytest.approx(10 / 40, abs=TOLERANCE)
    assert ann["category_breadth"] == 2
    # Margin: (30 - 18) + (10 - 12) + (60 - 30) + (-10 + 12) = 42 on 90.
    assert ann["margin_rate"] == pytest.approx(42 / 90, abs=TOLERANCE)
    assert ann["gross_margin_per_year"] == pytest.approx(42, abs=TOLERANCE)


def test_gross_margin_is_unknown_when_the_cost_of_too_many_goods_is(measure: Measure) -> None:
    def margin(costless: int) -> Any:
        lines = [
            {"customer_id": "ann", "line_amount": 100 - costless, "quantity": 1, "unit_cost": 40},
            {"customer_id": "ann", "line_amount": costless, "quantity": 1, "unit_cost": None},
        ]
        return measure(ANN, orders=[sale("ann", "2025-03-03", 100)], order_lines=lines)["ann"]["gross_margin_per_year"]

    assert margin(5) == pytest.approx(55, abs=TOLERANCE)  # 95 - 40, the cost is known for 95% of the value
    assert margin(6) is None


def test_small_categories_join_the_others(measure: Measure) -> None:
    amounts = {"A": 60, "B": 30, "C": 9.5, "D": 0.5}  # D is worth 0.5% of the spend
    lines = [{"customer_id": "ann", "category": name, "line_amount": amount} for name, amount in amounts.items()]
    orders = [sale("ann", "2025-03-03", 100)]
    ann = measure(ANN, orders=orders, order_lines=lines)["ann"]
    assert ann["category_share_c"] == pytest.approx(0.095, abs=TOLERANCE)
    assert ann["category_share_other"] == pytest.approx(0.005, abs=TOLERANCE)
    assert "category_share_d" not in ann
    assert ann["category_breadth"] == 4  # A, B and C by their sums, D among the others
    two = measure(ANN, config(features={"max_categories": 2}), orders=orders, order_lines=lines)["ann"]
    assert two["category_share_other"] == pytest.approx(0.1, abs=TOLERANCE)
    assert two["category_breadth"] == 4


def test_channel_shares_divide_by_the_sales_with_a_known_channel(measure: Measure) -> None:
    channels = ["online", "online", "store", None]
    orders = [sale("ann", "2025-03-03", n, channel=channel) for n, channel in enumerate(channels)]
    orders.append(sale("ann", "2025-03-04", -5, channel="phone", is_sale=False))
    ann = measure(ANN, orders=orders)["ann"]
    assert ann["online_share"] == pytest.approx(2 / 3, abs=TOLERANCE)
    assert ann["store_share"] == pytest.approx(1 / 3, abs=TOLERANCE)
    assert "phone_share" not in ann  # nobody bought by phone


def test_loyalty_sees_discounts_brands_and_tenure(measure: Measure) -> None:
    orders = [
        sale("ann", "2025-03-03", 80, discount_amount=20),
        sale("ann", "2025-04-03", 100, discount_amount=0),
        sale("ann", "2025-05-03", 50, discount_amount=None),
        sale("ann", "2024-01-01", 50, discount_amount=5, in_window=False),
    ]
    brands = [("X", 30), ("X", 45), ("Y", 25), (None, 500), ("Y", -25)]
    lines = [{"customer_id": "ann", "brand": brand, "line_amount": amount} for brand, amount in brands]
    ann = measure(ANN, orders=orders, order_lines=lines)["ann"]
    assert ann["discount_share"] == pytest.approx(1 / 2, abs=TOLERANCE)  # of the two sales with a known discount
    assert ann["discount_rate"] == pytest.approx(20 / 200, abs=TOLERANCE)  # 20 of (80 + 100 + 20)
    assert ann["discount_per_year"] == pytest.approx(20, abs=TOLERANCE)
    assert ann["brand_concentration"] == pytest.approx(75 / 100, abs=TOLERANCE)
    assert ann["tenure_days"] == 731  # 2024-01-01 to 2026-01-01, 366 + 365: the order before the window counts


def test_tenure_counts_from_the_earlier_of_the_known_day_and_the_first_order(measure: Measure) -> None:
    customers = [{"customer_id": "ann", "created_on": date(2023, 1, 1)}, {"customer_id": "bob", "created_on": None}]
    rows = measure(customers, orders=[sale("ann", "2025-12-31", 1), sale("bob", "2025-12-30", 1)])
    assert (rows["ann"]["tenure_days"], rows["bob"]["tenure_days"]) == (1096, 2)  # 365 + 366 + 365


@pytest.mark.parametrize("refund_rows", [True, False])
def test_a_return_counts_once_whether_it_is_a_row_or_a_mark(measure: Measure, refund_rows: bool) -> None:
    orders = [
        sale("ann", "2025-03-03", 40, refunded=True),
        sale("ann", "2025-03-04", 0, refunded=True, is_sale=False),  # sent back as a whole
        sale("ann", "2025-03-05", 30, refunded=False),
        sale("ann", "2025-03-06", 30, refunded=False),
    ]
    if refund_rows:
        orders += [sale("ann", f"2025-04-0{n}", -10, refunded=False, is_sale=False) for n in (1, 2)]
    ann = measure(ANN, orders=orders)["ann"]
    assert ann["return_share"] == pytest.approx(2 / 4, abs=TOLERANCE)
    assert ann["returns_per_year"] == pytest.approx(2, abs=TOLERANCE)
    assert ann["orders_per_year"] == pytest.approx(3, abs=TOLERANCE)


def test_service_effort_follows_from_minutes_and_returns(measure: Measure) -> None:
    customers = [{"customer_id": name} for name in ("ann", "bob", "cy", "dee")]
    orders = [sale(name, "2025-03-03", 40, refunded=name == "ann") for name in ("ann", "bob", "cy", "dee")]
    tickets = [
        {"customer_id": "ann", "agent_minutes": 12},
        {"customer_id": "ann", "agent_minutes": 8},
        {"customer_id": "cy", "agent_minutes": 400},
        {"customer_id": "dee", "agent_minutes": None},
    ]
    rows = measure(customers, orders=orders, tickets=tickets)
    assert rows["ann"]["tickets_per_year"] == 2
    assert rows["ann"]["service_minutes_per_year"] == 20
    assert rows["ann"]["effort_score"] == pytest.approx(5.5, abs=TOLERANCE)  # 1 + 9 sqrt((20 + 10) / 120)
    assert rows["bob"]["effort_score"] == 1  # no ticket is a fact
    assert rows["cy"]["effort_score"] == 10  # never above 10
    assert rows["dee"]["effort_score"] is None  # a ticket of unknown length is no short one


def test_the_effort_that_the_shop_keeps_comes_first(measure: Measure) -> None:
    rows = measure([{"customer_id": "ann", "service_level": 7}], tickets=[{"customer_id": "ann", "agent_minutes": 500}])
    assert rows["ann"]["effort_score"] == 7


@pytest.mark.parametrize(
    ("costs", "recorded", "expected"),
    [
        (0.5, False, 15),  # (10 + 20) * 0.5
        ({"Phone": 1, "chat": 0.25}, False, 15),  # 10 * 1 + 20 * 0.25; the channel's case does not matter
        ({"phone": 1}, False, None),  # the cost of a minute of chat is unknown, not 0
        (0.5, True, 7),  # 3 + 4 as recorded
    ],
)
def test_service_cost_is_recorded_or_priced_by_the_minute(
    measure: Measure, costs: Any, recorded: bool, expected: float | None
) -> None:
    tickets: list[dict[str, Any]] = [
        {"customer_id": "ann", "agent_minutes": 10, "channel": "phone"},
        {"customer_id": "ann", "agent_minutes": 20, "channel": "chat"},
    ]
    if recorded:
        tickets = [{**tickets[0], "cost_amount": 3}, {**tickets[1], "cost_amount": 4}]
    rows = measure(ANN, config(economics={"service_minute_cost": costs}), tickets=tickets)
    found = rows["ann"]["service_cost_per_year"]
    assert found is None if expected is None else found == pytest.approx(expected, abs=TOLERANCE)


def test_reach_adds_networks_up_and_is_unknown_without_a_row(measure: Measure) -> None:
    reach = [
        {"customer_id": "ann", "followers": 100, "mentions": 2, "brands_followed": 5, "referrals_made": 1},
        {"customer_id": "ann", "followers": None, "mentions": 1, "brands_followed": 7, "referrals_made": 0},
    ]
    rows = measure([*ANN, {"customer_id": "bob"}], reach=reach)
    names = ("followers", "mentions_per_year", "brands_followed", "referrals")
    assert [rows["ann"][name] for name in names] == [100, 3, 12, 1]
    assert rows["bob"]["followers"] is None


def test_age_comes_from_the_year_of_birth(measure: Measure) -> None:
    rows = measure([{"customer_id": "ann", "birth_year": 1990}, {"customer_id": "bob", "birth_year": None}])
    assert (rows["ann"]["age"], rows["bob"]["age"]) == (36, None)  # 2026 - 1990


def test_given_columns_stand_as_they_are_and_flags_become_words(measure: Measure) -> None:
    given = [
        GivenColumn("score", "score", "psychographics", "basis", "spending score", "points"),
        GivenColumn("vip", "flag", "firmographics", "basis", "important", ""),
    ]
    customers = [
        {"customer_id": "ann", "score": 4.5, "vip": True},
        {"customer_id": "bob", "score": None, "vip": False},
        {"customer_id": "cy", "score": 1.0, "vip": None},
    ]
    rows = measure(customers, given=given)
    assert [rows[name]["score"] for name in ("ann", "bob", "cy")] == [4.5, None, 1.0]
    assert [rows[name]["vip"] for name in ("ann", "bob", "cy")] == ["yes", "no", None]
