"""At most three conditions in original units that find a segment again in a CRM, with their accuracy.

A beam search over cuts of the forming features, one segment against all others, for the largest F1 (the balance of
precision and recall); then thresholds are rounded. Greedy cuts with few conditions after Friedman and Fisher (1999).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
from numpy.typing import NDArray

from personas.engines import Table
from personas.engines.portable import quoted, text_literal
from personas.features.feature import Customers, Feature
from personas.profiles.facts import is_money
from personas.profiles.intervals import wilson
from personas.profiles.records import Rule
from personas.profiles.values import Values, is_category, reading_sql

Mask = NDArray[np.bool_]
Condition = tuple[str, str, float | str]
MOST_CONDITIONS = 3
BEAM = 4
SEARCHED = 20_000
"""Rows the search looks at; the accuracy is counted over all customers."""
MOST_LEVELS = 8
ROUNDING_LOSS = 0.005
SIMPLER = 0.01
"""A condition is kept only if it raises F1 by more than this."""
RESERVED = frozenset({
    "all", "and", "any", "as", "asc", "between", "by", "case", "cast", "check", "column", "create", "cross",
    "current_date", "default", "delete", "desc", "distinct", "drop", "else", "end", "exists", "false", "fetch", "for",
    "foreign", "from", "full", "grant", "group", "having", "in", "index", "inner", "insert", "interval", "into", "is",
    "join", "key", "left", "like", "limit", "not", "null", "of", "offset", "on", "or", "order", "outer", "over",
    "partition", "primary", "references", "right", "row", "rows", "select", "set", "some", "table", "then", "to",
    "true", "union", "unique", "update", "user", "using", "value", "values", "view", "when", "where", "window",
    "with", "year",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """Conditions found so far, whom they select among the searched rows, and their F1."""

    conditions: tuple[Condition, ...]
    mask: Mask
    f1: float


def find_conditions(
    values: Values, features: Sequence[Feature], segments: NDArray[np.int32], segment: int
) -> tuple[Condition, ...]:
    """The conditions (feature, operator, value) of one segment, none when no feature tells it apart.

    ``values`` (n,) per feature as ``customer_values`` gives them. An unknown value meets no condition, as in SQL.
    """
    step = max(1, math.ceil(len(segments) / SEARCHED))
    x = {f.name: values[f.name][::step] for f in features}
    target = (segments == segment)[::step]
    if not target.any():
        return ()
    orders = {name: np.argsort(v, kind="stable") for name, v in x.items() if v.dtype != object}
    beam = [Trial((), np.ones(len(target), dtype=np.bool_), 0.0)]
    best: list[Trial] = []
    for _ in range(MOST_CONDITIONS):
        grown = [trial for start in beam for trial in _grown(start, x, orders, target)]
        grown.sort(key=_preference)
        beam = _distinct(grown)[:BEAM]
        if not beam:
            break
        best.append(beam[0])
    if not best:
        return ()
    top = max(trial.f1 for trial in best)
    chosen = next(trial for trial in best if trial.f1 >= top - SIMPLER)
    return _rounded(chosen, x, target)


def _preference(trial: Trial) -> tuple[float, bool, str]:
    """Best F1 first; then "is" before "is not"; then by name, so that the order of columns does not matter."""
    return -round(trial.f1, 12), any(operator == "<>" for _, operator, _ in trial.conditions), str(trial.conditions)


def _grown(start: Trial, x: Values, orders: Mapping[str, NDArray[np.intp]], target: Mask) -> Iterator[Trial]:
    """The best next condition of every feature and operator, where it improves F1."""
    positives = int(target.sum())
    taken = {(feature, operator) for feature, operator, _ in start.conditions}
    for name, v in x.items():
        if name in orders:
            found: Sequence[tuple[str, float | str]] = _cuts(v, orders[name], start.mask, target, positives)
        else:
            found = _levels(v)
        for operator, value in found:
            if (name, operator) in taken:
                continue
            condition = (name, operator, value)
            mask = start.mask & meets(v, condition)
            f1 = _score(mask, target)
            if f1 > start.f1 + 1e-12:
                yield Trial((*start.conditions, condition), mask, f1)


def _score(mask: Mask, target: Mask) -> float:
    return 2 * int((mask & target).sum()) / max(int(mask.sum()) + int(target.sum()), 1)


def _cuts(
    v: NDArray[np.generic], order: NDArray[np.intp], mask: Mask, target: Mask, positives: int
) -> list[tuple[str, float]]:
    """The best ``<=`` and the best ``>=`` of one number by F1 = 2 hits / (selected + positives), by cumulative sums."""
    inside = order[mask[order]]
    ordered = np.asarray(v, dtype=np.float64)[inside]
    m = int(np.isfinite(ordered).sum())
    ordered, hit = ordered[:m], target[inside[:m]]
    edges = np.flatnonzero(np.diff(ordered) > 0)
    if not len(edges):
        return []
    hits = np.cumsum(hit).astype(np.float64)
    low = edges[np.argmax(hits[edges] / (edges + 1 + positives))]
    high = edges[np.argmax((hits[-1] - hits[edges]) / (m - edges - 1 + positives))]
    return [("<=", float(ordered[low])), (">=", float(ordered[high + 1]))]


def _levels(v: NDArray[np.generic]) -> list[tuple[str, str]]:
    """``=`` and ``<>`` of the most frequent levels."""
    counts = Counter(value for value in v if value is not None)
    top = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_LEVELS]
    return [(operator, str(name)) for name, _ in top for operator in ("=", "<>")]


def _distinct(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that select different customers, first ones first."""
    seen: set[bytes] = set()
    result = []
    for trial in trials[: BEAM * 12]:
        key = trial.mask.tobytes()
        if key not in seen:
            seen.add(key)
            result.append(trial)
    return result


def meets(v: NDArray[np.generic], condition: Condition) -> Mask:
    """(n,) who meets one condition; an unknown value does not."""
    _, operator, value = condition
    if v.dtype == object:
        known = np.array([item is not None for item in v], dtype=np.bool_)
        equal = np.array([item == value for item in v], dtype=np.bool_)
        return equal if operator == "=" else known & ~equal
    numbers = np.asarray(v, dtype=np.float64)
    result: Mask = numbers >= float(value) if operator == ">=" else numbers <= float(value)
    return result


def _rounded(trial: Trial, x: Values, target: Mask) -> tuple[Condition, ...]:
    """Thresholds at 2 significant digits, else 3, else 4, else as found: the roundest that costs at most 0.005 F1."""
    conditions = list(trial.conditions)
    for i, (name, operator, value) in enumerate(conditions):
        if isinstance(value, str):
            continue
        for digits in (2, 3, 4):
            attempts = [
                [*conditions[:i], (name, operator, rounded), *conditions[i + 1 :]]
                for rounded in _round_numbers(value, digits, up=operator == "<=")
            ]
            scores = [_score(np.logical_and.reduce([meets(x[c[0]], c) for c in a]), target) for a in attempts]
            best = max(range(len(attempts)), key=lambda j: (scores[j], -j))
            if scores[best] >= trial.f1 - ROUNDING_LOSS:
                conditions = attempts[best]
                break
    return tuple(conditions)


def _round_numbers(value: float, digits: int, *, up: bool) -> list[float]:
    """The nearest number of so many digits, and the next one into the gap beside the cut.

    >>> _round_numbers(437.77, 2, up=False)
    [440.0, 430.0]
    """
    nearest = float(f"{value:.{digits}g}")
    if value == 0:
        return [nearest]
    step = Decimal(10) ** (Decimal(repr(value)).adjusted() - digits + 1)
    whole = (Decimal(repr(value)) / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return [nearest, float(whole * step)]


def describe_rule(
    customers: Customers, labels: Table, features: Sequence[Feature], conditions: Sequence[Condition],
    segment: int, sizes: Mapping[int, int], currency: str,
) -> Rule | None:  # fmt: skip
    """The rule in words and SQL with its accuracy, counted by the engine over all labelled customers."""
    if not conditions:
        return None
    by_name = {f.name: f for f in features}
    types = customers.engine.columns(customers.table)
    portable = [_portable(by_name[c[0]], types[c[0]], c) for c in conditions]
    rows = customers.engine.fetch(matches_sql(customers.table.name, labels.name, portable), 100_000).to_pylist()
    matched = {int(row["segment"]): int(row["matched"]) for row in rows}
    listed, hits = sum(matched.values()), matched.get(segment, 0)
    everyone, size = sum(n for g, n in sizes.items() if g >= 0), sizes[segment]
    right = everyone - (listed - hits) - (size - hits)
    return Rule(
        conditions=tuple(conditions),
        text=", ".join(_words(by_name[c[0]], c, currency) for c in conditions),
        sql=" AND ".join(f"{_identifier(name)} {operator} {_literal(value)}" for name, operator, value in conditions),
        list_size=listed,
        precision=hits / listed if listed else 0.0,
        recall=hits / size if size else 0.0,
        fidelity=wilson(right, everyone),
    )


def matches_sql(customers: str, labels: str, conditions: Sequence[str]) -> str:
    """Labelled customers per segment that meet all conditions."""
    return f"""SELECT
  l.segment AS segment,
  COUNT(*) FILTER (WHERE {" AND ".join(conditions)}) AS matched
FROM {quoted(customers)} AS c
JOIN {quoted(labels)} AS l ON l.customer_id = c.customer_id
GROUP BY l.segment"""


def _portable(feature: Feature, column_type: str, condition: Condition) -> str:
    """One condition on the alias c for our own engine: no decimal literal."""
    _, operator, value = condition
    reading = reading_sql(feature, column_type)
    if is_category(feature, column_type):
        return f"{reading} {operator} {text_literal(str(value))}"
    return f"({reading}) {operator} CAST({text_literal(_plain(float(value)))} AS DOUBLE)"


def _plain(value: float) -> str:
    """A number without exponent and without a trailing ``.0``.

    >>> _plain(40.0), _plain(0.00005)
    ('40', '0.00005')
    """
    text = format(Decimal(repr(float(value))), "f")
    return text.removesuffix(".0")


def _literal(value: float | str) -> str:
    return text_literal(value) if isinstance(value, str) else _plain(value)


def _identifier(name: str) -> str:
    """A column name, quoted only when needed."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) and name not in RESERVED else quoted(name)


def _words(feature: Feature, condition: Condition, currency: str) -> str:
    """One condition as a reader says it: "placed online at least 90%"."""
    _, operator, value = condition
    if isinstance(value, str):
        return f"{feature.label} is {value}" if operator == "=" else f"{feature.label} is not {value}"
    if feature.shape == "share" or feature.unit == "share":
        figure = _plain(float(f"{value * 100:.10g}")) + "%"
    elif is_money(feature, currency):
        figure = f"{_plain(value)} {currency}"
    elif feature.unit == "days" and not feature.label.startswith("days"):
        figure = f"{_plain(value)} days"
    else:
        figure = _plain(value)
    return f"{feature.label} {'at least' if operator == '>=' else 'at most'} {figure}"
