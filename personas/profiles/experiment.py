"""Tests of actions: how many customers, how many weeks, who is treated, and what came out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate
from personas.profiles.intervals import FEWEST, MONEY_REPLICATES, resampling_weights, stream
from personas.profiles.money_records import TestPlan

Floats = NDArray[np.float64]
DETECTABLE = 1.959963984540054 + 0.8416212335729143
"""Standard errors that an effect must measure to be seen in 80% of tests at two-sided 5%."""
WEEKS = (4, 8, 13, 26, 52)
TENTH = 0.1
"""Smallest effect worth seeing as a share of today's orders: for less nobody runs a programme (our choice)."""


def plan_test(customers: int, orders_a_year: Floats, cost: float | None, margin_an_order: float | None) -> TestPlan:
    """How to test an action on a segment of ``customers``, half of them treated.

    Parameters
    ----------
    orders_a_year : (n,) known values of the segment; their mean and spread say what chance alone does
    cost : of the action per customer and year, None where unknown
    margin_an_order : what one more order leaves, None where unknown

    Returns
    -------
    TestPlan
        The shortest time in which the effect worth seeing can be seen, with the customers it takes per arm. When even
        a year and every customer do not do, ``too_small`` is set and ``visible`` says what a year would show.

    Notes
    -----
    In w weeks orders have mean m = w/52 of a year's, and variance m + (w/52)^2 times what customers differ beyond
    chance. n per arm = 2 (1.96 + 0.84)^2 variance / effect^2.
    """
    mean, variance = float(np.mean(orders_a_year)), float(np.var(orders_a_year))
    beyond = max(0.0, variance - mean)
    pays = cost / margin_an_order if cost is not None and margin_an_order and margin_an_order > 0 else None
    worth = max(TENTH * mean, pays or 0.0)
    arm = customers // 2
    for weeks in WEEKS:
        share = weeks / 52
        spread = mean * share + beyond * share**2
        needed = math.ceil(2 * DETECTABLE**2 * spread / (worth * share) ** 2) if worth > 0 else 10**12
        if max(needed, FEWEST) <= arm:
            needed = max(needed, FEWEST)
            visible = DETECTABLE * math.sqrt(2 * spread / needed) / share
            return TestPlan(worth, pays, visible, needed, weeks, False)
    visible = DETECTABLE * math.sqrt(2 * (mean + beyond) / arm) if arm else 0.0
    return TestPlan(worth, pays, visible, arm, WEEKS[-1], True)


def assign_arms(customers: Sequence[str], action: str, seed: int, per_arm: int | None = None) -> Mapping[str, str]:
    """``treated`` or ``control`` for every customer, half and half; with ``per_arm``, the others get ``none``.

    Drawn by a hash of seed, action and id: the same whatever the order of the list, and independent between actions.
    """

    def place(who: str) -> bytes:
        return hashlib.sha256(f"{seed}|{action}|{who}".encode()).digest()

    ordered = sorted(set(customers), key=lambda who: (place(who), who))
    size = len(ordered) // 2 if per_arm is None else min(per_arm, len(ordered) // 2)
    arms = ["treated"] * size + ["control"] * size + ["none"] * (len(ordered) - 2 * size)
    return dict(sorted(zip(ordered, arms, strict=True)))


def measured_effect(treated: Floats, control: Floats, unit: str, seed: int) -> Estimate:
    """Mean of the treated less mean of the control, with a two-sample bootstrap-t interval (method 9.11).

    Both (n,) outcomes of the test; fewer than 30 in an arm, or no spread, gives Welch's interval and says so.
    """
    difference = float(treated.mean() - control.mean())
    error = math.sqrt(_squared_error(treated) + _squared_error(control))
    n = len(treated) + len(control)
    if min(len(treated), len(control)) < FEWEST or error == 0:
        return Estimate(difference, difference - 2.1 * error, difference + 2.1 * error, unit, n, "Welch, 95%, few")
    shifts, errors = [], []
    for arm, x in enumerate((treated, control)):
        weights = np.concatenate(list(resampling_weights(len(x), MONEY_REPLICATES, stream(seed, 11, arm, 9))))
        mean = weights @ x / len(x)
        square = weights @ x**2 / len(x) - mean**2
        shifts.append(mean - x.mean())
        errors.append(square / (len(x) - 1))
    t = np.sort((shifts[0] - shifts[1]) / np.sqrt(np.maximum(errors[0] + errors[1], 1e-300)))
    low, high = (float(t[math.ceil(q * (len(t) + 1)) - 1]) for q in (0.025, 0.975))
    return Estimate(difference, difference - high * error, difference - low * error, unit, n, "bootstrap-t, 95%")


def _squared_error(x: Floats) -> float:
    return float(x.var(ddof=1)) / len(x) if len(x) > 1 else 0.0
