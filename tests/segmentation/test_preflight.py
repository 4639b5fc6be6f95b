from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from personas.errors import ConfigError, InputError
from personas.segmentation.ordered import canonical_order
from personas.segmentation.preflight import Limits, check_matrix, default_min_size, k_range, plan

LIMITS = Limits()


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((0, 3)), "shape (0, 3)"),
        (np.zeros((60, 0)), "shape (60, 0)"),
        (np.arange(49.0)[:, None], "49 customers are too few to segment; at least 50"),
        (np.arange(60.0), "1 dimension"),
        (np.full((60, 2), 3.0), "all alike"),
        (np.where(np.arange(120).reshape(60, 2) == 5, np.nan, 1.0), "1 missing or infinite value, in column 1"),
        (np.where(np.arange(120).reshape(60, 2) == 4, np.inf, 1.0), "in column 0"),
        (np.arange(120).reshape(60, 2) * 1e100, "scale the columns"),
        (np.arange(120).reshape(60, 2) * 1e-300, "no value beyond 1e-100; scale the columns"),
        ([["a", "b"]] * 60, "cannot be read as a table of numbers"),
        (np.ones((60, 2), dtype=complex), "complex"),
        (pd.DataFrame({"spend": np.arange(60.0), "town": ["x"] * 60}), "columns of X are not numbers: town"),
        (pd.DataFrame({"spend": [None, *range(59)], "age": range(60)}), "column 'spend'"),
    ],
)
def test_a_table_that_cannot_be_clustered_is_refused_with_its_place(X: object, words: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_matrix(X, 50)  # type: ignore[arg-type]
    assert words in str(refusal.value)


def test_integers_flags_and_nullable_columns_are_numbers() -> None:
    frame = pd.DataFrame({"a": range(60), "b": [True, False] * 30, "c": pd.array(range(60), dtype="Int64")})
    assert check_matrix(frame, 50).dtype == np.float64
    assert check_matrix(np.arange(120).reshape(60, 2), 50).flags["C_CONTIGUOUS"]


def test_the_smallest_segment_is_fifty_customers_or_two_percent() -> None:
    assert [default_min_size(n) for n in (100, 2500, 2501, 100_000)] == [50, 50, 51, 2000]


def test_the_range_is_cut_to_what_the_customers_carry() -> None:
    # 1,000 customers at 50 a segment carry 20; 70 different rows at ten a segment carry 7.
    assert plan(1000, 1000, (2, 30), None, LIMITS).ks == tuple(range(2, 21))
    assert plan(1000, 70, (2, 30), None, LIMITS).ks == (2, 3, 4, 5, 6, 7)
    # 90 customers at 50 a segment carry 1: nothing to try, which is a verdict and not an error.
    assert plan(90, 90, (2, 10), None, LIMITS).ks == ()


def test_a_fixed_number_beyond_that_is_refused_with_the_largest_possible() -> None:
    with pytest.raises(InputError, match="40 segments are more than these 1,000 customers carry.* is 20"):
        plan(1000, 1000, 40, None, LIMITS)
    with pytest.raises(InputError, match="the largest possible number is 7"):
        plan(1000, 70, (8, 12), None, LIMITS)
    assert plan(1000, 1000, 20, None, LIMITS).fixed


@pytest.mark.parametrize("k", [1, 0, (3, 2), (2, 61), 61, (2, 3, 4), "many", 2.5, (2.0, 3.0)])
def test_a_senseless_number_of_segments_is_a_mistake_of_the_configuration(k: object) -> None:
    with pytest.raises((ConfigError, TypeError)):
        k_range(k)  # type: ignore[arg-type]


def test_rows_in_canonical_order_do_not_depend_on_the_order_given() -> None:
    X = np.array([[2.0, 1.0], [1.0, 5.0], [2.0, 0.0], [1.0, 5.0]])
    order, distinct = canonical_order(X)
    assert X[order].tolist() == [[1.0, 5.0], [1.0, 5.0], [2.0, 0.0], [2.0, 1.0]] and distinct == 3


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_missing_value_is_found_wherever_it_is(kind: type[np.floating]) -> None:
    X = np.random.default_rng(0).normal(size=(70_000, 2)).astype(kind)
    X[69_000, 1] = np.nan
    with pytest.raises(InputError, match="1 missing or infinite value, in column 1"):
        check_matrix(X, 50)
