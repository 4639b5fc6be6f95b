"""Plans of tests, who is treated, and what came out."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from scipy.stats import ttest_ind

from personas.profiles.experiment import assign_arms, measured_effect, plan_test


def test_the_plan_is_the_textbook_number_of_customers() -> None:
    # orders alike for everybody at 12 a year: variance is the mean. A tenth, 1.2 a year, in w weeks:
    # n = 2 * 2.8016^2 * 12 w/52 / (1.2 w/52)^2 = 130.8 * 52 / w. 4 weeks 1701, 8 weeks 851, 13 weeks 524, 26 weeks 262
    plan = plan_test(1100, np.full(1100, 12.0), 365, None, None)
    assert (plan.weeks, plan.per_arm, plan.too_small, plan.pays) == (13, 524, False, None)
    assert abs(plan.worth_seeing - 1.2) < 1e-12
    assert plan.visible <= 1.2 and abs(plan.visible - 1.2) < 0.01


def test_an_effect_that_pays_is_worth_seeing_when_it_is_more_than_a_tenth() -> None:
    # 30 for an action over 10 an order: 3 more orders a year
    plan = plan_test(1000, np.full(1000, 12.0), 365, 30.0, 10.0)
    assert (plan.worth_seeing, plan.pays) == (3.0, 3.0)


def test_too_few_customers_are_told_what_they_would_show() -> None:
    # 50 in each arm, a year, variance 4: 2.8016 * sqrt(2 * 4 / 50) = 1.1206
    plan = plan_test(100, np.full(100, 4.0), 365, None, None)
    assert plan.too_small and plan.per_arm == 50 and plan.weeks == 52
    assert abs(plan.visible - 1.1206) < 1e-3 and plan.visible > plan.worth_seeing


def test_customers_who_differ_need_larger_arms() -> None:
    same = plan_test(100_000, np.full(1000, 10.0), 365, None, None)
    differ = plan_test(100_000, np.tile([2.0, 18.0], 500), 365, None, None)
    assert differ.per_arm > same.per_arm


def test_the_planned_test_sees_the_effect_in_four_of_five() -> None:
    plan, random, seen = plan_test(4000, np.full(4000, 6.0), 365, None, None), np.random.default_rng(0), 0
    share = plan.weeks / 52
    for _ in range(400):
        a = random.poisson((6 + plan.worth_seeing) * share, plan.per_arm)
        b = random.poisson(6 * share, plan.per_arm)
        error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        seen += abs(a.mean() - b.mean()) > 1.96 * error
    assert abs(seen / 400 - 0.8) < 0.06  # three standard errors of a share of 400


def test_arms_are_halves_that_do_not_depend_on_the_order_of_the_list() -> None:
    who = [f"c{i}" for i in range(1001)]
    arms = assign_arms(who, "letter", 7)
    assert Counter(arms.values()) == {"treated": 500, "control": 500, "none": 1}
    assert assign_arms(who[::-1], "letter", 7) == arms
    assert Counter(assign_arms(who, "letter", 7, per_arm=40).values())["treated"] == 40
    other = assign_arms(who, "call", 7)
    both = sum(arms[c] == other[c] == "treated" for c in who)
    assert 200 < both < 300  # independent: about 250


def test_the_measured_effect_covers_the_planted_one() -> None:
    random, covered = np.random.default_rng(3), 0
    for seed in range(100):
        treated, control = random.lognormal(0, 1, 200) + 0.5, random.lognormal(0, 1, 200)
        effect = measured_effect(treated, control, "EUR", seed)
        covered += effect.low <= 0.5 <= effect.high
    assert covered >= 88  # 95 less three standard errors


@pytest.mark.parametrize("n", [2, 10])
def test_few_customers_get_the_interval_of_welch_and_it_says_so(n: int) -> None:
    treated, control = np.arange(n) + 1.0, np.arange(n + 3) * 2.0
    effect = measured_effect(treated, control, "EUR", 0)
    known = ttest_ind(treated, control, equal_var=False).confidence_interval()
    assert np.allclose((effect.low, effect.high), (known.low, known.high)) and effect.basis == "Welch, 95%, few"


def test_large_arms_get_the_interval_of_welch_without_resampling() -> None:
    random = np.random.default_rng(1)
    treated, control = random.normal(1, 1, 6000), random.normal(0, 3, 7000)
    effect = measured_effect(treated, control, "EUR", 0)
    known = ttest_ind(treated, control, equal_var=False).confidence_interval()
    assert np.allclose((effect.low, effect.high), (known.low, known.high)) and effect.basis == "Welch, 95%"


def test_where_resamples_have_no_spread_the_interval_stays_finite() -> None:
    # One of 30 ordered in either arm: both are left out of (29/30)^60 = 13% of the resamples.
    treated, control = np.zeros(30), np.zeros(30)
    treated[0], control[0] = 3.0, 1.0
    effect = measured_effect(treated, control, "EUR", 0)
    assert effect.basis == "Welch, 95%" and -1 < effect.low < effect.value < effect.high < 1


def test_resamples_are_never_all_held_at_once() -> None:
    random = np.random.default_rng(2)
    treated, control = random.lognormal(0, 1, 5000), random.lognormal(0, 1, 5000)
    tracemalloc.start()
    effect = measured_effect(treated, control, "EUR", 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 1,999 resamples of one arm are 80 MB; a block of them is 32 MB, with the block before, draws and counts beside it.
    assert effect.basis == "bootstrap-t, 95%" and peak < 150e6


@pytest.mark.parametrize("window_days", [180, 730])
def test_what_chance_alone_does_over_the_window_is_no_difference_of_customers(window_days: int) -> None:
    # Everybody orders 6 times a year by chance; counts of the window, a year's worth of each. A tenth of 6 in a year
    # takes 2 * 2.8016^2 * 6 / 0.6^2 = 262 in each arm, whatever the window.
    orders = np.random.default_rng(4).poisson(6 * window_days / 365, 200_000) * 365 / window_days
    plan = plan_test(200_000, orders, window_days, None, None)
    arms = plan.per_arm * plan.weeks / 52
    assert abs(arms / 262 - 1) < 0.05
