"""YAML files of strangers: read without running or building anything, and every mistake named with its line and key.

Configurations, presets and languages come through here. Rules and their reasons: one document of at most 1 MiB, at most
20 levels and 5,000 keys (deeper ones take seconds to build), and no anchors, aliases, merge keys or tags (an alias can
blow a few lines up to gigabytes, a tag can name code).
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from personas.errors import ConfigError, count_of, did_you_mean

MAX_BYTES, MAX_DEPTH, MAX_KEYS = 1024 * 1024, 20, 5_000
_DAY = re.compile(r"^(\d{4})-(\d\d?)-(\d\d?)(?=$|[Tt \t])")
_PLAIN_WORDS = {
    "string_type": "write text, in quotes when it looks like a number",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "finite_number": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "tuple_type": "write a list, such as [a, b]",
    "model_type": "write its keys below it",
    "dict_type": "write its keys below it",
    "date_type": "write a day as 2026-10-31",
    "date_parsing": "write a day as 2026-10-31",
    "date_from_datetime_parsing": "write a day as 2026-10-31",
    "date_from_datetime_inexact": "write a day as 2026-10-31, without a time",
    "greater_than_equal": "write at least {ge}",
    "less_than_equal": "write at most {le}",
    "string_too_short": "write at least {min_length} character",
    "string_too_long": "write at most {max_length} characters",
    "too_long": "write {max_length} values, not {actual_length}",
}
"""Pydantic's kinds of mistake as a reader can act on them; a kind that is not here keeps pydantic's words."""
_FORMS = {"^[A-Z]{3}$": "write three capital letters, such as EUR"}
"""Patterns of the models as a reader can act on them."""


def read_yaml(path: Path) -> Any:
    """The content of a YAML 1.2 file, as ruamel's mappings and lists that know their lines.

    Raises
    ------
    ConfigError
        With line and column: no such file, too large, not UTF-8, not YAML, or something that the rules above refuse.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = _text(path)
    try:
        _refuse(path, YAML(typ="rt").parse(text))
        return YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
        raise ConfigError(f"{path} is not valid YAML", [f"{place}: {error.problem or error.context}"]) from error
    except (YAMLError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{path} is not valid YAML", [f"line 1 or later: {first}"]) from error


def _text(path: Path) -> str:
    """The file as text, when it is small enough and UTF-8."""
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path} has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read.")
    content = path.read_bytes()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} is not UTF-8 text", [f"line {line}: save the file as UTF-8"]) from error


def _refuse(path: Path, events: Any) -> None:
    """Look at the marks of the file before anything is built of them."""
    depth = keys = documents = 0
    for event in events:
        kind = type(event).__name__
        documents += kind == "DocumentStartEvent"
        depth += kind.endswith(("MappingStartEvent", "SequenceStartEvent"))
        depth -= kind in {"MappingEndEvent", "SequenceEndEvent"}
        keys += kind == "ScalarEvent"
        if problem := _problem_of(event, kind, depth, keys, documents):
            mark = event.start_mark
            raise ConfigError(f"{path} cannot be used", [f"line {mark.line + 1}, column {mark.column + 1}: {problem}"])


def _problem_of(event: Any, kind: str, depth: int, keys: int, documents: int) -> str:
    """What is wrong with one mark of the file, or an empty text."""
    if documents > 1:
        return "a second document starts here. Write one document per file"
    if depth > MAX_DEPTH:
        return f"more than {MAX_DEPTH} levels"
    if keys > MAX_KEYS:
        return f"more than {MAX_KEYS:,} keys and values"
    if kind == "AliasEvent" or getattr(event, "anchor", None) is not None:
        return "anchors (&) and aliases (*) are not read. Write the value out, or put it in quotes"
    if getattr(event, "ctag", None) is not None:
        return "tags (!) are not read. Remove it, or put the value in quotes"
    if kind == "ScalarEvent" and not event.style:
        if event.value == "<<":
            return "merge keys (<<) are not read. Write the keys out"
        return _no_such_day(event.value)
    return ""


def _no_such_day(text: str) -> str:
    found = _DAY.match(text)
    if found:
        try:
            date(*(int(part) for part in found.groups()))
        except ValueError:
            return f"there is no day {text}. Write year-month-day, such as 2026-10-31"
    return ""


def plain(node: Any) -> Any:
    """What ``read_yaml`` gave, as plain dict, list, str, int, float, bool, date and None."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value) for value in node]
    if isinstance(node, bool | date) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def merged(values: Any, overrides: Mapping[str, Mapping[str, Any]] | None) -> Any:
    """``values`` of a file with the parts of ``overrides`` laid over them.

    >>> merged({"study": {"name": "Shop", "seed": 1}}, {"study": {"seed": 2}})
    {'study': {'name': 'Shop', 'seed': 2}}
    """
    # a part that is no mapping stays as it is: it is told as a mistake of the file
    parts = {
        part: {**(values.get(part) or {}), **keys}
        for part, keys in (overrides or {}).items()
        if isinstance(values.get(part) or {}, Mapping)
    }
    return {**values, **parts}


def mistakes(
    path: Path,
    error: ValidationError,
    tree: Any,
    model: type[BaseModel],
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> ConfigError:
    """All mistakes that pydantic found as one ConfigError: one line each, in the order of the file.

    Parameters
    ----------
    tree : mapping
        What ``read_yaml`` gave for ``path``.
    model : type
        The pydantic model that was to be built.
    overrides : mapping, optional
        What came from the command line and won over the file.
    """
    values = merged(plain(tree), overrides)
    found: dict[tuple[int, str], tuple[bool, str]] = {}
    for detail in error.errors():
        line, steps = _place(tree, values, detail["loc"], missing=detail["type"] == "missing")
        key = _dotted(steps)
        given = len(steps) > 1 and steps[1] in (overrides or {}).get(str(steps[0]), {})
        place = "command line" if given else f"line {line}"
        wrong_kind = detail["type"].endswith("_type")
        text = f"{place}, {key}: {_sentence(detail, model)}" if key else f"{place}: {_sentence(detail, model)}"
        # A value that may have several kinds is tried as each: what fits in kind but not in content says more.
        if (line, key) not in found or (found[line, key][0] and not wrong_kind):
            found[line, key] = (wrong_kind, text)
    lines = [
        text
        for (line, key), (wrong_kind, text) in sorted(found.items())
        if not (wrong_kind and any(other.startswith((f"{key}.", f"{key}[")) for _, other in found))
    ]
    return ConfigError(f"{path} has {count_of(len(lines), 'problem')}", lines)


def _place(tree: Any, values: Any, loc: Sequence[int | str], *, missing: bool) -> tuple[int, list[int | str]]:
    """Line (from 1) and keys of a mistake. Steps that are no keys are pydantic's names for kinds of value."""
    line, steps = 1, list[int | str]()
    for at, step in enumerate(loc):
        if missing and at == len(loc) - 1:
            steps.append(step)
        elif _holds(values, step):
            steps.append(step)
            values = values[step]
            if not _holds(tree, step):
                tree = None
            else:
                line = line_of(tree, step)
                tree = tree[step]
    return line, steps


def line_of(tree: Any, step: int | str) -> int:
    """The line, counted from 1, where a key of a mapping or an item of a list of ``read_yaml`` stands."""
    marks = tree.lc
    return int((marks.item(step) if isinstance(tree, list) else marks.key(step))[0]) + 1


def _holds(node: Any, step: int | str) -> bool:
    return step in node if isinstance(node, Mapping) else isinstance(node, list) and isinstance(step, int)


def _dotted(steps: Sequence[int | str]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _sentence(detail: Mapping[str, Any], model: type[BaseModel]) -> str:
    """What is wrong with one value and what to write instead."""
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys(model, loc[:-1])
        return f"no such key. {did_you_mean(str(loc[-1]), known) or 'Known: ' + ', '.join(known)}"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        known = re.findall(r"'([^']+)'", context["expected"])
        hint = did_you_mean(str(detail["input"]), known)
        return f"'{detail['input']}' is not known. {hint} Known: {', '.join(known)}".replace("  ", " ")
    if kind == "string_pattern_mismatch":
        message = _FORMS.get(context["pattern"], f"does not have the form {context['pattern']}")
    else:
        template = _PLAIN_WORDS.get(kind)
        message = template.format(**context) if template else detail["msg"].removeprefix("Value error, ")
    scalar = not isinstance(detail["input"], dict | list | BaseModel) and detail["input"] is not None
    return f"{message} (found {detail['input']!r})" if scalar else message


def _keys(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The keys that are allowed at a place."""
    annotation: Any = model
    for step in loc:
        annotation = _inside(annotation, step)
    for kind in _kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return [name for name, field in kind.model_fields.items() if not field.exclude]
    return []


def _inside(annotation: Any, step: int | str) -> Any:
    for kind in _kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel) and step in kind.model_fields:
            return kind.model_fields[str(step)].annotation
        if get_origin(kind) is dict:
            return get_args(kind)[1]
        if get_origin(kind) is tuple and isinstance(step, int):
            return get_args(kind)[0]
    return annotation


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
