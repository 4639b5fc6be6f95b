"""What is measured per customer, and how it becomes a matrix. ``build``, then ``sample``, then ``dictionary``."""

from __future__ import annotations

from personas.features.assemble import build
from personas.features.dictionary import FeatureEntry, dictionary
from personas.features.families import FAMILIES
from personas.features.matrix import original_value, recode, sample

__all__ = ["FAMILIES", "FeatureEntry", "build", "dictionary", "original_value", "recode", "sample"]
