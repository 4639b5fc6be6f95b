"""Return on service and marketing: the ratio of two means, with an interval that holds it."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from personas.estimate import Estimate
from personas.profiles.economics import _roi
from personas.profiles.intervals import stream

KNOWN = ("contribution", "service_cost", "marketing_cost")


def roi(contribution: np.ndarray, service: np.ndarray, marketing: float, seed: int = 0) -> Estimate:
    x = np.column_stack([contribution, service, np.full(len(service), marketing)])
    sums = {name: Decimal(repr(float(column.sum()))) for name, column in zip(KNOWN, x.T, strict=True)}
    found = _roi(x, KNOWN, sums, len(x), stream(seed, 11, 0, 3))
    assert found is not None
    return found


def test_the_ratio_is_that_of_the_totals_and_a_fixed_cost_scales_the_interval() -> None:
    # contributions 1..40 sum to 820, costs 5 each to 200: 4.1. With a cost that is the same for everybody the interval
    # is that of the mean contribution, 20.5, divided by 5; twice the cost: half the ratio and half as wide
    money = np.arange(1.0, 41.0)
    one, two = roi(money, np.zeros(40), 5.0), roi(money, np.zeros(40), 10.0)
    assert (round(one.value, 12), one.basis, one.unit) == (4.1, "bootstrap-t, 95%", "ratio")
    assert abs(two.low - one.low / 2) < 1e-9 and abs(two.high - one.high / 2) < 1e-9
    # Student's t(39) = 2.0227 with se = sqrt(136.67 / 40) = 1.8484: 20.5 +- 3.739, close by
    assert abs(one.low - (20.5 - 3.739) / 5) < 0.05 and abs(one.high - (20.5 + 3.739) / 5) < 0.05


def test_nothing_spent_or_an_unknown_cost_has_no_return() -> None:
    x, sums = np.ones((40, 3)), {"contribution": Decimal(40), "service_cost": Decimal(0), "marketing_cost": Decimal(0)}
    assert _roi(x, KNOWN, sums, 40, stream(0, 11, 0, 3)) is None
    assert _roi(x[:, :2], KNOWN[:2], sums, 40, stream(0, 11, 0, 3)) is None


def test_the_interval_holds_the_true_return_of_skewed_spend_in_at_least_nine_of_ten_samples() -> None:
    # spend lognormal (1.0) with mean exp(0.5), a fifth of it is left; service gamma with mean 0.5 plus 0.5 marketing
    truth, random, hits = 0.2 * np.exp(0.5) / 1.0, np.random.default_rng(11), 0
    for run in range(200):
        service = random.gamma(0.5, 1.0, 80)
        hits += (found := roi(0.2 * np.exp(random.normal(size=80)), service, 0.5, run)).low <= truth <= found.high
    assert 0.90 <= hits / 200 <= 0.99
