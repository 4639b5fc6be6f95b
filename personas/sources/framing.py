"""Records that are no data: totals and remarks below a table, and signs that the header is none.

Method: ingest.md 6.1. A total is set aside only among the last five records and only with evidence; one in the middle,
or a header that comes again, is a refusal.
"""

from __future__ import annotations

import re
from array import array
from decimal import Decimal
from typing import TYPE_CHECKING

from personas.errors import InputError
from personas.sources.days import parse_day
from personas.sources.dialect import TOTAL_WORDS
from personas.sources.numbers import parse_number

if TYPE_CHECKING:
    import pyarrow as pa

LAST = 5
"""How many records from the end may be totals or remarks."""
LABELLED = 5
"""Columns from the left in which the word for a total may stand."""
_REMARK = re.compile(
    r"record\(?s?\)? downloaded|^seller id\b|^(report )?(generated|exported|created) (on|at|by)\b", re.I
)


def without_totals(table: pa.Table, lines: array[int] | None, label: str) -> tuple[pa.Table, array[int] | None, int]:
    """The table without totals and remarks at its end, and how many there were.

    Raises InputError for a total in the middle and for a header that comes again.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    count = table.num_rows
    found = sorted(_labelled(table) | {place for place in range(max(0, count - LAST), count) if _remark(table, place)})
    doomed = []
    for place in found:
        cells = _cells(table, place)
        if [cell.casefold() for cell in cells] == [name.casefold() for name in table.column_names]:
            raise InputError(f"{label}: the header comes again {_where(lines, place)}. Keep one table per file")
        if not (_remark(table, place) or _is_total(table, place, cells, set(found))):
            continue
        if place < count - LAST:
            raise InputError(
                f"{label}: {_where(lines, place)} is a total in the middle of the table. Remove it, keep one table "
                "per file"
            )
        doomed.append(place)
    if not doomed:
        return table, lines, 0
    keep = [place not in doomed for place in range(count)]
    kept = array("q", (line for line, yes in zip(lines, keep, strict=True) if yes)) if lines is not None else None
    return table.filter(pc.cast(pa.array(keep), pa.bool_())), kept, len(doomed)


def _where(lines: array[int] | None, place: int) -> str:
    return f"line {lines[place]}" if lines is not None else f"row {place + 1}"


def _cells(table: pa.Table, place: int) -> list[str]:
    return [str(column[place].as_py() or "").strip() for column in table.columns]


def _labelled(table: pa.Table) -> set[int]:
    """Records whose first filled cell is a word for a total, or the name of its column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: set[int] = set()
    for position in range(min(LABELLED, table.num_columns)):
        texts = pc.utf8_lower(pc.utf8_trim(table.column(position), " :"))
        words = [*TOTAL_WORDS, table.column_names[position].lower()]
        hits = pc.indices_nonzero(pc.is_in(texts, value_set=pa.array(words))).to_pylist()
        found |= {place for place in hits[:1000] if not any(_cells(table, place)[:position])}
    return found


def _remark(table: pa.Table, place: int) -> bool:
    cells = [cell for cell in _cells(table, place) if cell]
    return 0 < len(cells) <= 2 and any(_REMARK.search(cell) for cell in cells)


def _is_total(table: pa.Table, place: int, cells: list[str], found: set[int]) -> bool:
    """Whether a record with a word for a total is one: a cell empty that all others fill, or the sum of its column."""
    import pyarrow.compute as pc

    word = next(cell for cell in cells if cell).strip(" :").casefold()
    if word not in TOTAL_WORDS:
        return False
    others = table.num_rows - len(found)
    for position, cell in enumerate(cells):
        column = table.column(position)
        if not cell:
            filled = table.num_rows - (pc.sum(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py() or 0)
            if others and filled >= others:
                return True
        elif _is_sum(cell, [text for at, text in enumerate(column.to_pylist()) if at not in found]):
            return True
    return False


def _is_sum(cell: str, texts: list[str]) -> bool:
    for reading in ("point", "comma"):
        total = parse_number(cell, reading, money=True)
        if total is None:
            continue
        numbers = [parse_number(text, reading, money=True) for text in texts if text.strip()]
        if numbers and all(number is not None for number in numbers):
            return sum((number for number in numbers if number is not None), Decimal(0)) == total
    return False


def refuse_data_as_header(table: pa.Table, label: str, name: str) -> None:
    """Raise InputError when the names of two or more columns are numbers or days, as their first values are."""
    odd = [
        column
        for column, values in zip(table.column_names, table.columns, strict=True)
        if _is_value(column) and _is_value(str(values[0].as_py() or ""))
    ]
    if len(odd) >= 2:
        raise InputError(
            f"{label}: the first line looks like data ({', '.join(odd[:3])}), not like names "
            "of columns. If there is no "
            f"header line, write sources.{name}.header: [name of the first column, name of the second, ...]"
        )


def _is_value(text: str) -> bool:
    return parse_number(text, "point") is not None or any(parse_day(text, order) for order in ("ymd", "dmy", "mdy"))
