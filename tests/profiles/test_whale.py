"""The whale curve on vectors that are added up on paper."""

from __future__ import annotations

import numpy as np

from personas.profiles.whale import whale


def test_the_curve_of_the_method_peaks_at_180_percent_with_half_of_the_customers() -> None:
    # 10, 18, 15, 10: the total is 10, the peak 18
    curve = whale(np.array([-3.0, 10.0, -5.0, 8.0]), np.array([1, 0, 1, 0], dtype=np.int32), (0, 1), 4)
    assert curve is not None
    assert (curve.peak / curve.total, curve.peak_at) == (1.8, 0.5)
    assert curve.points[0] == (0.0, 0.0) and curve.points[-1] == (1.0, 10.0)
    assert (curve.losing, curve.losing_total) == (2, -8.0)
    assert curve.mix[0] == (1.0, 0.0) and curve.mix[-1] == (0.0, 1.0)


def test_rows_in_another_order_give_the_same_curve() -> None:
    random = np.random.default_rng(0)
    money, segments = random.integers(-3, 9, 500).astype(np.float64), random.integers(0, 3, 500).astype(np.int32)
    turn = random.permutation(500)
    assert whale(money, segments, (0, 1, 2), 500) == whale(money[turn], segments[turn], (0, 1, 2), 500)


def test_a_sample_stands_for_all_customers() -> None:
    curve = whale(np.array([4.0, -1.0]), np.zeros(2, dtype=np.int32), (0,), 200)
    assert curve is not None and (curve.total, curve.losing, curve.losing_total) == (300.0, 100, -100.0)


def test_nobody_has_no_curve() -> None:
    assert whale(np.zeros(0), np.zeros(0, dtype=np.int32), (0,), 0) is None
