"""Raw values to matrix columns and back, by a frozen recipe: the same numbers for the sample and for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from personas.features.coding import Coding, ColumnCoding
from personas.features.feature import Feature
from personas.features.transforms import forward, inverse

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Raw = Mapping[str, NDArray[Any]]
OTHER = "other"
"""The level that stands for every value without a column of its own."""


def is_category(feature: Feature) -> bool:
    """Whether the feature's values are texts."""
    return feature.shape in ("category", "ordinal")


def raw_values(table: pa.Table | pa.RecordBatch, features: Sequence[Feature]) -> dict[str, NDArray[Any]]:
    """Columns of an Arrow table of features as (n,) arrays: float64 with NaN, object with None for categories."""
    found: dict[str, NDArray[Any]] = {}
    for feature in features:
        column = table.column(feature.name)
        if is_category(feature):
            found[feature.name] = np.array(column.to_pylist(), dtype=object)
        else:
            values = column.to_numpy(zero_copy_only=False) if hasattr(column, "null_count") else np.asarray(column)
            found[feature.name] = np.array(values, dtype=np.float64)
    return found


def recode(coding: Coding, raw: Raw) -> Floats:
    """The coded matrix X (n, d), float64 in C order, of any customers by the recipe of the sample.

    Parameters
    ----------
    coding : Coding
        The recipe that ``sample`` made.
    raw : mapping of str to array
        (n,) raw values of at least the forming features, as ``raw_values`` gives them.

    A category that the sample did not have counts as ``other``; where there is no such level, it is none of the levels.
    """
    levels: dict[str, list[str]] = {}
    texts: dict[str, NDArray[np.str_]] = {}
    for column in coding.columns:
        if column.level is not None:
            texts.setdefault(column.feature, filled_texts(raw[column.feature], column.fill_level))
            levels.setdefault(column.feature, []).append(column.level)
    n = len(next(iter(raw.values()))) if raw else 0
    X = np.empty((n, len(coding.columns)), dtype=np.float64)
    for j, column in enumerate(coding.columns):
        if column.level is None:
            X[:, j] = _coded(column, raw[column.feature])
        else:
            share = column.level_share
            is_it = is_level(texts[column.feature], column.level, levels[column.feature])
            X[:, j] = (is_it - share) / np.sqrt(share) * column.weight
    return X


def _coded(column: ColumnCoding, values: NDArray[Any]) -> Floats:
    """A numeric column or a missing indicator, (n,)."""
    if column.missing_indicator:
        coded = is_missing(values).astype(np.float64)
    else:
        filled = np.where(np.isnan(values), column.fill, values).astype(np.float64)
        coded = np.clip(forward(filled, column.transform, column.divisor), column.clip_low, column.clip_high)
    return np.asarray((coded - column.centre) / column.scale * column.weight, dtype=np.float64)


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) whether each value is unknown."""
    if values.dtype == object:
        return np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    return np.asarray(np.isnan(values), dtype=bool)


def filled_texts(values: NDArray[Any], fill: str | None) -> NDArray[np.str_]:
    """(n,) categories as texts, unknown ones filled."""
    return np.array([fill if value is None else value for value in values], dtype=np.str_)


def is_level(texts: NDArray[np.str_], level: str, levels: Sequence[str]) -> Floats:
    """(n,) 1 where the text is the level, else 0; ``other`` is every text that is none of ``levels``."""
    named = [name for name in levels if name != OTHER]
    found = np.isin(texts, named, invert=True) if level == OTHER else texts == level
    return np.asarray(found, dtype=np.float64)


def original_value(column: ColumnCoding, value: float) -> float:
    """A value of the matrix in the feature's own unit.

    For a level column the share of customers with the level (0 to 1) that the value stands for, for a missing indicator
    the share of unknown values. Inside the winsorised range this undoes ``recode`` to 1e-9.
    """
    unweighted = value / column.weight
    if column.level is not None:
        return float(unweighted * np.sqrt(column.level_share) + column.level_share)
    coded = unweighted * column.scale + column.centre
    return float(inverse(np.asarray([coded], dtype=np.float64), column.transform, column.divisor)[0])


def coded_value(column: ColumnCoding, value: float) -> float:
    """The value of the matrix for one in the feature's own unit, or for a share of level columns: undoes
    ``original_value``, but never leaves the winsorised range.
    """
    if column.level is not None:
        return float((value - column.level_share) / np.sqrt(column.level_share) * column.weight)
    if column.missing_indicator:
        return (value - column.centre) / column.scale * column.weight
    return float(_coded(column, np.array([value], dtype=np.float64))[0])
