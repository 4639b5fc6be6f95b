"""Rows 1, 2, 3, 11 and 12: k-means for every k, with and without the silhouette."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from benchmarks import data, naive
from benchmarks.measure import Row, in_child, in_turns, row
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.algorithms.kmeans import FEW_ROWS
from personas.segmentation.ordered import in_canonical_order
from personas.segmentation.preflight import check_rows
from personas.segmentation.scan import STARTS, fit_all, scan
from personas.segmentation.threads import single_thread

FITS, BOTH = {10_000: 5, 100_000: 40, 1_000_000: 150}, {10_000: 30, 100_000: 30, 1_000_000: 80}


def our_fits(X: Any) -> dict[int, Any]:
    """Only the fits, from the caller's rows on."""
    ordered = in_canonical_order(check_rows(X, 50))
    rows = ordered if len(ordered) > FEW_ROWS else ordered[:]
    with single_thread():
        return fit_all(rows, naive.KS, ALGORITHMS.get("kmeans"), 0, STARTS, quick=True)


def rows(long: bool) -> list[Row]:
    """The rows of this group."""
    found = []
    for n in (10_000, 100_000, *((1_000_000,) if long else ())):
        X = data.customers(n)
        big = n >= 1_000_000
        rounds = 5 if n == 10_000 else 3
        sides = in_turns(lambda X=X: our_fits(X), lambda X=X: naive.fits(X), rounds, single=big)
        ours, theirs = sides.found
        worst = max(ours[k].inertia / theirs[k].inertia_ for k in naive.KS)
        gate = f"A: inertia at most {worst:.4f} × theirs"
        found.append(row("1", f"k-means, k 2 to 12, {n:,}", sides, FITS[n], gate, worst <= 1.005))
        sides = in_turns(lambda X=X: scan(X), lambda X=X: naive.scan(X), rounds, single=big)
        table, scores = sides.found
        ours_k, theirs_k = int(table["k"][table["silhouette"].idxmax()]), max(scores, key=lambda k: scores[k])
        worst = max(i / theirs[k].inertia_ for k, i in zip(table["k"], table["inertia"], strict=True))
        gate = f"A: {worst:.4f}; B: best k {ours_k}, theirs {theirs_k}"
        found.append(row("2", f"the same with silhouettes, {n:,}", sides, BOTH[n], gate, worst <= 1.005))
    found.append(_without_compiler())
    if long:
        found += _growth()
    return found


def _without_compiler() -> Row:
    """Row 3 in a process of its own, because the choice is made once per process."""
    script = (
        "from benchmarks import data, naive\nfrom benchmarks.measure import in_turns\n"
        "from personas.segmentation.scan import scan\nX = data.customers(100_000)\n"
        "sides = in_turns(lambda: scan(X), lambda: naive.scan(X), 1)\n"
        "print(*sides.wall, *sides.cpu, sides.threads)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PERSONAS_COMPILE": "0"},
    )  # fmt: skip
    wall, other_wall, cpu, other_cpu, _ = map(float, done.stdout.split()[-5:])
    ratio = min(other_wall / wall, other_cpu / cpu)
    return Row(
        "3", "row 2 without the compiler, 100,000", f"{wall:.3g} / {cpu:.3g}", f"{other_wall:.3g} / {other_cpu:.3g}",
        f"{ratio:.1f} ×", "12 ×", ratio >= 12, "", None, "one round",
    )  # fmt: skip


def _growth() -> list[Row]:
    """Rows 11 and 12, each size in a process of its own."""
    script = (
        "import sys, numpy as np\nfrom benchmarks import data\nfrom benchmarks.measure import seconds\n"
        "from personas.segmentation.scan import scan\nscan(data.customers(30_000))\n"
        "X = np.concatenate([data.customers(500_000, seed=s).astype(np.float32) for s in range(int(sys.argv[1]))])\n"
        "wall, cpu, _ = seconds(lambda: scan(X))\n"
        "print(wall, cpu)"
    )
    runs = []
    for halves in (2, 20):
        said, gigabytes = in_child(script, str(halves))
        runs.append([*map(float, said.split()[-2:]), gigabytes])
    (wall, cpu, _), (wall10, cpu10, peak) = runs
    growth = max(wall10 / wall, cpu10 / cpu)
    limit = 1.5 * 10_000_000 * 20 * 4 / 1e9 + 1
    return [
        Row("11", "scan with silhouettes, 1M to 10M", f"{wall10:.3g} / {cpu10:.3g}", f"{wall:.3g} / {cpu:.3g}",
            f"{growth:.1f} ×", "at most 11 ×", growth <= 11, "", None, "theirs: ours at 1M"),
        Row("12", "peak memory of the scan, 10M × 20", f"{peak:.2f} GB", "", f"{peak:.2f} GB",
            f"at most {limit:.1f} GB", peak <= limit, "", None, "the caller's float32 matrix included"),
    ]  # fmt: skip
