"""Threads: one inside numerical libraries, several over independent pieces of work outside."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_workers: ContextVar[int | None] = ContextVar("workers", default=None)


def _looked_up() -> Any:
    """The thread pools of the libraries that are loaded now; the look-up walks through all of them."""
    import numpy as np
    import scipy.linalg
    from threadpoolctl import ThreadpoolController

    # BLAS is loaded by the first product, and must be loaded before the pools are looked up.
    scipy.linalg.blas.dgemm(1.0, np.eye(2), np.eye(2))
    return ThreadpoolController()


@contextmanager
def single_thread() -> Iterator[None]:
    """Limit numerical libraries to one thread inside the block.

    Many threads on small matrices cost five times the work and change last digits.
    """
    with _pools().limit(limits=1):
        yield


@cache
def _known(with_openmp: bool) -> Any:
    """The thread pools, looked up once for many short blocks."""
    return _looked_up()


def _pools() -> Any:
    # OpenMP comes with scikit-learn: once that is loaded, the pools are looked up again.
    return _known("sklearn.utils" in sys.modules)


@contextmanager
def at_most(workers: int | None) -> Iterator[None]:
    """Use so many threads inside the block, over independent pieces of work and in numerical libraries; None: one per
    processor we may use.
    """
    token = _workers.set(workers)
    try:
        # Once a run: libraries may have been loaded since the last look-up.
        with _looked_up().limit(limits=workers) if workers is not None else nullcontext():
            yield
    finally:
        _workers.reset(token)


def workers() -> int:
    """How many threads independent pieces of work are spread over."""
    asked = _workers.get()
    if asked is not None:
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``function`` of every item, in the order of the items, on several threads.

    Each item must have a random stream of its own: then neither order nor number of threads changes a result.
    """
    todo = list(items)
    count = min(workers(), len(todo))
    if count <= 1:
        yield from map(function, todo)
        return
    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(function, todo)
