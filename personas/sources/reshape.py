"""The traps of known exports, as declared by preset and configuration: records and columns put right before matching.

Method: ingest.md 6 and 10. Nothing is dropped without a reason and a count: ``Raw.dropped``.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from personas.config import ColumnSpec, SourceConfig
from personas.errors import InputError
from personas.sources.numbers import read_numbers
from personas.sources.preset import PRESETS, PresetTable, Product, Rule, loosely, same_name
from personas.sources.raw import Raw, as_written

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = " (put together)"
"""Ends the name of a column that is made here."""


@dataclass(slots=True)
class _Sheet:
    """The records of a source while they are put right."""

    raw: Raw
    table: pa.Table
    keep: list[bool]
    reasons: dict[str, int]

    def find(self, name: str) -> str | None:
        """The column of a name of the preset, or None."""
        columns = self.table.column_names
        exact = (column for column in columns if same_name(name, column))
        return next(exact, None) or next((column for column in columns if loosely(column) == loosely(name)), None)

    def texts(self, name: str) -> list[str]:
        """The trimmed texts of a column; empty ones where there is no such column."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.find(name)
        if column is None:
            return [""] * self.table.num_rows
        texts = pc.fill_null(pc.cast(self.table.column(column), pa.string()), "")
        return [str(text) for text in pc.utf8_trim_whitespace(texts).to_pylist()]

    def set(self, name: str, texts: Sequence[str]) -> None:
        """Put a column of texts in, over the former one of that name."""
        import pyarrow as pa

        column = pa.array(texts, pa.string())
        place = self.table.schema.get_field_index(name)
        self.table = self.table.append_column(name, column) if place < 0 else self.table.set_column(place, name, column)

    def drop(self, reason: str, doomed: Sequence[bool]) -> None:
        """Mark records as set aside."""
        for place, gone in enumerate(doomed):
            if gone and self.keep[place]:
                self.keep[place] = False
                self.reasons[reason] = self.reasons.get(reason, 0) + 1


def reshape(raw: Raw, source: SourceConfig) -> Raw:
    """The source with the traps of its preset and the rules of the configuration applied.

    Raises
    ------
    InputError
        When this kind of export cannot be used, or no record is left.
    """
    preset = PRESETS.get(source.preset)
    if preset.refuse:
        raise InputError(f"{raw.label} is {preset.about}: {preset.refuse}")
    rules = preset.table(raw.name)
    if not (rules.reshapes or source.leave_out or source.keep or source.guests or _joined_columns(source)):
        return raw
    raw, table = _in_memory(raw)
    sheet = _Sheet(raw, table, [True] * table.num_rows, {})
    _carry_forward(sheet, rules)
    _leave_out(sheet, rules, source)
    _one_row_per(sheet, rules)
    _first_of(sheet, rules, source)
    _kinds(sheet, rules)
    _refunds(sheet, rules)
    _amounts(sheet, rules, source)
    return _finished(sheet)


def _joined_columns(source: SourceConfig) -> bool:
    return any(isinstance(spec, ColumnSpec) and (spec.first_of or spec.product_of) for spec in source.columns.values())


def _in_memory(raw: Raw) -> tuple[Raw, pa.Table]:
    if not isinstance(raw.data, tuple):
        return raw, raw.data
    table = as_written(raw.read())
    return replace(raw, data=table), table


def _carry_forward(sheet: _Sheet, rules: PresetTable) -> None:
    """Fill cells that an export writes only on the first record of a number."""
    if not rules.carry_forward:
        return
    key = sheet.texts(rules.one_row_per or rules.carry_forward[0])
    for name in rules.carry_forward:
        column = sheet.find(name)
        if column is None:
            continue
        texts, seen = sheet.texts(name), dict[str, str]()
        for place, (number, text) in enumerate(zip(key, texts, strict=True)):
            if text:
                seen[number] = text
            else:
                texts[place] = seen.get(number, "")
        sheet.set(column, texts)


def _holds(sheet: _Sheet, rule: Rule) -> list[bool]:
    words = {word.casefold() for word in rule.is_}
    return [bool(text) and (not words or text.casefold() in words) for text in sheet.texts(rule.column)]


def _leave_out(sheet: _Sheet, rules: PresetTable, source: SourceConfig) -> None:
    for rule in rules.leave_out:
        sheet.drop("left-out", _holds(sheet, rule))
    for column, words in source.leave_out.items():
        _require(sheet, column, "leave_out")
        sheet.drop("left-out", _holds(sheet, Rule(column, words)))
    for column, words in source.keep.items():
        _require(sheet, column, "keep")
        sheet.drop("left-out", [not kept for kept in _holds(sheet, Rule(column, words))])


def _require(sheet: _Sheet, column: str, setting: str) -> None:
    if sheet.find(column) is None:
        raise InputError(
            f"sources.{sheet.raw.name}.{setting}: {sheet.raw.label} has no column {column!r}. It has: "
            f"{', '.join(sheet.table.column_names[:30])}"
        )


def _one_row_per(sheet: _Sheet, rules: PresetTable) -> None:
    """Keep the first record of each number."""
    if not rules.one_row_per or sheet.find(rules.one_row_per) is None or rules.carry_forward:
        return
    seen: set[str] = set()
    doomed = []
    for number, kept in zip(sheet.texts(rules.one_row_per), sheet.keep, strict=True):
        doomed.append(number in seen)
        if kept and number:
            seen.add(number)
    sheet.drop("further-line", doomed)


def _first_of(sheet: _Sheet, rules: PresetTable, source: SourceConfig) -> None:
    """The first column with a value, record by record; guests have none."""
    wanted = {name: columns for name, columns in rules.first_of.items() if name not in source.columns}
    wanted |= {
        name: spec.first_of for name, spec in source.columns.items() if isinstance(spec, ColumnSpec) and spec.first_of
    }
    if "customer_id" not in wanted and (rules.guests or source.guests):
        spec = source.columns.get("customer_id", "")
        single = spec.column if isinstance(spec, ColumnSpec) else spec
        wanted["customer_id"] = (single,) if single else ("customer_id", *rules.columns.get("customer_id", ()))
        wanted["customer_id"] = tuple(name for name in wanted["customer_id"] if sheet.find(name))[:1]
    guests = {word.casefold() for word in (*rules.guests, *source.guests)}
    for name, columns in wanted.items():
        present = [column for column in columns if sheet.find(column)]
        if not present:
            if name in source.columns or (name == "customer_id" and source.guests):
                _require(sheet, columns[0] if columns else name, f"columns.{name}")
            continue
        none = guests if name == "customer_id" else set[str]()
        texts = [""] * sheet.table.num_rows
        for column in present:
            found = sheet.texts(column)
            texts = [have or ("" if new.casefold() in none else new) for have, new in zip(texts, found, strict=True)]
        sheet.set(name + SUFFIX, texts)


def _kinds(sheet: _Sheet, rules: PresetTable) -> None:
    """Sale, refund, cancelled, failed or test: by the first rule that holds."""
    if not rules.kind:
        return
    kinds = [""] * sheet.table.num_rows
    for rule in rules.kind:
        kinds = [kind or (rule.means if holds else "") for kind, holds in zip(kinds, _holds(sheet, rule), strict=True)]
    sheet.set("kind" + SUFFIX, [kind or "sale" for kind in kinds])


def _refunds(sheet: _Sheet, rules: PresetTable) -> None:
    """The total itself as the amount given back, where the export says that all of it came back."""
    total = next((c for name in rules.columns.get("total_amount", ()) if (c := sheet.find(name))), None)
    if rules.refunded_in_full is None or total is None:
        return
    partly = next((c for name in rules.columns.get("refunded_amount", ()) if (c := sheet.find(name))), None)
    given = sheet.texts(partly) if partly else [""] * sheet.table.num_rows
    whole = zip(_holds(sheet, rules.refunded_in_full), sheet.texts(total), given, strict=True)
    sheet.set("refunded_amount" + SUFFIX, [all_of_it if full else part for full, all_of_it, part in whole])


def _amounts(sheet: _Sheet, rules: PresetTable, source: SourceConfig) -> None:
    """Amounts that the export gives as price and quantity."""
    wanted = {name: rule for name, rule in rules.computed.items() if name not in source.columns}
    wanted = {name: rule for name, rule in wanted.items() if all(sheet.find(column) for column in rule.product_of)}
    for name, spec in source.columns.items():
        if isinstance(spec, ColumnSpec) and spec.product_of:
            for column in spec.product_of:
                _require(sheet, column, f"columns.{name}.product_of")
            wanted[name] = Product(spec.product_of)
    for name, rule in wanted.items():
        factors = [_decimals(sheet, column, source) for column in rule.product_of]
        less = _decimals(sheet, rule.less, source) if rule.less and sheet.find(rule.less) else []
        texts = []
        for place in range(sheet.table.num_rows):
            product: Decimal | None = Decimal(1)
            for factor in factors:
                product = None if product is None or factor[place] is None else product * factor[place]
            if product is not None and less:
                product -= less[place] or Decimal(0)
            texts.append("" if product is None else f"{product:.4f}".replace(".", _mark(source)))
        sheet.set(name + SUFFIX, texts)


def _mark(source: SourceConfig) -> str:
    return "," if source.decimal == "comma" else "."


def _decimals(sheet: _Sheet, column: str, source: SourceConfig) -> list[Any]:
    """The numbers of a column; what is none stays unknown."""
    texts = sheet.texts(column)
    distinct = sorted(set(texts))
    reading = read_numbers(distinct, "money", source.decimal, None)
    if reading.question:
        question = reading.question.replace("{source}", sheet.raw.name)
        raise InputError(f"{sheet.raw.label}, column {column!r}: {question}")
    known = dict(zip(distinct, reading.values, strict=True))
    return [known[text] for text in texts]


def _finished(sheet: _Sheet) -> Raw:
    """The source with the records that stay."""
    import pyarrow as pa

    raw, table, lines = sheet.raw, sheet.table, sheet.raw.lines
    if not all(sheet.keep):
        if not any(sheet.keep):
            shown = ", ".join(f"{count:,} {reason}" for reason, count in sheet.reasons.items())
            raise InputError(f"{raw.label}: no record is left ({shown}). Correct the rules, or name another preset")
        table = table.filter(pa.array(sheet.keep))
        if lines is not None:
            lines = array("q", (line for line, kept in zip(lines, sheet.keep, strict=True) if kept))
    types = tuple(str(field.type) for field in table.schema)
    dropped = (*raw.dropped, *sorted(sheet.reasons.items()))
    return replace(raw, data=table, columns=tuple(table.column_names), types=types, lines=lines, dropped=dropped)
