"""What each simulated customer is like before anything is bought: one array per trait, one row per customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.simulate.groups import CATEGORIES, GROUPS, group_sizes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

HISTORY_DAYS = 730
"""Day 0 is 2024-11-01, day 729 is 2026-10-31."""
WINDOW_START = 365
"""Day 365 is 2025-11-01: the study looks at the second year."""
BRANDS = 6
RHYTHMS = ("occasion", "regular", "burst", "scattered", "visitor")


@dataclass(frozen=True, slots=True)
class Traits:
    """Arrays (n,), unless said otherwise. Shares lie in 0 to 1, money is USD, counts are per year.

    ``since`` is the first possible day (negative: before the history), ``until`` the first day without orders.
    ``channels`` (n, 4) and ``categories`` (n, 8) add up to 1 in each row. ``group`` is the row of GROUPS, or -1.
    """

    group: Integers
    birth_year: Integers
    female: Flags
    own_home: Flags
    district: Integers
    acquired: Integers
    since: Integers
    until: Integers
    rhythm: Integers
    per_year: Floats
    interval: Floats
    jitter: Floats
    order_amount: Floats
    lines: Floats
    channels: Floats
    categories: Floats
    brand: Integers
    brand_loyalty: Floats
    discounted: Floats
    discount_depth: Floats
    returned: Floats
    tickets: Floats
    ticket_minutes: Floats
    advice: Floats
    followers: Integers
    followers_unknown: Flags
    brands_followed: Integers
    mentions: Floats
    referrals: Floats


def pick(rng: np.random.Generator, chances: Floats) -> Integers:
    """One column per row, drawn with the chances of that row. ``chances`` (m, c) -> (m,)."""
    cumulative = np.cumsum(chances, axis=1)
    draw = rng.random(len(chances)) * cumulative[:, -1]
    passed = (cumulative <= draw[:, None]).sum(axis=1)
    return np.asarray(np.minimum(passed, chances.shape[1] - 1), dtype=np.int64)


def _around(rng: np.random.Generator, middle: Floats, spread: float) -> Floats:
    """Lognormal with median ``middle``."""
    return np.asarray(middle * np.exp(spread * rng.standard_normal(middle.shape)))


def _share(rng: np.random.Generator, mean: Floats, certainty: float) -> Floats:
    """Beta with the given mean; the larger ``certainty``, the closer to it."""
    low = np.maximum(mean, 1e-3)
    return np.asarray(rng.beta(certainty * low, certainty * (1 - low)))


def _mixture(rng: np.random.Generator, mean: Floats, certainty: float) -> Floats:
    """Dirichlet rows with the given mean rows; a share of 0 stays 0."""
    draw = rng.standard_gamma(certainty * mean)
    return np.asarray(draw / draw.sum(axis=1, keepdims=True))


def _tenure(rng: np.random.Generator, customers: int) -> tuple[Integers, Integers]:
    """First possible day and first day without orders: two thirds are older than the history, 3% left in year one."""
    old = rng.random(customers) < 0.65
    since = np.where(old, -rng.integers(1, 1500, customers), rng.integers(0, 330, customers))
    lapsed = rng.random(customers) < 0.03
    until = np.where(lapsed, rng.integers(200, WINDOW_START, customers), HISTORY_DAYS)
    return since.astype(np.int64), until.astype(np.int64)


def grouped_traits(customers: int, rng: np.random.Generator) -> Traits:
    """Traits of customers from the eight groups, in random order."""
    member = rng.permutation(np.repeat(np.arange(len(GROUPS)), group_sizes(customers)))

    def of(name: str) -> Floats:
        return np.take(np.asarray([getattr(group, name) for group in GROUPS], dtype=np.float64), member, axis=0)

    def rhythm(name: str) -> Floats:
        return np.take(np.asarray([getattr(group.rhythm, name) for group in GROUPS], dtype=np.float64), member, axis=0)

    since, until = _tenure(rng, customers)
    kind = np.asarray([RHYTHMS.index(group.rhythm.kind) for group in GROUPS])[member]
    # A visitor is new: came in the last months and has not been seen before.
    visitor = kind == RHYTHMS.index("visitor")
    since = np.where(visitor, HISTORY_DAYS - rng.integers(40, 123, customers), since)
    age = np.maximum(16, np.rint(of("age") + of("age_spread") * rng.standard_normal(customers)))
    return Traits(
        group=member,
        birth_year=(2026 - age).astype(np.int64),
        female=rng.random(customers) < of("female"),
        own_home=rng.random(customers) < of("own_home"),
        district=pick(rng, of("districts")),
        acquired=pick(rng, of("acquired")),
        since=since,
        until=np.where(visitor, HISTORY_DAYS, until),
        rhythm=kind,
        per_year=rhythm("per_year"),
        interval=_around(rng, rhythm("interval"), 0.06),
        jitter=rhythm("jitter"),
        order_amount=_around(rng, of("order_amount"), 0.14),
        lines=of("lines"),
        channels=_mixture(rng, of("channels"), 60),
        categories=_mixture(rng, of("categories"), 60),
        brand=rng.integers(0, BRANDS, customers),
        brand_loyalty=_share(rng, of("brand_loyalty"), 60),
        discounted=_share(rng, of("discounted"), 60),
        discount_depth=of("discount_depth"),
        returned=_share(rng, of("returned"), 60),
        tickets=rng.gamma(30, of("tickets") / 30),
        ticket_minutes=_around(rng, of("ticket_minutes"), 0.12),
        advice=of("advice"),
        followers=np.rint(_around(rng, of("followers"), 0.3)).astype(np.int64),
        followers_unknown=rng.random(customers) < of("followers_unknown"),
        brands_followed=np.rint(_around(rng, of("brands_followed"), 0.2)).astype(np.int64),
        mentions=rng.gamma(20, of("mentions") / 20),
        referrals=rng.gamma(20, of("referrals") / 20),
    )


def continuous_traits(customers: int, rng: np.random.Generator) -> Traits:
    """Traits of one population without groups: every trait has one hump, and most move along one common axis.

    The axis (how much a customer deals with the shop) makes the traits correlate as they do in real shops, so a method
    that takes correlation for groups is found out.
    """
    axis = rng.standard_normal(customers)

    def leaning(middle: float, pull: float, spread: float) -> Floats:
        return np.asarray(middle * np.exp(pull * axis + spread * rng.standard_normal(customers)))

    def share(middle: float, pull: float, spread: float) -> Floats:
        logit = np.log(middle / (1 - middle)) + pull * axis + spread * rng.standard_normal(customers)
        return np.asarray(1 / (1 + np.exp(-logit)))

    since, until = _tenure(rng, customers)
    online = share(0.55, 0.5, 0.8)
    app, phone = share(0.35, 0, 0.5), share(0.2, 0, 0.5)
    channels = np.column_stack([online * (1 - app), online * app, (1 - online) * (1 - phone), (1 - online) * phone])
    return Traits(
        group=np.full(customers, -1, dtype=np.int64),
        birth_year=2026 - np.clip(np.rint(42 + 12 * rng.standard_normal(customers)), 16, 90).astype(np.int64),
        female=rng.random(customers) < 0.55,
        own_home=rng.random(customers) < 0.5,
        district=rng.integers(0, 6, customers),
        acquired=rng.integers(0, 5, customers),
        since=since,
        until=until,
        rhythm=np.full(customers, RHYTHMS.index("scattered"), dtype=np.int64),
        per_year=leaning(6, 0.45, 0.35),
        interval=np.zeros(customers),
        jitter=np.zeros(customers),
        order_amount=leaning(60, 0.25, 0.45),
        lines=leaning(2.1, 0.05, 0.1),
        channels=channels,
        categories=_mixture(rng, np.full((customers, len(CATEGORIES)), 1 / len(CATEGORIES)), 12),
        brand=rng.integers(0, BRANDS, customers),
        brand_loyalty=share(0.4, 0.2, 0.5),
        discounted=share(0.25, -0.2, 0.7),
        discount_depth=np.full(customers, 0.15),
        returned=share(0.06, 0.1, 0.5),
        tickets=leaning(1.2, 0.3, 0.4),
        ticket_minutes=leaning(5, 0, 0.25),
        advice=np.full(customers, 0.3),
        followers=np.rint(leaning(120, 0.3, 0.9)).astype(np.int64),
        followers_unknown=rng.random(customers) < 0.2,
        brands_followed=np.rint(leaning(20, 0.2, 0.5)).astype(np.int64),
        mentions=leaning(0.4, 0.3, 0.5),
        referrals=leaning(0.3, 0.2, 0.4),
    )


