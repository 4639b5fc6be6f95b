"""Files that verbs write: whole or as before, in the face of real limits of the system."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from personas.errors import ConfigError, LimitError
from personas.wholefiles import table_text, write_whole
from tests.conftest import ROOT, as_anybody


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """The system refuses files over ``size`` bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_files_and_their_folders_are_made_and_replaced(tmp_path: Path) -> None:
    write_whole({tmp_path / "new" / "a.csv": "1\r\n", tmp_path / "new" / "b": b"\xc3\xa9"})
    assert (tmp_path / "new" / "a.csv").read_bytes() == b"1\r\n" and (tmp_path / "new" / "b").read_text() == "é"
    write_whole({tmp_path / "new" / "a.csv": "2"})
    assert texts(tmp_path / "new") == {"a.csv": "2", "b": "é"}


def test_a_disk_that_takes_one_of_two_files_changes_neither(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("former")
    with files_up_to(1000), pytest.raises(LimitError, match="writing .*b failed: File too large") as told:
        write_whole({tmp_path / "a": "x" * 10, tmp_path / "b": "y" * 2000})
    assert told.value.exit_code == 4 and texts(tmp_path) == {"a": "former"}


def test_a_place_that_cannot_be_written_to_is_a_mistake_in_the_command(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for out in (tmp_path / "file" / "a.csv", tmp_path / "folder"):
        with pytest.raises(ConfigError, match="cannot write .*Choose another --out"):
            write_whole({out: "x"})
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    code = "import sys\nfrom personas.wholefiles import Path, write_whole\nwrite_whole({Path(sys.argv[1]): 'x'})"
    done = subprocess.run(
        [sys.executable, "-c", code, str(locked / "a")], cwd=ROOT, preexec_fn=as_anybody(), capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert "ConfigError: cannot write" in done.stderr and "Permission denied" in done.stderr
    assert list(locked.iterdir()) == [] and list((tmp_path / "folder").iterdir()) == []


def test_what_is_no_file_is_written_as_it_stands(tmp_path: Path) -> None:
    write_whole({Path("/dev/null"): "x"})
    assert Path("/dev/null").is_char_device()
    with pytest.raises(LimitError, match="No space left on device"):
        write_whole({Path("/dev/full"): "x"})
    (tmp_path / "real").write_text("former")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole({tmp_path / "link": "new"})
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


def test_an_interruption_leaves_nothing_beside_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole({tmp_path / "a": "x"})
    assert list(tmp_path.iterdir()) == []


def test_every_cell_of_a_table_is_quoted() -> None:
    assert table_text(["a", "b"], [[1, 'say "hi"']]) == '"a","b"\r\n"1","say ""hi"""\r\n'
