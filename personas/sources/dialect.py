"""From bytes to text, and from text to a delimiter: proposed by counting, accepted only when one candidate is left."""

from __future__ import annotations

import csv
import io
import itertools
import unicodedata
from dataclasses import dataclass

from personas.errors import ConfigError, InputError, LimitError, PersonasError, did_you_mean

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
PROBE = 2_000
"""Records that the choice of the delimiter looks at; the strict read afterwards looks at all."""
FITTING = 0.99
"""Share of records that must have as many fields as the header."""
MAX_COLUMNS = 2_000
TITLE_LINES = 20
"""Most records above the header."""
TOTAL_WORDS = frozenset({
    "total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme",
    "somme", "total général", "total general",
    "suma", "totale", "totaal", "toplam", "genel toplam", "totalt", "razem", "итого", "всего", "合計", "总计", "รวม",
})  # fmt: skip
"""How a record of sums below a table is called, case-folded."""
MAX_CELL = 1 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a file, the encoding it was in, and what was mended on the way."""

    text: str
    encoding: str
    notes: tuple[str, ...]


ENCODINGS = (
    "shift_jis",
    "big5",
    "gb18030",
    "euc_kr",
    "cp874",
    "cp1251",
    "cp1253",
    "cp1255",
    "cp1256",
    "cp1254",
    "cp1258",
)
TWICE = ("Ã¤", "Ã¶", "Ã¼", "Ã©", "Ã¨", "Ã±", "â‚¬", "â€", "Ã§", "Ã¡", "Ã³")
"""What UTF-8 looks like when it was read as cp1252 and written again."""


def likely_encoding(data: bytes) -> str:
    """A guess for the message only, never used to read: the encoding under which foreign letters stand in words.

    >>> likely_encoding("Größe,Straße".encode("cp1252"))
    'cp1252'
    """
    best, most = "cp1252", _script_share(data, "cp1252")
    for encoding in ENCODINGS:
        share = _script_share(data, encoding)
        if share > most + 0.2:
            best, most = encoding, share
    return best


def _script_share(data: bytes, encoding: str) -> float:
    """Share of the characters beyond ASCII that are letters beside a letter of the same script."""
    try:
        text = data[:200_000].decode(encoding)
    except (UnicodeError, LookupError):
        return -1.0
    good = foreign = 0
    for before, c in itertools.pairwise(" " + text):
        if not c.isascii():
            foreign += 1
            good += c.isalpha() and (before.isalpha() or not before.isalnum()) and not c.isupper()
    return good / foreign if foreign else 0.0


def _mixed(data: bytes) -> bool:
    """Whether half of what is beyond ASCII, or more, is UTF-8 and the rest is not; by chance it is less."""
    odd = [c for c in data.decode("utf-8", "surrogateescape") if not c.isascii()]
    broken = sum("\udc80" <= c <= "\udcff" for c in odd)
    return len(odd) - broken >= broken


def _every_other_nul(data: bytes, at: int) -> bool:
    letters = data[at:400:2]
    return letters.count(0) > 0.8 * len(letters)


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
        shown, likely = "UTF-8" if encoding.startswith("utf-8") else encoding, likely_encoding(data)
        if shown == "UTF-8" and _mixed(data):
            raise InputError(
                f"{label} is UTF-8 text but for some places (the first at byte {getattr(error, 'start', 0):,}): it "
                "mixes encodings, and none reads all of it. Export its parts again as UTF-8"
            ) from error
        raise InputError(
            f"{label} is not {shown} text (byte {getattr(error, 'start', 0):,}). Save it as UTF-8, or name its "
            f"encoding, perhaps: Write sources.{name}.encoding: {likely}",
            setting=("encoding", likely),
        ) from error
    except LookupError as error:
        hint = did_you_mean(encoding, ["utf-8", "cp1252", "latin-1", "cp1254", "shift_jis", "big5", "utf-16"])
        raise ConfigError(f"sources.{name}.encoding: there is no encoding {encoding!r}. {hint}".rstrip()) from error
    if text.startswith("\ufeff"):
        text = text.lstrip("\ufeff")
        notes.append("another byte-order mark removed")
    if text.endswith("\x1a"):
        text = text[:-1]
        notes.append("Ctrl-Z at the end removed")
    if encoding not in ("utf-8", "utf-8-sig", "utf-16"):
        notes.append(f"read as {encoding}")
    pairs, feeds, returns = text.count("\r\n"), text.count("\n"), text.count("\r")
    if sum(count > 0 for count in (pairs, feeds - pairs, returns - pairs)) > 1:
        notes.append("different line ends in one file")
    if sum(map(text.count, TWICE)) > len(text) / 10_000:
        notes.append("looks decoded twice (Ã, â€): export it again as UTF-8")
    if "\x00" in text:
        wide = next((f"utf-16-{way}" for way, at in (("le", 1), ("be", 0)) if _every_other_nul(data, at)), "")
        if wide:
            raise InputError(
                f"{label} looks like UTF-16 without its mark. Save it as UTF-8, or write "
                f"sources.{name}.encoding: {wide}"
            )
        raise InputError(
            f"{label} has a NUL character at character {text.index(chr(0)):,}: it is damaged. Export it again"
        )
    return Text(text, {"utf-8-sig": "utf-8"}.get(encoding, encoding), tuple(notes))


@dataclass(frozen=True, slots=True)
class Dialect:
    """The delimiter, the lines above the header, and whether blanks after a delimiter are no part of the cell."""

    mark: str
    above: int = 0
    blanks: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Record:
    """What the choice needs to know of a record: its last line, its fields, those with content, and its first text."""

    line: int
    fields: int
    filled: int
    first: str


def choose_delimiter(text: str, declared: str, label: str, name: str) -> Dialect:
    """The delimiter: the declared one, or the only candidate under which header and records agree.

    At most 20 records with one filled cell above the header are a title, and are passed over with a note.

    Raises InputError when none or several fit, with the lines that break the best one and the setting to write.
    """
    marks = {declared: DELIMITERS[declared]} if declared in DELIMITERS else DELIMITERS
    for blanks in (False, True):
        probed = {word: _without_remarks(_records(text, mark, blanks)) for word, mark in marks.items()}
        tables = {word: _below_title(found) for word, found in probed.items()}
        whole = [word for word, found in probed.items() if _fits(found) and found[0].filled > 1]
        fitting = whole or [
            word for word, found in tables.items() if _fits(found) and _plain_title(probed[word], found)
        ]
        if declared in DELIMITERS and not blanks:
            fitting = [declared]
        if len(fitting) == 1:
            word = fitting[0]
            cut = 0 if word in whole else len(probed[word]) - len(tables[word])
            above = probed[word][cut - 1].line if cut else 0
            notes = [f"{above} lines above the header passed over ({probed[word][0].first[:40]!r})"] if above else []
            notes += ["blanks after the delimiter are no part of the cell"] if blanks else []
            return Dialect(DELIMITERS[word], above, blanks, tuple(notes))
        if len(fitting) > 1:
            shown = ", ".join(f"{word} ({tables[word][0].fields} columns)" for word in fitting)
            raise InputError(
                f"{label} can be read with several delimiters: {shown}. Write sources.{name}.delimiter: {fitting[0]}"
            )
        if not blanks:
            plain = tables
    raise _no_table(text, plain, label, name)


def _no_table(text: str, tables: dict[str, list[_Record]], label: str, name: str) -> PersonasError:
    """Why no candidate fits, by the best one."""
    word = max(tables, key=lambda key: (tables[key][0].fields if tables[key] else 0, key == "comma"))
    found = tables[word]
    if not found and len(text) > MAX_CELL:
        return LimitError(f"{label} has a cell of more than {MAX_CELL:,} characters, or a quote that is never closed")
    if not found or found[0].fields < 2:
        return InputError(
            f"{label} has one column whatever delimiter is tried ({', '.join(DELIMITERS)}). Name the delimiter: "
            f"sources.{name}.delimiter, for columns separated by spaces: blanks",
            setting=("delimiter", "blanks"),
        )
    width = found[0].fields
    broken = [f"line {record.line} has {record.fields}" for record in found[1:] if record.fields != width][:3]
    return InputError(
        f"{label} is no even table: with {word} the header has {width} fields, but "
        f"{', '.join(broken)}. Correct these "
        f"lines, or name another delimiter: sources.{name}.delimiter"
    )


def _records(text: str, mark: str, blanks: bool) -> list[_Record]:
    """The first records; an empty list when quoting breaks under this delimiter."""
    found = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True, skipinitialspace=blanks)
    try:
        for row in reader:
            if row:
                filled = [cell for cell in row if cell.strip()]
                found.append(_Record(reader.line_num, len(row), len(filled), filled[0].strip() if filled else ""))
            if len(found) > PROBE or (found and found[0].fields > MAX_COLUMNS):
                break
    except csv.Error:
        return []
    return found


def _below_title(found: list[_Record]) -> list[_Record]:
    """The records without a title: leading ones with one filled cell, when a wider header follows."""
    place = next((place for place, record in enumerate(found[: TITLE_LINES + 1]) if record.filled > 1), 0)
    return found[place:]


def _plain_title(found: list[_Record], table: list[_Record]) -> bool:
    """Whether what stands above the table is words: text with a delimiter in it may be a header."""
    return not any(mark in record.first for record in found[: len(found) - len(table)] for mark in DELIMITERS.values())


def _without_remarks(found: list[_Record]) -> list[_Record]:
    """The records without remarks below the table: single cells of words among the last five."""
    while len(found) > 2 and found[-1].fields == 1 and found[0].fields + found[-2].fields > 2 and _is_remark(found[-1]):
        found = found[:-1]
    return found


def _is_remark(record: _Record) -> bool:
    return remark(record.first)


def remark(text: str) -> bool:
    """Whether the only cell of a record below a table is a remark or a total, and not the rest of a torn record.

    >>> remark("Seller ID : shop"), remark("Total"), remark("4711")
    (True, True, False)
    """
    words = text.strip(" :").casefold()
    return words in TOTAL_WORDS or (" " in words and any(c.isalpha() for c in words))


def _fits(found: list[_Record]) -> bool:
    if len(found) < 1 or found[0].fields < 2:
        return False
    width = found[0].fields
    body = [record.fields for record in found[1:]]
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
