"""Indices of how good a partition is, found by name; shown beside each other, never added up or put to a vote."""

from __future__ import annotations

from personas.registry import Registry
from personas.segmentation.records import Index

__all__ = ["INDICES"]


def _built_in() -> list[Index]:
    from personas.segmentation.indices.likelihood import BIC, ICL
    from personas.segmentation.indices.silhouette import SILHOUETTE
    from personas.segmentation.indices.spread import CALINSKI_HARABASZ, DAVIES_BOULDIN
    from personas.segmentation.indices.squared_silhouette import SQUARED_SILHOUETTE

    return [SILHOUETTE, SQUARED_SILHOUETTE, CALINSKI_HARABASZ, DAVIES_BOULDIN, BIC, ICL]


INDICES: Registry[Index] = Registry("index", _built_in, "personas.indices")
