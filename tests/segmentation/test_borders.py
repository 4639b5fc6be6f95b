from __future__ import annotations

import numpy as np

from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.borders import (
    direction_between,
    find_borders,
    holm,
    is_gap,
    jittered,
    natural_groups,
    null_bound,
    spread_ties,
    structureless_dips,
    with_borders,
)
from personas.segmentation.dip import TABLE_SHARES, dip, dip_p_value, simulate_quantiles
from personas.segmentation.records import Border, Candidate
from personas.segmentation.reference import compare
from tests.conftest import needed
from tests.segmentation.markets import ring

KMEANS = ALGORITHMS.get("kmeans")


def test_the_dip_of_small_samples_worked_out_by_hand() -> None:
    # Evenly spaced values are as unimodal as n values can be: 1/(2n).
    assert abs(dip(np.arange(8.0)) - 1 / 16) <= 1e-12
    # Two far clumps of n/2 approach the largest possible dip of 1/4.
    assert abs(dip(np.concatenate((np.arange(50) * 1e-9, 1 + np.arange(50) * 1e-9))) - 0.25) <= 1e-2
    assert dip(np.full(10, 3.0)) == 1 / 20


def test_the_dip_equals_an_independent_program() -> None:
    oracle = needed("diptest")
    random = np.random.default_rng(0)
    for case in range(400):
        n = int(random.integers(4, 300))
        halves = np.concatenate((random.normal(size=n // 2), random.normal(4, 1, n - n // 2)))
        sample = [random.random(n), random.normal(size=n), halves, random.exponential(size=n)][case % 4]
        assert abs(dip(sample) - oracle.dipstat(sample)) <= 1e-12
    for n in (40, 300, 1500):
        sample = random.random(n)
        assert abs(dip_p_value(dip(sample), n) - oracle.diptest(sample)[1]) <= 0.02


def test_the_shipped_table_is_what_its_recipe_gives() -> None:
    quantiles = np.array(simulate_quantiles(30, 3000))
    for share, value in zip(TABLE_SHARES, quantiles, strict=True):
        if 0.1 <= share <= 0.95:
            # 3,000 draws put a quantile within about 2.5 points of its share.
            assert abs(dip_p_value(value / np.sqrt(30), 30) - (1 - share)) <= 0.03


def test_uniform_samples_are_rejected_no_more_often_than_stated() -> None:
    random = np.random.default_rng(1)
    rejected = sum(dip_p_value(dip(random.random(200)), 200) <= 0.01 for _ in range(500))
    assert rejected <= 12  # 5 are expected; 12 is three standard deviations more


def test_groups_with_a_valley_are_gaps_and_quarters_of_a_square_are_not() -> None:
    groups, _ = ring(3, 5.0, 300, 2)
    square = np.random.default_rng(3).uniform(size=(300, 2))
    for X, k, kind, parts in ((groups, 3, "gap", 3), (square, 4, "gradient", 1)):
        null = compare(X, (k,), 0, protocol="quick")
        model = KMEANS.fit(X, k, np.random.SeedSequence(0), 20)
        dips = structureless_dips(null.sets, null.null_centroids, 0)
        borders = find_borders(X, model.centroids, dips[k], 0)
        assert {border.kind for border in borders} == {kind} and natural_groups(k, borders) == parts
        assert all(b.p_holm is not None and b.p_value is not None and b.p_holm >= b.p_value for b in borders)


def test_small_pairs_are_untested_and_a_change_of_level_is_categorical() -> None:
    random = np.random.default_rng(4)
    X = np.column_stack((random.normal(size=200), np.repeat([0.0, 9.0], 100)))
    centroids = np.array([[0.0, 0.0], [0.0, 9.0]])
    assert [b.kind for b in find_borders(X, centroids, np.array([]), 0, one_hot=[1])] == ["categorical"]
    assert [b.kind for b in find_borders(X[75:125], centroids, np.array([]), 0)] == ["untested"]


def test_steps_of_a_lattice_are_spread_to_the_middle_of_their_neighbours() -> None:
    column = np.array([0.0, 0.0, 1.0, 4.0] * 500)
    spread = jittered(column, np.random.default_rng(5))
    # 0 lies in -0.5 to 0.5, 1 in 0.5 to 2.5, 4 in 2.5 to 5.5.
    for value, low, high in ((0, -0.5, 0.5), (1, 0.5, 2.5), (4, 2.5, 5.5)):
        part = spread[column == value]
        assert low <= part.min() < low + 0.05 and high - 0.05 < part.max() <= high


def test_ties_are_spread_over_the_smallest_gap_and_last_digits_are_no_gap() -> None:
    # 0.1 + 0.2 is 5.6e-17 more than 0.3: a tie that arithmetic has parted. The smallest gap is 0.7.
    values = np.array([0.1 + 0.2, 0.3, 1.0, 2.0] * 50)
    spread = spread_ties(values, np.random.default_rng(0))
    assert len(np.unique(spread)) == 200 and 0.3 < np.abs(spread - values).max() <= 0.35 + 1e-12
    assert np.ptp(spread[values < 0.5]) > 0.6
    different = np.array([0.0, 1.0, 3.0])
    assert spread_ties(different, np.random.default_rng(0)) is different
    alike = np.full(4, 2.0)
    assert spread_ties(alike, np.random.default_rng(0)) is alike


def test_the_bound_of_structureless_borders_and_the_graph_of_open_borders() -> None:
    # M = 39: ceil(0.95 * 40) = 38, the 38th smallest of 1..39; without any dip nothing can be a gap.
    assert null_bound(np.arange(1.0, 40.0)) == 38.0 and null_bound(np.array([])) == float("inf")
    assert null_bound(np.array([1.0, 2.0])) == 2.0
    borders = [Border(0, 1, "gap", 99), Border(1, 2, "gradient", 99), Border(2, 3, "untested", 9)]
    assert natural_groups(5, borders) == 3  # 0, 1-2-3, 4
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]


def test_a_gap_is_unlikely_in_one_hump_and_deeper_than_structureless_borders() -> None:
    assert is_gap(0.05, 0.01, 0.0499)
    assert not is_gap(0.05, 0.0101, 0.0499) and not is_gap(0.05, 0.01, 0.05)


def test_borders_are_counted_by_kind() -> None:
    borders = [Border(0, 1, "gap", 99), Border(1, 2, "gradient", 99), Border(0, 2, "categorical", 99)]
    found = with_borders(Candidate("kmeans", 3, 0.5, 0.0, 0.5, (9, 9, 9), 1.0), borders)
    assert (found.borders_tested, found.borders_gap, found.borders_untested, found.natural_groups) == (2, 1, 1, 1)


def test_every_bound_of_a_border_is_kept_to_the_customer() -> None:
    centroids = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])

    def pairs(second_is_the_middle: int) -> list[tuple[int, int]]:
        # Of the first segment one customer has the last as its second nearest, all others the middle one; of the last
        # everybody has the middle one.
        rows = [[1.0, 0.0]] * second_is_the_middle + [[0.0, 1.0]] + [[10.0, 0.0]] * 5 + [[6.0, 10.0]] * 5
        return [(b.first, b.second) for b in find_borders(np.array(rows), centroids, np.array([]), 0)]

    assert pairs(9) == [(0, 1), (0, 2), (1, 2)]  # 1 of 10 is a tenth
    assert pairs(10) == [(0, 1), (1, 2)]  # 1 of 11 is less
    line = np.column_stack((np.linspace(0, 1, 60), np.linspace(0, 1, 60)))
    ends = line[[0, -1]]
    assert [b.kind for b in find_borders(line, ends, np.array([]), 0)] == ["gradient"]  # 60 customers are enough
    assert [b.kind for b in find_borders(line[:59], ends, np.array([]), 0)] == ["untested"]
    assert [b.kind for b in find_borders(line, ends[[0, 0]], np.array([]), 0)] == ["untested"]  # there is no way
    # Exactly half of the way between them is the change of a level.
    assert [b.kind for b in find_borders(line, ends, np.array([]), 0, one_hot=[1])] == ["gradient"]


def test_a_column_counts_by_its_spread_inside_the_two_segments() -> None:
    # Variances inside: 1, 9, and none at all, where a millionth of the 100 among everybody is taken.
    first = np.array([[-1.0, -3.0, 5.0], [1.0, 3.0, 5.0]])
    pair = (first, first + np.array([4.0, 3.0, 2.0]))
    found = direction_between(np.array([4.0, 3.0, 2.0]), pair, np.array([9.0, 9.0, 100.0]))
    assert np.allclose(found, [4.0, 1 / 3, 2 / 1e-4], rtol=1e-12)
    alone = direction_between(np.array([0.0]), (first[:, 2:], first[:, 2:]), np.array([0.0]))
    assert alone.tolist() == [0.0]


def test_the_dip_of_a_border_does_not_depend_on_the_scale_of_a_column() -> None:
    groups, truth = ring(2, 6.0, 200, 4)
    groups[:, 1] += truth  # the groups differ in both columns
    found = []
    for factor in (1.0, 0.2, 3.0):
        X = groups * [1.0, factor]
        centroids = np.array([X[truth == g].mean(axis=0) for g in (0, 1)])
        found.append(find_borders(X, centroids, np.array([]), 0)[0])
    assert len({border.customers for border in found}) == 1
    assert np.ptp([border.dip for border in found]) <= 1e-12


def test_dips_of_structureless_borders_are_held_against_ours_at_the_same_number_of_customers() -> None:
    # Evenly spaced values have a dip of 1/(2n); times the root of n = 100 that is 0.05.
    line = np.column_stack((np.linspace(0, 1, 100), np.linspace(0, 1, 100)))
    null = structureless_dips([line], {2: [line[[0, -1]]]}, 0)[2]
    assert np.allclose(null, [0.05], rtol=1e-9)
    # The 38th of 39 is 38; at 60 customers that is 38 over the root of 60.
    border = find_borders(line[:60], line[[0, 59]], np.arange(1.0, 40.0), 0)[0]
    assert border.null_dip is not None and abs(border.null_dip - 38 / np.sqrt(60)) <= 1e-12
