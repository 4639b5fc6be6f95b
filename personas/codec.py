"""Frozen records to plain JSON values and back, by their type hints. No pickle, no code in files."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """The value as JSON types: records become mappings, tuples lists, days ISO text, infinities text; arrays are
    refused.

    >>> from personas.estimate import Notice
    >>> to_plain((Notice("a", "b", 2), float("inf")))
    [{'code': 'a', 'text': 'b', 'count': 2}, 'inf']
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [to_plain(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[T], data: Any) -> T:
    """The record of that type from what ``to_plain`` made; unknown keys are left out, missing ones take their default.

    Raises
    ------
    ValueError
        When a value does not have the shape that the type asks for.
    """
    return typing.cast(T, _restore(kind, data))


def _restore(kind: Any, data: Any) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _one_of(inner, data)
    if origin is tuple:
        return _tuple(inner, data)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _restore(inner[1], item) for key, item in _expect(data, dict).items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, _expect(data, dict))
    if kind is date:
        return date.fromisoformat(_expect(data, str))
    if kind is float:
        return float(data)
    if kind in (int, str, bool):
        return _expect(data, kind)
    return data


def _one_of(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None and types.NoneType in kinds:
        return None
    rest = [kind for kind in kinds if kind is not types.NoneType]
    if float in rest and str in rest:
        return float(data) if isinstance(data, float | int) or data in ("inf", "-inf") else data
    for kind in rest:
        try:
            return _restore(kind, data)
        except (ValueError, TypeError):
            continue
    raise ValueError(f"{data!r} is none of {rest}")


def _tuple(inner: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    items = _expect(data, list)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_restore(inner[0], item) for item in items)
    if len(inner) != len(items):
        raise ValueError(f"{len(inner)} values expected, {len(items)} found")
    return tuple(_restore(kind, item) for kind, item in zip(inner, items, strict=True))


def _record(kind: type, data: dict[str, Any]) -> Any:
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    return kind(**{name: _restore(hints[name], data[name]) for name in names if name in data})


def _expect(data: Any, kind: type) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise ValueError(f"{kind.__name__} expected, found {type(data).__name__}")
    return data
