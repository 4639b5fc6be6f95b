"""From evidence to a choice of k and a verdict in words: pure functions, so that every rule can be tested alone."""

from __future__ import annotations

from collections.abc import Sequence

from personas.errors import count_of
from personas.segmentation.records import Candidate

STABLE = 0.75
"""Smallest mean bootstrap Jaccard of a segment that counts as returning (Hennig 2007)."""
TIE = 1e-9

MEANING = {
    "natural": "These groups are separated by gaps in your data, and they return in new samples.",
    "reproducible": "The same cut returns in new samples. Useful for planning; borders are conventions.",
    "constructive": "The segments are made by us; another sample would cut differently.",
    "none": "No usable segmentation with these columns and sizes.",
}


def sizes_hold(candidate: Candidate, min_size: int) -> bool:
    """Whether every segment has at least ``min_size`` customers."""
    return min(candidate.sizes) >= min_size


def returns(candidate: Candidate) -> bool:
    """Whether every segment comes back in resamples: mean Jaccard of 0.75 or more."""
    return candidate.jaccard_min is not None and candidate.jaccard_min >= STABLE


def best_silhouette(candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the highest silhouette; equal ones (1e-9) go to the smaller k."""
    highest = max(candidate.silhouette for candidate in candidates)
    return min((c for c in candidates if c.silhouette >= highest - TIE), key=lambda c: c.k)


def choose(candidates: Sequence[Candidate], min_size: int) -> Candidate:
    """The highest silhouette among the candidates whose segments are all large enough; else the smallest k."""
    allowed = [candidate for candidate in candidates if sizes_hold(candidate, min_size)]
    return best_silhouette(allowed) if allowed else min(candidates, key=lambda candidate: candidate.k)


def prefer(kmeans: Candidate, gmm: Candidate) -> Candidate:
    """k-means, unless the mixture is better in both: silhouette and its own weakest segment's stability."""
    steadier = (gmm.jaccard_min or 0.0) > (kmeans.jaccard_min or 0.0)
    return gmm if steadier and gmm.silhouette > kmeans.silhouette + TIE else kmeans


def judge(chosen: Candidate, min_size: int, *, fixed: bool, possible: bool) -> str:
    """The verdict: ``reproducible``, ``constructive`` or ``none``.

    Never ``natural``: that takes a comparison with structureless data and a test of the borders. ``possible`` is False
    when the data carry no two segments of ``min_size``.
    """
    large_enough = sizes_hold(chosen, min_size)
    if not possible or (not large_enough and not fixed):
        return "none"
    return "reproducible" if large_enough and returns(chosen) else "constructive"


def reasons(
    chosen: Candidate,
    candidates: Sequence[Candidate],
    verdict: str,
    *,
    min_size: int,
    fixed: bool,
    resamples: int,
) -> tuple[str, ...]:
    """Why this k and this word, in sentences for the person who decides."""
    same = [c for c in candidates if c.algorithm == chosen.algorithm]
    sentences = [MEANING[verdict], _why_this_k(chosen, same, min_size, fixed)]
    best = best_silhouette(same)
    if best.k != chosen.k:
        sentences.append(_why_not_the_best(chosen, best, min_size, fixed))
    small = sum(size < min_size for size in chosen.sizes)
    if small:
        sentences.append(
            f"{count_of(small, 'segment')} of {chosen.k} would have fewer than {count_of(min_size, 'customer')}; "
            f"the smallest has {min(chosen.sizes):,}."
        )
    if chosen.jaccard_min is not None:
        sentences.append(_how_stable(chosen, resamples))
    sentences.append(
        "Stable does not mean separate: whether there are gaps between the segments has not been tested, "
        "so they are not called natural."
    )
    return tuple(sentences)


def _why_this_k(chosen: Candidate, same: Sequence[Candidate], min_size: int, fixed: bool) -> str:
    if fixed:
        return f"{chosen.k} segments were asked for; their silhouette is {chosen.silhouette:.2f}."
    if not sizes_hold(chosen, min_size):
        return f"No number of segments keeps every segment at {count_of(min_size, 'customer')} or more."
    tried = sorted(c.k for c in same)
    return (
        f"Of {tried[0]} to {tried[-1]} segments, {chosen.k} separate the customers best among those with at least "
        f"{count_of(min_size, 'customer')} in every segment: silhouette {chosen.silhouette:.2f} "
        "(1 is perfect, 0 is on the border)."
    )


def _why_not_the_best(chosen: Candidate, best: Candidate, min_size: int, fixed: bool) -> str:
    if fixed:
        return f"{best.k} segments would score higher ({best.silhouette:.2f})."
    return (
        f"{best.k} segments would score higher ({best.silhouette:.2f}), but the smallest would have "
        f"{count_of(min(best.sizes), 'customer')}, fewer than {min_size:,}."
    )


def _how_stable(chosen: Candidate, resamples: int) -> str:
    weakest = chosen.jaccard_min or 0.0
    word = "every segment came back" if returns(chosen) else "not every segment came back"
    moved = 0.0 if chosen.agreement is None else 100 * (1 - chosen.agreement)
    return (
        f"In {count_of(resamples, 'repetition')} on resampled customers {word}: the least stable one overlaps with "
        f"itself by {weakest:.2f} on average ({STABLE} is needed). A re-run may move about {moved:.0f}% of customers."
    )
