"""The only kind of number that reaches a reader."""

from __future__ import annotations

import dataclasses
import math

import pytest

from personas.estimate import Estimate, Notice, exact


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["value", "low", "high"])
def test_an_estimate_is_never_unknown_or_endless(place: str, wrong: float) -> None:
    numbers = {"value": 2.0, "low": 1.0, "high": 3.0, place: wrong}
    with pytest.raises(ValueError, match="must be finite"):
        Estimate(**numbers, unit="EUR/year", n=10, basis="bootstrap-t, 95%")


def test_an_exact_count_has_no_width() -> None:
    assert exact(812, "customers", 812) == Estimate(812.0, 812.0, 812.0, "customers", 812, "exact")


def test_estimates_and_notices_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        exact(1, "customers", 1).value = 2.0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Notice("a", "A.").count = 2  # type: ignore[misc]
