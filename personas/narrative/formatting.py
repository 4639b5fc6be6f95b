"""Numbers, money, shares and days as a reader sees them: two or three digits that carry, the unit never lost.

The writer of the stories, the checker and every page use these functions, so that one figure looks the same everywhere.
All are pure. ``locale`` is a language of the product (``en``, ``th``, ``tr``, ``zh-Hant``, ``vi``, ``fa``); rounding
happens here and nowhere else. A negative figure starts with U+2212.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from personas.estimate import Assumption, Estimate

if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern

MINUS = "\u2212"
_PERSIAN = str.maketrans("0123456789%,.", "۰۱۲۳۴۵۶۷۸۹٪٬٫")
COUNTED = frozenset({"customers", "people", "orders", "tickets", "items", "resamples"})
"""Units that are whole things; a mean of them ("orders/year") is not."""
_UNIT_WORDS = {
    "days": ("day", "days"), "years": ("year", "years"), "months": ("month", "months"),
    "minutes": ("minute", "minutes"), "people": ("person", "people"), "customers": ("customer", "customers"),
    "orders": ("order", "orders"), "tickets": ("ticket", "tickets"), "items": ("item", "items"),
    "brands": ("brand", "brands"),
}  # fmt: skip


@lru_cache(maxsize=16)
def _locale(name: str) -> Locale:
    """The locale of a language; English where it is not known."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@lru_cache(maxsize=256)
def _pattern(kind: str, digits: int, locale: str) -> NumberPattern:
    """The pattern of a language for plain numbers, percent or money, with that many digits after the point."""
    from copy import copy

    loc = _locale(locale)
    found = {"decimal": loc.decimal_formats, "percent": loc.percent_formats, "currency": loc.currency_formats}[kind]
    pattern: NumberPattern = copy(found["standard" if kind == "currency" else None])
    pattern.frac_prec = (digits, digits)
    return pattern


def _decimal(value: float, digits: int, locale: str) -> str:
    """Fixed digits after the point, thousands grouped, minus U+2212, no negative zero."""
    text = _own_digits(_pattern("decimal", digits, locale).apply(abs(value), _locale(locale)), locale)
    return f"{MINUS}{text}" if value < 0 and _some_digit(text) else text


def _some_digit(text: str) -> bool:
    """Whether a printed number is not zero, in any script of digits."""
    return any(ch.isdigit() and int(ch) != 0 for ch in text)


def count(n: float, locale: str = "en") -> str:
    """Exact count with separators.

    >>> count(2621)
    '2,621'
    """
    return _decimal(round(n), 0, locale)


def fixed(value: float, digits: int, locale: str = "en") -> str:
    """A number with that many digits after the point: agreement, silhouette and other indices.

    >>> fixed(0.9, 2), fixed(-0.034, 3)
    ('0.90', '−0.034')
    """
    return _decimal(value, digits, locale)


def number(value: float, locale: str = "en") -> str:
    """Two or three digits that carry, without zeros at the end.

    >>> [number(v) for v in (1234.4, 118.2, 11.43, 6.0, 1.84, 0.94, 0.4, 0.043, -2.25, 0)]
    ['1,234', '118', '11.4', '6', '1.8', '0.94', '0.4', '0.043', '−2.2', '0']
    """
    size = abs(value)
    digits = 0 if size >= 99.95 else 1 if size >= 0.995 else 2 if size >= 0.0995 else 3
    while digits and round(value, digits) == round(value, digits - 1):
        digits -= 1
    return _decimal(value, digits, locale)


def percent(share: float, locale: str = "en", digits: int | None = None) -> str:
    """A share of 0 to 1 as percent: whole, with one decimal below 1% and above 99%.

    >>> [percent(s) for s in (0.213, 0.005, 0.0002, 0.996, 1, 0, -0.12)]
    ['21%', '0.5%', '<0.1%', '99.6%', '100%', '0%', '−12%']
    """
    size = abs(share)
    if digits is None:
        if 0 < size < 0.0005:
            return "<" + _percent(0.001, 1, locale)
        if 0.9995 <= size < 1:
            return ">" + _percent(0.999, 1, locale)
        digits = 1 if 0 < size < 0.00995 or 0.9905 < size < 1 else 0
    return _percent(share, digits, locale)


def _percent(share: float, digits: int, locale: str) -> str:
    text = _own_digits(_pattern("percent", digits, locale).apply(abs(share), _locale(locale)), locale)
    return f"{MINUS}{text}" if share < 0 and _some_digit(text) else text


def money(value: float, currency: str, locale: str = "en", digits: int | None = None) -> str:
    """An amount as it is read: cents below 1, whole below 10,000, then thousands and millions.

    ``digits`` forces that many digits after the point of an amount below 10,000.

    >>> [money(v, "USD") for v in (0.84, 27.3, 1178, 641_234, 5_290_702, -97.2, 999_700)]
    ['$0.84', '$27', '$1,178', '$641k', '$5.29M', '−$97', '$1M']
    """
    if not re.fullmatch("[A-Z]{3}", currency):
        return number(value, locale) if abs(value) < 10_000 else count(value, locale)
    size = abs(value)
    if digits is None and size >= 9_999.5:
        text = _compact_money(size, currency, locale)
    else:
        text = _plain_money(size, currency, locale, (2 if 0 < size < 0.995 else 0) if digits is None else digits)
    return f"{MINUS}{text}" if value < 0 and _some_digit(text) else text


def _plain_money(size: float, currency: str, locale: str, digits: int) -> str:
    pattern = _pattern("currency", digits, locale)
    return _own_digits(pattern.apply(size, _locale(locale), currency=currency, currency_digits=False), locale)


def _compact_money(size: float, currency: str, locale: str) -> str:
    """Thousands with two or three digits, millions with three, in the short form of the language."""
    from babel.numbers import format_compact_currency, get_currency_symbol

    loc = _locale(locale)

    rounded = float(f"{size:.3g}")  # first, or 999,700 would read "$1000k"

    def short(digits: int) -> str:
        return str(format_compact_currency(rounded, currency, locale=loc, fraction_digits=digits))

    whole = sum(ch.isdigit() for ch in short(0))
    text = short({1: 2, 2: 1 if size >= 1_000_000 else 0}.get(whole, 0))
    if get_currency_symbol(currency, locale=loc) not in text or whole > 4:  # no short form: German thousands
        return _plain_money(size, currency, locale, 0)
    return _own_digits(text.replace("K", "k") if locale == "en" else text, locale)


def _own_digits(text: str, locale: str) -> str:
    """Persian digits and signs for Persian, and no invisible direction marks: pages isolate numbers themselves."""
    text = text.replace("\u200e", "").replace("\u200f", "")
    return text.translate(_PERSIAN) if locale.startswith("fa") else text


def day(value: date, locale: str = "en") -> str:
    """A day written out.

    >>> day(date(2026, 10, 31))
    '31 October 2026'
    """
    from babel.dates import format_date

    loc = _locale(locale)
    return _own_digits(format_date(value, "d MMMM y" if loc.language == "en" else "long", locale=loc), locale)


def currency_of(unit: str) -> str | None:
    """The ISO code a unit starts with, or None.

    >>> currency_of("EUR/order"), currency_of("days")
    ('EUR', None)
    """
    head = unit.split("/")[0].split(" ")[0]
    return head if re.fullmatch("[A-Z]{3}", head) else None


def figure(value: float, unit: str, locale: str = "en", digits: int | None = None) -> str:
    """A value in its unit, without the words of the unit: ``$27``, ``97%``, ``11.4``, ``2,621``.

    ``digits`` forces that many digits after the point.

    >>> figure(27.3, "USD/order"), figure(0.97, "share"), figure(11.43, "orders/year"), figure(3000, "people")
    ('$27', '97%', '11.4', '3,000')
    """
    currency = currency_of(unit)
    if currency:
        return money(value, currency, locale, digits)
    if unit == "share":
        return percent(value, locale, None if value in (0, 1) else digits)
    if digits is not None:
        return fixed(value, digits, locale)
    if unit in COUNTED and (abs(value) >= 10 or value == round(value)):
        return count(value, locale)
    if unit in {"days", "years"} and abs(value) >= 9.5:
        return count(value, locale)
    return number(value, locale)


def show(estimate: Estimate | None, locale: str = "en", unknown: str = "unknown") -> str:
    """The value of an estimate in its unit; ``unknown`` where there is none, never 0. Beside its interval: ``ranged``.

    >>> from personas.estimate import exact
    >>> show(exact(0.974, "share", 10)), show(None)
    ('97%', 'unknown')
    """
    return unknown if estimate is None else figure(estimate.value, estimate.unit, locale)


def ranged(estimate: Estimate | None, locale: str = "en", unknown: str = "unknown") -> tuple[str, str]:
    """The value of an estimate and its interval, equally precise, so that the one lies within the other.

    >>> ranged(Estimate(10.6, 10.5, 10.7, "orders", 9, "delta")), ranged(None)
    (('10.6', '10.5 to 10.7'), ('unknown', ''))
    """
    if estimate is None:
        return unknown, ""
    text = figure(estimate.value, estimate.unit, locale, shared_digits(estimate))
    nothing_left = estimate.value != 0 and not _some_digit(text)
    return show(estimate, locale) if nothing_left else text, interval(estimate, locale)


def shared_digits(estimate: Estimate) -> int | None:
    """Digits after the point that a value and both ends of its interval need; None where each is read as it is.

    The last digit is no larger than the interval is wide (a share: than half of it), so that the ends can be told apart
    and the printed value lies between them. At most two digits more than the value has alone.

    >>> wide, narrow = Estimate(27, 20, 34, "orders", 9, ""), Estimate(10.6, 10.5, 10.7, "orders", 9, "")
    >>> shared_digits(wide), shared_digits(narrow)
    (None, 1)
    """
    low, high, value, unit = estimate.low, estimate.high, estimate.value, estimate.unit
    if low == high == value:
        return None
    size, width = max(abs(low), abs(high), abs(value)), high - low
    if unit == "share":
        edge = 0 < abs(low) < 0.00995 or 0 < abs(high) < 0.00995 or 0.9905 < high < 1
        if width >= 0.02 and not edge:
            return None
        return 1 if _percent(low, 1, "en") != _percent(high, 1, "en") else 2
    if currency_of(unit):
        return 2 if size < 9_999.5 and (width < 1 or _plain_digits(size, unit) == 2) else None
    own = _plain_digits(size, unit)
    digits = own
    while digits < own + 2 and (width < 10**-digits or fixed(low, digits) == fixed(high, digits)):
        digits += 1
    return None if digits == own else digits


def _plain_digits(size: float, unit: str) -> int:
    """Digits after the point of a figure of that size before zeros at the end are dropped."""
    if currency_of(unit):
        return 2 if size < 0.995 else 0
    if (unit in COUNTED and size >= 10) or (unit in {"days", "years"} and size >= 9.5):
        return 0
    return 0 if size >= 99.95 else 1 if size >= 0.995 else 2 if size >= 0.0995 else 3


def given(estimate: Estimate, locale: str = "en") -> str:
    """A figure that somebody gave, with all of its digits (at most six): cents where there are any.

    >>> from personas.estimate import exact
    >>> [given(exact(v, "USD/minute", 0)) for v in (0.8, 6, 2.5, 0.005)], given(exact(0.335, "share", 0))
    (['$0.80', '$6', '$2.50', '$0.005'], '33.5%')
    """
    value = 100 * estimate.value if estimate.unit == "share" else estimate.value
    places = (0, 2, 3, 4, 5) if currency_of(estimate.unit) else (0, 1, 2, 3, 4, 5)
    digits = next((d for d in places if abs(round(value, d) - value) < 1e-9), 6)
    return figure(estimate.value, estimate.unit, locale, digits)


def assumed(assumption: Assumption, locale: str = "en") -> str:
    """What is assumed in words, its amounts as the reader writes them.

    >>> from personas.estimate import exact
    >>> assumed(Assumption("service", "{} a minute", (exact(0.8, "EUR/minute", 0),)))
    '€0.80 a minute'
    """
    amounts = iter([given(amount, locale) for amount in assumption.amounts])
    return re.sub(r"\{\}", lambda slot: next(amounts, slot.group()), assumption.words)


def show_with_unit(estimate: Estimate | None, locale: str = "en", unknown: str = "unknown") -> str:
    """As ``show``, with the unit in English words where the figure alone does not say it.

    >>> from personas.estimate import exact
    >>> cases = ((43, "days"), (1, "orders"), (11.4, "orders/year"), (27, "USD/order"))
    >>> [show_with_unit(exact(value, unit, 9)) for value, unit in cases]
    ['43 days', '1 order', '11.4 orders a year', '$27 per order']
    """
    if estimate is None:
        return unknown
    text, unit = show(estimate, locale), estimate.unit
    head, _, per = unit.partition("/")
    if currency_of(unit):
        words = ""
    elif unit.startswith("score "):
        words = f" on a scale of {unit.removeprefix('score ').replace('-', ' to ')}"
    elif head in _UNIT_WORDS:
        words = " " + _UNIT_WORDS[head][0 if text == "1" else 1]
    else:
        words = "" if unit in {"share", "category", "number", ""} else f" {head}"
    return text + words + ({"": "", "year": " a year"}.get(per, f" per {per}"))


def interval(estimate: Estimate | None, locale: str = "en", to: str = "to") -> str:
    """Low to high in words, the unit once where it stands after the number; empty for an exact figure.

    Both ends get as many digits as it takes to tell them apart; ``ranged`` gives the value as many.

    >>> interval(Estimate(2.8, 2.4, 3.2, "per 1", 900, "bootstrap"))
    '2.4 to 3.2'
    >>> interval(Estimate(0.21, 0.203, 0.217, "share", 900, "bootstrap"))
    '20.3 to 21.7%'
    """
    if estimate is None or estimate.low == estimate.high == estimate.value:
        return ""
    digits, unit = shared_digits(estimate), estimate.unit
    low, high = (figure(end, unit, locale, digits) for end in (estimate.low, estimate.high))
    if unit == "share":
        low = low.rstrip("%٪\u00a0")  # Turkish writes the sign first and keeps it at both ends
    return f"{low} {to} {high}"
