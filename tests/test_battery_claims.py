"""A bounded version of the battery of claims and intervals: few seeds, wide bars."""

from __future__ import annotations

import numpy as np
import pytest

from tests.battery_claims import (
    ROWS,
    covers,
    defining_of_noise,
    is_claimed,
    is_covered,
    says_something_of_noise,
    verdict,
)


def test_a_planted_difference_is_claimed_and_covered() -> None:
    assert sum(is_claimed(seed) for seed in range(6)) == 6
    assert sum(is_covered(seed) for seed in range(6)) >= 5


def test_forty_unrelated_descriptors_are_hardly_ever_claimed() -> None:
    # 5% of 8 are 0.4; two or more happen in 6% of runs when the rate is exactly 5%
    assert sum(says_something_of_noise(seed) for seed in range(8)) <= 1


def test_noise_has_at_most_one_definition_a_card_on_average() -> None:
    assert np.mean([defining_of_noise(seed) for seed in range(4)]) <= 1


@pytest.mark.parametrize(("sigma", "n", "least"), [(1.0, 30, 0.84), (2.0, 100, 0.76)])
def test_intervals_of_skewed_spend_cover(sigma: float, n: int, least: float) -> None:
    # floors 0.92 and 0.85 in the long run; 80 seeds stay 2.4 standard errors above these bars
    assert np.mean([covers(sigma, n)(seed) for seed in range(80)]) >= least


def test_a_row_is_met_open_or_missed_by_its_interval() -> None:
    row = next(row for row in ROWS if row.code == "C3")  # at most 5%
    assert verdict(row, [0.0] * 99 + [1.0])[3] == "met"
    assert verdict(row, [0.0] * 93 + [1.0] * 7)[3] == "open"  # 7%: the interval begins at 3.4%
    assert verdict(row, [0.0] * 80 + [1.0] * 20)[3] == "**missed**"
