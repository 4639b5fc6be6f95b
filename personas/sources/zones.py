"""Days in the zone of the shop, from times in another one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*([AaPp][Mm])?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$")


@dataclass(frozen=True, slots=True)
class Zones:
    """The zone of the study, and the zone of times that carry no offset."""

    study: str = ""
    source: str = ""


AS_WRITTEN = Zones()
"""No zone at all: a day is the day that is written."""


def day_in_zone(day: date, clock: str, zones: Zones) -> date:
    """The day in the study's zone of a time; without an offset and a zone of the source the day stays as written.

    Times that a change of the clocks skips move forward, times that come twice are the later ones (winter).
    """
    found = _CLOCK.search(clock)
    offset = found[5] if found else None
    if not found or not zones.study or (offset is None and not zones.source):
        return day
    hour = int(found[1]) % 12 + (12 if found[4].lower() == "pm" else 0) if found[4] else int(found[1])
    if hour > 23 or int(found[2]) > 59:
        return day
    moment = datetime.combine(day, time(hour, int(found[2]), min(int(found[3] or 0), 59), fold=1))
    return moment.replace(tzinfo=_zone(offset, zones.source)).astimezone(ZoneInfo(zones.study)).date()


def _zone(offset: str | None, source: str) -> ZoneInfo | timezone:
    if offset is None:
        return ZoneInfo(source)
    if offset in ("Z", "UTC", "GMT"):
        return UTC
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]) % 24, minutes=int(digits[2:]) % 60))
