"""Both sides in turns: medians of wall and CPU seconds."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

NOISY = 0.3
WORTH = 0.9


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. Ratios are theirs over ours; ``ratio`` is the smaller of the two."""

    number: str
    part: str
    ours: str
    theirs: str
    figure: str
    target: str
    reached: bool | None
    gate: str
    gate_held: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """Median seconds of both sides, what each gave last, and whether the rounds differed much."""

    wall: tuple[float, float]
    cpu: tuple[float, float]
    found: tuple[Any, Any]
    noisy: bool
    threads: int

    @property
    def ratio(self) -> float:
        """The smaller of the ratios in wall and in CPU seconds."""
        return min(self.wall[1] / self.wall[0], self.cpu[1] / self.cpu[0])


def seconds(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and CPU seconds (of this process and its children), and what came out."""

    def cpu() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    wall, busy = time.perf_counter(), cpu()
    found = work()
    return time.perf_counter() - wall, cpu() - busy, found


def in_child(script: str, *args: str, **env: str) -> tuple[str, float]:
    """What a fresh interpreter prints for a script, and its peak in gigabytes with that of its own children.

    Of the processes that live at the same time the high-water marks are added up, ten milliseconds apart. ``ru_maxrss``
    would not do: a process inherits it from the one that starts it.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as wrong:
        command = [sys.executable, "-c", script, *args]
        child = subprocess.Popen(command, stdout=out, stderr=wrong, env={**kept, **env})
        peak = 0
        while child.poll() is None:
            peak = max(peak, sum(_marks(child.pid)))
            time.sleep(0.01)
        for file in (out, wrong):
            file.seek(0)
        if child.returncode:
            raise RuntimeError(wrong.read().decode(errors="replace")[-2000:])
        return out.read().decode(), peak / 1e6


def _marks(pid: int, of_parent: int = 0) -> Iterator[int]:
    """High-water marks in kB of a process and its children; one that still is its parent's copy is left out."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:  # it ended
        return
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
    if own != of_parent:
        yield own
        for child in children:
            yield from _marks(int(child), own)


def in_turns(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int, *, share: float = 1.0, single: bool = False
) -> Sides:
    """Both sides ``rounds`` times in turns, ours warmed up; theirs with their best number of threads.

    ``share`` is the part of their work that ``theirs`` does: its seconds are divided by it. ``single``: theirs is run
    once, with one thread.
    """
    cores = os.cpu_count() or 1
    threads, tried = 1, []
    if not single:
        for count in (1, cores):
            with threadpool_limits(count):
                tried.append((seconds(theirs), count))
        # More threads only where they gain: they cost processor time in any case.
        (one, _), (several, _) = tried
        threads = cores if several[0] < WORTH * one[0] else 1
    ours()
    mine, other = [], [pair[0] for pair in tried if pair[1] == threads]
    for number in range(rounds):
        mine.append(seconds(ours))
        if not (single and number) and len(other) < rounds:
            with threadpool_limits(threads):
                other.append(seconds(theirs))
    walls = [run[0] for run in mine], [run[0] for run in other]
    noisy = any(len(w) > 1 and (max(w) - min(w)) / median(w) > NOISY for w in walls)
    return Sides(
        (median(walls[0]), median(walls[1]) / share),
        (median(run[1] for run in mine), median(run[1] for run in other) / share),
        (mine[-1][2], other[-1][2]), noisy, threads,
    )  # fmt: skip


def row(
    number: str, part: str, sides: Sides, target: float, gate: str = "", held: bool | None = None, note: str = ""
) -> Row:
    """A line with a ratio."""
    remarks = [note] if note else []
    remarks += ["noisy"] if sides.noisy else []
    remarks += [f"theirs with {sides.threads} threads"] if sides.threads > 1 else []
    return Row(
        number, part, f"{sides.wall[0]:.3g} / {sides.cpu[0]:.3g}", f"{sides.wall[1]:.3g} / {sides.cpu[1]:.3g}",
        f"{sides.ratio:.1f} ×", f"{target:g} ×", sides.ratio >= target, gate, held, "; ".join(remarks),
    )  # fmt: skip
