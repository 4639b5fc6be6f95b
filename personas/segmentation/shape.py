"""Whether k-means cuts across groups that hang together: moons, rings, spirals (method.md 7.1)."""

from __future__ import annotations

import numpy as np

from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.records import Floats, Labels

NEIGHBOUR = 5
STRAY_SHARE, LEAST_SHARE, DIFFERENT = 0.05, 0.02, 0.5
TORN = 0.8
"""Segments put together must agree better with fewer groups than k: these hang together and lie apart."""


def shape_suited(Z: Floats, labels: Labels, k: int) -> bool:
    """False when single linkage finds groups of some size that are not the segments, nor put together from them.

    Parameters
    ----------
    Z : (n', d), a few thousand rows at most: all distances are computed.
    labels : (n',) segments of the rows.

    The 5% of rows with the largest distance to their fifth neighbour are left out, because stray rows make bridges.
    method.md looks at k groups alone; two linked rings cut into six segments pass that. Of fewer groups than segments
    each segment is counted to the group that most of its rows belong to.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial import cKDTree

    far = cKDTree(Z).query(Z, k=min(NEIGHBOUR + 1, len(Z)))[0][:, -1]
    kept = np.sort(np.argsort(far, kind="stable")[: len(Z) - int(STRAY_SHARE * len(Z))])
    tree, own = linkage(Z[kept], method="single"), labels[kept]
    for m in range(2, k + 1):
        groups = np.asarray(fcluster(tree, m, criterion="maxclust"), dtype=np.int32) - 1
        if np.bincount(groups, minlength=m).min() < LEAST_SHARE * len(Z):
            return True  # and so would be the parts of it
        table = contingency(own, groups, k, m)
        if m < k:
            table = contingency(table.argmax(axis=1).astype(np.int32)[own], groups, m, m)
        if adjusted_rand(table) < (DIFFERENT if m == k else TORN):
            return False
    return True
