"""Lifetime value: the published CDNOW figures, the hold-out beside the naive rule, closed forms, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from personas.config import EconomicsConfig
from personas.engines import Engine, Table, open_engine
from personas.profiles.lifetime import (
    BgNbd,
    _averaged,
    _bgnbd,
    _Counted,
    _gamma_gamma,
    discounted,
    expected_purchases,
    expected_value,
    fit_bgnbd,
    fit_gamma_gamma,
    probability_alive,
)
from personas.profiles.repeat import Repeats, days_sql, forecast, read_repeats
from personas.sources.canonical import Tables
from tests.conftest import shared_data
from tests.profiles.fixture import labelled, order, shop

END = date(1998, 7, 1)
NOBODY = np.full(1, np.nan)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def cdnow(engine: Engine) -> tuple[Tables, Table]:
    """The sample of 2,357 customers as orders, everybody in one segment."""
    lines = (shared_data() / "cdnow" / "CDNOW_sample.txt").read_text(encoding="ascii").split("\n")
    rows = [line.split() for line in lines if line.strip()]
    orders = [
        order(str(i), who, amount, date(int(day[:4]), int(day[4:6]), int(day[6:])), is_sale=True)
        for i, (_, who, day, _, amount) in enumerate(rows)
    ]
    who = sorted({row[1] for row in rows})
    return at(shop(engine, who, orders), END), labelled(engine, who, [0] * len(who))


def at(tables: Tables, end: date) -> Tables:
    return Tables(**{**{name: getattr(tables, name) for name in tables.__slots__}, "snapshot_date": end})


@pytest.fixture(scope="module")
def calibration(engine: Engine, cdnow: tuple[Tables, Table]) -> Repeats:
    tables, labels = cdnow
    assert tables.orders is not None
    engine.make("lifetime_days", days_sql(tables.orders.name))
    return read_repeats(engine, labels, date(1997, 10, 1))


@pytest.fixture(scope="module")
def model(calibration: Repeats) -> BgNbd:
    return fit_bgnbd(calibration.x, calibration.t_x, calibration.T)


def test_bg_nbd_gives_the_published_parameters_of_cdnow(calibration: Repeats, model: BgNbd) -> None:
    # Fader, Hardie and Lee 2005: .243, 4.414, .793, 2.426, log-likelihood -9582.4
    assert len(calibration.x) == 2357
    assert calibration.x.sum() == 2457 and (calibration.x == 0).sum() == 1411
    assert abs(model.r - 0.24259) < 3e-4
    assert abs(model.alpha - 4.41353) < 5e-3
    assert abs(model.a - 0.79289) < 1e-3
    assert abs(model.b - 2.42575) < 3e-3
    assert abs(model.log_likelihood + 9582.4256) < 0.01


def test_gamma_gamma_gives_the_published_parameters_of_cdnow(calibration: Repeats) -> None:
    rows = (calibration.x > 0) & (calibration.z > 0)
    x, z = calibration.x[rows], calibration.z[rows]
    spend = fit_gamma_gamma(x, z)
    assert len(x) == 946
    assert abs(spend.p - 6.2488) < 0.006 and abs(spend.q - 3.7446) < 0.004 and abs(spend.gamma - 15.4477) < 0.016
    assert abs(spend.log_likelihood + 4055.923) < 0.05
    assert abs(np.corrcoef(x, z)[0, 1] - 0.1139) < 1e-4
    # p gamma / (q - 1) = 35.17
    assert abs(expected_value(spend, np.zeros(1), np.zeros(1))[0] - 35.171) < 0.01


def test_expected_purchases_and_the_chance_to_be_alive_are_those_of_the_paper(model: BgNbd) -> None:
    x, t_x, T = np.array([2.0, 0.0]), np.array([30.43, 0.0]), np.array([38.86, 38.86])
    assert np.allclose(expected_purchases(model, x, t_x, T, 39), [1.22591, 0.19478], atol=2e-4)
    assert np.allclose(probability_alive(model, x, t_x, T), [0.72661, 1.0], atol=2e-4)


def test_the_hold_out_of_cdnow_is_12_percent_low_beside_a_naive_rule_31_percent_high(
    engine: Engine, cdnow: tuple[Tables, Table]
) -> None:
    whole, found, values, notices, _ = forecast(engine, cdnow[1], cdnow[0], EconomicsConfig(), {0: 1.0}, NOBODY, 3)
    check = whole.hold_out
    assert check is not None and check.error is not None and check.naive_error is not None
    assert check.weeks == 39 and check.actual == 1882 and check.naive == 2457
    assert abs(check.error + 0.121) < 0.005
    assert abs(check.naive_error - 0.306) < 0.001
    assert not whole.refused and found[0].hold_out is not None
    # every fifth dollar of 3 years is not worth less than one order (35) times one purchase or more than ten
    value = values[0]
    assert value.low < value.value < value.high and 35 < value.value < 350 and value.unit == "EUR"
    assert value.basis == "bootstrap-t, parameters and hold-out, 95%"
    assert {n.code for n in notices} == {"lifetime-model"}


def test_the_two_ways_to_expected_purchases_agree_where_both_work() -> None:
    x, T = np.array([0.0, 1, 5, 20]), np.full(4, 40.0)
    t_x = np.array([0.0, 10, 38, 39])
    own = BgNbd(0.3, 5.0, 6.0, 40.0, 0.0, np.zeros((4, 4)))
    expanded = expected_purchases(own, x, t_x, T, 39)
    assert np.allclose(expanded, probability_alive(own, x, t_x, T) * _averaged(own, x, T, [39])[:, 0], rtol=1e-4)


def test_purchases_of_customers_who_hardly_stop_are_finite() -> None:
    # a of 500 and b of 150,000: the chance to stop is 0.3% for everybody, and 20 in 80 weeks goes on at about 0.25
    own = BgNbd(4.0, 27.0, 500.0, 150_000.0, 0.0, np.zeros((4, 4)))
    value = expected_purchases(own, np.array([20.0]), np.array([79.0]), np.array([80.0]), 52.0)[0]
    assert abs(value - 52 * 24 / 107) < 0.6


def test_discounted_value_of_a_constant_margin_is_the_closed_form() -> None:
    # m r / (1 + d - r) = 10 * 0.8 / 0.3 = 26.6667
    margins = 10 * 0.8 ** np.arange(1, 400, dtype=np.float64)[None, :]
    assert abs(discounted(margins, 0.1)[0] - 10 * 0.8 / 0.3) < 1e-9
    assert abs(discounted(margins[:, :5], 0.0)[0] - margins[0, :5].sum()) < 1e-12


def random_shop(engine: Engine, weeks: int, together: bool, customers: int = 80) -> tuple[Tables, Table]:
    """Customers who buy at random; ``together``: who buys often spends more."""
    random, start, orders = np.random.default_rng(1), date(2025, 1, 1), []
    for c in range(customers):
        rate = float(random.gamma(3.0, 0.1))
        days = np.unique(random.integers(0, 7 * weeks, max(2, int(random.poisson(rate * weeks)))))
        mean = 20 * (1 + 20 * rate) if together else 40.0
        orders += [
            order(f"{c}-{d}", f"c{c:03d}", f"{mean * random.uniform(0.8, 1.2):.2f}", start + timedelta(days=int(d)))
            for d in days
        ]
    who = sorted({row[1] for row in orders})
    return at(shop(engine, who, orders), start + timedelta(days=7 * weeks)), labelled(engine, who, [0] * len(who))


@pytest.mark.parametrize(
    ("weeks", "economics", "pauses", "said"),
    [
        (20, {}, NOBODY, "weeks, and 26 are needed"),
        (80, {"contracts": True}, NOBODY, "by contract"),
        (80, {}, np.full(50, 0.01), "fixed distances"),
    ],
)
def test_a_condition_that_fails_is_named(
    engine: Engine, weeks: int, economics: dict[str, Any], pauses: Any, said: str
) -> None:
    tables, labels = random_shop(engine, weeks, together=False)
    wanted = EconomicsConfig(**economics)
    whole, found, values, notices, _ = forecast(engine, labels, tables, wanted, {0: 1.0}, pauses, 3)
    assert said in whole.refused and not found and not values
    assert [n.code for n in notices] == ["lifetime-refused"] and said in notices[0].text


def test_spend_that_goes_with_frequency_is_refused_but_the_orders_are_told(engine: Engine) -> None:
    tables, labels = random_shop(engine, 100, together=True)
    _, found, values, notices, _ = forecast(engine, labels, tables, EconomicsConfig(), {0: 0.3}, NOBODY, 3)
    assert not values and "correlation" in found[0].refused and found[0].orders is not None
    assert "lifetime-refused" in {n.code for n in notices}


def test_value_is_in_proportion_to_the_margin(engine: Engine) -> None:
    tables, labels = random_shop(engine, 100, together=False)
    one = forecast(engine, labels, tables, EconomicsConfig(), {0: 0.2}, NOBODY, 3)[2][0]
    two = forecast(engine, labels, tables, EconomicsConfig(), {0: 0.4}, NOBODY, 3)[2][0]
    assert abs(two.value / one.value - 2) < 1e-9
    longer = forecast(engine, labels, tables, EconomicsConfig(discount_rate=0.3), {0: 0.2}, NOBODY, 3)[2][0]
    assert longer.value < one.value


def test_the_slopes_that_the_search_follows_are_those_of_the_likelihood(calibration: Repeats) -> None:
    rows, h = _Counted.of(calibration.x, calibration.t_x, calibration.T), 1e-5
    repeat = (calibration.x > 0) & (calibration.z > 0)
    x, z = calibration.x[repeat], calibration.z[repeat]
    for likelihood, at in (
        (lambda logs: _bgnbd(logs, rows), np.array([-1.0, 1.5, 0.3, 0.9])),
        (lambda logs: _gamma_gamma(logs, x, z), np.array([1.5, 1.2, 2.5])),
    ):
        moved = [(likelihood(at + s)[0] - likelihood(at - s)[0]) / (2 * h) for s in np.eye(len(at)) * h]
        assert np.allclose(likelihood(at)[1], moved, rtol=1e-6)
