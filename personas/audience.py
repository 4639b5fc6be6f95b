"""Audiences: named parts of the customers, as conditions on columns and features; never SQL."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

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
