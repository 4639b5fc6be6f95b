"""Every feature of every group: exact statistics from the engine, intervals from the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.engines import Table
from personas.engines.portable import quoted, text_literal
from personas.estimate import Estimate, exact
from personas.features.feature import Customers, Feature
from personas.profiles.contrast import cliffs_delta, phi, phi_of
from personas.profiles.intervals import (
    MONEY_REPLICATES,
    OTHER_REPLICATES,
    Spread,
    Use,
    is_dominated,
    median_interval,
    spreads,
    stream,
    wilson,
)
from personas.profiles.records import Fact
from personas.profiles.values import Values, is_category, reading_sql
from personas.sources.privacy import PROTECTED, SMALL_CELL

EVERYONE = -1
MOST_LEVELS = 12
"""Levels of a category that are counted: the most frequent ones among everyone."""
GROUPS_LIMIT = 100_000
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers that left the engine: segments (n,), raw values (n,) per feature."""

    segments: NDArray[np.int32]
    values: Values

    def rows(self, segment: int) -> NDArray[np.bool_]:
        """(n,) who belongs to the group; everyone for -1."""
        return np.ones(len(self.segments), dtype=np.bool_) if segment == EVERYONE else self.segments == segment


def facts(
    customers: Customers, labels: Table, sizes: Mapping[int, int], sample: Sample, currency: str, seed: int
) -> dict[int, dict[str, Fact]]:
    """Facts by group (-1 is everyone) and feature name, in the order of ``customers.features``.

    ``sizes`` are the labelled customers per group. Means, medians, quartiles and shares are exact over all of them;
    intervals and Cliff's delta come from ``sample``. Effects are against all other labelled customers.
    """
    types = customers.engine.columns(customers.table)
    numbers = [f for f in customers.features if not is_category(f, types[f.name])]
    categories = [f for f in customers.features if is_category(f, types[f.name])]
    rows = _number_rows(customers, labels, numbers, types)
    found = {
        group: _number_facts(numbers, rows.get(group, {}), group, size, sample, currency, seed)
        for group, size in sizes.items()
    }
    for i, feature in enumerate(categories):
        for group, fact in _category_facts(customers, labels, feature, sizes, i, seed).items():
            found[group][feature.name] = fact
    return {group: {f.name: by_name[f.name] for f in customers.features} for group, by_name in found.items()}


def numbers_sql(customers: str, labels: str, readings: Sequence[str], by_segment: bool) -> str:
    """Per segment, or in one row for everyone: known, sum, quartiles and median of each feature.

    Sums are DECIMAL, so that threads do not change them.
    """
    group, end = ("segment", "\nGROUP BY segment") if by_segment else (str(EVERYONE), "")
    columns = "".join(
        f",\n  COUNT(x{i}) AS n{i}"
        f",\n  SUM(CAST(x{i} AS DECIMAL(38, 10))) AS s{i}"
        f",\n  percentile_cont(0.25) WITHIN GROUP (ORDER BY x{i}) AS a{i}"
        f",\n  MEDIAN(x{i}) AS m{i}"
        f",\n  percentile_cont(0.75) WITHIN GROUP (ORDER BY x{i}) AS z{i}"
        for i in range(len(readings))
    )
    read = "".join(f",\n    {reading} AS x{i}" for i, reading in enumerate(readings))
    return f"""SELECT
  {group} AS group_id{columns}
FROM (
  SELECT
    l.segment AS segment{read}
  FROM {quoted(customers)} AS c
  JOIN {quoted(labels)} AS l ON l.customer_id = c.customer_id
) AS v{end}"""


def _number_rows(
    customers: Customers, labels: Table, features: Sequence[Feature], types: Mapping[str, str]
) -> dict[int, dict[str, Any]]:
    """The statistics of every group, by group."""
    readings = [reading_sql(f, types[f.name]) for f in features]
    rows: list[dict[str, Any]] = []
    for by_segment in (False, True) if features else ():
        sql = numbers_sql(customers.table.name, labels.name, readings, by_segment)
        rows += customers.engine.fetch(sql, GROUPS_LIMIT).to_pylist()
    return {int(row["group_id"]): row for row in rows}


def _number_facts(
    features: Sequence[Feature], row: Mapping[str, Any], group: int, size: int, sample: Sample, currency: str, seed: int
) -> dict[str, Fact]:  # fmt: skip
    """Facts of all numeric features of one group."""
    if not features:
        return {}
    inside = sample.rows(group)
    x = np.column_stack([np.asarray(sample.values[f.name], dtype=np.float64) for f in features])
    known = [int(row[f"n{i}"]) for i in range(len(features))]
    spread = _spreads(x[inside], features, known, currency, group, seed)
    result = {}
    for i, feature in enumerate(features):
        share = exact(known[i] / size, "share", size)
        if known[i] == 0:
            result[feature.name] = Fact(feature, share)
            continue
        column, mean = x[:, i], float(row[f"s{i}"]) / known[i]
        result[feature.name] = Fact(
            feature=feature,
            known=share,
            mean=_mean(column[inside], mean, known[i], feature, spread[i], currency),
            median=_median(column[inside], _without_noise(row[f"m{i}"]), known[i], feature),
            low_quartile=_without_noise(row[f"a{i}"]),
            high_quartile=_without_noise(row[f"z{i}"]),
            effect=None if group == EVERYONE else cliffs_delta(column[inside], column[~inside]),
        )
    return result


def _spreads(
    x: NDArray[np.float64], features: Sequence[Feature], known: list[int], currency: str, group: int, seed: int
) -> list[Spread]:
    """The Spread of every column: 1,999 replicates for money, 599 for the rest, one stream each."""
    money = np.array([is_money(f, currency) for f in features])
    population = np.array(known, dtype=np.int64)
    found: dict[int, Spread] = {}
    both = ((Use.MONEY_FACTS, money, MONEY_REPLICATES), (Use.OTHER_FACTS, ~money, OTHER_REPLICATES))
    for use, chosen, replicates in both:
        if chosen.any() and len(x):
            random = stream(seed, 11, group, use)
            found.update(zip(np.flatnonzero(chosen), spreads(x[:, chosen], population[chosen], replicates, random),
                             strict=True))  # fmt: skip
    return [found.get(i, Spread(0, 0, 0, "nobody in the sample")) for i in range(len(features))]


def is_money(feature: Feature, currency: str) -> bool:
    """Whether a feature is an amount of the study's currency."""
    return bool(currency) and feature.unit.split("/")[0] == currency


def _mean(x: NDArray[np.float64], mean: float, known: int, feature: Feature, spread: Spread, currency: str) -> Estimate:
    """The mean with its interval; Wilson's for a 0/1 feature."""
    values = x[np.isfinite(x)]
    if "share" in (feature.shape, feature.unit) and len(values) and np.isin(values, (0.0, 1.0)).all():
        return wilson(round(mean * known), known, feature.unit)
    if is_money(feature, currency) and is_dominated(values):
        half = max(abs(spread.low_t), abs(spread.high_t))
        spread = Spread(-half, half, spread.se, f"{spread.basis}, dominated by one customer")
    low = 0.0 if feature.shape in ("share", "count", "amount") and mean >= 0 else -np.inf
    return spread.around(mean, feature.unit, known, low, 1.0 if feature.shape == "share" else np.inf)


def _without_noise(quantile: float) -> float:
    """A quantile at 12 digits: the last ones of an interpolation differ between engines.

    >>> _without_noise(4.180000000000001)
    4.18
    """
    return float(f"{quantile:.12g}")


def _median(x: NDArray[np.float64], median: float, known: int, feature: Feature) -> Estimate:
    """The median with order statistics around it."""
    ordered = np.sort(x[np.isfinite(x)])
    if not len(ordered):
        return Estimate(median, median, median, feature.unit, known, "nobody in the sample")
    low, high = median_interval(ordered)
    return Estimate(median, min(low, median), max(high, median), feature.unit, known, "order statistics, 95%")


def top_levels_sql(customers: str, labels: str, reading: str) -> str:
    """The most frequent known levels of everyone, and their count."""
    return f"""SELECT
  {reading} AS level,
  COUNT(*) AS n
FROM {quoted(customers)} AS c
JOIN {quoted(labels)} AS l ON l.customer_id = c.customer_id
WHERE {reading} IS NOT NULL
GROUP BY {reading}
ORDER BY n DESC NULLS LAST, level NULLS LAST
LIMIT {MOST_LEVELS}"""


def levels_sql(customers: str, labels: str, reading: str, levels: Sequence[str]) -> str:
    """Per segment: customers whose level is known, and how many carry each of ``levels``."""
    columns = "".join(
        f",\n  COUNT(*) FILTER (WHERE {reading} = {text_literal(level)}) AS n{i}" for i, level in enumerate(levels)
    )
    return f"""SELECT
  l.segment AS segment,
  COUNT({reading}) AS known{columns}
FROM {quoted(customers)} AS c
JOIN {quoted(labels)} AS l ON l.customer_id = c.customer_id
GROUP BY l.segment"""


def _category_facts(
    customers: Customers, labels: Table, feature: Feature, sizes: Mapping[int, int], position: int, seed: int
) -> dict[int, Fact]:
    """Facts of one category for every group."""
    engine, reading = customers.engine, f"CAST(c.{quoted(feature.name)} AS VARCHAR)"
    names = (customers.table.name, labels.name, reading)
    levels = [str(r["level"]) for r in engine.fetch(top_levels_sql(*names), MOST_LEVELS).to_pylist()]
    counts: dict[int, Any] = {group: np.zeros(len(levels) + 1, dtype=np.int64) for group in sizes}
    for row in engine.fetch(levels_sql(*names, levels), GROUPS_LIMIT).to_pylist():
        found = np.array([row["known"], *(row[f"n{i}"] for i in range(len(levels)))], dtype=np.int64)
        counts[int(row["segment"])] = found
        counts[EVERYONE] = counts[EVERYONE] + found
    return {group: _category_fact(feature, levels, counts[group], counts[EVERYONE], group, size, position, seed)
            for group, size in sizes.items()}  # fmt: skip


def _category_fact(
    feature: Feature, levels: Sequence[str], own: NDArray[np.int64], everyone: NDArray[np.int64], group: int,
    size: int, position: int, seed: int,
) -> Fact:  # fmt: skip
    """One category of one group: ``own`` and ``everyone`` are the known customers, then the count of each level."""
    known = int(own[0])
    share = exact(known / size, "share", size)
    if known == 0:
        return Fact(feature, share)
    shares = sorted(zip(levels, own[1:].tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    rest = everyone - own
    effect = level = None
    if group != EVERYONE and rest[0] > 0 and levels:
        strengths = np.abs(phi_of(*(v.astype(np.float64) for v in (own[1:], own[:1], rest[1:], rest[:1]))))
        top = min(range(len(levels)), key=lambda i: (-round(float(strengths[i]), 12), levels[i]))
        random = stream(seed, 10, group, Use.CATEGORIES + position)
        effect = phi(int(own[1 + top]), known, int(rest[1 + top]), int(rest[0]), random)
        level = levels[top]
    return Fact(
        feature=feature,
        known=share,
        levels=tuple(
            (name, wilson(hits, known))
            for name, hits in shares
            if feature.name not in PROTECTED or not 0 < hits < SMALL_CELL
        ),
        effect=effect,
        effect_level=level,
    )
