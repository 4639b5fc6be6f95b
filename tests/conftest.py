"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from personas.study import Study

ROOT = Path(__file__).resolve().parent.parent


def shared_data() -> Path:
    """The folder of real data for tests; missing data fail on CI and skip elsewhere."""
    folder = Path(os.environ.get("PERSONAS_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        message = f"the shared data are not at {folder}; set PERSONAS_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


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
