"""JSON as a table of texts: an array of objects, or one object a line; numbers stay as they are written.

Method: ingest.md 4, M27 and M28. Objects inside are flattened with dots; lists stay unread.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from personas.errors import InputError, LimitError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DEPTH = 20
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.S)
MAX_COLUMNS = 2_000


def read_json(text: str, label: str) -> tuple[pa.Table, array[int], tuple[str, ...]]:
    """The table, the line (or number of the object) of each record, and remarks.

    Raises
    ------
    InputError
        For broken JSON, a key that comes twice in one object, or a shape that is no table.
    LimitError
        For more than 20 levels or 2,000 columns.
    """
    import pyarrow as pa

    _refuse_depth(text, label)
    records, lines = [], array("q")
    for line, value in _objects(text, label):
        if not isinstance(value, dict):
            raise InputError(
                f"{label}, line {line}: a table is a list of objects ({{...}}), found {type(value).__name__}"
            )
        records.append(dict(_flat(value, "")))
        lines.append(line)
    if len(records) == 1 and (inside := [name for name, value in records[0].items() if _is_table(value)]):
        raise InputError(
            f"{label} is one object around a table: {', '.join(map(repr, inside))}. Save the list alone, or one object "
            "a line"
        )
    names = list(dict.fromkeys(name for record in records for name in record))
    if len(names) > MAX_COLUMNS:
        raise LimitError(f"{label} has {len(names):,} keys where at most {MAX_COLUMNS:,} are read")
    lists = sorted({name for record in records for name, value in record.items() if isinstance(value, list)})
    names = [name for name in names if name not in lists]
    notes = [f"lists are not read: {', '.join(lists)}"] if lists else []
    counts = {name: sum(name in record for record in records) for name in names}
    partial = [f"{name} in {count:,}" for name, count in counts.items() if count < len(records)]
    if partial:
        notes.append(f"keys that are not in all {len(records):,} objects: {', '.join(partial[:10])}")
    try:
        columns = {name: pa.array([record.get(name) or "" for record in records], pa.string()) for name in names}
    except UnicodeEncodeError as error:
        said = "half of a character (\\ud800 and the like): it is damaged"
        raise InputError(f"{label} has {said}. Export it again") from error
    return pa.table(columns), lines, tuple(notes)


def _is_table(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value)


def _refuse_depth(text: str, label: str) -> None:
    depth = 0
    for found in _MARKS.finditer(text):
        mark = found[0][0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            raise LimitError(f"{label} has more than {MAX_DEPTH} levels. Export a plain list of objects")


def _objects(text: str, label: str) -> Iterator[tuple[int, Any]]:
    """(line, object): of one array, or one a line."""
    whole = text.lstrip("\ufeff \t\r\n")
    if whole.startswith("["):
        for number, value in enumerate(_parsed(whole, label, 1), 1):
            yield number, value
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _parsed(line, label, number)


def _parsed(text: str, label: str, line: int) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        place = line + error.lineno - 1
        raise InputError(
            f"{label} is no JSON at line {place}, column {error.colno} ({error.msg}). A table "
            "is one array of objects, or "
            "one object a line"
        ) from error
    except _TwiceError as error:
        raise InputError(
            f"{label}, line {line}: the key {error.args[0]!r} comes twice in one object. Correct it"
        ) from error


class _TwiceError(ValueError):
    """A key that comes twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found


def _flat(value: dict[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """(name, text) of every value; objects inside with dots."""
    for key, inner in value.items():
        name = f"{before}{key}"
        if isinstance(inner, dict):
            yield from _flat(inner, f"{name}.")
        elif isinstance(inner, bool):
            yield name, "true" if inner else "false"
        else:
            yield name, inner
