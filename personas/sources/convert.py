"""Text columns to typed ones, by our own grammar: every distinct text is read once, in full, or it has failed.

Types by kind: ``id text category`` text, ``day`` date32, ``money number`` decimal(18, 4), ``count`` int64,
``share measure`` double, ``flag`` boolean.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from personas.sources.days import DayGrammar, read_days
from personas.sources.numbers import Reading, is_missing, read_numbers
from personas.sources.zones import AS_WRITTEN, Zones

if TYPE_CHECKING:
    import pyarrow as pa

FLAGS = (
    ("true", "false"), ("yes", "no"), ("y", "n"), ("1", "0"), ("t", "f"), ("on", "off"), ("ja", "nein"), ("oui", "non"),
    ("sí", "no"), ("si", "no"), ("evet", "hayır"), ("sim", "não"), ("x", ""),
)  # fmt: skip
ROUNDED = r"^\d(?:[.,]\d+)?E\+(?:1[1-9]|[2-9]\d|\d{3})$"
"""How a spreadsheet shows a whole number of twelve digits and more: 1.23457E+15."""
TEXTS = frozenset({"id", "text"})
"""Kinds in which "NULL" or "NA" is a name, not a gap, and spelling is kept."""
WORDS = TEXTS | {"category", "country"}
"""Kinds that stay text. In a country "NA" is Namibia; otherwise it is a category."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """How the texts of one source are written: decimal mark, order of dates, and the study's currency."""

    decimal: str = "auto"
    dates: str = "auto"
    currency: str | None = None
    short_years: bool = False
    calendar: str = "common"
    minor: bool = False
    zones: Zones = AS_WRITTEN


@dataclass(frozen=True, slots=True)
class Converted:
    """A typed column and how its reading went.

    ``filled`` counts values, ``missing`` gaps, ``failed`` texts that are no value of this kind; ``failed_at`` are the
    first three failed records (from 0) and ``examples`` their texts with letters and digits masked.
    """

    array: pa.Array
    filled: int
    missing: int
    failed: int
    failed_at: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    proof: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""


def masked(text: str) -> str:
    """A text with its letters and digits hidden, for messages.

    >>> masked("Ann-1984, 7 High St")
    'AAA-9999, 9 AAAA AA'
    """
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text))[:24]


def arrow_type(kind: str) -> Any:
    """The Arrow type of a kind."""
    import pyarrow as pa

    return {
        "day": pa.date32(), "money": pa.decimal128(18, 4), "number": pa.decimal128(18, 4), "count": pa.int64(),
        "share": pa.float64(), "birth_year": pa.int64(), "measure": pa.float64(), "flag": pa.bool_(),
    }.get(kind, pa.string())  # fmt: skip


def convert_column(
    column: pa.ChunkedArray, kind: str, grammar: Grammar, values: Mapping[str, str] | None = None
) -> Converted:
    """A text column as ``kind``; ``values`` recodes found texts to others first (letter case does not matter)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if kind in TEXTS and values:
        distinct = pc.unique(pc.fill_null(texts, "")).to_pylist()
        meant = dict(zip(distinct, _recode(distinct, values), strict=True))
        texts = pa.array([meant[text] for text in pc.fill_null(texts, "").to_pylist()], pa.string())
    if kind in TEXTS:
        return _plain_text(pc.fill_null(texts, ""), kind)
    coded = pc.fill_null(texts, "").dictionary_encode()
    distinct = [str(text) for text in coded.dictionary.to_pylist()]
    counts = Counter(coded.indices.to_pylist())
    weights = [counts[position] for position in range(len(distinct))]
    recoded = _recode(distinct, values or {})
    reading = _read(recoded, weights, kind, grammar)
    if reading.question:
        return Converted(pa.nulls(len(texts), arrow_type(kind)), 0, 0, 0, question=reading.question)
    array = pa.array(reading.values, arrow_type(kind)).take(coded.indices)
    failed = sum(weights[position] for position in reading.failed)
    at: list[int] = []
    if failed:
        bad = pc.is_in(coded.indices, value_set=pa.array(reading.failed, coded.indices.type))
        at = pc.indices_nonzero(bad)[:3].to_pylist()
    examples = tuple(masked(str(texts[record].as_py())) for record in at)
    return Converted(
        array,
        len(array) - array.null_count,
        array.null_count - failed,
        failed,
        tuple(at),
        examples,
        reading.proof,
        reading.notes,
    )


def _plain_text(texts: pa.Array, kind: str) -> Converted:
    """Ids and texts: NFC and trimmed, nothing else; an apostrophe before every id is a habit of spreadsheets."""
    import pyarrow.compute as pc

    notes: tuple[str, ...] = ()
    clean = pc.utf8_trim_whitespace(pc.utf8_normalize(texts, form="NFC"))
    empty = pc.equal(clean, "")
    if kind == "id" and len(clean) and pc.all(pc.or_(empty, pc.starts_with(clean, "'"))).as_py():
        clean = pc.utf8_replace_slice(clean, 0, 1, "")
        notes = ("a leading apostrophe before every value is removed",) if not pc.all(empty).as_py() else ()
    if kind == "id":
        rounded = pc.match_substring_regex(clean, ROUNDED)
        if at := pc.indices_nonzero(rounded)[:1].to_pylist():
            return Converted(clean, 0, 0, 0, question=(
                f"ids such as {clean[at[0]].as_py()!r} were rounded by a spreadsheet: different ones may have become "
                "the same. Export them again, as text"
            ))  # fmt: skip
    array = pc.if_else(pc.equal(clean, ""), None, clean)
    return Converted(array, len(array) - array.null_count, array.null_count, 0, notes=notes)


def fold(text: str) -> str:
    """A text for comparison only: NFC, trimmed, single blanks, case-folded, Turkish dotted and dotless i as one."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return plain.replace("İ", "i").replace("ı", "i").casefold()


def _recode(distinct: list[str], values: Mapping[str, str]) -> list[str]:
    if not values:
        return distinct
    known = {fold(found): meant for found, meant in values.items()}
    return [known.get(fold(text), text) for text in distinct]


def _read(texts: Sequence[str], weights: Sequence[int], kind: str, grammar: Grammar) -> Reading:
    if kind == "day":
        return read_days(texts, DayGrammar(grammar.dates, grammar.short_years, grammar.calendar, grammar.zones))
    if kind == "birth_year":
        return _read_birth_years(texts, grammar)
    if kind in {"money", "number", "count", "share", "measure"}:
        return read_numbers(texts, kind, grammar.decimal, grammar.currency, minor=grammar.minor)
    if kind == "flag":
        return _read_flags(texts)
    return _read_categories(texts, weights, gaps=kind == "category")


def _read_birth_years(texts: Sequence[str], grammar: Grammar) -> Reading:
    """Years of birth; of whole days of birth the year only is kept."""
    filled = [text for text in texts if not is_missing(text)]
    if all(re.fullmatch(r"\s*\d{4}(?:[.,]0+)?\s*", text) for text in filled):
        return read_numbers(texts, "count", grammar.decimal, None)
    days = read_days(texts, DayGrammar(grammar.dates, grammar.short_years, grammar.calendar))
    if days.question:
        if "fit both" not in days.question:
            return read_numbers(texts, "count", grammar.decimal, None)
        days = read_days(texts, DayGrammar("dmy", grammar.short_years, grammar.calendar))
    if len(days.failed) > len(filled) / 2:
        return read_numbers(texts, "count", grammar.decimal, None)
    years: list[object] = [getattr(day, "year", None) for day in days.values]
    return Reading(years, days.failed, notes=("of days of birth only the year is kept",))


def _read_flags(texts: Sequence[str]) -> Reading:
    """Yes and no, by one pair of words for the whole column."""
    folded = [text.strip().casefold() for text in texts]
    found = {text for text in folded if text and not is_missing(text)}
    for yes, no in FLAGS:
        if found and found <= {yes, no}:
            meant: dict[str, object] = {yes: True, no: False}
            return Reading([meant.get(text) for text in folded], [], proof=f"{yes}/{no}" if no else yes)
    if not found:
        return Reading([None] * len(texts), [])
    shown = ", ".join(repr(masked(text)) for text in sorted(found)[:4])
    return Reading(
        [], [], question=f"{shown} are no pair of yes and no. Recode them with values: {{...: yes, ...: no}}"
    )


def _read_categories(texts: Sequence[str], weights: Sequence[int], *, gaps: bool) -> Reading:
    """Categories, each under its commonest spelling; spellings that differ by case, blanks or NFC only are one."""
    best: dict[str, tuple[int, str]] = {}
    clean = [" ".join(unicodedata.normalize("NFC", text).split()) for text in texts]
    for text, weight in sorted(zip(clean, weights, strict=True)):
        key = fold(text)
        if key not in best or weight > best[key][0]:
            best[key] = (weight, text)
    values: list[object] = [None if not text or (gaps and is_missing(text)) else best[fold(text)][1] for text in clean]
    merged = sorted({text for text in clean if text and text != best[fold(text)][1]})
    notes = (f"spellings counted as one: {', '.join(merged[:5])}",) if merged else ()
    return Reading(values, [], notes=notes)
