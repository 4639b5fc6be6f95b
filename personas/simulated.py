"""Files of a simulated shop that a configuration asks for: made once, made anew for other wishes, never over yours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personas.config import Config
from personas.errors import ConfigError

TRUTH = "truth.json"
"""The last file of a simulation; it holds what was asked for."""


def simulate_if_asked(config: Config) -> None:
    """Write the simulated shop's files when the configuration asks for one and they are not there as asked for.

    Files that no simulation wrote (no ``truth.json`` beside them) are left alone and read as they are. The shop appears
    in one step, so that a run that is stopped leaves no half of it.

    Raises
    ------
    ConfigError
        When files of another shop would have to go and somebody else's lie among them.
    """
    wanted = config.simulate
    if wanted is None:
        return
    folder, asked = config.source_folder, wanted.model_dump(exclude={"folder"})
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if there and (TRUTH not in there or _asked_of(folder) == asked):
        return
    from tempfile import TemporaryDirectory

    from personas.place import swap
    from personas.simulate import simulate_shop

    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as room:
        new = Path(room) / "new"
        simulate_shop(new, **asked)
        if foreign := there - {path.name for path in new.iterdir()}:
            raise ConfigError(
                f"simulate: {folder} holds a shop simulated for other wishes, and {min(foreign)}, which is not of it. "
                "Move that away, or write another folder."
            )
        swap(new, folder, Path(room) / "former")


def _asked_of(folder: Path) -> dict[str, object]:
    """What the shop in the folder was asked to be."""
    try:
        truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
        return {name: truth[name] for name in ("customers", "seed", "structure")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


@contextmanager
def fresh_files(data: Path) -> Iterator[None]:
    """Simulated files are made anew inside, so that customers and seed are honoured; on failure the former come back.

    Files that no simulation wrote (no ``truth.json``) are left alone and read as they are.
    """
    aside = data.parent.with_name(f".{data.parent.name}-data-former")
    kept = data.is_dir() and not (data / TRUTH).is_file()
    if not kept and data.is_dir():
        shutil.rmtree(aside, ignore_errors=True)  # of a demo that was killed
        data.rename(aside)
    try:
        yield
    except BaseException:  # Ctrl-C too
        if not kept:
            shutil.rmtree(data, ignore_errors=True)
            if aside.is_dir():
                aside.rename(data)
            elif data.parent.is_dir() and not any(data.parent.iterdir()):
                data.parent.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)
