"""Every k of one algorithm, fitted once and scored: the fast path without resampling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.algorithms.kmeans import FEW_ROWS, fit_many, fit_prepared, prepare
from personas.segmentation.indices import INDICES
from personas.segmentation.indices.squared_silhouette import mean_squared_silhouettes
from personas.segmentation.ordered import Rows, in_canonical_order
from personas.segmentation.preflight import Limits, check_rows, plan
from personas.segmentation.records import Algorithm, Candidate, Fitted, Floats, Labels, Progress
from personas.segmentation.refinement import sizes_of
from personas.segmentation.silhouette import Silhouette, silhouettes
from personas.segmentation.streams import Step, stream
from personas.segmentation.threads import single_thread, spread

if TYPE_CHECKING:
    import pandas as pd

STARTS = 20
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Trial:
    """One k: the fitted model, its silhouettes and its row of the table."""

    fitted: Fitted
    silhouette: Silhouette
    candidate: Candidate


def fit_all(
    X: Rows, ks: Iterable[int], algorithm: Algorithm, seed: int, starts: int, progress: Progress | None = None,
    *, quick: bool = False,
) -> dict[int, Fitted]:  # fmt: skip
    """The reference model of each k, ascending; for ``quick`` see ``kmeans.fit_prepared``."""
    wanted = sorted(ks)
    if not wanted:
        return {}
    shared = prepare(X) if algorithm.name == "kmeans" else None
    if shared is not None and len(shared.rows) > FEW_ROWS:
        if progress:
            progress(f"{algorithm.label}, {wanted[0]} to {wanted[-1]} segments", 0.0)
        many = fit_many(shared, {k: stream(seed, Step.REFERENCE_FIT, k) for k in wanted}, starts, quick=quick)
        return {k: many[k] for k in wanted}

    def fit(k: int) -> Fitted:
        own = stream(seed, Step.REFERENCE_FIT, k)
        if shared is None:
            return algorithm.fit(X[:], k, own, starts)
        return fit_prepared(shared, k, own, starts, quick=quick)

    models: dict[int, Fitted] = {}
    # The largest k takes longest: it goes first, so that no thread waits for it at the end.
    for i, model in enumerate(spread(fit, reversed(wanted))):
        models[model.k] = model
        if progress:
            progress(f"{algorithm.label}, {model.k} segments", (i + 1) / len(wanted))
    return {k: models[k] for k in wanted}


def score_all(
    X: Rows, models: Mapping[int, Fitted], seed: int, *, indices: bool = True, progress: Progress | None = None
) -> dict[int, Trial]:
    """Silhouettes of all models in one pass over the distances, and the other indices when ``indices``."""
    if not models:
        return {}
    labelings = [model.labels for model in models.values()]
    scores = silhouettes(X, labelings, seed, progress)
    squared = mean_squared_silhouettes(X, labelings)
    found = spread(lambda of: _candidate(X, *of, indices), zip(models.values(), scores, squared, strict=True))
    return {
        k: Trial(model, score, candidate)
        for (k, model), score, candidate in zip(models.items(), scores, found, strict=True)
    }


def _candidate(X: Rows, model: Fitted, score: Silhouette, squared: float, indices: bool) -> Candidate:
    known = {field.name for field in fields(Candidate)}
    done = {"silhouette", "silhouette_squared"}
    values = {index.name: index.score(X[:], model) for index in INDICES if index.name not in done} if indices else {}
    return Candidate(
        algorithm=model.algorithm,
        k=model.k,
        silhouette=score.mean,
        silhouette_error=score.error,
        silhouette_squared=squared,
        sizes=tuple(sizes_of(model.labels, model.k).tolist()),
        inertia=model.inertia,
        calinski_harabasz=values.get("calinski_harabasz"),
        davies_bouldin=values.get("davies_bouldin"),
        bic=values.get("bic"),
        icl=values.get("icl"),
        segment_silhouettes=score.segments,
        segment_silhouette_errors=score.segment_errors,
        optimum_share=getattr(model, "optimum_share", None),
        silhouette_macro=score.macro,
        silhouette_macro_error=score.macro_error,
        other_indices=tuple((name, value) for name, value in values.items() if name not in known),
    )


def scan(
    X: Floats | pd.DataFrame, *, k: int | tuple[int, int] = (2, 12), algorithm: str = "kmeans", seed: int = 0
) -> pd.DataFrame:
    """One row per k with inertia and silhouettes; ``attrs["labels"][k]`` holds the labels (n,).

    Fits and silhouettes only, no resampling: it says which k separates best, not whether the segments return.

    Parameters
    ----------
    X : (n, d) array or DataFrame
        Finite numbers, already scaled; at least 50 rows. Row order does not change the result.
    k : int or (lowest, highest)
        Clipped to what the data carry: ten different rows and max(50, 2%) customers a segment.
    algorithm : str
        A name of ``personas plugins algorithms``.

    Returns
    -------
    DataFrame
        k, inertia, silhouette, silhouette_error, silhouette_squared, smallest_share. Exact up to 20,000 rows; beyond,
        the silhouette is sampled and ``silhouette_error`` is the half width of its 95% interval.

    >>> import numpy as np
    >>> two = np.concatenate([np.zeros((100, 1)), np.full((100, 1), 9.0)]) + np.linspace(0, 1, 200)[:, None]
    >>> table = scan(two, k=(2, 3))
    >>> int(table["k"][table["silhouette"].idxmax()]), table.attrs["labels"][2][:2].tolist()
    (2, [0, 0])
    """
    import pandas as pd

    limits = Limits()
    ordered = in_canonical_order(check_rows(X, limits.least_rows))
    grid = plan(len(ordered), ordered.distinct, k, None, limits)
    # Other algorithms want all rows at once: one copy serves every k.
    rows = ordered if algorithm == "kmeans" and len(ordered) > FEW_ROWS else ordered[:]
    with single_thread():
        models = fit_all(rows, grid.ks, ALGORITHMS.get(algorithm), seed, STARTS, quick=True)
        trials = score_all(rows, models, seed, indices=False)
    columns = ("k", "inertia", "silhouette", "silhouette_error", "silhouette_squared", "smallest_share")
    table = pd.DataFrame([[getattr(t.candidate, c) for c in columns] for t in trials.values()], columns=list(columns))
    table.attrs["labels"] = {k: as_given(t.fitted.labels, ordered.order).astype(np.int32) for k, t in trials.items()}
    return table


def as_given(values: NDArray[Value], order: NDArray[np.int64]) -> NDArray[Value]:
    """Values of rows in canonical order, back in the caller's order."""
    back = np.empty_like(values)
    back[order] = values
    return back


def model_as_given(fitted: Fitted, algorithm: Algorithm, labels: Labels) -> Fitted:
    """The same model with its labels in the caller's row order; empty labels for a plug-in that is no dataclass."""
    if is_dataclass(fitted) and not isinstance(fitted, type):
        model: Fitted = replace(fitted, labels=labels)
        return model
    return algorithm.restore(fitted.arrays())
