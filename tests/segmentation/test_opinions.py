"""Second opinions on k: worked out by hand where they can be, and on groups that nobody can miss."""

from __future__ import annotations

import numpy as np

from personas.segmentation import discover
from personas.segmentation.opinions import _weakest, gap_statistic, own_k, prediction_strength
from personas.segmentation.records import Candidate
from personas.segmentation.separation import separation
from tests.segmentation.markets import mix, ring


def candidate(k: int, **figures: float) -> Candidate:
    return Candidate("kmeans", k, figures.pop("silhouette", 0.1), 0.0, 0.1, (50,) * k, 1.0, **figures)  # type: ignore[arg-type]


def ordered(X: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(X[np.lexsort(X.T[::-1])])


def test_each_index_takes_its_own_k_by_its_own_rule() -> None:
    found = [
        candidate(2, silhouette=0.5, gap=0.30, gap_error=0.02, prediction_strength=0.95, mixture_bic=9.0),
        candidate(3, silhouette=0.4, gap=0.40, gap_error=0.02, prediction_strength=0.80, mixture_bic=7.0),
        candidate(4, silhouette=0.3, gap=0.41, gap_error=0.02, prediction_strength=0.79, mixture_bic=7.0),
    ]
    # Gap: 0.10 < 0.30 - 0.02 and 0.30 < 0.40 - 0.02, but 0.40 >= 0.41 - 0.02: three. Strength: the largest from 0.80.
    assert own_k(found, 0.10) == {"silhouette": 2, "mixture_bic": 3, "gap": 3, "prediction_strength": 3}
    # One segment has a gap of 0.28 already: 0.28 >= 0.30 - 0.02.
    assert own_k(found, 0.28)["gap"] == 1
    assert own_k([candidate(2, prediction_strength=0.79)], 0.0)["prediction_strength"] == 1


def test_the_weakest_cluster_counts_pairs_that_stay_together() -> None:
    # The first cluster keeps 2 of 2 * 3 ordered pairs (two of three stay), the second all of its pairs.
    own, predicted = np.array([0, 0, 0, 1, 1], np.int32), np.array([0, 0, 1, 1, 1], np.int32)
    assert abs(_weakest(own, predicted, 2) - 1 / 3) <= 1e-12


def test_clear_groups_are_seen_by_gap_and_strength_and_noise_by_neither() -> None:
    groups = ordered(ring(3, 6.0, 600, 0)[0])
    noise = ordered(np.random.default_rng(1).normal(size=(600, 4)))
    for X, k in ((groups, 3), (noise, 1)):
        gaps = gap_statistic(X, [2, 3, 4], 0)
        found = [
            candidate(q, gap=gaps[q][0], gap_error=gaps[q][1], prediction_strength=prediction_strength(X, q, 0))
            for q in (2, 3, 4)
        ]
        own = own_k(found, gaps[1][0])
        assert (own["gap"], own["prediction_strength"]) == (k, k)


def test_similarity_is_counted_for_members_and_all_others() -> None:
    X, _ = ring(2, 6.0, 300, 2)
    found = discover(X, k=(2, 3), protocol="quick")
    assert found.k == 2
    for g, (members, others) in enumerate(separation(X, found.labels, found.model)):
        # 150 each, and two groups 12 apart leave nobody in the middle.
        assert (sum(members), sum(others)) == (150, 150) and sum(members[:10]) == 0 == sum(others[10:])
        assert found.separation[g] == (members, others)


def test_the_full_protocol_brings_them_all_and_the_standard_error_of_every_k() -> None:
    X, _ = mix(2, 2, 7.0, 200, 3)
    found = discover(X, k=(2, 3), protocol="full")
    assert set(found.own_k) == {
        "silhouette", "calinski_harabasz", "davies_bouldin", "mixture_bic", "mixture_icl", "gap", "prediction_strength",
    }  # fmt: skip
    assert set(found.own_k.values()) == {2}
    assert all(c.silhouette_se is not None and c.mixture_ari is not None for c in found.candidates)
    assert (found.chosen.mixture_ari or 0) >= 0.95 and found.guard == ""
    assert found.labelings is not None and found.labelings.shape == (2, 200)
    assert (found.labelings[0] == found.labels).all()
