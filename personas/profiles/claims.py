"""Which differences of descriptors hold: simultaneous intervals and permutation p-values by Holm (method 9.4).

Features that formed the segments differ by definition. They never get a p-value: their effects are compared with those
of structureless data instead (``null_effects``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.errors import count_of
from personas.estimate import Estimate, Notice
from personas.features.feature import Feature
from personas.profiles.intervals import Use, stream
from personas.profiles.money_records import Claim
from personas.profiles.values import Values
from personas.segmentation import borders
from personas.segmentation.records import Fitted

Floats = NDArray[np.float64]
Labels = NDArray[np.int32]
MOST_ROWS = 2_000
"""Customers on whom claims are tested: the cost is bounded, the n is printed with every claim."""
PERMUTATIONS = 9_999
MOST_PERMUTATIONS = 49_999
FINER = 40
"""Permutations per examined pair, so that the smallest possible p-value is not above 5% after Holm."""
REPLICATES = 199
BLOCK = 40
SAME_THING = 0.8
"""A descriptor that goes with a forming feature this closely (Spearman) differs by definition too (method 9.1)."""
MOST_LEVELS = 8
RARE = 0.02


@dataclass(frozen=True, slots=True)
class Columns:
    """What is examined: one column per number, one 0/1 column per frequent level; NaN where unknown."""

    names: tuple[str, ...]
    levels: tuple[str | None, ...]
    x: Floats


def definitions(features: Sequence[Feature], basis: Iterable[str], values: Values) -> frozenset[str]:
    """Names of the features that differ between segments by definition.

    Those that formed the segments, those derived from one of them, and those that go with one closely
    (|Spearman| > 0.8 on the customers of whom both are known).
    """
    formed = frozenset(basis)
    numbers = {
        f.name: np.asarray(values[f.name], dtype=np.float64)
        for f in features
        if f.name in values and values[f.name].dtype != np.object_
    }
    named = {f.name for f in features if f.name in formed or formed & set(f.derived_from)}
    ranks = {name: centred_ranks(x) for name, x in numbers.items() if np.isfinite(x).all()}

    def together(one: str, other: str) -> float:
        if one in ranks and other in ranks:
            return _correlation(ranks[one], ranks[other])
        return _spearman(numbers[one], numbers[other])

    for name in numbers:
        if name not in named and any(
            abs(together(name, other)) > SAME_THING for other in sorted(formed & set(numbers))
        ):
            named.add(name)
    return frozenset(named)


def _spearman(a: Floats, b: Floats) -> float:
    """Rank correlation over the rows of which both are known, 0 without spread."""
    known = np.isfinite(a) & np.isfinite(b)
    return _correlation(centred_ranks(a[known]), centred_ranks(b[known]))


def _correlation(x: Floats, y: Floats) -> float:
    """Correlation of centred ranks; 0 without spread or with fewer than 30."""
    if len(x) < 30:
        return 0.0
    bottom = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / bottom if bottom > 0 else 0.0


def centred_ranks(x: Floats) -> Floats:
    """(n,) mid-ranks less their mean, 0 where unknown."""
    return weighted_ranks(*np.unique(x, return_inverse=True), np.ones(len(x)))


def weighted_ranks(values: Floats, place: NDArray[np.intp], weights: Floats) -> Floats:
    """(n,) ``centred_ranks`` with each row counted ``weights`` (n,) times.

    ``values`` are the distinct values of the column, sorted, NaN last; ``place`` (n,) where each row stands in them.
    """
    mass = np.bincount(place, weights, len(values))
    unknown = len(values) > 0 and bool(np.isnan(values[-1]))
    if unknown:
        mass[-1] = 0.0
    middle = np.cumsum(mass) - mass / 2 - mass.sum() / 2
    if unknown:
        middle[-1] = 0.0
    result: Floats = middle[place]
    return result


def columns_of(
    features: Sequence[Feature], without: frozenset[str], values: Values, rows: NDArray[np.int64]
) -> Columns:
    """The descriptors of ``rows``: all that are no definition and vary."""
    names: list[str] = []
    levels: list[str | None] = []
    found: list[Floats] = []
    for feature in sorted(features, key=lambda f: f.name):
        if feature.name in without or feature.name not in values:
            continue
        column = values[feature.name][rows]
        if column.dtype != np.object_:
            number = np.asarray(column, dtype=np.float64)
            if np.isfinite(number).sum() >= 30 and np.nanmin(number) < np.nanmax(number):
                names, levels, found = [*names, feature.name], [*levels, None], [*found, number]
            continue
        known = np.array([value is not None for value in column])
        texts, counts = np.unique(column[known].astype(str), return_counts=True)
        frequent = sorted(zip(-counts, texts, strict=True))[:MOST_LEVELS]
        for minus, level in frequent:
            if -minus >= RARE * max(known.sum(), 1) and -minus < known.sum():
                carries = np.where(known, (column.astype(str) == level).astype(np.float64), np.nan)
                names, levels, found = [*names, feature.name], [*levels, str(level)], [*found, carries]
    x = np.column_stack(found) if found else np.zeros((len(rows), 0))
    return Columns(tuple(names), tuple(levels), x)


def deltas(ranks: Floats, known: Floats, members: Floats) -> Floats:
    """(k, m) Cliff's delta of each group against all others; for a 0/1 column the difference of shares.

    ``ranks`` (n, m) centred mid-ranks, ``known`` (n, m) 1 where the row is known, ``members`` (n, k) 1 where it is in
    the group; else 0.
    """
    return _from_sums(members.T @ ranks, members.T @ known, known.sum(axis=0))


def _from_sums(sums: Floats, inside: Floats, total: Floats) -> Floats:
    bottom = inside * (total - inside)
    result: Floats = np.divide(2 * sums, bottom, out=np.zeros_like(sums), where=bottom > 0)
    return result


def permutation_p(x: Floats, labels: Labels, k: int, random: np.random.Generator, times: int = PERMUTATIONS) -> Floats:
    """(k, m) p-value of each delta: labels are dealt out anew, p = (1 + #{|e*| >= |e|}) / (1 + times)."""
    n, m = x.shape
    ranks = np.column_stack([centred_ranks(x[:, j]) for j in range(m)])
    known = np.isfinite(x).astype(np.float64)
    observed = np.abs(deltas(ranks, known, np.eye(k)[labels])) - 1e-9
    complete = bool(known.all())
    reached = np.zeros((k, m))
    groups = np.arange(k, dtype=np.int32)[:, None]
    for start in range(0, times, BLOCK):
        dealt = random.permuted(np.tile(labels, (min(BLOCK, times - start), 1)), axis=1)
        members = (dealt[:, None, :] == groups).astype(np.float64).reshape(-1, n)
        sizes = np.bincount(labels, minlength=k).astype(np.float64)
        inside = np.tile(sizes[:, None], (len(dealt), m)) if complete else members @ known
        drawn = np.abs(_from_sums(members @ ranks, inside, known.sum(axis=0)))
        reached += (drawn.reshape(len(dealt), k, m) >= observed).sum(axis=0)
    result: Floats = (1 + reached) / (1 + times)
    return result


def holm(p: Floats) -> Floats:
    """Adjusted p-values of the same shape (Holm 1979).

    >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    return np.array(borders.holm(p.ravel().tolist())).reshape(p.shape)


def resampled_deltas(
    x: Floats, X: Floats, labels: Labels, k: int, models: Sequence[tuple[Fitted, Labels]], random: np.random.Generator
) -> Floats:
    """(199, k, m) deltas of resampled customers, with the segments that refitted models put them into.

    ``models`` are the models of the resamples with the map from their labels to ours (-1: no counterpart); without
    any, the labels are taken as given.
    """
    assigned = [partner[model.predict(X)] for model, partner in models] or [labels]
    n, m = x.shape
    known = np.isfinite(x).astype(np.float64)
    places = [np.unique(x[:, j], return_inverse=True) for j in range(m)]
    result = np.zeros((REPLICATES, k, m))
    ranks = np.empty((n, m))
    for b in range(REPLICATES):
        weights = np.bincount(random.integers(0, n, n), minlength=n).astype(np.float64)
        own = assigned[b % len(assigned)]
        held = (own[:, None] == np.arange(k)) * weights[:, None]
        for j, (values, place) in enumerate(places):
            ranks[:, j] = weighted_ranks(values, place, weights)
        result[b] = _from_sums(held.T @ ranks, held.T @ known, weights @ known)
    return result


def simultaneous(effects: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Ends (k, m) of intervals that hold for all effects (k, m) at once in 95%, from ``drawn`` (b, k, m).

    On Fisher's scale, so that an interval never leaves -1 to 1; q is the 95th percentile of the largest standardised
    deviation.
    """
    centre, draws = np.arctanh(np.clip(effects, -0.999, 0.999)), np.arctanh(np.clip(drawn, -0.999, 0.999))
    spread = draws.std(axis=0, ddof=1)
    off = np.divide(np.abs(draws - centre), spread, out=np.zeros_like(draws), where=spread > 1e-9)
    largest = np.sort(off.reshape(len(draws), -1).max(axis=1, initial=0.0))
    q = largest[math.ceil(0.95 * (len(largest) + 1)) - 1]
    return np.tanh(centre - q * spread), np.tanh(centre + q * spread)


def claims(
    features: Sequence[Feature], without: frozenset[str], values: Values, segments: Labels, X: Floats,
    rows: NDArray[np.int64], k: int, models: Sequence[tuple[Fitted, Labels]], seed: int,
) -> dict[int, dict[str, Claim]]:  # fmt: skip
    """The claims of each segment by feature name, ``feature=level`` for the levels of a category.

    Parameters
    ----------
    without : names that are definitions
    values, segments : (n,) the sample of customers
    X : (r, d) the coded rows of the customers ``rows`` (r,) of the sample, at most a few thousand
    models : of the resamples (see ``resampled_deltas``)
    """
    columns = columns_of(features, without, values, rows)
    if not columns.names or len(rows) < 30 or k < 2:
        return {}
    own = segments[rows]
    ranks = np.column_stack([centred_ranks(columns.x[:, j]) for j in range(len(columns.names))])
    known = np.isfinite(columns.x).astype(np.float64)
    effects = deltas(ranks, known, np.eye(k)[own])
    times = min(MOST_PERMUTATIONS, max(PERMUTATIONS, FINER * k * len(columns.names)))
    p = holm(permutation_p(columns.x, own, k, stream(seed, 10, 0, Use.CLAIM_PERMUTATIONS), times))
    random = stream(seed, 10, 0, Use.CLAIM_RESAMPLES)
    low, high = simultaneous(effects, resampled_deltas(columns.x, X, own, k, models, random))
    basis = "simultaneous, 95%" if models else "simultaneous, 95%, segments taken as given"
    found: dict[int, dict[str, Claim]] = {g: {} for g in range(k)}
    for g in range(k):
        for j, (name, level) in enumerate(zip(columns.names, columns.levels, strict=True)):
            value = float(effects[g, j])
            ends = min(float(low[g, j]), value), max(float(high[g, j]), value)
            estimate = Estimate(value, *ends, "delta", len(rows), basis)
            found[g][name if level is None else f"{name}={level}"] = Claim(name, level, estimate, float(p[g, j]))
    return found


def defining(effects: Mapping[str, float], thresholds: Mapping[str, float]) -> dict[str, bool]:
    """Whether each forming feature differs by more than structureless data cut in the same way would.

    ``effects`` |Cliff's delta| by feature, ``thresholds`` from ``null_effects``; without a threshold it passes.
    """
    return {name: abs(effect) > thresholds.get(name, 0.0) for name, effect in effects.items()}


def sampled_notice(n: int, size: int) -> tuple[Notice, ...]:
    """What is said where claims were tested on ``n`` of ``size`` customers; nothing where on all."""
    if n >= size:
        return ()
    text = f"Claims about features that did not form the segments were tested on {n:,} of {size:,} customers."
    return (Notice("claims-sampled", text, n),)


def untested_notice(features: Sequence[Feature], without: frozenset[str]) -> tuple[Notice, ...]:
    """What is said where no claim could be tested; nothing where every feature differs by definition anyway."""
    names = [feature.name for feature in features if feature.name not in without]
    if not names:
        return ()
    text = (
        f"Whether segments differ in the {count_of(len(names), 'feature')} that did not form them was not tested, so "
        "no such difference is told."
    )
    return (Notice("claims-untested", text, len(names)),)
