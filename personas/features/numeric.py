"""One numeric feature as one column: transform, fill, clip, centre and scale (method.md 2.1, 2.2, 2.4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.config import FeaturesConfig
from personas.features.coding import ColumnCoding
from personas.features.feature import Feature
from personas.features.transforms import choose, forward

Floats = NDArray[np.float64]
TAILS = (0.005, 0.995)
QUARTILE_RANGE_OF_A_NORMAL = 1.349


def numeric_column(feature: Feature, values: Floats, wanted: FeaturesConfig) -> ColumnCoding | None:
    """The recipe of one column from (n,) raw values, or None when nothing varies after clipping.

    All parameters come from the known values. The centre is the mean of the coded column including filled values:
    distances do not depend on it, and family weights are defined on centred columns.
    """
    known = values[~np.isnan(values)]
    transform, divisor = choose(known, feature.shape) if wanted.transform == "auto" else ("none", 1.0)
    coded = forward(known, transform, divisor)
    low, high = np.quantile(coded, TAILS)
    clipped = np.clip(coded, low, high) if wanted.winsorize else coded
    scale = spread(clipped, wanted.scale, float(high - low))
    if scale <= 0:
        return None
    fill = float(np.median(known))
    filled = forward(np.where(np.isnan(values), fill, values), transform, divisor)
    clip = (float(low), float(high)) if wanted.winsorize else (-np.inf, np.inf)
    return ColumnCoding(
        feature.name, feature.name, feature.family, transform, divisor, fill, clip[0], clip[1],
        float(np.mean(np.clip(filled, *clip))), scale,
    )  # fmt: skip


def spread(values: Floats, scale: str, quantile_range: float) -> float:
    """What one unit of the column is: a robust standard deviation, the standard deviation, or the quantile range.

    The quartile range says nothing of a column that is mostly zero; then the standard deviation takes its place.
    """
    deviation = float(np.std(values))
    if deviation <= 1e-12 * max(1.0, float(np.max(np.abs(values), initial=0.0))):
        return 0.0
    if scale == "range" and quantile_range > 0:
        return quantile_range
    if scale == "robust":
        low, high = np.quantile(values, (0.25, 0.75))
        robust = float(high - low) / QUARTILE_RANGE_OF_A_NORMAL
        return robust if robust > 0 and robust >= 0.5 * deviation else deviation
    return deviation
