"""Which of the asked-for features can form segments: not those that are mostly unknown, constant or said twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Notice
from personas.features.feature import Feature
from personas.features.levels import cramers_v
from personas.features.recoding import Raw, is_category, is_missing

MOST_MISSING = 0.5
COLLINEAR = 0.95
Dropped = tuple[str, Notice]
"""A feature's name and why it forms no segment."""


def screen(features: Sequence[Feature], raw: Raw) -> tuple[list[Feature], list[Dropped]]:
    """(features that may form segments, features that may not with the reason), both in the order given.

    Dropped are: unknown for more than half of the customers, the same for all, and within a family the second of two
    that say the same (|Spearman| or Cramer's V above 0.95; the one with fewer unknown values stays, then the first by
    name). Source: method.md 2.4 and 2.5.
    """
    dropped: dict[str, Notice] = {}
    for feature in features:
        notice = _unusable(feature, raw[feature.name])
        if notice is not None:
            dropped[feature.name] = notice
    ranks = {
        feature.name: average_ranks(raw[feature.name])
        for feature in features
        if feature.name not in dropped and not is_category(feature)
    }
    kept: list[Feature] = []
    for feature in sorted(features, key=lambda f: (float(np.mean(is_missing(raw[f.name]))), f.name)):
        if feature.name in dropped:
            continue
        twin = next((other for other in kept if _same(feature, other, raw, ranks)), None)
        if twin is None:
            kept.append(feature)
        else:
            text = f"“{feature.label}” forms no segments: it says the same as “{twin.label}”."
            dropped[feature.name] = Notice("collinear-feature", text, 0)
    names = {feature.name for feature in kept}
    return (
        [feature for feature in features if feature.name in names],
        [(feature.name, dropped[feature.name]) for feature in features if feature.name in dropped],
    )


def _unusable(feature: Feature, values: NDArray[Any]) -> Notice | None:
    missing = is_missing(values)
    if missing.mean() > MOST_MISSING:
        text = f"“{feature.label}” forms no segments: it is unknown for {missing.mean():.0%} of the customers."
        return Notice("mostly-missing-feature", text, int(missing.sum()))
    known = values[~missing]
    if all(value == known[0] for value in known) if is_category(feature) else float(np.ptp(known)) == 0:
        text = f"“{feature.label}” forms no segments: it is the same for all customers."
        return Notice("constant-feature", text, len(values))
    return None


def _same(one: Feature, other: Feature, raw: Raw, ranks: Mapping[str, NDArray[np.float64]]) -> bool:
    """Whether two features of a family say the same; ranks of complete columns are taken once for all pairs."""
    if one.family != other.family or is_category(one) != is_category(other):
        return False
    if is_category(one):
        return cramers_v(raw[one.name], raw[other.name]) > COLLINEAR
    if any(np.isnan(ranks[feature.name]).any() for feature in (one, other)):
        return abs(spearman(raw[one.name], raw[other.name])) > COLLINEAR
    return abs(pearson(ranks[one.name], ranks[other.name])) > COLLINEAR


def spearman(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """The rank correlation of two (n,) columns over the rows that have both; 0 when one of them does not vary.

    >>> spearman(np.array([1.0, 2.0, 3.0, np.nan]), np.array([10.0, 20.0, 90.0, 1.0]))
    1.0
    """
    both = ~(np.isnan(left) | np.isnan(right))
    return pearson(average_ranks(left[both]), average_ranks(right[both]))


def pearson(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """The correlation of two (n,) columns; 0 when one of them does not vary."""
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    one, two = left - left.mean(), right - right.mean()
    return float(np.sum(one * two) / np.sqrt(np.sum(one * one) * np.sum(two * two)))


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing the mean of their ranks; NaN stays NaN.

    >>> average_ranks(np.array([30.0, 10.0, 10.0])).tolist()
    [3.0, 1.5, 1.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = np.asarray((ends - (counts - 1) / 2)[place], dtype=np.float64)
    ranks[np.isnan(values)] = np.nan
    return ranks
