"""A source as it is: text columns from a text file, typed ones from Parquet, Arrow or a DataFrame; nothing is guessed.

Method: ingest.md 1. Two readers that share no code read every text file (Python's ``csv``, strict, and Arrow's); they
must agree on records, filled cells and characters of every column.
"""

from __future__ import annotations

import csv
import hashlib
import io
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personas.config import SourceConfig
from personas.errors import InputError, LimitError, PersonasError, count_of
from personas.sources.dialect import MAX_CELL, choose_delimiter, clean_header, decode
from personas.sources.gate import kind_of, locate, sha256_of

if TYPE_CHECKING:
    import pyarrow as pa

MAX_RAGGED = 1_000
"""Most rows of another width that may be set aside, whatever their share."""
CHECKED_BYTES = 300_000_000
"""Files up to here are read by both readers."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A source before any meaning is given to it.

    ``data`` is an Arrow table, or the Parquet files that the engine reads itself. ``is_text`` says that every column is
    text from a text file. ``records`` counts what the files hold, ``ragged`` and ``blank`` what is already set aside.
    """

    name: str
    label: str
    data: pa.Table | tuple[Path, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...]
    is_text: bool
    records: int
    ragged: int
    blank: int
    lines: array[int] | None
    facts: dict[str, object]
    sha256: str
    parts: tuple[tuple[int, str], ...] = ()
    """(first record, file) of each file, where there are several."""

    def place(self, record: int) -> str:
        """Where a record (from 0) stands: its line for a text file, else its row number."""
        if self.lines is None:
            return f"row {record + 1}"
        files = [file for first, file in self.parts if first <= record]
        return f"{files[-1]} line {self.lines[record]}" if files else f"line {self.lines[record]}"


def read_source(name: str, source: SourceConfig, folder: Path) -> Raw:
    """The source ``name`` as it is.

    Raises
    ------
    InputError
        When it is missing, unreadable, ambiguous or uneven; always with what to do.
    LimitError
        When it is larger than what is read.
    """
    if source.data is not None:
        return _from_memory(name, source.data)
    paths = locate(name, source, folder)
    kinds = {kind_of(path, source.format) for path in paths}
    if len(kinds) > 1:
        raise InputError(f"sources.{name}.file mixes text and Parquet files. Name files of one kind")
    if kinds == {"parquet"}:
        return _from_parquet(name, paths)
    return _joined(name, [_from_text(name, path, source) for path in paths])


def _from_memory(name: str, data: Any) -> Raw:
    """A pandas DataFrame or an Arrow table; a DataFrame's index is ignored."""
    import pyarrow as pa

    label = f"the {name} given"
    if not isinstance(data, pa.Table):
        try:
            data = pa.Table.from_pandas(data, preserve_index=False)
        except (AttributeError, TypeError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(
                f"{label} are neither an Arrow table nor a pandas DataFrame of plain columns: {error}"
            ) from error
    data = data.replace_schema_metadata(None)
    columns = clean_header([str(column) for column in data.column_names], label)
    data = data.rename_columns(columns)
    if data.num_rows == 0:
        raise InputError(f"{label} have no rows")
    sink = hashlib.sha256()
    for batch in data.to_batches():
        sink.update(batch.serialize())
    types = tuple(str(field.type) for field in data.schema)
    facts: dict[str, object] = {"file": label, "format": "memory"}
    return Raw(name, label, data, tuple(columns), types, False, data.num_rows, 0, 0, None, facts, sink.hexdigest())


def _from_parquet(name: str, paths: list[Path]) -> Raw:
    """Parquet files with the same columns; only the footers are read here."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    records, schema = 0, None
    label = ", ".join(path.name for path in paths)
    for path in paths:
        try:
            footer = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path.name} is a damaged Parquet file ({error}). Write it again") from error
        records += footer.metadata.num_rows
        found = footer.schema_arrow.remove_metadata()
        if schema is not None and not found.equals(schema):
            raise InputError(f"{path.name} has other columns than {paths[0].name}. Give all files the same columns")
        schema = found
    if schema is None or records == 0:
        raise InputError(f"{label} has no rows")
    columns = clean_header([str(column) for column in schema.names], label)
    if columns != list(schema.names):
        raise InputError(f"{label}: a column name begins or ends with a blank. Rename it")
    shas = [sha256_of(path) for path in paths]
    facts: dict[str, object] = {"file": label, "format": "parquet"}
    types = tuple(str(field.type) for field in schema)
    return Raw(name, label, tuple(paths), tuple(columns), types, False, records, 0, 0, None, facts, _one_hash(shas))


def _one_hash(hashes: Sequence[str]) -> str:
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _joined(name: str, parts: list[Raw]) -> Raw:
    """Several text files of the same columns as one; the order of the columns may differ."""
    import pyarrow as pa

    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        if odd := sorted(set(part.columns) ^ set(first.columns)):
            raise InputError(f"{part.label} and {first.label} differ in the columns {', '.join(odd)}. Make them equal")
    if len({part.sha256 for part in parts}) < len(parts):
        raise InputError(f"two files of sources.{name} have the same content. Name each once")
    tables = [part.data.select(list(first.columns)) for part in parts if not isinstance(part.data, tuple)]
    lines, starts = array("q"), []
    for part in parts:
        starts.append((len(lines), part.label))
        lines.extend(part.lines or ())
    return Raw(
        name, ", ".join(part.label for part in parts),
        pa.concat_tables(tables), first.columns, first.types, True,
        sum(part.records for part in parts), sum(part.ragged for part in parts), sum(part.blank for part in parts),
        lines, {**first.facts, "file": ", ".join(str(part.facts["file"]) for part in parts)},
        _one_hash([part.sha256 for part in parts]), tuple(starts),
    )  # fmt: skip


def _from_text(name: str, path: Path, source: SourceConfig) -> Raw:
    """One text file as a table of text columns."""
    data = path.read_bytes()
    text = decode(data, source.encoding, path.name, name)
    facts: dict[str, object] = {
        "file": path.name,
        "format": "csv",
        "encoding": text.encoding,
        "notes": list(text.notes),
    }
    if not text.text.strip():
        raise InputError(f"{path.name} is empty. Export it again with a header line and at least one record")
    if source.delimiter == "blanks":
        facts["delimiter"] = "blanks"
        table, lines, ragged = _read_blanks(text.text, path.name)
    else:
        mark = choose_delimiter(text.text, source.delimiter, path.name, name)
        facts["delimiter"] = mark
        table, lines, ragged = _read_delimited(text.text, mark, path.name)
    records = table.num_rows + len(ragged)
    if records == 0:
        raise InputError(f"{path.name} has a header but no records. Export it again with its data")
    if len(ragged) > min(MAX_RAGGED, source.max_set_aside * records):
        raise InputError(
            f"{path.name}: {count_of(len(ragged), 'record')} of {records:,} have another number of fields than the "
            f"header ({', '.join(ragged[:3])}). Correct them, or allow more: sources.{name}.max_set_aside"
        )
    table, lines, blank = _without_blank_rows(table, lines)
    facts |= {
        "records": records,
        "checked": len(text.text) <= CHECKED_BYTES,
        "ragged": ragged[:20],
        "blank_rows": blank,
    }
    columns = tuple(table.column_names)
    sha256 = hashlib.sha256(data).hexdigest()
    return Raw(
        name,
        path.name,
        table,
        columns,
        ("string",) * len(columns),
        True,
        records,
        len(ragged),
        blank,
        lines,
        facts,
        sha256,
    )


def _read_blanks(text: str, label: str) -> tuple[pa.Table, array[int], list[str]]:
    """Columns separated by runs of blanks, with or without a leading one; quotes mean nothing here."""
    import pyarrow as pa

    header: list[str] | None = None
    rows: list[list[str]] = []
    lines, ragged = array("q"), []
    for number, line in enumerate(text.splitlines(), 1):
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


def _read_delimited(text: str, mark: str, label: str) -> tuple[pa.Table, array[int], list[str]]:
    import pyarrow.compute as pc

    whole = len(text) <= CHECKED_BYTES
    seen = _tally(text, mark, label)
    table = _read_arrow(text, mark, seen.header, label)
    if table.num_rows != len(seen.lines):
        raise _disagree(label, f"{table.num_rows:,} and {len(seen.lines):,} records")
    for position, column in enumerate(table.columns if whole else ()):
        lengths = pc.utf8_length(column)
        found = (table.num_rows - (pc.sum(pc.equal(lengths, 0)).as_py() or 0), pc.sum(lengths).as_py() or 0)
        if found != (seen.filled[position], seen.characters[position]):
            raise _disagree(label, f"the column {seen.header[position]!r}")
    return table, seen.lines, seen.ragged


def _disagree(label: str, what: str) -> InputError:
    return InputError(
        f"{label}: two independent readers disagree about {what}. It is written in an unusual way (quotes, line ends). "
        "Open it in a spreadsheet and save it as CSV (UTF-8) again"
    )


def _tally(text: str, mark: str, label: str) -> _Tally:
    """Read every record strictly and count; quoting mistakes are refused with their line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        header = clean_header(next(row for row in reader if row), label)
        width = len(header)
        seen = _Tally(header, array("q"), [], [0] * width, [0] * width)
        for rows in _batches(reader, seen, width):
            for position, cells in enumerate(zip(*rows, strict=True)):
                seen.filled[position] += len(cells) - cells.count("")
                seen.characters[position] += sum(map(len, cells))
        return seen
    except csv.Error as error:
        if "field larger" in str(error):
            raise LimitError(
                f"{label}: a cell at line {reader.line_num} is larger than {MAX_CELL // 8:,} characters"
            ) from error
        raise InputError(
            f"{label} breaks the rules of quoting near line {reader.line_num} ({error}). A quote that is opened must "
            "be closed, and a quote inside a cell is written twice"
        ) from error


def _batches(reader: Any, seen: _Tally, width: int) -> Iterator[list[list[str]]]:
    """Batches of rows of the right width; the others are listed."""
    rows: list[list[str]] = []
    for row in reader:
        if len(row) == width:
            rows.append(row)
            seen.lines.append(reader.line_num)
            if len(rows) == 50_000:
                yield rows
                rows = []
        elif row:
            seen.ragged.append(f"line {reader.line_num} has {len(row)} fields, the header {width}")
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


def _without_blank_rows(table: pa.Table, lines: array[int]) -> tuple[pa.Table, array[int], int]:
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
