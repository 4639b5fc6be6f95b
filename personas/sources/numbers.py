"""The grammar of numbers: a text is a number only when all of it is one, and only under one reading of its marks.

Method: ingest.md 2. A column keeps the reading (decimal point or decimal comma) that fits all its values; when both fit
and give different numbers, the person must say which.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from personas.sources.currency import MINOR_UNITS, SYMBOLS

MISSING = frozenset(
    {"", "null", "none", "n/a", "na", "#n/a", "nan", "-", "--", "?", "inf", "-inf", "+inf", "infinity", "-infinity"}
)
"""Case-folded texts that mean "not known" in every column but ids, names and texts."""

_BLANKS = " \u00a0\u202f\u2009"
_UNIT = r"[$€£¥₺₹₩₽฿]|US\$|R\$|[A-Z]{3}|kr|Kr|Fr|zł|Kč|TL|Rs"
_CODE = re.compile(rf"(?P<before>{_UNIT})?\s*(?P<rest>.*?)\s*(?P<after>{_UNIT})?", re.S)
_EXPONENT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d{1,3}")
_NOISE = Decimal("0.000001")
TOO_LARGE = 10**14
"""Whole digits of a DECIMAL(18, 4)."""


def _shape(decimal: str, mark: str) -> re.Pattern[str]:
    """Digits, plain or grouped by three (or as in India by two and a last three), with an optional decimal part."""
    groups = f"[{mark}{_BLANKS}'’]"
    return re.compile(
        rf"(?P<whole>\d+|[1-9]\d{{0,2}}(?P<mark>{groups})\d{{3}}(?:(?P=mark)\d{{3}})*|[1-9]\d?(?:{mark}\d{{2}})+{mark}\d{{3}})?"
        rf"(?:{decimal}(?P<part>\d+))?"
    )


SHAPES = {"point": _shape(r"\.", ","), "comma": _shape(",", r"\.")}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a column's distinct values mean. ``values`` has None where a text is missing or failed.

    ``failed`` are positions of texts that are no value of this kind; ``proof`` the text that decided between readings;
    ``notes`` what a person should know; ``question`` is set when the column cannot be read without an answer;
    ``{source}`` in it stands for the name of the source.
    """

    values: list[object]
    failed: list[int]
    proof: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""


def is_missing(text: str) -> bool:
    """Whether a text means "not known".

    >>> is_missing(" N/A "), is_missing("0")
    (True, False)
    """
    return text.strip().casefold() in MISSING


def parse_number(text: str, decimal: str, *, money: bool = False, measure: bool = False) -> Decimal | None:
    """The number that a text is under one reading, or None.

    Parameters
    ----------
    text : str
        Without currency or percent sign.
    decimal : str
        ``"point"`` or ``"comma"``.
    money : bool
        Also read ``(12.50)`` and ``12.50-`` as negative.
    measure : bool
        Also read an exponent, ``1.2e-3``.

    >>> parse_number("1.234,50", "comma"), parse_number("1,5", "point"), parse_number("(12.50)", "point", money=True)
    (Decimal('1234.50'), None, Decimal('-12.50'))
    """
    body, sign = text.strip(), 1
    if measure and decimal == "point" and _EXPONENT.fullmatch(body):
        return Decimal(body)
    if money and body.startswith("(") and body.endswith(")"):
        body, sign = body[1:-1].strip(), -1
    elif money and body.endswith(("-", "−")):
        body, sign = body[:-1].strip(), -1
    elif body[:1] in {"-", "−", "+"}:
        body, sign = body[1:].strip(), 1 if body[0] == "+" else -1
    found = SHAPES[decimal].fullmatch(body)
    if not found or (found["whole"] is None and found["part"] is None):
        return None
    whole = re.sub(r"\D", "", found["whole"] or "0")
    return sign * Decimal(f"{whole}.{found['part'] or '0'}" if found["part"] else whole)


def fold_digits(text: str) -> str:
    """The text with decimal digits of any script as 0 to 9, and Arabic decimal and group marks as ``.`` and ``,``."""
    if text.isascii():
        return text
    folded = "".join(str(unicodedata.decimal(c)) if not c.isascii() and c.isdecimal() else c for c in text)
    return folded.replace("٫", ".").replace("٬", ",")


def read_numbers(
    texts: Sequence[str], kind: str, decimal: str, currency: str | None, *, minor: bool = False
) -> Reading:
    """What the distinct texts of a column of numbers mean.

    Parameters
    ----------
    texts : sequence of str
        Distinct values of the column.
    kind : str
        ``money``, ``number``, ``count``, ``share`` or ``measure``.
    decimal : str
        ``point``, ``comma``, or ``auto`` to decide by evidence.
    currency : str or None
        ISO code of the study; money in another one is a question.
    minor : bool
        Money is written in cents (or what the currency has): whole numbers only.
    """
    folded = [fold_digits(text).strip() for text in texts]
    notes = (
        ["digits of another script are read by their value"]
        if any(a != b.strip() for a, b in zip(folded, texts, strict=True))
        else []
    )
    bodies, units = _without_units(folded, kind)
    if question := _unit_question(units, currency, kind):
        return Reading([], [], question=question)
    known = [i for i, text in enumerate(folded) if not is_missing(text)]
    readings = [decimal] if decimal != "auto" else ["point", "comma"]
    parsed = {
        reading: [parse_number(text, reading, money=kind == "money", measure=kind == "measure") for text in bodies]
        for reading in readings
    }
    chosen, proof, question = _choose(parsed, known, texts)
    if question:
        return Reading([], [], question=question)
    values: list[object] = []
    failed = []
    for position, text in enumerate(folded):
        number = parsed[chosen][position] if not is_missing(text) else None
        if number is not None and minor and kind == "money":
            number = number.scaleb(-MINOR_UNITS.get(currency or "", 2)) if number == int(number) else None
        value = None if number is None else _fit(number, kind, "%" in units)
        values.append(value)
        if value is None and not is_missing(text):
            failed.append(position)
    if minor and kind == "money":
        notes.append("amounts are whole cents (or what the currency has)")
    if kind == "money" and (fine := _too_fine(parsed[chosen], known, texts)):
        return Reading([], [], question=fine)
    if any(_is_noise(parsed[chosen][i]) for i in known):
        notes.append("amounts with more than 4 decimals are rounded: they lie within a millionth of a cent amount")
    places = MINOR_UNITS.get(currency or "", 2)
    if finer := sum(_is_finer(parsed[chosen][i], places) for i in known) if kind == "money" and currency else 0:
        notes.append(f"{finer:,} different amounts have more decimals than {currency} has")
    return Reading(values, failed, proof, tuple(notes))


def _is_finer(number: Decimal | None, places: int) -> bool:
    return number is not None and abs(number) < TOO_LARGE and round(number, places) != number and not _is_noise(number)


def _without_units(texts: list[str], kind: str) -> tuple[list[str], set[str]]:
    """The texts without their currency or percent sign, and which signs there were."""
    units: set[str] = set()
    if kind not in {"money", "share"}:
        return texts, units
    bodies = []
    for text in texts:
        if is_missing(text):
            bodies.append(text)
            continue
        if kind == "share":
            bodies.append(text.removesuffix("%").rstrip())
            units.add("%" if text.endswith("%") else "")
            continue
        sign, bare = ("-", text[1:]) if text[:1] in {"-", "−"} else ("", text)
        found = _CODE.fullmatch(bare)
        unit = (found["before"] or found["after"] or "") if found else ""
        bodies.append(sign + found["rest"] if found and unit else text)
        units.add(unit)
    return bodies, units


def _unit_question(units: set[str], currency: str | None, kind: str) -> str:
    signs = sorted(units - {""})
    if kind == "money" and len(signs) == 1 and currency and currency not in SYMBOLS.get(signs[0], {currency}):
        return (
            f"amounts carry {signs[0]}, but study.currency is {currency}. Write "
            f"study.currency: {min(SYMBOLS[signs[0]])}"
        )
    if kind == "share" and len(units) == 2:
        return "some values carry % and some do not. Write all of them the same way"
    if kind == "money" and len(signs) > 1:
        return f"amounts in several currencies ({', '.join(signs)}). Different currencies are never added: keep one"
    code = signs[0] if signs else ""
    if kind == "money" and len(code) == 3 and code.isascii() and currency and code.upper() != currency:
        return f"amounts in {code}, but study.currency is {currency}. Write study.currency: {code}, or convert them"
    return ""


def example_of(positions: Sequence[int], texts: Sequence[str]) -> str:
    """The text that stands for several: the first in the alphabet, so that it does not depend on the order of rows."""
    return min(str(texts[i]) for i in positions)


def _choose(parsed: dict[str, list[Decimal | None]], known: list[int], texts: Sequence[str]) -> tuple[str, str, str]:
    """The reading that fits, the text that proves it, or the question when the evidence is not enough."""
    if len(parsed) == 1:
        return next(iter(parsed)), "", ""
    point, comma = parsed["point"], parsed["comma"]
    only_point = [i for i in known if point[i] is not None and comma[i] is None]
    only_comma = [i for i in known if comma[i] is not None and point[i] is None]
    if only_point and only_comma:
        return (
            "",
            "",
            (
                f"a decimal point in {example_of(only_point, texts)!r} and a decimal comma in "
                f"{example_of(only_comma, texts)!r}. Write all values the same way"
            ),
        )
    if only_point or only_comma:
        return ("point" if only_point else "comma"), example_of(only_point or only_comma, texts), ""
    differing = [i for i in known if point[i] != comma[i]]
    if differing:
        text = texts[differing[0]]
        either = f"{text!r} may be {point[differing[0]]} or {comma[differing[0]]}, and no other value decides"
        return "", "", f"{either}. Write sources.{{source}}.decimal: point  (or comma)"
    return "point", "", ""


def _too_fine(numbers: Sequence[Decimal | None], known: Sequence[int], texts: Sequence[str]) -> str:
    """The question that amounts with more than four decimals raise."""
    fine = [
        i
        for i in known
        if (n := numbers[i]) is not None and abs(n) < TOO_LARGE and round(n, 4) != n and not _is_noise(n)
    ]
    if len(fine) * 100 <= len(known):
        return ""
    return (
        f"{len(fine):,} different amounts have more than 4 decimals "
        f"({example_of(fine, texts)!r}): are they amounts? Round "
        "them, or name another column: sources.{source}.columns"
    )


def _is_noise(number: Decimal | None) -> bool:
    if number is None or abs(number) >= TOO_LARGE:
        return False
    return round(number, 4) != number and abs(number - round(number, 2)) <= _NOISE


def _fit(number: Decimal, kind: str, percent: bool) -> object:
    """The number as the type of its kind, or None when it does not fit without loss."""
    if kind == "measure":
        return float(number)
    if kind == "share":
        share = float(number / 100 if percent else number)
        return share if 0 <= share <= 1 else None
    if abs(number) >= TOO_LARGE:
        return None
    if kind == "count":
        return int(number) if number == int(number) else None
    if kind == "money" and round(number, 4) != number:
        return round(number, 2) if _is_noise(number) else None
    return round(number, 4)
