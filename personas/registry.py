"""One registry for every plug-in point: built-ins and entry points come in by the same door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Generic, Protocol, TypeVar

from personas.errors import ConfigError, did_you_mean


class Named(Protocol):
    """Anything with a name can be registered."""

    @property
    def name(self) -> str:
        """What the record is called in configurations and on the command line."""
        ...


R = TypeVar("R", bound=Named)


class Registry(Generic[R]):
    """Records of one kind, found by name.

    Parameters
    ----------
    kind : str
        What the records are, for messages: ``"algorithm"``.
    built_in : callable returning a sequence of records
        Called at the first look-up, so that nothing heavy is imported before it is needed.
    group : str
        Entry-point group of other packages; each entry point resolves to one record or a sequence of them.
    """

    def __init__(self, kind: str, built_in: Callable[[], Sequence[R]], group: str) -> None:
        self._kind, self._built_in, self._group = kind, built_in, group
        self._records: dict[str, R] | None = None

    def _load(self) -> dict[str, R]:
        if self._records is None:
            records = list(self._built_in())
            for point in sorted(entry_points(group=self._group), key=lambda p: p.name):
                found = point.load()
                records.extend(found if isinstance(found, list | tuple) else [found])
            self._records = {}
            for record in records:
                if record.name in self._records:
                    raise ConfigError(f"two packages bring the {self._kind} '{record.name}'; uninstall one of them")
                self._records[record.name] = record
        return self._records

    def names(self) -> list[str]:
        """All known names, in order of registration."""
        return list(self._load())

    def __iter__(self) -> Iterator[R]:
        return iter(self._load().values())

    def get(self, name: str) -> R:
        """The record of that name. Raises ConfigError with the nearest name when there is none."""
        records = self._load()
        if name not in records:
            known = ", ".join(records)
            hint = did_you_mean(name, list(records))
            raise ConfigError(f"no {self._kind} '{name}'. {hint} Known: {known}.".replace("  ", " "))
        return records[name]
