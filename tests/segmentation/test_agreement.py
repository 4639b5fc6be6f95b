from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from personas.segmentation.agreement import adjusted_rand, best_jaccard, contingency, matched, matched_share
from personas.segmentation.lineage import lineage


def test_the_adjusted_rand_index_equals_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        a, b = random.integers(0, 4, 100).astype(np.int32), random.integers(0, 6, 100).astype(np.int32)
        assert abs(adjusted_rand(contingency(a, b, 4, 6)) - adjusted_rand_score(a, b)) <= 1e-12


def test_the_adjusted_rand_index_does_not_overflow_with_a_million_customers() -> None:
    # Two halves cut the same way: together = rows = columns, so the index is 1.
    table = np.array([[500_000, 0], [0, 500_000]])
    assert adjusted_rand(table) == 1.0


def test_partitions_that_both_put_everybody_together_agree() -> None:
    assert adjusted_rand(np.array([[7]])) == 1.0


def test_jaccard_and_matching_of_a_small_table_worked_out_by_hand() -> None:
    # Reference segments have 10 and 10 customers; the resample finds 9 + 3 and 1 + 7.
    table = np.array([[9, 1], [3, 7]])
    # Segment 0: max(9 / (10 + 12 - 9), 1 / (10 + 8 - 1)) = 9/13; segment 1: max(3 / 19, 7 / 11) = 7/11.
    assert np.abs(best_jaccard(table) - [9 / 13, 7 / 11]).max() <= 1e-12
    assert matched(table).tolist() == [0, 1]
    assert matched_share(table) == 16 / 20


def test_a_group_that_shares_no_customer_has_no_partner() -> None:
    assert matched(np.array([[5, 5, 0], [0, 0, 0], [0, 5, 5]])).tolist() == [0, -1, 2]


def test_the_family_tree_says_where_a_new_segment_comes_from() -> None:
    two = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=np.int32)
    three = np.array([0, 0, 0, 2, 2, 1, 1, 1], dtype=np.int32)
    tree = {entry["segment"]: entry for entry in lineage({2: two, 3: three})}
    assert tree[0]["from"] == [{"segment": 0, "share": 1.0}] and tree[0]["stability"] == 1.0
    assert tree[2]["from"] == [{"segment": 0, "share": 0.5}, {"segment": 1, "share": 0.5}]
    # Half from each of two parents: H = log 2, so 1 - log 2 / log 2 = 0.
    assert tree[2]["stability"] == 0.0
    assert {entry["k"] for entry in tree.values()} == {3}
