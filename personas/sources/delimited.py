"""Text as columns of text: read by two readers that share no code and must agree.

Method: ingest.md 1, steps 4 and 5. Python's ``csv`` reads strictly and counts; Arrow's reader builds the table.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from personas.errors import InputError, LimitError, PersonasError
from personas.sources.dialect import MAX_CELL, Dialect, clean_header, remark

if TYPE_CHECKING:
    import pyarrow as pa

CHECKED_CHARACTERS = 300_000_000
"""Texts up to here are compared cell by cell; of longer ones only the number of records is."""


def read_blanks(text: str, label: str) -> tuple[pa.Table, array[int], list[str]]:
    """Columns separated by runs of blanks, with or without a leading one; quotes mean nothing here."""
    import pyarrow as pa

    header: list[str] | None = None
    rows: list[list[str]] = []
    lines, ragged = array("q"), []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        cells = line.split()
        if not cells:
            continue
        if header is None:
            header = clean_header(cells, label)
        elif len(cells) == len(header):
            rows.append(cells)
            lines.append(number)
        else:
            ragged.append(f"line {number} has {len(cells)} where the header has {len(header)}")
    names = header or []
    cells_by_column = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in zip(names, cells_by_column, strict=True)})
    return table, lines, ragged


@dataclass(slots=True)
class _Tally:
    """What the strict reader saw: enough to convict a reader that saw something else."""

    header: list[str]
    lines: array[int]
    ragged: list[str]
    filled: list[int]
    characters: list[int]
    shift: int = 0
    uneven: list[tuple[int, int, str]] = field(default_factory=list)
    """(line, cells with content, first of them) of each record of another width."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """The table, the line of each record, what was said about records of another width, and remarks below."""

    table: pa.Table
    lines: array[int]
    ragged: list[str]
    below: list[str]
    notes: tuple[str, ...]


def read_delimited(
    text: str, dialect: Dialect, label: str, header: tuple[str, ...] = (), *, full: bool = False
) -> Delimited:
    """Read a text under a dialect; ``header`` names the columns of a file without a header line.

    Every cell is compared up to ``CHECKED_CHARACTERS``, or always with ``full``.
    """
    import pyarrow.compute as pc

    mark = dialect.mark
    if dialect.above:
        text = _below(text, dialect.above)
    if dialect.blanks:
        text = _without_blanks(text, mark)
    if header:
        line = io.StringIO()
        csv.writer(line, delimiter=mark, lineterminator="\n").writerow(header)
        text = line.getvalue() + text
    shift = dialect.above - (1 if header else 0)
    whole = full or len(text) <= CHECKED_CHARACTERS
    seen = _tally(text, mark, label, shift)
    table = _read_arrow(text, mark, seen.header, label)
    if table.num_rows != len(seen.lines):
        raise _disagree(label, f"{table.num_rows:,} and {len(seen.lines):,} records")
    for position, column in enumerate(table.columns if whole else ()):
        lengths = pc.utf8_length(column)
        found = (table.num_rows - (pc.sum(pc.equal(lengths, 0)).as_py() or 0), pc.sum(lengths).as_py() or 0)
        if found != (seen.filled[position], seen.characters[position]):
            raise _disagree(label, f"the column {seen.header[position]!r}")
    notes = dialect.notes
    nameless = [position for position, column in enumerate(seen.header) if column.startswith(NAMELESS)]
    if filled := [str(position + 1) for position in nameless if seen.filled[position]]:
        raise InputError(
            f"{label}: column {filled[0]} of the header has no name. Name it"
        )
    if nameless == [len(seen.header) - 1]:
        notes = (*notes, "a delimiter at the end of every record is no column")
    elif nameless:
        notes = (*notes, f"{len(nameless)} columns without a name have no value and are not read")
    table = table.drop_columns([seen.header[position] for position in nameless])
    return Delimited(table, seen.lines, seen.ragged, _remarks_below(seen), notes)


NAMELESS = "\x00"
"""Begins what stands for the name of a column that has none."""


def _below(text: str, lines: int) -> str:
    """The text after its first lines."""
    ends = (found.end() for found in re.finditer(r"\r\n|\r|\n", text))
    return text[next(islice(ends, lines - 1, None), len(text)) :]


def _without_blanks(text: str, mark: str) -> str:
    """The same records with every cell quoted and without blanks after delimiters."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True, skipinitialspace=True)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(row for row in rows)
    return out.getvalue()


def _remarks_below(seen: _Tally) -> list[str]:
    """Remarks after the last record; they leave the list of uneven records."""
    last = seen.lines[-1] if seen.lines else 0
    below = [text for line, _, text in seen.uneven if line > last]
    if (
        not below
        or len(below) > REMARKS
        or not all(cells == 1 and remark(t) for line, cells, t in seen.uneven if line > last)
    ):
        return []
    del seen.ragged[len(seen.ragged) - len(below) :]
    return below


REMARKS = 5
"""Most records below a table that are remarks or totals."""


def _disagree(label: str, what: str) -> InputError:
    return InputError(
        f"{label}: two independent readers disagree about {what}. It is written in an "
        "unusual way (quotes, line ends). "
        "Open it in a spreadsheet and save it as CSV (UTF-8) again"
    )


def _tally(text: str, mark: str, label: str, shift: int) -> _Tally:
    """Read every record strictly and count; quoting mistakes are refused with their line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        row = next(row for row in reader if row)
        header = clean_header(
            [cell if cell.strip() else f"{NAMELESS}{position}" for position, cell in enumerate(row)], label
        )
        width = len(header)
        seen = _Tally(header, array("q"), [], [0] * width, [0] * width, shift)
        for rows in _batches(reader, seen, width):
            for position, cells in enumerate(zip(*rows, strict=True)):
                seen.filled[position] += len(cells) - cells.count("")
                seen.characters[position] += sum(map(len, cells))
        return seen
    except csv.Error as error:
        if "field larger" in str(error):
            raise LimitError(
                f"{label}: a cell at line {reader.line_num + shift} is larger than {MAX_CELL // 8:,} characters"
            ) from error
        raise InputError(
            f"{label} breaks the rules of quoting near line {reader.line_num + shift} "
            f"({error}). A quote that is opened must "
            "be closed, and a quote inside a cell is written twice"
        ) from error


def _batches(reader: Any, seen: _Tally, width: int) -> Iterator[list[list[str]]]:
    """Batches of rows of the right width; the others are listed."""
    rows: list[list[str]] = []
    for row in reader:
        if len(row) == width:
            rows.append(row)
            seen.lines.append(reader.line_num + seen.shift)
            if len(rows) == 50_000:
                yield rows
                rows = []
        elif row:
            line, texts = reader.line_num + seen.shift, [cell for cell in row if cell.strip()]
            seen.ragged.append(f"line {line} has {len(row)} fields, the header {width}")
            seen.uneven.append((line, len(texts), texts[0] if texts else ""))
    if rows:
        yield rows


def _read_arrow(text: str, mark: str, header: list[str], label: str) -> pa.Table:
    """The same text through Arrow's reader, every column as text."""
    import pyarrow as pa
    import pyarrow.csv as pcsv

    try:
        return pcsv.read_csv(
            pa.BufferReader(text.lstrip("\r\n").encode()),
            read_options=pcsv.ReadOptions(column_names=header, skip_rows_after_names=1, block_size=1 << 24),
            parse_options=pcsv.ParseOptions(
                delimiter=mark, newlines_in_values=True, invalid_row_handler=lambda row: "skip"
            ),
            convert_options=pcsv.ConvertOptions(
                column_types={name: pa.string() for name in header}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise _disagree(label, f"its records ({error})") from error


def without_blank_rows(table: pa.Table, lines: array[int]) -> tuple[pa.Table, array[int], int]:
    """Without the records that have nothing in any cell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if table.num_columns == 0:
        raise PersonasError("a text file without columns passed the gate")
    filled = pa.chunked_array([pa.array([False] * table.num_rows)])
    for column in table.columns:
        filled = pc.or_(filled, pc.not_equal(pc.utf8_trim_whitespace(column), ""))
        if pc.all(filled).as_py():
            return table, lines, 0
    keep = filled.to_pylist()
    kept = array("q", (line for line, yes in zip(lines, keep, strict=True) if yes))
    return table.filter(filled), kept, len(lines) - len(kept)
