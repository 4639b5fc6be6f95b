"""The candidates as a table for people and spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from personas.segmentation.records import Candidate, Stage

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "algorithm", "k", "silhouette", "silhouette_error", "silhouette_squared", "calinski_harabasz", "davies_bouldin",
    "inertia", "bic", "icl", "null_mean", "excess", "ari_median", "jaccard_min", "smallest_share", "borders_tested",
    "borders_gap",
)  # fmt: skip


def k_table(candidates: Sequence[Candidate]) -> pd.DataFrame:
    """One row per (algorithm, k), in the order of the candidates; what is unknown is NaN.

    Columns are those of the contract, then one per index that another package registered.
    """
    import pandas as pd

    rows = [{name: getattr(c, name) for name in COLUMNS} | dict(c.other_indices) for c in candidates]
    table = pd.DataFrame(rows, columns=[*COLUMNS, *dict.fromkeys(n for c in candidates for n, _ in c.other_indices)])
    whole = {"algorithm": "str", "k": "int64", "borders_tested": "Int64", "borders_gap": "Int64"}
    return table.astype({name: whole.get(name, "float64") for name in table.columns})


def k_table_of_stages(stages: Sequence[Stage]) -> pd.DataFrame:
    """The tables of all stages that the protocol was run on, with the name of the stage in front."""
    import pandas as pd

    tables = []
    for stage in stages:
        if stage.found is not None:
            tables.append(k_table(stage.found.candidates))
            tables[-1].insert(0, "stage", stage.name)
    return pd.concat(tables, ignore_index=True) if tables else k_table(())
