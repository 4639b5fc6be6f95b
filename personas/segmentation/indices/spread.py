"""Calinski-Harabasz and Davies-Bouldin: spread between segments against spread inside them."""

from __future__ import annotations

import numpy as np

from personas.segmentation.lloyd import means
from personas.segmentation.records import Fitted, Floats, Index, Labels


def calinski_harabasz(X: Floats, labels: Labels) -> float:
    """Variance between segments over variance inside, each by its degrees of freedom; 1 when nothing varies inside."""
    labels, k = _used(labels)
    centroids, counts = means(X, labels, k)
    between = float((counts * ((centroids - X.mean(axis=0)) ** 2).sum(axis=1)).sum())
    within = float(((X - centroids[labels]) ** 2).sum())
    if k < 2:
        return 0.0
    return 1.0 if within == 0 else between * (len(X) - k) / (within * (k - 1))


def davies_bouldin(X: Floats, labels: Labels) -> float:
    """Mean over segments of the worst ratio of two segments' radii to the distance of their centroids."""
    labels, k = _used(labels)
    centroids, counts = means(X, labels, k)
    radii = np.bincount(labels, weights=np.sqrt(((X - centroids[labels]) ** 2).sum(axis=1)), minlength=k) / counts
    gaps = np.sqrt(((centroids[:, None, :] - centroids[None, :, :]) ** 2).sum(axis=2))
    if k < 2 or np.allclose(radii, 0) or np.allclose(gaps, 0):
        return 0.0
    gaps[gaps == 0] = np.inf
    return float(((radii[:, None] + radii) / gaps).max(axis=1).mean())


def _used(labels: Labels) -> tuple[Labels, int]:
    """Labels renumbered without gaps, and how many: a mixture may have a component that is nobody's first choice."""
    found, renumbered = np.unique(labels, return_inverse=True)
    return renumbered.reshape(-1).astype(np.int32), len(found)


def _calinski(X: Floats, fitted: Fitted) -> float | None:
    return calinski_harabasz(X, fitted.labels)


def _davies(X: Floats, fitted: Fitted) -> float | None:
    return davies_bouldin(X, fitted.labels)


CALINSKI_HARABASZ = Index(
    name="calinski_harabasz",
    label="Calinski-Harabasz",
    better="higher",
    score=_calinski,
    reading="Distance between segments against spread inside them; favours few round segments.",
    source="Calinski and Harabasz 1974",
)
DAVIES_BOULDIN = Index(
    name="davies_bouldin",
    label="Davies-Bouldin",
    better="lower",
    score=_davies,
    reading="How far each segment overlaps with its most similar neighbour; 0 is best.",
    source="Davies and Bouldin 1979",
)
