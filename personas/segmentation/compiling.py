"""How kernels are compiled: once for each machine, kept in a cache folder, without threads of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """The function compiled at its first call, from the cache folder when it lies there.

    That is ``__pycache__`` beside the code, or the cache folder of the account where the code is read-only; where
    neither can be written, every process compiles anew. ``fastmath`` needs finite input: checked at the room's border.

    What a kernel calls becomes part of it. Else each brings its own copy, with sums in another order, and which copy is
    called depends on what was loaded first: a process that compiles and one that finds the cache would differ in last
    digits.
    """
    options = {"nogil": True, "fastmath": True, "forceinline": True}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no folder to write to
        return njit(**options)(function)


def lies_ready(kernel: Any) -> bool:
    """Whether a cache folder holds this kernel."""
    folder = kernel.stats.cache_path
    return folder is not None and any(Path(folder).glob(f"*.{kernel.py_func.__name__}-*.nbi"))
