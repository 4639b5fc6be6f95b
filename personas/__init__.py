"""Segments that are really there, and persona cards whose every sentence can be checked.

>>> import numpy as np, personas
>>> X = np.random.default_rng(0).normal(size=(300, 2)) + np.repeat([[0, 0], [9, 0], [0, 9]], 100, axis=0)
>>> personas.discover(X, k=(2, 5), protocol="quick").k
3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from personas.config import Config
    from personas.features.feature import Feature, FeatureFamily
    from personas.pipeline import run
    from personas.render.formats import ReportFormat
    from personas.segmentation import discover, scan
    from personas.segmentation.records import Algorithm, Index
    from personas.sklearn import PersonaSegmenter
    from personas.storage import load
    from personas.study import Study

_HOMES = {
    "run": "personas.pipeline",
    "load": "personas.storage",
    "discover": "personas.segmentation",
    "scan": "personas.segmentation",
    "Config": "personas.config",
    "Study": "personas.study",
    "PersonaSegmenter": "personas.sklearn",
    "Feature": "personas.features.feature",
    "FeatureFamily": "personas.features.feature",
    "Algorithm": "personas.segmentation.records",
    "Index": "personas.segmentation.records",
    "ReportFormat": "personas.render.formats",
}

__all__ = [
    "Algorithm", "Config", "Feature", "FeatureFamily", "Index", "PersonaSegmenter", "ReportFormat", "Study", "discover",
    "load", "run", "scan",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used, so that ``import personas`` costs nothing."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'personas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
