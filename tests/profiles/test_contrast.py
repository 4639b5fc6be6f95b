"""Effects against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from personas.profiles.contrast import cliffs_delta, lift, phi


def brute(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Cliff's delta and its unbiased variance by the n x m matrix of signs."""
    signs = np.sign(x[:, None] - y[None, :])
    delta = float(signs.mean())
    n, m = signs.shape
    rows, columns = signs.mean(axis=1), signs.mean(axis=0)
    spread = m**2 * ((rows - delta) ** 2).sum() + n**2 * ((columns - delta) ** 2).sum() - ((signs - delta) ** 2).sum()
    return delta, float(spread / (n * m * (n - 1) * (m - 1)))


@pytest.mark.parametrize("seed", range(25))
def test_cliffs_delta_equals_the_count_of_all_pairs(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(0, 12, random.integers(2, 60)).astype(float)
    y = random.integers(0, 9, random.integers(2, 60)).astype(float)
    found = cliffs_delta(np.append(x, np.nan), np.append(np.nan, y))
    assert found is not None
    delta, variance = brute(x, y)
    assert found.value == pytest.approx(delta, abs=1e-12)
    # Feng and Cliff's interval from the brute variance, unless the floor of the variance bites
    floor = (1 - delta**2) / (len(x) * len(y) - 1)
    v, z = max(variance, floor), 1.959963984540054
    half = z * np.sqrt(v) * np.sqrt((1 - delta**2) ** 2 + z * z * v)
    bottom = 1 - delta**2 + z * z * v
    assert found.low == pytest.approx(max(-1, (delta - delta**3 - half) / bottom), abs=1e-9)
    assert found.high == pytest.approx(min(1, (delta - delta**3 + half) / bottom), abs=1e-9)


def test_complete_separation_is_one_and_swaps_sign() -> None:
    high = cliffs_delta(np.array([3.0, 4.0]), np.array([1.0, 2.0]))
    low = cliffs_delta(np.array([1.0, 2.0]), np.array([3.0]))
    assert high is not None and high.value == 1.0
    assert low is not None and low.value == -1.0


def test_nobody_to_compare_with_gives_nothing() -> None:
    assert cliffs_delta(np.array([1.0]), np.array([np.nan])) is None


def test_the_interval_of_delta_covers_a_known_effect() -> None:
    # X ~ N(0.5, 1), Y ~ N(0, 1): delta = 2 Phi(0.5 / sqrt 2) - 1 = 0.27633
    random, hits = np.random.default_rng(0), 0
    for _ in range(300):
        found = cliffs_delta(random.normal(0.5, 1, 60), random.normal(0, 1, 80))
        assert found is not None
        hits += found.low <= 0.27633 <= found.high
    assert 0.915 <= hits / 300 <= 0.985


def test_phi_is_the_correlation_of_two_indicators() -> None:
    # 30 of 40 inside, 10 of 60 outside
    group = np.repeat([1, 1, 0, 0], [30, 10, 10, 50])
    level = np.repeat([1, 0, 1, 0], [30, 10, 10, 50])
    found = phi(30, 40, 10, 60, np.random.default_rng(1))
    assert found.value == pytest.approx(np.corrcoef(group, level)[0, 1], abs=1e-12)
    # bootstrap of a correlation of 0.583 with n = 100: standard error near 0.08
    assert 0.35 < found.low < 0.50 < 0.65 < found.high < 0.78


def test_phi_of_a_level_everybody_has_is_zero() -> None:
    assert phi(10, 10, 20, 20, np.random.default_rng(1)).value == 0.0


def test_lift_is_unknown_when_nobody_outside_has_the_level() -> None:
    assert lift(0.3, 0.1) == pytest.approx(3.0, abs=1e-12)
    assert lift(0.3, 0.0) is None
