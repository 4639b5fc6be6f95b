"""What is bought together and who comes back, on baskets that are counted on paper."""

from __future__ import annotations

import numpy as np
import pytest

from personas.profiles import affinity
from personas.profiles.affinity import Baskets, pairs, sampled_baskets_notice, second_purchase, shopping


def baskets(rows: list[tuple[str, str, int, str, float]]) -> Baskets:
    """(customer, order, day, category, margin) in any order; everything in the window."""
    rows = sorted(rows, key=lambda r: (r[0], r[1], r[3]))
    columns = list(zip(*rows, strict=True))
    return Baskets(
        np.array(columns[0]), np.zeros(len(rows), dtype=np.int64), np.array(columns[1]),
        np.array(columns[2], dtype=np.int64), np.array(columns[3]), np.array(columns[4], dtype=np.float64) + 3,
        np.array(columns[4], dtype=np.float64),
        np.ones(len(rows), dtype=np.bool_),
    )  # fmt: skip


def planted() -> Baskets:
    """100 customers with four orders: tea and cake, tea, cups, cups with plates for every second customer."""
    rows = []
    for c in range(100):
        who = f"c{c:03d}"
        rows += [
            (who, f"{who}-1", 1, "tea", 2.0), (who, f"{who}-1", 1, "cake", 5.0), (who, f"{who}-2", 9, "tea", 2.0),
            (who, f"{who}-3", 20, "cups", 1.0), (who, f"{who}-4", 30, "cups", 1.0),
        ]  # fmt: skip
        if c % 2:
            rows.append((who, f"{who}-4", 30, "plates", 9.0))
    return baskets(rows)


def test_lift_and_support_are_counts_and_the_larger_margin_is_added() -> None:
    # 400 orders: tea 200, cake 100, both 100: lift 100 * 400 / (200 * 100) = 2. cups 200, plates 50, both 50: 2.
    found = pairs(planted())
    assert [(p.first, p.second, p.orders) for p in found] == [("cups", "plates", 50), ("tea", "cake", 100)]
    assert [p.lift.value for p in found] == [2.0, 2.0]
    assert [p.support.value for p in found] == [0.125, 0.25]
    assert [p.margin for p in found] == [9.0, 5.0]
    # every customer has the same orders of tea and of cups, so that chance has no say
    assert all(pair.lift.high - pair.lift.low < 1e-9 for pair in found)


def test_categories_that_meet_by_chance_are_not_a_pair() -> None:
    random, rows = np.random.default_rng(1), []
    for i in range(1500):
        who = f"c{i % 300:03d}"
        rows += [(who, f"{i:05d}", i, name, 1.0) for name in ("a", "b", "c") if random.random() < 0.4]
    assert pairs(baskets(rows)) == ()


def test_of_many_categories_that_meet_by_chance_hardly_ever_one_pair_is_told() -> None:
    # 28 pairs a draw, each above 1 by chance in 2.5% of draws: without the adjustment half of the draws tell a pair.
    told = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        rows = [(f"c{i}", f"o{i}", 1, name, 1.0) for i in range(800) for name in "abcdefgh" if random.random() < 0.4]
        told += bool(pairs(baskets(rows)))
    assert told <= 3


def test_fewer_than_thirty_orders_say_nothing() -> None:
    rows = [(f"c{i}", f"o{i}", 1, name, 1.0) for i in range(29) for name in ("a", "b")]
    assert pairs(baskets([*rows, *((f"d{i}", f"p{i}", 1, "c", 1.0) for i in range(60))])) == ()


def test_the_interval_of_lift_counts_customers_and_not_orders() -> None:
    # the same orders spread over fewer customers are worth less
    random = np.random.default_rng(4)
    draws = [("a", "b") if random.random() < 0.3 else ("a",) if random.random() < 0.3 else ("b",) for _ in range(600)]

    def width(customers: int) -> float:
        order = np.argsort([len(d) for d in draws], kind="stable")
        rows = [(f"c{place * customers // 600:03d}", f"{i:04d}", 1, name, 1.0)
                for place, i in enumerate(order) for name in draws[i]]  # fmt: skip
        rows += [(f"z{i}", f"z{i}", 1, "c", 1.0) for i in range(600)]
        found = pairs(baskets(rows))
        return found[0].lift.high - found[0].lift.low

    assert width(30) > 1.5 * width(600)


def test_who_came_back_in_ninety_days_and_what_followed() -> None:
    rows = []
    for c in range(40):
        who = f"c{c:02d}"
        rows.append((who, f"{who}-1", 100, "tea", 1.0))
        if c < 30:  # 20 come back after 10 days, 10 after 200
            day, category = (110, "cake") if c < 20 else (300, "tea")
            rows.append((who, f"{who}-2", day, category, 1.0))
    rows.append(("new", "new-1", 390, "tea", 1.0))  # too young to be asked
    found = second_purchase(baskets(rows), 400)
    assert found is not None and found.returned is not None
    assert (found.first_timers, found.returned.value, found.returned.n) == (11, 0.5, 40)
    assert found.median_days == 10.0
    assert found.followed_by == (("tea", "cake", 2 / 3),)


def test_counts_of_sampled_baskets_are_scaled_up_to_all_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "CUSTOMERS", 100)
    own = shopping(planted(), 400, 250)  # 100 of 250 customers were read: each stands for 2.5
    assert [pair.orders for pair in own["pairs"]] == [125, 250]  # type: ignore[attr-defined]
    once = baskets([(f"c{i}", f"o{i}", 1, "tea", 1.0) for i in range(40)])
    assert shopping(once, 400, 250)["second_purchase"].first_timers == 100  # type: ignore[attr-defined]
    assert shopping(once, 400, 90)["second_purchase"].first_timers == 40  # type: ignore[attr-defined]
    assert [n.text for n in sampled_baskets_notice(250)] == [
        "What is bought together and who comes back was read of 100 of 250 customers; counts are scaled up to all."
    ]
    assert sampled_baskets_notice(100) == ()
