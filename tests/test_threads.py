from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_shop import CONFIG, write_shop

ROOT = Path(__file__).resolve().parents[1]


WATCHED = """
import hashlib, json, sys, threading
from threadpoolctl import threadpool_info
from personas.pipeline import run

before, most, pools = threading.active_count(), 0, {}

def tell(what, share):
    global most
    most = max(most, threading.active_count() - before)
    for pool in threadpool_info():
        pools[pool["filepath"]] = max(pools.get(pool["filepath"], 0), pool["num_threads"])

segments = run(sys.argv[1], progress=tell).segments
print(json.dumps([most, pools, hashlib.sha256(repr(segments.to_pylist()).encode()).hexdigest()]))
"""


def test_a_ceiling_on_threads_holds_for_kernels_and_numerical_libraries_and_changes_nothing(tmp_path: Path) -> None:
    # Each in a process of its own: what other tests have loaded, or left running, has pools and threads too.
    segments = set()
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    for threads in (1, 2):
        config = write_shop(tmp_path / str(threads), config=CONFIG + f"engine:\n  threads: {threads}\n")
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, str(config)], capture_output=True, text=True, cwd=ROOT, timeout=120,
            env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        most, pools, found = json.loads(done.stdout.splitlines()[-1])
        # With one thread everything runs in the caller's; with two, two others work while the caller waits for them.
        assert most == (0 if threads == 1 else 2)
        assert pools and max(pools.values()) <= threads, pools
        segments.add(found)
    assert len(segments) == 1


@pytest.mark.parametrize(("switch", "said"), [("0", "none"), ("1", "numba ")])
def test_the_manifest_says_whether_the_kernels_were_compiled(tmp_path: Path, switch: str, said: str) -> None:
    write_shop(tmp_path)
    script = (
        "import json, sys\n"
        "from personas.pipeline import manifest, run\n"
        "print(json.dumps(manifest(run(sys.argv[1]))['compiler']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "shop.yaml")], capture_output=True, text=True, cwd=ROOT,
        timeout=120, env={**os.environ, "PERSONAS_COMPILE": switch},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout).startswith(said)
