"""Rows 13 to 17: whole runs, start-up and compiling, in absolute seconds."""

from __future__ import annotations

import compileall
import tempfile
from pathlib import Path
from statistics import median

import personas
from benchmarks.measure import Row, in_child, seconds
from personas.simulate import simulate_market

RUN = """
import sys
from pathlib import Path
from benchmarks.data import study
from personas.pipeline import run, save
folder = Path(sys.argv[1])
config = study(folder, engine={"memory_limit": "4GB"}, segmentation={"k": [2, 12], "protocol": sys.argv[2]},
               report={"map": sys.argv[3]})
save(run(config), folder / "report")
"""
COMPILE = """
import time
start = time.perf_counter()
import numpy as np
from personas.segmentation import compute
from personas.segmentation.scan import scan
X = np.random.default_rng(0).normal(size=(1200, 4))
begin = time.perf_counter()
scan(X, k=(2, 3))
print(time.perf_counter() - begin)
"""


def rows(long: bool) -> list[Row]:
    """The rows of this group; row 13 only in long mode."""
    found = [
        _whole("14", 10_000, "quick", "pca", 20),
        _whole("15", 10_000, "full", "umap", 90),
        _help(),
        *_compiling(),
    ]
    return [_whole("13", 1_000_000, "full", "umap", 180, gigabytes=4.0), *found] if long else found


def _whole(number: str, customers: int, protocol: str, picture: str, limit: float, gigabytes: float = 0.0) -> Row:
    with tempfile.TemporaryDirectory() as name:
        simulate_market(name, customers=customers)
        wall, cpu, (_, peak) = seconds(lambda: in_child(RUN, name, protocol, picture))
    reached = wall < limit and (not gigabytes or peak < gigabytes)
    target = f"< {limit:g} s" + (f", < {gigabytes:g} GB" if gigabytes else "")
    part = f"{customers:,} customers, {customers * 10:,} lines to report, {protocol}, {picture}"
    took = f"{wall:.3g} / {cpu:.3g}"
    return Row(number, part, took, "", f"{wall:.0f} s", target, reached, f"peak {peak:.2f} GB", None)


def _help() -> Row:
    compileall.compile_dir(Path(personas.__file__).parent, quiet=2)
    script = "import sys; sys.argv = ['personas', '--help']; from personas.cli import main; main()"
    walls = [seconds(lambda: in_child(script))[0] for _ in range(6)][1:]
    wall = median(walls)
    return Row("16", "personas --help", f"{wall:.3f}", "", f"{wall:.2f} s", "< 0.4 s", wall < 0.4, "", None)


def _compiling() -> list[Row]:
    with tempfile.TemporaryDirectory() as cache:
        first, *later = (float(in_child(COMPILE, NUMBA_CACHE_DIR=cache)[0].split()[-1]) for _ in range(4))
    again = median(later)
    return [
        Row("17", "kernels: first call ever", f"{first:.3g}", "", f"{first:.1f} s", "< 20 s", first < 20, "", None),
        Row("17", "kernels: a new process", f"{again:.3g}", "", f"{again:.2f} s", "< 1 s", again < 1, "", None),
    ]
