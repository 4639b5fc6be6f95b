"""Excel workbooks as rows of texts: counted in the XML by stream before a reader is let near them.

Method: ingest.md 5. ``python-calamine`` reads values and never computes; error cells, formulas without a stored value
and merged cells arrive as nothing there, so they are counted here and said or refused.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import ParseError, iterparse

from personas.errors import InputError, LimitError

MAX_XML = 512 * 1024**2
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 1_048_576, 2_000, 50_000_000
EXACT = 2**53
"""Whole numbers from here on are no longer exact in a workbook."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class Workbook:
    """The rows of one sheet as texts, what must be said, and columns (from 0) with cells that a reader cannot see."""

    rows: list[list[str]]
    notes: tuple[str, ...]
    unseen: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """What the stream found in one sheet."""

    cells: int = 0
    errors: Counter[int] = field(default_factory=Counter)
    unstored: Counter[int] = field(default_factory=Counter)
    merged: int = 0


def read_workbook(data: bytes, wanted: str | None, label: str, name: str) -> Workbook:
    """The sheet that is wanted, else the only visible one with content.

    Raises
    ------
    InputError
        When several sheets could be meant, none has content, or the file is damaged.
    LimitError
        When it is larger than what is read.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sheets, hidden = _sheets(archive, label)
            notes = [f"hidden sheets are not read: {', '.join(hidden)}"] if hidden else []
            if wanted is not None and wanted not in sheets:
                raise InputError(f"{label} has no visible sheet {wanted!r}. It has: {', '.join(sheets)}")
            seen = {sheet: _scan(archive, part, label) for sheet, part in sheets.items() if wanted in (None, sheet)}
            if any(part.startswith("xl/externalLinks/") for part in archive.namelist()):
                notes.append("links to other workbooks are not followed: the stored values count")
    except (zipfile.BadZipFile, zlib.error, ParseError, EOFError, RuntimeError, ValueError) as error:
        raise InputError(f"{label} is a damaged Excel workbook ({error}). Save it again") from error
    filled = [sheet for sheet, found in seen.items() if found.cells]
    if not filled:
        raise InputError(f"{label} has no sheet with content. Name another file")
    if len(filled) > 1:
        raise InputError(f"{label} has several sheets: {', '.join(filled)}. Write sources.{name}.sheet: {filled[0]}")
    try:
        rows = (
            CalamineWorkbook.from_filelike(io.BytesIO(data))
            .get_sheet_by_name(filled[0])
            .to_python(skip_empty_area=False)
        )
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(f"{label} is a damaged Excel workbook ({error}). Save it again") from error
    found = seen[filled[0]]
    unseen = {column: f"{count} error cells (#N/A and the like)" for column, count in found.errors.items()}
    unseen |= {column: f"{count} formulas without a stored value" for column, count in found.unstored.items()}
    notes.append(f"sheet {filled[0]!r}")
    if found.merged:
        notes.append(f"{found.merged} merged ranges: only their first cell has the value")
    unseen |= _doubtful(rows)
    texts = [[_text(cell, unseen, column) for column, cell in enumerate(row)] for row in rows]
    return Workbook(texts, tuple(notes), unseen)


def _doubtful(rows: list[list[Any]]) -> dict[int, str]:
    """Columns of numbers with texts such as 1.234 among them: what the numbers look like says nothing about those."""
    numbers, texts = set[int](), Counter[int]()
    for row in rows:
        for column, cell in enumerate(row):
            if isinstance(cell, float | int):
                numbers.add(column)
            elif isinstance(cell, str) and _DOUBTFUL.fullmatch(cell):
                texts[column] += 1
    return {
        column: f"{count} texts such as 1.234 beside numbers ({DOUBTFUL})"
        for column, count in texts.items()
        if column in numbers
    }


DOUBTFUL = "thousands or decimals"
_DOUBTFUL = re.compile(r"\s*[+-]?\d{1,3}[.,]\d{3}\s*")


def _xml(archive: zipfile.ZipFile, part: str, label: str) -> IO[bytes]:
    """A part of the workbook as a stream, not longer than what is read and without entities."""
    try:
        with archive.open(part) as stream:
            start = stream.read(4096)
    except KeyError as error:
        raise InputError(f"{label} is a damaged Excel workbook (no {part}). Save it again") from error
    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
        raise InputError(f"{label} defines XML entities: no spreadsheet does that. Save it again")
    return _Limited(archive.open(part), label)  # type: ignore[return-value]


class _Limited:
    """A stream that raises LimitError after ``MAX_XML`` bytes."""

    def __init__(self, stream: IO[bytes], label: str) -> None:
        self._stream, self._label, self._read = stream, label, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._read += len(block)
        if self._read > MAX_XML:
            raise LimitError(f"{self._label} unpacks to more than {MAX_XML:,} bytes. Save the sheet as CSV")
        return block


def _sheets(archive: zipfile.ZipFile, label: str) -> tuple[dict[str, str], list[str]]:
    """Visible sheets with their part of the archive, and the names of hidden ones."""
    parts, sheets, hidden = {}, {}, []
    for _, node in iterparse(_xml(archive, "xl/_rels/workbook.xml.rels", label)):
        if node.get("Id") and node.get("Target"):
            target = str(node.get("Target")).lstrip("/")
            parts[str(node.get("Id"))] = target if target.startswith("xl/") else f"xl/{target}"
    for _, node in iterparse(_xml(archive, "xl/workbook.xml", label)):
        if node.tag == f"{_MAIN}sheet":
            sheet, part = str(node.get("name")), parts.get(str(node.get(_RELATION)), "")
            if node.get("state", "visible") != "visible":
                hidden.append(sheet)
            elif "worksheets/" in part:
                sheets[sheet] = part
    return sheets, hidden


def _scan(archive: zipfile.ZipFile, part: str, label: str) -> _Seen:
    """Count what is in a sheet, and refuse one that reaches too far."""
    seen = _Seen()
    for event, node in iterparse(_xml(archive, part, label), events=("start", "end")):
        if event == "start" and node.tag == f"{_MAIN}dimension":
            for corner in str(node.get("ref", "A1")).split(":"):
                _place(corner, label)
        elif event == "end" and node.tag == f"{_MAIN}c":
            _count(node, seen, label)
            node.clear()
        elif event == "end" and node.tag == f"{_MAIN}row":
            node.clear()
        elif event == "end" and node.tag == f"{_MAIN}mergeCell":
            seen.merged += 1
    return seen


def _count(node: Any, seen: _Seen, label: str) -> None:
    column = _place(str(node.get("r", "A1")), label)[0]
    value = node.find(f"{_MAIN}v")
    seen.cells += value is not None or node.find(f"{_MAIN}is") is not None
    if seen.cells > MAX_CELLS:
        raise LimitError(f"{label} has more than {MAX_CELLS:,} cells. Save the sheet as CSV")
    if node.get("t") == "e":
        seen.errors[column] += 1
    elif node.find(f"{_MAIN}f") is not None and (value is None or not value.text):
        seen.unstored[column] += 1


def _place(corner: str, label: str) -> tuple[int, int]:
    """(column, row) from 0 of a cell such as C7; raises LimitError far out."""
    found = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", corner)
    if not found:
        raise InputError(f"{label} is a damaged Excel workbook (cell {corner[:20]!r}). Save it again")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    row = int(found[2])
    if column > MAX_COLUMNS or row > MAX_ROWS:
        raise LimitError(
            f"{label} reaches out to cell {corner}: at most {MAX_COLUMNS:,} columns and "
            f"{MAX_ROWS:,} rows are read. "
            "Delete what stands far out, or save the table as CSV"
        )
    return column - 1, row - 1


def _text(cell: Any, unseen: dict[int, str], column: int) -> str:
    """A cell as text: whole numbers without point, days and times as ISO, no value as nothing."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float | int):
        if abs(cell) >= EXACT:
            unseen[column] = "whole numbers that a workbook no longer holds exactly"
        return str(int(cell)) if cell == int(cell) else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date | time) else "" if cell is None else str(cell)
