"""Intervals against figures worked out by hand and against coverage in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from personas.profiles.intervals import (
    Spread,
    Use,
    bootstrap,
    is_dominated,
    median_interval,
    resampling_weights,
    skewness,
    spreads,
    stream,
    wilson,
)


def one(x: list[float], replicates: int = 599, seed: int = 1) -> Spread:
    column = np.array(x, dtype=np.float64)[:, None]
    known = int(np.isfinite(column).sum())
    return spreads(column, np.array([known]), replicates, stream(seed, 11, 0))[0]


def test_wilson_gives_the_textbook_interval_for_8_of_10() -> None:
    # centre (0.8 + 3.8415/20) / 1.38415 = 0.71674; half 1.95996/1.38415 * sqrt(0.016 + 3.8415/400) = 0.22658
    found = wilson(8, 10)
    assert (found.value, found.n) == (0.8, 10)
    assert found.low == pytest.approx(0.49016, abs=1e-5)
    assert found.high == pytest.approx(0.94332, abs=1e-5)


def test_wilson_keeps_certain_ends_at_0_and_1() -> None:
    assert wilson(0, 20).low == 0.0
    assert wilson(20, 20).high == 1.0


def test_a_mean_of_five_gets_students_t_and_says_so() -> None:
    # values 1..5: sd = sqrt(2.5), se = sqrt(0.5) = 0.70711, t(4) = 2.77645, half width 1.96325
    estimate = one([1, 2, 3, 4, 5]).around(3.0, "x", 5)
    assert estimate.low == pytest.approx(3 - 1.96325, abs=1e-4)
    assert estimate.high == pytest.approx(3 + 1.96325, abs=1e-4)
    assert estimate.basis == "t, 95%, fewer than 30 customers"


def test_customers_who_are_all_alike_have_no_spread() -> None:
    estimate = one([0.1] * 40).around(0.1, "x", 40)
    assert (estimate.low, estimate.high, estimate.basis) == (0.1, 0.1, "all customers alike")


def test_one_customer_and_nobody_are_named() -> None:
    assert one([4.0]).basis == "one customer"
    assert one([math.nan]).basis == "nobody"


def test_unknown_values_do_not_count() -> None:
    x = [float(i) for i in range(40)]
    assert one([*x, *[math.nan] * 9], seed=5).se == pytest.approx(np.std(x, ddof=1) / math.sqrt(40), abs=1e-12)


def test_too_many_replicates_without_spread_give_students_t() -> None:
    # 1 of 40 differs: a resample misses it with probability (39/40)^40 = 0.36
    assert one([1.0] + [0.0] * 39).basis == "t, 95%"


def test_the_interval_of_a_skewed_mean_reaches_further_up_than_down() -> None:
    x = np.exp(np.random.default_rng(0).normal(0, 1.5, 200))
    estimate = one(x.tolist(), 1999).around(float(x.mean()), "x", 200)
    assert estimate.basis == "bootstrap-t, 95%"
    assert estimate.high - estimate.value > 1.15 * (estimate.value - estimate.low)


@pytest.mark.parametrize(("shape", "farther"), [(0.2, "hall"), (50.0, "t")])
def test_the_ends_are_the_farther_ones_of_t_and_halls_statistic_one_by_one(shape: float, farther: str) -> None:
    x = np.random.default_rng(4).gamma(shape, size=35)
    t, hall = [], []
    for weights in resampling_weights(35, 599, stream(9, 11, 0)):
        for row in weights:
            drawn = np.repeat(x, row.astype(int))
            s, g = (drawn.mean() - x.mean()) / drawn.std(ddof=1), skewness(drawn)
            t.append(s * math.sqrt(35))
            hall.append(math.sqrt(35) * (s + g * s**2 / 3 + g**2 * s**3 / 27 + g / (6 * 35)))

    def back(y: float) -> float:
        """Hall 1992: s = 3 / g ((1 + g (y - g / 6n))^(1/3) - 1) with y and s in standard deviations."""
        g = skewness(x)
        return math.sqrt(35) * 3 / g * (np.cbrt(1 + g * (y / math.sqrt(35) - g / 210)) - 1)

    t, hall = sorted(t), sorted(hall)
    found = one(x.tolist(), 599, seed=9)
    # of 599 the ceil(0.025 * 600) = 15th and the ceil(0.975 * 600) = 585th
    assert found.low_t == pytest.approx(min(t[14], back(hall[14])), abs=1e-6)
    assert found.high_t == pytest.approx(max(t[584], back(hall[584])), abs=1e-6)
    assert farther == ("hall" if back(hall[14]) < t[14] else "t")


def test_bootstrap_t_covers_a_lognormal_mean_as_measured_in_the_method() -> None:
    # method 9.10: 91% at sigma 1, n = 100; 200 runs have a standard error of 2 points
    truth, random, hits = math.exp(0.5), np.random.default_rng(7), 0
    for run in range(200):
        x = np.exp(random.normal(size=100))
        estimate = one(x.tolist(), seed=run).around(float(x.mean()), "x", 100)
        hits += estimate.low <= truth <= estimate.high
    assert 0.87 <= hits / 200 <= 0.98


def test_many_columns_at_once_give_the_same_as_alone_within_a_stream() -> None:
    x = np.random.default_rng(3).gamma(2, size=(50, 2))
    both = spreads(x, np.array([50, 50]), 599, stream(0, 11, 0))
    alone = spreads(x[:, :1], np.array([50]), 599, stream(0, 11, 0))
    assert both[0].low_t == pytest.approx(alone[0].low_t, abs=1e-9)


def test_a_sample_of_more_customers_has_the_error_of_all_of_them() -> None:
    x = np.random.default_rng(3).gamma(2, size=(100, 1))
    quarter = spreads(x, np.array([400]), 599, stream(0, 11, 0))[0]
    whole = spreads(x, np.array([100]), 599, stream(0, 11, 0))[0]
    assert quarter.se == pytest.approx(whole.se / 2, abs=1e-12)


def test_the_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    # P(Binomial(10, 1/2) <= 1) = 0.0107 <= 0.025 < 0.0547 = P(<= 2), so ranks 2 and 9
    assert median_interval(np.arange(1.0, 11.0)) == (2.0, 9.0)


def test_the_median_of_three_is_only_known_within_the_range() -> None:
    assert median_interval(np.array([1.0, 5.0, 9.0])) == (1.0, 9.0)


def test_resampled_means_spread_like_the_standard_error_small_and_large() -> None:
    random = np.random.default_rng(2)
    for n in (400, 6_000):
        x = random.normal(5, 2, size=(n, 2)) @ np.array([[1.0, 0.9], [0.0, 0.4]])
        found, means = bootstrap(x, np.array([n, n]), 999, stream(0, 11, 0))
        assert found[0].basis == ("bootstrap-t, 95%" if n == 400 else "t, 95%")
        assert means.mean(axis=0) == pytest.approx(x.mean(axis=0), abs=0.02)
        assert means.std(axis=0) == pytest.approx(x.std(axis=0) / math.sqrt(n), rel=0.1)
        # columns are resampled together: their means correlate like the columns, 0.9 / sqrt(0.9^2 + 0.4^2) = 0.914
        assert np.corrcoef(means.T)[0, 1] == pytest.approx(0.914, abs=0.03)


def test_streams_of_two_groups_differ_and_repeat() -> None:
    first = stream(1, 11, -1).integers(0, 1000, 5).tolist()
    assert first == stream(1, 11, -1).integers(0, 1000, 5).tolist()
    assert first != stream(1, 11, 0).integers(0, 1000, 5).tolist()


def test_domination_and_skewness() -> None:
    assert is_dominated(np.array([51.0, 30.0, 19.0]))
    assert not is_dominated(np.array([50.0, 30.0, 20.0]))
    # (0, 0, 3): mean 1, third moment (8 - 1 - 1)/3 = 2, variance 2, so 2 / 2^1.5 = 0.70711
    assert skewness(np.array([0.0, 0.0, 3.0])) == pytest.approx(0.70711, abs=1e-5)


def test_a_use_that_numbers_its_draws_never_meets_another() -> None:
    assert all(use < 1000 or use % 1000 == 0 for use in Use)
    first = stream(1, 11, 0, Use.RFM + 10).integers(0, 1000, 5).tolist()
    assert all(first != stream(1, 11, 0, use).integers(0, 1000, 5).tolist() for use in Use)
