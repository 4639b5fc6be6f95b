"""A process that has imported everything and forks one run of the command line per task, with a fault in it.

A task is a line of JSON: ``arguments``, ``folder``, and one fault at most:
``kill_at`` (SIGKILL before the n-th change of a file), ``kill_after`` (SIGKILL after seconds), ``stop_after`` (the
signal ``signal`` after seconds), ``fail_at`` with ``errno`` (the n-th change of a file fails), ``largest`` (a limit).
The answer is a line of JSON: exit code (negative for a signal), changes of files, seconds from the fault to the end,
what was said.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

CHANGES = {
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.truncate",
    "shutil.rmtree",
    "shutil.copytree",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def warm() -> None:
    """Import what a run imports; nothing of it starts a thread while OMP_NUM_THREADS is 1."""
    import babel.numbers  # noqa: F401
    import duckdb  # noqa: F401
    import jinja2  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401

    import personas.cli
    import personas.pipeline
    import personas.profiles
    import personas.render
    import personas.render.charts
    import personas.render.formats.html
    import personas.segmentation
    import personas.sources
    import personas.storage  # noqa: F401


def watch(task: dict[str, Any], changes: list[str], root: str) -> None:
    """Count the changes of files below ``root`` and strike at the one that is asked for."""
    busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy or not (event in CHANGES or (event == "open" and (arguments[2] or 0) & WRITING)):
            return
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ""
        busy = True
        try:
            if not os.path.abspath(path).startswith(root):
                return
        finally:
            busy = False
        changes.append(event)
        if len(changes) == task.get("kill_at"):
            os.kill(os.getpid(), signal.SIGKILL)
        if len(changes) == task.get("fail_at"):
            raise OSError(task["errno"], os.strerror(task["errno"]), path)

    sys.addaudithook(hook)


def child(task: dict[str, Any], answers: Path) -> None:
    """The forked run; it never returns."""
    os.setsid()
    os.chdir(task["folder"])
    changes: list[str] = []
    out = os.open(answers / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    err = os.open(answers / "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(err, 2)
    count = os.open(answers / "changes", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    if largest := task.get("largest"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    watch(task, changes, os.path.abspath(task["folder"]))
    sys.argv = ["personas", *task["arguments"]]
    code = 0
    try:
        from personas.__main__ import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        print(f"ESCAPED {error!r}", file=sys.stderr)
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(count, str(len(changes)).encode())
    os._exit(code)


def run(task: dict[str, Any], answers: Path) -> dict[str, Any]:
    """One run from its fork to its end."""
    for name in ("out", "err", "changes"):
        (answers / name).unlink(missing_ok=True)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        child(task, answers)
    after = task.get("kill_after") or task.get("stop_after")
    number = signal.SIGKILL if task.get("kill_after") else task.get("signal", signal.SIGINT)
    struck, second = 0.0, False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        now = time.monotonic()
        if done:
            break
        if after and not struck and now - began >= after:
            os.kill(pid, number)
            struck = now
        if struck and task.get("twice") and not second and now - struck >= 0.02:
            os.kill(pid, number)
            second = True
        time.sleep(0.002)
    texts = {name: (answers / name).read_text() if (answers / name).exists() else "" for name in ("out", "err")}
    count = (answers / "changes").read_text() if (answers / "changes").exists() else ""
    return {
        "code": os.waitstatus_to_exitcode(status), "changes": int(count or 0), "struck": bool(struck),
        "seconds": now - began, "after": now - struck if struck else 0.0, **texts,
    }  # fmt: skip


def main() -> None:
    """Answer tasks until there are none."""
    import tempfile

    warm()
    from personas.__main__ import _leave

    for number in (signal.SIGINT, signal.SIGTERM):  # a run that is stopped before its own first line
        signal.signal(number, _leave)
    with tempfile.TemporaryDirectory() as answers:
        for line in sys.stdin:
            print(json.dumps(run(json.loads(line), Path(answers))), flush=True)


if __name__ == "__main__":
    main()
