"""Runs of the command line with a fault in them, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.small_shop import CONFIG, content_of, order_rows, write_shop

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {"manifest.json"}  # the only bytes that depend on the clock


class Zygote:
    """The process that forks runs."""

    def __init__(self) -> None:
        one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        environment = {**os.environ, **one, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.zygote"], cwd=ROOT, env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, folder: Path, *arguments: str, **fault: Any) -> dict[str, Any]:
        """Run ``personas`` with these arguments in a folder."""
        assert self._process.stdin is not None and self._process.stdout is not None
        task = {"arguments": list(arguments), "folder": str(folder), **fault}
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "Traceback" not in answer["err"] and "ESCAPED" not in answer["err"], answer["err"]
        return answer

    def close(self) -> None:
        """No more tasks."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@contextmanager
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    try:
        yield process
    finally:
        process.close()


@dataclass
class Scene:
    """A shop, a former study of it (k = 2) and the study that a run without faults gives (k chosen)."""

    folder: Path
    process: Zygote
    former: dict[str, str]
    wanted: dict[str, str]
    changes: int
    """Changes of files of an undisturbed run over a former study."""
    seconds: float

    @classmethod
    def make(cls, folder: Path, process: Zygote, customers: int = 60) -> Scene:
        write_shop(folder / "shop", order_rows(customers), config=CONFIG)
        assert process.run(folder / "shop", "run", "shop.yaml", "--out", "out", "--k", "2", "--quiet")["code"] == 0
        shutil.move(folder / "shop" / "out", folder / "former")
        whole = process.run(folder / "shop", "run", "shop.yaml", "--out", "out", "--quiet")
        assert whole["code"] == 0, whole
        shutil.move(folder / "shop" / "out", folder / "wanted")
        scene = cls(folder / "shop", process, content_of(folder / "former"), content_of(folder / "wanted"), 0, 0.0)
        scene.reset()
        again = scene.run()
        assert again["code"] == 0 and scene.state() == "new", again
        scene.changes, scene.seconds = again["changes"], again["seconds"]
        return scene

    def reset(self, former: bool = True) -> None:
        """The shop, and the former study in the place of the new one."""
        for path in self.folder.iterdir():
            if path.name not in ("orders.csv", "shop.yaml"):
                shutil.rmtree(path)
        if former:
            shutil.copytree(self.folder.parent / "former", self.folder / "out")

    def run(self, *more: str, **fault: Any) -> dict[str, Any]:
        return self.process.run(self.folder, "run", "shop.yaml", "--out", "out", "--quiet", *more, **fault)

    def state(self) -> str:
        """``former``, ``new``, ``none``, or ``torn``: what stands in the place of the study."""
        if not (self.folder / "out").exists():
            return "none"
        found = content_of(self.folder / "out")
        for name, content in (("former", self.former), ("new", self.wanted)):
            if set(found) == set(content) and all(found[f] == content[f] for f in found if f not in SECONDS):
                return name
        return "torn"

    def left(self) -> list[str]:
        """What lies beside the shop and its study."""
        return sorted(p.name for p in self.folder.iterdir() if p.name not in ("orders.csv", "shop.yaml", "out"))


def killed_and_resumed(scene: Scene, former: bool = True, **fault: Any) -> tuple[str, bool]:
    """What stood in the place after the kill, and whether the run that goes on gives the very same bytes."""
    scene.reset(former)
    answer = scene.run(**fault)
    after = scene.state()
    resumed = scene.run("--resume")
    return (
        after if answer["code"] in (0, -9) else f"code {answer['code']}",
        resumed["code"] == 0 and scene.state() == "new" and scene.left() == [],
    )


def failed(scene: Scene, **fault: Any) -> tuple[int, str, bool]:
    """Exit code, what stands in the place, and whether a run without the fault mends everything."""
    scene.reset()
    answer = scene.run(**fault)
    state = scene.state()
    mended = scene.run()["code"] == 0 and scene.state() == "new" and scene.left() == []
    return answer["code"], state, mended
