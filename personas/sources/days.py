"""The grammar of days: year-month-day as it stands; day-month and month-day only when a value proves the order.

Method: ingest.md 2. A time of day and an offset may follow; the calendar day is taken as written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from personas.sources.numbers import Reading, example_of, fold_digits, is_missing

_TIME = r"(?:[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s*[AaPp][Mm])?(?:\s*(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?"
_YMD = re.compile(rf"(\d{{4}})(?P<mark>[-/.])(\d{{1,2}})(?P=mark)(\d{{1,2}}){_TIME}")
_COMPACT = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_TIME}")
_TWO_FIRST = re.compile(rf"(\d{{1,2}})(?P<mark>[-/. ])(\d{{1,2}})(?P=mark)(\d{{4}}){_TIME}")
_NAMED = re.compile(
    rf"(?:(\d{{1,2}})[-. ]+([A-Za-z]{{3,9}})\.?|([A-Za-z]{{3,9}})\.?\s+(\d{{1,2}}),?)[-. ]+(\d{{4}}){_TIME}"
)
_SHORT_YEAR = re.compile(rf"\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2}}{_TIME}")
_MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12,
}  # fmt: skip
EARLIEST, LATEST = 1800, 2250
"""Years of the calendar that is meant; other calendars write other numbers and are never guessed."""


def _day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day)) if EARLIEST <= int(year) <= LATEST else None
    except ValueError:
        return None


def parse_day(text: str, order: str) -> date | None:
    """The day that a text is under one order (``ymd``, ``dmy`` or ``mdy``), or None.

    >>> parse_day("03/04/2024", "dmy"), parse_day("19970101", "ymd"), parse_day("2023-02-29", "ymd")
    (datetime.date(2024, 4, 3), datetime.date(1997, 1, 1), None)
    """
    body = text.strip()
    if order == "ymd":
        if found := _YMD.fullmatch(body):
            return _day(found[1], found[3], found[4])
        found = _COMPACT.fullmatch(body)
        return _day(found[1], found[2], found[3]) if found else None
    if found := _TWO_FIRST.fullmatch(body):
        day, month = (found[1], found[3]) if order == "dmy" else (found[3], found[1])
        return _day(found[4], month, day)
    if found := _NAMED.fullmatch(body):
        word = (found[2] or found[3]).casefold()
        months = [
            number for name, number in _MONTHS.items() if name.startswith(word) and (len(word) == 3 or name == word)
        ]
        return _day(found[5], months[0], found[1] or found[4]) if months else None
    return None


def read_days(texts: Sequence[str], order: str) -> Reading:
    """What the distinct texts of a column of days mean; ``order`` is ``ymd``, ``dmy``, ``mdy`` or ``auto``."""
    folded = [fold_digits(text).strip() for text in texts]
    known = [i for i, text in enumerate(folded) if not is_missing(text)]
    orders = ["ymd", "dmy", "mdy"] if order == "auto" else [order]
    parsed = {name: [parse_day(text, name) for text in folded] for name in orders}
    chosen, proof, question = _choose(parsed, known, texts)
    if question:
        return Reading([], [], question=question)
    values: list[object] = [None if is_missing(text) else parsed[chosen][i] for i, text in enumerate(folded)]
    failed = [i for i in known if values[i] is None]
    if failed and any(_SHORT_YEAR.fullmatch(folded[i]) for i in failed):
        return Reading([], [], question=f"years of two digits ({texts[failed[0]]!r}). Export them with four digits")
    if odd := [i for i in failed if _other_calendar(folded[i])]:
        return Reading(
            [], [], question=f"years of another calendar ({texts[odd[0]]!r}). Export days of the common calendar"
        )
    notes = (
        ("times with an offset: the day is taken as written",)
        if any(re.search(r":\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$", folded[i]) for i in known[:1000])
        else ()
    )
    return Reading(values, failed, proof, notes)


def _choose(parsed: dict[str, list[date | None]], known: list[int], texts: Sequence[str]) -> tuple[str, str, str]:
    """The order that fits, the text that proves it, or the question."""
    if len(parsed) == 1:
        return next(iter(parsed)), "", ""
    fits = {name: sum(days[i] is not None for i in known) for name, days in parsed.items()}
    if fits["ymd"] >= max(fits["dmy"], fits["mdy"]):
        return "ymd", example_of(known, texts) if known else "", ""
    dmy, mdy = parsed["dmy"], parsed["mdy"]
    only_dmy = [i for i in known if dmy[i] is not None and mdy[i] is None]
    only_mdy = [i for i in known if mdy[i] is not None and dmy[i] is None]
    if only_dmy and only_mdy:
        return (
            "",
            "",
            (
                f"day first in {example_of(only_dmy, texts)!r} and month first in {example_of(only_mdy, texts)!r}. "
                "Write all the same way, best as 2026-04-25"
            ),
        )
    if only_dmy or only_mdy:
        return ("dmy" if only_dmy else "mdy"), example_of(only_dmy or only_mdy, texts), ""
    if any(dmy[i] != mdy[i] for i in known):
        example = example_of([i for i in known if dmy[i] != mdy[i]], texts)
        return "", "", f"all values fit both day-month and month-day ({example!r})"
    return "dmy", "", ""


def _other_calendar(text: str) -> bool:
    years = [int(year) for year in re.findall(r"(?<!\d)\d{4}(?!\d)", text)]
    return any(1300 <= year <= 1500 or 2400 <= year <= 2700 for year in years)
