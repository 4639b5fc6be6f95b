"""The silhouette with squared distances: exact for any number of rows in linear time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from personas.segmentation import compute
from personas.segmentation.ordered import Rows
from personas.segmentation.records import Fitted, Floats, Index, Labels
from personas.segmentation.threads import spread


def squared_silhouettes(X: Floats, labels: Labels) -> Floats:
    """(n,) squared-Euclidean silhouette of each row, O(n k d); 0 where nobody is in another segment.

    A different index from the Euclidean silhouette and higher than it: never compare the two. Source: the
    ``ClusteringEvaluator`` of Apache Spark.
    """
    groups = compute.groups_of(X, [labels])
    return np.concatenate([_values(X, [labels], groups, piece)[0] for piece in compute.pieces(len(X))])


def mean_squared_silhouettes(X: Rows, labelings: Sequence[Labels]) -> list[float]:
    """Of each labeling the mean of the squared-Euclidean silhouettes: two passes over the rows serve all of them."""
    groups = compute.groups_of(X, labelings)
    parts = spread(lambda piece: _values(X, labelings, groups, piece).sum(axis=1), compute.pieces(len(X)))
    return [float(total) / len(X) for total in sum(parts, np.zeros(len(labelings)))]


def _values(X: Rows, labelings: Sequence[Labels], groups: compute.Groups, piece: slice) -> Floats:
    values = compute.squared_silhouettes(X, labelings, groups, piece)
    values[[(counts > 0).sum() < 2 for counts in np.split(groups.counts, groups.ends[1:-1])]] = 0.0
    return values


def squared_silhouette(X: Floats, labels: Labels) -> float:
    """Mean of the squared-Euclidean silhouettes."""
    return mean_squared_silhouettes(X, [labels])[0]


def _score(X: Floats, fitted: Fitted) -> float | None:
    return squared_silhouette(X, fitted.labels)


SQUARED_SILHOUETTE = Index(
    name="silhouette_squared",
    label="squared silhouette",
    better="higher",
    score=_score,
    reading="The silhouette with squared distances: higher than the plain one by nature, never compared with it.",
    source="Apache Spark, ClusteringEvaluator",
)
