"""The Euclidean silhouette as an index of the registry; scans compute it for all k at once."""

from __future__ import annotations

from personas.segmentation.records import Fitted, Floats, Index
from personas.segmentation.silhouette import silhouettes


def _score(X: Floats, fitted: Fitted) -> float | None:
    return silhouettes(X, [fitted.labels])[0].mean


SILHOUETTE = Index(
    name="silhouette",
    label="silhouette",
    better="higher",
    score=_score,
    reading="How much closer customers are to their own segment than to the next one; 1 is best, 0 is on the border.",
    source="Rousseeuw 1987",
)
