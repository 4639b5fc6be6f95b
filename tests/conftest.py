"""Fixtures that every test may use."""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from personas.study import Study

ROOT = Path(__file__).resolve().parent.parent


def lacking(what: str) -> NoReturn:
    """End a test that needs what is not here: on CI it fails, elsewhere it is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what, allow_module_level=True)


def needed(package: str) -> Any:
    """An installed package that a test cannot do without (see ``lacking``)."""
    try:
        return importlib.import_module(package)
    except ImportError:
        lacking(f"{package} is not installed; install the extra 'test'")


def shared_data() -> Path:
    """The folder of real data for tests (see ``lacking``)."""
    folder = Path(os.environ.get("PERSONAS_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        lacking(f"the shared data are not at {folder}; set PERSONAS_DATA")
    return folder


DROP, POWERS = 24, (1, 2)
"""``PR_CAPBSET_DROP`` of Linux; the powers of root to write, read and search what its modes forbid."""


def as_anybody() -> Callable[[], None] | None:
    """``preexec_fn`` of a child that modes of files bind, though root runs the tests."""
    if os.geteuid() != 0:
        return None
    drop = ctypes.CDLL(None, use_errno=True).prctl

    def forgo() -> None:
        for power in POWERS:
            if drop(DROP, power, 0, 0, 0) != 0:
                os._exit(99)

    return forgo


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The shared data (see ``shared_data``)."""
    return shared_data()


def demo_study(folder: Path) -> Study:
    """The demo of the README, run and saved in ``folder``."""
    from personas.demo import demo_config
    from personas.pipeline import run, save

    study = run(demo_config((folder / "data").resolve(), 4000))
    save(study, folder)
    return study


def quick_demo(folder: Path, data: Path, *, customers: int = 600) -> Study:
    """A small shop of Joe and Sarah in a few seconds: quick protocol, map by principal components."""
    from personas.demo import demo_config
    from personas.pipeline import run, save

    config = demo_config(data.resolve(), customers)
    config = config.model_copy(
        update={
            "segmentation": config.segmentation.model_copy(update={"protocol": "quick"}),
            "report": config.report.model_copy(update={"map": "pca"}),
        }
    )
    study = run(config)
    save(study, folder)
    return study
