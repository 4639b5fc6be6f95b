"""Segments inside stages: each stage by its own protocol, joined so that everybody has one segment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from personas.segmentation import discover, discover_within
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.assign import label_rows
from personas.segmentation.records import Floats, Segmentation
from personas.segmentation.stages import with_stage
from personas.storage import load_segmentation, save_segmentation

from .markets import ring

NAMES = ("new", "active", "lapsing", "lost")


def world() -> tuple[Floats, NDArray[np.object_], NDArray[np.int32]]:
    """Two groups of 120 among the new, three of 100 among the active, and 30 who are lost; the truth over all is 0..5.

    The lost lie amid the active, so that only the stage tells them apart.
    """
    (new, of_new), (active, of_active) = ring(2, 5, 240, 1), ring(3, 5, 300, 2)
    lost = np.random.default_rng(3).normal(size=(30, 2)) + active[of_active == 0].mean(axis=0)
    stages = np.repeat(np.array(["new", "active", "lost"], dtype=object), (240, 300, 30))
    truth = np.concatenate((of_new, of_active + 2, np.full(30, 5))).astype(np.int32)
    return np.vstack((new, active, lost)), stages, truth


X, STAGES, TRUTH = world()


def sought(rows: NDArray[np.int64] | None = None) -> Segmentation:
    rows = np.arange(len(X)) if rows is None else rows
    return discover_within(X[rows], STAGES[rows], NAMES, "stage", k=(2, 4), protocol="quick")


@pytest.fixture(scope="module")
def found() -> Segmentation:
    return sought()


def test_each_stage_has_its_own_number_and_the_small_one_stays_whole(found: Segmentation) -> None:
    # 570 customers: the smallest segment has max(50, 2%) = 50, so 100 are needed for two and 30 stay one.
    assert [(s.name, s.first, s.k, s.customers) for s in found.stages] == [
        ("new", 0, 2, 240), ("active", 2, 3, 300), ("lost", 5, 1, 30),
    ]  # fmt: skip
    assert found.k == 6 and found.min_size == 50
    assert [s.found.verdict if s.found else s.why for s in found.stages] == [
        "natural", "natural", "30 customers are too few for two segments of 50",
    ]  # fmt: skip
    assert found.verdict == "natural"
    assert found.reasons[2] == "Lost (30 customers) stays one segment: 30 customers are too few for two segments of 50."


def test_the_planted_groups_of_every_stage_are_found(found: Segmentation) -> None:
    assert adjusted_rand(contingency(TRUTH, found.labels, 6, 6)) > 0.97
    assert sum(found.chosen.sizes) + found.unusual == 570
    for stage in found.stages:
        inside = found.labels[stage.name == STAGES]
        assert set(inside.tolist()) - {-1} == set(range(stage.first, stage.first + stage.k))


def test_one_search_among_all_cannot_tell_the_stages_apart() -> None:
    # The lost lie on a group of the active: 5 places on the plane for 6 groups.
    assert discover(X, k=(2, 6), protocol="quick").k < 6


def test_a_stage_is_judged_as_if_it_were_alone(found: Segmentation) -> None:
    alone = discover(X[STAGES == "active"], k=(2, 4), protocol="quick", min_size=50)
    within = found.stages[1].found
    assert within is not None
    assert (within.candidates, within.reasons, within.gate) == (alone.candidates, alone.reasons, alone.gate)
    np.testing.assert_array_equal(within.labels, alone.labels)
    assert [e.value for e in found.stability[2:5]] == [e.value for e in alone.stability]


def test_who_is_new_to_the_study_gets_the_stage_first_and_then_the_centre(found: Segmentation) -> None:
    middle = X[TRUTH == 2].mean(axis=0)  # a group of the active, and the place of the lost
    raw = {"stage": np.array(["active", "lost", "new", "unheard of"], dtype=object)}
    labels, membership, sure = label_rows(with_stage(np.tile(middle, (4, 1)), raw, found), found)
    own = int(found.labels[TRUTH == 2][0])
    nearest = np.linalg.norm(found.model.centroids[:2] - middle, axis=1).argmin()
    assert labels.tolist() == [own, 5, nearest, -1]
    assert membership[1] == sure[1] == 1.0 and membership[3] == sure[3] == 0.0
    assert sure[0] > 0.95


def test_everybody_who_was_sought_is_assigned_the_same_segment(found: Segmentation) -> None:
    labels, membership, sure = label_rows(with_stage(X, {"stage": STAGES}, found), found)
    np.testing.assert_array_equal(labels, found.labels)
    np.testing.assert_allclose(membership, found.membership)
    np.testing.assert_allclose(sure, found.confidence)


def test_someone_far_from_all_of_the_own_stage_is_set_aside_there(found: Segmentation) -> None:
    rows = np.vstack((X, [[900.0, 0.0]]))
    stages = np.append(STAGES, "active")
    far = discover_within(rows, stages, NAMES, "stage", k=(2, 4), protocol="quick")
    assert far.labels[-1] == -1 and far.unusual == 1 and far.k == 6
    new = with_stage(np.array([[900.0, 0.0]] * 2), {"stage": np.array(["active", "lost"], dtype=object)}, far)
    assert label_rows(new, far)[0].tolist() == [-1, 5]  # a stage that is one segment keeps everybody


def test_a_saved_study_of_stages_assigns_alike(found: Segmentation, tmp_path: Path) -> None:
    save_segmentation(found, tmp_path)
    again = load_segmentation(tmp_path)
    with_stages = with_stage(X, {"stage": STAGES}, found)
    for ours, theirs in zip(label_rows(with_stages, found), label_rows(with_stages, again), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    first, other = found.stages[0].found, again.stages[0].found
    assert first is not None and other is not None
    assert other.candidates == first.candidates and other.lineage == first.lineage
    assert again.reasons == found.reasons and again.stages[2].why == found.stages[2].why


def test_mixtures_inside_stages_are_saved_with_their_shapes(tmp_path: Path) -> None:
    found = discover_within(X, STAGES, NAMES, "stage", k=(2, 3), protocol="quick", algorithm="gmm", map_kind="pca")
    save_segmentation(found, tmp_path)
    with_stages = with_stage(X, {"stage": STAGES}, found)
    ours, theirs = label_rows(with_stages, found), label_rows(with_stages, load_segmentation(tmp_path))
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True)) and found.algorithm == "gmm"
    first = found.stages[0].found
    assert first is not None and first.map_points is not None and len(first.map_points) == 240


def test_the_order_of_rows_changes_nothing(found: Segmentation) -> None:
    swap = np.random.default_rng(0).permutation(len(X))
    other = sought(swap)
    np.testing.assert_array_equal(other.labels, found.labels[swap])
    np.testing.assert_array_equal(other.model.centroids, found.model.centroids)
    assert other.reasons == found.reasons


def test_without_a_stage_that_can_be_divided_nothing_is_claimed() -> None:
    rows = np.random.default_rng(0).normal(size=(80, 2))
    stages = np.array(["new", "lost"] * 40, dtype=object)
    found = discover_within(rows, stages, NAMES, "stage", k=(2, 4), protocol="quick")
    assert (found.verdict, found.k) == ("none", 2)


def test_the_choices_ledger_names_the_stage_and_looks_at_its_customers_only(found: Segmentation) -> None:
    choices = [str(row["choice"]) for row in found.sensitivity]
    assert choices and {choice.split(": ")[0] for choice in choices} == {"new", "active"}
    assert found.moved is not None and found.moved.shape == (len(choices), 570)
    for choice, who in zip(choices, found.moved, strict=True):
        assert set(STAGES[who >= 0].tolist()) == {choice.split(": ")[0]}
