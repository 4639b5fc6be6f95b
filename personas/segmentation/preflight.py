"""What is refused before anything is fitted, and which k may be tried: a reason instead of a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from personas.errors import ConfigError, InputError, count_of
from personas.segmentation.records import Floats

if TYPE_CHECKING:
    import pandas as pd

LARGEST_VALUE = 1e100
HIGHEST_K = 60
CHUNK = 65_536
DEFAULT_RANGE = (2, 10)


@dataclass(frozen=True, slots=True)
class Limits:
    """How little data is too little: least rows, and distinct rows that one segment needs."""

    least_rows: int = 50
    distinct_per_segment: int = 10


@dataclass(frozen=True, slots=True)
class Grid:
    """Which k are tried. ``largest`` is the most segments these data carry; ``ks`` is empty when that is below 2."""

    ks: tuple[int, ...]
    largest: int
    fixed: bool
    min_size: int
    asked: int | None = None
    """The number that was fixed, when ``ks`` holds others beside it."""


def check_matrix(X: Floats | pd.DataFrame | Sequence[Sequence[float]], least_rows: int) -> Floats:
    """X as (n, d) float64 in C order, or an InputError that names what is wrong and where."""
    return np.ascontiguousarray(check_rows(X, least_rows), dtype=np.float64)


def check_rows(
    X: NDArray[np.floating] | pd.DataFrame | Sequence[Sequence[float]], least_rows: int
) -> NDArray[np.floating]:
    """As ``check_matrix``, but a matrix of float32 stays as it is."""
    names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    values = _numbers(X, names)
    if values.ndim != 2:
        raise InputError(f"X has {count_of(values.ndim, 'dimension')}; give a table with a row per customer")
    n, d = values.shape
    if n == 0 or d == 0:
        raise InputError(f"X has shape ({n}, {d}); give at least one row and one column")
    if n < least_rows:
        raise InputError(f"{count_of(n, 'customer')} are too few to segment; at least {least_rows} are needed")
    parts = [values[first : first + CHUNK] for first in range(0, n, CHUNK)]
    # Not Python's own max: after a number it passes over what is missing.
    largest = float(np.max([(part.max(), -part.min()) for part in parts]))
    if not np.isfinite(largest):
        bad = ~np.isfinite(values)
        where = [_name(names, int(j)) for j in np.flatnonzero(bad.any(axis=0))[:10]]
        raise InputError(
            f"X has {count_of(int(bad.sum()), 'missing or infinite value')}, in {', '.join(where)}; "
            "fill or remove them first (personas.run does that for you)"
        )
    if largest > LARGEST_VALUE:
        raise InputError(f"X has values beyond {LARGEST_VALUE:g}; scale the columns first")
    if 0 < largest < 1 / LARGEST_VALUE:  # their squares would be zero
        raise InputError(f"X has no value beyond {1 / LARGEST_VALUE:g}; scale the columns first")
    if n > 1 and all((part == values[0]).all() for part in parts):
        raise InputError("the customers are all alike: every row of X is the same, so there is nothing to segment")
    return values


def _numbers(X: Any, names: list[str] | None) -> NDArray[np.floating]:
    if names is not None:
        wrong = [name for name, kind in zip(names, X.dtypes, strict=True) if getattr(kind, "kind", "O") not in "biuf"]
        if wrong:
            raise InputError(f"columns of X are not numbers: {', '.join(wrong[:10])}; code them as numbers first")
        narrow = all(kind == np.float32 for kind in X.dtypes)
        return np.ascontiguousarray(X.to_numpy(dtype=np.float32 if narrow else np.float64, na_value=np.nan))
    try:
        found = np.asarray(X)
        if found.dtype.kind == "c":
            raise InputError("X holds complex numbers; give real ones")
        return np.ascontiguousarray(found, dtype=found.dtype if found.dtype == np.float32 else np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"X cannot be read as a table of numbers ({error})") from error


def _name(names: list[str] | None, j: int) -> str:
    return f"column '{names[j]}'" if names else f"column {j}"


def default_min_size(n: int) -> int:
    """The smallest segment that is worth a programme: 50 customers, or 2% of them if that is more.

    >>> default_min_size(1000), default_min_size(10_000)
    (50, 200)
    """
    return max(50, -(-2 * n // 100))


def plan(n: int, distinct: int, k: int | tuple[int, int], min_size: int | None, limits: Limits) -> Grid:
    """Which k to try. A fixed k that the data do not carry is an InputError that names the largest possible one."""
    low, high = k_range(k)
    fixed = low == high
    least = default_min_size(n) if min_size is None else min_size
    if least < 1:
        raise ConfigError(f"min_size is {least}; write 1 or more")
    largest = min(distinct // limits.distinct_per_segment, n // least, n - 1)
    if low > largest and (fixed or low > 2):
        raise InputError(
            f"{low} segments are more than these {count_of(n, 'customer')} carry: the largest possible number is "
            f"{max(largest, 1)} ({count_of(distinct, 'different row')}, "
            f"at least {count_of(least, 'customer')} a segment). Ask for fewer segments, or lower min_size"
        )
    return Grid(tuple(range(low, min(high, largest) + 1)), largest, fixed, least)


def default_range(grid: Grid) -> range:
    """The k that are looked at beside a fixed one, as far as the data carry them."""
    return range(DEFAULT_RANGE[0], min(DEFAULT_RANGE[1], grid.largest) + 1)


def k_range(k: int | tuple[int, int]) -> tuple[int, int]:
    """Lowest and highest k of a request; a ConfigError says what is wrong with it."""
    ends = (k, k) if isinstance(k, int | np.integer) else tuple(k)
    if len(ends) != 2 or not all(isinstance(end, int | np.integer) for end in ends):
        raise ConfigError(f"k is {k!r}; write one whole number, or the lowest and the highest: k=(2, 10)")
    low, high = int(ends[0]), int(ends[1])
    if low > high:
        raise ConfigError(f"k from {low} to {high} is empty. Write the smaller number first: k=({high}, {low})")
    if low < 2:
        raise ConfigError(f"k is {low}. A segmentation has at least 2 segments")
    if high > HIGHEST_K:
        raise ConfigError(f"k is {high}. At most {HIGHEST_K} segments are tried")
    return low, high
