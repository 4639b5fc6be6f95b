"""The days of a study: configured, or from the first order to the day after the last; never today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from personas.config import Config
from personas.engines.engine import Engine
from personas.engines.portable import quoted
from personas.errors import InputError
from personas.sources.load import Loaded

EARLIEST = date(1990, 1, 1)
"""Orders before this day are mistakes."""
DEFAULT_WINDOW = 365
"""Window of a study without orders."""
LONGEST_SILENCE = 366
"""Days of silence before the last order day after which that day must be a mistake or be confirmed."""


@dataclass(frozen=True, slots=True)
class Window:
    """The days of the study: from ``start`` up to, but not including, ``snapshot``."""

    snapshot: date
    days: int

    @property
    def start(self) -> date:
        """First day of the window."""
        return self.snapshot - timedelta(days=self.days)


def day_literal(day: date) -> str:
    """A day as portable SQL."""
    return f"DATE '{day.isoformat()}'"


def dated_cases(column: str, window: Window) -> str:
    """The WHEN branches for days that cannot be used."""
    return f"""WHEN {column} IS NULL THEN 'undated'
            WHEN {column} < {day_literal(EARLIEST)} THEN 'implausible-day'
            WHEN {column} >= {day_literal(window.snapshot)} THEN 'after-snapshot'"""


def window_cases(column: str, window: Window) -> str:
    """The last branches: inside the window or before it."""
    return f"""WHEN {column} < {day_literal(window.start)} THEN 'before-window'
            ELSE 'used'"""


def find_window(engine: Engine, config: Config, loaded: Mapping[str, Loaded]) -> Window:
    """The days of the study: configured, else from the first order to the day after the last."""
    source = loaded.get("orders") or loaded.get("order_lines")
    days = _order_days(engine, source) if source else []
    snapshot = config.study.snapshot_date
    if snapshot is None and source and not days:
        raise InputError(
            f"{source.raw.label}: not one order has both a customer and a day from {EARLIEST} on "
            "(cancelled ones not counted). Map the right columns"
        )
    if snapshot is None and days:
        _refuse_lonely_day(days)
        snapshot = days[-1] + timedelta(days=1)
    if snapshot is None:
        dated = sorted(f"{name}.{column}" for name, item in loaded.items() for column in _day_columns(item))
        needed = f" and {', '.join(dated)} {'need' if len(dated) > 1 else 'needs'} one" if dated else ""
        raise InputError(
            f"there are no orders, so the files do not say of which day they are{needed}. Write study.snapshot_date: "
            "the day the data stand for, such as 2026-11-01"
        )
    inside = [day for day in days if day < snapshot]
    if days and not inside:
        raise InputError(
            f"every order is on or after study.snapshot_date {snapshot}: the first is of {days[0]}. Write a later day"
        )
    width = config.study.window_days or ((snapshot - inside[0]).days if inside else DEFAULT_WINDOW)
    return Window(snapshot, width)


def _day_columns(item: Loaded) -> list[str]:
    return [column.name for column in item.plan.columns if column.kind == "day" or column.name == "birth_year"]


def _order_days(engine: Engine, source: Loaded) -> list[date]:
    """The days on which anybody ordered, in order; implausible ones and cancelled orders left out."""
    cancelled = "AND COALESCE(LOWER(kind), 'sale') <> 'cancelled'" if source.has("kind") else ""
    sql = f"""
        SELECT ordered_on
        FROM {quoted(source.table.name)}
        WHERE ordered_on >= {day_literal(EARLIEST)} AND customer_id IS NOT NULL {cancelled}
        GROUP BY ordered_on
        ORDER BY ordered_on NULLS LAST
    """
    if not source.has("ordered_on", "customer_id"):
        return []
    return [row["ordered_on"] for row in engine.fetch(sql, 200_000).to_pylist()]


def _refuse_lonely_day(days: Sequence[date]) -> None:
    """A last day far behind all others is a typing mistake that would shift every count of days."""
    if len(days) >= 30 and (days[-1] - days[-2]).days > LONGEST_SILENCE:
        raise InputError(
            f"the last order is of {days[-1]}, {(days[-1] - days[-2]).days:,} days after the one before it. Write "
            f"study.snapshot_date: {days[-2] + timedelta(days=1)} if it is a mistake, else "
            f"{days[-1] + timedelta(days=1)}"
        )
