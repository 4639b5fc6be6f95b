"""Run the rows and write the report."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Row

GROUPS = ("scan", "silhouettes", "resampling", "mixture", "features", "runs")
REPORT = Path(__file__).resolve().parent.parent / "reports" / "benchmarks.md"
WHY = {
    "1": "The starts are shared by two threads, whose CPU seconds add up.",
    "2": "As row 1, and the sampled silhouettes come on top.",
    "3": "Sums per label and the nearest of k centroids have no BLAS form: numpy goes over a block several times. Two "
    "threads wait for the interpreter: they gain a twentieth of the time and cost two fifths of the CPU seconds.",
    "4": "Four fifths are differences, products and roots of all pairs, half a nanosecond each. Using a distance for "
    "both of its rows was tried and cost more than it saved: a block holds few runs of equal labels.",
    "5": "Gate D: the cap on how unlike variances may be holds k = 12 of data 1 back; theirs loses 0.015 when "
    "it climbs on under that cap.",
    "6": "Ours reads in a process of its own that looks through the files, cleans, and proves the totals to the cent; "
    "theirs only reads. At 1,000,000 lines the libraries are most of the memory.",
    "8": "Half is the starts; the rest draws, packs, ends every fit in float64 and labels the rows that are judged.",
    "11": "Beyond the caches every pass over the rows waits for the memory.",
    "12": "The caller's rows, an order and labels of all k.",
}
"""Why rows have missed their target, by number."""
LIBRARIES = ("numpy", "numba", "scikit-learn", "scipy", "pandas", "duckdb", "pyarrow", "umap-learn")


def main() -> None:
    """See ``python -m benchmarks --help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours against the plain script.")
    parser.add_argument("groups", nargs="*", help=f"some of: {', '.join(GROUPS)}; all without any")
    parser.add_argument("--long", action="store_true", help="add a million and ten million customers, and whole runs")
    parser.add_argument("--report", type=Path, default=REPORT)
    asked = parser.parse_args()
    if unknown := set(asked.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}")
    before = os.getloadavg()[0]
    found: list[Row] = []
    former = asked.report.read_text(encoding="utf-8") if asked.report.is_file() else ""
    for name in asked.groups or GROUPS:
        for line in import_module(f"benchmarks.{name}").rows(asked.long):
            print(f"{line.number:>3}  {line.part:<48} {line.figure:>9}  target {line.target:<14} {line.gate}")
            sys.stdout.flush()
            found.append(line)
        asked.report.write_text(text(found, asked.long, before, former), encoding="utf-8")
    for told in fallen(former, found):
        print(told)
    print(f"written: {asked.report}")


def kept(former: str, found: list[Row]) -> list[str]:
    """Rows of the former report that were not measured again."""
    again = {(row.number, row.part) for row in found}
    table = [line for line in former.splitlines() if line.startswith("| ") and not line.startswith("| row ")]
    return [line for line in table if tuple(cell.strip() for cell in line.split("|")[1:3]) not in again]


def fallen(former: str, found: list[Row]) -> list[str]:
    """Rows whose ratio is more than a fifth below that of the former report."""
    old = {}
    for line in former.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) > 5 and cells[4].endswith("×") and not cells[5].startswith("at most"):
            old[cells[1]] = float(cells[4].removesuffix("×"))
    return [
        f"Slower than the last report: {row.part}: {row.figure} after {old[row.part]:.1f} ×"
        for row in found
        if row.part in old and row.figure.endswith("×") and float(row.figure[:-1]) < 0.8 * old[row.part]
    ]


def text(found: list[Row], long: bool, load_before: float, former: str = "") -> str:
    """The report: what was measured now, and the rows of the former one that were not."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        "# How fast",
        "",
        "Ours against `benchmarks/naive.py`, the script that anybody would write with pandas and scikit-learn, in one",
        "run on one machine. Seconds are wall / CPU (medians); the ratio is the smaller of the two (row 6 has a target",
        "for each). A ratio counts only when its gate held; a row that misses its target stays here with its figure.",
        "",
        f"{date.today().isoformat()}, {'long' if long else 'short'} mode, {os.cpu_count()} cores,",
        f"{platform.system()} on {platform.machine()}, Python {platform.python_version()},",
        f"load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after.",
        f"{versions}.",
        "",
        "| row | part | ours, s | theirs, s | figure | target | reached | gate | note |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    words = {True: "yes", False: "**no**", None: ""}
    for row in found:
        gate = f"{row.gate}{' (**not held**)' if row.gate_held is False else ''}"
        lines.append(
            f"| {row.number} | {row.part} | {row.ours} | {row.theirs} | {row.figure} | {row.target} | "
            f"{words[row.reached]} | {gate} | {row.note} |"
        )
    for line in kept(former, found):
        rest, note = line[:-2].rsplit("| ", 1)
        told = "; ".join(part for part in (note.strip(), "earlier run") if part)
        lines.append(line if "earlier run" in note else f"{rest}| {told} |")
    head = next(i for i, line in enumerate(lines) if line.startswith("|---")) + 1
    lines[head:] = sorted(lines[head:], key=lambda line: int("".join(filter(str.isdigit, line.split("|")[1])) or 99))
    return "\n".join([*lines, *missed(lines[head:])]) + "\n"


def missed(table: Sequence[str]) -> list[str]:
    """By how much rows miss their target, in wall and in CPU seconds, and why."""
    said = []
    for line in table:
        number, part, ours, theirs, figure, target, reached, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        if reached != "**no**":
            continue
        both = ""
        if "/" in ours and "/" in theirs and number != "11":
            wall, cpu = (float(t) / float(o) for t, o in zip(theirs.split("/"), ours.split("/"), strict=True))
            both = f" (wall {wall:.1f} ×, CPU {cpu:.1f} ×)"
        said.append(f"- Row {number}, {part}: {figure}{both}, wanted {target}. {WHY.get(number, 'Not known why.')}")
    return ["", "## What is missed, by how much and why", "", *said] if said else []


if __name__ == "__main__":
    sys.exit(main())
