"""From bytes to text, and from text to a delimiter: proposed by counting, accepted only when one candidate is left."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass

from personas.errors import ConfigError, InputError, LimitError, did_you_mean

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
PROBE = 2_000
"""Records that the choice of the delimiter looks at; the strict read afterwards looks at all."""
FITTING = 0.99
"""Share of records that must have as many fields as the header."""
MAX_COLUMNS = 2_000
MAX_CELL = 1 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a file, the encoding it was in, and what was mended on the way."""

    text: str
    encoding: str
    notes: tuple[str, ...]


def decode(data: bytes, encoding: str, label: str, name: str) -> Text:
    """The text of a file. A byte-order mark wins, else the encoding of the configuration, strictly.

    Raises
    ------
    InputError
        With the byte offset, for bytes that are no text of this encoding and for NUL.
    ConfigError
        For an encoding that does not exist.
    """
    notes = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
        notes.append("UTF-16 by its byte-order mark")
    elif data.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
        notes.append("byte-order mark removed")
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        shown = "UTF-8" if encoding.startswith("utf-8") else encoding
        raise InputError(
            f"{label} is not {shown} text (byte {getattr(error, 'start', 0):,}). Save it as UTF-8, or name its "
            f"encoding, often sources.{name}.encoding: cp1252"
        ) from error
    except LookupError as error:
        hint = did_you_mean(encoding, ["utf-8", "cp1252", "latin-1", "cp1254", "shift_jis", "big5", "utf-16"])
        raise ConfigError(f"sources.{name}.encoding: there is no encoding {encoding!r}. {hint}".rstrip()) from error
    if text.endswith("\x1a"):
        text = text[:-1]
        notes.append("Ctrl-Z at the end removed")
    if "\x00" in text:
        raise InputError(
            f"{label} has a NUL character at character {text.index(chr(0)):,}: it is damaged. Export it again"
        )
    return Text(text, {"utf-8-sig": "utf-8"}.get(encoding, encoding), tuple(notes))


def choose_delimiter(text: str, declared: str, label: str, name: str) -> str:
    """The delimiter: the declared one, or the only candidate under which header and records agree.

    Raises InputError when none or several fit, with the lines that break the best one and the setting to write.
    """
    if declared in DELIMITERS:
        return DELIMITERS[declared]
    counts = {word: _field_counts(text, mark) for word, mark in DELIMITERS.items()}
    fitting = [word for word, found in counts.items() if _fits(found)]
    if len(fitting) == 1:
        return DELIMITERS[fitting[0]]
    if len(fitting) > 1:
        shown = ", ".join(f"{word} ({counts[word][0][1]} columns)" for word in fitting)
        raise InputError(
            f"{label} can be read with several delimiters: {shown}. Write sources.{name}.delimiter: {fitting[0]}"
        )
    word = max(counts, key=lambda key: (counts[key][0][1] if counts[key] else 0, key == "comma"))
    found = counts[word]
    if not found or found[0][1] < 2:
        raise InputError(
            f"{label} has one column whatever delimiter is tried ({', '.join(DELIMITERS)}). Name the delimiter: "
            f"sources.{name}.delimiter, for columns separated by spaces: blanks"
        )
    width = found[0][1]
    broken = [f"line {line} has {fields}" for line, fields in found[1:] if fields != width][:3]
    raise InputError(
        f"{label} is no even table: with {word} the header has {width} fields, but {', '.join(broken)}. Correct these "
        f"lines, or name another delimiter: sources.{name}.delimiter"
    )


def _field_counts(text: str, mark: str) -> list[tuple[int, int]]:
    """(line, fields) of the first records; an empty list when quoting breaks under this delimiter."""
    found = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for row in reader:
            if row:
                found.append((reader.line_num, len(row)))
            if len(found) > PROBE or (found and found[0][1] > MAX_COLUMNS):
                break
    except csv.Error:
        return []
    return found


def _fits(found: list[tuple[int, int]]) -> bool:
    if len(found) < 1 or found[0][1] < 2:
        return False
    width = found[0][1]
    body = [fields for _, fields in found[1:]]
    return not body or sum(fields == width for fields in body) >= FITTING * len(body)


def clean_header(row: list[str], label: str) -> list[str]:
    """Column names: NFC, trimmed, one each. Raises InputError for empty or repeated names and for too many columns."""
    names = [unicodedata.normalize("NFC", cell).strip() for cell in row]
    if len(names) > MAX_COLUMNS:
        raise LimitError(f"{label} has {len(names):,} columns where at most {MAX_COLUMNS:,} are read")
    seen: dict[str, str] = {}
    for position, column in enumerate(names, 1):
        if not column:
            raise InputError(f"{label}: column {position} of the header has no name. Name it")
        if column.casefold() in seen:
            raise InputError(
                f"{label}: two columns are called {seen[column.casefold()]!r} and {column!r}. Rename one of them"
            )
        seen[column.casefold()] = column
    return names
