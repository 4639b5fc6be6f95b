"""Presets: what the columns of a known kind of export are called, and its traps; YAML without code."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from personas.config import TABLES, SourceConfig
from personas.errors import PersonasError
from personas.registry import Registry
from personas.sources.canonical import CANONICAL
from personas.yamlfile import plain, read_yaml

READING = ("delimiter", "encoding", "decimal", "dates", "units", "time_zone", "years", "fold_case")
"""Settings of a source that a preset may fill in; the configuration wins."""
FOLDER, GROUP = Path(__file__).parent / "presets", "personas.presets"
ABOUT = {"about", "signature", "refuse", "reading"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Records whose ``column`` holds one of the words ``is_`` (or anything at all, without words) mean ``means``."""

    column: str
    is_: tuple[str, ...] = ()
    means: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """An amount that the export gives in parts: the product of some columns, less another one."""

    product_of: tuple[str, ...]
    less: str = ""


@dataclass(frozen=True, slots=True)
class PresetTable:
    """One table of a preset.

    ``columns`` maps canonical to possible source names, best first; ``values`` recodes. ``first_of`` takes, record by
    record, the first column that has a value. ``kind`` are rules for sale, refund, cancelled, failed and test, the
    first that holds wins. ``one_row_per`` keeps the first record of each number, where the export repeats an order for
    each of its items; ``carry_forward`` fills columns from the record above of the same number. ``refunded_in_full``
    marks orders whose whole total came back. ``computed`` are amounts in parts. ``guests`` are no customer numbers.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    first_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: tuple[Rule, ...] = ()
    one_row_per: str = ""
    carry_forward: tuple[str, ...] = ()
    refunded_in_full: Rule | None = None
    computed: Mapping[str, Product] = field(default_factory=dict)
    guests: tuple[str, ...] = ()
    leave_out: tuple[Rule, ...] = ()

    @property
    def reshapes(self) -> bool:
        """Whether records or columns change before they are matched."""
        return bool(
            self.first_of or self.kind or self.one_row_per or self.carry_forward or self.refunded_in_full
            or self.computed or self.guests or self.leave_out
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preset:
    """A named kind of export. Each canonical column is also found under its own name.

    ``signature`` are groups of column names: an export is recognised when all names of one group are there.
    ``refuse`` says why this kind of export cannot be used at all. ``reading`` fills in settings of the source.
    """

    name: str
    about: str
    tables: Mapping[str, PresetTable]
    signature: tuple[tuple[str, ...], ...] = ()
    refuse: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> PresetTable:
        """The preset's part for a canonical table; empty when it says nothing about it."""
        # Payments are orders as the gateway saw them: its export is the same, whatever it is used for.
        return self.tables.get(name) or self.tables.get("orders" if name == "payments" else name, PresetTable())


def read_preset(path: Path) -> Preset:
    """A preset from a YAML file: ``about`` and one section per canonical table (see ``PresetTable``).

    Raises PersonasError when it names a table or a column that is no canonical one: presets are ours to keep right.
    """
    tree = plain(read_yaml(path))
    name = path.stem
    if not isinstance(tree, dict):
        raise PersonasError(f"preset {name} is no mapping")
    if odd := set(tree) - ABOUT - set(TABLES):
        raise PersonasError(f"preset {name}: unknown sections {sorted(odd)}")
    reading = tree.get("reading") or {}
    if odd := set(reading) - set(READING):
        raise PersonasError(f"preset {name}, reading: unknown settings {sorted(odd)}")
    groups = tree.get("signature") or ()
    signature = tuple(_names(group) for group in (groups if groups and isinstance(groups[0], list) else [groups]))
    tables = {table: _table(name, table, section) for table, section in tree.items() if table in TABLES}
    about, refuse = str(tree.get("about", "")), str(tree.get("refuse", ""))
    return Preset(name, about, tables, tuple(group for group in signature if group), refuse, reading)


def _table(name: str, table: str, section: Mapping[str, Any]) -> PresetTable:
    parts = {part: section.get(part) or {} for part in ("columns", "values", "first_of", "computed")}
    known = {column.name for column in CANONICAL[table]}
    if odd := {key for part in parts.values() for key in part} - known:
        raise PersonasError(f"preset {name}, {table}: unknown columns {sorted(odd)}")
    if odd := set(section) - set(PresetTable.__slots__):
        raise PersonasError(f"preset {name}, {table}: unknown keys {sorted(odd)}")
    values = {key: {str(found): str(meant) for found, meant in pairs.items()} for key, pairs in parts["values"].items()}
    full = section.get("refunded_in_full")
    return PresetTable(
        {key: _names(value) for key, value in parts["columns"].items()},
        values,
        {key: _names(value) for key, value in parts["first_of"].items()},
        tuple(_rule(rule) for rule in section.get("kind") or ()),
        str(section.get("one_row_per") or ""),
        _names(section.get("carry_forward") or ()),
        _rule(full) if full else None,
        {key: Product(_names(v["product_of"]), str(v.get("less", ""))) for key, v in parts["computed"].items()},
        _names(section.get("guests") or ()),
        tuple(_rule(rule) for rule in section.get("leave_out") or ()),
    )


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(str(rule["column"]), _names(rule.get("is") or ()), str(rule.get("means", "")))


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(name) for name in value)


_read = cache(read_preset)
"""Each file is read once."""


def _built_in() -> list[Preset]:
    return [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]


@cache
def _alone() -> dict[str, Path]:
    """Our files by name; none where other packages bring presets too, because a name may be there twice."""
    return {} if entry_points(group=GROUP) else {path.stem: path for path in FOLDER.glob("*.yaml")}


class _Presets(Registry[Preset]):
    """Reading all of our files takes longer than a small study's sources: one that is asked for is read alone."""

    def get(self, name: str) -> Preset:
        own = _alone()
        return _read(own[name]) if name in own else super().get(name)


PRESETS = _Presets("preset", _built_in, GROUP)


def known_presets() -> dict[str, str]:
    """Name of every preset -> what it is for."""
    return {preset.name: preset.about for preset in PRESETS}


def same_name(pattern: str, column: str) -> bool:
    """Whether a column has the name of a preset, whatever its letter case; ``*`` stands for any text.

    >>> same_name("amount (*)", "Amount (€)"), same_name("Email", "e-mail")
    (True, False)
    """
    return fnmatchcase(column.strip().casefold(), pattern.casefold().replace("[", "[[]"))


def loosely(name: str) -> str:
    """A column name for comparison: NFC, case-folded, without blanks, hyphens, underscores and full stops.

    >>> loosely("Order-No.") == loosely("order_no")
    True
    """
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c not in " -_./\t")


def recognised(columns: Sequence[str]) -> Preset | None:
    """The preset whose signature is in the header; of several the one with most columns in common."""
    fitting = [
        preset
        for preset in PRESETS
        if any(all(any(same_name(name, c) for c in columns) for name in group) for group in preset.signature)
    ]
    return max(fitting, key=lambda preset: (_known(preset, columns), preset.name), default=None)


def _known(preset: Preset, columns: Sequence[str]) -> int:
    listed = {name for group in preset.signature for name in group}
    listed |= {name for table in preset.tables.values() for names in table.columns.values() for name in names}
    return sum(any(same_name(name, column) for name in listed) for column in columns)


def with_reading(source: SourceConfig) -> SourceConfig:
    """The source with the settings that its preset fills in where the configuration says nothing."""
    reading = PRESETS.get(source.preset).reading
    missing = {key: value for key, value in reading.items() if key not in source.model_fields_set}
    return source.model_copy(update=missing) if missing else source
