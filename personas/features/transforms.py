"""Transforms of a numeric feature: chosen by its declared shape, with the data deciding only the variant.

Source: method.md 2.1. The divisor makes the result independent of the unit; ranks and quantiles are never used, because
they flatten the gaps between segments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SKEWED = 1.0


def skewness(values: Floats) -> float:
    """The adjusted Fisher-Pearson skewness of (n,) finite values; 0 for fewer than 3 values or no spread.

    >>> round(skewness(np.array([1.0, 2.0, 9.0])), 6)
    1.630059
    """
    n = len(values)
    deviations = values - values.mean() if n else values
    variance = float(np.mean(deviations**2)) if n else 0.0
    if n < 3 or variance <= 1e-24 * max(1.0, float(np.max(np.abs(values))) ** 2):
        return 0.0
    return float(np.mean(deviations**3) / variance**1.5 * np.sqrt(n * (n - 1)) / (n - 2))


def choose(values: Floats, shape: str) -> tuple[str, float]:
    """(transform, divisor) for the known values of a feature of that shape.

    A declared count or amount with a negative value is treated as ``signed``.
    """
    skew = skewness(values)
    if shape in ("count", "amount", "signed") and values.min(initial=0) < 0:
        return ("signed_log", first_decile(np.abs(values))) if abs(skew) > SKEWED else ("none", 1.0)
    if shape == "count" and skew > SKEWED:
        return "log1p", 1.0
    if shape in ("amount", "signed") and skew > SKEWED:
        return "log_ratio", first_decile(values)
    return "none", 1.0


def first_decile(values: Floats) -> float:
    """The first decile of the values above 0; 1 when there is none."""
    positive = values[values > 0]
    return float(np.quantile(positive, 0.1)) if len(positive) else 1.0


def forward(values: Floats, transform: str, divisor: float) -> Floats:
    """The transformed values, same shape."""
    if transform == "log1p":
        return np.log1p(values)
    if transform == "log_ratio":
        return np.log1p(values / divisor)
    if transform == "signed_log":
        return np.sign(values) * np.log1p(np.abs(values) / divisor)
    return values


def inverse(values: Floats, transform: str, divisor: float) -> Floats:
    """What ``forward`` was given, to about 1e-12 relative."""
    if transform == "log1p":
        return np.expm1(values)
    if transform == "log_ratio":
        return np.expm1(values) * divisor
    if transform == "signed_log":
        return np.sign(values) * np.expm1(np.abs(values)) * divisor
    return values


def in_words(transform: str, divisor: float) -> str:
    """The transform as the feature dictionary prints it.

    >>> in_words("log_ratio", 12.5), in_words("none", 1.0)
    ('log(1 + x/12.5)', 'as it is')
    """
    divided = f"x/{divisor:.4g}"
    return {
        "log1p": "log(1 + x)",
        "log_ratio": f"log(1 + {divided})",
        "signed_log": f"sign(x) log(1 + |{divided}|)",
    }.get(transform, "as it is")
