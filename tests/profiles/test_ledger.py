"""The ledger by hand, and to the cent on random shops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from personas.engines import Engine, open_engine
from personas.errors import PersonasError
from personas.profiles.branches import branches, moved_money, with_moved_money
from personas.profiles.ledger import Ledger, build_ledger, totals
from personas.segmentation.records import Candidate
from personas.sources.canonical import Tables
from tests.profiles.fixture import MONEY, config, labelled, order, segmentation, shop

WHO = ["a", "b", "c"]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def ledger_of(engine: Engine, tables: Tables, segments: dict[str, int], **economics: Any) -> Ledger:
    labels = labelled(engine, list(segments), list(segments.values()))
    return build_ledger(engine, tables.customers, labels, tables, config(**economics))


def row(engine: Engine, who: str) -> dict[str, Any]:
    rows = engine.fetch("SELECT * FROM ledger", 1000).to_pylist()
    return next(r for r in rows if r["customer_id"] == who)


def assumed(ledger: Ledger) -> dict[str, str]:
    """Words and amounts of every assumption, by what it is about."""
    return {a.what: a.words.format(*(f"{e.value:g}" for e in a.amounts)) for a in ledger.assumptions}


def codes(ledger: Ledger) -> set[str]:
    return {notice.code for notice in ledger.notices}


def test_every_component_of_a_small_shop(engine: Engine) -> None:
    # a buys for 100 (goods cost 60) and sends 40 back (24 of goods come back), 10 minutes at 0.80, one return at 6,
    # marketing 20: revenue 60, margin 60 - 36 = 24, contribution 24 - 8 - 6 - 20 = -10.
    tables = shop(
        engine, WHO,
        orders=[order("o1", "a", "100", refunded=True), order("r1", "a", "-40"), order("o2", "b", "50")],
        lines=[
            ("o1", "a", True, "100", "2", "30"),
            ("r1", "a", True, "-40", "-1", "24"),
            ("o2", "b", True, "50", "1", "20"),
        ],
        tickets=[("t1", "a", True, "phone", "10", None)], without=["cost_amount"],
    )  # fmt: skip
    ledger = ledger_of(
        engine, tables, {"a": 0, "b": 1}, service_minute_cost=0.8, return_cost=6, marketing_cost_per_customer=20
    )
    assert ledger.level == "contribution" and ledger.notices == ()
    a, b, c = row(engine, "a"), row(engine, "b"), row(engine, "c")
    assert (a["revenue"], a["gross_margin"]) == (Decimal("60"), Decimal("24"))
    assert (a["service_cost"], a["return_cost"], a["marketing_cost"]) == (Decimal("8"), Decimal("6"), Decimal("20"))
    assert a["contribution"] == Decimal("-10")
    assert b["contribution"] == Decimal("10")  # 50 - 20 - 0 - 0 - 20
    assert (c["segment"], c["revenue"], c["contribution"]) == (None, 0, 0)  # set aside: no marketing either


def test_goods_of_a_refund_without_lines_come_back_at_the_customers_cost_rate(engine: Engine) -> None:
    # goods cost 60 of 100; 50 given back without lines: 30 of goods on the shelf again, margin 50 - 30 = 20
    lines = [("o1", "a", True, "100", "1", "60")]
    tables = shop(engine, ["a"], [order("o1", "a", "100"), order("r1", "a", "-50")], lines)
    ledger_of(engine, tables, {"a": 0})
    assert row(engine, "a")["gross_margin"] == Decimal("20")


def test_refunds_inside_the_order_bring_goods_back_in_proportion(engine: Engine) -> None:
    # line value 100, cost 60, net 25 after a refund inside the order: cost of goods kept 15, margin 10
    tables = shop(engine, ["a"], [order("o1", "a", "25", refunded=True)], [("o1", "a", True, "100", "1", "60")])
    ledger_of(engine, tables, {"a": 0}, return_cost=6)
    assert (row(engine, "a")["gross_margin"], row(engine, "a")["return_cost"]) == (Decimal("10"), Decimal("6"))


def test_a_shop_that_books_refunds_as_rows_does_not_bring_goods_back_twice(engine: Engine) -> None:
    # goods of 100 cost 60, paid 90, half of it given back by a row: 30 of goods come back, margin 45 - 30 = 15
    lines = [("o1", "a", True, "100", "1", "60")]
    tables = shop(engine, ["a"], [order("o1", "a", "90", refunded=True), order("r1", "a", "-45")], lines)
    ledger_of(engine, tables, {"a": 0})
    assert row(engine, "a")["gross_margin"] == Decimal("15")


def test_a_discount_on_the_order_costs_margin_and_brings_no_goods_back(engine: Engine) -> None:
    # line value 100, cost 60, paid 90 after a voucher: margin 30
    tables = shop(engine, ["a"], [order("o1", "a", "90")], [("o1", "a", True, "100", "1", "60")])
    ledger_of(engine, tables, {"a": 0})
    assert row(engine, "a")["gross_margin"] == Decimal("30")


def test_costs_known_for_95_percent_of_value_are_enough_and_the_rest_is_said(engine: Engine) -> None:
    # 95 of 100 known at cost 57 (60%): the other 5 cost 3, margin 40
    lines = [("o1", "a", True, "95", "1", "57"), ("o1", "a", True, "5", "1", None)]
    ledger = ledger_of(engine, shop(engine, ["a"], [order("o1", "a", "100")], lines), {"a": 0})
    assert row(engine, "a")["gross_margin"] == Decimal("40")
    assert assumed(ledger)["gross margin"].startswith("product costs, known for 95% of order value")


def test_costs_known_for_less_leave_margin_unknown_with_a_notice(engine: Engine) -> None:
    lines = [("o1", "a", True, "94.9", "1", "57"), ("o1", "a", True, "5.1", "1", None)]
    tables = shop(engine, ["a"], [order("o1", "a", "100")], lines, [("t", "a", True, "phone", "1", "5")])
    ledger = ledger_of(engine, tables, {"a": 0})
    assert ledger.level == "revenue"
    assert row(engine, "a")["gross_margin"] is None and row(engine, "a")["contribution"] is None
    assert row(engine, "a")["service_cost"] == Decimal("5")
    assert "margin-coverage" in codes(ledger)


def test_a_margin_rate_stands_in_only_where_costs_are_missing(engine: Engine) -> None:
    # 60 known at cost 50, 40 at a margin of 25% cost 30: margin 100 - 80 = 20; b without lines: 25% of 8 = 2
    lines = [("o1", "a", True, "60", "1", "50"), ("o1", "a", True, "40", "1", None)]
    tables = shop(engine, WHO, [order("o1", "a", "100"), order("o2", "b", "8")], lines)
    ledger_of(engine, tables, {"a": 0, "b": 0}, margin_rate=0.25)
    assert (row(engine, "a")["gross_margin"], row(engine, "b")["gross_margin"]) == (Decimal("20"), Decimal("2"))


def test_without_costs_and_tickets_money_stops_at_revenue(engine: Engine) -> None:
    ledger = ledger_of(engine, shop(engine, ["a"], [order("o1", "a", "100")]), {"a": 0})
    assert (ledger.level, ledger.known) == ("revenue", ("revenue",))
    assert codes(ledger) == {"margin-unknown", "service-unknown", "marketing-unknown"}
    assert row(engine, "a")["service_cost"] is None


def test_no_tickets_are_unknown_and_not_free(engine: Engine) -> None:
    tables = shop(engine, ["a"], [order("o1", "a", "100")])
    assert ledger_of(engine, tables, {"a": 0}, margin_rate=0.5, service_minute_cost=0.8).level == "gross margin"
    free = ledger_of(engine, tables, {"a": 0}, margin_rate=0.5, service_minute_cost=0.0)
    assert free.level == "contribution"
    assert row(engine, "a")["contribution"] == Decimal("50")
    assert "contribution-before-marketing" in codes(free)


def test_a_channel_without_a_price_makes_service_unknown(engine: Engine) -> None:
    tickets = [("t1", "a", True, "Phone", "10", None), ("t2", "a", True, "chat", "10", None)]
    tables = shop(engine, ["a"], [order("o1", "a", "100")], None, tickets, without=["cost_amount"])
    unknown = ledger_of(engine, tables, {"a": 0}, service_minute_cost={"phone": 1.0})
    assert "service-unknown" in codes(unknown) and row(engine, "a")["service_cost"] is None
    ledger_of(engine, tables, {"a": 0}, service_minute_cost={"phone": 1.0, "chat": 0.25})
    assert row(engine, "a")["service_cost"] == Decimal("12.5")


def test_a_recorded_cost_wins_over_minutes_and_five_percent_may_be_unknown(engine: Engine) -> None:
    # 19 tickets recorded at 2, one unknown: taken at 2; 20 * 2 = 40
    tickets = [(f"t{i}", "a", True, "phone", "99", "2") for i in range(19)] + [("t19", "a", True, "phone", None, None)]
    tables = shop(engine, ["a"], [order("o1", "a", "100")], None, tickets)
    ledger = ledger_of(engine, tables, {"a": 0}, service_minute_cost=5.0)
    assert row(engine, "a")["service_cost"] == Decimal("40")
    assert assumed(ledger)["tickets without cost"] == "1 of 20, taken at the average of the others"


def test_what_lies_outside_the_window_does_not_count(engine: Engine) -> None:
    tables = shop(
        engine, ["a"], [order("o1", "a", "100"), order("o0", "a", "900", in_window=False)], None,
        [("t1", "a", False, "phone", "10", "50")],
    )  # fmt: skip
    ledger_of(engine, tables, {"a": 0})
    assert (row(engine, "a")["revenue"], row(engine, "a")["service_cost"]) == (Decimal("100"), Decimal("0"))


def test_marketing_is_scaled_to_the_window(engine: Engine) -> None:
    # 20 a year over 73 days: 4
    tables = shop(engine, ["a"], [order("o1", "a", "100")], window_days=73)
    ledger_of(engine, tables, {"a": 0}, marketing_cost_per_customer=20)
    assert row(engine, "a")["marketing_cost"] == Decimal("4")


def test_unpriced_returns_are_left_out_of_contribution_and_said(engine: Engine) -> None:
    tickets = [("t", "a", True, "x", "1", "1")]
    tables = shop(engine, ["a"], [order("o1", "a", "100"), order("r", "a", "-10")], None, tickets)
    ledger = ledger_of(engine, tables, {"a": 0}, margin_rate=0.5, marketing_cost_per_customer=0)
    assert {"return-cost-unknown", "contribution-before-return"} <= codes(ledger)
    assert row(engine, "a")["return_cost"] is None
    assert row(engine, "a")["contribution"] == Decimal("44")  # 90 * 0.5 - 1


def test_no_orders_means_no_money(engine: Engine) -> None:
    ledger = ledger_of(engine, shop(engine, ["a"], None), {"a": 0}, margin_rate=0.5)
    assert (ledger.level, ledger.known) == ("none", ())


def test_a_customer_row_that_stands_twice_is_refused(engine: Engine) -> None:
    tables = shop(engine, ["a", "a"], [order("o1", "a", "100")])
    with pytest.raises(PersonasError, match="exactly one row per customer"):
        ledger_of(engine, tables, {"a": 0})


Rows = list[tuple[Any, ...]]
WON = {"search": 12.34, "friend": 0.55, "fair": 7}


def random_ledger(
    random: np.random.Generator, name: str, rows: tuple[Rows, Rows, Rows]
) -> tuple[list[str], dict[str, int]]:
    """Customers of one random shop and their segments; its orders, lines and tickets are added to ``rows``.

    Some orders lie before the window, so that these customers were won before it.
    """
    orders, lines, tickets = rows
    who = [f"{name}-{i}" for i in range(int(random.integers(1, 12)))]
    for i in range(int(random.integers(1, 25))):
        number, cents, customer = f"{name}-{i}", int(random.integers(-5_000, 50_000)), str(random.choice(who))
        inside, refunded = bool(random.random() < 0.8), bool(random.random() < 0.2)
        orders.append(order(number, customer, f"{cents / 100:.2f}", refunded=refunded, in_window=inside))
        if random.random() < 0.9:
            cost = None if random.random() < 0.03 else f"{random.integers(1, 9_999) / 100:.2f}"
            lines.append((number, customer, inside, f"{cents / 100:.2f}", "1", cost))
    for i in range(int(random.integers(0, 9))):
        minutes = str(int(random.integers(1, 90)))
        tickets.append((f"{name}-{i}", str(random.choice(who)), True, "phone", minutes, None))
    return who, {c: int(random.integers(0, 3)) for c in who if random.random() < 0.8}


def won_in_the_window(orders: Rows) -> set[str]:
    """Customers all of whose sales lie in the window."""
    sales: dict[str, list[bool]] = {}
    for _, customer, _, is_sale, _, inside, _ in orders:
        if is_sale:
            sales.setdefault(customer, []).append(inside)
    return {customer for customer, inside in sales.items() if all(inside)}


def test_segments_and_set_aside_add_up_to_the_cent_on_1000_random_ledgers(engine: Engine) -> None:
    # fifty runs of twenty shops; every shop has three segments of its own
    for run in range(50):
        random, rows = np.random.default_rng(run), ([], [], [])
        who, segments = [], {}
        for i in range(20):
            customers, own = random_ledger(random, f"s{i}", rows)
            who += customers
            segments.update({c: 3 * i + g for c, g in own.items()})
        tables = shop(engine, who, *rows, window_days=int(random.integers(30, 800)))
        # of every second customer it is recorded what winning cost, of all others the price of the channel counts
        channels = {c: str(random.choice(list(WON))) for c in who}
        recorded = {c: Decimal(int(random.integers(0, 3_000))) / 100 for c in who[::2]}
        tables = replace(tables, customers=engine.read("customers", pa.table({
            "customer_id": who, "acquired_channel": [channels[c] for c in who],
            "acquisition_cost": pa.array([recorded.get(c) for c in who], MONEY),
        })))  # fmt: skip
        ledger = ledger_of(engine, tables, segments, service_minute_cost=0.77, return_cost=3.3, margin_rate=0.31,
                           marketing_cost_per_customer=7.77, acquisition_cost=WON)  # fmt: skip
        assert ledger.level == "contribution" and "after_acquisition" in ledger.known
        sums, found = totals(engine, ledger), engine.fetch("SELECT * FROM ledger", 10_000).to_pylist()
        assert set(sums) == {*segments.values(), None}
        for segment, total in sums.items():
            own_rows = [r for r in found if r["segment"] == segment]
            assert total["customers"] == len(own_rows)
            for component in ledger.known:
                assert total[component] == sum(r[component] for r in own_rows), (run, segment, component)
        spent: dict[str, Decimal] = {}
        for _, customer, _, _, amount, inside, _ in rows[0]:
            spent[customer] = spent.get(customer, Decimal(0)) + (Decimal(amount) if inside else 0)
        new = won_in_the_window(rows[0])
        cost = {c: recorded.get(c, Decimal(str(WON[channels[c]]))) if c in new else Decimal(0) for c in who}
        for r in found:
            assert r["revenue"] == spent.get(r["customer_id"], 0)
            costs = r["service_cost"] + r["return_cost"] + r["marketing_cost"]
            assert r["contribution"] == r["gross_margin"] - costs
            assert r["acquisition_cost"] == cost[r["customer_id"]]
            assert r["after_acquisition"] == r["contribution"] - r["acquisition_cost"]
        assert sum(t["revenue"] for t in sums.values()) == sum(spent.values())
        assert sum(t["acquisition_cost"] for t in sums.values()) == sum(cost.values()) > 0
        for component in ledger.known:
            assert sum(t[component] for t in sums.values()) == sum(r[component] for r in found)


def test_the_money_of_every_number_of_segments_is_counted_from_the_same_ledger(engine: Engine) -> None:
    # a 10, b 20, c 30 and a far customer 900 who is set aside: 60 in all at every k.
    who = ["a", "b", "c", "far"]
    tables = shop(engine, who, [order(f"o{c}", c, m) for c, m in zip(who, ("10", "20", "30", "900"), strict=True)])
    customers = engine.read("features", pa.table({"customer_id": who}))
    ledger = build_ledger(engine, customers, labelled(engine, who[:3], [0, 1, 1]), tables, config())
    looked_at = tuple(Candidate("kmeans", k, 0.5, 0.0, 0.5, (1,) * k, 1.0) for k in (2, 3))
    labels = np.array([[0, 1, 1, -1], [0, 1, 2, -1]], dtype=np.int8)
    found = branches(
        engine, ledger, np.array(who), replace(segmentation(2), candidates=looked_at, labelings=labels)
    )
    assert [(b.k, b.segment, b.customers, b.money) for b in found] == [
        (2, 0, 1, 10.0), (2, 1, 2, 50.0), (3, 0, 1, 10.0), (3, 1, 1, 20.0), (3, 2, 1, 30.0),
    ]  # fmt: skip
    assert {b.what for b in found} == {"revenue"} and [b.share for b in found[:2]] == [10 / 60, 50 / 60]
    assert branches(engine, ledger, np.array(who), segmentation(2)) == ()


def test_the_money_that_a_choice_moves_counts_gains_and_losses_alike(engine: Engine) -> None:
    # Contributions: a 100 - 60 - 8 = 32, b 50 - 30 = 20, c 10 - 6 - 16 = -12: 64 without their signs. d is not drawn.
    who = ["a", "b", "c", "d"]
    bought = [("o1", "a", "100", "60"), ("o2", "b", "50", "30"), ("o3", "c", "10", "6"), ("o4", "d", "90", "0")]
    lines = [(number, of, True, value, "1", cost) for number, of, value, cost in bought]
    tickets = [("t1", "a", True, "phone", "10", None), ("t2", "c", True, "phone", "20", None)]
    orders = [order(number, of, value) for number, of, value, _ in bought]
    tables = shop(engine, who, orders, lines, tickets, without=["cost_amount"])
    labels = dict.fromkeys(who, 0)
    ledger = ledger_of(engine, tables, labels, service_minute_cost=0.8)
    rows = ({"choice": "scaled by range", "ari": 0.5}, {"choice": "k-means instead", "ari": 0.5})
    # The first moves c of all three: 12 of 64; the second was looked at with b and c and moves b: 20 of 32.
    found = replace(segmentation(2), sensitivity=rows, moved=np.array([[0, 0, 1], [-1, 1, 0]], dtype=np.int8))
    shares = moved_money(engine, ledger, np.array(who[:3]), found)
    assert shares == (("scaled by range", 12 / 64), ("k-means instead", 20 / 32))
    told = with_moved_money(found, shares).sensitivity
    assert [row["contribution_moved_share"] for row in told] == [12 / 64, 20 / 32]
    assert moved_money(engine, ledger, np.array(who[:3]), segmentation(2)) == ()
    # Without the cost of service contribution is unknown, and so is what moves.
    unknown = ledger_of(engine, tables, labels)
    assert moved_money(engine, unknown, np.array(who[:3]), found) == ()


def test_winning_a_customer_is_counted_once_in_the_window_of_the_first_order(engine: Engine) -> None:
    # margin 40 and 20, service 0. a is new and cost 15: 25 are left; b bought before the window: nothing is counted
    old = order("o0", "b", "50", date(2024, 1, 1), in_window=False)
    lines = [("o1", "a", True, "100", "1", "60"), ("o2", "b", True, "50", "1", "30")]
    tables = shop(engine, ["a", "b"], [order("o1", "a", "100"), old, order("o2", "b", "50")], lines)
    cost = pa.table({"customer_id": ["a", "b"], "acquisition_cost": pa.array([Decimal("15"), Decimal("9")], MONEY)})
    known = replace(tables, customers=engine.read("customers", cost))
    ledger = ledger_of(engine, known, {"a": 0, "b": 0}, service_minute_cost=0)
    assert ledger.level == "contribution" and "after_acquisition" in ledger.known
    a, b = row(engine, "a"), row(engine, "b")
    assert (a["contribution"], a["acquisition_cost"], a["after_acquisition"]) == (Decimal(40), Decimal(15), Decimal(25))
    assert (b["contribution"], b["acquisition_cost"], b["after_acquisition"]) == (Decimal(20), Decimal(0), Decimal(20))
    sums = totals(engine, ledger)
    assert sums[0]["after_acquisition"] == sums[0]["contribution"] - sums[0]["acquisition_cost"] == Decimal(45)


def test_the_cost_of_winning_comes_from_the_configuration_by_channel_or_stays_unknown(engine: Engine) -> None:
    who, lines = ["a", "b"], [("o1", "a", True, "100", "1", "60"), ("o2", "b", True, "50", "1", "30")]
    tables = shop(engine, who, [order("o1", "a", "100"), order("o2", "b", "50")], lines)
    channels = engine.read("customers", pa.table({"customer_id": who, "acquired_channel": ["Search", "friend"]}))
    known = replace(tables, customers=channels)
    prices = {"search": 12, "friend": 3}
    both = ledger_of(engine, known, {"a": 0, "b": 0}, service_minute_cost=0, acquisition_cost=prices)
    assert both.level == "contribution" and row(engine, "a")["acquisition_cost"] == Decimal(12)
    assert row(engine, "b")["after_acquisition"] == Decimal(17)  # 50 - 30 - 3
    half = ledger_of(engine, known, {"a": 0, "b": 0}, service_minute_cost=0, acquisition_cost={"search": 12})
    assert "acquisition-unknown" in codes(half) and row(engine, "a")["after_acquisition"] is None
    assert "after_acquisition" not in ledger_of(engine, known, {"a": 0, "b": 0}, service_minute_cost=0).known
