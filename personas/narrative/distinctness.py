"""Whether stories tell segments apart: a swap test that matches each story to its row of numbers (method.md 9.13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Notice
from personas.narrative.persona import Persona

Values = Mapping[str, NDArray[np.generic]]


def told_features(persona: Persona) -> tuple[str, ...]:
    """Names of the features that the story gives a figure of, ``feature=level`` for a level."""
    return tuple(dict.fromkeys(e.feature for s in persona.statements if s.block == "story" for e in s.evidence))


def swap_test(
    told: Mapping[int, tuple[str, ...]], values: Values, labels: NDArray[np.int32], seed: int
) -> dict[int, int]:
    """The segment that each story is matched to; its own when the story tells it apart.

    Customers are halved at random: the story is told from the first half, and its figures are compared with those of
    every segment in the second half. The nearest in standard deviations wins, ties go to the first segment.

    Parameters
    ----------
    told : features of the story, by segment
    values, labels : raw values per customer, each (n,), and their segments
    """
    n = len(labels)
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(10, 0, 8))))
    first = np.zeros(n, dtype=np.bool_)
    first[random.permutation(n)[: n // 2]] = True
    matched = {}
    for segment, names in told.items():
        columns = [c for name in names if (c := _column(name, values)) is not None]
        if not columns:
            continue
        spread = [_spread(c) for c in columns]
        own = [_mean(c, first & (labels == segment)) for c in columns]
        distances = []
        for other in sorted(told):
            theirs = [_mean(c, ~first & (labels == other)) for c in columns]
            gaps = [((a - b) / s) ** 2 for a, b, s in zip(own, theirs, spread, strict=True) if np.isfinite(a - b)]
            distances.append((round(float(np.mean(gaps)), 12) if gaps else np.inf, other))
        matched[segment] = min(distances)[1]
    return matched


def _column(name: str, values: Values) -> NDArray[np.float64] | None:
    """A feature as numbers, a level as 0/1; None where it is no feature of a customer."""
    feature, _, level = name.partition("=")
    if feature not in values:
        return None
    column = values[feature]
    if level:
        known = np.array([v is not None for v in column])
        result: NDArray[np.float64] = np.where(known, (column.astype(str) == level).astype(np.float64), np.nan)
        return result
    return None if column.dtype == np.object_ else np.asarray(column, dtype=np.float64)


def _spread(column: NDArray[np.float64]) -> float:
    """The standard deviation; 1 where all are alike but for rounding, which would make noughts into distances."""
    known = column[np.isfinite(column)]
    found = float(known.std()) if len(known) else 0.0
    return found if found > 0 and found > 1e-12 * abs(float(known.mean())) else 1.0


def _mean(column: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
    own = column[rows & np.isfinite(column)]
    return float(own.mean()) if len(own) else float("nan")


def marked(
    personas: tuple[Persona, ...], values: Values, labels: NDArray[np.int32], seed: int
) -> tuple[Persona, ...]:
    """The personas; a story that fits another segment better says in its notices that the two could be one."""
    if not len(labels) or len(personas) < 2:
        return personas
    names = {p.segment: p.name for p in personas}
    matched = swap_test({p.segment: told_features(p) for p in personas}, values, labels, seed)

    def one(persona: Persona) -> Persona:
        other = matched.get(persona.segment, persona.segment)
        if other == persona.segment:
            return persona
        text = f"The figures of this story fit {names[other]} as well: these two could be one."
        return replace(persona, notices=(*persona.notices, Notice("could-be-one", text, 0)))

    return tuple(one(persona) for persona in personas)
