"""Tests of actions: how many customers, how many weeks, who is treated, and what came out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from personas.estimate import Estimate
from personas.profiles.intervals import FEWEST, MONEY_REPLICATES, MOST_RESAMPLED, Z95, Use, resampling_weights, stream
from personas.profiles.money_records import TestPlan

Floats = NDArray[np.float64]
DETECTABLE = Z95 + 0.8416212335729143
"""Standard errors that an effect must measure to be seen in 80% of tests at two-sided 5%."""
WEEKS = (4, 8, 13, 26, 52)
TENTH = 0.1
"""Smallest effect worth seeing as a share of today's orders: for less nobody runs a programme (our choice)."""


def plan_test(
    customers: int, orders_a_year: Floats, window_days: int, cost: float | None, margin_an_order: float | None
) -> TestPlan:
    """How to test an action on a segment of ``customers``, half of them treated.

    Parameters
    ----------
    orders_a_year : (n,) known values of the segment; their mean and spread say what chance alone does
    window_days : days in which the orders were counted
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
    chance. n per arm = 2 (1.96 + 0.84)^2 variance / effect^2. Orders a year are counts over the window times
    365 / window, so chance gives them the variance m 365 / window.
    """
    mean, variance = float(np.mean(orders_a_year)), float(np.var(orders_a_year))
    beyond = max(0.0, variance - mean * 365 / window_days)
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

    Both (n,) outcomes of the test. Fewer than 30 in an arm, more than 5,000 in both, or more than 1% of resamples
    without spread give Welch's interval, and the basis says so.
    """
    difference = float(treated.mean() - control.mean())
    squares = _squared_error(treated), _squared_error(control)
    error, n = math.sqrt(sum(squares)), len(treated) + len(control)
    few = min(len(treated), len(control)) < FEWEST
    if not few and error > 0 and min(len(treated), len(control)) <= MOST_RESAMPLED:
        arms = [_drawn(x, stream(seed, 11, arm, Use.EXPERIMENT)) for arm, x in enumerate((treated, control))]
        drawn = np.sqrt(arms[0][1] + arms[1][1])
        usable = drawn > 1e-10 * error
        t = np.sort((arms[0][0] - arms[1][0])[usable] / drawn[usable])
        if len(t) >= 0.99 * MONEY_REPLICATES:
            low, high = (float(t[math.ceil(q * (len(t) + 1)) - 1]) for q in (0.025, 0.975))
            ends = difference - high * error, difference - low * error
            return Estimate(difference, *ends, unit, n, "bootstrap-t, 95%")
    half = _welch(squares, (len(treated), len(control))) * error
    return Estimate(difference, difference - half, difference + half, unit, n, f"Welch, 95%{', few' if few else ''}")


def _drawn(x: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Resampled mean less the mean, and its squared error, both (replicates,); normal above 5,000 rows."""
    n, centred = len(x), x - x.mean()
    if n > MOST_RESAMPLED:
        square = _squared_error(x)
        return random.standard_normal(MONEY_REPLICATES) * math.sqrt(square), np.full(MONEY_REPLICATES, square)
    shifts, errors = [], []
    for weights in resampling_weights(n, MONEY_REPLICATES, random):
        shifts.append(weights @ centred / n)
        errors.append(np.maximum(weights @ centred**2 / n - shifts[-1] ** 2, 0.0) / (n - 1))
    return np.concatenate(shifts), np.concatenate(errors)


def _welch(squares: tuple[float, float], sizes: tuple[int, int]) -> float:
    """97.5% quantile of Student's t at the degrees of freedom of Welch and Satterthwaite; 0 without spread."""
    from scipy.special import stdtrit  # scipy.stats takes a second to load

    bottom = sum(square**2 / (size - 1) for square, size in zip(squares, sizes, strict=True) if size > 1)
    return float(stdtrit(sum(squares) ** 2 / bottom, 0.975)) if bottom > 0 else 0.0


def _squared_error(x: Floats) -> float:
    return float(x.var(ddof=1)) / len(x) if len(x) > 1 else 0.0
