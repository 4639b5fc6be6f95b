"""Clustering methods, found by name. Other packages add theirs under the entry-point group ``personas.algorithms``."""

from __future__ import annotations

from personas.registry import Registry
from personas.segmentation.records import Algorithm

__all__ = ["ALGORITHMS"]


def _built_in() -> list[Algorithm]:
    from personas.segmentation.algorithms.gmm import GMM
    from personas.segmentation.algorithms.kmeans import KMEANS

    return [KMEANS, GMM]


ALGORITHMS: Registry[Algorithm] = Registry("algorithm", _built_in, "personas.algorithms")
