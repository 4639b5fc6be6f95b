"""The part of the configuration that is about money: what serving costs, margins, how RFM is cut."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from personas.sourceconfig import Part

OTHERS = "others"
"""In a table of margins: every category that is not named."""
Margin = Annotated[float, Field(ge=-1, le=1)]
Cuts = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]


class WhatIfConfig(Part):
    """Moving all service to one channel."""

    service_channel: str = Field(min_length=1)
    """The channel that everybody would be served by, as the tickets name it."""
    minute_cost: float | None = Field(default=None, ge=0, le=10_000)
    """Cost of one minute there. Without it: the channel's price in service_minute_cost."""
    minutes_factor: float = Field(default=1, gt=0, le=10)
    """Minutes that a case takes there, as a multiple of today's."""


class EconomicsConfig(Part):
    """What serving a customer costs. What is not given stays unknown; nothing is taken for zero."""

    margin_rate: Margin | dict[str, Margin] | None = None
    """Gross margin as a share of revenue where products have no cost: one figure, or one for each category of the order
    lines, with ``others`` for every category that is not named."""
    service_minute_cost: float | dict[str, float] | None = None
    """Cost of one minute of service, one figure or one per ticket channel."""
    return_cost: float | None = Field(default=None, ge=0)
    """Handling cost of one returned order."""
    marketing_cost_per_customer: float | None = Field(default=None, ge=0)
    """Marketing cost per customer and year."""
    acquisition_cost: float | dict[str, float] | None = None
    """Cost of winning a customer where the customers file has none, one figure or one per ``acquired_channel``."""
    action_cost_per_customer: float | None = Field(default=None, ge=0)
    """Cost of one action per customer and year, such as a letter. Without it: the marketing cost."""
    what_if: WhatIfConfig | None = None
    """A change of service whose gain is worked out for every persona."""
    service_floor_days: int = Field(default=2, ge=1, le=60)
    """Working days within which everybody is answered, whatever is at stake."""
    contracts: bool = False
    """Customers pay by contract: lifetime value from orders does not apply."""
    lifetime_months: int = Field(default=36, ge=1, le=120)
    """Months ahead over which lifetime value counts."""
    discount_rate: float = Field(default=0.10, ge=0, le=1)
    """Discount rate a year of money to come."""

    @field_validator("margin_rate", mode="after")
    @classmethod
    def _whole_table(cls, value: float | dict[str, float] | None) -> float | dict[str, float] | None:
        if isinstance(value, dict):
            twice = sorted({name for name in value if [other.lower() for other in value].count(name.lower()) > 1})
            if twice:
                raise ValueError(f"{', '.join(twice)} are the same category: capital and small letters count alike")
            if OTHERS not in value:
                raise ValueError(
                    f"say what the categories leave that are not named, such as {OTHERS}: 0.40. Nothing is taken for 0"
                )
        return value

    @field_validator("service_minute_cost", mode="after")
    @classmethod
    def _not_negative(cls, value: float | dict[str, float] | None) -> float | dict[str, float] | None:
        if not _between(value, 10_000):
            raise ValueError("a minute costs 0 or more (and less than 10,000)")
        return value

    @field_validator("acquisition_cost", mode="after")
    @classmethod
    def _no_gain(cls, value: float | dict[str, float] | None) -> float | dict[str, float] | None:
        if not _between(value, 1_000_000):
            raise ValueError("winning a customer costs 0 or more (and at most 1,000,000)")
        return value


def _between(value: float | dict[str, float] | None, most: float) -> bool:
    """Whether a cost, or every cost of a table, lies from 0 to ``most``."""
    costs = value.values() if isinstance(value, dict) else [] if value is None else [value]
    return all(0 <= cost <= most for cost in costs)


class RfmConfig(Part):
    """Where recency, frequency and money are cut into the scores 1 to 5 of the eleven RFM names."""

    cut: Literal["quantile", "natural", "fixed"] = "quantile"
    """``quantile``: fifths of the customers; ``natural``: the five classes of log(1 + x) with the least spread inside
    (Fisher 1958); ``fixed``: the numbers below."""
    recency_days: Cuts | None = None
    """At most so many days since the last order for the scores 5, 4, 3 and 2, such as [30, 90, 180, 365]."""
    orders_per_year: Cuts | None = None
    """At least so many orders a year for the scores 2, 3, 4 and 5."""
    money_per_year: Cuts | None = None
    """At least so much spent a year for the scores 2, 3, 4 and 5."""

    @model_validator(mode="after")
    def _cuts_where_they_count(self) -> Self:
        given = {name: getattr(self, name) for name in ("recency_days", "orders_per_year", "money_per_year")}
        if self.cut != "fixed":
            if any(cuts is not None for cuts in given.values()):
                raise ValueError("cuts count only with cut: fixed")
            return self
        missing = [name for name, cuts in given.items() if cuts is None]
        if missing:
            raise ValueError(f"cut: fixed needs four numbers for {', '.join(missing)}")
        falling = [name for name, cuts in given.items() if cuts is not None and list(cuts) != sorted(set(cuts))]
        if falling:
            raise ValueError(f"write the four numbers of {', '.join(falling)} from the smallest to the largest")
        return self
