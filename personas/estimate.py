"""The only kinds of number and remark that reach a reader."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval, unit, sample size and where the interval comes from.

    ``low = high = value`` when it is an exact count. Unknown is ``None`` in the place of an Estimate, never 0.

    Parameters
    ----------
    value, low, high : float
        In ``unit``; ``low <= value <= high`` but for bootstrap-t intervals of very skewed data.
    unit : str
        ``"EUR/year"``, ``"orders/year"``, ``"days"``, ``"share"`` (0 to 1), ``"customers"`` ...
    n : int
        How many customers (or resamples) the number stands on.
    basis : str
        ``"exact"``, ``"bootstrap-t, 95%"``, ``"order statistics, 95%"`` ...
    """

    value: float
    low: float
    high: float
    unit: str
    n: int
    basis: str

    def __post_init__(self) -> None:
        if not all(math.isfinite(x) for x in (self.value, self.low, self.high)):
            raise ValueError(f"an Estimate must be finite, got {self.value}, {self.low}, {self.high} {self.unit}")


def exact(value: float, unit: str, n: int) -> Estimate:
    """An exact count or sum: the interval is the value itself.

    >>> exact(812, "customers", 812).low
    812.0
    """
    return Estimate(float(value), float(value), float(value), unit, int(n), "exact")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know: left out, repaired, unknown. Collected into the study and printed.

    ``code`` is stable ("orders-without-customer"), ``text`` a sentence, ``count`` the rows or customers it touches.
    """

    code: str
    text: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Assumption:
    """What money rests on and nobody has measured: ``what`` it is about, ``words`` with an amount in each ``{}``.

    The amounts are those that somebody gave, so that pages write them as the reader's language does.
    """

    what: str
    words: str
    amounts: tuple[Estimate, ...] = ()
