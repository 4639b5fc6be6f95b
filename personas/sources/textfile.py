"""Text, JSON and Excel files as tables of texts."""

from __future__ import annotations

import csv
import io
import re
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from personas.config import SourceConfig
from personas.errors import InputError, LimitError, count_of
from personas.sources.containers import Content
from personas.sources.delimited import CHECKED_CHARACTERS, read_blanks, read_delimited, without_blank_rows
from personas.sources.dialect import choose_delimiter, decode
from personas.sources.excel import read_workbook
from personas.sources.framing import refuse_data_as_header, without_totals
from personas.sources.gate import content_hash
from personas.sources.jsonlines import read_json
from personas.sources.raw import Raw

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LINE = 4 * 1024**2
"""Longest line of a text file, in bytes: a record of two million characters, and more."""
MAX_RAGGED = 1_000
"""Most rows of another width that may be set aside, whatever their share."""


def read_content(name: str, path: Path, content: Content, source: SourceConfig) -> Raw:
    """One file as a table of text columns.

    Raises
    ------
    InputError, LimitError
        As the readers of each kind; always with what to do.
    """
    label, data = path.name, content.data
    facts: dict[str, object] = {"file": label, "format": content.kind}
    notes = list(content.notes)
    if content.kind == "excel":
        return _from_excel(name, label, data, source, facts, notes)
    if content.kind == "csv":
        _refuse_long_lines(data, label)
    text = decode(data, source.encoding, label, name)
    facts["encoding"] = text.encoding
    notes += text.notes
    if not text.text.strip():
        raise InputError(f"{label} is empty. Export it again with a header line and at least one record")
    if content.kind == "json":
        table, lines, more = read_json(text.text, label)
        if table.num_rows == 0 or table.num_columns == 0:
            raise InputError(f"{label} has no records. Export it again with its data")
        return _finished(name, label, table, lines, [], [], facts, [*notes, *more], source, content_hash(data))
    return _from_delimited(name, label, text.text, source, facts, notes, content_hash(data))


def _refuse_long_lines(data: bytes, label: str) -> None:
    """Raise LimitError for a line over ``MAX_LINE`` before anything tries to understand it."""
    start = 0
    while len(data) - start > MAX_LINE:
        end = max(data.rfind(mark, start, start + MAX_LINE) for mark in (b"\n", b"\r"))
        if end < 0:
            raise LimitError(
                f"{label} has a line of more than {MAX_LINE:,} bytes from byte {start:,} on. It is no table of "
                "records, or its line ends are lost: export it again"
            )
        start = end + 1


def _from_delimited(
    name: str, label: str, text: str, source: SourceConfig, facts: dict[str, object], notes: list[str], sha: str
) -> Raw:
    """A table of delimited text, or of columns apart by blanks."""
    if source.delimiter == "blanks":
        facts["delimiter"] = "blanks"
        table, lines, ragged = read_blanks(text, label)
        return _finished(name, label, table, lines, ragged, [], facts, notes, source, sha)
    if source.quotes == "backslash":
        text = _doubled(text)
        notes = [*notes, 'quotes inside of cells were written \\"']
    full = source.verify == "full"
    try:
        dialect = choose_delimiter(text, source.delimiter, label, name)
        found = read_delimited(text, dialect, label, source.header, full=full)
    except InputError as error:
        raise _about_backslashes(text, source, label, name) or error from error
    facts["delimiter"] = dialect.mark
    facts["checked"] = full or len(text) <= CHECKED_CHARACTERS
    return _finished(
        name, label, found.table, found.lines, found.ragged, found.below, facts, [*notes, *found.notes], source, sha
    )


def _doubled(text: str) -> str:
    """The text with ``\\"`` inside of cells written as ``""``, and ``\\\\`` as one backslash."""
    return re.sub(r'\\(["\\])', lambda found: '""' if found[1] == '"' else "\\", text)


def _about_backslashes(text: str, source: SourceConfig, label: str, name: str) -> InputError | None:
    """The question to ask when a text keeps the rules of quoting only if its backslashes stand for quotes."""
    if '\\"' not in text or source.quotes == "backslash":
        return None
    try:
        read = _doubled(text)
        read_delimited(read, choose_delimiter(read, source.delimiter, label, name), label, source.header)
    except InputError:
        return None
    return InputError(
        f'{label} breaks the rules of quoting, but would keep them if a quote inside a cell is written \\". If that is '
        f"so, write sources.{name}.quotes: backslash"
    )


def _from_excel(
    name: str, label: str, data: bytes, source: SourceConfig, facts: dict[str, object], notes: list[str]
) -> Raw:
    """The sheet of a workbook, through the same reader as a delimited text."""
    book = read_workbook(data, source.sheet, label, name)
    used = [place for place in range(len(book.rows[0])) if any(row[place].strip() for row in book.rows)]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([[row[place] for place in used] for row in book.rows])
    declared = source.model_copy(update={"delimiter": "comma"})
    raw = _from_delimited(
        name, label, out.getvalue(), declared, facts, [*notes, *book.notes], content_hash(out.getvalue().encode())
    )
    del raw.facts["delimiter"]
    names = {place: column for place, column in zip(used, raw.columns, strict=False)}
    raw.facts["unseen"] = {names[place]: why for place, why in book.unseen.items() if place in names}
    return raw


def _finished(
    name: str, label: str, table: pa.Table, lines: array[int], ragged: list[str], below: list[str],
    facts: dict[str, object], notes: list[str], source: SourceConfig, sha: str,
) -> Raw:  # fmt: skip
    """The table without what is no data, and the counts of what was set aside."""
    records = table.num_rows + len(ragged) + len(below)
    if table.num_rows + len(ragged) == 0:
        raise InputError(f"{label} has a header but no records. Export it again with its data")
    if len(ragged) > min(MAX_RAGGED, source.max_set_aside * records):
        raise InputError(
            f"{label}: {count_of(len(ragged), 'record')} of {records:,} have another number of fields than the "
            f"header ({', '.join(ragged[:3])}). Correct them, or allow more: sources.{name}.max_set_aside"
        )
    if not source.header and not source.columns:
        refuse_data_as_header(table, label, name)
    table, lines, blank = without_blank_rows(table, lines)
    table, kept, totals = without_totals(table, lines, label)
    if table.num_rows == 0:
        raise InputError(f"{label} has no records but blank ones and totals. Export it again with its data")
    totals += len(below)
    facts |= {"records": records, "notes": notes, "ragged": ragged[:20], "blank_rows": blank}
    columns = tuple(table.column_names)
    dropped = (("total-row", totals),) if totals else ()
    return Raw(
        name, label, table, columns, ("string",) * len(columns), True, records, len(ragged), blank, kept, facts, sha,
        (), dropped,
    )  # fmt: skip
