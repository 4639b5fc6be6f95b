"""Every guard of the verdict at its boundary: one step to the wrong side must change the word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from personas.segmentation.reasons import reasons
from personas.segmentation.records import Candidate
from personas.segmentation.table import COLUMNS, k_table
from personas.segmentation.verdict import (
    PATTERN,
    STABLE,
    THRESHOLDS,
    Choice,
    Evidence,
    best_silhouette,
    choose,
    depends_on_preparation,
    gate,
    is_natural,
    is_partly_natural,
    judge,
    natural_but_for_shape,
    one_step_down,
    prefer,
)


def candidate(
    k: int, silhouette: float, smallest: int = 100, jaccard: float | None = None, algorithm: str = "kmeans"
) -> Candidate:
    sizes = (smallest, *[200] * (k - 1))
    weakest = () if jaccard is None else (jaccard, *[0.95] * (k - 1))
    return Candidate(algorithm, k, silhouette, 0.0, silhouette, sizes, 1.0, jaccard=weakest, agreement=0.93)


def at_the_edge(k: int = 3, silhouette: float = 0.5) -> Candidate:
    """A candidate that is natural, each figure exactly on its bound."""
    return replace(
        candidate(k, silhouette, smallest=50, jaccard=0.75),
        null_mean=silhouette - 0.05, excess=0.05, borders_tested=1, borders_gap=1, borders_untested=0,
        natural_groups=k, shape_suited=True,
    )  # fmt: skip


def evidence(*candidates: Candidate, p: float | None = 0.01, excess: float | None = 0.05, n: int = 100) -> Evidence:
    return Evidence(candidates, customers=n, min_size=50, p_value=p, excess=excess)


def test_on_every_bound_the_word_is_natural() -> None:
    assert is_natural(evidence(at_the_edge()), at_the_edge())
    assert judge(evidence(at_the_edge()), at_the_edge(), fixed=False) == "natural"
    assert gate(evidence(p=0.01, excess=0.05))


@pytest.mark.parametrize(
    "change",
    [
        {"excess": 0.0499},
        {"excess": None},
        {"jaccard": (0.7499, 0.95, 0.95)},
        {"sizes": (49, 200, 200)},
        {"natural_groups": 2},
        {"borders_tested": 0},
        {"borders_tested": None},
        {"shape_suited": False},
        {"shape_suited": None},
    ],
)
def test_one_figure_beyond_its_bound_withholds_the_word_natural(change: dict[str, object]) -> None:
    worse = replace(at_the_edge(), **change)  # type: ignore[arg-type]
    assert not is_natural(evidence(worse), worse)
    assert judge(evidence(worse), worse, fixed=False) != "natural"


@pytest.mark.parametrize(("p", "excess", "n"), [(0.0101, 0.05, 100), (0.01, 0.0499, 100), (0.01, 0.05, 99)])
def test_the_comparison_with_structureless_data_guards_the_word_natural(p: float, excess: float, n: int) -> None:
    assert judge(evidence(at_the_edge(), p=p, excess=excess, n=n), at_the_edge(), fixed=False) == "reproducible"


def test_a_comparison_that_was_not_made_or_stopped_early_passes_nothing() -> None:
    assert not gate(evidence(p=None)) and not gate(evidence(excess=None))
    assert not gate(replace(evidence(), stopped_early=True))


def test_the_quick_protocol_has_its_own_bound() -> None:
    assert gate(replace(evidence(p=0.025), protocol="quick")) and not gate(evidence(p=0.025))
    assert not gate(replace(evidence(p=0.0251), protocol="quick"))


def test_only_the_look_at_the_shape_is_left_when_all_else_holds() -> None:
    assert natural_but_for_shape(evidence(), replace(at_the_edge(), shape_suited=None))
    assert not natural_but_for_shape(evidence(), replace(at_the_edge(), natural_groups=1))


@pytest.mark.parametrize(
    ("smallest", "jaccard", "fixed", "word"),
    [
        (50, 0.75, False, "reproducible"),
        (50, 0.7499, False, "constructive"),
        (49, 0.99, False, "none"),
        (49, 0.99, True, "constructive"),
    ],
)
def test_without_structure_the_verdict_follows_from_sizes_and_stability(
    smallest: int, jaccard: float, fixed: bool, word: str
) -> None:
    found = candidate(3, 0.9, smallest, jaccard)
    assert judge(evidence(found, p=None), found, fixed=fixed) == word


def test_two_groups_with_gaps_between_them_are_partly_natural() -> None:
    partly = replace(at_the_edge(5), natural_groups=2)
    assert is_partly_natural(evidence(partly), partly)
    assert not is_partly_natural(evidence(partly), replace(partly, natural_groups=1))
    # Two groups without a single gap: they are too far apart to be neighbours, so no border between them was tested.
    assert not is_partly_natural(evidence(partly), replace(partly, borders_tested=4, borders_gap=0))
    assert not is_partly_natural(evidence(partly, p=0.0101), partly)
    assert not is_partly_natural(evidence(partly, n=99), partly)
    assert not is_partly_natural(evidence(partly), replace(partly, shape_suited=False))
    assert not is_partly_natural(evidence(partly), replace(partly, jaccard=(0.74,) * 5))


def test_among_natural_numbers_the_largest_is_taken_whatever_the_silhouette() -> None:
    found = (at_the_edge(2, 0.85), at_the_edge(3, 0.67), candidate(4, 0.9, jaccard=0.9))
    assert choose(evidence(*found)) == Choice(3, "natural")


def test_without_natural_numbers_the_smallest_within_one_standard_error_is_taken() -> None:
    best = replace(candidate(5, 0.500, jaccard=0.8), silhouette_se=0.02)
    # 0.480 is exactly one standard error below, 0.479 is more than one.
    assert choose(evidence(candidate(3, 0.480, jaccard=0.8), best)) == Choice(3, "reproducible", 5)
    assert choose(evidence(candidate(3, 0.479, jaccard=0.8), best)) == Choice(5, "reproducible", 5)
    # Half the error would not reach 0.480, twice the error would reach 0.462.
    assert choose(evidence(candidate(3, 0.462, jaccard=0.8), best)).k == 5
    # One that does not come back, or is too small, takes no part.
    assert choose(evidence(candidate(3, 0.49, jaccard=0.74), best)).k == 5
    assert choose(evidence(candidate(3, 0.49, smallest=49, jaccard=0.9), best)).k == 5


def test_when_nothing_comes_back_the_same_rule_runs_over_all_of_sufficient_size() -> None:
    found = (candidate(2, 0.40, jaccard=0.5), candidate(3, 0.45, jaccard=0.5), candidate(4, 0.60, smallest=49))
    assert choose(evidence(*found)) == Choice(3, "constructive", 3)
    wide = (found[0], replace(found[1], silhouette_se=0.05), found[2])
    assert choose(evidence(*wide)) == Choice(2, "constructive", 3)


def test_twice_as_many_natural_groups_go_before_the_largest_natural_number() -> None:
    three = at_the_edge(3, 0.5)
    # 20 segments in 6 groups against 3 natural ones: exactly twice as many.
    many = replace(at_the_edge(20, 0.56), natural_groups=6, shape_suited=None)
    found = evidence(three, many)
    assert choose(found) == Choice(20, "reproducible", 20, passed_over=3)
    assert judge(found, many, fixed=False) == "reproducible"
    said = reasons(found, choose(found), many, "reproducible", fixed=False, resamples=30)
    assert said[1].startswith("3 is the largest number with a gap on every border, but 20 come back too")
    for change in ({"natural_groups": 5}, {"excess": 0.0499}, {"shape_suited": False}, {"jaccard": (0.74,) * 20}):
        assert choose(evidence(three, replace(many, **change))) == Choice(3, "natural")  # type: ignore[arg-type]
    # Without a natural number nothing is passed over.
    assert choose(evidence(many)) == Choice(20, "reproducible", 20)


def test_a_tie_goes_to_fewer_segments() -> None:
    def pick(difference: float) -> int:
        return choose(evidence(candidate(5, 0.3 + difference, jaccard=0.8), candidate(3, 0.3, jaccard=0.8))).k

    assert pick(4e-10) == 3 and pick(4e-9) == 5
    assert best_silhouette([candidate(5, 0.3 + 4e-10), candidate(3, 0.3)]).k == 3
    # Exactly on the bound, in numbers that subtract without a rest.
    assert best_silhouette([candidate(5, 1e-9), candidate(3, 0.0)]).k == 3
    wide = replace(candidate(5, 0.5, jaccard=0.8), silhouette_se=0.5)
    assert choose(evidence(wide, candidate(3, -1e-9, jaccard=0.8))).k == 3
    assert THRESHOLDS.tie == 1e-9 and THRESHOLDS.families == 3  # the latter is asked for by the choices ledger


def test_without_a_large_enough_solution_the_smallest_k_is_shown() -> None:
    found = evidence(candidate(3, 0.9, smallest=5), candidate(2, 0.1, smallest=5))
    assert choose(found) == Choice(2, "none")


def test_a_low_median_agreement_with_other_preparations_costs_one_step() -> None:
    assert not depends_on_preparation([0.6]) and depends_on_preparation([0.5999])
    assert not depends_on_preparation([]) and not depends_on_preparation([0.1, 0.7, 0.7])
    # The median of an even number is the mean of the middle two: (0.5 + 0.7) / 2 = 0.6, (0.5 + 0.69) / 2 = 0.595.
    assert not depends_on_preparation([0.1, 0.5, 0.7, 1.0]) and depends_on_preparation([0.1, 0.5, 0.69, 1.0])
    assert [one_step_down(word) for word in ("natural", "reproducible", "constructive", "none")] == [
        "reproducible", "constructive", "constructive", "none",
    ]  # fmt: skip


def test_the_mixture_wins_only_when_it_is_better_in_both() -> None:
    kmeans = candidate(3, 0.40, jaccard=0.80)
    assert prefer(kmeans, candidate(3, 0.41, jaccard=0.81, algorithm="gmm")).algorithm == "gmm"
    assert prefer(kmeans, candidate(3, 0.41, jaccard=0.80, algorithm="gmm")).algorithm == "kmeans"
    assert prefer(kmeans, candidate(3, 0.40, jaccard=0.99, algorithm="gmm")).algorithm == "kmeans"
    even, hardly = candidate(3, 0.0, jaccard=0.8), candidate(3, 1e-9, jaccard=0.9, algorithm="gmm")
    assert prefer(even, hardly).algorithm == "kmeans"  # better by exactly what counts as equal


def said(found: Evidence, k: int, fixed: bool = False) -> str:
    chosen = next(c for c in found.candidates if c.k == k)
    word = judge(found, chosen, fixed=fixed)
    return " ".join(reasons(found, choose(found), chosen, word, fixed=fixed, resamples=100))


def test_a_rerun_that_moves_nearly_nobody_is_not_said_to_move_none() -> None:
    steady = said(evidence(replace(candidate(2, 0.40, jaccard=0.9), agreement=0.998)), 2)
    assert "may move less than 1% of customers" in steady


def test_the_reasons_name_the_guard_that_decided() -> None:
    small = said(evidence(candidate(2, 0.40, jaccard=0.9), candidate(3, 0.45, smallest=12, jaccard=0.9), p=None), 2)
    assert "Of 2 to 3 segments, 2 separate the customers best" in small
    assert "3 segments have the highest silhouette of all (0.45), but the smallest would have 12 customers" in small
    assert "In 100 repetitions on resampled customers every segment came back" in small
    assert "overlaps with itself by 0.90 on average" in small and "may move about 7% of customers" in small
    assert "not called natural" in small and "whether there is structure at all stays open" in small
    unstable = said(evidence(candidate(2, 0.40, jaccard=0.9), candidate(3, 0.45, jaccard=0.6)), 2)
    assert "not all of them come back: the least stable one overlaps with itself by 0.60" in unstable
    wide = replace(candidate(3, 0.45, jaccard=0.9), silhouette_se=0.05)
    assert "are within one standard error (0.050)" in said(evidence(candidate(2, 0.40, jaccard=0.9), wide), 2)
    larger = said(evidence(at_the_edge(2, 0.85), at_the_edge(3, 0.67)), 3)
    assert "but 3 have gaps on all their borders too" in larger and "not called natural" not in larger
    cut = replace(at_the_edge(4, 0.9), natural_groups=3, borders_gap=2, borders_tested=5)
    assert "but only 2 of their 5 tested borders have a gap" in said(evidence(at_the_edge(3), cut), 3)


def test_a_fixed_number_is_told_what_it_costs() -> None:
    found = evidence(at_the_edge(3, 0.7), candidate(4, 0.30, smallest=12, jaccard=0.5))
    text = said(found, 4, fixed=True)
    assert "4 segments were asked for; their silhouette is 0.30." in text
    assert "The evidence gives 3 (natural). Against them, 4 have a least stable segment of 0.50 instead of 0.75" in text
    assert "a smallest segment of 12 customers instead of 50, and a silhouette of 0.30 instead of 0.70." in text
    assert "1 segment of 4 would have fewer than 50 customers; the smallest has 12." in text
    assert "not every segment came back" in text
    assert "The evidence gives the same number." in said(found, 3, fixed=True)


def test_the_table_has_the_columns_of_the_contract_and_unknown_is_missing() -> None:
    table = k_table([candidate(2, 0.4, jaccard=0.8), candidate(3, 0.3)])
    assert tuple(table.columns) == COLUMNS
    assert table["jaccard_min"].tolist()[0] == 0.8 and table["jaccard_min"].isna().tolist() == [False, True]
    # 100 of 100 + 200 customers.
    assert abs(table["smallest_share"][0] - 1 / 3) <= 1e-12
    assert table["bic"].isna().all() and table["borders_gap"].isna().all()


def test_a_number_that_only_the_smallest_size_keeps_out_is_named() -> None:
    six, seven = replace(at_the_edge(6), sizes=(49, *[200] * 5)), replace(at_the_edge(7), sizes=(40, *[200] * 6))
    told = said(evidence(at_the_edge(), six, seven), 3)
    assert (
        "7 segments come back and have a gap on every border too, but the smallest would have 40 customers, fewer than "
        "50 (setting min_size)." in told
    )
    for change in ({"jaccard": (0.7499,) * 7}, {"natural_groups": 6, "silhouette": 0.48}, {"sizes": (50, *[200] * 6)}):
        assert "7 segments come back" not in said(evidence(at_the_edge(), replace(seven, **change)), 3)  # type: ignore[arg-type]
    # Where no border can be tested, because so small a segment has too few customers, the silhouette speaks.
    told = said(evidence(at_the_edge(), replace(seven, natural_groups=6, silhouette=0.49)), 3)
    assert "7 segments come back and separate as well (0.49), but the smallest would have 40 customers" in told


def test_the_bounds_of_stability_are_those_of_the_literature() -> None:
    # Hennig 2007: 0.75 and above a stable segment, 0.6 to 0.75 a pattern, below that not to be trusted.
    assert (STABLE, PATTERN) == (0.75, 0.6)
