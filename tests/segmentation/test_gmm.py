from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.algorithms.covariance import free_parameters
from personas.segmentation.algorithms.gmm import OFF, Fit, fit_gmm, fit_mixture
from tests.segmentation.markets import mix

IRIS = load_iris().data
EXACT = Fit(tolerance=1e-8, iterations=3000, trial_iterations=15, finalists=60)
# method.md 12: unregularised maximum likelihood on raw iris, tolerance 1e-8, best of 60 k-means starts.
GOLDEN_BIC = {
    ("full", 1): 829.9782, ("full", 2): 574.0178, ("full", 3): 580.8389, ("full", 4): 621.7512,
    ("tied", 2): 688.0972, ("tied", 3): 632.9633, ("tied", 4): 591.4057,
    ("diag", 3): 744.6317, ("spherical", 3): 853.8090,
}  # fmt: skip


@pytest.mark.parametrize(("shape", "k"), GOLDEN_BIC)
def test_without_regularisation_bic_on_iris_is_the_golden_one(shape: str, k: int) -> None:
    model = fit_mixture(IRIS, k, np.random.SeedSequence(1), [1] * 60, shape=shape, how=OFF, fit=EXACT)
    assert abs(model.bic(IRIS) - GOLDEN_BIC[shape, k]) <= 0.01


@pytest.mark.parametrize(("k", "golden"), [(2, 574.029), (3, 590.585)])
def test_icl_adds_twice_the_entropy(k: int, golden: float) -> None:
    model = fit_mixture(IRIS, k, np.random.SeedSequence(1), [1] * 60, how=OFF, fit=EXACT)
    assert abs(model.icl(IRIS) - golden) <= 0.01


def test_bic_agrees_with_scikit_learn_for_the_same_parameters() -> None:
    from sklearn.mixture import GaussianMixture

    X, _ = mix(2, 3, 5.0, 300, 0)
    ours = fit_mixture(X, 2, np.random.SeedSequence(0), [5], how=OFF, fit=EXACT)
    theirs = GaussianMixture(2, means_init=ours.centroids, tol=1e-10, max_iter=2000, reg_covar=0).fit(X)
    assert abs(ours.bic(X) - theirs.bic(X)) <= 0.01


def test_free_parameters_are_counted_by_shape() -> None:
    # k = 3, d = 4: weights 2, means 12; full 3 * 10, tied 10, diag 12, spherical 3.
    assert [free_parameters(shape, 3, 4) for shape in ("full", "tied", "diag", "spherical")] == [44, 24, 26, 17]


def test_long_thin_groups_are_found_where_kmeans_cuts_across() -> None:
    random = np.random.default_rng(1)
    X = np.concatenate([random.normal(0, (8, 0.4), (200, 2)), random.normal((0, 4), (8, 0.4), (200, 2))])
    truth = np.repeat([0, 1], 200).astype(np.int32)
    model = fit_gmm(X, 2, np.random.SeedSequence(0), 20)
    # The cap of 50 on eigenvalues works in columns of unit variance, so thin groups stay possible.
    assert adjusted_rand(contingency(truth, model.labels, 2, 2)) >= 0.99


def test_repeated_rows_neither_crash_nor_raise_the_number_of_components() -> None:
    X, _ = mix(2, 2, 6.0, 300, 2)
    X[:90] = X[0]
    bics = []
    for k in (2, 3, 4):
        model = fit_gmm(X, k, np.random.SeedSequence(0), 20)
        values = np.linalg.eigvalsh(model.covariances)
        assert values.max() / values.min() <= 50 * (1 + 1e-9)
        bics.append(model.bic(X))
    assert np.isfinite(bics).all()


def test_a_column_in_another_unit_leaves_the_labels_unchanged() -> None:
    X, _ = mix(3, 3, 4.0, 400, 3)
    scaled = X * np.array([1e6, 1.0, 1.0])
    labels = [fit_gmm(values, 3, np.random.SeedSequence(0), 20).labels for values in (X, scaled)]
    assert adjusted_rand(contingency(labels[0], labels[1], 3, 3)) == 1.0


def test_few_rows_per_column_fall_back_to_diagonal_covariances() -> None:
    X = np.random.default_rng(4).normal(size=(100, 12))
    assert fit_gmm(X, 2, np.random.SeedSequence(0), 5).shape == "diag"  # 50 rows a component, 60 are needed
    assert fit_gmm(X[:, :6], 2, np.random.SeedSequence(0), 5).shape == "full"


def test_posteriors_add_up_and_their_largest_is_the_label() -> None:
    X, _ = mix(3, 2, 3.0, 300, 5)
    model = fit_gmm(X, 3, np.random.SeedSequence(0), 20)
    shares = model.membership(X)
    assert np.abs(shares.sum(axis=1) - 1).max() <= 1e-12
    assert (shares.argmax(axis=1) == model.labels).all()
    assert model.centroids.tolist() == sorted(model.centroids.tolist())
