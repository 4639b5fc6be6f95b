"""The shop of Joe and Sarah, from files to personas, without any input."""

from __future__ import annotations

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


def config_path() -> Path:
    """Where the demo's configuration is: inside an installed package, else in the ``configs`` of the checkout."""
    inside = Path(__file__).parent / "simulate" / CONFIG
    return inside if inside.is_file() else Path(__file__).parent.parent / "configs" / CONFIG
