"""Who was this segment last time: the same persona keeps its id across refits (method.md 8.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from personas.segmentation.records import Floats

SAME = 0.5
"""Smallest Jaccard of memberships at which a segment is the same one."""
COMMON = 0.5
"""Below this share of the smaller run, memberships cannot be compared and profiles are."""
PART = 0.3
"""A segment that gives this share of its members to each of two or more others is split."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What became of the segments of an earlier run.

    ``kept`` new segment -> old one; ``retired`` old segments without a successor, ``born`` new ones without a
    predecessor; ``splits`` old segment -> the new ones it went to, ``merges`` new segment -> the old ones it came from.
    ``transitions`` (old, new) counts of common customers. ``by`` is ``members`` or ``profile``.
    """

    kept: Mapping[int, int]
    retired: tuple[int, ...]
    born: tuple[int, ...]
    splits: Mapping[int, tuple[int, ...]]
    merges: Mapping[int, tuple[int, ...]]
    transitions: tuple[tuple[int, ...], ...]
    by: str


def identify(
    old: Mapping[str, int], new: Mapping[str, int], old_profile: Floats | None = None, new_profile: Floats | None = None
) -> Identity:
    """Match the segments of two runs, customer by customer, or by profile where too few customers are common.

    Parameters
    ----------
    old, new : customer id -> segment 0..k-1; customers without a segment are left out.
    old_profile, new_profile : (k, d) centroids in raw units divided by the old run's scale; only for runs of which
        fewer than half of the smaller one's customers are common. Then a segment is the same one when it lies nearer
        than half of the smallest distance between two old ones.
    """
    k_old, k_new = _count(old, old_profile), _count(new, new_profile)
    common = sorted(old.keys() & new.keys())
    table = np.zeros((k_old, k_new), dtype=np.int64)
    np.add.at(table, ([old[c] for c in common], [new[c] for c in common]), 1)
    enough = len(common) >= COMMON * min(len(old), len(new)) and len(common) > 0
    if enough or old_profile is None or new_profile is None:
        union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
        kept = _matched(table / np.maximum(union, 1), SAME) if enough else {}
        by = "members"
    else:
        kept, by = _by_profile(old_profile, new_profile), "profile"
    return Identity(
        kept=kept,
        retired=tuple(g for g in range(k_old) if g not in kept.values()),
        born=tuple(h for h in range(k_new) if h not in kept),
        splits=_parts(table),
        merges=_parts(table.T),
        transitions=tuple(tuple(int(n) for n in row) for row in table),
        by=by,
    )


def _count(segments: Mapping[str, int], profile: Floats | None) -> int:
    return max((max(segments.values(), default=-1) + 1, 0 if profile is None else len(profile)))


def _matched(likeness: Floats, least: float) -> dict[int, int]:
    """New segment -> old one by the one-to-one matching of largest likeness, among pairs that reach ``least``.

    Pairs below it take no part: two halves of a likeness must not outbid the one pair that is the same segment.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.where(likeness >= least, least - likeness - 1.0, 0.0))
    pairs: Sequence[tuple[int, int]] = [(int(g), int(h)) for g, h in zip(rows, columns, strict=True)]
    return {h: g for g, h in sorted(pairs, key=lambda pair: pair[1]) if likeness[g, h] >= least}


def _by_profile(old: Floats, new: Floats) -> dict[int, int]:
    far = np.sqrt(((old[:, None] - old) ** 2).sum(axis=2))
    least = float(far[far > 0].min()) if (far > 0).any() else np.inf
    distances = np.sqrt(((old[:, None] - new) ** 2).sum(axis=2))
    return _matched(-distances, -least / 2 * (1 - 1e-12))


def _parts(table: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> dict[int, tuple[int, ...]]:
    """Rows of which at least 30% each went to two or more columns, with these columns."""
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    parts = {g: tuple(int(h) for h in np.flatnonzero(row >= PART)) for g, row in enumerate(shares)}
    return {g: columns for g, columns in parts.items() if len(columns) > 1}
