"""One source into the engine: read, matched, converted; a table with a ``record`` number and canonical columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from personas.config import SourceConfig, StudyConfig
from personas.engines.engine import Engine, Table
from personas.errors import InputError, count_of
from personas.estimate import Notice
from personas.sources.aliases import aliases_of
from personas.sources.audit import LABELS
from personas.sources.convert import WORDS, Converted, Grammar, arrow_type, convert_column
from personas.sources.likeness import alike
from personas.sources.mapping import Mapped, Plan, plan
from personas.sources.preset import with_reading
from personas.sources.raw import as_written
from personas.sources.readers import Raw, Snapshots, read_source
from personas.sources.reshape import reshape
from personas.sources.screen import privacy_of, refuse_identifying, refuse_unseen
from personas.sources.settle import settled, turn_positive
from personas.sources.typed import check_type, family_of, off_cent, typed_reports, typed_sql
from personas.sources.zones import Zones

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Loaded:
    """A source inside the engine.

    ``table`` holds the columns of ``plan`` under their canonical names; a source that was read in memory has
    ``record`` too (from 0, in the order of the file). ``filled`` counts the values per column.
    """

    table: Table
    plan: Plan
    raw: Raw
    filled: dict[str, int]
    interpretation: dict[str, object]
    notices: tuple[Notice, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Of customers: other name to customer number."""

    def has(self, *columns: str) -> bool:
        """Whether the source has all these canonical columns."""
        return self.table.has(*columns)

    @property
    def set_aside(self) -> list[tuple[str, int]]:
        """(reason, records) of what the reader set aside already."""
        return [("ragged", self.raw.ragged), ("blank", self.raw.blank), *self.raw.dropped]


def load(
    engine: Engine,
    name: str,
    source: SourceConfig,
    folder: Path,
    study: StudyConfig,
    required: frozenset[str] = frozenset(),
    aliases: Mapping[str, str] | None = None,
    snapshots: Snapshots | None = None,
    read: Raw | None = None,
) -> Loaded:
    """Read a source (unless it is ``read`` already), match its columns, convert them, bring them into the engine.

    The table is called as the source. What the rules make of it takes its name and its place, so that nothing large
    is kept twice.

    Raises
    ------
    ConfigError, InputError, LimitError
        As the reader and the matching; InputError with every column that needs an answer or does not convert.
    """
    source = with_reading(source)
    refuse_identifying(name, source)
    raw = reshape(read or read_source(name, source, folder, snapshots), source)
    matched = plan(raw, source, required)
    refuse_unseen(raw, matched)
    grammar = Grammar(
        source.decimal, source.dates, study.currency, source.years == "two", source.calendar, source.units == "minor",
        Zones(study.time_zone or "", source.time_zone or ""),
    )  # fmt: skip
    if _needs_arrow(raw, matched, grammar):
        raw = _in_memory(raw, matched)
    if not isinstance(raw.data, tuple) and not grammar.zones.study:
        data = as_written(raw.data)
        raw = replace(raw, data=data, types=tuple(str(field.type) for field in data.schema))
    converted, columns = _converted(raw, matched, grammar)
    table, more = _into_engine(engine, raw, matched, columns)
    reports = {**converted, **more}
    _refuse_failures(raw, source, matched, reports)
    table, turned = turn_positive(engine, table)
    likely = alike(columns.get("customer_id"), name, raw.label, folded=source.fold_case)
    own, shared = aliases_of(raw, matched, source) if name == "customers" else ({}, [])
    table, raw, more_notices = settled(engine, table, raw, source, study, folder, aliases or own)
    return Loaded(
        table, matched, raw, {name: report.filled for name, report in reports.items()},
        _interpretation(raw, matched, reports),
        (*_notices(raw, matched, reports), *turned, *shared, *likely, *more_notices), own,
    )  # fmt: skip


def _needs_arrow(raw: Raw, matched: Plan, grammar: Grammar) -> bool:
    """Whether a Parquet column has values that only our grammar, or Arrow, may read."""
    if not isinstance(raw.data, tuple):
        return False
    types = dict(zip(raw.columns, raw.types, strict=True))
    used = [(item, types[name]) for item in matched.columns for name in item.origin]
    return any(_by_grammar(item, kind, grammar) or (item.kind == "day" and "tz=" in kind) for item, kind in used)


def _by_grammar(item: Mapped, type_name: str, grammar: Grammar) -> bool:
    """Whether a column is read as text: texts, and typed values that mean something only under the settings."""
    family = family_of(type_name)
    if item.kind == "day" and family == "integer":
        return True  # 20250131, or days and seconds since a first one
    if item.kind == "day" and type_name.startswith("timestamp") and grammar.zones.study:
        return "tz=" in type_name or bool(grammar.zones.source)
    if item.kind == "money" and (grammar.minor or _finer_than_kept(type_name)):
        return True
    return item.kind not in WORDS and (family == "text" or bool(item.values))


def _finer_than_kept(type_name: str) -> bool:
    """Whether a decimal type has more places than amounts are kept with."""
    found = re.fullmatch(r"decimal\d+\(\d+, (\d+)\)", type_name)
    return found is not None and int(found[1]) > 4


def _in_memory(raw: Raw, matched: Plan) -> Raw:
    """The same source with its used columns read into memory."""
    used = sorted({name for item in matched.columns for name in item.origin}, key=raw.columns.index)
    table = raw.read(used)
    types = tuple(str(field.type) for field in table.schema)
    return replace(raw, data=table, columns=tuple(used), types=types)


def _converted(raw: Raw, matched: Plan, grammar: Grammar) -> tuple[dict[str, Converted], dict[str, pa.Array]]:
    """The columns that go through our grammar: all of a text source, the texts of one in memory."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(raw.data, tuple):
        return {}, {}
    types = dict(zip(raw.columns, raw.types, strict=True))
    reports, columns = {}, {}
    for item in matched.columns:
        if item.constant is not None:
            parts = [
                convert_column(
                    pa.chunked_array([pa.array([item.constant] * raw.data.num_rows, pa.string())]),
                    item.kind,
                    grammar,
                    item.values,
                )
            ]
        elif all(family_of(types[name]) == "text" or _by_grammar(item, types[name], grammar) for name in item.origin):
            texts = [pc.cast(raw.data.column(name), pa.string()) for name in item.origin]
            parts = [convert_column(text, item.kind, grammar, item.values) for text in texts]
        else:
            continue
        reports[item.name] = parts[0] if len(parts) == 1 else _added(parts, item.kind)
        columns[item.name] = reports[item.name].array
    return reports, columns


def _added(parts: Sequence[Converted], kind: str) -> Converted:
    """Several converted columns added up; a missing one counts as 0 as long as one is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = parts[0].array.is_valid()
    total = pc.fill_null(parts[0].array, 0)
    for part in parts[1:]:
        known = pc.or_(known, part.array.is_valid())
        total = pc.add(total, pc.fill_null(part.array, 0))
    array = pc.if_else(known, pc.cast(total, arrow_type(kind)), pa.scalar(None, arrow_type(kind)))
    return replace(
        parts[0], array=array, filled=len(array) - array.null_count, missing=array.null_count,
        failed=sum(part.failed for part in parts), failed_at=tuple(at for part in parts for at in part.failed_at)[:3],
        examples=tuple(text for part in parts for text in part.examples)[:3],
        question=next((part.question for part in parts if part.question), ""),
    )  # fmt: skip


def _into_engine(
    engine: Engine, raw: Raw, matched: Plan, columns: dict[str, pa.Array]
) -> tuple[Table, dict[str, Converted]]:
    """The table of the source; typed columns are converted by one SELECT."""
    import numpy as np
    import pyarrow as pa

    typed = [item for item in matched.columns if item.name not in columns]
    if not typed:
        length = raw.data.num_rows if not isinstance(raw.data, tuple) else 0
        return engine.read(raw.name, pa.table({"record": np.arange(length), **columns})), {}
    types = dict(zip(raw.columns, raw.types, strict=True))
    for item in typed:
        for name in item.origin:
            check_type(item.kind, types[name], name, raw.label)
    if isinstance(raw.data, tuple):
        engine.read(f"file_{raw.name}", list(raw.data))
    else:
        origins = sorted({name for item in typed for name in item.origin})
        data = {f"o{raw.columns.index(name):04d}": raw.data.column(name) for name in origins}
        engine.read(f"file_{raw.name}", pa.table({"record": np.arange(raw.data.num_rows), **data, **columns}))
        typed = [
            replace(item, origin=tuple(f"o{raw.columns.index(name):04d}" for name in item.origin)) for item in typed
        ]
        types = {f"o{raw.columns.index(name):04d}": types[name] for name in origins}
    off = off_cent(engine, raw, typed, types)
    table = engine.make(raw.name, typed_sql(raw, matched, typed, types, tuple(columns)))
    return table, typed_reports(engine, raw, table, typed, types, off)


def _refuse_failures(raw: Raw, source: SourceConfig, matched: Plan, reports: dict[str, Converted]) -> None:
    """Raise InputError for every column that needs an answer, or that fails too often."""
    problems = []
    for item in matched.columns:
        report = reports[item.name]
        where = f"{raw.label}, column {' + '.join(map(repr, item.origin)) or repr(item.constant)} ({item.name})"
        if report.question:
            problems.append(f"{where}: {report.question.replace('{source}', raw.name)}")
        elif report.failed > source.max_set_aside * raw.records:
            shown = ", ".join(
                f"{raw.place(at)}: {text}" for at, text in zip(report.failed_at, report.examples, strict=True)
            )
            way_out = "" if item.required else f", or leave the column out: sources.{raw.name}.columns.{item.name}: ''"
            problems.append(
                f"{where}: {report.failed:,} of {raw.records:,} values are no {_WORDS.get(item.kind, item.kind)}"
                f"{f' ({shown})' if shown else ''}. Correct them, or allow more: "
                f"sources.{raw.name}.max_set_aside{way_out}"
            )
        elif item.required and report.filled == 0:
            problems.append(
                f"{where}: not one value. Name the column that has them: sources.{raw.name}.columns.{item.name}"
            )
        elif item.required and item.kind == "money" and _unknown(report) > source.max_set_aside * raw.records:
            problems.append(
                f"{where}: {_unknown(report):,} of {raw.records:,} amounts are empty, NaN or infinite. Fill them in, "
                f"or have these records set aside: sources.{raw.name}.max_set_aside: 1"
            )
    if problems:
        raise InputError(f"{raw.label} leaves {count_of(len(problems), 'question')} open", problems)


def _unknown(report: Converted) -> int:
    return report.missing + report.failed


_WORDS = {
    "day": "day", "money": "amount", "number": "number", "measure": "number", "count": "whole number",
    "share": "share from 0 to 1", "flag": "yes or no", "id": "id",
}  # fmt: skip


def _interpretation(raw: Raw, matched: Plan, reports: dict[str, Converted]) -> dict[str, object]:
    """What was understood, for people and for audit.json; examples are masked."""
    return {
        "source": raw.name, "sha256": raw.sha256, **raw.facts, "records": raw.records,
        "unused_columns": list(matched.unused), "not_read_because": privacy_of(raw, matched),
        "columns": [
            {
                "column": item.name, "from": list(item.origin) or item.constant, "kind": item.kind,
                "filled": reports[item.name].filled, "missing": reports[item.name].missing,
                "failed": reports[item.name].failed, "proof": reports[item.name].proof,
                "notes": list(reports[item.name].notes),
            }
            for item in matched.columns
        ],
    }  # fmt: skip


def _notices(raw: Raw, matched: Plan, reports: dict[str, Converted]) -> list[Notice]:
    """Remarks about single columns that a reader must know."""
    notices = []
    said = raw.facts.get("notes")
    notices += [Notice("read-as", f"{raw.label}: {note}") for note in (said if isinstance(said, list) else ())]
    notices += [
        Notice(reason, f"{raw.label}: {count_of(count, 'record')} {LABELS[reason]} set aside", count)
        for reason, count in raw.dropped
        if reason != "other-currency"
    ]
    if raw.ragged:
        notices.append(
            Notice(
                "ragged",
                f"{raw.label}: {count_of(raw.ragged, 'record')} with another number of fields set aside",
                raw.ragged,
            )
        )
    for item in matched.columns:
        report = reports[item.name]
        if report.failed:
            shown = ", ".join(
                f"{raw.place(at)}: {text}" for at, text in zip(report.failed_at, report.examples, strict=True)
            )
            text = (
                f"{raw.label}: {count_of(report.failed, 'value')} of {item.name} could not be read and count as unknown"
            )
            notices.append(Notice("unread-values", f"{text} ({shown})" if shown else text, report.failed))
        if item.kind in {"measure", "money", "number", "count", "share"} and report.missing and raw.name == "customers":
            text = f"{raw.label}: {item.name} is unknown for {count_of(report.missing, 'record')}"
            notices.append(Notice("missing-values", text, report.missing))
        notices += [Notice("read-as", f"{raw.label}, {item.name}: {note}") for note in report.notes]
    return notices
