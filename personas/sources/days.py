"""The grammar of days: year-month-day as it stands; day-month and month-day only when a value proves the order.

Method: ingest.md 2. A time of day and an offset may follow; without a time zone of the study the calendar day is taken
as written. Calendars, years of two digits, and days as numbers are read when they are declared, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from personas.sources.calendars import EPOCH, of_calendar, of_epoch, of_serial
from personas.sources.numbers import Reading, example_of, fold_digits, is_missing
from personas.sources.zones import AS_WRITTEN, Zones, day_in_zone

_TIME = (
    r"(?P<time>(?:[T ]\s*|, | - )\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s*[AaPp][Mm])?"
    r"(?:\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
)
_YEAR = r"(\d{4}|\d{2}(?!\d))"
_YMD = re.compile(rf"(\d{{4}})(?P<mark>[-/.])(\d{{1,2}})(?P=mark)(\d{{1,2}}){_TIME}")
_COMPACT = re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}}){_TIME}")
_TWO_FIRST = re.compile(rf"(\d{{1,2}})(?P<mark>[-/. ])(\d{{1,2}})(?P=mark){_YEAR}{_TIME}")
_WORD = r"([^\W\d_]{3,12})\.?"
_NAMED = re.compile(
    rf"(?:[^\W\d_]{{3,10}}\.?, )?(?:(\d{{1,2}})[-. ]+(?:de )?{_WORD}|{_WORD}[- ]+(\d{{1,2}}),?)"
    rf"[-. ]+(?:de )?{_YEAR}{_TIME}"
)
_SHORT_YMD = re.compile(rf"(\d{{1,3}})(?P<mark>[-/.])(\d{{1,2}})(?P=mark)(\d{{1,2}}){_TIME}")
MONTHS = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
)
"""Names of months by language: en, de, fr, es, it, nl, pt, tr."""
EARLIEST, LATEST = 1800, 2250
"""Years of the calendar that is meant; other calendars write other numbers and are never guessed."""


@dataclass(frozen=True, slots=True)
class DayGrammar:
    """How days are written: order, digits of the year, calendar, and zones."""

    order: str = "auto"
    short_years: bool = False
    calendar: str = "common"
    zones: Zones = AS_WRITTEN


def _day(year: str, month: str | int, day: str, grammar: DayGrammar | None = None) -> date | None:
    number = int(year)
    if len(year) == 2:
        if grammar is None or not grammar.short_years:
            return None
        number += 1900 if number >= 70 else 2000
    try:
        if grammar is not None and grammar.calendar != "common":
            return of_calendar(grammar.calendar, number, int(month), int(day))
        return date(number, int(month), int(day)) if EARLIEST <= number <= LATEST else None
    except ValueError:
        return None


@cache
def month_of(word: str) -> int | None:
    """The month of a name, or of the first three or more letters of one, when these mean one month only.

    >>> month_of("Sept"), month_of("août"), month_of("jui")
    (9, 8, None)
    """
    folded = word.casefold()
    found = {
        number
        for names in MONTHS
        for number, name in enumerate(names.split(), 1)
        if name == folded or (name.startswith(folded) and len(folded) >= 3)
    }
    exact = {number for names in MONTHS for number, name in enumerate(names.split(), 1) if name == folded}
    chosen = exact or found
    return next(iter(chosen)) if len(chosen) == 1 else None


def parse_day(text: str, order: str, grammar: DayGrammar | None = None) -> date | None:
    """The day that a text is under one order (``ymd dmy mdy serial epoch_s epoch_ms``), or None.

    >>> parse_day("03/04/2024", "dmy"), parse_day("19970101", "ymd"), parse_day("2023-02-29", "ymd")
    (datetime.date(2024, 4, 3), datetime.date(1997, 1, 1), None)
    """
    found = _found(text.strip(), order, grammar)
    if found is None:
        return None
    day, time = found
    zones = grammar.zones if grammar else Zones()
    return day_in_zone(day, time, zones) if time and zones.study else day


def _found(body: str, order: str, grammar: DayGrammar | None) -> tuple[date, str] | None:
    """The day as written, and the time of day after it."""
    day: date | None = None
    time = ""
    if order == "serial":
        return (day, "") if (day := of_serial(body)) else None
    if order in EPOCH:
        return (day, "") if (day := of_epoch(body, order, grammar.zones if grammar else Zones())) else None
    if order == "ymd":
        found = _YMD.fullmatch(body)
        if found is None and grammar is not None and grammar.calendar == "minguo":
            found = _SHORT_YMD.fullmatch(body)
        if found:
            day, time = _day(found[1], found[3], found[4], grammar), found["time"]
        elif found := _COMPACT.fullmatch(body):
            day, time = _day(found[1], found[2], found[3], grammar), found["time"]
    elif found := _TWO_FIRST.fullmatch(body):
        first, second = (found[1], found[3]) if order == "dmy" else (found[3], found[1])
        day, time = _day(found[4], second, first, grammar), found["time"]
    elif found := _NAMED.fullmatch(body):
        month = month_of(found[2] or found[3])
        day, time = (_day(found[5], month, found[1] or found[4], grammar) if month else None), found["time"]
    return (day, time or "") if day else None


def read_days(texts: Sequence[str], grammar: DayGrammar | str) -> Reading:
    """What the distinct texts of a column of days mean."""
    grammar = DayGrammar(grammar) if isinstance(grammar, str) else grammar
    folded = [fold_digits(text).strip() for text in texts]
    known = [i for i, text in enumerate(folded) if not is_missing(text)]
    orders = ["ymd", "dmy", "mdy"] if grammar.order == "auto" else [grammar.order]
    # A single ISO day must not be taken for day-month; but names of months and ISO may follow any declared order.
    parsed = {name: [parse_day(text, name, grammar) for text in folded] for name in orders}
    chosen, proof, question = _choose(parsed, known, texts)
    if question:
        return Reading([], [], question=question)
    values: list[object] = [None if is_missing(text) else parsed[chosen][i] for i, text in enumerate(folded)]
    failed = [i for i in known if values[i] is None]
    if question := _question_of_failed([folded[i] for i in failed], len(known), grammar):
        return Reading([], [], question=question)
    return Reading(values, failed, proof, _notes([folded[i] for i in known], chosen, grammar))


def _notes(known: list[str], chosen: str, grammar: DayGrammar) -> tuple[str, ...]:
    """What a person should know about how days were read."""
    notes = []
    offsets = [text for text in known[:1000] if re.search(r":\d{2}.*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$", text)]
    if grammar.zones.study:
        moved = sum(_moved(text, chosen, grammar) for text in known)
        if moved:
            notes.append(
                f"times are those of {grammar.zones.study}: {moved:,} different times fall on another day there"
            )
    elif offsets:
        notes.append("times with an offset: the day is taken as written")
    if grammar.short_years:
        notes.append("years of two digits: 70 to 99 are 1970 to 1999, others 2000 to 2069")
    if grammar.calendar != "common":
        notes.append(f"days of the {grammar.calendar} calendar")
    return tuple(notes)


def _moved(text: str, order: str, grammar: DayGrammar) -> bool:
    found = _found(text, order, grammar)
    return bool(found and found[1] and day_in_zone(found[0], found[1], grammar.zones) != found[0])


def _question_of_failed(failed: list[str], known: int, grammar: DayGrammar) -> str:
    """The question that texts which are no days raise, or nothing."""
    if not failed:
        return ""
    if grammar.order == "auto" and len(failed) * 2 > known:
        if all(re.fullmatch(r"[2-7]\d{4}(?:\.\d+)?", text) for text in failed):
            return (
                f"numbers such as {failed[0]!r} may be days as a spreadsheet counts them. Write "
                f"sources.{{source}}.dates: serial"
            )
        if all(re.fullmatch(r"\d{9,10}(?:\.\d+)?", text) for text in failed):
            return f"numbers such as {failed[0]!r} may be seconds since 1970. Write sources.{{source}}.dates: epoch_s"
        if all(re.fullmatch(r"\d{12,13}", text) for text in failed):
            return (
                f"numbers such as {failed[0]!r} may be milliseconds since 1970. Write "
                f"sources.{{source}}.dates: epoch_ms"
            )
    if any(_short_year(text) for text in failed) and not grammar.short_years:
        order = "" if grammar.order != "auto" else " and sources.{source}.dates: dmy  (or mdy)"
        return f"years of two digits ({failed[0]!r}). Write sources.{{source}}.years: two{order}"
    if odd := [text for text in failed if _other_calendar(text)]:
        return (
            f"years of another calendar ({odd[0]!r}). Write sources.{{source}}.calendar: buddhist  (or jalali, minguo)"
        )
    return ""


def _short_year(text: str) -> bool:
    found = _TWO_FIRST.fullmatch(text)
    named = _NAMED.fullmatch(text)
    return bool((found and len(found[4]) == 2) or (named and len(named[5]) == 2))


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
        way_out = "Write sources.{source}.dates: dmy  (or mdy)"
        return "", "", f"all values fit both day-month and month-day ({example!r}). {way_out}"
    return "dmy", "", ""


def _other_calendar(text: str) -> bool:
    if re.match(r"1\d\d[-/.]\d{1,2}[-/.]\d{1,2}\b", text):
        return True
    years = [int(year) for year in re.findall(r"(?<!\d)\d{4}(?!\d)", text)]
    return any(1300 <= year <= 1500 or 2400 <= year <= 2700 for year in years)
