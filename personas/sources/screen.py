"""At the door: columns that point at single people or special categories, and cells that a workbook hides."""

from __future__ import annotations

from personas.config import SourceConfig
from personas.errors import InputError
from personas.sources.excel import DOUBTFUL
from personas.sources.mapping import Plan
from personas.sources.privacy import identifying, special
from personas.sources.raw import Raw

SAMPLE = 200
FIGURES = frozenset({"money", "number", "measure", "count", "share"})


def refuse_identifying(name: str, source: SourceConfig) -> None:
    """Raise InputError for given columns that tell who somebody is, or what nobody is sorted by without a reason."""
    problems = []
    for key, spec in source.given.items():
        where = f"sources.{name}.given.{key}"
        if (kind := identifying(spec.column)) and spec.kind == "category":
            problems.append(
                f"{where}: {spec.column!r} is a column of kind {kind}: it points at single people "
                "and forms or describes "
                "no segment. Remove it"
            )
        elif (kind := special(spec.column)) and spec.because is None:
            problems.append(
                f"{where}: {spec.column!r} may tell of {kind}, a special category of personal "
                "data. Remove it, or say why "
                f"it is used: {where}.because: ..."
            )
    if problems:
        raise InputError(f"sources.{name}.given asks for personal data", problems)


def privacy_of(raw: Raw, matched: Plan) -> dict[str, str]:
    """Columns that were left unread and what they tell of a person: name -> e-mail, phone, health ..."""
    found = {}
    for column in matched.unused:
        kind = identifying(column, _sample(raw, column)) or special(column)
        if kind:
            found[column] = kind
    return found


def _sample(raw: Raw, column: str) -> list[str]:
    if isinstance(raw.data, tuple) or column not in raw.data.column_names:
        return []
    return [text for text in raw.data.column(column).slice(0, SAMPLE).to_pylist() if text and isinstance(text, str)]


def refuse_unseen(raw: Raw, matched: Plan) -> None:
    """Raise InputError when a needed column of a workbook has cells whose content is not in the file."""
    unseen = raw.facts.get("unseen")
    if not isinstance(unseen, dict):
        return
    exact = {name for item in matched.columns if item.kind == "id" for name in item.origin}
    figures = {name for item in matched.columns if item.kind in FIGURES for name in item.origin}
    needed = {name for item in matched.columns if item.required for name in item.origin}
    problems = [
        f"column {column!r}: {why}. Write the values in the workbook, or save the sheet as CSV"
        for column, why in unseen.items()
        if column in needed or (column in exact and "exactly" in why) or (column in figures and DOUBTFUL in why)
    ]
    if problems:
        raise InputError(f"{raw.label} has cells that cannot be read", problems)
    notes = raw.facts.get("notes")
    if isinstance(notes, list):
        notes += [f"column {column!r}: {why} are unknown" for column, why in unseen.items() if DOUBTFUL not in why]
