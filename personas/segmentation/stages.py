"""One model of several stages: which stage a customer is in says whose segments are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.records import Fitted, Floats, Labels, Segmentation
from personas.segmentation.unusual import APART, outside


@dataclass(frozen=True, slots=True)
class ByStage:
    """The models of all stages as one: stage first, then centre.

    The last column of X is the number of the stage and takes part in no distance; ``bounds`` are the distances from
    which on nobody of a stage belongs to it (infinite: everybody does). Who is in no fitted stage has label -1.
    """

    parts: tuple[Fitted, ...]
    bounds: Floats
    labels: Labels
    algorithm: str = field(default="kmeans")

    @property
    def k(self) -> int:
        """Segments of all stages."""
        return sum(model.k for model in self.parts)

    @property
    def centroids(self) -> Floats:
        """(k, d), stage after stage, without the column of the stage."""
        return np.vstack([model.centroids for model in self.parts])

    @property
    def inertia(self) -> float:
        """Sum over the stages."""
        return float(sum(model.inertia for model in self.parts))

    def _rows(self, X: Floats) -> list[tuple[int, Fitted, NDArray[np.bool_], Floats, int]]:
        """Number, model, rows, their coordinates and first segment of every stage that X has."""
        found, first = [], 0
        for number, model in enumerate(self.parts):
            own = X[:, -1] == number
            if own.any():
                found.append((number, model, own, np.ascontiguousarray(X[own, :-1]), first))
            first += model.k
        return found

    def predict(self, X: Floats) -> Labels:
        """(n,) segment counted over all stages; -1 for those beyond the bound of their stage."""
        labels = np.full(len(X), APART, dtype=np.int32)
        for number, model, own, rows, first in self._rows(X):
            found = model.predict(rows) + first
            bound = float(self.bounds[number])
            found[outside(rows, model.centroids, bound if np.isfinite(bound) else None)] = APART
            labels[own] = found
        return labels

    def membership(self, X: Floats) -> Floats:
        """(n, k): that of the own stage's model, 0 for the segments of others."""
        shares = np.zeros((len(X), self.k))
        for _, model, own, rows, first in self._rows(X):
            shares[own, first : first + model.k] = model.membership(rows)
        return shares

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Those of every stage, by its number, with their algorithms and bounds."""
        found: dict[str, NDArray[np.generic]] = {
            "stage_bounds": self.bounds, "stage_algorithms": np.array([model.algorithm for model in self.parts]),
        }  # fmt: skip
        for number, model in enumerate(self.parts):
            found |= {f"stage{number}_{name}": array for name, array in model.arrays().items()}
        return found


def restored(algorithm: str, arrays: Mapping[str, NDArray[np.generic]]) -> Fitted:
    """The model that ``arrays`` are of, of one algorithm or of several stages."""
    if "stage_algorithms" not in arrays:
        return ALGORITHMS.get(algorithm).restore(arrays)
    parts = []
    for number, name in enumerate(arrays["stage_algorithms"].tolist()):
        mark = f"stage{number}_"
        own = {key.removeprefix(mark): array for key, array in arrays.items() if key.startswith(mark)}
        parts.append(ALGORITHMS.get(str(name)).restore(own))
    bounds = np.asarray(arrays["stage_bounds"], dtype=np.float64)
    return ByStage(tuple(parts), bounds, np.empty(0, dtype=np.int32), algorithm)


def with_stage(X: Floats, raw: Mapping[str, NDArray[Any]], segmentation: Segmentation) -> Floats:
    """X as the model takes it: with the number of the stage behind where segments were sought inside stages.

    ``raw`` has the values of ``segmentation.stage_feature``; a stage that was not there at the fit is number -1.
    """
    if not segmentation.stages:
        return X
    return numbered(X, raw[segmentation.stage_feature], stage_names(segmentation))


def stage_names(segmentation: Segmentation) -> tuple[str, ...]:
    """The names of the stages in the order of their numbers; none where segments were sought among all."""
    return tuple(stage.name for stage in segmentation.stages)


def numbered(X: Floats, stages: NDArray[Any], names: Sequence[str]) -> Floats:
    """X (n, d) with a last column, the place of each row's stage among ``names``, or -1."""
    places = {name: place for place, name in enumerate(names)}
    return np.column_stack([X, [float(places.get(stage, -1)) for stage in stages]])
