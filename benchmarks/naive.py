"""The other side of every ratio: what a user would write today with scikit-learn; features with pandas: see
``naive_features``, apart so that neither pays for the libraries of the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture

KS = range(2, 13)


def fits(X: Any, ks: Iterable[int] = KS, n_init: int = 10) -> dict[int, KMeans]:
    """k-means for every k."""
    return {k: KMeans(k, n_init=n_init, random_state=0).fit(X) for k in ks}


def scan(X: Any, ks: Iterable[int] = KS) -> dict[int, float]:
    """k-means and a sampled silhouette for every k."""
    return {
        k: float(silhouette_score(X, model.labels_, sample_size=min(len(X), 10_000), random_state=0))
        for k, model in fits(X, ks).items()
    }


def silhouettes(X: Any, labelings: Iterable[Any]) -> list[float]:
    """The exact silhouette of each labeling."""
    return [float(silhouette_score(X, labels)) for labels in labelings]


def mixture(X: Any, ks: Iterable[int] = KS) -> dict[int, GaussianMixture]:
    """A Gaussian mixture with full covariances for every k."""
    return {k: GaussianMixture(k, covariance_type="full", random_state=0).fit(X) for k in ks}


def stability(
    X: Any, ks: Iterable[int], bootstraps: int, n_init: int = 10, rows: int | None = None
) -> dict[int, float]:
    """Mean ARI of pairs of bootstrap models for every k; ``rows`` drawn each time, n without it."""
    random = np.random.default_rng(0)
    found = {}
    for k in ks:
        labels = [
            KMeans(k, n_init=n_init, random_state=b).fit(X[random.integers(0, len(X), rows or len(X))]).predict(X)
            for b in range(bootstraps)
        ]
        pairs = zip(labels[::2], labels[1::2], strict=True)
        found[k] = float(np.mean([adjusted_rand_score(a, b) for a, b in pairs]))
    return found


def null_set(X: Any, ks: Iterable[int]) -> dict[int, float]:
    """What is done with one structureless data set: k-means with 5 starts and the exact silhouette for every k."""
    return {k: float(silhouette_score(X, KMeans(k, n_init=5, random_state=0).fit(X).labels_)) for k in ks}
