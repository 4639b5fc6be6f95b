"""Days that are written in another calendar or as a number; read when declared, never guessed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from personas.sources.zones import Zones

EPOCH = {"epoch_s": 1, "epoch_ms": 1000}
FIRST, LAST = date(1900, 3, 1), date(2250, 12, 31)
_JALALI_BREAKS = (
    -61, 9, 38, 199, 426, 686, 756, 818, 1111, 1181, 1210, 1635, 2060, 2097, 2192, 2262, 2324, 2394, 2456, 3178,
)  # fmt: skip
"""Years in which the cycle of Jalali leap years changes (Borkowski 1996, The Persian calendar for 3000 years)."""


def of_serial(text: str) -> date | None:
    """The day that a spreadsheet counts from 1900; the 29 February 1900 that never was is none.

    >>> of_serial("45383"), of_serial("60")
    (datetime.date(2024, 4, 1), None)
    """
    if not re.fullmatch(r"\d{1,6}(?:\.\d+)?", text):
        return None
    day = date(1899, 12, 30) + timedelta(days=int(float(text)))
    return day if FIRST <= day <= LAST else None


def of_epoch(text: str, unit: str, zones: Zones) -> date | None:
    """The day of a number of seconds or milliseconds since 1970, in the zone of the study, else in UTC.

    >>> of_epoch("1777629600", "epoch_s", Zones())
    datetime.date(2026, 5, 1)
    """
    if not re.fullmatch(r"\d{8,13}(?:\.\d+)?", text):
        return None
    seconds = float(text) / EPOCH[unit]
    if not 10**8 <= seconds < 8 * 10**9:
        return None
    return datetime.fromtimestamp(seconds, ZoneInfo(zones.study) if zones.study else UTC).date()


def of_calendar(calendar: str, year: int, month: int, day: int) -> date | None:
    """The common day of a day in the Buddhist, Minguo or Jalali calendar.

    >>> of_calendar("buddhist", 2569, 5, 1), of_calendar("minguo", 115, 5, 1), of_calendar("jalali", 1403, 1, 1)
    (datetime.date(2026, 5, 1), datetime.date(2026, 5, 1), datetime.date(2024, 3, 20))
    """
    if calendar == "buddhist":
        return date(year - 543, month, day) if 2400 <= year <= 2700 else None
    if calendar == "minguo":
        return date(year + 1911, month, day) if 1 <= year <= 200 else None
    if not (1300 <= year <= 1500 and 1 <= month <= 12 and 1 <= day <= (31 if month <= 6 else 30)):
        return None
    start, leap = _jalali_year(year)
    if month == 12 and day == 30 and not leap:
        return None
    return start + timedelta(days=(month - 1) * 31 - month // 7 * (month - 7) + day - 1)


def _jalali_year(year: int) -> tuple[date, bool]:
    """The common day of 1 Farvardin, and whether the year is a leap year."""
    leaps, before, jump = -14, _JALALI_BREAKS[0], 0
    for after in _JALALI_BREAKS[1:]:
        jump = after - before
        if year < after:
            break
        leaps += jump // 33 * 8 + jump % 33 // 4
        before = after
    passed = year - before
    leaps += passed // 33 * 8 + (passed % 33 + 3) // 4
    if jump % 33 == 4 and jump - passed == 4:
        leaps += 1
    common = year + 621
    march = 20 + leaps - (common // 4 - (common // 100 + 1) * 3 // 4 - 150)
    if jump - passed < 6:
        passed = passed - jump + (jump + 4) // 33 * 33
    rest = ((passed + 1) % 33 - 1) % 4
    return date(common, 3, march), rest == 0
