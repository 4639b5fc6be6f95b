"""The place of a study on disk: one writer at a time, a private work folder, and one rename that publishes.

``reports/.NAME.work`` beside ``reports/NAME`` holds the lock, the journal of finished stages and the study while it is
written. It goes when the run is done; after a kill it stays, and the next run takes it up or clears it away.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from personas.errors import FULL, ConfigError, InputError, LimitError, PersonasError
from personas.journal import Journal
from personas.wholefiles import to_disk

LOCK, STUDY, FORMER = "lock", "study", "former"
EXCHANGE = 2
"""``RENAME_EXCHANGE`` of Linux: two folders change their names in one step."""
AT_CWD = -100


@dataclass(frozen=True, slots=True)
class Place:
    """A locked place: where the study goes, the work folder beside it, and the journal in it."""

    folder: Path
    work: Path
    journal: Journal

    def publish(self, write: Callable[[Path], None]) -> None:
        """Call ``write`` with a new empty folder and put it in the place of the study in one step.

        Raises LimitError when the disk does not take it; a failure leaves the former study as it was.
        """
        study = self.work / STUDY
        try:
            shutil.rmtree(study, ignore_errors=True)
            study.mkdir()
            write(study)
            _keep_others(self.folder, study)
            for path in sorted(study.rglob("*")):
                if not path.is_symlink():
                    to_disk(path)
            swap(study, self.folder, self.work / FORMER)
            to_disk(self.folder.parent)
        except OSError as error:
            raise not_written(self.folder, error) from error


def not_written(folder: Path, error: OSError) -> LimitError:
    """The message of a write that failed."""
    file = f" ({Path(error.filename).name})" if error.filename else ""
    room = " Make room, or choose another --out." if error.errno in FULL else ""
    return LimitError(f"writing {folder} failed: {error.strerror}{file}. The former study is as it was.{room}")


@contextmanager
def open_place(folder: Path, *, resume: bool = False) -> Iterator[Place]:
    """The place of a study, locked; stages of a run that was stopped are kept with ``resume``, else cleared away.

    Raises
    ------
    InputError
        When no study can be put there.
    ConfigError
        When another run is writing there.
    """
    check_place(folder)
    work = folder.parent / f".{folder.name}.work"
    made = _missing(folder.parent)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = _locked(work, folder)
    except OSError as error:
        if error.errno in FULL:
            raise not_written(folder, error) from error
        raise InputError(f"cannot write beside {folder}: {error.strerror}. Choose another --out.") from error
    keep = False
    try:
        try:
            _tidy(work, folder)
            journal = Journal(work)
            if not resume:
                journal.clear()
        except OSError as error:
            raise not_written(folder, error) from error
        try:
            yield Place(folder, work, journal)
        except BaseException as error:
            # What is wrong with the data will be wrong again; all else may be taken up where it stopped.
            keep = not isinstance(error, InputError | ConfigError) and bool(journal.stages)
            if keep and isinstance(error, PersonasError | KeyboardInterrupt | OSError | MemoryError):
                error.add_note(RESUMABLE)
            raise
    finally:
        _left(work, keep)
        lock.close()
        if not folder.exists():
            for path in made:
                with suppress(OSError):  # somebody else's file is in it by now
                    path.rmdir()


RESUMABLE = "Finished stages are kept: the same command with --resume goes on from there."


def _missing(folder: Path) -> list[Path]:
    """The folders that are not there yet, innermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _locked(work: Path, folder: Path) -> IO[str]:
    """The open lock file; the system lets it go when this process ends, however it ends."""
    for _ in range(100):
        work.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):  # another run ended between these two lines
            lock = (work / LOCK).open("a+", encoding="utf-8")
            if not _take(lock):
                lock.seek(0)
                who = lock.read().strip()
                lock.close()
                raise ConfigError(
                    f"another run{f' (process {who})' if who else ''} is writing {folder}. "
                    "Wait for it, or choose another --out."
                )
            if (work / LOCK).stat().st_ino == os.fstat(lock.fileno()).st_ino:
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
                return lock
            lock.close()
    raise ConfigError(f"other runs keep writing {folder}. Choose another --out.")


def _take(lock: IO[str]) -> bool:
    """Whether the lock could be taken, without waiting."""
    try:
        import fcntl
    except ImportError:  # no such locks on Windows: two runs into one folder are not noticed there
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy(work: Path, folder: Path) -> None:
    """Finish or undo what a killed run left behind; only a run that holds the lock may ask for it."""
    if (work / FORMER).is_dir() and not folder.exists():
        os.rename(work / FORMER, folder)
    shutil.rmtree(work / FORMER, ignore_errors=True)
    shutil.rmtree(work / STUDY, ignore_errors=True)


def _left(work: Path, keep: bool) -> None:
    _clear(work / STUDY)
    if not (work / FORMER).exists() and not keep:
        _clear(work)


def _clear(folder: Path) -> None:
    """Remove what is of no more use. What cannot go now is cleared away by the next run: no reason to fail."""
    with suppress(OSError):
        shutil.rmtree(folder, ignore_errors=True)


def swap(new: Path, folder: Path, aside: Path) -> None:
    """``new`` takes the place of ``folder``: by one exchange where the system has it, else by two renames."""
    if not folder.exists():
        os.rename(new, folder)
    elif exchange(new, folder):
        _clear(new)
    else:
        os.rename(folder, aside)
        try:
            os.rename(new, folder)
        except BaseException:  # Ctrl-C too
            if not folder.exists():
                os.rename(aside, folder)
            raise
        _clear(aside)


def exchange(one: Path, other: Path) -> bool:
    """Whether the two folders could change their names in one step."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(rename(AT_CWD, os.fsencode(one), AT_CWD, os.fsencode(other), EXCHANGE) == 0)


def check_place(folder: Path) -> None:
    """Raise InputError when no study can be put there: to be asked before a long run, and again before the rename.

    Files of the reader's own inside a former folder would be lost with it, so a folder that is not a study of ours
    (no manifest.json) and not empty is refused.
    """
    try:
        if folder.is_symlink():
            raise InputError(f"{folder} is a link. Name the folder itself with --out.")
        taken = folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder])
        above = next(path for path in (folder.parent, *folder.absolute().parents) if path.exists())
    except OSError as error:
        raise InputError(f"cannot look at {folder}: {error.strerror}. Choose another --out.") from error
    if taken and not (folder / "manifest.json").is_file() and not _only_demo_data(folder):
        raise InputError(f"{folder} is there and is no study. Choose another --out, or move it away.")
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        why = "may not be written to" if above.is_dir() else "is a file"
        raise InputError(f"cannot write {folder}: {above} {why}. Choose another --out.")


def _only_demo_data(folder: Path) -> bool:
    return folder.is_dir() and {entry.name for entry in folder.iterdir()} <= {"data"}


OURS = frozenset({
    "report.html", "cards", "personas.json", "segmentation.json", "k_table.csv", "choose_k.html", "segments.parquet",
    "features.json", "audit.json", "manifest.json", "model",
})  # fmt: skip
"""What a study folder holds (contract 3). Everything else in it is the reader's own, or the demo's data."""


def _keep_others(folder: Path, study: Path) -> None:
    """What is not of the former study goes with the new one: an assignment of a test, a list of leads, the data."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in OURS or (study / path.name).exists():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, study / path.name, symlinks=True)
        else:
            shutil.copy2(path, study / path.name, follow_symlinks=False)
