"""Service tickets and social reach of simulated customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personas.simulate.traits import HISTORY_DAYS, Flags, Integers, Traits

TICKET_CHANNELS = ("phone", "email", "chat", "store")
TOPICS = ("advice before a purchase", "delivery", "return", "complaint", "invoice")
NETWORKS = ("Pinwall", "Clipp", "Chirrup")


@dataclass(frozen=True, slots=True)
class Tickets:
    """Service tickets, one row each, sorted by day. ``customer`` -1: not noted."""

    customer: Integers
    day: Integers
    channel: Integers
    topic: Integers
    minutes: Integers


@dataclass(frozen=True, slots=True)
class Reach:
    """Social reach, one row per customer and measurement. ``followers`` -1: unknown."""

    customer: Integers
    network: Integers
    day: Integers
    followers: Integers
    brands_followed: Integers
    mentions: Integers
    referrals: Integers


def open_tickets(traits: Traits, rng: np.random.Generator) -> Tickets:
    """Tickets on any day between a customer's first and last possible day."""
    start = np.maximum(traits.since, 0)
    span = np.maximum(traits.until - start, 1)
    # A visitor of three months has the whole yearly number of questions: newcomers ask.
    years = np.maximum(span / 365, 1.0)
    count = rng.poisson(traits.tickets * years)
    customer = np.repeat(np.arange(len(start)), count)
    day = start[customer] + (rng.random(len(customer)) * span[customer]).astype(np.int64)
    advice = rng.random(len(customer)) < traits.advice[customer]
    troubled = traits.returned[customer] > 0.2
    trouble = np.where(rng.random(len(customer)) < 0.6, 2, rng.integers(1, 5, len(customer)))
    topic = np.where(advice, 0, np.where(troubled, trouble, rng.integers(1, 5, len(customer))))
    by_store = rng.random(len(customer)) < traits.channels[customer, 2]
    channel = np.where(by_store, np.where(rng.random(len(customer)) < 0.6, 3, 0), rng.integers(0, 3, len(customer)))
    minutes = np.rint(traits.ticket_minutes[customer] * np.exp(0.35 * rng.standard_normal(len(customer))))
    order = np.lexsort((customer, day))
    return Tickets(
        customer=customer[order],
        day=day[order],
        channel=channel[order],
        topic=topic[order],
        minutes=np.maximum(minutes, 1).astype(np.int64)[order],
    )


def measure_reach(traits: Traits, rng: np.random.Generator) -> Reach:
    """The latest measurement of every customer (October 2026), and for a quarter of them one of a year before."""
    customers = len(traits.birth_year)
    network = rng.integers(0, len(NETWORKS), customers)
    latest = HISTORY_DAYS - rng.integers(1, 21, customers)
    mentions, referrals = rng.poisson(traits.mentions), rng.poisson(traits.referrals)
    earlier = np.flatnonzero((rng.random(customers) < 0.25) & (traits.since < 330))
    growth = 0.7 + 0.2 * rng.random(len(earlier))
    unknown: Flags = traits.followers_unknown

    def stacked(now: Integers, before: Integers) -> Integers:
        return np.concatenate([now, before]).astype(np.int64)

    customer = stacked(np.arange(customers), earlier)
    reach = Reach(
        customer=customer,
        network=stacked(network, network[earlier]),
        day=stacked(latest, latest[earlier] - 365),
        followers=np.where(
            unknown[customer], -1, stacked(traits.followers, np.rint(traits.followers[earlier] * growth))
        ),
        brands_followed=stacked(traits.brands_followed, np.rint(traits.brands_followed[earlier] * growth)),
        mentions=stacked(mentions, rng.poisson(traits.mentions[earlier])),
        referrals=stacked(referrals, rng.poisson(traits.referrals[earlier])),
    )
    order = np.lexsort((reach.day, reach.customer))
    return Reach(**{name: getattr(reach, name)[order] for name in Reach.__slots__})
