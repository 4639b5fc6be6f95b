"""The whale curve: contribution added up over customers, the most profitable first (method 9.7)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from personas.profiles.money_records import Whale

Floats = NDArray[np.float64]
POINTS = 40
TENTHS = 10


def whale(contribution: Floats, segments: NDArray[np.int32], order: tuple[int, ...], customers: int) -> Whale | None:
    """The curve of ``contribution`` (n,) of the customers of ``segments`` (n,); None for nobody.

    ``order`` is the order of the segments in the mix. When the n customers are a sample of ``customers``, counts and
    amounts are scaled up to all of them. Equal contributions are ordered by segment, so that rows in another order give
    the same curve.

    >>> curve = whale(np.array([10.0, 8, -3, -5]), np.array([0, 0, 1, 1]), (0, 1), 4)
    >>> curve.total, curve.peak, curve.peak_at, curve.losing
    (10.0, 18.0, 0.5, 2)
    """
    n = len(contribution)
    if n == 0:
        return None
    scale = customers / n
    turn = np.lexsort((segments, -contribution))
    sorted_money = contribution[turn]
    added = np.concatenate([[0.0], np.cumsum(sorted_money)]) * scale
    top = int(added.argmax())
    places = sorted({round(i * n / POINTS) for i in range(POINTS + 1)} | {top})
    losing = sorted_money < 0
    return Whale(
        points=tuple((place / n, float(added[place])) for place in places),
        total=float(added[-1]),
        peak=float(added[top]),
        peak_at=top / n,
        top_fifth=float(added[math.ceil(n / 5)]),
        losing=round(float(losing.sum()) * scale),
        losing_total=float(sorted_money[losing].sum()) * scale,
        segments=order,
        mix=_mix(segments[turn], order),
    )


def _mix(segments: NDArray[np.int32], order: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """Share of each segment in each tenth of the customers."""
    tenths = [part for part in np.array_split(segments, TENTHS) if len(part)]
    return tuple(tuple(float((part == segment).mean()) for segment in order) for part in tenths)
