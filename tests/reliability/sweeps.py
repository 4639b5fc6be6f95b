"""Sweeps over the faults of the machine: kills, failing disks, limits, stops, several runs at once."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.reliability.runs import ROOT, Scene, failed, killed_and_resumed, zygote
from tests.small_shop import write_shop

KILLS, STOPS, FAULTS, AT_ONCE = 200, 50, 60, 8


@contextmanager
def scene() -> Iterator[Scene]:
    """A shop in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, zygote() as process:
        yield Scene.make(Path(folder), process)


def chosen(total: int, start: int, count: int) -> range:
    """The numbers of the faults of a slice."""
    return range(start, min(total, start + count) if count else total)


def kills(start: int, count: int) -> dict[str, Any]:
    """Half of the kills strike before a change of a file, spread over all of them, half at a random time."""
    found = {}
    times = np.random.default_rng(np.random.SeedSequence(entropy=6)).random(KILLS)
    with scene() as of:
        for number in chosen(KILLS, start, count):
            if number % 2:
                fault: dict[str, Any] = {"kill_after": 0.06 + float(times[number]) * of.seconds}
            else:
                fault = {"kill_at": 1 + (number * of.changes) // KILLS}
            after, same = killed_and_resumed(of, former=number % 8 < 6, **fault)
            found[f"{number:03d}"] = {"fault": next(iter(fault)), "after": after, "same": same}
    return found


def disk(start: int, count: int) -> dict[str, Any]:
    """The n-th change of a file fails, over the part of the run that comes before the study is published."""
    found = {}
    numbers = (errno.ENOSPC, errno.EIO, errno.EACCES)
    with scene() as of:
        for number in chosen(FAULTS, start, count):
            at = 1 + (number * of.changes) // FAULTS
            code, state, mended = failed(of, fail_at=at, errno=numbers[number % 3])
            name = errno.errorcode[numbers[number % 3]]
            found[f"{number:03d}"] = {"errno": name, "code": code, "state": state, "mended": mended}
    return found


def limits(start: int, count: int) -> dict[str, Any]:
    """Limits of the system itself: files that may not grow, and a small file system that is full."""
    found = {}
    with scene() as of:
        for size in (1_000, 5_000, 20_000, 60_000, 120_000):
            of.reset()
            answer = of.run(largest=size)
            found[f"RLIMIT_FSIZE {size:>7,} bytes"] = {
                "code": answer["code"], "state": of.state(), "words": answer["err"].count("personas:") == 1,
            }  # fmt: skip
    for size in (64, 256, 600):
        found[f"tmpfs of {size} KiB"] = on_small_disk(size)
    return found


def on_small_disk(kibibytes: int) -> dict[str, Any]:
    """A run into a file system that is too small, mounted for it; not run where nobody may mount."""
    with tempfile.TemporaryDirectory() as folder:
        shop, small = Path(folder) / "shop", Path(folder) / "small"
        write_shop(shop)
        small.mkdir()
        options = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(small)]
        if shutil.which("mount") is None or subprocess.run(options, capture_output=True).returncode != 0:
            return {"not run": "nobody may mount here"}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "personas", "run", "shop.yaml", "--out", str(small / "out"), "--quiet"],
                cwd=shop, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            )  # fmt: skip
            torn = (small / "out").exists()
        finally:
            subprocess.run(["umount", str(small)], check=True)
    return {
        "code": done.returncode, "state": "torn" if torn else "former", "words": done.stderr.startswith("personas:"),
    }  # fmt: skip


def stops(start: int, count: int) -> dict[str, Any]:
    """Ctrl-C and SIGTERM at random times; every fifth is followed by a second one."""
    found = {}
    times = np.random.default_rng(np.random.SeedSequence(entropy=7)).random(STOPS)
    with scene() as of:
        for number in chosen(STOPS, start, count):
            of.reset()
            name = ("SIGINT", "SIGTERM")[number % 2]
            answer = of.run(
                stop_after=0.06 + float(times[number]) * of.seconds, signal=getattr(signal, name),
                twice=number % 5 == 4,
            )  # fmt: skip
            state = of.state()
            mended = of.run()["code"] == 0 and of.state() == "new" and of.left() == []
            found[f"{number:03d}"] = {
                "signal": name, "struck": answer["struck"], "code": answer["code"],
                "seconds": round(answer["after"], 2),
                "state": state, "mended": mended,
            }  # fmt: skip
    return found


def together(start: int, count: int) -> dict[str, Any]:
    """Runs at the same time: into the same place, and into places of their own."""
    with scene() as of:
        command = [sys.executable, "-m", "personas", "run", "shop.yaml", "--quiet", "--out"]
        one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        environment = {**os.environ, **one, "PYTHONPATH": str(ROOT)}

        def codes(places: list[str]) -> list[int]:
            of.reset(former=False)
            runs = [
                subprocess.Popen([*command, place], cwd=of.folder, env=environment, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
                for place in places
            ]  # fmt: skip
            return sorted(run.wait() for run in runs)

        same = codes(["out"] * AT_ONCE)
        whole = of.state()
        apart = codes([f"out{number}" for number in range(AT_ONCE)])
        right = 0
        for number in range(AT_ONCE):
            shutil.rmtree(of.folder / "out", ignore_errors=True)
            (of.folder / f"out{number}").rename(of.folder / "out")
            right += of.state() == "new"
    return {
        "same place": {"runs": AT_ONCE, "codes": same, "state": whole},
        "own places": {"runs": AT_ONCE, "codes": apart, "right": right},
    }  # fmt: skip
