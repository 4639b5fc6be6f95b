"""The segmentation as a scikit-learn estimator, for pipelines that already speak that language."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from personas.errors import InputError
from personas.segmentation.assign import label_rows
from personas.segmentation.discover import search
from personas.segmentation.preflight import Limits, default_min_size, k_range
from personas.segmentation.records import Floats, Labels, Segmentation


class PersonaSegmenter(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Segments with their number chosen and judged, behind ``fit`` and ``predict``.

    Parameters
    ----------
    k : "auto", int or (lowest, highest)
        ``auto`` seeks from 2 to 10.
    algorithm, protocol, seed
        As for ``personas.discover``.
    min_size : int, optional
        Smallest segment. By default max(50, 2% of n), and less for tables so small that this leaves no room: an
        estimator must fit what ``discover`` refuses.

    Attributes
    ----------
    labels_ : (n,) int
        Segment of each row; -1 for rows set aside because they lie far from every segment.
    n_clusters_ : int
    cluster_centers_ : (n_clusters_, d)
    segmentation_ : Segmentation
        The whole evidence: verdict, reasons, table of k.

    >>> X = np.repeat([[0.0, 0.0], [9.0, 9.0]], 20, axis=0) + np.linspace(0, 1, 80).reshape(40, 2)
    >>> PersonaSegmenter(k=2, protocol="quick").fit(X).n_clusters_
    2
    """

    def __init__(
        self,
        k: str | int | tuple[int, int] = "auto",
        *,
        algorithm: str = "kmeans",
        protocol: str = "full",
        min_size: int | None = None,
        seed: int = 0,
    ) -> None:
        self.k = k
        self.algorithm = algorithm
        self.protocol = protocol
        self.min_size = min_size
        self.seed = seed

    def fit(self, X: Any, y: Any = None) -> Self:
        """Seek segments in X (n, d): finite numbers, at least two rows per segment. ``y`` is ignored."""
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        low, high = k_range((2, 10) if self.k == "auto" else self.k)  # type: ignore[arg-type]
        min_size = self.min_size
        if min_size is None:
            min_size = min(default_min_size(len(rows)), max(1, len(rows) // (2 * low)))
        try:
            self.segmentation_: Segmentation = search(
                rows, k=(low, high), algorithm=self.algorithm, protocol=self.protocol, min_size=min_size,
                seed=self.seed, families=None, progress=None, map_kind="none",
                limits=Limits(least_rows=2 * low, distinct_per_segment=1),
            )  # fmt: skip
        except InputError as error:
            raise ValueError(str(error)) from error
        self.labels_: Labels = self.segmentation_.labels
        self.n_clusters_: int = self.segmentation_.k
        self.cluster_centers_: Floats = self.segmentation_.model.centroids
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) segment of each row of X; -1 for rows as far from every segment as those that were set aside."""
        check_is_fitted(self)
        return label_rows(validate_data(self, X, dtype=np.float64, reset=False), self.segmentation_)[0]
