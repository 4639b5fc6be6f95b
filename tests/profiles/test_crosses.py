"""The RFM names across segments, and value against influence: counts worked out by hand."""

from __future__ import annotations

import numpy as np

from personas.estimate import Estimate, exact
from personas.profiles.crosses import misleading, quadrants, rfm_table
from personas.profiles.facts import Sample
from personas.profiles.money_records import RfmCell
from personas.profiles.rfm import rfm_segments


def sample() -> tuple[Sample, np.ndarray]:
    """200 customers: the first half recent, frequent and of segment 0, the second half long gone and of segment 1."""
    n = np.arange(200, dtype=np.float64)
    values = {"recency_days": n, "orders_per_year": 200 - n, "revenue_per_year": 200 - n}
    return Sample(np.repeat([0, 1], 100).astype(np.int32), values), np.where(n < 100, 10.0, 300.0) + n % 7


def test_the_cells_of_each_name_add_up_to_everybody_of_the_name() -> None:
    made, amounts = sample()
    cells = rfm_table(made, amounts, "EUR/year", (1, 0), 0, {-1: 200, 0: 100, 1: 100})
    names = rfm_segments(made.values)
    assert names is not None
    for name in {cell.name for cell in cells}:
        own = {cell.segment: cell.customers for cell in cells if cell.name == name}
        assert own.pop(-1) == sum(own.values()) == int((names == name).sum())
    # the most recent fifth has 5 for all three scores: 40 champions, all of segment 0; mean of 10 + n % 7 over 0..39
    champions = next(cell for cell in cells if (cell.name, cell.segment) == ("champions", 0))
    assert champions.money is not None and abs(champions.money.value - (10 + sum(n % 7 for n in range(40)) / 40)) < 1e-9
    assert champions.money.low < champions.money.value < champions.money.high


def test_without_amounts_customers_are_counted_and_no_money_is_told() -> None:
    made, _ = sample()
    cells = rfm_table(made, None, "", (0, 1), 0, {-1: 200, 0: 100, 1: 100})
    assert cells and all(cell.money is None for cell in cells)
    assert rfm_table(Sample(made.segments, {"recency_days": made.values["recency_days"]}), None, "", (0,), 0, {}) == ()


def test_counts_of_a_sample_are_scaled_up_to_all_customers() -> None:
    # Of segment 0 every customer is in the sample, of segment 1 every third: its counts are three times as many.
    made, _ = sample()
    few = {(c.name, c.segment): c.customers for c in rfm_table(made, None, "", (0, 1), 0, {-1: 200, 0: 100, 1: 100})}
    all_of = {(c.name, c.segment): c.customers for c in rfm_table(made, None, "", (0, 1), 0, {-1: 400, 0: 100, 1: 300})}
    assert all(all_of[key] == few[key] * {-1: 2, 0: 1, 1: 3}[key[1]] for key in few) and len(few) > 3


def test_a_name_misleads_where_the_whole_interval_of_the_money_says_the_opposite() -> None:
    def cell(name: str, segment: int, low: float, high: float) -> RfmCell:
        return RfmCell(name, segment, 100 + segment, Estimate((low + high) / 2, low, high, "EUR/year", 100, ""))

    everyone = exact(100, "EUR/year", 1000)
    good, poor = frozenset({"champions"}), frozenset({"lost"})
    cells = [
        cell("champions", 0, 20, 49),  # under half of 100
        cell("champions", 1, 20, 51),  # not by the whole interval
        cell("lost", 2, 101, 300),  # more than everyone
        cell("lost", 3, 90, 300),
        cell("new", 4, -20, -1),  # a loss under a name that promises
        cell("lost", 5, -20, -1),  # the name says so
        cell("champions", -1, 20, 30),  # everybody of the name
        RfmCell("champions", 6, 12),  # too few for money
    ]
    assert [c.segment for c in misleading(cells, everyone, good, poor)] == [4, 2, 0]


def test_value_and_influence_are_cut_at_the_medians_of_those_whose_influence_is_known() -> None:
    value = np.concatenate([np.repeat([1.0, 9.0], 20), [100.0] * 10])
    reach = np.concatenate([np.tile([0.0, 50.0], 20), [np.nan] * 10])
    segments = np.concatenate([np.repeat([0, 1], 20), [1] * 10]).astype(np.int32)
    found = quadrants(value, reach, segments, (1, 0), ("revenue", "followers"))
    assert found is not None
    assert (found.value_cut, found.influence_cut, found.known) == (5.0, 25.0, 0.8)
    assert found.shares == (
        (-1, 40, (0.25, 0.25, 0.25, 0.25)), (1, 20, (0.5, 0.5, 0.0, 0.0)), (0, 20, (0.0, 0.0, 0.5, 0.5)),
    )  # fmt: skip
    assert quadrants(value, np.full(50, 3.0), segments, (0, 1), ("revenue", "followers")) is None
    assert quadrants(value[:20], reach[:20], segments[:20], (0,), ("revenue", "followers")) is None
