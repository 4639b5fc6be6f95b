"""The verdict in sentences, for the person who decides: which guard decided, and by what figure."""

from __future__ import annotations

from personas.errors import count_of
from personas.segmentation.records import Candidate
from personas.segmentation.verdict import (
    CONSTRUCTIVE,
    NATURAL,
    NONE,
    REPRODUCIBLE,
    STABLE,
    THRESHOLDS,
    Choice,
    Evidence,
    best_silhouette,
    gate,
    is_partly_natural,
    returns,
    separate,
    sizes_hold,
)

MEANING = {
    NATURAL: "These groups are separated by gaps in your data, and they return in new samples.",
    REPRODUCIBLE: "The same cut returns in new samples. Useful for planning; borders are conventions.",
    CONSTRUCTIVE: "The segments are made by us; another sample would cut differently.",
    NONE: "No usable segmentation with these columns and sizes.",
}
AS_GOOD = 0.01
"""Silhouettes that differ by less than this separate as well (our choice)."""
PARTLY = "Stable segments; some borders are real, the others are cuts."


def reasons(
    evidence: Evidence, choice: Choice, chosen: Candidate, verdict: str, *, fixed: bool, resamples: int
) -> tuple[str, ...]:
    """Why this k and this word. ``choice`` is what the evidence gives, ``chosen`` may be a k that was fixed."""
    partly = verdict == REPRODUCIBLE and is_partly_natural(evidence, chosen)
    sentences = [PARTLY if partly else MEANING[verdict]]
    sentences += _what_it_costs(evidence, choice, chosen) if fixed else [_why_this_k(evidence, choice, chosen)]
    best = best_silhouette(evidence.candidates)
    if not (fixed and best.k == choice.k):
        sentences += [why] if (why := guard(evidence, choice, chosen, fixed=fixed)) else []
    sentences += [why] if (why := _kept_out_by_size(evidence, chosen)) else []
    small = sum(size < evidence.min_size for size in chosen.sizes)
    if small:
        sentences.append(
            f"{count_of(small, 'segment')} of {chosen.k} would have fewer than "
            f"{count_of(evidence.min_size, 'customer')}; the smallest has {min(chosen.sizes):,}."
        )
    if chosen.jaccard_min is not None:
        sentences.append(how_stable(chosen, resamples))
    sentences.append(_structure(evidence, chosen))
    if chosen.borders_tested is not None:
        sentences.append(_borders(chosen))
    if chosen.shape_suited is False:
        sentences.append(SHAPE)
    if verdict != NATURAL:
        sentences.append("Stable does not mean separate: the segments are not called natural.")
    return tuple(sentences)


SHAPE = (
    "The shape of the data is not suited to these segments: groups that hang together are cut across, "
    "so the segments are not called natural."
)
PREPARATION = (
    "The segments depend on preparation: half of the other choices of scale, families or model agree with them by less "
    f"than {THRESHOLDS.dependent_ari} (adjusted Rand index), so the verdict is one step lower."
)


def bounds_words() -> str:
    """Every bound of the verdict in one line; all but that of Jaccard are this project's choice."""
    b = THRESHOLDS
    return (
        f"p up to {b.p_value['full']} (quick {b.p_value['quick']}); silhouette at least {b.excess} above structureless "
        f"data; Jaccard of every segment at least {b.jaccard}; at least {b.customers} customers for the word natural; "
        f"agreement with other preparations at least {b.dependent_ari} (median), without families left out when there "
        f"are fewer than {b.families}; {b.richer:g} times as many natural groups before the largest natural number."
    )


def _why_this_k(evidence: Evidence, choice: Choice, chosen: Candidate) -> str:
    tried = sorted(c.k for c in evidence.candidates)
    floor = f"at least {count_of(evidence.min_size, 'customer')} in every segment"
    if choice.verdict == NONE:
        return f"No number of segments keeps every segment at {count_of(evidence.min_size, 'customer')} or more."
    if choice.verdict == NATURAL:
        return (
            f"Of {tried[0]} to {tried[-1]} segments, {chosen.k} is the largest number with a gap on every border, "
            f"with segments that come back and {floor}."
        )
    if choice.passed_over is not None:
        return (
            f"{choice.passed_over} is the largest number with a gap on every border, but {chosen.k} come back too and "
            f"fall into {chosen.natural_groups} groups with gaps between them, at least {THRESHOLDS.richer:g} times as "
            "many: the few borders without a gap are listed."
        )
    among = f"those that come back with {floor}" if choice.verdict == REPRODUCIBLE else f"those with {floor}"
    best = next(c for c in evidence.candidates if c.k == choice.best)
    if best.k == chosen.k:
        return (
            f"Of {tried[0]} to {tried[-1]} segments, {chosen.k} separate the customers best among {among}: "
            f"silhouette {chosen.silhouette:.2f} (1 is perfect, 0 is on the border)."
        )
    return (
        f"Among {among}, {best.k} segments have the highest silhouette ({best.silhouette:.3f}), but {chosen.k} "
        f"({chosen.silhouette:.3f}) are within one standard error ({best.silhouette_se or 0.0:.3f}) of it: "
        "the smaller number is taken."
    )


def guard(evidence: Evidence, choice: Choice, chosen: Candidate, *, fixed: bool) -> str:
    """What kept the k of the highest silhouette from being taken; empty when it was taken."""
    best = best_silhouette(evidence.candidates)
    if best.k == chosen.k:
        return ""
    score = f"{best.k} segments have the highest silhouette of all ({best.silhouette:.2f})"
    if fixed:
        return f"{score}."
    if not sizes_hold(best, evidence.min_size):
        return (
            f"{score}, but the smallest would have {count_of(min(best.sizes), 'customer')}, "
            f"fewer than {evidence.min_size:,}."
        )
    if choice.passed_over is not None:
        return f"{score}, but not with as many groups that have gaps between them."
    if choice.verdict == NATURAL and best.k < chosen.k:
        return f"{score}, but {chosen.k} have gaps on all their borders too: each further gap has evidence of its own."
    if choice.verdict in (NATURAL, REPRODUCIBLE) and not returns(best):
        weakest = best.jaccard_min or 0.0
        return (
            f"{score}, but not all of them come back: the least stable one overlaps with itself by {weakest:.2f} "
            f"({STABLE} is needed)."
        )
    if choice.verdict == NATURAL and best.shape_suited is False:
        return f"{score}, but they cut across groups that hang together."
    if choice.verdict == NATURAL and not separate(best):
        tested = count_of(best.borders_tested or 0, "tested border")
        return f"{score}, but only {best.borders_gap or 0} of their {tested} have a gap."
    if choice.verdict == NATURAL:
        return f"{score}, but it is hardly more than structureless data reach."
    return f"{score}; fewer segments do as well within its error."


def _what_it_costs(evidence: Evidence, choice: Choice, chosen: Candidate) -> list[str]:
    """What the fixed number costs against the k that the evidence gives."""
    asked = f"{chosen.k} segments were asked for; their silhouette is {chosen.silhouette:.2f}."
    if choice.verdict == NONE:
        return [asked]
    if choice.k == chosen.k:
        return [asked, "The evidence gives the same number."]
    ours = next(c for c in evidence.candidates if c.k == choice.k)
    return [
        asked,
        f"The evidence gives {ours.k} ({choice.verdict}). Against them, {chosen.k} have a least stable segment of "
        f"{chosen.jaccard_min or 0.0:.2f} instead of {ours.jaccard_min or 0.0:.2f}, a smallest segment of "
        f"{count_of(min(chosen.sizes), 'customer')} instead of {min(ours.sizes):,}, and a silhouette of "
        f"{chosen.silhouette:.2f} instead of {ours.silhouette:.2f}.",
    ]


def how_stable(chosen: Candidate, resamples: int) -> str:
    """How often the segments came back, and whom a re-run would move."""
    weakest = chosen.jaccard_min or 0.0
    word = "every segment came back" if returns(chosen) else "not every segment came back"
    moved = 0.0 if chosen.agreement is None else 100 * (1 - chosen.agreement)
    share = f"about {moved:.0f}%" if moved >= 0.5 else "less than 1%"
    return (
        f"In {count_of(resamples, 'repetition')} on resampled customers {word}: the least stable one overlaps with "
        f"itself by {weakest:.2f} on average ({STABLE} is needed). A re-run may move {share} of customers."
    )


def _kept_out_by_size(evidence: Evidence, chosen: Candidate) -> str:
    """The largest further k that only the smallest size allowed keeps out; empty when there is none."""
    barred = [
        c
        for c in evidence.candidates
        if c.k > chosen.k
        and returns(c)
        and not sizes_hold(c, evidence.min_size)
        and (separate(c) or c.silhouette >= chosen.silhouette - AS_GOOD)
    ]
    if not barred:
        return ""
    most = max(barred, key=lambda c: c.k)
    how = "have a gap on every border too" if separate(most) else f"separate as well ({most.silhouette:.2f})"
    return (
        f"{most.k} segments come back and {how}, but the smallest would have "
        f"{count_of(min(most.sizes), 'customer')}, fewer than {evidence.min_size:,} (setting min_size)."
    )


def _structure(evidence: Evidence, chosen: Candidate) -> str:
    if evidence.p_value is None or chosen.null_mean is None:
        return (
            f"Fewer than {THRESHOLDS.customers} customers cannot be compared with structureless data, "
            "so whether there is structure at all stays open."
        )
    p = f"p {'>' if evidence.stopped_early else '='} {0.2 if evidence.stopped_early else evidence.p_value:.2g}"
    compared = (
        f"Structureless customers of the same shape reach a silhouette of {chosen.null_mean:.3f} with {chosen.k} "
        f"segments; these customers reach {(chosen.excess or 0.0) + chosen.null_mean:.3f} by the same recipe ({p} over "
        "all numbers of segments)"
    )
    if gate(evidence):
        return f"There is structure. {compared}."
    too_small = (evidence.excess or 0.0) < THRESHOLDS.excess
    why = f"the difference stays below {THRESHOLDS.excess}" if too_small else "chance alone could do that"
    return f"No structure was proven: {why}. {compared}."


def _borders(chosen: Candidate) -> str:
    tested, gaps = chosen.borders_tested or 0, chosen.borders_gap or 0
    if tested == 0:
        return "No border between the segments could be tested for a gap."
    groups = chosen.natural_groups or 1
    text = f"{gaps} of {count_of(tested, 'tested border')} between neighbours {'has' if gaps == 1 else 'have'} a gap"
    untested = f"; {count_of(chosen.borders_untested, 'border')} could not be tested" if chosen.borders_untested else ""
    between = "with gaps between them" if gaps else "too far apart to be neighbours"
    inside = f": {chosen.k} segments in {groups} groups {between}" if 1 < groups < chosen.k else ""
    return f"{text}{inside}{untested}."
