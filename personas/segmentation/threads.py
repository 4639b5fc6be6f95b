"""One thread inside BLAS and OpenMP: many threads on small matrices cost five times the work and change last digits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    """The thread pools of the process, looked up once: the look-up walks through all loaded libraries."""
    import sklearn.cluster  # noqa: F401  (its OpenMP must be loaded before the pools are looked up)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def single_thread() -> Iterator[None]:
    """Limit numerical libraries to one thread inside the block."""
    with _controller().limit(limits=1):
        yield
