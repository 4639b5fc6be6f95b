"""The choices ledger: how many customers move when a family of features is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from personas.errors import InputError
from personas.segmentation.agreement import adjusted_rand, contingency, matched_share
from personas.segmentation.algorithms.kmeans import REFIT_STARTS
from personas.segmentation.records import Algorithm, Fitted, Floats
from personas.segmentation.streams import Step, stream


def without_each_family(
    X: Floats, reference: Fitted, algorithm: Algorithm, families: Sequence[str], seed: int
) -> tuple[Mapping[str, object], ...]:
    """One row per family: the refit without its columns against the reference, ``{"choice", "ari",
    "customers_moved_share"}``; moved are customers outside the best one-to-one matching of the segments."""
    names = np.asarray(families)
    if names.shape != (X.shape[1],):
        raise InputError(f"families names {names.size} columns where X has {X.shape[1]}; give one family per column")
    unique = list(dict.fromkeys(families))
    rows: list[Mapping[str, object]] = []
    for i, family in enumerate(sorted(unique) if len(unique) > 1 else []):
        kept = np.ascontiguousarray(X[:, names != family])
        if len(np.unique(kept, axis=0)) < reference.k:
            continue
        refit = algorithm.fit(kept, reference.k, stream(seed, Step.SENSITIVITY, reference.k, i), REFIT_STARTS)
        table = contingency(reference.labels, refit.labels, reference.k, reference.k)
        rows.append(
            {
                "choice": f"without the family {family}",
                "ari": adjusted_rand(table),
                "customers_moved_share": 1.0 - matched_share(table),
            }
        )
    return tuple(rows)
