"""How raw features become numbers that distances can be taken of, and back: a frozen recipe and what it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Notice
from personas.features.feature import Feature

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColumnCoding:
    """One column of the matrix: raw value -> fill -> transform -> clip -> centre and scale -> weight.

    ``transform`` is ``none``, ``log1p``, ``log_ratio`` (log(1 + x/s)) or ``signed_log`` (sign(x) log(1 + |x|/s)), with
    ``divisor`` s. ``level`` is set for an indicator column of a category: then the value is
    (1[x = level] - share) / sqrt(share), and the level ``other`` stands for every value that has no column of its own.
    ``missing_indicator`` marks a 0/1 column that says "was missing".
    """

    name: str
    feature: str
    family: str
    transform: str = "none"
    divisor: float = 1.0
    fill: float = 0.0
    clip_low: float = -np.inf
    clip_high: float = np.inf
    centre: float = 0.0
    scale: float = 1.0
    weight: float = 1.0
    level: str | None = None
    level_share: float = 1.0
    fill_level: str | None = None
    levels: tuple[tuple[str, float], ...] = ()
    """For an ordinal: score of each level."""
    missing_indicator: bool = False


@dataclass(frozen=True, slots=True)
class Coding:
    """The whole recipe, in column order. ``blocks`` are the column indices of one-hot blocks."""

    columns: tuple[ColumnCoding, ...]
    blocks: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """The sample that is clustered.

    ``ids`` (n,) customer ids sorted; ``X`` (n, d) float64 C-ordered, coded, scaled and weighted; ``coding`` the recipe;
    ``features`` the forming features; ``raw`` raw values (n,) of every feature, object arrays for categories, NaN/None
    where missing; ``sampled_from`` customers that the rows stand for.
    """

    ids: NDArray[np.str_]
    X: Floats
    coding: Coding
    features: tuple[Feature, ...]
    raw: Mapping[str, NDArray[np.generic]]
    share_of_distance: Mapping[str, float]
    """Per forming feature, adds up to 1."""
    missing_share: Mapping[str, float]
    transforms: Mapping[str, str]
    """Per forming feature, in words."""
    dropped: tuple[Notice, ...]
    """Features that would have formed segments but were left out: constant, collinear, mostly missing."""
    notices: tuple[Notice, ...]
    """Flags: lattice, outliers, duplicates, dimension."""
    sampled_from: int
    dropped_features: tuple[str, ...] = ()
    """Names of the features of ``dropped``, in the same order."""

    @property
    def families(self) -> tuple[str, ...]:
        """The family of each column of X, (d,)."""
        return tuple(column.family for column in self.coding.columns)
