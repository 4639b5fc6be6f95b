"""The bounded test battery: the cheaper rows of tests/battery.py with few seeds and the quick protocol."""

from __future__ import annotations

import pytest

from tests.battery import ROWS, interval, judge

BY_CODE = {row.code: row for row in ROWS}
# Seeds of each row, and how many of them must hold. ``make battery`` runs all rows with many seeds.
BOUNDED = {
    "N1": (2, 2), "N3a": (1, 1), "N7": (2, 2), "N9": (4, 4), "P1": (3, 2), "P3a": (2, 1), "P4": (2, 1), "R1": (1, 1),
    "R2": (1, 1), "R3": (1, 1),
}  # fmt: skip


@pytest.mark.parametrize("code", BOUNDED)
def test_a_row_of_the_battery_holds_often_enough(code: str) -> None:
    seeds, least = BOUNDED[code]
    outcomes = [judge(BY_CODE[code], seed, "quick") for seed in range(seeds)]
    assert sum(outcome.holds for outcome in outcomes) >= least, outcomes


def test_the_interval_of_a_rate_is_wilsons() -> None:
    # 10 of 10: from n / (n + z^2) = 10 / 13.8416 = 0.7225 to 1.
    low, high = interval(10, 10)
    assert abs(low - 0.7225) <= 1e-4 and abs(high - 1.0) <= 1e-12
