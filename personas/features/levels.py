"""Categories as indicator columns in the metric of multiple correspondence analysis (method.md 2.3)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.features.coding import ColumnCoding
from personas.features.feature import Feature
from personas.features.recoding import OTHER, filled_texts, is_level, is_missing

COVERED = 0.95
MOST_LEVELS = 20
LEAST_SHARE = 0.02


def kept_levels(values: NDArray[Any]) -> list[str]:
    """The levels with a column of their own: the most frequent ones until 95% of the known values are covered.

    At most 20, and none with under 2% of the values. Ties are broken by name. A level that is called ``other`` joins
    the rest.

    >>> kept_levels(np.array(["a"] * 60 + ["b"] * 38 + ["c", None], dtype=object))
    ['a', 'b']
    """
    counts = Counter(value for value in values if value is not None)
    known = sum(counts.values())
    kept: list[str] = []
    covered = 0
    for level, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if covered >= COVERED * known or len(kept) == MOST_LEVELS or count < LEAST_SHARE * known:
            break
        covered += count
        if level != OTHER:
            kept.append(level)
    return kept


def level_columns(feature: Feature, values: NDArray[Any]) -> list[ColumnCoding]:
    """One column per kept level, sorted by level, and one for the rest when it has at least 2% of the customers.

    Unknown values are filled with the most frequent level. An indicator of fewer customers than 2% would be blown up
    by its small share and could make a segment of its own.
    """
    kept = kept_levels(values)
    counts = Counter(value for value in values if value is not None)
    fill = min(counts, key=lambda level: (-counts[level], level))
    texts = filled_texts(values, fill)
    shares = {level: float(np.mean(is_level(texts, level, kept))) for level in [*sorted(kept), OTHER]}
    return [
        ColumnCoding(
            f"{feature.name}={level}", feature.name, feature.family, level=level, level_share=share, fill_level=fill
        )
        for level, share in shares.items()
        if level != OTHER or share >= LEAST_SHARE
    ]


def cramers_v(left: NDArray[Any], right: NDArray[Any]) -> float:
    """Cramer's V of two categories over the customers who have both, 0 to 1; 0 when one of them does not vary.

    >>> cramers_v(np.array(["a", "b", "a"], dtype=object), np.array(["x", "y", "x"], dtype=object))
    1.0
    """
    both = ~(is_missing(left) | is_missing(right))
    rows, row_of = np.unique(left[both].astype(str), return_inverse=True)
    columns, column_of = np.unique(right[both].astype(str), return_inverse=True)
    if min(len(rows), len(columns)) < 2:
        return 0.0
    counts = np.bincount(row_of * len(columns) + column_of, minlength=len(rows) * len(columns))
    table = counts.reshape(len(rows), len(columns)).astype(np.float64)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi_squared = float(np.sum((table - expected) ** 2 / expected))
    return float(np.sqrt(chi_squared / (table.sum() * (min(table.shape) - 1))))
