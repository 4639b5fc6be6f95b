"""What money says beyond the ledger: forecasts, losses, what-ifs, tests. Unknown is None, a refusal says why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from personas.estimate import Estimate


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Purchases of a later period that the fit did not see: forecast, counted, and "same as the period before"."""

    weeks: float
    customers: int
    predicted: float
    actual: float
    naive: float

    @property
    def error(self) -> float | None:
        """Of the forecast, as a share of what was counted: -0.12 is 12% too few."""
        return self.predicted / self.actual - 1 if self.actual else None

    @property
    def naive_error(self) -> float | None:
        """Of the naive rule."""
        return self.naive / self.actual - 1 if self.actual else None


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The forecast of all customers. ``refused`` names the condition that fails; then nothing else is known."""

    months: int
    discount_rate: float
    refused: str = ""
    hold_out: HoldOut | None = None
    parameters: tuple[tuple[str, float], ...] = ()
    portfolio: Estimate | None = None
    """Value to come of all customers whose segment has one; what they bring along as referrals is in it already."""


@dataclass(frozen=True, slots=True)
class PersonaLifetime:
    """The forecast of one segment: orders per customer in the next 52 weeks, and last year's beside it."""

    refused: str = ""
    """Why no value is told; the orders may still be known."""
    orders: Estimate | None = None
    naive_orders: float | None = None
    hold_out: HoldOut | None = None
    correlation: float | None = None
    """Between number and value of repeat purchases; beyond 0.3 the model of value does not hold."""
    margin: float | None = None
    """What stays of each unit of revenue, as the value counts it."""


@dataclass(frozen=True, slots=True)
class Whale:
    """Contribution added up over customers, the most profitable first.

    ``points`` are (share of customers, amount added up) from (0, 0) to (1, total); ``peak`` the highest amount, reached
    at ``peak_at``; ``top_fifth`` the amount of the most profitable 20%. ``mix`` holds for each tenth of the customers
    the share of each segment of ``segments``.
    """

    points: tuple[tuple[float, float], ...]
    total: float
    peak: float
    peak_at: float
    top_fifth: float
    losing: int
    losing_total: float
    segments: tuple[int, ...]
    mix: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Customers of one group with a negative contribution, and what took it.

    ``causes`` are (name, amount) of all costs of these customers in the window, the largest first; ``counts`` how
    many customers have each as their largest one. ``not_earned_back`` customers contribute, but less than it cost to
    win them in the window.
    """

    customers: int
    share: Estimate
    total: float
    causes: tuple[tuple[str, float], ...]
    counts: tuple[tuple[str, int], ...]
    not_earned_back: int | None = None
    not_earned_back_total: float | None = None

    @property
    def cause(self) -> str:
        """The largest cost of these customers."""
        return self.causes[0][0] if self.causes else ""


@dataclass(frozen=True, slots=True)
class ChannelMove:
    """What moving all service of a group to one channel changes, per customer and year and in total for the window."""

    channel: str
    minute_cost: float
    tickets: int
    minutes: float
    gain: Estimate
    total: float
    contribution: float | None
    """Per customer and year after the move."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The place of a segment when there is time for one: by what is at stake, never by reach.

    ``rank`` is shared by segments whose intervals overlap with the first of the rank. ``floor`` says that nothing is at
    stake in money: then the promise that holds for everybody applies.
    """

    segment: int
    rank: int
    at_stake: Estimate
    floor: bool
    tickets: Estimate | None = None
    minutes: Estimate | None = None
    reach: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two categories in one order. ``support`` is the share of orders with both, ``lift`` against independence."""

    first: str
    second: str
    orders: int
    support: Estimate
    lift: Estimate
    margin: float | None
    """Mean gross margin of the second category in an order that holds it, None where its costs are unknown."""


@dataclass(frozen=True, slots=True)
class SecondPurchase:
    """Who came back after the first order. ``returned`` within ``days``, ``median_days`` until then."""

    days: int
    first_timers: int
    """Customers who have ordered once until now."""
    returned: Estimate | None
    median_days: float | None
    followed_by: tuple[tuple[str, str, float], ...] = ()
    """(category of the first order, most frequent one of the second, share of the second orders)."""


@dataclass(frozen=True, slots=True)
class TestPlan:
    """How to find out whether an action works: orders per customer, treated against not.

    ``worth_seeing`` extra orders per customer and year are a tenth of today's, or what pays for the action if that is
    more; ``pays`` is the latter, None where a cost is unknown. ``visible`` is the smallest effect that ``per_arm``
    customers show in ``weeks`` (two-sided 5%, power 80%).
    """

    worth_seeing: float
    pays: float | None
    visible: float
    per_arm: int
    weeks: int
    too_small: bool

    __test__ = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test of an action found in the orders after it: treated less control, everybody counted as assigned.

    ``orders`` extra orders and ``money`` extra money per customer and year, before the cost of the action; ``level``
    names the money (revenue, gross margin or contribution). ``cost`` of the action per treated customer and year,
    ``roi`` = (money - cost) / cost; None where unknown.
    """

    name: str
    action: str
    started: date
    days: int
    treated: int
    control: int
    orders: Estimate
    money: Estimate | None = None
    level: str = ""
    cost: float | None = None
    roi: Estimate | None = None

    @property
    def worked(self) -> bool:
        """Whether more orders came, beyond chance."""
        return self.orders.low > 0

    @property
    def harmed(self) -> bool:
        """Whether fewer orders came, beyond chance."""
        return self.orders.high < 0


@dataclass(frozen=True, slots=True)
class RfmCell:
    """Customers of one of the eleven RFM segments who belong to one of ours (-1: to any).

    ``money`` per customer and year at the deepest level that is known, None below 30 customers or without amounts.
    """

    name: str
    segment: int
    customers: int
    money: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Referrals:
    """What customers of one group brought along in the window (method 9.12). Never added to lifetime value.

    ``brought`` customers by ``referrers`` of the group; ``value`` per customer of the group: lifetime value of those
    who would not have come otherwise, and the cost of winning that was saved for those who would.
    """

    referrers: int
    brought: int
    value: Estimate | None = None

    def scaled(self, by: float) -> Referrals:
        """The counts of a sample scaled up to all; the value is per customer and stays."""
        return replace(self, referrers=round(by * self.referrers), brought=round(by * self.brought))


@dataclass(frozen=True, slots=True)
class Quadrants:
    """Value against influence, both cut at the median of all customers whose influence is known.

    ``shares`` holds by segment (-1: everyone) the known customers and the shares of high value and high influence, high
    value and low, low and high, low and low. Influence is never turned into money.
    """

    value: str
    influence: str
    value_cut: float
    influence_cut: float
    known: float
    shares: tuple[tuple[int, int, tuple[float, float, float, float]], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A difference of a descriptor that did not form the segments (method 9.4).

    ``effect`` is Cliff's delta with an interval that holds for all claims at once and includes the uncertainty of the
    segments; ``p`` the permutation p-value adjusted by Holm over every pair that was examined.
    """

    feature: str
    level: str | None
    effect: Estimate
    p: float

    @property
    def holds(self) -> bool:
        """Whether the difference may be told."""
        return self.p <= 0.05 and (self.effect.low > 0 or self.effect.high < 0)


@dataclass(frozen=True, slots=True)
class Branch:
    """One segment at one k: the customers who were clustered, their money in the window, its share of all of theirs.

    ``money`` is the deepest component of the ledger that is known (``what``); ``share`` is None where the total is not
    positive.
    """

    k: int
    segment: int
    customers: int
    what: str
    money: float
    share: float | None
    stage: str = ""
    """The stage inside which these k were tried; empty: among all customers."""
