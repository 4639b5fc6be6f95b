"""The journal of a run: which stage was finished from which input, so that a stopped run goes on and not anew.

A stage's files are written beside their place, brought to the disk and renamed; then one line is added to
``journal.jsonl``. A stage counts as finished only when its line is whole, its input is the same and every file has the
hash of the line: a torn line or a changed byte means that the stage is worked out again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from personas.errors import LimitError

T = TypeVar("T")
FILE = "journal.jsonl"


def fingerprint(*parts: bytes | str) -> str:
    """SHA-256 over the parts and their lengths, in hexadecimal.

    >>> fingerprint("ab", "c") == fingerprint("a", "bc")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class Journal:
    """Finished stages in a folder. Without one (``Journal(None)``) nothing is kept and everything is worked out."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.stages: dict[str, Mapping[str, Any]] = {}
        self.taken_up: list[str] = []
        """Stages that were not worked out again."""
        for line in self._lines():
            self.stages[line["stage"]] = line

    def stage(
        self, name: str, given: str, work: Callable[[], T], save: Callable[[T, Path], None], load: Callable[[Path], T]
    ) -> T:
        """The result of a stage: as it was kept when it came from the same input, else worked out and kept.

        Parameters
        ----------
        name : str
            Of the stage; a folder of this name holds its files.
        given : str
            Fingerprint of everything that the result depends on.
        work : callable
            Works the result out.
        save, load : callable
            Write it into an empty folder, and read it back.
        """
        if self._folder is None:
            return work()
        place = self._folder / name
        if self._finished(name, given):
            self.taken_up.append(name)
            return load(place)
        result = work()
        try:
            self._keep(name, given, lambda folder: save(result, folder))
        except OSError as error:
            raise LimitError(
                f"keeping a finished stage in {self._folder} failed: {error.strerror}. The former study is as it was. "
                "Make room or set its rights, or choose another --out."
            ) from error
        return load(place)  # what a resumed run would take up: both go on from the very same record

    def clear(self) -> None:
        """Forget every stage."""
        if self._folder is not None:
            for name in self.stages:
                shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / FILE).unlink(missing_ok=True)
        self.stages = {}

    def _lines(self) -> list[dict[str, Any]]:
        """The whole lines of the journal; the last may be torn by a kill."""
        if self._folder is None or not (self._folder / FILE).is_file():
            return []
        found = []
        for text in (self._folder / FILE).read_bytes().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and {"stage", "given", "files"} <= set(line) and _plain(str(line["stage"])):
                found.append(line)
        return found

    def _finished(self, name: str, given: str) -> bool:
        line = self.stages.get(name)
        if self._folder is None or line is None or line["given"] != given or not isinstance(line["files"], dict):
            return False
        return _hashes(self._folder / name) == line["files"]

    def _keep(self, name: str, given: str, write: Callable[[Path], None]) -> None:
        assert self._folder is not None
        place, new = self._folder / name, self._folder / f"new-{name}"
        for old in (new, place):
            shutil.rmtree(old, ignore_errors=True)
        new.mkdir(mode=0o700)
        write(new)
        files = _hashes(new)
        os.rename(new, place)
        line = {"stage": name, "given": given, "files": files}
        with (self._folder / FILE).open("ab") as file:
            # A torn last line must not swallow this one.
            file.write(b"\n" + json.dumps(line, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.stages[name] = line


def _plain(name: str) -> bool:
    """Whether a name is that of one of our stages and leads nowhere else."""
    return bool(name) and all(letter.isalnum() or letter == "-" for letter in name)


def _hashes(folder: Path) -> dict[str, str]:
    """File -> SHA-256 of its bytes, once they are on the disk."""
    if not folder.is_dir():
        return {}
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
