"""The table of candidates for a spreadsheet."""

from __future__ import annotations

import csv
import io

from personas.study import Study

COLUMNS = (
    "algorithm", "k", "silhouette", "silhouette_error", "silhouette_squared", "calinski_harabasz", "davies_bouldin",
    "inertia", "bic", "icl", "null_mean", "excess", "ari_median", "jaccard_min", "smallest_share", "borders_tested",
    "borders_gap",
)  # fmt: skip
"""The columns of ``k_table.csv`` and the keys of a candidate in ``segmentation.json``."""


def render_csv(study: Study) -> dict[str, str]:
    """``k_table.csv``: one row per algorithm and k, full precision, an empty cell where a figure is unknown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for candidate in study.segmentation.candidates:
        values = [getattr(candidate, name) for name in COLUMNS]
        writer.writerow(
            ["" if value is None else repr(value) if isinstance(value, float) else value for value in values]
        )
    return {"k_table.csv": out.getvalue()}
