from __future__ import annotations

import numpy as np

from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.algorithms.kmeans import fit_kmeans
from personas.segmentation.resampling import Resampled, confidence, hopeless, resample, stability_estimates
from tests.segmentation.markets import mix

KMEANS = ALGORITHMS.get("kmeans")


def test_planted_groups_come_back_and_a_cut_through_noise_does_not() -> None:
    X, _ = mix(3, 2, 8.0, 300, 0)
    planted = resample(X, fit_kmeans(X, 3, np.random.SeedSequence(0), 20), KMEANS, 0, range(8))
    assert planted.jaccard.shape == (16, 3) and len(planted.ari) == 8
    assert planted.jaccard.mean(axis=0).min() >= 0.97 and min(planted.ari) >= 0.95
    noise = np.random.default_rng(1).normal(size=(300, 8))
    cut = resample(noise, fit_kmeans(noise, 6, np.random.SeedSequence(0), 20), KMEANS, 0, range(8))
    assert cut.jaccard.mean(axis=0).min() <= 0.6 and np.median(cut.ari) <= 0.6
    assert hopeless(cut, 0.75) and not hopeless(planted, 0.75)


def test_pairs_can_be_added_later_without_changing_any_number() -> None:
    X, _ = mix(3, 2, 3.0, 200, 2)
    model = fit_kmeans(X, 3, np.random.SeedSequence(0), 20)
    whole = resample(X, model, KMEANS, 5, range(4))
    parts = resample(X, model, KMEANS, 5, range(2)) + resample(X, model, KMEANS, 5, range(2, 4))
    assert whole.ari == parts.ari and np.array_equal(whole.jaccard, parts.jaccard)
    assert whole.ari != resample(X, model, KMEANS, 6, range(4)).ari


def test_confidence_is_high_in_the_middle_and_low_at_the_border() -> None:
    random = np.random.default_rng(3)
    X = np.sort(np.concatenate([random.normal(0, 1, (150, 1)), random.normal(5, 1, (150, 1))]), axis=0)
    model = fit_kmeans(X, 2, np.random.SeedSequence(0), 20)
    found = resample(X, model, KMEANS, 0, range(15))
    sure = confidence(X, model.labels, found.models)
    assert sure[:50].min() == 1.0 and sure[-50:].min() == 1.0
    border = int(np.searchsorted(X[:, 0], model.centroids.mean()))
    assert sure[border - 1 : border + 1].min() < 1.0


def test_stability_is_the_mean_with_the_middle_95_percent_even_when_the_mean_lies_outside() -> None:
    # 98 resamples at 1 and two at 0: the mean is 0.98, the 2.5% quantile of 100 values is 1.
    values = np.concatenate((np.ones(98), np.zeros(2)))[:, None]
    found = stability_estimates(Resampled((1.0,) * 50, (1.0,) * 50, values, ()))[0]
    assert abs(found.value - 0.98) <= 1e-12 and found.low <= found.value <= found.high == 1.0
    assert (found.n, found.unit, found.basis) == (100, "share", "bootstrap")
