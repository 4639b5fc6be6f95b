"""Categories: which levels get a column, and what the columns are worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.contingency import association

from personas.features.coding import Coding
from personas.features.feature import Feature
from personas.features.levels import cramers_v, kept_levels, level_columns
from personas.features.recoding import recode

TOWN = Feature("town", "town", "customers", "category", "town", "town", "geography", ("town",), None, "category")


def column(**counts: int) -> np.ndarray:
    return np.array([level for level, count in counts.items() for _ in range(count)], dtype=object)


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ({"a": 50, "b": 45, "c": 5}, ["a", "b"]),  # 95% are covered
        ({"a": 50, "b": 44, "c": 6}, ["a", "b", "c"]),
        ({"a": 90, "b": 4, "c": 2, "d": 2, "e": 2}, ["a", "b", "c"]),  # 96% after c; ties by name
        ({"a": 91, "b": 1, "c": 1, "d": 7}, ["a", "d"]),
        ({"a": 90, "b": 3, **{f"x{n}": 1 for n in range(7)}}, ["a", "b"]),  # none under 2%
        ({"a": 60, "other": 40}, ["a"]),  # a level of that name is the rest
    ],
)
def test_levels_are_kept_until_95_percent_are_covered(counts: dict[str, int], kept: list[str]) -> None:
    assert kept_levels(column(**counts)) == kept


def test_at_most_twenty_levels_are_kept() -> None:
    assert len(kept_levels(column(**{f"t{n:02d}": 4 for n in range(25)}))) == 20


def test_columns_have_the_metric_of_correspondence_analysis() -> None:
    values = column(a=50, b=30, c=20)
    columns = level_columns(TOWN, values)
    X = recode(Coding(tuple(columns)), {"town": values})
    assert X[0] == pytest.approx([0.5 / 0.5**0.5, -(0.3**0.5), -(0.2**0.5)], abs=1e-12)
    assert X.var(axis=0).sum() == pytest.approx(3 - 1, abs=1e-12)  # L levels have the inertia L - 1
    # Two customers of levels a and b lie 1/p_a + 1/p_b apart, squared.
    assert ((X[0] - X[50]) ** 2).sum() == pytest.approx(1 / 0.5 + 1 / 0.3, abs=1e-12)


def test_the_rest_has_a_column_from_two_percent_on() -> None:
    enough = column(a=60, b=36, c=1, d=1, e=1, f=1)  # the rest is 4%
    assert [c.level for c in level_columns(TOWN, enough)] == ["a", "b", "other"]
    assert level_columns(TOWN, enough)[-1].level_share == pytest.approx(0.04, abs=1e-12)
    scarce = column(a=60, b=39, c=1)
    assert [c.level for c in level_columns(TOWN, scarce)] == ["a", "b"]


def test_unknown_values_are_filled_with_the_most_frequent_level() -> None:
    values = np.array(["b"] * 40 + ["a"] * 40 + [None] * 20, dtype=object)
    columns = level_columns(TOWN, values)
    assert {c.fill_level for c in columns} == {"a"}  # a tie goes to the first by name
    assert {c.level: c.level_share for c in columns} == {"a": 0.6, "b": 0.4}


def test_cramers_v_equals_the_published_formula() -> None:
    draw = np.random.default_rng(4)
    left = draw.choice(["a", "b", "c"], 300)
    right = np.where(draw.random(300) < 0.5, left, draw.choice(["a", "b", "c"], 300))
    table = np.array([[np.sum((left == x) & (right == y)) for y in "abc"] for x in "abc"])
    found = cramers_v(left.astype(object), right.astype(object))
    assert found == pytest.approx(association(table, method="cramer"), abs=1e-12)
    assert cramers_v(np.array(["a", None, "b"], dtype=object), np.array(["x", "y", "x"], dtype=object)) == 0
