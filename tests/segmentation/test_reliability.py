"""Confidence means what it says: held against what fresh samples of the same population do with each customer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from personas.segmentation.agreement import contingency, matched
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.algorithms.gmm import fit_gmm
from personas.segmentation.records import Floats
from personas.segmentation.resampling import confidence, resample

CENTRES = np.array([[0.0, 0.0], [3.0, 0.0], [1.5, 2.6]])
N, FRESH = 400, 60


def sample(seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Three round groups 3 apart, and who belongs where."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, N)
    X = CENTRES[truth] + random.normal(size=(N, 2))
    order = np.lexsort(X.T[::-1])
    return np.ascontiguousarray(X[order]), truth[order]


def off(target: Floats, said: Floats) -> float:
    """Mean distance of the two over ten equal bins of what was said, weighted by size."""
    bins = np.minimum((said * 10).astype(int), 9)
    parts = [abs(target[bins == b].mean() - said[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())]
    return float(sum(parts))


@pytest.mark.parametrize("name", ["kmeans", "gmm"])
def test_confidence_is_the_share_of_fresh_samples_that_agree(name: str) -> None:
    algorithm = ALGORITHMS.get(name)
    X, _ = sample(0)
    reference = algorithm.fit(X, 3, np.random.SeedSequence(0), 5)
    own = reference.predict(X)
    said = confidence(X, own, resample(X, reference, algorithm, 0, range(30)).models)
    hits = np.zeros(N)
    for seed in range(1, FRESH + 1):
        other = algorithm.fit(sample(seed)[0], 3, np.random.SeedSequence(seed), 5).predict(X)
        hits += matched(contingency(own, other, 3, 3))[other] == own
    assert off(hits / FRESH, said) <= 0.05
    # Groups 3 apart leave doubt at the borders: a test where everybody is sure would prove nothing.
    assert 0.02 <= (said < 0.9).mean() <= 0.4


def test_posteriors_of_the_mixture_are_no_surer_than_the_truth_allows() -> None:
    sure, right = [], []
    for seed in range(8):
        X, truth = sample(100 + seed)
        model = fit_gmm(X, 3, np.random.SeedSequence(seed), 20)
        partner = matched(contingency(truth.astype(np.int32), model.labels, 3, 3))
        sure.append(model.membership(X).max(axis=1))
        right.append(partner[model.labels] == truth)
    said, hit = np.concatenate(sure), np.concatenate(right).astype(float)
    assert off(hit, said) <= 0.05
    assert said.mean() - hit.mean() <= 0.03  # never over-confident on the whole
