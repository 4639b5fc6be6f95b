"""The stages of a run that are kept: the search for segments and what is said of them, the two that take long.

Decided that the sources are read and measured again by a resumed run, because only so is it known that they are the
same; reconsider when reading takes longer than searching.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from personas.codec import from_plain, to_plain
from personas.config import Config
from personas.journal import Journal, fingerprint

if TYPE_CHECKING:
    from personas.features.coding import FeatureMatrix
    from personas.profiles.records import Profiles
    from personas.segmentation.records import Segmentation
    from personas.sources.canonical import Tables

LIBRARIES = (
    "numpy", "pandas", "scipy", "scikit-learn", "duckdb", "pyarrow", "numba", "umap-learn", "sqlglot", "pyspark",
)  # fmt: skip


class Stages:
    """The kept stages of one run; all of them depend on configuration, versions, sources and features."""

    def __init__(self, journal: Journal, config: Config, tables: Tables, matrix: FeatureMatrix) -> None:
        from personas.storage import json_text

        self._journal = journal
        self._given = fingerprint(
            own_version(), json_text(versions()), json_text(config.model_dump(mode="json")),
            json_text(tables.input_hashes), tables.snapshot_date.isoformat(),
            json_text([feature.name for feature in matrix.features]), matrix.X.tobytes(),
        )  # fmt: skip

    def segmentation(self, work: Callable[[], Segmentation]) -> Segmentation:
        """The segmentation, as it was kept or by ``work``."""
        from personas.storage import load_segmentation, save_segmentation

        return self._journal.stage("segmentation", self._given, work, save_segmentation, load_segmentation)

    def profiles(self, work: Callable[[], Profiles]) -> Profiles:
        """The described segments, as they were kept or by ``work``."""
        return self._journal.stage("profiles", self._given, work, _save_profiles, _load_profiles)


def _save_profiles(profiles: Profiles, folder: Path) -> None:
    from personas.storage import json_text

    (folder / "profiles.json").write_text(json_text(to_plain(profiles)), encoding="utf-8")


def _load_profiles(folder: Path) -> Profiles:
    import json

    from personas.profiles.records import Profiles

    return from_plain(Profiles, json.loads((folder / "profiles.json").read_text(encoding="utf-8")))


def versions() -> dict[str, str]:
    """The versions of the libraries that figures come from."""
    return {name: _version(name) for name in LIBRARIES}


def own_version() -> str:
    """The version of this package."""
    return _version("personas")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
