"""The days of the year towards which people buy, and the spans of days before them."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from personas.config import Occasion

BLACK_FRIDAY = "Black Friday"
DEFAULT = (
    Occasion(name="Valentine's Day", month=2, day=14),
    Occasion(name="Mother's Day", month=5, weekday=6, nth=2),
    Occasion(name=BLACK_FRIDAY, month=11, weekday=3, nth=4),
    Occasion(name="Christmas", month=12, day=25),
)


def day_of(occasion: Occasion, year: int) -> date | None:
    """The day of an occasion in a year, or None where the year has no such day (29 February, a fifth Monday).

    The built-in Black Friday is the day after the fourth Thursday, which is not always the fourth Friday.

    >>> day_of(DEFAULT[1], 2026), day_of(DEFAULT[2], 2024)
    (datetime.date(2026, 5, 10), datetime.date(2024, 11, 29))
    """
    days = monthrange(year, occasion.month)[1]
    if occasion.day is not None:
        return date(year, occasion.month, occasion.day) if occasion.day <= days else None
    matching = [day for day in range(1, days + 1) if date(year, occasion.month, day).weekday() == occasion.weekday]
    nth = occasion.nth
    if nth is None or nth > len(matching):
        return None
    found = date(year, occasion.month, matching[nth - 1 if nth > 0 else nth])
    return found + timedelta(days=1) if occasion in DEFAULT and occasion.name == BLACK_FRIDAY else found


def spans(
    occasions: Sequence[Occasion] | None, days: int, start: date, end: date
) -> tuple[tuple[date, date], ...]:
    """First and last day of each span of ``days`` days that ends with an occasion and touches [start, end), merged.

    ``None`` stands for the built-in occasions.

    >>> spans((DEFAULT[0],), 14, date(2026, 1, 1), date(2026, 12, 31))
    ((datetime.date(2026, 2, 1), datetime.date(2026, 2, 14)),)
    """
    found = []
    for year in range(start.year, end.year + 2):
        for occasion in DEFAULT if occasions is None else occasions:
            last = day_of(occasion, year)
            if last is not None and last >= start and last - timedelta(days=days - 1) < end:
                found.append((last - timedelta(days=days - 1), last))
    merged: list[tuple[date, date]] = []
    for first, last in sorted(found):
        if merged and first <= merged[-1][1] + timedelta(days=1):
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def words(occasions: Sequence[Occasion] | None) -> str:
    """The occasions by name: ``Valentine's Day, Mother's Day, Black Friday or Christmas``."""
    names = [occasion.name for occasion in (DEFAULT if occasions is None else occasions)]
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
