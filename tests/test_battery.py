"""The bounded test battery: the cheaper rows of tests/battery.py with few seeds and the quick protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import ALL, Outcome, Store, calibration, interval, judge, line, report, wanted

# Seeds of each row, and how many of them must hold. ``make battery`` runs all rows with many seeds.
BOUNDED = {
    "N1": (1, 1), "N3a": (1, 1), "N7": (1, 1), "N9": (2, 2), "P1": (2, 2), "P3a": (2, 1), "P4": (1, 1), "P11": (1, 1),
    "I5a": (1, 1), "I7": (1, 1), "R1": (1, 1), "R3": (1, 1), "K-hepta": (1, 1),
}  # fmt: skip


@pytest.mark.parametrize("code", BOUNDED)
def test_a_row_of_the_battery_holds_often_enough(code: str) -> None:
    seeds, least = BOUNDED[code]
    outcomes = [judge(code, seed, "quick") for seed in range(seeds)]
    assert sum(outcome.holds for outcome in outcomes) >= least, outcomes


def test_the_interval_of_a_rate_is_wilsons() -> None:
    # 10 of 10: from n / (n + z^2) = 10 / 13.8416 = 0.7225 to 1.
    low, high = interval(10, 10)
    assert abs(low - 0.7225) <= 1e-4 and abs(high - 1.0) <= 1e-12


def test_a_rate_is_met_only_when_its_whole_interval_lies_above_the_target() -> None:
    def word(hits: int, n: int) -> str:
        return line(ALL["P1"], [Outcome("P1", s, "quick", s < hits, "natural 3") for s in range(n)]).split(" | ")[-2]

    # P1 asks for 95%: 100 of 100 has a lower end of 96.3%, 10 of 10 one of 72%; 60 of 100 an upper end of 69%.
    assert [word(100, 100), word(10, 10), word(96, 100), word(60, 100)] == ["met", "no failure", "open", "**missed**"]


def test_an_interrupted_run_goes_on_and_results_of_other_code_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "battery.json"
    Store(file, "this").add(Outcome("P1", 0, "quick", True, "natural 3"))
    again = Store(file, "this")
    again.add(Outcome("P1", 1, "quick", False, "natural 2"))
    assert [(o.seed, o.holds) for o in Store(file, "this").of(ALL["P1"], "quick")] == [(0, True), (1, False)]
    assert not Store(file, "other").outcomes and len(Store(file, "other", keep=True).outcomes) == 2
    told = report(again, "quick")
    assert "| P1 | 3 groups 5 apart, n 400 | natural 3 | 95% | 2 | 50% |" in told
    assert "natural 3 (1), natural 2 (1)" in told


def test_seeds_go_round_before_rows_and_real_data_have_few() -> None:
    assert wanted("P12,R1", 4)[:4] == [("P12a", 0), ("P12b", 0), ("R1", 0), ("P12a", 1)]
    assert [seed for code, seed in wanted("R1", 10) if code == "R1"] == [0, 1, 2]


def test_p_values_that_crowd_near_zero_are_not_called_uniform() -> None:
    even = [Outcome("KS", s, "quick", True, "", (s + 0.5) / 40) for s in range(40)]
    crowded = [Outcome("KS", s, "quick", True, "", (s + 0.5) / 400) for s in range(40)]
    # Of 40 even values 2 are up to 0.05, of values up to 0.1 half are.
    assert "p up to 0.05 in 5.0%" in calibration(even) and "p 1.000" in calibration(even)
    assert "p up to 0.05 in 50.0%" in calibration(crowded) and "p 0.000" in calibration(crowded)
