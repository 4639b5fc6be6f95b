"""On which days simulated customers order."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from personas.simulate.traits import HISTORY_DAYS, RHYTHMS, WINDOW_START, Flags, Floats, Integers, Traits

FIRST_DAY = date(2024, 11, 1)
APPROACH_DAYS = 13
"""An occasion casts its shadow this many days ahead: inside the fortnight, whether or not its last day counts."""
YEAR = 365


def planted_occasions() -> tuple[date, ...]:
    """Valentine's Day, Mother's Day, Black Friday and Christmas of the 24 months, in order of the calendar."""
    days = []
    for year in (2024, 2025, 2026):
        first_of_may = date(year, 5, 1)
        mothers_day = first_of_may + timedelta(days=(6 - first_of_may.weekday()) % 7 + 7)
        first_of_november = date(year, 11, 1)
        thanksgiving = first_of_november + timedelta(days=(3 - first_of_november.weekday()) % 7 + 21)
        days += [date(year, 2, 14), mothers_day, thanksgiving + timedelta(days=1), date(year, 12, 25)]
    return tuple(day for day in days if 0 <= (day - FIRST_DAY).days < HISTORY_DAYS)


def occasion_offsets() -> Integers:
    """Days of the planted occasions, counted from the first day of the history."""
    return np.asarray([(day - FIRST_DAY).days for day in planted_occasions()], dtype=np.int64)


def before_occasion(day: Integers) -> Flags:
    """Whether a day is one of the 13 before an occasion, or the day itself."""
    ahead = occasion_offsets()[:, None] - day[None, :]
    return np.asarray(((ahead >= 0) & (ahead <= APPROACH_DAYS)).any(axis=0))


def order_days(traits: Traits, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Customer (row of ``traits``) and day of every order, sorted by day, then customer."""
    makers = {
        "occasion": _occasion,
        "regular": _regular,
        "burst": _burst,
        "scattered": _scattered,
        "visitor": _visitor,
    }
    customers, days = [], []
    for code, kind in enumerate(RHYTHMS):
        who = np.flatnonzero(traits.rhythm == code)
        if len(who):
            row, day = makers[kind](traits, who, rng)
            customers.append(who[row])
            days.append(day)
    customer, day = np.concatenate(customers), np.concatenate(days).astype(np.int64)
    keep = (day >= np.maximum(traits.since[customer], 0)) & (day < traits.until[customer])
    customer, day = customer[keep], day[keep]
    order = np.lexsort((customer, day))
    return customer[order], day[order]


def _per_year_counts(mean: Floats, rng: np.random.Generator) -> Integers:
    """Orders in each of the two years (n, 2): one, and a Poisson count on top of it."""
    return np.asarray(1 + rng.poisson(np.maximum(mean[:, None] - 1, 0), (len(mean), 2)), dtype=np.int64)


def _scattered(traits: Traits, who: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    counts = _per_year_counts(traits.per_year[who], rng)
    rows = np.repeat(np.arange(len(who)), counts.sum(axis=1))
    year = np.repeat(np.tile([0, 1], len(who)), counts.ravel())
    return rows, YEAR * year + rng.integers(0, YEAR, len(rows))


def _occasion(traits: Traits, who: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Most occasions bring one order in the fortnight before; a few orders fall on other days."""
    occasions = occasion_offsets()
    a_year = (occasions >= WINDOW_START).sum()
    chance = 0.84 * traits.per_year[who] / a_year
    buys = rng.random((len(who), len(occasions))) < chance[:, None]
    rows, which = np.nonzero(buys)
    days = occasions[which] - rng.integers(1, APPROACH_DAYS + 1, len(rows))
    other = np.repeat(np.arange(len(who)), rng.poisson(2 * 0.15 * traits.per_year[who]))
    return np.concatenate([rows, other]), np.concatenate([days, rng.integers(0, HISTORY_DAYS, len(other))])


def _regular(traits: Traits, who: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Every so many days; those who buy for need move an order out of the rush before an occasion."""
    interval = traits.interval[who]
    steps = int(HISTORY_DAYS / interval.min()) + 2
    phase = rng.random(len(who)) * interval
    planned = phase[:, None] + interval[:, None] * np.arange(steps)[None, :]
    day = np.rint(planned + traits.jitter[who][:, None] * rng.standard_normal(planned.shape)).astype(np.int64)
    rows, column = np.nonzero((day >= 0) & (day < HISTORY_DAYS))
    flat = day[rows, column]
    rare = interval[rows] > 90
    return rows, np.where(rare & before_occasion(flat), np.maximum(flat - APPROACH_DAYS - 1, 0), flat)


def _burst(traits: Traits, who: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """About five bursts a year, each of several orders within a week."""
    in_burst = traits.per_year[who] / 5
    counts = 4 + rng.binomial(2, 0.5, (len(who), 2))
    rows = np.repeat(np.arange(len(who)), counts.sum(axis=1))
    year = np.repeat(np.tile([0, 1], len(who)), counts.ravel())
    start = YEAR * year + rng.integers(0, YEAR - 7, len(rows))
    orders = 1 + rng.poisson(np.maximum(in_burst[rows] - 1, 0))
    return np.repeat(rows, orders), np.repeat(start, orders) + rng.integers(0, 7, int(orders.sum()))


def _visitor(traits: Traits, who: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """One order, sometimes two, between the first visit and mid October."""
    rows = np.repeat(np.arange(len(who)), 1 + (rng.random(len(who)) < traits.per_year[who] - 1))
    return rows, traits.since[who][rows] + rng.integers(0, 24, len(rows))
