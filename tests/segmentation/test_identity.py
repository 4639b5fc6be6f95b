"""The same persona next quarter: worked out on a dozen customers."""

from __future__ import annotations

import numpy as np

from personas.segmentation.identity import identify


def run_of(*segments: int) -> dict[str, int]:
    return {f"c{i:02d}": segment for i, segment in enumerate(segments)}


def test_a_thousand_relabelings_change_no_identity() -> None:
    random = np.random.default_rng(0)
    for _ in range(1000):
        k = int(random.integers(2, 8))
        old = np.concatenate((np.arange(k), random.integers(0, k, 40)))
        names = random.permutation(k)
        found = identify(run_of(*old.tolist()), run_of(*names[old].tolist()))
        assert found.kept == {int(names[g]): g for g in range(k)} and not found.retired and not found.born


def test_a_split_keeps_the_id_with_the_larger_half_and_is_told() -> None:
    # Ten of segment 0 become seven and three; 7 of 10 is a Jaccard of 0.7.
    found = identify(run_of(*[0] * 10, *[1] * 4), run_of(*[0] * 7, *[2] * 3, *[1] * 4))
    assert found.kept == {0: 0, 1: 1} and found.born == (2,) and found.retired == ()
    assert found.splits == {0: (0, 2)} and found.merges == {} and found.by == "members"
    assert found.transitions == ((7, 0, 3), (0, 4, 0))


def test_a_merger_of_equals_retires_both_and_a_new_one_is_born() -> None:
    # 5 and 6 become one of 11: Jaccards 5/11 and 6/11, so the larger keeps its id and the smaller is retired.
    found = identify(run_of(*[0] * 5, *[1] * 6, 2, 2), run_of(*[0] * 11, 1, 1))
    assert found.kept == {0: 1, 1: 2} and found.retired == (0,) and found.merges == {0: (0, 1)}
    # 4, 4 and 4 become one of 12: 4/12 each is below one half.
    equals = identify(run_of(*[0] * 4, *[1] * 4, *[2] * 4), run_of(*[0] * 12))
    assert equals.kept == {} and equals.retired == (0, 1, 2) and equals.born == (0,)


def test_exactly_one_half_is_the_same_segment() -> None:
    # 2 of 4 in the union: a and b stay, c leaves, d comes. Crosswise 1/3 + 1/3 is more than 1/2, and still no match.
    old, new = {"a": 0, "b": 0, "c": 0, "d": 1}, {"a": 0, "b": 0, "c": 1, "d": 0}
    assert identify(old, new).kept == {0: 0}


def test_other_customers_are_matched_by_profile_within_half_of_the_smallest_distance() -> None:
    old, new = {f"o{i}": i % 2 for i in range(6)}, {f"n{i}": i % 2 for i in range(6)}
    before = np.array([[0.0, 0.0], [4.0, 0.0]])
    # Half of 4 is 2: 1.9 away is the same segment, 2.1 is not.
    found = identify(old, new, before, np.array([[5.9, 0.0], [0.0, 2.1]]))
    assert found.by == "profile" and found.kept == {0: 1} and found.retired == (0,) and found.born == (1,)
    assert identify(old, new).kept == {}
