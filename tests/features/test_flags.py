"""Remarks that the reader must see, each at its limit."""

from __future__ import annotations

import numpy as np
import pytest

from personas.features.coding import Coding, ColumnCoding
from personas.features.flags import distinct_rows, effective_dimension, flags


def codes(X: np.ndarray) -> dict[str, int]:
    columns = tuple(ColumnCoding(f"x{j}", f"x{j}", "purchase") for j in range(X.shape[1]))
    raw = {f"x{j}": X[:, j] for j in range(X.shape[1])}
    return {notice.code: notice.count for notice in flags(np.ascontiguousarray(X), Coding(columns), raw)}


def continuous(n: int, d: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d))


def test_ordinary_customers_get_no_remark() -> None:
    assert codes(continuous(500)) == {}


def test_few_different_rows_are_a_lattice() -> None:
    X = np.random.default_rng(0).poisson(1.2, size=(500, 2)).astype(float)
    assert codes(X)["lattice"] == distinct_rows(X) == len({tuple(row) for row in X})


def test_a_coarse_column_that_carries_the_distance_is_a_lattice() -> None:
    X = continuous(500)
    X[:, 1] = np.arange(500) % 10 / 3  # ten values, variance 0.92 beside 1
    assert codes(X) == {"lattice": 1}
    X[:, 1] = np.arange(500) % 11 / 3
    assert codes(X) == {}


def test_repeated_continuous_rows_ask_whether_the_input_is_doubled() -> None:
    X = continuous(500)
    X[250:] = X[:250]
    assert codes(X)["duplicated-input"] == 250
    X = continuous(500)
    X[400:] = X[:100]  # 20% and no more
    assert "duplicated-input" not in codes(X)


def test_values_far_out_are_unusual() -> None:
    X = continuous(500)
    X[3, 0], X[4, 1], X[5, 1] = 13.0, -13.0, 11.0  # the scale of the recipe is 1, the median about 0
    assert codes(X) == {"unusual-customers": 2}


def test_the_effective_dimension_counts_independent_columns() -> None:
    # Eigenvalues 4, 1: 25 / 17.
    X = np.array([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
    assert effective_dimension(X) == pytest.approx(25 / 17, abs=1e-12)
    same = np.repeat(continuous(300, 1), 4, axis=1)
    assert effective_dimension(same) == pytest.approx(1, abs=1e-9)


def test_too_many_features_for_the_customers_are_said() -> None:
    assert codes(continuous(130)) == {"few-customers-for-features": 130}  # about 70 * 2 would be advised
    assert codes(continuous(145)) == {}
