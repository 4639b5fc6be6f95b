"""The table of candidates for a spreadsheet."""

from __future__ import annotations

import csv
import io

from personas.segmentation.records import Candidate
from personas.study import Study

COLUMNS = (
    "algorithm", "k", "silhouette", "silhouette_error", "silhouette_squared", "calinski_harabasz", "davies_bouldin",
    "inertia", "bic", "icl", "null_mean", "excess", "ari_median", "jaccard_min", "smallest_share", "borders_tested",
    "borders_gap",
)  # fmt: skip
"""The columns of ``k_table.csv`` and the keys of a candidate in ``segmentation.json``."""


def render_csv(study: Study) -> dict[str, str]:
    """``k_table.csv``: one row per algorithm and k, full precision, an empty cell where a figure is unknown.

    Where segments were sought inside stages, one per stage, algorithm and k, with the stage in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    stages = study.segmentation.stages
    writer.writerow(("stage", *COLUMNS) if stages else COLUMNS)
    for candidate in () if stages else study.segmentation.candidates:
        writer.writerow(_cells(candidate))
    for stage in stages:
        for candidate in stage.found.candidates if stage.found else ():
            writer.writerow((stage.name, *_cells(candidate)))
    return {"k_table.csv": out.getvalue()}


def _cells(candidate: Candidate) -> list[object]:
    values = [getattr(candidate, name) for name in COLUMNS]
    return ["" if value is None else repr(value) if isinstance(value, float) else value for value in values]
