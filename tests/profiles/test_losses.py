"""Who loses money and which cost it is; what moving service changes; whom to help first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from personas.config import EconomicsConfig
from personas.engines import Engine, open_engine
from personas.errors import ConfigError
from personas.estimate import Estimate, exact
from personas.profiles.economics import money
from personas.profiles.facts import EVERYONE
from personas.profiles.ledger import build_ledger, totals
from personas.profiles.losses import losses
from personas.profiles.records import Economics, Profile
from personas.profiles.service import channel_moves, service_order
from tests.profiles.fixture import config, labelled, order, shop

WHO = ["a", "b", "c", "d"]
ORDERS = [
    order("o1", "a", "100"), order("o2", "b", "20"), order("r2", "b", "-10"), order("o3", "c", "10"),
    order("o4", "d", "30"),
]  # fmt: skip
# each line costs half of its price but for c, whose goods are sold for 10 and cost 70
LINES = [("o1", "a", True, "100", "1", "50"), ("o2", "b", True, "20", "1", "10"), ("o3", "c", True, "10", "1", "70"),
         ("o4", "d", True, "30", "1", "15")]  # fmt: skip
TICKETS = [("t1", "a", True, "phone", "10", None), ("t2", "d", True, "Phone", "40", None),
           ("t3", "d", True, "chat", "5", None)]  # fmt: skip
COSTS: dict[str, Any] = {"service_minute_cost": 1, "return_cost": 12, "marketing_cost_per_customer": 4}
SIZES = {EVERYONE: 4, 0: 2, 1: 2}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def ledger_of(engine: Engine, **economics: Any) -> Any:
    tables = shop(engine, WHO, ORDERS, LINES, TICKETS, without=["cost_amount"])
    labels = labelled(engine, WHO, [0, 0, 1, 1])
    study = config(**{**COSTS, **economics})
    return tables, study, build_ledger(engine, tables.customers, labels, tables, study)


def test_each_losing_customer_counts_for_its_largest_cost(engine: Engine) -> None:
    # a: 100 - 50 - 10 - 4 = 36. b: 10 - 5 - 12 - 4 = -11 (returns 12). c: 10 - 70 - 4 = -64 (60 below cost).
    # d: 30 - 15 - 45 - 4 = -34 (service 45).
    tables, _, ledger = ledger_of(engine)
    found = losses(engine, ledger, tables, SIZES)
    assert (found[0].customers, found[0].total, found[0].cause) == (1, -11.0, "returns")
    assert dict(found[0].causes) == {"returns": 12.0, "marketing": 4.0}
    assert (found[1].customers, found[1].total, found[1].cause) == (2, -98.0, "below_cost")
    assert dict(found[1].counts) == {"below_cost": 1, "service": 1}
    assert found[EVERYONE].customers == 3 and found[EVERYONE].total == -109.0
    assert found[EVERYONE].share.value == 0.75
    assert found[0].not_earned_back is None  # nobody knows what winning a customer cost


def test_without_contribution_nobody_is_said_to_lose(engine: Engine) -> None:
    tables = shop(engine, WHO, ORDERS)
    ledger = build_ledger(engine, tables.customers, labelled(engine, WHO, [0, 0, 1, 1]), tables, config())
    assert losses(engine, ledger, tables, SIZES) == {}


def test_moving_service_gains_the_difference_of_the_prices_on_the_minutes_of_other_channels(engine: Engine) -> None:
    # at 0.4 a minute by chat: a gains 10 * 0.6 = 6, d 40 * 0.6 = 24; d's chat stays where it is
    tables, study, ledger = ledger_of(engine, what_if={"service_channel": "Chat", "minute_cost": 0.4})
    economics, sums = study.economics, totals(engine, ledger)
    worth, _ = money(engine, ledger, sums, SIZES, "EUR", 365, 3, 100)
    contribution = {g: worth[g].economics.contribution for g in SIZES}
    found, notices, assumed = channel_moves(engine, ledger, tables, economics, SIZES, contribution, 3)
    assert not notices
    assert [found[g].total for g in (0, 1, EVERYONE)] == [6.0, 24.0, 30.0]
    assert (found[1].tickets, found[1].minutes, found[1].gain.value) == (1, 40.0, 12.0)
    assert found[1].contribution == -98 / 2 + 12
    assert assumed[0].what == "service moved to chat" and assumed[0].words.startswith("{} a minute")
    assert assumed[0].amounts[0].value == 0.4


def test_a_channel_without_a_price_is_refused_in_words(engine: Engine) -> None:
    tables, _, ledger = ledger_of(engine)
    economics = EconomicsConfig(service_minute_cost=1, what_if={"service_channel": "chat"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"economics\.what_if\.minute_cost"):
        channel_moves(engine, ledger, tables, economics, SIZES, {}, 3)


def test_a_price_by_channel_is_enough(engine: Engine) -> None:
    prices = {"phone": 1.0, "chat": 0.25}
    tables, study, ledger = ledger_of(engine, service_minute_cost=prices, what_if={"service_channel": "chat"})
    found, _, _ = channel_moves(engine, ledger, tables, study.economics, SIZES, {}, 3)
    assert found[EVERYONE].total == 50 * 0.75


def profile(segment: int, value: float, half: float) -> Profile:
    stake = Estimate(value, value - half, value + half, "EUR/year", 100, "bootstrap-t, 95%")
    economics = Economics("contribution", revenue=stake, contribution=stake)
    return Profile(segment, exact(100, "customers", 100), exact(0.5, "share", 100), {}, economics)


def test_the_order_of_service_is_by_contribution_and_equal_where_intervals_meet() -> None:
    turns = service_order([profile(0, 90, 2), profile(1, 400, 10), profile(2, 395, 10), profile(3, -5, 1)])
    assert [(t.segment, t.rank, t.floor) for t in turns] == [
        (1, 1, False), (2, 1, False), (0, 3, False), (3, 4, True)
    ]  # fmt: skip


def test_where_contribution_is_unknown_for_one_the_order_is_by_what_all_have() -> None:
    known, unknown = profile(0, 10, 1), profile(1, 20, 1)
    unknown = replace(unknown, economics=replace(unknown.economics, contribution=None))
    assert [t.segment for t in service_order([known, unknown])] == [1, 0]
    assert service_order([]) == ()
