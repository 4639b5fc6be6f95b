"""What is known about a group of customers: every number an Estimate, unknown is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from personas.estimate import Assumption, Estimate, Notice
from personas.features.feature import Feature
from personas.profiles.money_records import (
    Branch,
    ChannelMove,
    Claim,
    Lifetime,
    Loss,
    Pair,
    PersonaLifetime,
    Quadrants,
    Referrals,
    RfmCell,
    SecondPurchase,
    TestPlan,
    Trial,
    Turn,
    Whale,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One feature of one group.

    For a number: ``mean``, ``median`` and the middle half ``low_quartile``..``high_quartile`` of the known values.
    For a category: ``levels`` with the share of each. ``known`` is the share of the group whose value is known.
    ``effect`` is Cliff's delta against all other customers (numbers) or phi of the most telling level (categories).
    """

    feature: Feature
    known: Estimate
    mean: Estimate | None = None
    median: Estimate | None = None
    low_quartile: float | None = None
    high_quartile: float | None = None
    levels: tuple[tuple[str, Estimate], ...] = ()
    effect: Estimate | None = None
    effect_level: str | None = None
    """The level that ``effect`` speaks of, for a category."""


@dataclass(frozen=True, slots=True)
class Economics:
    """Money of one group, per customer and year (means) and in total for the window. Unknown is None.

    ``roi`` = contribution / (service cost + marketing cost). ``level`` is the deepest level that is known:
    ``none``, ``revenue``, ``gross margin`` or ``contribution``. ``losing_share`` of customers have a negative
    contribution.
    """

    level: str
    revenue: Estimate | None = None
    gross_margin: Estimate | None = None
    service_cost: Estimate | None = None
    return_cost: Estimate | None = None
    marketing_cost: Estimate | None = None
    contribution: Estimate | None = None
    roi: Estimate | None = None
    lifetime_value: Estimate | None = None
    break_even: Estimate | None = None
    total_revenue: Estimate | None = None
    total_contribution: Estimate | None = None
    losing_share: Estimate | None = None
    acquisition_cost: Estimate | None = None
    """Of those whose first order lies in the window, spread over the whole group."""
    after_acquisition: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A segment, or everyone (``segment`` -1)."""

    segment: int
    customers: Estimate
    share: Estimate
    facts: Mapping[str, Fact]
    economics: Economics
    revenue_share: Estimate | None = None
    contribution_share: Estimate | None = None
    months: tuple[float, ...] | None = None
    """Share of a year's orders in each calendar month, January first, adds up to 1; None without orders or a year."""
    rfm: Mapping[str, float] = field(default_factory=dict)
    """Share of the group in each of the eleven RFM segments."""
    lifecycle: Mapping[str, float] = field(default_factory=dict)
    """Share of the group in each stage of ``lifecycle.STAGES``."""
    archetypes: Mapping[str, float] = field(default_factory=dict)
    """Mean score 0 to 1 of each of the five archetypes."""
    archetype: str | None = None
    stability: Estimate | None = None
    core_share: float | None = None
    rule: Rule | None = None
    loss: Loss | None = None
    """Customers with a negative contribution; None where contribution is unknown."""
    move: ChannelMove | None = None
    """The configured move of service to another channel."""
    lifetime: PersonaLifetime | None = None
    test: TestPlan | None = None
    """How to test an action on half of the segment."""
    grew: Estimate | None = None
    """Share of customers whose margin grew by the cost of an action from the window before to this one, on its own."""
    claims: Mapping[str, Claim] = field(default_factory=dict)
    """By feature that did not form the segments (``feature=level``); empty where they were not tested."""
    defining: Mapping[str, bool] = field(default_factory=dict)
    """By feature that did: whether it differs more than in structureless data; empty where that is not known."""
    pairs: tuple[Pair, ...] = ()
    second_purchase: SecondPurchase | None = None
    trials: tuple[Trial, ...] = ()
    """Tests of actions whose customers are mostly here now, the latest first."""
    referrals: Referrals | None = None
    """None where no customer says who brought them."""

    def mean_of(self, name: str) -> Estimate | None:
        """The mean of a feature; None where it is unknown."""
        fact = self.facts.get(name)
        return fact.mean if fact else None


@dataclass(frozen=True, slots=True)
class Rule:
    """At most three conditions in original units that find the segment again in a CRM.

    ``conditions`` are (feature, operator, value) with operator ``>=``, ``<=``, ``=`` or ``<>``. ``precision`` is the
    share of the list that belongs to the segment, ``recall`` the share of the segment that is on the list, ``fidelity``
    the share of all customers about whom the rule is right, inside or outside.
    """

    conditions: tuple[tuple[str, str, float | str], ...]
    text: str
    sql: str
    list_size: int
    precision: float
    recall: float
    fidelity: Estimate


@dataclass(frozen=True, slots=True)
class Profiles:
    """Everyone and every segment, in one order: by total contribution, or by size where money is unknown."""

    everyone: Profile
    segments: tuple[Profile, ...]
    currency: str
    set_aside: tuple[tuple[str, int, float], ...] = ()
    """Rule segments that were not clustered: (name, customers, revenue), so that people and money add up."""
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    """Everything that money rests on and nobody has measured."""
    whale: Whale | None = None
    lifetime: Lifetime | None = None
    service_order: tuple[Turn, ...] = ()
    service_floor_days: int | None = None
    """Working days within which everybody is answered."""
    definitions: tuple[str, ...] = ()
    """Names of the features that differ by definition: no claim is made of them."""
    branches: tuple[Branch, ...] = ()
    """Customers and money of every segment of every k that was looked at."""
    only_defining: bool = False
    """Structure is not proven: of the forming features only those may be told that differ more than by chance."""
    rfm_table: tuple[RfmCell, ...] = ()
    rfm_cut: str = "quantile"
    """How its scores are cut: quantile, natural or fixed."""
    """Where the eleven RFM segments and ours cross, the names in their order; empty without recency and orders."""
    quadrants: Quadrants | None = None
    moved_money: tuple[tuple[str, float], ...] = ()
    """Share of the contribution that each choice of preparation or model moves; empty where it is unknown."""
