from __future__ import annotations

import numpy as np
import pytest

from personas.segmentation import discover
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.assign import label_rows
from personas.segmentation.resampling import standard_error
from personas.segmentation.sensitivity import deciding, ledger, other_scalings
from personas.segmentation.shape import shape_suited
from personas.segmentation.unusual import trimmed_means, unusual_rows
from tests.segmentation.markets import mix, ring

KMEANS = ALGORITHMS.get("kmeans")


def test_other_scalings_keep_the_weight_of_each_family_and_leave_blocks_alone() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(500, 4)) * [1.0, 5.0, 2.0, 3.0]
    found = dict(other_scalings(X, ["a", "a", "b", "b"], [[2, 3]]))
    assert list(found) == ["scaled by standard deviation", "scaled by range"]
    for Z in found.values():
        for family in ([0, 1], [2, 3]):
            before, after = (np.linalg.eigvalsh(np.cov(A[:, family], rowvar=False))[-1] for A in (X, Z))
            assert abs(before - after) <= 1e-9 * before
        # Inside family b both columns are one block: nothing is rescaled there.
        assert np.allclose(Z[:, 2:], X[:, 2:])
    spread = found["scaled by standard deviation"][:, :2].std(axis=0)
    assert abs(spread[0] - spread[1]) <= 1e-9
    # A single column per family leaves nothing to rescale.
    assert list(other_scalings(X[:, :2], ["a", "b"], [])) == []


def test_the_ledger_says_what_moves_and_who_was_left_out() -> None:
    X, _ = ring(3, 6.0, 300, 1)
    model = KMEANS.fit(X, 3, np.random.SeedSequence(0), 5)
    X = np.vstack((X, [[200.0, 200.0]]))
    kept = np.arange(301) < 300
    listed, moved = ledger(X, kept, model, KMEANS, ["a", "b"], [], 0)
    rows = {str(row["choice"]): row for row in listed}
    assert list(rows) == [
        "without the family a", "without the family b", "with 1 unusual customer put back",
        "Gaussian mixture instead of k-means", "leaving out the farthest 2%", "leaving out the farthest 5%",
    ]  # fmt: skip
    assert all(0 <= float(row["customers_moved_share"]) <= 1 for row in rows.values())  # type: ignore[arg-type]
    # Put back, the far row owns one of the 3 segments and two groups of 100 become one: a third of 300 moves.
    assert abs(float(rows["with 1 unusual customer put back"]["customers_moved_share"]) - 1 / 3) <= 0.01  # type: ignore[arg-type]
    # Who moved adds up to the shares; the far row has no segment that it could leave.
    assert moved.shape == (6, 301) and (moved[:, 300] == -1).all() and (moved[:4, :300] >= 0).all()
    # 2% and 5% of 300 are not looked at.
    assert (moved[:, :300] == -1).sum(axis=1).tolist() == [0, 0, 0, 0, 6, 15]
    shares = [row["customers_moved_share"] for row in listed]
    assert (moved == 1).sum(axis=1) / (moved >= 0).sum(axis=1) == pytest.approx(shares, abs=1e-12)


def test_a_small_real_segment_shows_as_one_that_trimming_takes_away() -> None:
    # 12 of 312 customers, 3.8%, lie 30 to the side: after 2% (7 rows) enough of them are left to own a
    # centroid, so that all of them come back; 5% (16 rows) takes all.
    crowd, _ = ring(2, 5.0, 300, 7)
    small = np.random.default_rng(8).normal(size=(12, 2)) * 0.5 + [30.0, 0.0]
    X = np.vstack((crowd, small))
    model = KMEANS.fit(X, 3, np.random.SeedSequence(0), 20)
    one = int(model.labels[-1])
    listed, _ = ledger(X, np.ones(312, dtype=bool), model, KMEANS, None, [], 0)
    rows = {str(row["choice"]): row for row in listed}
    two, five = (rows[f"leaving out the farthest {share}"]["left_out_shares"] for share in ("2%", "5%"))
    assert isinstance(two, list) and isinstance(five, list)
    assert two[one] == 0.0 and five[one] == 1.0
    assert max(share for g, share in enumerate(five) if g != one) < 0.05
    # Without it the third segment is another one, but an audit does not speak on preparation.
    assert float(rows["leaving out the farthest 5%"]["ari"]) < 0.9  # type: ignore[arg-type]
    assert rows["leaving out the farthest 5%"]["ari"] not in deciding(listed, ["a", "b", "c"])


def test_who_moves_is_told_in_the_order_of_the_rows_given() -> None:
    X, _ = ring(3, 3.0, 150, 5)
    swap = np.random.default_rng(1).permutation(150)
    one, other = (discover(A, k=3, protocol="quick", map_kind="none", families=["a", "b"]) for A in (X, X[swap]))
    assert one.moved is not None and other.moved is not None and (one.moved == 1).any()
    assert np.array_equal(one.moved[:, swap], other.moved)


def test_one_of_two_families_left_out_does_not_speak_on_preparation_one_of_three_does() -> None:
    scaled = [{"choice": f"scaled by {how}", "ari": ari} for how, ari in (("range", 0.9), ("sd", 0.8), ("mad", 0.7))]
    rows = [*scaled, {"choice": "without the family a", "ari": 0.1}]
    assert deciding(rows, ["a", "b", "b"]) == [0.9, 0.8, 0.7]
    assert deciding(rows, ["a", "b", "c"]) == [0.9, 0.8, 0.7, 0.1]
    assert deciding(rows, None) == [0.9, 0.8, 0.7, 0.1]


def test_two_choices_are_too_few_to_lower_a_verdict() -> None:
    rows = [{"choice": "Gaussian mixture instead of k-means", "ari": 0.1}, {"choice": "scaled by range", "ari": 0.2}]
    assert deciding(rows, None) == []
    assert deciding([*rows, {"choice": "leaving out the farthest 5%", "ari": 0.3}], None) == []
    assert deciding([*rows, {"choice": "scaled by sd", "ari": 0.3}], None) == [0.1, 0.2, 0.3]


def test_moons_are_cut_across_and_round_groups_are_not() -> None:
    from sklearn.datasets import make_moons

    moons = make_moons(800, noise=0.05, random_state=0)[0]
    groups, truth = ring(3, 6.0, 600, 2)
    for X, k, suited in ((moons, 2, False), (groups, 3, True)):
        labels = KMEANS.fit(X, k, np.random.SeedSequence(0), 5).labels
        assert shape_suited(X, labels, k) is suited
    assert shape_suited(groups, truth, 3)


def test_two_linked_rings_cut_into_six_are_cut_across_and_arcs_of_one_ring_each_are_not() -> None:
    angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
    zero = np.zeros(300)
    flat = np.column_stack((np.cos(angle), np.sin(angle), zero))
    upright = np.column_stack((1 + np.cos(angle), zero, np.sin(angle)))
    X = np.vstack((flat, upright))
    arcs = np.concatenate((np.arange(300) // 100, 3 + np.arange(300) // 100)).astype(np.int32)
    assert shape_suited(X, arcs, 6)
    # 33 rows of the first arc change places with 33 of the last: 66 of 600 are with the wrong ring.
    mixed = arcs.copy()
    mixed[:33], mixed[-33:] = 5, 0
    # Agreement of 534 of 600 in two equal groups: 2 * 0.89 - 1 = 0.78, squared 0.61.
    assert not shape_suited(X, mixed, 6)


def test_a_far_row_is_unusual_and_has_no_part_in_the_centroids() -> None:
    X, _ = mix(3, 2, 8.0, 400, 3)
    X = np.vstack((X, [[500.0, 500.0]]))
    # The others lie within 5 deviations of their centre: the far one alone is unusual.
    assert np.flatnonzero(unusual_rows(X, (3, 4, 5), 0)).tolist() == [400]
    centroids = trimmed_means(X, KMEANS.fit(X[:400], 3, np.random.SeedSequence(0), 5).centroids)
    # 1% of 401 rows, rounded up to 5, are left out: the far one moves nothing.
    assert np.abs(centroids).max() < 50


def test_repeated_rows_do_not_make_everybody_else_unusual() -> None:
    # Half of the distances are equal, so their MAD is 0: the deviation takes its place, and 1,000 is still far.
    X = np.vstack((np.repeat([[0.0, 0.0], [9.0, 0.0]], 150, axis=0), [[0.5, 0.0], [1000.0, 0.0]]))
    assert np.flatnonzero(unusual_rows(X, (2,), 0)).tolist() == [301]


@pytest.mark.parametrize("far", [[[1000.0, 1000.0]], [[100.0, 100.0 + i] for i in range(5)]])
def test_far_rows_change_neither_the_number_of_segments_nor_who_belongs_to_them(far: list[list[float]]) -> None:
    X, truth = mix(3, 2, 5.0, 400, 0)
    clean = discover(X, k=(2, 4), protocol="quick")
    found = discover(np.vstack((X, far)), k=(2, 4), protocol="quick")
    assert (found.k, found.verdict, found.unusual) == (clean.k, clean.verdict, len(far)) == (3, "natural", len(far))
    # Nobody is lost: those in segments and those apart are everybody.
    assert (found.labels[:400] == clean.labels).all() and (found.labels[400:] == -1).all()
    assert sum(found.chosen.sizes) == 400 and adjusted_rand(contingency(truth, found.labels[:400], 3, 3)) >= 0.95
    assert [(n.code, n.count) for n in found.notices] == [("unusual-customers", len(far))]
    # The rule for new customers: as far as the nearest of those set aside.
    labels, membership, sure = label_rows(np.array([[1e4, 0.0], X[0]]), found)
    assert labels.tolist() == [-1, found.labels[0]] and membership[0] == sure[0] == 0 < membership[1]


def test_the_standard_error_shrinks_with_the_number_of_rows_it_stands_for() -> None:
    X, _ = mix(3, 2, 4.0, 300, 4)
    small, large = (standard_error(X, 3, KMEANS, 0, n) for n in (300, 1200))
    assert 0 < small < 0.1 and abs(small / large - 2.0) <= 1e-9  # sqrt(1200 / 300)


def test_a_verdict_that_hangs_on_scaling_goes_one_step_down() -> None:
    # Three groups 5 apart in two columns, and six columns of noise that count three times as much once scaled alike.
    X, _ = mix(3, 2, 5.0, 600, 0)
    X = np.hstack((X, np.random.default_rng(5).normal(size=(600, 6)) * 0.2))
    found = discover(X, k=(2, 4), protocol="quick")
    # Agreement 0.44 scaled by standard deviation, 0.98 by range, 0.50 as a mixture: the median is below 0.6.
    heard = [row for row in found.sensitivity if "farthest" not in str(row["choice"])]
    assert [round(float(str(row["ari"])), 2) for row in heard] == [0.44, 0.98, 0.5]
    assert (found.k, found.verdict_as_prepared, found.verdict) == (3, "natural", "reproducible")
    assert found.depends_on_preparation and "depend on preparation" in found.reasons[0]
