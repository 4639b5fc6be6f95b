"""Which source column is which canonical column: configuration first, then preset, then the column's own name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from personas.config import ColumnSpec, SourceConfig
from personas.errors import ConfigError, InputError, did_you_mean
from personas.sources.canonical import CANONICAL, Column, GivenColumn
from personas.sources.guess_columns import vocabulary
from personas.sources.numbers import is_missing
from personas.sources.preset import PRESETS, loosely, same_name
from personas.sources.privacy import PROTECTED, plain_name
from personas.sources.readers import Raw
from personas.sources.reshape import SUFFIX

GIVEN_KINDS = {
    "number": "measure", "amount": "money", "count": "count", "share": "share", "score": "measure",
    "category": "category", "flag": "flag",
}  # fmt: skip
"""Kind of a given column -> kind of grammar."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A canonical (or given) column and its origin: source columns (several are added up), or a constant text."""

    name: str
    kind: str
    required: bool
    origin: tuple[str, ...]
    constant: str | None
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The columns of one source that are used, and the names of those that are not."""

    columns: tuple[Mapped, ...]
    unused: tuple[str, ...]


def plan(raw: Raw, source: SourceConfig, extra_required: frozenset[str] = frozenset()) -> Plan:
    """Match the columns of a source; every mistake at once.

    Parameters
    ----------
    raw : Raw
        The source as read.
    source : SourceConfig
        Its part of the configuration.
    extra_required : frozenset of str
        Columns that are required in this study besides the canonical ones.

    Raises
    ------
    ConfigError
        For a canonical name that does not exist.
    InputError
        For a column that is named but not in the file, or required and not found.
    """
    canonical = {column.name: column for column in CANONICAL[raw.name]}
    mistakes = [
        f"sources.{raw.name}.columns.{key}: there is no such column. {did_you_mean(key, list(canonical))} "
        f"Known: {', '.join(canonical)}"
        for key in source.columns
        if key not in canonical
    ]
    mistakes += [
        f"sources.{raw.name}.given.{key}: this is the name of a canonical column. Give it another name"
        for key in source.given
        if key in canonical
    ]
    if source.given and raw.name != "customers":
        mistakes.append(f"sources.{raw.name}.given: only the customers file has given columns")
    if unmade := _recoded_to_nothing(raw, source, canonical):
        raise ConfigError("the configuration recodes values to a word for a missing one", unmade)
    if mistakes:
        raise ConfigError("the configuration names columns that do not exist", mistakes)
    problems: list[str] = []
    mapped = []
    claimed = _claimed(raw, source)
    for column in canonical.values():
        required = column.required or column.name in extra_required
        found = _find(raw, source, column, required, claimed, problems)
        if found is not None:
            mapped.append(found)
    mapped += [_given(raw, key, source, problems) for key in source.given]
    if problems:
        raise InputError(f"{raw.label} lacks columns", problems)
    used = {name for item in mapped for name in item.origin}
    return Plan(tuple(mapped), tuple(name for name in raw.columns if name not in used and not name.endswith(SUFFIX)))


def _recoded_to_nothing(raw: Raw, source: SourceConfig, canonical: Mapping[str, Column]) -> list[str]:
    """Recodings such as ``No: none``: what was a value would be counted as missing, without a word."""
    specs: list[tuple[str, str, Mapping[str, str]]] = [
        (f"columns.{name}", canonical[name].kind, spec.values)
        for name, spec in source.columns.items()
        if isinstance(spec, ColumnSpec) and name in canonical
    ]
    specs += [(f"given.{name}", GIVEN_KINDS[spec.kind], spec.values) for name, spec in source.given.items()]
    return [
        f"sources.{raw.name}.{where}.values: {found!r} becomes {meant!r}, a word for a missing value. Write another "
        "word, or '' if it is to be missing"
        for where, kind, values in specs
        if kind not in ("id", "text") and where != "columns.country"  # NA is Namibia
        for found, meant in values.items()
        if meant.strip() and is_missing(meant)
    ]


def given_columns(source: SourceConfig | None) -> tuple[GivenColumn, ...]:
    """The given columns of the customers source, as later stages see them."""
    apart = described_only(source)
    return tuple(
        GivenColumn(
            name, spec.kind, spec.family, "profile" if name in apart else spec.role,
            spec.label or name.replace("_", " "), spec.unit,
        )
        for name, spec in (source.given if source else {}).items()
    )  # fmt: skip


def described_only(source: SourceConfig | None) -> tuple[str, ...]:
    """Given columns whose name is that of a protected one (gender, age ...): they form nothing until a role is written.

    They are told by their name, or by that of their column in the file, in the languages of the vocabulary.
    """
    given = source.given if source else {}
    asked = {name: spec for name, spec in given.items() if "role" not in spec.model_fields_set}
    if not asked:
        return ()
    known = vocabulary()["customers"]
    words = {plain_name(word) for name in PROTECTED for word in (name, *known.get(name, ()))}
    return tuple(name for name, spec in asked.items() if {plain_name(name), plain_name(spec.column)} & words)


def _claimed(raw: Raw, source: SourceConfig) -> frozenset[str]:
    """Source columns that the configuration or the preset names: no other canonical column takes them."""
    names: list[str] = [spec.column for spec in source.given.values()]
    for spec in source.columns.values():
        names += [spec] if isinstance(spec, str) else [*spec.sum_of, *([spec.column] if spec.column else [])]
    if source.preset != "generic":
        preset = PRESETS.get(source.preset).table(raw.name)
        names += [name for key, found in preset.columns.items() if key not in source.columns for name in found]
    return frozenset(match for name in names if name and (match := _match(name, raw.columns)))


def _find(
    raw: Raw, source: SourceConfig, column: Column, required: bool, claimed: frozenset[str], problems: list[str]
) -> Mapped | None:
    preset = PRESETS.get(source.preset).table(raw.name)
    kind = column.name if column.name in ("country", "birth_year") else column.kind
    values = {
        **PRESETS.get("generic").table(raw.name).values.get(column.name, {}),
        **preset.values.get(column.name, {}),
    }
    spec = source.columns.get(column.name)
    where = f"sources.{raw.name}.columns.{column.name}"
    if spec == "":
        if required:
            problems.append(f"{column.name} ({column.meaning}) is required. Write {where}: <name of the column>")
        return None
    made = column.name + SUFFIX
    joined = isinstance(spec, ColumnSpec) and bool(spec.first_of or spec.product_of)
    if made in raw.columns and (spec is None or source.guests or joined):
        if isinstance(spec, ColumnSpec) and spec.product_of and kind not in {"money", "number", "count"}:
            problems.append(f"{where}: only amounts and counts can be multiplied")
        recoded = spec.values if isinstance(spec, ColumnSpec) else {}
        return Mapped(column.name, kind, required, (made,), None, {**values, **recoded})
    if spec is not None:
        spec = ColumnSpec(column=spec) if isinstance(spec, str) else spec
        names = spec.sum_of or ((spec.column,) if spec.column is not None else ())
        if len(names) > 1 and column.kind not in {"money", "number", "count"}:
            problems.append(f"{where}: only amounts and counts can be added up")
        origin = tuple(_named(raw, name, where, problems) for name in names)
        return Mapped(column.name, kind, required, origin, spec.constant, {**values, **spec.values})
    named = preset.columns.get(column.name, ())
    ranked = [(name, True) for name in named] + [(column.name, False)]
    if source.preset == "generic":
        ranked = [(column.name, False), *((name, False) for name in named)]
    for alternative, claims in ranked:
        match = _match(alternative, raw.columns)
        if match and (claims or match not in claimed):
            return Mapped(column.name, kind, required, (match,), None, values)
    if required:
        own = {loosely(other.name) for other in CANONICAL[raw.name]}
        hint = did_you_mean(column.name, [name for name in raw.columns if loosely(name) not in own])
        problems.append(
            f"{column.name} ({column.meaning}) is not found. {hint} The file has: "
            f"{', '.join(raw.columns[:30])}. Write "
            f"{where}: <one of them>".replace("  ", " ")
        )
    return None


def _given(raw: Raw, name: str, source: SourceConfig, problems: list[str]) -> Mapped:
    spec = source.given[name]
    origin = _named(raw, spec.column, f"sources.{raw.name}.given.{name}.column", problems)
    return Mapped(name, GIVEN_KINDS[spec.kind], False, (origin,), None, spec.values)


def _named(raw: Raw, name: str, where: str, problems: list[str]) -> str:
    """The column that the configuration names; a name that is not in the file is a problem."""
    match = _match(name, raw.columns)
    if match is None:
        problems.append(
            f"{where}: there is no column {name!r}. {did_you_mean(name, raw.columns)} The file has: "
            f"{', '.join(raw.columns[:30])}".replace("  ", " ")
        )
    return match or name


def _match(name: str, columns: tuple[str, ...]) -> str | None:
    """The column of that name: exact, else the one that differs only by case, blanks, hyphens and underscores."""
    if name in columns:
        return name
    if "*" in name:
        return next((column for column in columns if same_name(name, column)), None)
    loose = [column for column in columns if loosely(column) == loosely(name)]
    if len(loose) > 1:
        raise InputError(
            f"the columns {', '.join(loose)} are too alike to tell which is {name!r}. Name the one you mean"
        )
    return loose[0] if loose else None
