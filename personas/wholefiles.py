"""Files that verbs write: each is there whole or as it was before, whatever happens meanwhile."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from personas.errors import FULL, ConfigError, LimitError


def write_whole(files: Mapping[Path, str | bytes]) -> None:
    """Write every file beside its place, and rename them only when the disk has taken all of them.

    A place that is no regular file (a pipe, ``/dev/stdout``) is written as it stands.

    Raises
    ------
    LimitError
        When the disk does not take them; the former files are as they were.
    ConfigError
        When a place cannot be written to.
    """
    found = {path.resolve(): content for path, content in files.items()}
    beside = {path: path.with_name(f".{path.name}.new-{os.getpid()}") for path in found if not _no_file(path)}
    current = next(iter(files), Path())
    try:
        for current, new in beside.items():
            current.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(_bytes(found[current]))
            to_disk(new)
        for current, new in beside.items():
            os.replace(new, current)
        for parent in {path.parent for path in beside}:
            to_disk(parent)
        for current in found.keys() - beside.keys():
            current.write_bytes(_bytes(found[current]))
    except OSError as error:
        if error.errno in FULL:
            raise LimitError(
                f"writing {current} failed: {error.strerror}. What was there is as it was. Make room, or choose "
                "another --out."
            ) from error
        raise ConfigError(f"cannot write {current}: {error.strerror}. Choose another --out.") from error
    finally:
        for new in beside.values():
            with suppress(OSError):
                new.unlink(missing_ok=True)


def table_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV, every cell in quotes."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def to_disk(path: Path) -> None:
    """What the system still holds in memory goes to the disk, so that a rename never publishes an empty file."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _no_file(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8")
