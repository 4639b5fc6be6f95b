"""Profiles as a whole, on shops whose figures are worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from personas.engines import Engine, open_engine
from personas.errors import InputError
from personas.profiles import Profiles, describe
from tests.profiles.fixture import category, config, labelled, matrix, measured, number, order, segmentation, shop

FEATURES = [number("orders_per_year", label="orders a year"), number("recency_days", "days", "amount"),
            number("average_order", "EUR/order", "amount"), category("place")]  # fmt: skip
WHO = ["a", "b", "c", "d", "e"]
VALUES = {
    "orders_per_year": [1.0, 1.0, 3.0, 1.0, 0.0],
    "recency_days": [10.0, 20.0, 30.0, 200.0, None],
    "average_order": [100.0, 300.0, 20.0, 40.0, None],
    "place": ["n", "n", "s", "s", "s"],
}
ORDERS = [
    order("o1", "a", "100", date(2026, 1, 5)), order("o2", "b", "300", date(2026, 1, 7)),
    order("o3", "c", "10", date(2026, 2, 1)), order("o4", "c", "20", date(2026, 2, 1)),
    order("o5", "c", "30", date(2026, 12, 1)), order("o6", "d", "40", date(2026, 12, 1)),
    order("r1", "d", "-5", date(2026, 3, 1)), order("o0", "e", "70", date(2020, 1, 1), in_window=False),
]  # fmt: skip
TICKETS = [("t1", "c", True, "phone", "100", None), ("t2", "d", True, "phone", "10", None)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def described(
    engine: Engine, orders: Any = ORDERS, tickets: Any = TICKETS, window_days: int = 365, **money: Any
) -> Profiles:
    tables = shop(engine, WHO, orders, None, tickets, window_days, without=["cost_amount"])
    customers = measured(engine, WHO, FEATURES, VALUES, [True] * 4 + [False])
    labels = labelled(engine, WHO[:4], [0, 0, 1, 1], [1.0, 0.8, 0.95, 0.9])
    return describe(customers, labels, tables, matrix(FEATURES[:3]), segmentation(2), config(**money))


COSTS: dict[str, Any] = {
    "margin_rate": 0.5, "service_minute_cost": 1.0, "return_cost": 6, "marketing_cost_per_customer": 20
}  # fmt: skip


def test_money_per_customer_and_in_total(engine: Engine) -> None:
    found = described(engine, **COSTS)
    # segment 0: a 100, b 300: revenue 400, margin 200, no tickets, marketing 40: contribution 160, 80 a customer
    first, second = found.segments
    assert (first.segment, second.segment) == (0, 1)
    e = first.economics
    assert e.level == "contribution"
    assert e.total_revenue is not None and e.total_contribution is not None and e.contribution is not None
    assert (e.total_revenue.value, e.total_contribution.value, e.contribution.value) == (400.0, 160.0, 80.0)
    assert e.contribution.unit == "EUR/year" and e.total_revenue.unit == "EUR"
    # segment 1: c 60, d 35: revenue 95, margin 47.5, service 110, one return 6, marketing 40: -108.5
    e = second.economics
    assert e.total_contribution is not None and e.return_cost is not None and e.service_cost is not None
    assert (e.total_contribution.value, e.return_cost.value, e.service_cost.value) == (-108.5, 3.0, 55.0)
    assert e.losing_share is not None and e.roi is not None
    # c: 30 - 100 - 20 < 0; d: 17.5 - 10 - 6 - 20 < 0
    assert e.losing_share.value == 1.0
    assert e.roi.value == pytest.approx(-108.5 / 150, abs=1e-12)
    assert e.roi.low <= e.roi.value <= e.roi.high


def test_shares_of_revenue_and_contribution_add_up(engine: Engine) -> None:
    found = described(engine, **COSTS)
    revenue = [p.revenue_share for p in found.segments]
    contribution = [p.contribution_share for p in found.segments]
    # 400 of 495; 160 of 51.5 and -108.5 of 51.5
    assert [s and s.value for s in revenue] == [pytest.approx(400 / 495), pytest.approx(95 / 495)]
    assert [s and s.value for s in contribution] == [pytest.approx(160 / 51.5), pytest.approx(-108.5 / 51.5)]
    assert found.everyone.revenue_share is not None and found.everyone.revenue_share.value == 1.0


def test_the_share_of_revenue_is_as_uncertain_as_the_sizes_of_segments(engine: Engine) -> None:
    # 200 customers who spend 10 each, half in each segment: only the sizes vary, sd = sqrt(0.25 / 200) = 0.0354
    who = [f"c{i:03d}" for i in range(200)]
    tables = shop(engine, who, [order(f"o{i}", c, "10") for i, c in enumerate(who)])
    customers = measured(engine, who, FEATURES[:1], {"orders_per_year": [1.0] * 200})
    labels = labelled(engine, who, [0, 1] * 100)
    found = describe(customers, labels, tables, matrix([]), segmentation(2), config()).segments[0].revenue_share
    assert found is not None
    assert (found.value, found.basis) == (0.5, "bootstrap, 95%")
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.0354, abs=0.02)


def test_people_and_money_of_segments_and_set_aside_are_everyone(engine: Engine) -> None:
    found = described(engine, **COSTS)
    assert found.set_aside == (("no order in the window", 1, 0.0),)
    assert found.everyone.customers.value == 4
    total = found.everyone.economics.total_contribution
    assert total is not None and total.value == 51.5
    assert sum(p.economics.total_contribution.value for p in found.segments if p.economics.total_contribution) == 51.5
    assert [p.share.value for p in found.segments] == [0.5, 0.5]


def test_unusual_customers_are_told_apart_from_those_without_an_order_and_nobody_is_lost(engine: Engine) -> None:
    # Four customers: two in segments, one studied and far from both, one who did not order in the window.
    who = ["a", "b", "far", "gone"]
    tables = shop(engine, who, [order("o1", "a", "10"), order("o2", "b", "20"), order("o3", "far", "900")])
    customers = measured(engine, who, FEATURES[:1], {"orders_per_year": [1.0] * 4}, [True, True, True, False])
    labels = labelled(engine, ["a", "b"], [0, 1])
    apart = replace(segmentation(2), unusual=1, unusual_distance=7.0)
    found = describe(customers, labels, tables, matrix([]), apart, config())
    assert found.set_aside == (("no order in the window", 1, 0.0), ("unusual, far from every segment", 1, 900.0))
    # 30 in segments and 900 apart are the 930 of everybody.
    inside = found.everyone.economics.total_revenue
    assert inside is not None and inside.value + sum(money for *_, money in found.set_aside) == 930
    people = found.everyone.customers.value + sum(customers for _, customers, _ in found.set_aside)
    assert people == 4


def test_a_year_is_365_days_whatever_the_window(engine: Engine) -> None:
    found = described(engine, window_days=730, **COSTS)
    revenue = found.segments[0].economics.revenue
    total = found.segments[0].economics.total_revenue
    assert revenue is not None and total is not None
    assert (revenue.value, total.value) == (100.0, 400.0)


def test_months_are_shares_of_sales_in_the_window(engine: Engine) -> None:
    found = described(engine, **COSTS)
    by_segment = {p.segment: p.months for p in found.segments}
    assert by_segment[0] == (1.0, *[0.0] * 11)
    # segment 1: two in February, two in December; the refund in March is no sale
    assert by_segment[1] == (0.0, 0.5, *[0.0] * 9, 0.5)
    assert found.everyone.months is not None
    assert sum(found.everyone.months) == pytest.approx(1, abs=1e-12)


def test_a_month_that_the_window_holds_twice_counts_once(engine: Engine) -> None:
    orders = [
        order("o1", "a", "10"), order("o2", "c", "10", date(2025, 10, 5)), order("o3", "c", "10", date(2026, 10, 5)),
        order("o4", "d", "10", date(2026, 2, 1)),
    ]  # fmt: skip
    # 396 days to 31 October 2026 hold October twice: two orders in its 62 days are as many as one in February.
    found = {p.segment: p.months for p in described(engine, orders, window_days=396, **COSTS).segments}
    assert found[1] == (0.0, 0.5, *[0.0] * 7, 0.5, 0.0, 0.0)
    short = described(engine, orders, window_days=364, **COSTS)
    assert [p.months for p in (short.everyone, *short.segments)] == [None] * 3


def test_segments_come_by_contribution_or_by_size_where_money_is_unknown(engine: Engine) -> None:
    tables = shop(engine, WHO, ORDERS, None, TICKETS, without=["cost_amount"])
    customers = measured(engine, WHO, FEATURES, VALUES, [True] * 4 + [False])
    labels = labelled(engine, WHO[:4], [0, 1, 1, 1])

    def order_of(**money: Any) -> list[int]:
        found = describe(customers, labels, tables, matrix(FEATURES[:3]), segmentation(2), config(**money))
        return [p.segment for p in found.segments]

    # contribution: a 30; b, c, d: 130 - 90 - 36.5 = 3.5. Size: 1 and 3.
    assert order_of(**COSTS) == [0, 1]
    assert order_of() == [1, 0]


def test_unknown_costs_stay_unknown_with_notices(engine: Engine) -> None:
    found = described(engine, tickets=None)
    e = found.segments[0].economics
    assert e.level == "revenue" and e.revenue is not None
    assert (e.gross_margin, e.service_cost, e.marketing_cost, e.contribution, e.roi, e.losing_share) == (None,) * 6
    assert found.segments[0].contribution_share is None
    assert {"margin-unknown", "service-unknown", "marketing-unknown"} <= {n.code for n in found.notices}
    assert found.assumptions == ()


def test_roi_needs_marketing_and_contribution_says_what_it_lacks(engine: Engine) -> None:
    found = described(engine, margin_rate=0.5, service_minute_cost=1.0, return_cost=6)
    e = found.segments[0].economics
    assert e.level == "contribution" and e.roi is None and e.marketing_cost is None
    assert "contribution-before-marketing" in {n.code for n in found.notices}


def test_every_assumption_is_listed(engine: Engine) -> None:
    found = described(engine, **COSTS)
    assert {a.what: (a.words, tuple(e.value for e in a.amounts)) for a in found.assumptions} == {
        "gross margin": ("{} of revenue (economics.margin_rate)", (0.5,)),
        "service": ("{} a minute", (1.0,)),
        "returns": ("{} per returned order", (6.0,)),
        "marketing": ("{} per customer and year", (20.0,)),
        "an action": ("{} per customer and year, as much as marketing costs now", (20.0,)),
    }


def test_no_orders_at_all_is_level_none(engine: Engine) -> None:
    found = described(engine, orders=None, tickets=None)
    assert found.everyone.economics.level == "none"
    assert found.everyone.economics.revenue is None
    assert (found.everyone.months, found.segments[0].revenue_share) == (None, None)
    assert found.set_aside == (("no order in the window", 1, 0.0),)


def test_a_total_that_is_not_positive_has_no_shares(engine: Engine) -> None:
    found = described(engine, margin_rate=0.0, service_minute_cost=1.0, return_cost=6, marketing_cost_per_customer=20)
    assert all(p.contribution_share is None for p in found.segments)
    assert "contribution-not-positive" in {n.code for n in found.notices}


def test_stability_core_rule_rfm_and_archetype_are_there(engine: Engine) -> None:
    found = described(engine, **COSTS)
    by_segment = {p.segment: p for p in found.segments}
    assert by_segment[0].stability is not None and by_segment[0].stability.value == 0.9
    assert (by_segment[0].core_share, by_segment[1].core_share) == (0.5, 1.0)  # 0.9 itself is core
    rule = by_segment[0].rule
    assert rule is not None and rule.recall == 1.0 and rule.precision == 1.0
    assert {c[0] for c in rule.conditions} <= {"orders_per_year", "recency_days", "average_order"}
    assert sum(found.everyone.rfm.values()) == pytest.approx(1, abs=1e-12)
    # orders, recency and order value measure only one of the five archetypes
    assert set(by_segment[1].archetypes) == {"wandering"} and by_segment[1].archetype is None
    assert found.everyone.rule is None


def test_small_segments_and_single_spenders_are_flagged(engine: Engine) -> None:
    found = described(engine, **COSTS)
    codes = [n.code for n in found.notices]
    assert codes.count("money-few-customers") == 2
    # b has 300 of 495
    assert "money-dominated" in codes
    revenue = found.segments[0].economics.revenue
    assert revenue is not None and revenue.basis == "t, 95%, fewer than 30 customers, dominated by one customer"


def test_nobody_in_a_segment_is_refused_in_words(engine: Engine) -> None:
    tables = shop(engine, WHO, ORDERS)
    customers = measured(engine, WHO, FEATURES, VALUES)
    with pytest.raises(InputError, match="nobody belongs to a segment"):
        describe(customers, labelled(engine, [], []), tables, matrix(FEATURES), segmentation(2), config())


def test_progress_ends_at_one(engine: Engine) -> None:
    seen: list[float] = []
    tables = shop(engine, WHO, ORDERS)
    customers = measured(engine, WHO, FEATURES, VALUES)
    labels = labelled(engine, WHO[:4], [0, 0, 1, 1])
    describe(
        customers, labels, tables, matrix(FEATURES[:3]), segmentation(2), config(), lambda _, share: seen.append(share)
    )
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_shuffled_rows_and_threads_give_equal_profiles() -> None:
    random = np.random.default_rng(1)
    who = [f"c{i:04d}" for i in range(600)]
    orders = [order(f"o{i}", who[int(random.integers(600))], str(Decimal(int(random.integers(1, 9999))) / 100),
                    date(2026, int(random.integers(1, 13)), 1)) for i in range(2_000)]  # fmt: skip
    counts = {w: sum(1 for o in orders if o[1] == w) for w in who}
    values = {
        "orders_per_year": [float(counts[w]) for w in who],
        "recency_days": random.integers(1, 300, 600).astype(float).tolist(),
        "average_order": random.lognormal(3, 1, 600).tolist(),
        "place": random.choice(["n", "s"], 600).tolist(),
    }
    segments = [int(counts[w] > 3) for w in who]
    results = []
    for threads, shuffle in ((1, np.arange(600)), (4, random.permutation(600))):
        with open_engine(threads=threads) as engine:
            mixed = [who[i] for i in shuffle]
            tables = shop(engine, mixed, orders if threads == 1 else orders[::-1])
            customers = measured(engine, mixed, FEATURES, {n: [v[i] for i in shuffle] for n, v in values.items()})
            labels = labelled(engine, mixed, [segments[i] for i in shuffle])
            results.append(describe(customers, labels, tables, matrix(FEATURES[:3]), segmentation(2),
                                    config(margin_rate=0.4, service_minute_cost=0)))  # fmt: skip
    assert results[0] == results[1]
    first = next(p for p in results[0].segments if p.segment == 1)
    assert first.rule is not None and first.rule.text == "orders a year at least 4"
    assert first.economics.revenue is not None and first.economics.revenue.basis == "bootstrap-t, 95%"
