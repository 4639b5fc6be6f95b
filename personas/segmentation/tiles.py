"""What kernels and twins share: rows in blocks of 256, feature-major inside a block, in float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROWS = 256
"""Rows of a block: 256 x 20 float32 are 20 KB and stay in the first cache."""

WORTH = 1e-4
"""An exchange of centroids lowers the inertia by at least this share, compiled or not."""

Blocks = NDArray[np.float32]
"""(b, d, 256)"""
Tiles = NDArray[np.float32]
"""(d, 256) or (b, 256)"""
Weights = NDArray[np.float32]
"""One number per row or column."""
Small = NDArray[np.int8]
"""Labels of many rows: there are never more than 60 segments."""
Places = NDArray[np.int64]
"""Numbers of rows, columns or segments."""
Bounds = NDArray[np.int64]
"""(cells + 1,) where each cell begins in rows sorted by cell, and where the last ends."""
