"""The dip of values with ties: an atom is a narrow heap of customers, and neither a crash nor a valley."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from personas.segmentation.dip import dip


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def heap(n: int, at: float) -> np.ndarray:
    """The same customers a little apart: what ties stand for."""
    return at + np.arange(n) * 1e-8


def test_two_equal_atoms_are_a_quarter_apart() -> None:
    # No single mode comes nearer than 1/4 to half of the customers at each end.
    assert dip(np.repeat([0.0, 1.0], 50)) == pytest.approx(0.25, abs=1e-6)
    # Three atoms: 1/6, the best hull puts the middle one on a straight line.
    assert dip(np.repeat([0.0, 1.0, 2.0], 40)) == pytest.approx(1 / 6, abs=1e-6)


def test_one_atom_at_the_end_of_an_even_spread_is_one_mode() -> None:
    # Half of the customers at 0, the others even up to 1: a falling density. The least that a dip can be is 1/(2n).
    values = np.concatenate((np.zeros(50), np.linspace(0.01, 1.0, 50)))
    assert dip(values) == pytest.approx(1 / 200, abs=1e-6)


@pytest.mark.parametrize(("many", "few"), [(50, 3), (90, 10), (30, 30), (3, 50)])
def test_ties_are_as_good_as_values_close_together(many: int, few: int) -> None:
    tied = np.concatenate((np.full(many, -2.0), np.full(few, 5.0)))
    close = np.concatenate((heap(many, -2.0), heap(few, 5.0)))
    assert dip(tied) == pytest.approx(dip(close), abs=1e-6)
    # The smaller heap is the valley's other side: at most half of its share, never more than 1/4.
    assert dip(tied) <= min(many, few) / (many + few) / 2 + 1e-6


def test_ties_that_come_back_by_rounding_are_ties() -> None:
    # Projected rows of yes/no answers: 0.1 + 0.2 is not 0.3, though the customers are the same.
    rounded = np.concatenate((np.full(20, 0.1 + 0.2), np.full(20, 0.3), np.full(40, 0.9)))
    assert dip(rounded) == pytest.approx(0.25, abs=1e-6)


def test_the_dip_of_tied_values_depends_on_neither_order_nor_unit() -> None:
    random = np.random.default_rng(3)
    values = random.integers(0, 9, 300).astype(np.float64)
    found = dip(values)
    assert 1 / 600 <= found <= 0.25
    assert dip(random.permutation(values)) == found
    for scale, shift in ((1e-12, 0.0), (1e12, 0.0), (3.0, 100.0), (-1.0, 0.0)):
        assert dip(values * scale + shift) == pytest.approx(found, abs=1e-6)


def test_distinct_values_are_not_touched() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=200)
    with_one_tie = np.append(values, values[0])
    # One customer of 201 more is at most 1/201 more.
    assert abs(dip(with_one_tie) - dip(values)) <= 1 / 200
