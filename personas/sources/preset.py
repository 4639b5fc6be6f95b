"""Presets: what the columns of a known kind of export are called; YAML without code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from personas.config import TABLES
from personas.errors import PersonasError
from personas.registry import Registry
from personas.sources.canonical import CANONICAL
from personas.yamlfile import plain, read_yaml


@dataclass(frozen=True, slots=True)
class PresetTable:
    """One table of a preset. ``columns`` maps canonical to possible source names, best first; ``values`` recodes."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named kind of export. Each canonical column is also found under its own name."""

    name: str
    about: str
    tables: Mapping[str, PresetTable]

    def table(self, name: str) -> PresetTable:
        """The preset's part for a canonical table; empty when it says nothing about it."""
        return self.tables.get(name, PresetTable())


def read_preset(path: Path) -> Preset:
    """A preset from a YAML file: ``about`` and one section per canonical table with ``columns`` and ``values``.

    Raises PersonasError when it names a table or a column that is no canonical one: presets are ours to keep right.
    """
    tree = plain(read_yaml(path))
    name = path.stem
    if not isinstance(tree, dict):
        raise PersonasError(f"preset {name} is no mapping")
    if odd := set(tree) - {"about", *TABLES}:
        raise PersonasError(f"preset {name}: unknown sections {sorted(odd)}")
    tables = {}
    for table, section in tree.items():
        if table == "about":
            continue
        known = {column.name for column in CANONICAL[table]}
        columns = {key: _names(value) for key, value in (section.get("columns") or {}).items()}
        values = {
            key: {str(found): str(meant) for found, meant in pairs.items()}
            for key, pairs in (section.get("values") or {}).items()
        }
        if odd := (set(columns) | set(values)) - known:
            raise PersonasError(f"preset {name}, {table}: unknown columns {sorted(odd)}")
        tables[table] = PresetTable(columns, values)
    return Preset(name, str(tree.get("about", "")), tables)


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(name) for name in value)


def _built_in() -> list[Preset]:
    folder = Path(__file__).parent / "presets"
    return [read_preset(path) for path in sorted(folder.glob("*.yaml"))]


PRESETS: Registry[Preset] = Registry("preset", _built_in, "personas.presets")


def known_presets() -> dict[str, str]:
    """Name of every preset -> what it is for."""
    return {preset.name: preset.about for preset in PRESETS}
