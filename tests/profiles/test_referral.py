"""Referral value by hand: it never changes the value of the portfolio, and nobody is counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from personas.engines import Engine, open_engine
from personas.profiles import describe
from personas.profiles.referral import links, reallocated, referral_values, referrals
from personas.sources.canonical import Tables
from tests.profiles.fixture import config, labelled, matrix, measured, number, order, segmentation, shop

NOBODY = frozenset[str]()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def random_shop(seed: int) -> tuple[dict[str, float], dict[str, str], frozenset[str]]:
    """Lifetime values of up to 40 customers, who brought whom along (circles included), and who came anyway."""
    random = np.random.default_rng(seed)
    who = [f"c{i}" for i in range(int(random.integers(2, 40)))]
    values = {name: float(v) for name, v in zip(who, random.normal(100, 200, len(who)), strict=True)}
    by = {name: str(random.choice(who)) for name in who if random.random() < 0.6}
    return values, by, frozenset(name for name in by if random.random() < 0.3)


def test_self_referrals_and_circles_are_set_aside_and_chains_stay() -> None:
    found = links({"a": "a", "b": "c", "c": "d", "d": "b", "e": "d", "f": "e"})
    assert dict(found.of) == {"e": "d", "f": "e"}
    assert (found.to_themselves, found.in_circles) == (1, 3)


def test_no_walk_along_sound_links_ever_returns_on_500_random_shops() -> None:
    for seed in range(500):
        kept = links(random_shop(seed)[1]).of
        for start in kept:
            at, steps = start, 0
            while at in kept:
                at, steps = kept[at], steps + 1
                assert steps <= len(kept)


def test_the_sum_stays_the_same_when_value_is_moved_to_referrers_on_500_random_shops() -> None:
    for seed in range(500):
        values, by, anyway = random_shop(seed)
        moved = reallocated(values, links(by).of, anyway, 0.37)
        assert abs(sum(moved.values()) - sum(values.values())) < 1e-9 * max(1.0, sum(abs(v) for v in values.values()))


def test_referral_value_is_the_lifetime_value_of_the_won_and_the_saved_cost_of_the_others() -> None:
    # a brought b (worth 100) and c (would have come anyway: 15 saved); b brought d (worth 30): one level, no chain
    of = {"b": "a", "c": "a", "d": "b"}
    found = referral_values({"a": 10, "b": 100, "c": 40, "d": 30}, of, frozenset({"c"}), {"c": 15.0})
    assert found == {"a": 115.0, "b": 30.0}


def test_the_referrals_of_a_segment_are_those_of_new_customers_in_the_window(engine: Engine) -> None:
    who = ["a", "b", "c", "d", "e"]
    old = order("o0", "d", "50", date(2024, 1, 1), in_window=False)
    tables = shop(engine, who, [old, *(order(f"o{x}", x, "50") for x in who)])
    kinds = [None, "won", "Anyway", "won", None]
    columns = {"customer_id": who, "referred_by": [None, "a", "a", "a", "e"], "referral_type": kinds}
    costs = pa.array([8.0, None, None, 100.0, 4.0], pa.float64())
    customers = pa.table(columns).append_column("acquisition_cost", costs)
    tables = replace(tables, customers=engine.read("customers", customers))
    ids, segments = np.array(who), np.array([0, 1, 1, 1, 1], dtype=np.int32)
    found, each, notices = referrals(engine, tables, ids, segments, {"b": 100.0, "c": 40.0, "d": 70.0}, 0)
    # d is no new customer; e brought itself; c came anyway and saved what a, whom nobody brought, cost: 8
    assert (found[0].referrers, found[0].brought) == (1, 2)
    assert found[0].value is not None and found[0].value.value == 108.0
    assert each is not None and each.tolist() == [108.0, 0, 0, 0, 0]
    assert [notice.code for notice in notices] == ["referrals-in-circles"] and notices[0].count == 1
    assert (found[1].referrers, found[1].brought) == (0, 0)


def test_the_cost_that_was_saved_is_a_mean_of_exact_money(engine: Engine) -> None:
    who = ["a", "c", *(f"n{i}" for i in range(9))]
    tables = shop(engine, who, [order(f"o{x}", x, "50") for x in who])
    by = [None, "a", *[None] * 9]
    costs = [None if name == "c" else Decimal("0.1") for name in who]
    customers = pa.table(
        {
            "customer_id": who, "referred_by": by, "referral_type": [None, "anyway", *[None] * 9],
            "acquisition_cost": pa.array(costs, pa.decimal128(18, 4)),
        }
    )  # fmt: skip
    tables = replace(tables, customers=engine.read("customers", customers))
    segments = np.zeros(len(who), dtype=np.int32)
    _, each, _ = referrals(engine, tables, np.array(who), segments, {"c": 40.0}, 0)
    # ten times 0.1 is 1, in whatever order threads add it up; as floats it would be 0.9999999999999999
    assert each is not None and each[0] == 0.1


def test_without_the_column_nothing_is_said(engine: Engine) -> None:
    tables = shop(engine, ["a"], [order("o1", "a", "50")])
    assert referrals(engine, tables, np.array(["a"]), np.zeros(1, dtype=np.int32), {}, 0) == ({}, None, [])


def two_years(engine: Engine, by: dict[str, str]) -> tuple[Tables, list[str]]:
    """160 customers who buy at random over two years, most of them new in the last one, and who brought them along."""
    random, start, orders = np.random.default_rng(5), date(2024, 11, 1), []
    who = [f"c{i:03d}" for i in range(160)]
    for i, name in enumerate(who):
        first = int(random.integers(0, 500))
        for day in np.unique(random.integers(first, 730, 2 + int(random.poisson(4)))):
            placed = start + timedelta(days=int(day))
            amount = f"{random.uniform(20, 40 if i % 2 else 90):.2f}"
            orders.append(order(f"{name}-{day}", name, amount, placed, in_window=placed >= date(2025, 11, 1)))
    tables = shop(engine, who, orders)
    columns = {"customer_id": who, "acquisition_cost": [5.0 + i % 7 for i in range(160)]}
    if by:
        columns |= {"referred_by": [by.get(name) for name in who],
                    "referral_type": ["anyway" if name.endswith("3") else "won" for name in who]}  # fmt: skip
    return replace(tables, customers=engine.read("customers", pa.table(columns))), who


def test_the_portfolio_is_worth_the_same_with_and_without_referrals(engine: Engine) -> None:
    # every customer but the first forty was brought along by one of the first forty
    brought = {f"c{i:03d}": f"c{i % 40:03d}" for i in range(40, 160)}
    features = [number("orders_per_year")]
    found = []
    for by in ({}, brought):
        tables, who = two_years(engine, by)
        customers = measured(engine, who, features, {"orders_per_year": [1.0 + i % 9 for i in range(160)]})
        labels = labelled(engine, who, [i % 2 for i in range(160)])
        money = config(margin_rate=0.5, service_minute_cost=0)
        found.append(describe(customers, labels, tables, matrix(features), segmentation(2), money))
    without, with_them = found
    for profiles in found:
        assert profiles.lifetime is not None and profiles.lifetime.portfolio is not None
        told = [p.economics.lifetime_value for p in profiles.segments]
        each = sum(v.value * p.customers.value for v, p in zip(told, profiles.segments, strict=True) if v is not None)
        assert None not in told and abs(profiles.lifetime.portfolio.value - each) < 1e-9 * each
    assert without.lifetime == with_them.lifetime
    for before, after in zip(without.segments, with_them.segments, strict=True):
        assert before.economics == after.economics
        assert before.referrals is None and after.referrals is not None and after.referrals.value is not None
    # what was brought along is real money, and it is in no other figure
    assert sum(p.referrals.value.value for p in with_them.segments if p.referrals and p.referrals.value) > 100
    assert without.assumptions == with_them.assumptions
