"""A study on disk: JSON and ``.npy`` only, written beside its place and published by one rename."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from personas.codec import from_plain, to_plain
from personas.errors import InputError
from personas.estimate import Notice
from personas.features.coding import Coding
from personas.features.dictionary import FeatureEntry
from personas.narrative.persona import Persona
from personas.place import check_place, open_place
from personas.profiles.records import Profiles
from personas.segmentation.records import Segmentation, Stage
from personas.sources.canonical import Audit
from personas.study import About, Study

__all__ = ["check_place", "json_text", "load", "load_segmentation", "publish", "save_model", "save_segmentation"]
ARRAYS = ("labels", "confidence", "membership", "map_points", "map_rows", "labelings", "moved")
NOT_PLAIN = frozenset({*ARRAYS, "model", "resampled", "stages"})
LATER = frozenset({"rules", "rule_cuts"})
"""Parts that studies of earlier versions lack."""
PARTS: dict[str, Any] = {
    "about": About,
    "audit": Audit,
    "dictionary": tuple[FeatureEntry, ...],
    "coding": Coding,
    "profiles": Profiles,
    "personas": tuple[Persona, ...],
    "rules": tuple[str, ...],
    "rule_cuts": Mapping[str, float],
    "notices": tuple[Notice, ...],
    "input_hashes": tuple[tuple[str, str], ...],
}


def json_text(value: Any) -> str:
    """JSON as it stands in every file of ours: UTF-8, two blanks deep, no NaN, a newline at the end."""
    return json.dumps(to_plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def publish(folder: Path, write: Callable[[Path], None]) -> None:
    """Call ``write`` with a new empty folder and put it in the place of ``folder`` by rename.

    Raises ConfigError while another run writes there, InputError and LimitError when it cannot be written; the former
    folder is then as it was.
    """
    with open_place(folder) as place:
        place.publish(write)


def save_model(study: Study, folder: Path) -> None:
    """Write ``model/`` and ``segments.parquet``: enough to load the study and to assign new customers."""
    import pyarrow.parquet as pq

    model = folder / "model"
    model.mkdir()
    pq.write_table(study.segments, folder / "segments.parquet", compression="zstd")
    plain = {name: to_plain(getattr(study, name)) for name in PARTS}
    plain["config"] = to_plain(study.config)
    plain["segmentation"], plain["arrays"] = _save_arrays(study.segmentation, model)
    (model / "study.json").write_text(json_text(plain), encoding="utf-8")


def save_segmentation(segmentation: Segmentation, folder: Path) -> None:
    """Write a segmentation on its own: ``segmentation.json`` and one ``.npy`` per array."""
    plain, arrays = _save_arrays(segmentation, folder)
    text = json_text({"segmentation": plain, "arrays": arrays})
    (folder / "segmentation.json").write_text(text, encoding="utf-8")


def load_segmentation(folder: Path) -> Segmentation:
    """The segmentation that ``save_segmentation`` wrote."""
    plain = json.loads((folder / "segmentation.json").read_text(encoding="utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in plain["arrays"]}
    return _load_segmentation(plain["segmentation"], arrays)


def _save_arrays(segmentation: Segmentation, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Write every array of a segmentation; the rest of it as plain values, and the names of the arrays."""
    plain = _plain_segmentation(segmentation, folder, "")
    return plain, sorted(path.stem for path in folder.glob("*.npy"))


def _plain_segmentation(segmentation: Segmentation, folder: Path, mark: str) -> dict[str, Any]:
    """The plain values of a segmentation and of its stages; their arrays are written under names with a mark."""
    for name in ARRAYS:
        array = getattr(segmentation, name)
        if array is not None:
            np.save(folder / f"{mark}{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
    _save_models(segmentation, folder, mark)
    names = [name for name in Segmentation.__dataclass_fields__ if name not in NOT_PLAIN]
    plain = {name: to_plain(getattr(segmentation, name)) for name in names}
    plain["stages"] = [
        {**to_plain(replace(stage, found=None)),
         "found": stage.found and _plain_segmentation(stage.found, folder, f"{_of_stage(number)}{mark}")}
        for number, stage in enumerate(segmentation.stages)
    ]  # fmt: skip
    return plain


def _of_stage(number: int) -> str:
    """What the names of the arrays of a stage begin with."""
    return f"in{number}_"


def _save_models(segmentation: Segmentation, model: Path, mark: str) -> None:
    """The chosen model, and those of the resamples stacked: one file per array, first axis the resample."""
    for name, array in segmentation.model.arrays().items():
        np.save(model / f"{mark}fitted_{name}.npy", array, allow_pickle=False)
    stacked: dict[str, list[Any]] = {}
    for fitted, to_ours in segmentation.resampled:
        for name, array in {**fitted.arrays(), "to_ours": to_ours}.items():
            stacked.setdefault(name, []).append(array)
    for name, arrays in stacked.items():
        np.save(model / f"{mark}resampled_{name}.npy", np.stack(arrays), allow_pickle=False)


def load(folder: str | Path) -> Study:
    """The study that was saved in ``folder``.

    Raises
    ------
    InputError
        When the folder is no study, or a file of it is missing or damaged.
    """
    import pyarrow.parquet as pq

    folder = Path(folder)
    if not (folder / "model" / "study.json").is_file():
        raise InputError(f"{folder} is no study folder: there is no model/study.json. `personas run` makes one.")
    try:
        plain = json.loads((folder / "model" / "study.json").read_text(encoding="utf-8"))
        there = {name: kind for name, kind in PARTS.items() if name in plain or name not in LATER}
        parts = {name: from_plain(kind, plain[name]) for name, kind in there.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, "model/study.json") from error
    own = {name: _array(folder, name) for name in plain.get("arrays", ())}
    try:
        segmentation = _load_segmentation(plain["segmentation"], own)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _damaged(folder, "model") from error
    try:
        segments = pq.read_table(folder / "segments.parquet")
    except (OSError, ValueError) as error:
        raise _damaged(folder, "segments.parquet") from error
    return Study(
        config=plain["config"], segmentation=segmentation, segments=segments, seconds=_seconds(folder), **parts
    )


def _seconds(folder: Path) -> dict[str, float]:
    """How long each stage took, as the manifest says; nothing where it does not."""
    try:
        return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _array(folder: Path, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(folder / "model" / f"{name}.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder, f"model/{name}.npy") from error
    return array


def _damaged(folder: Path, name: str) -> InputError:
    what = "cannot be read" if (folder / name).exists() else "is missing"
    return InputError(f"{folder} is damaged: {name} {what}. Run the study again, or take a copy of it.")


def _load_segmentation(plain: Mapping[str, Any], own: Mapping[str, NDArray[Any]]) -> Segmentation:
    from personas.segmentation.stages import restored

    restore = partial(restored, plain["algorithm"])
    fitted = {name.removeprefix("fitted_"): a for name, a in own.items() if name.startswith("fitted_")}
    stacked = {name.removeprefix("resampled_"): a for name, a in own.items() if name.startswith("resampled_")}
    to_ours = stacked.pop("to_ours", np.empty((0, 0), dtype=np.int32))
    resampled = [(restore({n: a[i] for n, a in stacked.items()}), to_ours[i]) for i in range(len(to_ours))]
    # By their type hints, so that no field is forgotten; what a study of an earlier version lacks takes its default.
    hints = get_type_hints(Segmentation)
    names = [name for name in hints if name in plain and name not in NOT_PLAIN]
    stages = tuple(_load_stage(stage, own, _of_stage(i)) for i, stage in enumerate(plain.get("stages", ())))
    return Segmentation(
        **{name: from_plain(hints[name], plain[name]) for name in names},
        model=restore(fitted),
        resampled=tuple(resampled),
        stages=stages,
        **{name: own.get(name) for name in ARRAYS},  # type: ignore[arg-type]
    )


def _load_stage(plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], mark: str) -> Stage:
    own = {name.removeprefix(mark): array for name, array in arrays.items() if name.startswith(mark)}
    found = plain["found"]
    stage = from_plain(Stage, {**plain, "found": None})
    return replace(stage, found=_load_segmentation(found, own)) if found else stage
