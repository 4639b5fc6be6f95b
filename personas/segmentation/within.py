"""Segments inside stages: the one protocol, once per stage, its results joined into one segmentation.

Decided that a stage has segments of its own only when two of the smallest allowed size fit into it, that size being one
of all customers, because a segment is a programme whatever stage it lies in. Every other stage stays one segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError, count_of
from personas.estimate import Estimate
from personas.segmentation.algorithms.kmeans import KMEANS
from personas.segmentation.discover import discover
from personas.segmentation.explore import part
from personas.segmentation.ordered import canonical_order
from personas.segmentation.preflight import Limits, check_matrix, default_min_size
from personas.segmentation.records import Candidate, Fitted, Floats, Labels, Progress, Segmentation, Stage
from personas.segmentation.sensitivity import NOT_LOOKED_AT
from personas.segmentation.stages import ByStage
from personas.segmentation.unusual import APART
from personas.segmentation.verdict import CONSTRUCTIVE, NATURAL, NONE, REPRODUCIBLE

WEAKEST_FIRST = (CONSTRUCTIVE, REPRODUCIBLE, NATURAL)


def discover_within(
    X: Any, stages: NDArray[Any], names: Sequence[str], feature: str, *, k: tuple[int, int] = (2, 10),
    algorithm: str = "kmeans", protocol: str = "full", min_size: int | None = None, seed: int = 0,
    families: Sequence[str] | None = None, progress: Progress | None = None, map_kind: str = "none",
    blocks: Sequence[Sequence[int]] = (),
) -> Segmentation:  # fmt: skip
    """``discover`` for the rows of every stage, joined; segments are numbered over all stages.

    Parameters
    ----------
    X : (n, d)
    stages : (n,) name of the stage of each row.
    names : all names in their order; those without a row are left out.
    feature : the feature that says the stage; kept for ``assign``.
    k, algorithm, protocol, seed, families, map_kind, blocks : as for ``discover``, the same in every stage.
    min_size : smallest segment of any stage, by default max(50, 2% of n).
    """
    X = check_matrix(X, Limits().least_rows)
    least = default_min_size(len(X)) if min_size is None else min_size
    asked = {
        "k": k, "algorithm": algorithm, "protocol": protocol, "min_size": least, "seed": seed, "families": families,
        "map_kind": map_kind, "blocks": blocks,
    }  # fmt: skip
    found: list[Stage] = []
    models: list[Fitted] = []
    resamples: list[tuple[tuple[Fitted, Labels], ...]] = []
    done = 0
    for name in names:
        rows = np.flatnonzero(stages == name)
        if not len(rows):
            continue
        tell = part(progress, done / len(X), (done + len(rows)) / len(X))
        own, why = _sought(X[rows], least, tell, asked)
        divided = own if not why else None
        models.append(divided.model if divided else _whole(X[rows]))
        resamples.append(divided.resampled if divided else ())
        chapter = replace(own, resampled=()) if own else None
        found.append(Stage(name, sum(s.k for s in found), models[-1].k, len(rows), why, chapter))
        done += len(rows)
    return _joined(X, stages, tuple(found), models, resamples, feature, asked)


def _sought(
    X: Floats, least: int, progress: Progress | None, asked: Mapping[str, Any]
) -> tuple[Segmentation | None, str]:
    """What the protocol finds among the rows of one stage, and why the stage stays one segment (empty: it does not)."""
    if len(X) < max(2 * least, Limits().least_rows):
        return None, f"{count_of(len(X), 'customer')} are too few for two segments of {least:,}"
    try:
        own = discover(X, progress=progress, **asked)
    except InputError as error:
        return None, str(error)
    return own, own.reasons[0] if own.verdict == NONE else ""


def _whole(X: Floats) -> Fitted:
    """A stage that stays one segment, as a model."""
    X = X[canonical_order(X)[0]]  # sums do not depend on the order of the rows then
    middle = X.mean(axis=0)[None]
    return KMEANS.restore({"centroids": middle, "inertia": np.array(float(((X - middle) ** 2).sum()))})


def _joined(
    X: Floats, of: NDArray[Any], stages: tuple[Stage, ...], models: Sequence[Fitted],
    resamples: Sequence[tuple[tuple[Fitted, Labels], ...]], feature: str, asked: Mapping[str, Any],
) -> Segmentation:  # fmt: skip
    """One segmentation of all rows; the evidence stays with the stages."""
    labels, sure, membership, moved = _placed(len(X), of, stages)
    divided = [(stage, stage.divided) for stage in stages if stage.divided is not None]
    algorithm = " and ".join(sorted({own.algorithm for _, own in divided})) or KMEANS.name
    bounds = [own.unusual_distance if (own := stage.divided) is not None else None for stage in stages]
    model = ByStage(
        tuple(models), np.array([np.inf if bound is None else bound for bound in bounds]), labels, algorithm
    )
    return Segmentation(
        algorithm=algorithm,
        k=model.k,
        k_silhouette=sum(own.k_silhouette if (own := stage.divided) else 1 for stage in stages),
        verdict=min((own.verdict for _, own in divided), key=WEAKEST_FIRST.index, default=NONE),
        reasons=tuple(_said(stage) for stage in stages),
        labels=labels,
        model=model,
        candidates=(_candidate(stages, labels, model),),
        confidence=sure,
        membership=membership,
        stability=tuple(estimate for stage in stages for estimate in _stability(stage)),
        min_size=int(asked["min_size"]),
        seed=int(asked["seed"]),
        protocol=str(asked["protocol"]),
        k_fixed=False,
        sensitivity=tuple(
            {**row, "choice": f"{stage.name}: {row['choice']}"} for stage, own in divided for row in own.sensitivity
        ),
        resampled=_resampled(stages, models, resamples),
        notices=tuple(
            replace(notice, text=f"{stage.title}: {notice.text}") for stage, own in divided for notice in own.notices
        ),
        depends_on_preparation=any(own.depends_on_preparation for _, own in divided),
        unusual=int((labels == APART).sum()),
        moved=moved,
        stages=stages,
        stage_feature=feature,
    )


def _placed(
    n: int, of: NDArray[Any], stages: Sequence[Stage]
) -> tuple[Labels, Floats, Floats, NDArray[np.int8]]:  # fmt: skip
    """Labels, confidence and membership of all rows, and whom each choice moves; one whole stage is sure."""
    labels = np.full(n, APART, dtype=np.int32)
    sure, membership = np.ones(n), np.ones(n)
    moved: list[NDArray[np.int8]] = []
    for stage in stages:
        rows, own = np.flatnonzero(of == stage.name), stage.divided
        if own is None:
            labels[rows] = stage.first
            continue
        labels[rows] = np.where(own.labels == APART, APART, own.labels + stage.first)
        sure[rows], membership[rows] = own.confidence, own.membership
        for row in own.moved if own.moved is not None else ():
            moved.append(np.full(n, NOT_LOOKED_AT, dtype=np.int8))
            moved[-1][rows] = row
    return labels, sure, membership, np.array(moved, dtype=np.int8).reshape(len(moved), n)


def _said(stage: Stage) -> str:
    """The outcome of one stage as a sentence: how many segments, the verdict and its first reason."""
    head = f"{stage.title} ({count_of(stage.customers, 'customer')})"
    own = stage.divided
    if own is None:
        return f"{head} stays one segment: {stage.why[:1].lower()}{stage.why[1:].rstrip('.')}."
    return f"{head}: {stage.k} segments, {own.verdict}. {own.reasons[0]}"


def _stability(stage: Stage) -> tuple[Estimate, ...]:
    """Of the segments of a stage; one that is a whole stage comes back in every resample, because a rule makes it."""
    if stage.divided is not None:
        return stage.divided.stability
    return (Estimate(1.0, 1.0, 1.0, "share", stage.customers, "by rule"),)


def _candidate(stages: Sequence[Stage], labels: Labels, model: ByStage) -> Candidate:
    """What stands for all stages together: sizes and stability; silhouettes are means over divided stages."""
    divided = [(own.chosen, stage.customers) for stage in stages if (own := stage.divided) is not None]
    everyone = max(1, sum(customers for _, customers in divided))
    return Candidate(
        model.algorithm,
        model.k,
        silhouette=sum(c.silhouette * customers for c, customers in divided) / everyone,
        silhouette_error=max((c.silhouette_error for c, _ in divided), default=0.0),
        silhouette_squared=sum(c.silhouette_squared * customers for c, customers in divided) / everyone,
        sizes=tuple(int(size) for size in np.bincount(labels[labels != APART], minlength=model.k)),
        inertia=model.inertia,
        jaccard=tuple(estimate.value for stage in stages for estimate in _stability(stage)),
    )


def _resampled(
    stages: Sequence[Stage], models: Sequence[Fitted], resamples: Sequence[tuple[tuple[Fitted, Labels], ...]]
) -> tuple[tuple[Fitted, Labels], ...]:
    """The b-th resamples of all stages as one model, with the map from its labels to ours."""
    one = np.zeros(1, dtype=np.int32)
    everywhere = np.full(len(stages), np.inf)
    found: list[tuple[Fitted, Labels]] = []
    for b in range(min((len(own) for own in resamples if own), default=0)):
        drawn = [own[b] if own else (model, one) for own, model in zip(resamples, models, strict=True)]
        partners = [(stage.first, partner) for stage, (_, partner) in zip(stages, drawn, strict=True)]
        to_ours = [np.where(partner < 0, APART, partner + first) for first, partner in partners]
        joined = ByStage(tuple(model for model, _ in drawn), everywhere, np.empty(0, dtype=np.int32))
        found.append((joined, np.concatenate(to_ours).astype(np.int32)))
    return tuple(found)
