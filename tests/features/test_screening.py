"""Rank correlation as the textbook has it, and the pairs that are one feature said twice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from personas.features.feature import Feature
from personas.features.screening import average_ranks, screen, spearman


def feature(name: str, shape: str = "category", family: str = "demographics") -> Feature:
    return Feature(name, name, "customers", "", name, name, family, (name,), None, shape)


def test_ranks_and_rank_correlation_equal_the_reference() -> None:
    draw = np.random.default_rng(2)
    left, right = draw.poisson(2, 200).astype(float), draw.poisson(2, 200) + draw.normal(size=200)
    assert np.array_equal(average_ranks(left), rankdata(left))
    assert spearman(left, right) == pytest.approx(float(spearmanr(left, right)[0]), abs=1e-12)
    holes = left.copy()
    holes[::7] = np.nan
    known = ~np.isnan(holes)
    assert spearman(holes, right) == pytest.approx(float(spearmanr(left[known], right[known])[0]), abs=1e-12)
    assert spearman(np.full(5, 3.0), np.arange(5.0)) == 0


def test_two_categories_that_always_go_together_are_one() -> None:
    town = np.array(["Bern", "Basel", "Zug"] * 40, dtype=object)
    code = np.array(["3000", "4000", "6300"] * 40, dtype=object)
    kept, dropped = screen([feature("code"), feature("town")], {"town": town, "code": code})
    assert [f.name for f in kept] == ["code"]
    assert dropped[0][1].text == "“town” forms no segments: it says the same as “code”."


def test_a_correlation_just_under_the_limit_keeps_both() -> None:
    draw = np.random.default_rng(3)
    one = draw.normal(size=2000)
    for noise, count in [(0.40, 2), (0.25, 1)]:  # Spearman about 0.92 and 0.97
        raw = {"one": one, "two": one + noise * draw.normal(size=2000)}
        features = [feature("one", "number"), feature("two", "number")]
        assert len(screen(features, raw)[0]) == count
        raw["two"][:10] = np.nan  # the same with unknown values
        assert len(screen(features, raw)[0]) == count
