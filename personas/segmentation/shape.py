"""Whether k-means cuts across groups that hang together: moons, rings, spirals (method.md 7.1)."""

from __future__ import annotations

import numpy as np

from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.records import Floats, Labels

NEIGHBOUR = 5
STRAY_SHARE, LEAST_SHARE, DIFFERENT = 0.05, 0.02, 0.5


def shape_suited(Z: Floats, labels: Labels, k: int) -> bool:
    """False when single linkage finds k groups of some size that are not the segments.

    Parameters
    ----------
    Z : (n', d), a few thousand rows at most: all distances are computed.
    labels : (n',) segments of the rows.

    The 5% of rows with the largest distance to their fifth neighbour are left out, because stray rows make bridges.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial import cKDTree

    far = cKDTree(Z).query(Z, k=min(NEIGHBOUR + 1, len(Z)))[0][:, -1]
    kept = np.sort(np.argsort(far, kind="stable")[: len(Z) - int(STRAY_SHARE * len(Z))])
    groups = np.asarray(fcluster(linkage(Z[kept], method="single"), k, criterion="maxclust"), dtype=np.int32) - 1
    sizes = np.bincount(groups, minlength=k)
    if sizes.min() < LEAST_SHARE * len(Z):
        return True
    return adjusted_rand(contingency(labels[kept], groups, k, k)) >= DIFFERENT
