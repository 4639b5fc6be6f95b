"""What a segmentation is: evidence, verdict and model, as frozen records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate, Notice

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Labels = NDArray[np.int32]
Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""


class Fitted(Protocol):
    """A fitted model of one k. All arrays are plain numpy, so that a study can be saved without pickle."""

    @property
    def algorithm(self) -> str:
        """Name of the algorithm in the registry."""
        ...

    @property
    def k(self) -> int:
        """Number of segments."""
        ...

    @property
    def labels(self) -> Labels:
        """Of the rows it was fitted on; empty when the model was restored from a saved study."""
        ...

    @property
    def centroids(self) -> Floats:
        """(k, d), in lexicographic order of their coordinates."""
        ...

    @property
    def inertia(self) -> float:
        """Sum of squared distances to the own centroid."""
        ...

    def predict(self, X: Floats) -> Labels:
        """(n,) segment of each row."""
        ...

    def membership(self, X: Floats) -> Floats:
        """(n, k): how much each row belongs to each segment; rows add up to 1."""
        ...

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What ``restore`` of the algorithm needs, by name."""
        ...


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A clustering method as a record: how to fit it and how to bring a saved model back."""

    name: str
    label: str
    fit: Callable[[Floats, int, np.random.SeedSequence, int], Fitted]
    """(X, k, random stream, number of starts) -> model."""
    restore: Callable[[Mapping[str, NDArray[np.generic]]], Fitted]
    suits: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index of how good a partition is, shown beside others and never summed up with them.

    ``score(X, fitted)`` gives a float or None where it is not defined for the algorithm.
    """

    name: str
    label: str
    better: str
    """``higher`` or ``lower``."""
    score: Callable[[Floats, Fitted], float | None]
    reading: str
    source: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One (algorithm, k) with everything known about it; None is unknown."""

    algorithm: str
    k: int
    silhouette: float
    silhouette_error: float
    """Half width of the 95% interval; 0 when the silhouette is exact."""
    silhouette_squared: float
    sizes: tuple[int, ...]
    inertia: float
    calinski_harabasz: float | None = None
    davies_bouldin: float | None = None
    bic: float | None = None
    icl: float | None = None
    null_mean: float | None = None
    null_low: float | None = None
    null_high: float | None = None
    excess: float | None = None
    ari_median: float | None = None
    ari_quartiles: tuple[float, float] | None = None
    ari_values: tuple[float, ...] = ()
    jaccard: tuple[float, ...] = ()
    """Per segment, mean over resamples."""
    jaccard_quartiles: tuple[tuple[float, float], ...] = ()
    segment_silhouettes: tuple[float, ...] = ()
    segment_silhouette_errors: tuple[float, ...] = ()
    """Half widths of their 95% intervals; 0 when exact."""
    optimum_share: float | None = None
    """Share of starts that end within 1e-4 of the best inertia."""
    borders_tested: int | None = None
    borders_gap: int | None = None
    silhouette_macro: float | None = None
    """Mean of the segment means: every segment counts the same, however small."""
    silhouette_macro_error: float = 0.0
    """Half width of its 95% interval; 0 when exact."""
    agreement: float | None = None
    """Median share of customers that two resamples put together alike, segments matched one to one."""
    other_indices: tuple[tuple[str, float | None], ...] = ()
    """Indices that other packages registered, by name."""
    silhouette_se: float | None = None
    """Standard error of the silhouette over half-samples; of the quick protocol only for the k that sets the mark."""
    borders_untested: int | None = None
    """Borders with too few customers, or at a change of level: they never count as gaps."""
    natural_groups: int | None = None
    """Groups that remain when every border that is no gap is opened."""
    shape_suited: bool | None = None
    """False when groups that hang together are cut across; looked at only where all else speaks for natural."""
    gap: float | None = None
    """Gap statistic, and its error in the sense of its rule."""
    gap_error: float | None = None
    prediction_strength: float | None = None
    mixture_bic: float | None = None
    """BIC and ICL (entropy) of a Gaussian mixture of k components on at most 2,000 rows; smaller is better."""
    mixture_icl: float | None = None
    mixture_ari: float | None = None
    """Agreement (ARI) of that mixture with the segments of this k."""

    @property
    def smallest_share(self) -> float:
        """Share of customers in the smallest segment."""
        return min(self.sizes) / sum(self.sizes)

    @property
    def jaccard_min(self) -> float | None:
        """Mean Jaccard of the least stable segment; None before resampling."""
        return min(self.jaccard) if self.jaccard else None


@dataclass(frozen=True, slots=True)
class Border:
    """The border of two neighbouring segments ``first`` < ``second``.

    ``kind`` is ``gap`` (a valley), ``gradient`` (a cut through a continuum), ``untested`` (fewer than 60 customers) or
    ``categorical`` (most of the way between them is a change of level). ``null_dip`` is the dip that 95% of the borders
    in structureless data stay below; ``p_holm`` is the p-value adjusted for all tested borders of this k. ``customers``
    are those of both segments among at most 2,000.
    """

    first: int
    second: int
    kind: str
    customers: int
    dip: float | None = None
    p_value: float | None = None
    null_dip: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The answer and the evidence for it.

    ``labels`` (n,) 0..k-1, and -1 for customers who are set aside as unusual; ``confidence`` (n,) share of resamples in
    which the row falls into its own segment, ``membership`` (n,) how far the model puts the row into its segment; both
    are 0 for those set aside.
    """

    algorithm: str
    k: int
    k_silhouette: int
    verdict: str
    """natural, reproducible, constructive or none."""
    reasons: tuple[str, ...]
    labels: Labels
    model: Fitted
    candidates: tuple[Candidate, ...]
    confidence: Floats
    membership: Floats
    stability: tuple[Estimate, ...]
    """Bootstrap Jaccard per segment."""
    min_size: int
    seed: int
    protocol: str
    k_fixed: bool
    gate: Mapping[str, object] | None = None
    lineage: tuple[Mapping[str, object], ...] = ()
    sensitivity: tuple[Mapping[str, object], ...] = ()
    resampled: tuple[tuple[Fitted, Labels], ...] = ()
    """Models of the resamples at the chosen k, each with the map from its labels to ours (-1: no counterpart)."""
    map_points: Floats | None = None
    """(m, 2) picture coordinates of the rows ``map_rows``; for pictures only, never for distances."""
    map_rows: NDArray[np.int64] | None = None
    map_kind: str = "none"
    notices: tuple[Notice, ...] = ()
    borders: tuple[Border, ...] = ()
    """Every pair of neighbouring segments at the chosen k; empty when borders were not tested."""
    natural_groups: int | None = None
    """Groups with gaps between them at the chosen k."""
    partly_natural: bool = False
    """The verdict is reproducible, and some of the borders are gaps that split the segments into groups."""
    k_advised: int | None = None
    """The k that would have been chosen, when another one was fixed."""
    shape_banner: bool = False
    """Natural was withheld, because groups that hang together are cut across."""
    depends_on_preparation: bool = False
    """The verdict was lowered one step, because other preparations give other segments."""
    verdict_as_prepared: str = ""
    """The verdict before that step; the same one when it was not lowered."""
    labelings: NDArray[np.int8] | None = None
    """(number of candidates of the algorithm that was taken, n) labels at each k, ascending; -1 for those set aside."""
    own_k: Mapping[str, int] = field(default_factory=dict)
    """The k that each index would take by its own rule; shown, never voted."""
    guard: str = ""
    """Why the k with the highest silhouette was not taken; empty when it was."""
    separation: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()
    """Per segment the customers by similarity to its centroid in twenty steps of 0 to 1: members, then all others."""
    unusual: int = 0
    """Customers who are set aside, because they lie far from every segment (label -1)."""
    unusual_distance: float | None = None
    """From this distance to the nearest centroid on a customer belongs to no segment; None: everybody is assigned."""
    moved: NDArray[np.int8] | None = None
    """(choices of ``sensitivity``, n) 1 for customers whom the choice moves, 0 stay, -1 were not looked at."""
    stages: tuple[Stage, ...] = ()
    """The stages inside which segments were sought, in the order of their segments; empty: among all customers. With
    stages the evidence is theirs, and what stands here is of all together: the weakest verdict, mean silhouettes."""
    stage_feature: str = ""
    """The feature that says the stage."""

    def stage_of(self, segment: int) -> Stage | None:
        """The stage that a segment lies in; None where segments were sought among all customers."""
        return next((stage for stage in self.stages if stage.first <= segment < stage.first + stage.k), None)

    @property
    def chosen(self) -> Candidate:
        """The candidate that was chosen."""
        return next(c for c in self.candidates if (c.algorithm, c.k) == (self.algorithm, self.k))

    @property
    def k_table(self) -> pd.DataFrame:
        """One row per algorithm and k, for people and spreadsheets; of every stage where there are stages."""
        from personas.segmentation.table import k_table, k_table_of_stages

        return k_table_of_stages(self.stages) if self.stages else k_table(self.candidates)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its segments are ``first`` to ``first + k - 1``."""

    name: str
    first: int
    k: int
    customers: int
    why: str = ""
    """Why it stays one segment; empty when it has segments of its own."""
    found: Segmentation | None = None
    """The protocol on its customers, segments from 0 on and without resampled models; None when it was not run."""

    @property
    def divided(self) -> Segmentation | None:
        """``found``, where the stage has segments of its own."""
        return None if self.why else self.found

    @property
    def title(self) -> str:
        """The name as a heading begins."""
        return f"{self.name[:1].upper()}{self.name[1:]}"
