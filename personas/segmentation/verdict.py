"""From evidence to a choice of k and a verdict: pure functions, so that every guard can be tested alone.

Source: method.md 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from personas.segmentation.records import Candidate

NATURAL, REPRODUCIBLE, CONSTRUCTIVE, NONE = "natural", "reproducible", "constructive", "none"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every bound of the verdict, in one place; all but ``jaccard`` (Hennig 2007) are this project's choice."""

    p_value: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"full": 0.01, "quick": 0.025}))
    """Largest p-value of the comparison with structureless data, by protocol."""
    excess: float = 0.05
    """Least silhouette above that of structureless data."""
    jaccard: float = 0.75
    """Smallest mean bootstrap Jaccard of a segment that counts as returning."""
    customers: int = 100
    """Fewer are too few for the word natural."""
    dependent_ari: float = 0.6
    """Below this median agreement with other preparations the verdict goes down one step."""
    richer: float = 2.0
    """A k that returns goes before the largest natural k when it has at least so many times as many natural groups."""
    families: int = 3
    """With fewer families, leaving one out is another question rather than another preparation: it does not count."""
    tie: float = 1e-9


THRESHOLDS = Thresholds()
STABLE = THRESHOLDS.jaccard
PATTERN = 0.6
"""Below this mean Jaccard a segment is not even a pattern: no persona should be built on it (method.md 10.1)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about all k of one algorithm.

    ``p_value`` and ``excess`` (the largest over k) are those of the comparison with structureless data, None when it
    was not made; ``stopped_early`` says that it ended because nothing was to be found.
    """

    candidates: tuple[Candidate, ...]
    customers: int
    min_size: int
    protocol: str = "full"
    p_value: float | None = None
    excess: float | None = None
    stopped_early: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen k, the verdict that its set stands for, and the k whose silhouette set the mark (None: no mark).

    ``passed_over`` is the largest natural k when another one with far more natural groups is taken instead.
    """

    k: int
    verdict: str
    best: int | None = None
    passed_over: int | None = None


def gate(evidence: Evidence, bounds: Thresholds = THRESHOLDS) -> bool:
    """Whether the data separate better than structureless data of the same shape: p-value and size of the effect."""
    if evidence.p_value is None or evidence.excess is None or evidence.stopped_early:
        return False
    return evidence.p_value <= bounds.p_value[evidence.protocol] and evidence.excess >= bounds.excess


def sizes_hold(candidate: Candidate, min_size: int) -> bool:
    """Whether every segment has at least ``min_size`` customers."""
    return min(candidate.sizes) >= min_size


def returns(candidate: Candidate, bounds: Thresholds = THRESHOLDS) -> bool:
    """Whether every segment comes back in resamples."""
    return candidate.jaccard_min is not None and candidate.jaccard_min >= bounds.jaccard


def separate(candidate: Candidate) -> bool:
    """Whether every border of neighbours is a gap and at least one was tested; untested borders block."""
    return bool(candidate.borders_tested) and candidate.natural_groups == candidate.k


def is_reproducible(evidence: Evidence, candidate: Candidate, bounds: Thresholds = THRESHOLDS) -> bool:
    """Large enough segments that come back (C_rep)."""
    return sizes_hold(candidate, evidence.min_size) and returns(candidate, bounds)


def natural_but_for_shape(evidence: Evidence, candidate: Candidate, bounds: Thresholds = THRESHOLDS) -> bool:
    """Whether only the shape of the segments is still to be looked at before this k is natural."""
    return (
        gate(evidence, bounds)
        and candidate.excess is not None
        and candidate.excess >= bounds.excess
        and is_reproducible(evidence, candidate, bounds)
        and evidence.customers >= bounds.customers
        and separate(candidate)
    )


def is_natural(evidence: Evidence, candidate: Candidate, bounds: Thresholds = THRESHOLDS) -> bool:
    """Everything that the word natural takes (C_nat)."""
    return natural_but_for_shape(evidence, candidate, bounds) and candidate.shape_suited is True


def is_partly_natural(evidence: Evidence, candidate: Candidate, bounds: Thresholds = THRESHOLDS) -> bool:
    """Stable segments in at least two groups with gaps between the groups.

    Groups that are too far apart to be neighbours have no border, and so no gap that was tested.
    """
    return (
        gate(evidence, bounds)
        and evidence.customers >= bounds.customers
        and is_reproducible(evidence, candidate, bounds)
        and candidate.shape_suited is not False
        and (candidate.borders_gap or 0) >= 1
        and (candidate.natural_groups or 0) >= 2
    )


def largest_natural(evidence: Evidence, bounds: Thresholds = THRESHOLDS) -> int | None:
    """The largest natural k; None without any."""
    return max((c.k for c in evidence.candidates if is_natural(evidence, c, bounds)), default=None)


def richer_than(evidence: Evidence, natural: int, bounds: Thresholds = THRESHOLDS) -> tuple[Candidate, ...]:
    """The k that return, stand out from structureless data, and have twice as many natural groups as ``natural``.

    A few borders that cannot be told from a cut must not hide many that are gaps: 20 groups of which 16 are told
    apart are not three groups.
    """
    return tuple(
        c
        for c in evidence.candidates
        if is_partly_natural(evidence, c, bounds)
        and c.excess is not None
        and c.excess >= bounds.excess
        and (c.natural_groups or 0) >= bounds.richer * natural
    )


def best_silhouette(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the highest silhouette; equal ones (1e-9) go to the smaller k."""
    highest = max(candidate.silhouette for candidate in candidates)
    return min((c for c in candidates if c.silhouette >= highest - THRESHOLDS.tie), key=lambda c: c.k)


def electable(evidence: Evidence, bounds: Thresholds = THRESHOLDS) -> tuple[str, tuple[Candidate, ...]]:
    """The candidates among which k is chosen, and the verdict that they stand for."""
    natural = tuple(c for c in evidence.candidates if is_natural(evidence, c, bounds))
    if natural and (richer := richer_than(evidence, max(c.k for c in natural), bounds)):
        return REPRODUCIBLE, richer
    stable = tuple(c for c in evidence.candidates if is_reproducible(evidence, c, bounds))
    large = tuple(c for c in evidence.candidates if sizes_hold(c, evidence.min_size))
    for verdict, found in ((NATURAL, natural), (REPRODUCIBLE, stable), (CONSTRUCTIVE, large)):
        if found:
            return verdict, found
    return NONE, ()


def choose(evidence: Evidence, bounds: Thresholds = THRESHOLDS) -> Choice:
    """The number of segments.

    Among natural k the largest, because each further gap has evidence of its own, unless stable k have at least twice
    as many natural groups (then these are chosen from). Else the smallest k whose silhouette
    is within one standard error of the best, among the k that return; else among those of sufficient size. Without any
    of these the smallest k, for inspection only. A standard error that is unknown counts as 0.
    """
    verdict, found = electable(evidence, bounds)
    if verdict == NATURAL:
        return Choice(max(c.k for c in found), verdict)
    if verdict == NONE:
        return Choice(min(c.k for c in evidence.candidates), verdict)
    best = best_silhouette(found)
    mark = best.silhouette - (best.silhouette_se or 0.0) - bounds.tie
    k = min(c.k for c in found if c.silhouette >= mark)
    passed_over = largest_natural(evidence, bounds) if verdict == REPRODUCIBLE else None
    return Choice(k, verdict, best.k, passed_over)


def judge(evidence: Evidence, chosen: Candidate, *, fixed: bool, bounds: Thresholds = THRESHOLDS) -> str:
    """The verdict on one k by the tests of membership; a fixed k that fails them all is still ``constructive``."""
    if is_natural(evidence, chosen, bounds):
        return NATURAL
    if is_reproducible(evidence, chosen, bounds):
        return REPRODUCIBLE
    return CONSTRUCTIVE if fixed or sizes_hold(chosen, evidence.min_size) else NONE


def depends_on_preparation(agreements: Sequence[float], bounds: Thresholds = THRESHOLDS) -> bool:
    """Whether the median agreement (ARI) with the segments of other preparations is too low."""
    ranked = sorted(agreements)
    if not ranked:
        return False
    middle = (ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2
    return middle < bounds.dependent_ari


def one_step_down(verdict: str) -> str:
    """The verdict when everything depends on preparation.

    >>> one_step_down("natural"), one_step_down("reproducible"), one_step_down("none")
    ('reproducible', 'constructive', 'none')
    """
    return {NATURAL: REPRODUCIBLE, REPRODUCIBLE: CONSTRUCTIVE}.get(verdict, verdict)


def prefer(kmeans: Candidate, gmm: Candidate) -> Candidate:
    """k-means, unless the mixture is better in both: silhouette and its own weakest segment's stability."""
    steadier = (gmm.jaccard_min or 0.0) > (kmeans.jaccard_min or 0.0)
    return gmm if steadier and gmm.silhouette > kmeans.silhouette + THRESHOLDS.tie else kmeans
