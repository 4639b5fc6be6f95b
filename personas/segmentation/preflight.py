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
FEW_ROWS = 20_000
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
    names = [str(name) for name in X.columns] if hasattr(X, "columns") else None
    values = _numbers(X, names)
    if values.ndim != 2:
        raise InputError(f"X has {count_of(values.ndim, 'dimension')}; give a table with a row per customer")
    n, d = values.shape
    if n == 0 or d == 0:
        raise InputError(f"X has shape ({n}, {d}); give at least one row and one column")
    if n < least_rows:
        raise InputError(f"{count_of(n, 'customer')} are too few to segment; at least {least_rows} are needed")
    largest = max(np.abs(values[first : first + CHUNK]).max() for first in range(0, n, CHUNK))
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
    if n > 1 and all((values[first : first + CHUNK] == values[0]).all() for first in range(0, n, CHUNK)):
        raise InputError("the customers are all alike: every row of X is the same, so there is nothing to segment")
    return values


def _numbers(X: Any, names: list[str] | None) -> Floats:
    if names is not None:
        wrong = [name for name, kind in zip(names, X.dtypes, strict=True) if getattr(kind, "kind", "O") not in "biuf"]
        if wrong:
            raise InputError(f"columns of X are not numbers: {', '.join(wrong[:10])}; code them as numbers first")
        return np.ascontiguousarray(X.to_numpy(dtype=np.float64, na_value=np.nan))
    try:
        found = np.asarray(X)
        if found.dtype.kind == "c":
            raise InputError("X holds complex numbers; give real ones")
        return np.ascontiguousarray(found, dtype=np.float64)
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


def canonical_order(X: Floats) -> tuple[NDArray[np.int64], int]:
    """An order of the rows that depends on their values alone, and how many of them differ; equal rows stand together.

    Work on rows in this order does not depend on the order in which the caller had them. Many rows are sorted by a
    number mixed from their values, which takes one key where sorting by value takes one per column.
    """
    if len(X) <= FEW_ROWS:
        order = np.lexsort(X.T[::-1])
    else:
        keys = _mixed(X)
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
        if not (X[order[same]] != X[order[same + 1]]).any():
            return order, len(X) - len(same)
        order = np.lexsort((*X.T[::-1], keys))  # two rows share a number by chance
    ordered = X[order]
    return order, 1 + int((ordered[1:] != ordered[:-1]).any(axis=1).sum())


def _mixed(X: Floats) -> NDArray[np.uint64]:
    """(n,) a number that depends on all values of the row (the mixing steps of SplitMix64, Steele et al. 2014)."""
    keys = np.zeros(len(X), dtype=np.uint64)
    for j in range(X.shape[1]):
        # Zero is added, because there is a negative zero.
        bits = (X[:, j].astype(np.float64) + 0.0).view(np.uint64)
        keys += bits + np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(30)
        keys *= np.uint64(0xBF58476D1CE4E5B9)
        keys ^= keys >> np.uint64(27)
        keys *= np.uint64(0x94D049BB133111EB)
        keys ^= keys >> np.uint64(31)
    return keys
