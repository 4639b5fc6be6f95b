"""Reading in a process of its own: a file that crashes its reader, or swells without end, becomes a message.

Takes what ``read_source`` takes and gives the same ``Raw``. The child has limits of memory and of CPU seconds, no
standard input but its task, a short environment, and dies with its parent. The table comes back through a file without
a name, so a kill leaves nothing behind.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from personas.config import SourceConfig
from personas.errors import FULL, ConfigError, InputError, LimitError, PersonasError, not_opened, place_of
from personas.sources.raw import Raw

if TYPE_CHECKING:
    import pyarrow as pa

ERRORS = {kind.__name__: kind for kind in (ConfigError, InputError, LimitError)}
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "OMP_NUM_THREADS")
"""Environment variables that the child sees; a connection string or a secret is none of its business."""
PARTS = ("name", "label", "columns", "types", "is_text", "records", "ragged", "blank", "facts", "sha256", "parts",
         "dropped")  # fmt: skip
DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""


def read_apart(name: str, source: SourceConfig, folder: Path) -> Raw:
    """The source ``name``, read by a child.

    Raises
    ------
    ConfigError, InputError, LimitError
        As the child's reader; LimitError too when the child meets a limit or crashes.
    """
    label = source.file if isinstance(source.file, str) else ", ".join(source.file or ())
    with tempfile.TemporaryFile() as answer:
        try:
            code = _run({name: source}, folder, answer)
        except subprocess.TimeoutExpired as error:
            raise LimitError(_too_slow(name, label, source)) from error
        if code != 0:
            raise LimitError(_ended(name, label, source, code))
        return _answer(answer, name, label, source)


def read_parquets(sources: Mapping[str, SourceConfig], folder: Path) -> dict[str, Raw]:
    """Sources of Parquet files, looked through by one child, because starting one takes longer than most files.

    A source that fails is left out, and so are those after one that ends the child: read alone, they say why.
    """
    found: dict[str, Raw] = {}
    with tempfile.TemporaryFile() as answer:
        with suppress(subprocess.TimeoutExpired):
            _run(sources, folder, answer)
        answer.seek(0)
        with suppress(ValueError):  # the child ended while it wrote
            for name in sources:
                head = json.loads(answer.read(int.from_bytes(answer.read(8), "little")))
                if head.get("paths"):
                    found[name] = _raw(head)
    return found


def _run(sources: Mapping[str, SourceConfig], folder: Path, answer: IO[bytes]) -> int:
    """Let a child read the sources; gives its code. Raises subprocess.TimeoutExpired when it takes too long."""
    where = str(folder.absolute())
    tasks = [{"name": name, "source": s.model_dump(mode="json"), "folder": where} for name, s in sources.items()]
    child = _started(answer)
    try:
        child.communicate(json.dumps(tasks).encode(), timeout=4 * sum(s.max_seconds for s in sources.values()))
    finally:
        if child.poll() is None:  # Ctrl-C too
            child.kill()
            child.wait()
    return child.returncode


def _started(answer: IO[bytes]) -> subprocess.Popen[bytes]:
    """The child; it writes into ``answer`` and nowhere else."""
    environment = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # -P: no module is taken from the working folder, where the files of strangers may lie.
    command = [sys.executable, "-P", "-c", f"from personas.sources.child import main; main({answer.fileno()})"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
        pass_fds=(answer.fileno(),), start_new_session=True,
    )  # fmt: skip


def _too_slow(name: str, label: str, source: SourceConfig) -> str:
    return (
        f"reading {label} took more than {source.max_seconds} seconds. If the file is sound and large, save it as "
        f"Parquet, or write sources.{name}.max_seconds: {2 * source.max_seconds}"
    )


def _too_large(name: str, label: str, source: SourceConfig) -> str:
    return (
        f"reading {label} needs more than {source.max_memory} of memory. If the file is sound and large, save it as "
        f"Parquet in parts, or allow more: sources.{name}.max_memory"
    )


def _ended(name: str, label: str, source: SourceConfig, code: int) -> str:
    """Why a child that gave no answer ended."""
    if code == -signal.SIGXCPU:
        return _too_slow(name, label, source)
    how = signal.Signals(-code).name if code < 0 else f"code {code}"
    return (
        f"{label} crashed its reader ({how}): the file is damaged, made to do harm, or needs more than "
        f"{source.max_memory} of memory. Nothing was written. Export it again, as CSV if you can"
    )


def _answer(file: IO[bytes], name: str, label: str, source: SourceConfig) -> Raw:
    """What the child wrote: the length of the head, the head as JSON, the lines, the table as an Arrow stream."""
    import pyarrow as pa

    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(whole[:8], "little")
    head: dict[str, Any] = json.loads(whole[8:start])
    if "memory" in head:
        raise LimitError(_too_large(name, label, source))
    if "error" in head:
        raise ERRORS.get(head["error"], PersonasError)(head["headline"], head["problems"], _tuples(head.get("setting")))
    if head["paths"]:
        return _raw(head)
    lines = None
    if head["lines"] is not None:
        lines = array("q")
        lines.frombytes(whole[start : start + head["lines"]])
    # The table stays in the file without a name: it takes no memory of its own before it is used.
    table = pa.ipc.open_stream(pa.py_buffer(whole)[start + (head["lines"] or 0) :]).read_all()
    return _raw(head, table, lines)


def _raw(head: Mapping[str, Any], table: pa.Table | None = None, lines: array[int] | None = None) -> Raw:
    """The source of a head, with its table or with the paths of its Parquet files."""
    parts = {key: _tuples(head[key]) if key in ("columns", "types", "parts", "dropped") else head[key] for key in PARTS}
    data = tuple(Path(path) for path in head["paths"]) if table is None else table
    return Raw(data=data, lines=lines, **parts)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def main(answer: int) -> None:
    """The child: limits first, then the imports, then the file."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    tasks = json.loads(sys.stdin.buffer.read())
    sources = [SourceConfig.model_validate(task["source"]) for task in tasks]
    with os.fdopen(answer, "wb") as file:
        for task, source in zip(tasks, sources, strict=True):
            _limit(source)
            start = file.tell()
            try:
                from personas.sources.readers import read_here

                raw = read_here(task["name"], source, Path(task["folder"]))
                _write(file, raw)
            except MemoryError:
                _write_head(file, {"memory": True}, start)
            except PersonasError as error:
                kind = type(error).__name__
                said = {"headline": error.headline, "problems": error.problems, "setting": error.setting}
                _write_head(file, {"error": kind, **said}, start)
            except Exception as error:
                _write_head(file, _unforeseen(error), start)
            file.flush()


def _unforeseen(error: Exception) -> dict[str, Any]:
    """A library that could not even be loaded met the limit of memory; the rest is a bug of ours, told without data."""
    if isinstance(error, OSError) and error.errno in FULL:
        said = f"the disk does not take what was read ({error.strerror}). Make room where temporary files go"
        return {"error": "LimitError", "headline": said, "problems": []}
    if isinstance(error, OSError) and error.filename is not None and error.errno != errno.ENOMEM:
        return {"error": "InputError", "headline": str(not_opened(error)), "problems": []}
    if isinstance(error, ImportError | OSError) or "thread" in str(error):
        return {"memory": True}
    return {"error": "", "headline": f"a bug of ours: {type(error).__name__} at {place_of(error)}", "problems": []}


def _limit(source: SourceConfig) -> None:
    """Limits of this process, where the system has them."""
    try:
        import resource
    except ImportError:  # Windows: no limits, but still a process of its own
        return
    memory = source.memory_bytes
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = source.max_seconds + int(time.process_time())
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, hard))


def _write_head(file: IO[bytes], head: dict[str, Any], start: int) -> None:
    file.seek(start)
    text = json.dumps(head).encode()
    file.write(len(text).to_bytes(8, "little") + text)


def _write(file: IO[bytes], raw: Raw) -> None:
    import pyarrow as pa

    head = {key: getattr(raw, key) for key in PARTS}
    paths = [str(path) for path in raw.data] if isinstance(raw.data, tuple) else []
    lines = None if raw.lines is None else raw.lines.tobytes()
    _write_head(file, {**head, "paths": paths, "lines": None if lines is None else len(lines)}, file.tell())
    if isinstance(raw.data, tuple):
        return
    file.write(lines or b"")
    with pa.ipc.new_stream(file, raw.data.schema) as stream:
        stream.write_table(raw.data)
