"""The transform follows from the declared shape and the skew, and can be undone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew

from personas.features.transforms import choose, first_decile, forward, in_words, inverse, skewness

SKEWED = np.r_[np.arange(1.0, 20), 500.0]
EVEN = np.arange(1.0, 21)


def test_skewness_equals_the_adjusted_fisher_pearson_formula() -> None:
    draw = np.random.default_rng(0)
    for values in (draw.lognormal(size=50), draw.normal(size=7), SKEWED):
        assert skewness(values) == pytest.approx(float(skew(values, bias=False)), abs=1e-12)
    assert skewness(np.array([1.0, 2.0])) == 0
    assert skewness(np.full(9, 0.1)) == 0


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        (SKEWED, "count", "log1p"),
        (EVEN, "count", "none"),
        (SKEWED, "amount", "log_ratio"),
        (EVEN, "amount", "none"),
        (SKEWED - 5, "signed", "signed_log"),
        (-SKEWED, "signed", "signed_log"),
        (EVEN - 10, "signed", "none"),
        (SKEWED, "signed", "log_ratio"),
        (SKEWED - 5, "amount", "signed_log"),  # declared as an amount, but found negative
        (SKEWED, "share", "none"),
        (SKEWED, "score", "none"),
        (SKEWED, "number", "none"),
    ],
)
def test_the_shape_and_the_skew_choose_the_transform(values: np.ndarray, shape: str, expected: str) -> None:
    assert choose(values, shape)[0] == expected


def test_only_a_skew_above_one_is_transformed() -> None:
    for last, expected in [(31.0, "none"), (32.0, "log1p")]:  # skew 0.95 and 1.06
        values = np.r_[np.arange(1.0, 20), last]
        assert (skewness(values) > 1) == (expected == "log1p")
        assert abs(skewness(values) - 1) < 0.06
        assert choose(values, "count")[0] == expected


def test_the_divisor_is_the_first_decile_of_what_is_above_zero() -> None:
    # 1..11: position 0.1 * 10 = 1, the second value.
    assert first_decile(np.r_[np.zeros(50), np.arange(1.0, 12)]) == 2
    assert first_decile(np.zeros(4)) == 1
    assert choose(SKEWED - 5, "signed")[1] == first_decile(np.abs(SKEWED - 5))


@pytest.mark.parametrize("transform", ["none", "log1p", "log_ratio", "signed_log"])
def test_every_transform_can_be_undone(transform: str) -> None:
    values = np.r_[0.0, SKEWED, 1e6] if transform in ("log1p", "log_ratio") else np.r_[-1e6, -3.0, 0.0, SKEWED]
    coded = forward(values, transform, 2.5)
    assert np.all(np.diff(coded) > 0)
    assert np.abs(inverse(coded, transform, 2.5) - values).max() <= 1e-9 * 1e6


def test_logarithms_are_the_written_ones() -> None:
    assert forward(np.array([np.e - 1]), "log1p", 9.0)[0] == pytest.approx(1, abs=1e-12)
    assert forward(np.array([5 * (np.e - 1)]), "log_ratio", 5.0)[0] == pytest.approx(1, abs=1e-12)
    assert forward(np.array([-5 * (np.e - 1)]), "signed_log", 5.0)[0] == pytest.approx(-1, abs=1e-12)
    assert in_words("signed_log", 5.0) == "sign(x) log(1 + |x/5|)"
    assert in_words("log1p", 1.0) == "log(1 + x)"
