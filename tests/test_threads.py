from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from personas.config import load_config
from personas.pipeline import run
from tests.small_shop import CONFIG, write_shop

ROOT = Path(__file__).resolve().parents[1]


def test_a_ceiling_on_threads_holds_for_kernels_and_numerical_libraries_and_changes_nothing(tmp_path: Path) -> None:
    segments = {}
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        folder.mkdir()
        config = load_config(write_shop(folder, config=CONFIG + f"engine:\n  threads: {threads}\n"))
        before, most, pools = threading.active_count(), 0, 0

        def tell(what: str, share: float, before: int = before) -> None:
            nonlocal most, pools
            most = max(most, threading.active_count() - before)
            pools = max([pools, *(pool["num_threads"] for pool in threadpool_info())])

        segments[threads] = run(config, progress=tell).segments
        # With one thread everything runs in the caller's; with two, two others work while the caller waits for them.
        assert most == (0 if threads == 1 else 2)
        assert pools <= threads
    assert segments[1].equals(segments[2])


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
