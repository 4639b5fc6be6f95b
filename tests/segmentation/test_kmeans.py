from __future__ import annotations

import numpy as np
import pytest

from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.algorithms import kmeans as room
from personas.segmentation.algorithms.kmeans import collapse, fit_kmeans, fit_prepared, prepare
from personas.segmentation.lloyd import lloyd, nearest
from personas.segmentation.threads import single_thread
from tests.segmentation.markets import mix


def test_labels_are_numbered_by_centroid_and_do_not_depend_on_the_starts() -> None:
    X, _ = mix(4, 3, 8.0, 400, 0)
    models = [fit_kmeans(X, 4, np.random.SeedSequence(seed), 20) for seed in range(5)]
    for model in models:
        assert (model.labels == models[0].labels).all()
        assert model.centroids.tolist() == sorted(model.centroids.tolist())
        assert (model.predict(X) == model.labels).all()


def test_centroids_are_the_means_of_their_segments() -> None:
    X, _ = mix(3, 2, 2.0, 300, 1)
    model = fit_kmeans(X, 3, np.random.SeedSequence(0), 5)
    for g in range(3):
        assert np.abs(X[model.labels == g].mean(axis=0) - model.centroids[g]).max() <= 1e-9
    assert abs(model.inertia - ((X - model.centroids[model.labels]) ** 2).sum()) <= 1e-6


def test_equal_distances_go_to_the_lower_segment_whatever_the_batch() -> None:
    # Rows on the middle between two centroids, at places where rounding would decide.
    centroids = np.array([[0.1, 0.7], [0.3, 0.7]])
    X = np.column_stack((np.full(1000, 0.2), np.linspace(-5, 5, 1000)))
    assert nearest(X, centroids).tolist() == [0] * 1000
    assert [int(nearest(row[None], centroids)[0]) for row in X[:50]] == [0] * 50


def test_repeated_rows_side_by_side_count_as_one_with_a_weight() -> None:
    rows, weights = collapse(np.array([[1.0], [1.0], [2.0], [3.0], [3.0], [3.0]]))
    assert rows.tolist() == [[1.0], [2.0], [3.0]] and weights is not None and weights.tolist() == [2.0, 1.0, 3.0]
    X, _ = mix(3, 2, 6.0, 90, 2)
    once, thrice = (fit_kmeans(np.repeat(X, m, axis=0), 3, np.random.SeedSequence(0), 20) for m in (1, 3))
    assert np.abs(once.centroids - thrice.centroids).max() <= 1e-9
    assert abs(3 * once.inertia - thrice.inertia) <= 1e-6


def test_the_share_of_starts_in_the_best_optimum_is_recorded() -> None:
    X, _ = mix(3, 2, 12.0, 300, 3)
    assert fit_kmeans(X, 3, np.random.SeedSequence(0), 20).optimum_share == 1.0
    noise = np.random.default_rng(0).uniform(size=(300, 6))
    share = fit_kmeans(noise, 9, np.random.SeedSequence(0), 20).optimum_share
    assert share is not None and 0 < share <= 0.3
    assert fit_kmeans(X, 3, np.random.SeedSequence(0), 5).optimum_share is None


def test_starts_on_a_subsample_stay_within_half_a_percent_of_starts_on_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, _ = mix(6, 5, 3.0, 4000, 4)
    full = [fit_kmeans(X, k, np.random.SeedSequence(0), 10).inertia for k in (3, 6, 9)]
    monkeypatch.setattr(room, "START_ROWS", 1500)
    for k, inertia in zip((3, 6, 9), full, strict=True):
        assert fit_kmeans(X, k, np.random.SeedSequence(0), 20).inertia <= 1.005 * inertia


@pytest.mark.parametrize("few", [20_000, 1000])
def test_quick_fits_end_where_those_of_scikit_learn_do(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.cluster import KMeans

    # Few rows and many take different ways: the latter start on a part and pass over all rows once.
    monkeypatch.setattr(room, "FEW_ROWS", few)
    monkeypatch.setattr(room, "START_ROWS", 20_000 if few > 3000 else 1500)
    ratios = []
    for seed in range(3):
        X = mix(6, 5, 3.0, 3000, seed)[0]
        rows = X[np.lexsort(X.T[::-1])]
        for k in (2, 4, 6, 9, 12):
            model = fit_prepared(prepare(rows), k, np.random.SeedSequence(k), 20, quick=True)
            assert abs(model.inertia - ((rows - model.centroids[model.labels]) ** 2).sum()) <= 1e-6 * model.inertia
            assert (model.predict(rows) == model.labels).all()
            with single_thread():
                ratios.append(model.inertia / KMeans(k, n_init=10, random_state=0).fit(rows).inertia_)
    # Neither finds the best optimum every time; on average they are level.
    assert max(ratios) <= 1.03 and np.mean(ratios) <= 1.003


def test_an_emptied_segment_is_moved_to_the_farthest_row() -> None:
    X = np.array([[0.0], [1.0], [2.0], [50.0]])
    # Nothing is nearest to the centroid at -100; it must come back at 50.
    centroids, labels = lloyd(X, np.array([[1.0], [-100.0]]), 10)
    assert centroids[:, 0].tolist() == [1.0, 50.0] and labels.tolist() == [0, 0, 0, 1]


def test_membership_is_graded_by_distance_and_adds_up_to_one() -> None:
    model = ALGORITHMS.get("kmeans").restore({"centroids": np.array([[0.0], [3.0]]), "inertia": np.array(1.0)})
    shares = model.membership(np.array([[0.0], [1.0], [1.5]]))
    # Distances 1 and 2 give 1/1 to 1/4, which is 0.8 to 0.2.
    assert np.abs(shares - [[1.0, 0.0], [0.8, 0.2], [0.5, 0.5]]).max() <= 1e-9


@pytest.mark.parametrize("name", ["kmeans", "gmm"])
def test_a_restored_model_predicts_the_same(name: str) -> None:
    algorithm = ALGORITHMS.get(name)
    X, _ = mix(3, 2, 4.0, 200, 5)
    model = algorithm.fit(X, 3, np.random.SeedSequence(0), 5)
    again = algorithm.restore(model.arrays())
    assert (again.predict(X) == model.labels).all() and again.k == 3
    assert np.array_equal(again.membership(X), model.membership(X))
    assert again.inertia == model.inertia and again.algorithm == name
