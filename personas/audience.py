"""Audiences: named parts of the customers, as conditions on columns and features; never SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from personas.errors import did_you_mean
from personas.sourceconfig import Part

Value = bool | int | float | date | str


class Condition(Part):
    """One condition, or several joined by ``all``, ``any`` or ``no``.

    A condition names a ``column`` of the customers (region, created_on), a feature (revenue_per_year) or, with
    ``table``, a column of their orders, order lines or tickets, and says which values count: ``is``, ``is_not``,
    ``from`` (included), ``to`` (included), ``below`` (not included) or ``known``. With a table, ``times`` rows at least
    must fit.
    """

    column: str | None = Field(default=None, max_length=120)
    table: Literal["customers", "orders", "order_lines", "tickets"] = "customers"
    is_: tuple[Value, ...] | Value | None = Field(default=None, alias="is")
    is_not: tuple[Value, ...] | Value | None = None
    from_: Value | None = Field(default=None, alias="from")
    to: Value | None = None
    below: Value | None = None
    known: bool | None = None
    times: int = Field(default=1, ge=1, le=1_000_000)
    all: tuple[Condition, ...] = Field(default=(), max_length=50)
    any: tuple[Condition, ...] = Field(default=(), max_length=50)
    no: tuple[Condition, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        tests = [self.is_, self.is_not, self.from_, self.to, self.below, self.known]
        tested = sum(value is not None for value in tests)
        joined = sum(bool(part) for part in (self.all, self.any, self.no))
        if joined + (self.column is not None) != 1:
            raise ValueError("give either a column, or one of: all, any, no")
        if self.column is not None and not tested:
            raise ValueError("say which values count: is, is_not, from, to, below or known")
        return self


class Audience(Part):
    """A named part of the customers: those for whom all conditions hold."""

    label: str | None = Field(default=None, max_length=120)
    where: tuple[Condition, ...] = Field(min_length=1, max_length=50)


Rule = float | str | tuple[str | int, ...]
"""Who is kept apart: the top share by revenue, the name of an audience, or customer numbers."""


def check_rules(rules: Mapping[str, Rule], audiences: Collection[str], *, hashed: bool) -> None:
    """Raise ValueError for a share, an audience or a list that makes no sense."""
    for name, rule in rules.items():
        where = f"segmentation.rules.{name}"
        if isinstance(rule, float) and not 0 < rule <= 0.5:
            raise ValueError(f"{where}: {rule:g} is no share. Write a top share by revenue: 0.01, at most 0.5")
        if isinstance(rule, str) and rule not in audiences:
            known = ", ".join(audiences) or "none"
            near = did_you_mean(rule, list(audiences))
            raise ValueError(f"{where}: there is no audience '{rule}'. {near} Known: {known}".replace("  ", " "))
        if isinstance(rule, tuple) and hashed:
            raise ValueError(f"{where}: customer numbers are hashed (study.hash_ids_with). Name an audience instead")
        if isinstance(rule, tuple) and not rule:
            raise ValueError(f"{where}: the list of customer numbers is empty. Leave the rule out")
