"""One algorithm from beginning to end: every k fitted, scored, compared, resampled, its borders tested; one chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from personas.estimate import Notice
from personas.segmentation import compute
from personas.segmentation.borders import find_borders, structureless_dips, with_borders
from personas.segmentation.preflight import HIGHEST_K, Grid
from personas.segmentation.records import Algorithm, Border, Candidate, Fitted, Floats, Progress
from personas.segmentation.reference import Comparison, compare, with_null
from personas.segmentation.resampling import (
    FIRST_PAIRS,
    PAIRS,
    RESAMPLE_ROWS,
    Resampled,
    hopeless,
    resample,
    standard_error,
    with_stability,
)
from personas.segmentation.scan import STARTS, Trial, fit_all, score_all
from personas.segmentation.shape import shape_suited
from personas.segmentation.silhouette import silhouettes
from personas.segmentation.streams import Step, draw_rows
from personas.segmentation.verdict import (
    NATURAL,
    NONE,
    STABLE,
    THRESHOLDS,
    Choice,
    Evidence,
    best_silhouette,
    choose,
    electable,
    is_partly_natural,
    natural_but_for_shape,
    sizes_hold,
)

MANY_STARTS = 100
DOUBTFUL_OPTIMUM = 0.3
"""When fewer starts than this share end in the best solution, a contender for k is fitted again with 100 starts."""
CONTENDER = 0.01
"""A k whose silhouette is this close to the best can still be chosen."""
WIDEN_BY, WIDENINGS = 5, 2


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays the same for every k. ``rows`` (n', d) are the at most 2,000 rows that everything but fits uses."""

    X: Floats
    rows: Floats
    algorithm: Algorithm
    seed: int
    protocol: str
    grid: Grid
    blocks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Explored:
    """All k of one algorithm, what the evidence chooses among them, and the ``k`` that is taken."""

    algorithm: Algorithm
    trials: Mapping[int, Trial]
    evidence: Evidence
    choice: Choice
    k: int
    resampled: Resampled
    """Of the k that is taken."""
    borders: tuple[Border, ...]
    """Of the k that is taken."""
    comparison: Comparison | None
    notices: tuple[Notice, ...]
    asked: bool = False
    """Whether the k that is taken was fixed."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """One per k, ascending."""
        return self.evidence.candidates

    @property
    def chosen(self) -> Candidate:
        """The candidate of the k that is taken."""
        return next(candidate for candidate in self.candidates if candidate.k == self.k)


def explore(
    X: Floats, grid: Grid, algorithm: Algorithm, seed: int, protocol: str,
    blocks: Sequence[Sequence[int]], before: Comparison | None, progress: Progress | None,
) -> Explored:  # fmt: skip
    """Everything about every k, widened while the end of the range is chosen.

    ``before`` is a comparison with structureless data that another algorithm already made; it is used again.
    """
    if progress and not compute.lies_ready():
        progress("compiling kernels once, about 20 seconds", 0.0)
    rows = X[draw_rows(seed, Step.SUBSAMPLE, len(X), RESAMPLE_ROWS)]
    setting = Setting(X, rows, algorithm, seed, protocol, grid, tuple(tuple(block) for block in blocks))
    trials: dict[int, Trial] = {}
    resampled: dict[int, Resampled] = {}
    errors: dict[int, float] = {}
    comparison, wanted, ceiling = before, list(grid.ks) or [2], min(grid.largest, HIGHEST_K)
    for widening in range(WIDENINGS + 1):
        tell = part(progress, widening / (WIDENINGS + 1), (widening + 1) / (WIDENINGS + 1))
        trials |= _trials(setting, trials, wanted, part(tell, 0.0, 0.15))
        if len(X) >= THRESHOLDS.customers:
            tell_null = part(tell, 0.15, 0.6)
            comparison = compare(
                rows, sorted(trials), seed, blocks=blocks, protocol=protocol, progress=tell_null, before=comparison
            )
        resampled |= _resampled(setting, {k: trials[k].fitted for k in wanted}, part(tell, 0.6, 0.9))
        borders = _borders(setting, trials, comparison)
        evidence = _evidence(setting, trials, resampled, comparison, borders)
        evidence = _with_errors(setting, evidence, errors, part(tell, 0.9, 1.0))
        choice = choose(evidence)
        highest = max(trials)
        inside = choice.k < highest or choice.verdict == NONE
        if inside or grid.asked is not None or highest >= ceiling or widening == WIDENINGS:
            break
        wanted = list(range(highest + 1, min(highest + WIDEN_BY, ceiling) + 1))
    taken = grid.asked or choice.k
    resampled[taken] = _all_pairs(setting, trials[taken].fitted, resampled[taken])
    evidence = _replaced(evidence, with_stability(_of(evidence, taken), resampled[taken]))
    ends = () if inside or grid.asked is not None else (_range_ends(highest, ceiling),)
    notices: tuple[Notice, ...] = ends + _tie(trials, choice, grid.min_size)
    return Explored(
        algorithm, trials, evidence, choice, taken, resampled[taken], borders.get(taken, ()), comparison, notices,
        grid.asked is not None,
    )  # fmt: skip


def _trials(
    setting: Setting, known: Mapping[int, Trial], wanted: Sequence[int], progress: Progress | None
) -> dict[int, Trial]:
    """Reference fits and their scores; contenders with a doubtful optimum once more with 100 starts."""
    X, algorithm, seed = setting.X, setting.algorithm, setting.seed
    models = fit_all(X, wanted, algorithm, seed, STARTS, part(progress, 0.0, 0.7))
    trials = score_all(X, models, seed, progress=part(progress, 0.7, 1.0))
    if setting.protocol == "full":
        trials |= _with_many_starts(setting, {**known, **trials}, wanted)
    return trials


def _with_many_starts(setting: Setting, trials: Mapping[int, Trial], wanted: Sequence[int]) -> dict[int, Trial]:
    """Contenders whose best solution only few starts found, fitted again with 100 starts (method.md 7.1)."""
    candidates = [trial.candidate for trial in trials.values()]
    allowed = [c for c in candidates if sizes_hold(c, setting.grid.min_size)]
    best = best_silhouette(allowed or candidates).silhouette
    doubtful = [
        k
        for k in wanted
        if trials[k].candidate.optimum_share is not None
        and (trials[k].candidate.optimum_share or 0.0) < DOUBTFUL_OPTIMUM
        and trials[k].candidate.silhouette >= best - CONTENDER
    ]
    again = fit_all(setting.X, doubtful, setting.algorithm, setting.seed, MANY_STARTS)
    better = {k: model for k, model in again.items() if model.inertia < trials[k].fitted.inertia * (1 - 1e-9)}
    return score_all(setting.X, better, setting.seed)


def _resampled(setting: Setting, models: Mapping[int, Fitted], progress: Progress | None) -> dict[int, Resampled]:
    """Pairs of resamples for each k; a k that cannot reach the bound gets no more than the first pairs."""
    pairs = PAIRS[setting.protocol]
    few = min(FIRST_PAIRS, pairs)
    found = {}
    for i, (k, model) in enumerate(models.items()):
        tell = part(progress, i / len(models), (i + 1) / len(models))
        first = resample(setting.rows, model, setting.algorithm, setting.seed, range(few), part(tell, 0.0, few / pairs))
        found[k] = first if hopeless(first, STABLE) else _all_pairs(setting, model, first, part(tell, few / pairs, 1.0))
    return found


def _all_pairs(setting: Setting, model: Fitted, first: Resampled, progress: Progress | None = None) -> Resampled:
    rest = range(len(first.ari), PAIRS[setting.protocol])
    if not rest:
        return first
    return first + resample(setting.rows, model, setting.algorithm, setting.seed, rest, progress)


def _borders(
    setting: Setting, trials: Mapping[int, Trial], comparison: Comparison | None
) -> dict[int, tuple[Border, ...]]:
    """Borders of every k; none without structureless data to hold them against.

    A column of two values is a level, whether its block was named or not: between yes and no there is no valley.
    """
    if comparison is None:
        return {}
    levels = [j for j, column in enumerate(setting.rows.T) if len(np.unique(column)) <= 2]
    one_hot = sorted({*levels, *(column for block in setting.blocks for column in block)})
    centroids = {k: models for k, models in comparison.null_centroids.items() if k in trials}
    null = structureless_dips(comparison.sets, centroids, setting.seed, one_hot)
    return {
        k: find_borders(setting.rows, trial.fitted.centroids, null[k], setting.seed, one_hot)
        for k, trial in trials.items()
    }


def _evidence(
    setting: Setting, trials: Mapping[int, Trial], resampled: Mapping[int, Resampled], comparison: Comparison | None,
    borders: Mapping[int, tuple[Border, ...]],
) -> Evidence:  # fmt: skip
    found = []
    for k in sorted(trials):
        candidate = with_stability(trials[k].candidate, resampled[k])
        if comparison is not None:
            candidate = with_null(candidate, comparison, _observed(setting, trials[k].fitted, comparison))
            candidate = with_borders(candidate, borders[k])
        found.append(candidate)
    evidence = Evidence(tuple(found), len(setting.X), setting.grid.min_size, setting.protocol)
    if comparison is not None:
        evidence = replace(
            evidence,
            p_value=comparison.p_value,
            excess=float(comparison.excess.max()),
            stopped_early=comparison.stopped_early,
        )
    for candidate in evidence.candidates:
        if natural_but_for_shape(evidence, candidate) or is_partly_natural(evidence, candidate):
            labels = trials[candidate.k].fitted.predict(setting.rows)
            suited = shape_suited(setting.rows, labels, candidate.k)
            evidence = _replaced(evidence, replace(candidate, shape_suited=suited))
    return evidence


def _observed(setting: Setting, model: Fitted, comparison: Comparison) -> float:
    """The silhouette that is held against structureless data: by the recipe of the draws, or of another algorithm."""
    if model.algorithm == "kmeans":
        return float(comparison.observed[comparison.ks.index(model.k)])
    return silhouettes(setting.rows, [model.predict(setting.rows)])[0].mean


def _with_errors(setting: Setting, evidence: Evidence, errors: dict[int, float], progress: Progress | None) -> Evidence:
    """Standard errors: of every k in the full protocol, else of the one that sets the mark; ``errors`` are kept."""
    verdict, found = electable(evidence)
    needed = set() if verdict in (NATURAL, NONE) else {best_silhouette(found).k}
    if setting.protocol == "full":
        needed = {candidate.k for candidate in evidence.candidates}
    missing = sorted(needed - set(errors))
    for done, k in enumerate(missing):
        tell = part(progress, done / len(missing), (done + 1) / len(missing))
        errors[k] = standard_error(setting.rows, k, setting.algorithm, setting.seed, len(setting.X), tell)
    for candidate in evidence.candidates:
        if candidate.k in needed:
            evidence = _replaced(evidence, replace(candidate, silhouette_se=errors[candidate.k]))
    return evidence


def _of(evidence: Evidence, k: int) -> Candidate:
    return next(candidate for candidate in evidence.candidates if candidate.k == k)


def _replaced(evidence: Evidence, candidate: Candidate) -> Evidence:
    return replace(evidence, candidates=tuple(candidate if c.k == candidate.k else c for c in evidence.candidates))


def _range_ends(highest: int, ceiling: int) -> Notice:
    why = "these customers do not carry more" if highest >= ceiling else "more segments may separate still better"
    text = f"The range ends here: {highest} segments, the most that were tried, were chosen; {why}."
    return Notice("range-ends-here", text)


def _tie(trials: Mapping[int, Trial], choice: Choice, min_size: int) -> tuple[Notice, ...]:
    """A notice when sampled silhouettes cannot tell the two best k apart (paired differences, 2 standard errors)."""
    chosen = choice.k
    allowed = [trial for k, trial in trials.items() if k != chosen and sizes_hold(trial.candidate, min_size)]
    best = trials[chosen].silhouette
    if choice.best != chosen or not allowed or best.error == 0:
        return ()
    second = max(allowed, key=lambda trial: trial.silhouette.mean)
    difference = best.values[: best.base] - second.silhouette.values[: best.base]
    error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
    if abs(best.mean - second.silhouette.mean) > 2 * error:
        return ()
    text = f"{chosen} and {second.candidate.k} segments separate equally well as far as a sample of customers can tell."
    return (Notice("tie", text),)


def part(progress: Progress | None, low: float, high: float) -> Progress | None:
    """A progress call for the stretch from ``low`` to ``high`` of a longer one."""
    if progress is None:
        return None
    tell: Callable[[str, float], None] = progress
    return lambda what, share: tell(what, low + (high - low) * share)
