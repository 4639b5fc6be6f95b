"""Seek segments, say how many, and say how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from personas.errors import ConfigError, InputError, did_you_mean
from personas.estimate import Notice
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.lineage import lineage
from personas.segmentation.map2d import KINDS, map2d
from personas.segmentation.preflight import HIGHEST_K, Grid, Limits, canonical_order, check_matrix, plan
from personas.segmentation.records import Algorithm, Candidate, Fitted, Floats, Progress, Segmentation
from personas.segmentation.resampling import (
    FIRST_PAIRS,
    PAIRS,
    RESAMPLE_ROWS,
    Resampled,
    confidence,
    hopeless,
    resample,
    stability_estimates,
    with_stability,
)
from personas.segmentation.scan import STARTS, Trial, as_given, fit_all, score_all
from personas.segmentation.sensitivity import without_each_family
from personas.segmentation.streams import Step, draw_rows
from personas.segmentation.verdict import STABLE, best_silhouette, choose, judge, prefer, reasons, sizes_hold

if TYPE_CHECKING:
    import pandas as pd

MANY_STARTS = 100
DOUBTFUL_OPTIMUM = 0.3
"""When fewer starts than this share end in the best solution, a contender for k is fitted again with 100 starts."""
CONTENDER = 0.01
"""A k whose silhouette is this close to the best can still be chosen."""
WIDEN_BY, WIDENINGS = 5, 2


@dataclass(frozen=True, slots=True)
class Explored:
    """All k of one algorithm, the one that was chosen among them, and what the resamples say."""

    algorithm: Algorithm
    trials: dict[int, Trial]
    resampled: dict[int, Resampled]
    k: int
    notices: tuple[Notice, ...]

    @property
    def candidates(self) -> list[Candidate]:
        """One per k, ascending, with stability."""
        found = []
        for k in sorted(self.trials):
            candidate = self.trials[k].candidate
            found.append(with_stability(candidate, self.resampled[k]) if k in self.resampled else candidate)
        return found

    @property
    def chosen(self) -> Candidate:
        """The candidate of the chosen k."""
        return next(candidate for candidate in self.candidates if candidate.k == self.k)


def discover(
    X: Floats | pd.DataFrame,
    *,
    k: int | tuple[int, int] = (2, 10),
    algorithm: str = "kmeans",
    protocol: str = "full",
    min_size: int | None = None,
    seed: int = 0,
    families: Sequence[str] | Mapping[str, str] | None = None,
    progress: Progress | None = None,
    map_kind: str = "none",
) -> Segmentation:
    """The segments of the rows of X, how many they are, and whether they come back in resamples.

    Parameters
    ----------
    X : (n, d) array or DataFrame
        Finite numbers, already scaled; at least 50 rows. Neither the order of rows nor the number of threads changes
        the result.
    k : int or (lowest, highest)
        A number is honoured, or refused with the largest possible one; of a range the highest silhouette wins among
        those whose segments all have ``min_size`` customers. When the winner is the end of the range, the range is
        widened by 5, at most twice.
    algorithm : str
        ``kmeans``, ``gmm``, ``auto`` (both; k-means unless the mixture is better in silhouette and stability), or a
        plug-in's name.
    protocol : str
        ``full``: 50 pairs of resamples; ``quick``: 15, and no second look at doubtful optima.
    min_size : int, optional
        Smallest segment, by default max(50, 2% of n).
    families : sequence of d names, or {column: family} for a DataFrame
        Only for the choices ledger: the segmentation is repeated without each family. X is clustered as given.
    map_kind : str
        ``umap``, ``pca`` or ``none``.

    Raises
    ------
    InputError
        For fewer than 50 rows, missing or non-numeric values, identical rows, or a fixed k that the data do not carry.
    ConfigError
        For an unknown algorithm, protocol or map, or an empty range of k.

    Source: the protocol of ``method.md`` 10, without its null reference and border test: the verdict is therefore never
    "natural".

    >>> import numpy as np
    >>> groups = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 60, axis=0)
    >>> X = groups + np.random.default_rng(0).normal(size=groups.shape)
    >>> found = discover(X, k=(2, 4), protocol="quick")
    >>> found.k, found.verdict, sorted(np.bincount(found.labels).tolist())
    (3, 'reproducible', [60, 60, 60])
    """
    _check_words(algorithm, protocol, map_kind)
    column_families = family_of_columns(X, families)
    return search(
        X, k=k, algorithm=algorithm, protocol=protocol, min_size=min_size, seed=seed, families=column_families,
        progress=progress, map_kind=map_kind, limits=Limits(),
    )  # fmt: skip


def search(
    X: Any, *, k: int | tuple[int, int], algorithm: str, protocol: str, min_size: int | None, seed: int,
    families: Sequence[str] | None, progress: Progress | None, map_kind: str, limits: Limits,
) -> Segmentation:  # fmt: skip
    """``discover`` with the least amount of data as an argument; the scikit-learn estimator asks for less."""
    given = check_matrix(X, limits.least_rows)
    order, distinct = canonical_order(given)
    rows = np.ascontiguousarray(given[order])
    grid = plan(len(rows), distinct, k, min_size, limits)
    names = ["kmeans", "gmm"] if algorithm == "auto" else [algorithm]
    found = [
        explore(rows, grid, ALGORITHMS.get(name), seed, protocol, _part(progress, i / len(names), (i + 1) / len(names)))
        for i, name in enumerate(names)
    ]
    winner, why = _winner(found)
    sensitivity = (
        without_each_family(rows, winner.trials[winner.k].fitted, winner.algorithm, families, seed) if families else ()
    )
    segmentation = _segmentation(rows, order, grid, winner, found, why, seed, protocol)
    segmentation = replace(segmentation, sensitivity=sensitivity)
    if map_kind == "none":
        return segmentation
    if progress:
        progress("drawing the map", 0.99)
    points, drawn = map2d(rows, map_kind, seed)
    return replace(segmentation, map_points=points, map_rows=order[drawn].astype(np.int64), map_kind=map_kind)


def explore(
    X: Floats, grid: Grid, algorithm: Algorithm, seed: int, protocol: str, progress: Progress | None
) -> Explored:
    """Fit and score every k, choose one, and resample: one algorithm from beginning to end."""
    trials, notices = _fit_until_inside(X, grid, algorithm, seed, protocol, _part(progress, 0.0, 0.35))
    chosen = choose([trial.candidate for trial in trials.values()], grid.min_size).k
    rows = X[draw_rows(seed, Step.SUBSAMPLE, len(X), RESAMPLE_ROWS)]
    tell = _part(progress, 0.35, 0.98)
    pairs = PAIRS[protocol]
    resampled = {}
    for i, (k, trial) in enumerate(trials.items()):
        share = _part(tell, i / len(trials), (i + 1) / len(trials))
        few = min(FIRST_PAIRS, pairs)
        first = resample(rows, trial.fitted, algorithm, seed, range(few), _part(share, 0.0, few / pairs))
        if pairs > FIRST_PAIRS and (k == chosen or not hopeless(first, STABLE)):
            rest = range(FIRST_PAIRS, pairs)
            first = first + resample(rows, trial.fitted, algorithm, seed, rest, _part(share, few / pairs, 1.0))
        # Only the models of the chosen k are needed later; the others would fill the memory.
        resampled[k] = first if k == chosen else replace(first, models=())
    return Explored(algorithm, trials, resampled, chosen, notices + _tie(trials, chosen, grid.min_size))


def _fit_until_inside(
    X: Floats, grid: Grid, algorithm: Algorithm, seed: int, protocol: str, progress: Progress | None
) -> tuple[dict[int, Trial], tuple[Notice, ...]]:
    """Trials of the whole range, widened while its end wins."""
    trials: dict[int, Trial] = {}
    wanted = list(grid.ks) or [2]
    for widening in range(WIDENINGS + 1):
        tell = _part(progress, widening / (WIDENINGS + 1), (widening + 1) / (WIDENINGS + 1))
        models = fit_all(X, wanted, algorithm, seed, STARTS, _part(tell, 0.0, 0.7))
        trials |= score_all(X, models, seed, progress=_part(tell, 0.7, 1.0))
        if protocol == "full":
            trials |= _with_many_starts(X, trials, algorithm, seed, grid.min_size)
        highest, ceiling = max(trials), min(grid.largest, HIGHEST_K)
        chosen = choose([trial.candidate for trial in trials.values()], grid.min_size)
        if grid.fixed or chosen.k < highest or not sizes_hold(chosen, grid.min_size):
            return trials, ()
        if highest >= ceiling or widening == WIDENINGS:
            break
        wanted = list(range(highest + 1, min(highest + WIDEN_BY, ceiling) + 1))
    why = "these customers do not carry more" if highest >= ceiling else "more segments may separate still better"
    text = f"The range ends here: {highest} segments, the most that were tried, separate best; {why}."
    return trials, (Notice("range-ends-here", text),)


def _with_many_starts(
    X: Floats, trials: Mapping[int, Trial], algorithm: Algorithm, seed: int, min_size: int
) -> dict[int, Trial]:
    """Contenders whose best solution only few starts found, fitted again with 100 starts (method.md 7.1)."""
    best = choose([trial.candidate for trial in trials.values()], min_size).silhouette
    doubtful = [
        k
        for k, trial in trials.items()
        if trial.candidate.optimum_share is not None
        and trial.candidate.optimum_share < DOUBTFUL_OPTIMUM
        and trial.candidate.silhouette >= best - CONTENDER
    ]
    again = fit_all(X, doubtful, algorithm, seed, MANY_STARTS)
    better = {k: model for k, model in again.items() if model.inertia < trials[k].fitted.inertia * (1 - 1e-9)}
    return score_all(X, better, seed)


def _tie(trials: Mapping[int, Trial], chosen: int, min_size: int) -> tuple[Notice, ...]:
    """A notice when sampled silhouettes cannot tell the two best k apart (paired differences, 2 standard errors)."""
    allowed = [trial for k, trial in trials.items() if k != chosen and sizes_hold(trial.candidate, min_size)]
    best = trials[chosen].silhouette
    if not allowed or best.error == 0:
        return ()
    second = max(allowed, key=lambda trial: trial.silhouette.mean)
    difference = best.values[: best.base] - second.silhouette.values[: best.base]
    error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
    if best.mean - second.silhouette.mean > 2 * error:
        return ()
    text = f"{chosen} and {second.candidate.k} segments separate equally well as far as a sample of customers can tell."
    return (Notice("tie", text),)


def _winner(found: Sequence[Explored]) -> tuple[Explored, tuple[str, ...]]:
    """Which algorithm forms the segments, and why when there was a choice."""
    if len(found) == 1:
        return found[0], ()
    kmeans, gmm = found
    taken = prefer(kmeans.chosen, gmm.chosen)
    numbers = (
        f"k-means: silhouette {kmeans.chosen.silhouette:.2f}, "
        f"least stable segment {kmeans.chosen.jaccard_min or 0:.2f}; "
        f"mixture: {gmm.chosen.silhouette:.2f} and {gmm.chosen.jaccard_min or 0:.2f}"
    )
    if taken.algorithm == "gmm":
        return gmm, (f"A Gaussian mixture forms the segments, because it is better in both ({numbers}).",)
    return kmeans, (f"k-means forms the segments, because the mixture is not better in both ({numbers}).",)


def _segmentation(
    X: Floats, order: NDArray[np.int64], grid: Grid, winner: Explored, found: Sequence[Explored], why: tuple[str, ...],
    seed: int, protocol: str,
) -> Segmentation:  # fmt: skip
    trial, resampled, chosen = winner.trials[winner.k], winner.resampled[winner.k], winner.chosen
    labels = trial.fitted.labels
    candidates = [candidate for explored in found for candidate in explored.candidates]
    verdict = judge(chosen, grid.min_size, fixed=grid.fixed, possible=grid.largest >= 2)
    said = reasons(
        chosen, candidates, verdict, min_size=grid.min_size, fixed=grid.fixed, resamples=len(resampled.jaccard)
    )
    membership = trial.fitted.membership(X)[np.arange(len(X)), labels]
    return Segmentation(
        algorithm=winner.algorithm.name,
        k=winner.k,
        k_silhouette=best_silhouette(winner.candidates).k,
        verdict=verdict,
        reasons=said + why,
        labels=as_given(labels, order),
        model=_model_as_given(trial.fitted, winner.algorithm, order),
        candidates=tuple(candidates),
        confidence=as_given(confidence(X, labels, resampled.models), order),
        membership=as_given(membership, order),
        stability=stability_estimates(resampled),
        min_size=grid.min_size,
        seed=seed,
        protocol=protocol,
        k_fixed=grid.fixed,
        lineage=lineage({k: t.fitted.labels for k, t in winner.trials.items()}),
        resampled=resampled.models,
        notices=winner.notices + _small_segments(chosen, grid),
    )


def _small_segments(chosen: Candidate, grid: Grid) -> tuple[Notice, ...]:
    small = sum(size < grid.min_size for size in chosen.sizes)
    text = f"{small} of {chosen.k} segments have fewer than {grid.min_size:,} customers."
    return (Notice("small-segments", text, small),) if small else ()


def _model_as_given(fitted: Fitted, algorithm: Algorithm, order: NDArray[np.int64]) -> Fitted:
    """The same model with its labels in the caller's row order; empty labels for a plug-in that is no dataclass."""
    if is_dataclass(fitted) and not isinstance(fitted, type):
        model: Fitted = replace(fitted, labels=as_given(fitted.labels, order))
        return model
    return algorithm.restore(fitted.arrays())


def _part(progress: Progress | None, low: float, high: float) -> Progress | None:
    """A progress call for the stretch from ``low`` to ``high`` of a longer one."""
    if progress is None:
        return None
    tell: Callable[[str, float], None] = progress
    return lambda what, share: tell(what, low + (high - low) * share)


def _check_words(algorithm: str, protocol: str, map_kind: str) -> None:
    if algorithm != "auto":
        ALGORITHMS.get(algorithm)
    for what, word, known in (("protocol", protocol, tuple(PAIRS)), ("map", map_kind, KINDS)):
        if word not in known:
            raise ConfigError(f"no {what} '{word}'. {did_you_mean(word, known)} Known: {', '.join(known)}")


def family_of_columns(X: Any, families: Sequence[str] | Mapping[str, str] | None) -> list[str] | None:
    """The family of each column of X, in order."""
    if families is None:
        return None
    if not isinstance(families, Mapping):
        return [str(name) for name in families]
    if not hasattr(X, "columns"):
        raise InputError("families by column name need a DataFrame; give one family per column instead")
    missing = [str(name) for name in X.columns if name not in families]
    if missing:
        raise InputError(f"families says nothing about the columns {', '.join(missing[:10])}")
    return [str(families[name]) for name in X.columns]
