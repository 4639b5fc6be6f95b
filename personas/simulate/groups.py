"""The eight kinds of customer that the simulated shop plants, as one table of figures."""

from __future__ import annotations

from dataclasses import dataclass

CHANNELS = ("web", "app", "store", "phone")
CATEGORIES = (
    "Tableware", "Lighting", "Linens", "Candles", "Stationery", "Accessories", "Household Supplies", "Clothing",
)  # fmt: skip
DISTRICTS = ("Harbour View", "Garden Hill", "Old Town", "Mill Quarter", "Riverside", "Campus")
ACQUIRED_VIA = ("search", "social", "friend", "walk-in", "mailing")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a customer orders.

    ``kind`` is ``occasion`` (before planted occasions), ``regular`` (every ``interval`` days), ``burst`` (several
    orders within days), ``scattered`` (any day) or ``visitor`` (once or twice, late in the history).
    ``per_year`` is the mean number of orders a year.
    """

    kind: str
    per_year: float
    interval: float = 0
    """Days between two orders (``regular``)."""
    jitter: float = 0
    """Standard deviation in days around the regular day."""


@dataclass(frozen=True, slots=True)
class Group:
    """One planted group. Shares lie in 0 to 1, money is USD, counts are per year, medians are of the group."""

    name: str
    share: float
    age: float
    age_spread: float
    female: float
    own_home: float
    districts: tuple[float, ...]
    acquired: tuple[float, ...]
    rhythm: Rhythm
    order_amount: float
    lines: float
    """Mean number of lines of an order."""
    channels: tuple[float, ...]
    categories: tuple[float, ...]
    brand_loyalty: float
    """Chance that a line is of the customer's own brand."""
    discounted: float
    """Share of orders with a discount."""
    discount_depth: float
    returned: float
    """Share of orders of which something is sent back."""
    tickets: float
    ticket_minutes: float
    advice: float
    """Share of tickets that ask for advice before a purchase."""
    followers: float
    brands_followed: float
    mentions: float
    referrals: float
    followers_unknown: float
    """Share of the group whose number of followers nobody knows."""


GROUPS: tuple[Group, ...] = (
    Group(
        name="joe", share=0.13, age=37, age_spread=3.5, female=0.25, own_home=0.85,
        districts=(0.4, 0.35, 0.1, 0.05, 0.08, 0.02), acquired=(0.1, 0, 0.15, 0.65, 0.1),
        rhythm=Rhythm("occasion", per_year=3.8),
        order_amount=310, lines=2.4, channels=(0.07, 0.01, 0.91, 0.01),
        categories=(0.8, 0.2, 0, 0, 0, 0, 0, 0), brand_loyalty=0.92,
        discounted=0.05, discount_depth=0.12, returned=0.02,
        tickets=3, ticket_minutes=5, advice=0.8,
        followers=0, followers_unknown=0.23, brands_followed=3, mentions=0.02, referrals=0.05,
    ),
    Group(
        name="sarah", share=0.15, age=19, age_spread=1.4, female=0.8, own_home=0.02,
        districts=(0.02, 0.03, 0.15, 0.1, 0.1, 0.6), acquired=(0.1, 0.7, 0.18, 0, 0.02),
        rhythm=Rhythm("regular", per_year=12, interval=30.4, jitter=4),
        order_amount=27, lines=1.9, channels=(0.45, 0.54, 0.01, 0),
        categories=(0, 0, 0, 0, 0.12, 0.88, 0, 0), brand_loyalty=0.3,
        discounted=0.12, discount_depth=0.12, returned=0.02,
        tickets=0.1, ticket_minutes=4, advice=0.1,
        followers=3000, followers_unknown=0.06, brands_followed=135, mentions=5, referrals=1.8,
    ),
    Group(
        name="loyal", share=0.16, age=58, age_spread=6, female=0.62, own_home=0.75,
        districts=(0.15, 0.3, 0.25, 0.1, 0.2, 0), acquired=(0.1, 0, 0.3, 0.4, 0.2),
        rhythm=Rhythm("regular", per_year=10.4, interval=35, jitter=4),
        order_amount=74, lines=2.2, channels=(0.25, 0.03, 0.54, 0.18),
        categories=(0.11, 0.06, 0.67, 0.11, 0, 0, 0.05, 0), brand_loyalty=0.93,
        discounted=0.08, discount_depth=0.12, returned=0.01,
        tickets=0.5, ticket_minutes=4, advice=0.3,
        followers=14, followers_unknown=0.23, brands_followed=8, mentions=0.2, referrals=0.3,
    ),
    Group(
        name="bargain", share=0.14, age=44, age_spread=8, female=0.55, own_home=0.45,
        districts=(0.03, 0.07, 0.15, 0.4, 0.3, 0.05), acquired=(0.6, 0.1, 0.05, 0.05, 0.2),
        rhythm=Rhythm("scattered", per_year=6.5),
        order_amount=48, lines=2.3, channels=(0.8, 0.14, 0.06, 0),
        categories=(0, 0, 0.15, 0.55, 0.15, 0, 0.15, 0), brand_loyalty=0.25,
        discounted=0.86, discount_depth=0.2, returned=0.02,
        tickets=0.2, ticket_minutes=4, advice=0.1,
        followers=60, followers_unknown=0.23, brands_followed=22, mentions=0.1, referrals=0.1,
    ),
    Group(
        name="impulse", share=0.12, age=31, age_spread=5, female=0.58, own_home=0.25,
        districts=(0.1, 0.1, 0.35, 0.15, 0.2, 0.1), acquired=(0.25, 0.5, 0.1, 0.1, 0.05),
        rhythm=Rhythm("burst", per_year=16),
        order_amount=62, lines=2.4, channels=(0.38, 0.52, 0.09, 0.01),
        categories=(1 / 8,) * 8, brand_loyalty=0.2,
        discounted=0.06, discount_depth=0.12, returned=0.12,
        tickets=0.9, ticket_minutes=4, advice=0.2,
        followers=180, followers_unknown=0.23, brands_followed=30, mentions=0.3, referrals=0.2,
    ),
    Group(
        name="wandering", share=0.11, age=40, age_spread=9, female=0.5, own_home=0.4,
        districts=(0.1, 0.1, 0.25, 0.2, 0.25, 0.1), acquired=(0.65, 0.25, 0.03, 0.05, 0.02),
        rhythm=Rhythm("visitor", per_year=1.4),
        order_amount=19, lines=1.2, channels=(0.85, 0.08, 0.06, 0.01),
        categories=(0, 0, 0, 0, 0.97, 0, 0.03, 0), brand_loyalty=0.9,
        discounted=0.01, discount_depth=0.12, returned=0.003,
        tickets=0.1, ticket_minutes=4, advice=0.3,
        followers=70, followers_unknown=0.23, brands_followed=18, mentions=0, referrals=0,
    ),
    Group(
        name="need_based", share=0.11, age=51, age_spread=8, female=0.48, own_home=0.6,
        districts=(0.08, 0.15, 0.17, 0.3, 0.28, 0.02), acquired=(0.1, 0, 0.2, 0.35, 0.35),
        rhythm=Rhythm("regular", per_year=3, interval=120, jitter=6),
        order_amount=88, lines=2.8, channels=(0.01, 0, 0.05, 0.94),
        categories=(0, 0, 0.02, 0, 0, 0, 0.98, 0), brand_loyalty=0.75,
        discounted=0.03, discount_depth=0.12, returned=0.01,
        tickets=0.2, ticket_minutes=4, advice=0.3,
        followers=12, followers_unknown=0.23, brands_followed=5, mentions=0, referrals=0.1,
    ),
    Group(
        name="drain", share=0.08, age=35, age_spread=6, female=0.6, own_home=0.3,
        districts=(0.1, 0.1, 0.25, 0.25, 0.2, 0.1), acquired=(0.4, 0.4, 0.05, 0.05, 0.1),
        rhythm=Rhythm("scattered", per_year=8),
        order_amount=24, lines=2.2, channels=(0.72, 0.24, 0.03, 0.01),
        categories=(0, 0, 0, 0, 0, 0.1, 0, 0.9), brand_loyalty=0.25,
        discounted=0.25, discount_depth=0.15, returned=0.44,
        tickets=9, ticket_minutes=6.8, advice=0.05,
        followers=110, followers_unknown=0.23, brands_followed=25, mentions=0.3, referrals=0,
    ),
)  # fmt: skip


def group_sizes(customers: int) -> tuple[int, ...]:
    """Customers per group, adding up exactly (largest remainders; ties go to the earlier group)."""
    exact = [group.share * customers for group in GROUPS]
    sizes = [int(value + 1e-9) for value in exact]
    order = sorted(range(len(GROUPS)), key=lambda i: (-(exact[i] - sizes[i]), i))
    for i in order[: customers - sum(sizes)]:
        sizes[i] += 1
    return tuple(sizes)
