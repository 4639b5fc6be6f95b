"""The shop of Joe and Sarah, from files to personas, without any input."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personas.config import Config, load_config

CONFIG = "joe_and_sarah.yaml"


def demo_config(data: Path, customers: int, seed: int | None = None) -> Config:
    """The configuration of the demo, with its simulated files in ``data``.

    Parameters
    ----------
    data : Path
        Folder that the shop's files are written to.
    customers : int
        How many customers the shop has.
    seed : int, optional
        Of the simulation and of the study; without it those of the file.
    """
    # the folder is given relative to its parent, so that a saved study holds no path of this machine
    simulate: dict[str, object] = {"folder": data.name, "customers": customers}
    overrides: dict[str, dict[str, object]] = {"simulate": simulate}
    if seed is not None:
        simulate["seed"] = seed
        overrides["study"] = {"seed": seed}
    return load_config(config_path(), overrides).model_copy(update={"folder": data.parent})


@contextmanager
def fresh_files(data: Path) -> Iterator[None]:
    """Simulated files are made anew inside, so that customers and seed are honoured; on failure the former come back.

    Files that no simulation wrote (no ``truth.json``) are left alone and read as they are.
    """
    aside = data.parent.with_name(f".{data.parent.name}-data-former")
    kept = data.is_dir() and not (data / "truth.json").is_file()
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


def config_path() -> Path:
    """Where the demo's configuration is: inside an installed package, else in the ``configs`` of the checkout."""
    inside = Path(__file__).parent / "simulate" / CONFIG
    return inside if inside.is_file() else Path(__file__).parent.parent / "configs" / CONFIG
