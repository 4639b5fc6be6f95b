"""Kills, full disks and interruptions of real runs: the former or the new study is whole, and a run goes on.

The full sweep is ``make reliability``; here is a sample of it.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.runs import ROOT, Scene, failed, killed_and_resumed, zygote


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with zygote() as process:
        yield Scene.make(tmp_path_factory.mktemp("faults"), process)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.35, 0.55])
def test_a_run_that_is_killed_goes_on_to_the_very_same_bytes(share: float, scene: Scene) -> None:
    after, same = killed_and_resumed(scene, kill_at=max(1, round(share * scene.changes)))
    assert after in ("former", "new") and same


def test_a_first_run_that_is_killed_leaves_no_study_and_goes_on(scene: Scene) -> None:
    after, same = killed_and_resumed(scene, former=False, kill_after=0.6 * scene.seconds)
    assert after in ("none", "new") and same


@pytest.mark.parametrize(("number", "share"), [(errno.ENOSPC, 0.15), (errno.EIO, 0.3), (errno.EACCES, 0.33)])
def test_a_disk_that_fails_is_a_limit_and_the_former_study_stays(number: int, share: float, scene: Scene) -> None:
    code, state, mended = failed(scene, fail_at=round(share * scene.changes), errno=number)
    assert (code, state, mended) == (4, "former", True)


def test_a_file_that_may_not_grow_is_told_in_words(scene: Scene) -> None:
    scene.reset()
    answer = scene.run(largest=20_000)  # the limit of the system, as a full disk
    assert answer["code"] == 4 and "File too large" in answer["err"] and scene.state() == "former"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_stop_is_a_sentence_in_two_seconds(share: float, scene: Scene) -> None:
    scene.reset()
    answer = scene.run(stop_after=share * scene.seconds)
    ended = (answer["code"], scene.state())
    if share == 0.9 and ended == (0, "new"):
        return  # the study was in its place already when the stop came: that is a finished run
    if answer["struck"]:  # it may have been faster
        assert ended == (5, "former")
        assert answer["err"].startswith("personas: stopped") and answer["after"] < 2


SWALLOWED = """
import ctypes, os, signal, sys, time
from personas.console import listen

listen()
qsort = ctypes.CDLL(None).qsort
order = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
strike = order(lambda a, b: os.kill(os.getpid(), signal.SIGINT) or time.sleep(0.001) or 0)
try:
    qsort((ctypes.c_int * 2)(2, 1), 2, 4, strike)
    time.sleep(10)
    print("went on")
except KeyboardInterrupt:
    print("stopped")
"""


def test_a_stop_that_a_library_swallows_is_raised_again_and_the_library_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWED], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("stopped\n", "")


def test_a_second_stop_ends_at_once_and_the_next_run_clears_away(scene: Scene) -> None:
    scene.reset()
    assert scene.run(stop_after=0.5 * scene.seconds, twice=True)["code"] == 5
    assert scene.state() == "former"
    assert scene.run()["code"] == 0 and scene.state() == "new" and scene.left() == []


def test_a_stage_that_was_finished_is_taken_up_unless_one_byte_of_it_changed(scene: Scene) -> None:
    scene.reset()
    scene.run(fail_at=round(0.3 * scene.changes), errno=errno.ENOSPC)
    work = scene.folder / ".out.work"
    kept = [json.loads(line)["stage"] for line in (work / "journal.jsonl").read_text().splitlines() if line]
    assert kept == ["segmentation", "profiles"]
    labels = work / "segmentation" / "labels.npy"
    data = bytearray(labels.read_bytes())
    data[-1] ^= 1
    labels.write_bytes(data)
    assert scene.run("--resume")["code"] == 0 and scene.state() == "new"


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_one_lives(scene: Scene) -> None:
    scene.reset()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "personas", "run", "shop.yaml", "--out", "out", "--quiet"]
    first = subprocess.Popen(command, cwd=scene.folder, env=environment, stdout=subprocess.DEVNULL)
    while not (scene.folder / ".out.work" / "lock").exists() or not (scene.folder / ".out.work" / "lock").read_text():
        time.sleep(0.01)
        assert first.poll() is None
    first.send_signal(signal.SIGSTOP)  # it lives, and does not end before the second one has looked
    second = scene.run()
    first.send_signal(signal.SIGCONT)
    assert second["code"] == 2
    assert f"another run (process {first.pid}) is writing out" in second["err"]
    assert first.wait(timeout=120) == 0
    assert scene.state() == "new" and scene.left() == []


def test_a_stop_during_the_first_imports_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "personas", "--help"], env={**os.environ, "PYTHONPATH": path}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "personas: stopped before anything was read; nothing was written\n"
