"""Typed columns (Parquet, Arrow, DataFrame) to canonical types, as portable SQL; nothing leaves the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.errors import InputError
from personas.sources.convert import WORDS, Converted, fold
from personas.sources.mapping import Mapped, Plan
from personas.sources.numbers import MISSING
from personas.sources.readers import Raw

SQL_TYPES = {
    "day": "DATE", "money": "DECIMAL(18, 4)", "number": "DECIMAL(18, 4)", "count": "BIGINT", "share": "DOUBLE",
    "measure": "DOUBLE", "flag": "BOOLEAN", "birth_year": "BIGINT",
}  # fmt: skip
"""SQL type of a kind; every other kind is VARCHAR."""


def family_of(arrow_type: str) -> str:
    """text, integer, float, decimal, day, flag, nothing or other: what an Arrow type's name stands for.

    >>> family_of("timestamp[us]"), family_of("large_string"), family_of("list<item: int64>")
    ('day', 'text', 'other')
    """
    plain = arrow_type.removeprefix("dictionary<values=").split(",")[0]
    if plain in {"string", "large_string", "string_view"}:
        return "text"
    if arrow_type.startswith(("int", "uint")):
        return "integer"
    if arrow_type in {"float", "double", "halffloat"}:
        return "float"
    for start, name in (
        ("decimal", "decimal"),
        ("timestamp", "day"),
        ("date", "day"),
        ("bool", "flag"),
        ("null", "nothing"),
    ):
        if arrow_type.startswith(start):
            return name
    return "other"


FITTING = {
    "id": {"text", "integer", "float", "nothing"},
    "day": {"day", "nothing"},
    "money": {"integer", "float", "decimal", "nothing"},
    "number": {"integer", "float", "decimal", "nothing"},
    "count": {"integer", "float", "decimal", "nothing"},
    "share": {"integer", "float", "decimal", "nothing"},
    "measure": {"integer", "float", "decimal", "nothing"},
    "birth_year": {"integer", "float", "decimal", "day", "nothing"},
    "flag": {"flag", "integer", "float", "nothing"},
}
"""Families of types that a kind accepts without a grammar; categories and texts accept all but nested ones."""


def check_type(kind: str, arrow_type: str, column: str, label: str) -> None:
    """Raise InputError when a typed column cannot be of this kind."""
    family = family_of(arrow_type)
    if family == "other" or family not in FITTING.get(kind, {family}):
        wanted = {"id": "ids", "day": "days", "flag": "yes and no"}.get(kind, kind)
        raise InputError(
            f"{label}, column {column!r}: type {arrow_type} cannot be read as {wanted}. Map another column"
        )


def finite_sql(column: str, family: str) -> str:
    """Whether a typed value is there at all; NaN and infinite numbers are not."""
    name = quoted(column)
    return f"TRY_CAST({name} AS DECIMAL(38, 6)) IS NOT NULL" if family == "float" else f"{name} IS NOT NULL"


def off_cent_sql(column: str) -> str:
    """Whether a floating amount lies further than a millionth from whole cents."""
    name = quoted(column)
    return f"{finite_sql(column, 'float')} AND ABS({name} - ROUND({name}, 2)) * 1000000 > 1"


def value_sql(column: str, kind: str, arrow_type: str, values: Mapping[str, str]) -> str:
    """The SQL expression of a typed column as ``kind``; what does not fit becomes NULL."""
    name, family = quoted(column), family_of(arrow_type)
    if kind == "day":
        day = f"CAST({name} AS DATE)"  # what lies beyond these years is no day of any calendar of ours
        return f"CASE WHEN {day} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {day} END"
    if kind in {"money", "number"}:
        return f"TRY_CAST({name} AS DECIMAL(18, 4))"
    if kind == "birth_year" and family == "day":
        return f"YEAR({name})"
    if kind in {"count", "birth_year"}:
        whole = name if family == "integer" else f"CASE WHEN {name} = FLOOR({name}) THEN {name} END"
        return f"TRY_CAST({whole} AS BIGINT)"
    if kind in {"share", "measure"}:
        number = f"CASE WHEN {finite_sql(column, family)} THEN CAST({name} AS DOUBLE) END"
        return f"CASE WHEN {number} BETWEEN 0 AND 1 THEN {number} END" if kind == "share" else number
    if kind == "flag":
        return (
            name if family in {"flag", "nothing"} else f"CASE WHEN {name} = 1 THEN TRUE WHEN {name} = 0 THEN FALSE END"
        )
    return _text_sql(name, kind, family, values)


def _text_sql(name: str, kind: str, family: str, values: Mapping[str, str]) -> str:
    """Ids, texts and categories: trimmed text, whole floats without their ``.0``, recoded, gaps as NULL."""
    if family == "float":
        whole = (
            f"CASE WHEN {name} = FLOOR({name}) AND ABS({name}) < 9007199254740992 THEN TRY_CAST({name} AS BIGINT) END"
        )
        text = f"CAST({whole} AS VARCHAR)"
        if kind != "id":
            text = f"COALESCE({text}, CAST({name} AS VARCHAR))"
    else:
        text = f"TRIM(CAST({name} AS VARCHAR))" if family == "text" else f"CAST({name} AS VARCHAR)"
    cases = [f"WHEN {text_literal(fold(found))} THEN {text_literal(meant)}" for found, meant in values.items()]
    if kind == "category" and family in {"text", "float"}:
        # One look at each value: what is recoded is more frequent than what stands for nothing, so it comes first.
        cases = [case for case, found in zip(cases, values, strict=True) if fold(found) not in MISSING]
        cases += [f"WHEN {text_literal(token)} THEN NULL" for token in sorted(MISSING)]
    if cases:
        folded = f"NULLIF(CASE LOWER({text}) {' '.join(cases)} ELSE {text} END, '')"
        return _at_once(name, values, folded) if family == "text" else folded
    return _trimmed(name) if family == "text" else f"NULLIF({text}, '')"


def _at_once(name: str, values: Mapping[str, str], folded: str) -> str:
    """What is recoded, and written as it is looked up, need not be trimmed and folded first."""
    first = {fold(found): meant for found, meant in reversed([*values.items()])}
    plain = {found: meant for found, meant in first.items() if found.isascii() and found not in MISSING and meant}
    cases = [f"WHEN {text_literal(found)} THEN {text_literal(meant)}" for found, meant in plain.items()]
    return f"CASE CAST({name} AS VARCHAR) {' '.join(cases)} ELSE {folded} END" if cases else folded


def _trimmed(name: str) -> str:
    """A text without blanks around it, NULL for none. To see that one of ASCII has none costs half of the trimming."""
    text = f"CAST({name} AS VARCHAR)"
    bare = f"{text} >= '!' AND NOT {text} LIKE '% ' AND BIT_LENGTH({text}) = 8 * LENGTH({text})"
    return f"CASE WHEN {bare} THEN {text} ELSE NULLIF(TRIM({text}), '') END"


def off_cent(engine: Engine, raw: Raw, typed: list[Mapped], types: dict[str, str]) -> dict[str, int]:
    """Floating money columns with values off the cent, and how many."""
    floats = sorted({
        name for item in typed for name in item.origin if item.kind == "money" and family_of(types[name]) == "float"
    })  # fmt: skip
    if not floats:
        return {}
    counts = ", ".join(f"COUNT(CASE WHEN {off_cent_sql(name)} THEN 1 END) AS {quoted(name)}" for name in floats)
    found = engine.fetch(f"SELECT {counts} FROM {quoted(f'file_{raw.name}')}", 1).to_pylist()[0]
    return {name: count for name, count in found.items() if count}


def typed_sql(raw: Raw, matched: Plan, typed: list[Mapped], types: dict[str, str], ready: tuple[str, ...]) -> str:
    """The SELECT that gives every column its canonical name and type."""
    by_name = {item.name: item for item in typed}
    columns = []
    for item in matched.columns:
        if item.name in ready:
            columns.append(quoted(item.name))
        elif item.constant is not None:
            kind = SQL_TYPES.get(item.kind, "VARCHAR")
            columns.append(f"CAST({text_literal(item.constant)} AS {kind}) AS {quoted(item.name)}")
        else:
            columns.append(f"{_sum_sql(by_name[item.name], types)} AS {quoted(item.name)}")
    if not isinstance(raw.data, tuple):
        columns.insert(0, "record")
    return "SELECT\n  " + ",\n  ".join(columns) + f"\nFROM {quoted(f'file_{raw.name}')}"


def _sum_sql(item: Mapped, types: dict[str, str]) -> str:
    parts = [value_sql(name, item.kind, types[name], item.values) for name in item.origin]
    if len(parts) == 1:
        return parts[0]
    total = " + ".join(f"COALESCE({part}, 0)" for part in parts)
    known = f"COALESCE({', '.join(parts)}) IS NOT NULL"
    return f"CASE WHEN {known} THEN CAST({total} AS {SQL_TYPES[item.kind]}) END"


def always_fits(kind: str, arrow_type: str) -> bool:
    """Whether no value of the type can fail to become one of the kind.

    >>> [always_fits("money", kind) for kind in ("decimal128(12, 2)", "decimal128(20, 2)", "double")]
    [True, False, False]
    """
    family = family_of(arrow_type)
    if kind in {"money", "number"} and family == "decimal":
        digits, scale = (int(part) for part in arrow_type[arrow_type.index("(") + 1 : -1].split(","))
        return scale >= 0 and digits - scale <= (14 if scale <= 4 else 13)
    if kind in {"id", "count"} and arrow_type.startswith("int"):
        return True
    return family == "nothing" or (kind == "flag" and family == "flag")


def typed_reports(
    engine: Engine, raw: Raw, table: Table, typed: list[Mapped], types: dict[str, str], off: dict[str, int]
) -> dict[str, Converted]:
    """How the conversion of typed columns into ``table`` went: values, gaps, and values that did not fit."""
    import pyarrow as pa

    kept = [f"COUNT({quoted(item.name)}) AS {quoted('v ' + item.name)}" for item in typed if item.origin]
    found = _counted(engine, kept, table.name)
    # Where no value is unknown none has failed, and the files need not be read once more.
    there = [
        f"COUNT(CASE WHEN {finite_sql(name, family_of(types[name]))} THEN 1 END) AS {quoted('f ' + item.name)}"
        for item in typed
        for name in item.origin
        if len(item.origin) == 1 and not _is_text(item, types) and not always_fits(item.kind, types[name])
        and found["v " + item.name] < raw.kept
    ]
    found |= _counted(engine, there, f"file_{raw.name}")
    reports = {}
    for item in typed:
        filled = int(found.get("v " + item.name, raw.kept))
        failed = max(0, int(found.get("f " + item.name, filled)) - filled)
        bad = sum(off.get(name, 0) for name in item.origin)
        notes = (f"{bad:,} amounts are not whole cents and are kept to 4 decimals",) if bad else ()
        reports[item.name] = Converted(pa.nulls(0), filled, raw.kept - filled - failed, failed, notes=notes)
    return reports


def _counted(engine: Engine, counts: list[str], source: str) -> dict[str, Any]:
    return engine.fetch(f"SELECT {', '.join(counts)} FROM {quoted(source)}", 1).to_pylist()[0] if counts else {}


def _is_text(item: Mapped, types: dict[str, str]) -> bool:
    return item.kind in WORDS - {"id"} or family_of(types["".join(item.origin)]) == "text"
