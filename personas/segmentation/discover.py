"""Seek segments, say how many, and say how far they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from personas.errors import ConfigError, InputError, count_of, did_you_mean
from personas.estimate import Notice
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.copies import copies_of, repeated
from personas.segmentation.explore import Explored, explore, part
from personas.segmentation.lineage import lineage
from personas.segmentation.map2d import KINDS, Drawing
from personas.segmentation.opinions import with_opinions
from personas.segmentation.ordered import canonical_order
from personas.segmentation.preflight import Grid, Limits, check_matrix, default_range, plan
from personas.segmentation.reasons import PREPARATION, SHAPE, guard, reasons
from personas.segmentation.records import Candidate, Floats, Labels, Progress, Segmentation
from personas.segmentation.reference import Comparison
from personas.segmentation.resampling import PAIRS, RESAMPLE_ROWS, confidence, stability_estimates
from personas.segmentation.scan import as_given, model_as_given
from personas.segmentation.sensitivity import deciding, ledger
from personas.segmentation.separation import separation
from personas.segmentation.streams import Step, draw_rows
from personas.segmentation.threads import single_thread
from personas.segmentation.unusual import APART, placed, unusual_rows
from personas.segmentation.verdict import (
    NATURAL,
    NONE,
    REPRODUCIBLE,
    Evidence,
    best_silhouette,
    depends_on_preparation,
    gate,
    is_partly_natural,
    judge,
    natural_but_for_shape,
    one_step_down,
    prefer,
)

if TYPE_CHECKING:
    import pandas as pd


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
    blocks: Sequence[Sequence[int]] = (),
) -> Segmentation:
    """The segments of the rows of X, how many they are, and how far that can be trusted.

    Parameters
    ----------
    X : (n, d) array or DataFrame
        Finite numbers, already scaled; at least 50 rows. Neither the order of rows nor the number of threads changes
        the result.
    k : int or (lowest, highest)
        A number is honoured, or refused with the largest possible one; it gets its own verdict, and 2 to 10 are looked
        at too, to say what it costs. Of a range the evidence chooses (``verdict.choose``). When the end of the range is
        chosen, the range is widened by 5, at most twice.
    algorithm : str
        ``kmeans``, ``gmm``, ``auto`` (both; k-means unless the mixture is better in silhouette and stability), or a
        plug-in's name.
    protocol : str
        ``full``: 99 structureless data sets and 50 pairs of resamples; ``quick``: 39 and 15, and no second look at
        doubtful optima.
    min_size : int, optional
        Smallest segment, by default max(50, 2% of n).
    families : sequence of d names, or {column: family} for a DataFrame
        Only for the choices ledger: the segmentation is repeated without each family. X is clustered as given.
    map_kind : str
        ``umap``, ``pca`` or ``none``.
    blocks : groups of column numbers
        Each group is one category in indicator columns: structureless data draw its levels whole.

    Raises
    ------
    InputError
        For fewer than 50 rows, missing or non-numeric values, identical rows, or a fixed k that the data do not carry.
    ConfigError
        For an unknown algorithm, protocol or map, or an empty range of k.

    Source: the protocol of ``method.md`` 10. Fewer than 100 rows are never called natural.

    >>> import numpy as np
    >>> groups = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 60, axis=0)
    >>> X = groups + np.random.default_rng(0).normal(size=groups.shape)
    >>> found = discover(X, k=(2, 4), protocol="quick")
    >>> found.k, found.verdict, sorted(np.bincount(found.labels).tolist())
    (3, 'natural', [60, 60, 60])
    """
    _check_words(algorithm, protocol, map_kind)
    column_families = family_of_columns(X, families)
    return search(
        X, k=k, algorithm=algorithm, protocol=protocol, min_size=min_size, seed=seed, families=column_families,
        progress=progress, map_kind=map_kind, limits=Limits(), blocks=blocks,
    )  # fmt: skip


def search(
    X: Any, *, k: int | tuple[int, int], algorithm: str, protocol: str, min_size: int | None, seed: int,
    families: Sequence[str] | None, progress: Progress | None, map_kind: str, limits: Limits,
    blocks: Sequence[Sequence[int]] = (),
) -> Segmentation:  # fmt: skip
    """``discover`` with the least amount of data as an argument; the scikit-learn estimator asks for less."""
    given = check_matrix(X, limits.least_rows)
    order, distinct = canonical_order(given)
    everyone = np.ascontiguousarray(given[order])
    if (copies := copies_of(everyone, distinct)) > 1:
        once = search(
            given[order[::copies]], k=k, algorithm=algorithm, protocol=protocol,
            min_size=None if min_size is None else -(-min_size // copies), seed=seed, families=families,
            progress=progress, map_kind=map_kind, limits=limits, blocks=blocks,
        )  # fmt: skip
        return repeated(once, order, copies)
    asked = plan(len(everyone), distinct, k, min_size, limits)
    names = ["kmeans", "gmm"] if algorithm == "auto" else [algorithm]
    found: list[Explored] = []
    comparison: Comparison | None = None
    with single_thread():
        tried = sorted({*asked.ks, *default_range(asked)}) if asked.fixed else asked.ks
        kept = ~unusual_rows(everyone, tried, seed)
        rows = np.ascontiguousarray(everyone[kept])
        grid = _grid(rows, asked, k, min_size, limits)
    with single_thread(), Drawing(rows, map_kind, seed) as drawing:
        for i, name in enumerate(names):
            tell = part(progress, 0.88 * i / len(names), 0.88 * (i + 1) / len(names))
            explored = explore(rows, grid, ALGORITHMS.get(name), seed, protocol, blocks, comparison, tell)
            found.append(explored)
            comparison = explored.comparison
        winner, why = _winner(found)
        own: Mapping[str, int] = {}
        if protocol == "full":
            winner, own = _with_opinions(rows, winner, seed, part(progress, 0.88, 0.9))
            found = [winner if explored.algorithm is winner.algorithm else explored for explored in found]
        segmentation = _segmentation(everyone, kept, order, winner, found, why, seed, protocol)
        segmentation = _with_sensitivity(
            replace(segmentation, own_k=own), everyone, kept, order, winner, families, blocks, seed,
            part(progress, 0.9, 0.99),
        )  # fmt: skip
        if map_kind == "none":
            return segmentation
        if progress:
            progress("drawing the map", 0.99)
        points, drawn = drawing.points()
    shown = order[kept][drawn].astype(np.int64)
    return replace(segmentation, map_points=points, map_rows=shown, map_kind=map_kind)


def _with_opinions(
    X: Floats, winner: Explored, seed: int, progress: Progress | None
) -> tuple[Explored, Mapping[str, int]]:
    """What other indices say of each k, on at most 2,000 rows."""
    rows = X[draw_rows(seed, Step.SUBSAMPLE, len(X), RESAMPLE_ROWS)]
    models = {k: trial.fitted for k, trial in winner.trials.items()}
    candidates, own = with_opinions(rows, models, winner.candidates, seed, progress)
    return replace(winner, evidence=replace(winner.evidence, candidates=candidates)), own


def _grid(rows: Floats, asked: Grid, k: int | tuple[int, int], min_size: int | None, limits: Limits) -> Grid:
    """The grid of those who remain; a number that all customers together carry is still honoured."""
    try:
        grid = plan(len(rows), canonical_order(rows)[1], k, min_size, limits)
    except InputError:
        grid = asked
    if not grid.fixed:
        return grid
    return replace(grid, ks=tuple(sorted({*grid.ks, *default_range(grid)})), asked=grid.ks[0])


def _winner(found: Sequence[Explored]) -> tuple[Explored, tuple[str, ...]]:
    """Which algorithm forms the segments, and why when there was a choice."""
    if len(found) == 1:
        return found[0], ()
    kmeans, gmm = found
    taken = prefer(kmeans.chosen, gmm.chosen)
    numbers = (
        f"k-means: {kmeans.k} segments, silhouette {kmeans.chosen.silhouette:.2f}, "
        f"least stable segment {kmeans.chosen.jaccard_min or 0:.2f}; "
        f"mixture: {gmm.k}, {gmm.chosen.silhouette:.2f} and {gmm.chosen.jaccard_min or 0:.2f}"
    )
    if taken.algorithm == "gmm":
        return gmm, (f"A Gaussian mixture forms the segments, because it is better in both ({numbers}).",)
    return kmeans, (f"k-means forms the segments, because the mixture is not better in both ({numbers}).",)


def _segmentation(
    everyone: Floats, kept: NDArray[np.bool_], order: NDArray[np.int64], winner: Explored,
    found: Sequence[Explored], why: tuple[str, ...], seed: int, protocol: str,
) -> Segmentation:  # fmt: skip
    trial, resampled, chosen, evidence = winner.trials[winner.k], winner.resampled, winner.chosen, winner.evidence
    labels, bound = placed(everyone, kept, trial.fitted)
    inside = labels != APART
    sure, membership = np.zeros(len(labels)), np.zeros(len(labels))
    sure[inside] = confidence(everyone[inside], labels[inside], resampled.models)
    membership[inside] = trial.fitted.membership(everyone[inside])[np.arange(inside.sum()), labels[inside]]
    fixed = winner.asked
    verdict = judge(evidence, chosen, fixed=fixed)
    said = reasons(evidence, winner.choice, chosen, verdict, fixed=fixed, resamples=len(resampled.jaccard))
    return Segmentation(
        algorithm=winner.algorithm.name,
        k=winner.k,
        k_silhouette=best_silhouette(winner.candidates).k,
        verdict=verdict,
        reasons=said + why,
        labels=as_given(labels, order),
        model=model_as_given(trial.fitted, winner.algorithm, as_given(labels, order)),
        candidates=_candidates(found, winner, labels[inside]),
        confidence=as_given(sure, order),
        membership=as_given(membership, order),
        stability=stability_estimates(resampled),
        min_size=evidence.min_size,
        seed=seed,
        protocol=protocol,
        k_fixed=fixed,
        gate=_gate(evidence, winner.comparison),
        lineage=lineage({k: t.fitted.labels for k, t in winner.trials.items()}),
        resampled=resampled.models,
        notices=winner.notices + _small_segments(winner) + _shape(winner) + _unusual(int((~inside).sum())),
        borders=winner.borders,
        natural_groups=chosen.natural_groups,
        partly_natural=verdict == REPRODUCIBLE and is_partly_natural(evidence, chosen),
        k_advised=winner.choice.k if fixed and winner.choice.verdict != NONE else None,
        shape_banner=bool(_shape(winner)),
        verdict_as_prepared=verdict,
        labelings=_labelings(winner, kept, order),
        guard=guard(evidence, winner.choice, chosen, fixed=fixed),
        separation=separation(everyone[inside], labels[inside], trial.fitted),
        unusual=int((~inside).sum()),
        unusual_distance=bound,
    )


def _labelings(winner: Explored, kept: NDArray[np.bool_], order: NDArray[np.int64]) -> NDArray[np.int8]:
    """(number of k, n) labels at each k, in the caller's order."""
    found = np.full((len(winner.trials), len(kept)), APART, dtype=np.int8)
    for row, k in enumerate(sorted(winner.trials)):
        labels = np.full(len(kept), APART, dtype=np.int32)
        labels[kept] = winner.trials[k].fitted.labels
        found[row] = as_given(labels, order)
    return found


def _candidates(found: Sequence[Explored], winner: Explored, labels: Labels) -> tuple[Candidate, ...]:
    """All candidates; the sizes of the chosen one count those who were put back beside those who formed it."""
    sizes = tuple(int(size) for size in np.bincount(labels, minlength=winner.k))
    return tuple(
        replace(candidate, sizes=sizes) if explored is winner and candidate.k == winner.k else candidate
        for explored in found
        for candidate in explored.candidates
    )


def _gate(evidence: Evidence, comparison: Comparison | None) -> Mapping[str, object] | None:
    """The comparison with structureless data as it is stored; None when it was not made."""
    if comparison is None:
        return None
    return {
        "p_value": evidence.p_value,
        "excess": evidence.excess,
        "null": "unimodal-margin copula",
        "draws": len(comparison.null),
        "passed": gate(evidence),
        "stopped_early": evidence.stopped_early,
    }


def _with_sensitivity(
    segmentation: Segmentation, everyone: Floats, kept: NDArray[np.bool_], order: NDArray[np.int64], winner: Explored,
    families: Sequence[str] | None, blocks: Sequence[Sequence[int]], seed: int, progress: Progress | None,
) -> Segmentation:  # fmt: skip
    """The choices ledger, and the verdict one step lower when most other choices give other segments."""
    fitted = winner.trials[winner.k].fitted
    rows, moved = ledger(everyone, kept, fitted, winner.algorithm, families, blocks, seed, progress)
    verdict = segmentation.verdict
    segmentation = replace(segmentation, sensitivity=rows, moved=moved[:, np.argsort(order)])
    if not depends_on_preparation(deciding(rows, families)) or one_step_down(verdict) == verdict:
        return segmentation
    return replace(
        segmentation,
        notices=(*segmentation.notices, Notice("depends-on-preparation", PREPARATION)),
        verdict=one_step_down(verdict),
        reasons=(PREPARATION, f"As prepared here: {segmentation.reasons[0]}", *segmentation.reasons[1:]),
        partly_natural=False,
        depends_on_preparation=True,
    )


def _small_segments(winner: Explored) -> tuple[Notice, ...]:
    least = winner.evidence.min_size
    small = sum(size < least for size in winner.chosen.sizes)
    text = f"{small} of {winner.k} segments have fewer than {least:,} customers."
    return (Notice("small-segments", text, small),) if small else ()


def _shape(winner: Explored) -> tuple[Notice, ...]:
    """Said where nothing but the shape kept a number from being natural, or where the chosen segments cut across."""
    cut = [c for c in winner.candidates if c.shape_suited is False]
    matters = any(c is winner.chosen or natural_but_for_shape(winner.evidence, c) for c in cut)
    return (Notice("shape", SHAPE),) if matters and winner.choice.verdict != NATURAL else ()


def _unusual(count: int) -> tuple[Notice, ...]:
    if not count:
        return ()
    text = (
        f"{count_of(count, 'customer')} {'lies' if count == 1 else 'lie'} far from every segment, whatever their "
        "number. They are set aside under the name unusual and counted in all totals; the choices ledger says what "
        "changes when they are put back."
    )
    return (Notice("unusual-customers", text, count),)


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
