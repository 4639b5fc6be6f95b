from __future__ import annotations

import pytest

from personas.segmentation.records import Candidate
from personas.segmentation.table import COLUMNS, k_table
from personas.segmentation.verdict import best_silhouette, choose, judge, prefer, reasons


def candidate(
    k: int, silhouette: float, smallest: int = 100, jaccard: float | None = None, algorithm: str = "kmeans"
) -> Candidate:
    sizes = (smallest, *[200] * (k - 1))
    weakest = () if jaccard is None else (jaccard, *[0.95] * (k - 1))
    return Candidate(algorithm, k, silhouette, 0.0, silhouette, sizes, 1.0, jaccard=weakest, agreement=0.93)


def test_the_highest_silhouette_among_large_enough_segments_is_chosen() -> None:
    found = [candidate(2, 0.40), candidate(3, 0.45), candidate(4, 0.60, smallest=49)]
    assert choose(found, 50).k == 3
    assert choose(found, 49).k == 4
    assert best_silhouette(found).k == 4


def test_a_tie_goes_to_fewer_segments() -> None:
    assert choose([candidate(5, 0.3 + 4e-10), candidate(3, 0.3)], 50).k == 3
    assert choose([candidate(5, 0.3 + 4e-9), candidate(3, 0.3)], 50).k == 5


def test_without_a_large_enough_solution_the_smallest_k_is_shown() -> None:
    assert choose([candidate(3, 0.9, smallest=5), candidate(2, 0.1, smallest=5)], 50).k == 2


@pytest.mark.parametrize(
    ("smallest", "jaccard", "fixed", "possible", "word"),
    [
        (50, 0.75, False, True, "reproducible"),
        (50, 0.7499, False, True, "constructive"),
        (49, 0.99, False, True, "none"),
        (49, 0.99, True, True, "constructive"),
        (50, 0.99, False, False, "none"),
    ],
)
def test_the_verdict_follows_from_sizes_and_stability(
    smallest: int, jaccard: float, fixed: bool, possible: bool, word: str
) -> None:
    assert judge(candidate(3, 0.9, smallest, jaccard), 50, fixed=fixed, possible=possible) == word


def test_the_mixture_wins_only_when_it_is_better_in_both() -> None:
    kmeans = candidate(3, 0.40, jaccard=0.80)
    assert prefer(kmeans, candidate(3, 0.41, jaccard=0.81, algorithm="gmm")).algorithm == "gmm"
    assert prefer(kmeans, candidate(3, 0.41, jaccard=0.80, algorithm="gmm")).algorithm == "kmeans"
    assert prefer(kmeans, candidate(3, 0.40, jaccard=0.99, algorithm="gmm")).algorithm == "kmeans"


def test_the_reasons_name_the_guard_that_decided() -> None:
    found = [candidate(2, 0.40, jaccard=0.9), candidate(3, 0.45, smallest=12, jaccard=0.9)]
    text = " ".join(reasons(found[0], found, "reproducible", min_size=50, fixed=False, resamples=100))
    assert "Of 2 to 3 segments, 2 separate the customers best" in text
    assert "3 segments would score higher (0.45), but the smallest would have 12 customers, fewer than 50." in text
    assert "In 100 repetitions on resampled customers every segment came back" in text
    assert "overlaps with itself by 0.90 on average" in text and "may move about 7% of customers" in text
    assert "not called natural" in text


def test_the_reasons_for_a_fixed_number_say_that_it_was_asked_for_and_which_segments_are_small() -> None:
    found = [candidate(4, 0.30, smallest=12, jaccard=0.5)]
    text = " ".join(reasons(found[0], found, "constructive", min_size=50, fixed=True, resamples=30))
    assert "4 segments were asked for" in text
    assert "1 segment of 4 would have fewer than 50 customers; the smallest has 12." in text
    assert "not every segment came back" in text


def test_the_table_has_the_columns_of_the_contract_and_unknown_is_missing() -> None:
    table = k_table([candidate(2, 0.4, jaccard=0.8), candidate(3, 0.3)])
    assert tuple(table.columns) == COLUMNS
    assert table["jaccard_min"].tolist()[0] == 0.8 and table["jaccard_min"].isna().tolist() == [False, True]
    # 100 of 100 + 200 customers.
    assert abs(table["smallest_share"][0] - 1 / 3) <= 1e-12
    assert table["bic"].isna().all() and table["borders_gap"].isna().all()
