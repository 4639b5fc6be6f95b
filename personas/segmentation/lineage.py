"""The family tree k -> k+1: which segments a new segment is made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from personas.segmentation.agreement import contingency
from personas.segmentation.records import Floats, Labels


def lineage(labelings: Mapping[int, Labels]) -> tuple[Mapping[str, object], ...]:
    """One entry per segment of each k whose k-1 is also there: where its customers come from.

    ``{"k", "segment", "from": [{"segment", "share"}, ...], "stability"}``: shares of the new segment's customers,
    largest first; stability across k is 1 when it comes whole from one parent and 0 when equally from all (SLSa;
    Dolnicar and Leisch 2017).
    """
    entries: list[Mapping[str, object]] = []
    for k in sorted(labelings):
        if k - 1 not in labelings:
            continue
        table = contingency(labelings[k - 1], labelings[k], k - 1, k)
        for segment in range(k):
            total = int(table[:, segment].sum())
            shares = table[:, segment] / max(1, total)
            parents = sorted(np.flatnonzero(shares), key=lambda g: (-shares[g], g))
            entries.append(
                {
                    "k": k,
                    "segment": segment,
                    "from": [{"segment": int(g), "share": float(shares[g])} for g in parents],
                    "stability": stability_across(shares) if total else 0.0,
                }
            )
    return tuple(entries)


def stability_across(shares: Floats) -> float:
    """1 - H / log k of the shares (k,) that the k parents have in a new segment; a single parent gives 1.

    >>> stability_across(np.array([0.5, 0.5])), stability_across(np.array([0.0, 1.0]))
    (0.0, 1.0)
    """
    positive = shares[shares > 0]
    if len(positive) <= 1 or len(shares) < 2:
        return 1.0
    return float(1.0 + (positive * np.log(positive)).sum() / np.log(len(shares)))
