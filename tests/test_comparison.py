"""Two studies side by side: one real study, and what became of it by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from personas import load, run
from personas.comparison import as_plain, centroids_in_old_coding, compare, report
from personas.config import load_config
from personas.study import Study

from .small_shop import content_of, order_rows, write_shop

CUSTOMERS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("compare")
    path = write_shop(place, order_rows(CUSTOMERS))
    path.write_text(path.read_text().replace("k: [2, 4]", "k: 3"))
    return run(load_config(path)).save(place / "study")


@pytest.fixture(scope="module")
def real(folder: Path) -> Study:
    return load(folder)


def with_segments(study: Study, segments: dict[str, int | None]) -> Study:
    """The study with these customers and no others."""
    ids = {persona.segment: persona.id for persona in study.personas}
    rows = sorted(segments.items())
    table = pa.table(
        {
            "customer_id": [customer for customer, _ in rows],
            "segment": pa.array([segment for _, segment in rows], pa.int32()),
            "persona": pa.array([None if g is None else ids.get(g) for _, g in rows], pa.string()),
        }
    )
    return replace(study, segments=table)


def of(*segments: int | None, first: int = 0) -> dict[str, int | None]:
    return {f"C{first + i:03d}": segment for i, segment in enumerate(segments)}


def test_a_study_against_itself_keeps_every_persona_and_moves_nobody(real: Study) -> None:
    found = compare(real, real)
    assert found.identity.kept == {0: 0, 1: 1, 2: 2} and found.moved == 0
    assert not (found.identity.retired or found.identity.born or found.identity.splits or found.identity.merges)
    sizes = found.old.sizes
    assert found.table == (
        (sizes[0], 0, 0, 0, 0), (0, sizes[1], 0, 0, 0), (0, 0, sizes[2], 0, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0)
    ) and sum(sizes) == CUSTOMERS  # fmt: skip


def test_everybody_of_both_studies_is_in_the_table_once(real: Study) -> None:
    # C000 to C009. Old: 4 in segment 0, 3 in 1, 2 in 2, one without. New: one of segment 0 moves to 1, one of 1 loses
    # its segment, one of 2 leaves the study, the one without comes into 2, and C010 is new.
    old = with_segments(real, of(0, 0, 0, 0, 1, 1, 1, 2, 2, None))
    new = with_segments(real, {**of(0, 0, 0, 1, 1, 1, None, 2), "C009": 2, "C010": 0})
    found = compare(old, new)
    assert found.table == (
        (3, 1, 0, 0, 0),
        (0, 2, 0, 1, 0),
        (0, 0, 1, 0, 1),
        (0, 0, 1, 0, 0),
        (1, 0, 0, 0, 0),
    )
    # Seven have a segment in both: C000 to C005 and C007. One of them moved.
    assert found.common == 7 and found.moved == pytest.approx(1 / 7, abs=1e-12)
    # Jaccards on the common: 3/4, 2/3 and 1/1.
    assert found.identity.kept == {0: 0, 1: 1, 2: 2}


def test_money_follows_the_customers_at_the_mean_of_their_old_segment(real: Study) -> None:
    old = with_segments(real, of(0, 0, 0, 1, 2))
    new = with_segments(real, of(0, 0, 1, 1, 2))
    found = compare(old, new)
    mean = next(p for p in real.profiles.segments if p.segment == 0).economics.revenue
    assert found.money == "revenue" and mean is not None
    assert as_plain(found)["money_at_old_means"][0] == pytest.approx([2 * mean.value, mean.value, 0, 0, 0], abs=1e-9)
    assert as_plain(found)["money_at_old_means"][3] == [None] * 5


def test_another_currency_makes_money_unknown(real: Study) -> None:
    found = compare(real, replace(real, about=replace(real.about, currency="USD")))
    assert found.money is None and found.old.totals == (None, None, None)
    assert "at the mean" not in report(found)


def test_a_persona_that_comes_goes_splits_or_changes_its_name_is_told(real: Study) -> None:
    names = {p.segment: p.name for p in real.personas}
    # Segment 0 gives 5 to 0 and 5 to 2: Jaccard 5/10 stays, and it is split. Segment 2 goes with all its three to 1,
    # which had 4: 4/7 stays, and it is merged of both. So segment 2 of old is retired, that of new is new.
    old = with_segments(real, of(*[0] * 10, *[1] * 4, *[2] * 3))
    new = with_segments(real, of(*[0] * 5, *[2] * 5, *[1] * 7))
    lines = report(compare(old, new)).splitlines()
    assert any(line.startswith(f"retired  {names[2]}: ") for line in lines)
    assert any(line.startswith(f"new      {names[2]}: ") for line in lines)
    assert f"split    {names[0]} into {names[0]} and {names[2]}" in lines
    assert f"merged   {names[1]} and {names[2]} into {names[1]}" in lines
    # 5 of 17 went to the new segment, 3 to another one.
    assert any("17 customers with a segment in both" in line and "47.1%" in line for line in lines)
    renamed = replace(real, personas=tuple(replace(p, name=f"{p.name} the Second") for p in real.personas))
    assert f"kept     {names[0]}, now called {names[0]} the Second: " in report(compare(real, renamed))


def test_other_customers_are_matched_by_profile_whatever_the_new_coding(real: Study) -> None:
    from personas.segmentation.algorithms import ALGORITHMS

    # The new study weighs every column twice and numbers its segments the other way round: the same customers' means.
    columns = tuple(replace(column, weight=2 * column.weight) for column in real.coding.columns)
    arrays = {**real.segmentation.model.arrays(), "centroids": 2 * real.segmentation.model.centroids[::-1]}
    model = ALGORITHMS.get("kmeans").restore(arrays)
    new = replace(
        with_segments(real, of(0, 1, 2, first=500)),
        coding=replace(real.coding, columns=columns), segmentation=replace(real.segmentation, model=model),
    )  # fmt: skip
    found = compare(real, new)
    assert found.identity.by == "profile" and found.identity.kept == {0: 2, 1: 1, 2: 0} and found.common == 0
    profiles = centroids_in_old_coding(real, new.coding, new.segmentation)
    assert profiles is not None
    assert np.abs(profiles[0] - profiles[1][::-1]).max() < 1e-9
    assert "matched by profile" in report(found)


def test_nothing_is_matched_where_neither_customers_nor_features_are_shared(real: Study) -> None:
    columns = tuple(replace(column, name=f"other {column.name}") for column in real.coding.columns)
    new = replace(with_segments(real, of(0, 1, 2, first=500)), coding=replace(real.coding, columns=columns))
    found = compare(real, new)
    assert found.identity.kept == {} and found.identity.retired == found.identity.born == (0, 1, 2)
    assert "no segment is the same as one before" in report(found)


def test_the_command_prints_text_or_json_and_writes_nothing(folder: Path) -> None:
    before = content_of(folder)
    command = [sys.executable, "-m", "personas", "compare", str(folder), str(folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True)
    plain = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert text.stdout.startswith("old: Corner shop") and text.stderr == ""
    assert plain == as_plain(compare(load(folder), load(folder)))
    assert content_of(folder) == before
    wrong = subprocess.run([*command[:-1], "nowhere"], capture_output=True, text=True)
    assert wrong.returncode == 3 and "nowhere is no study folder" in wrong.stderr


def test_the_same_persona_keeps_its_id_and_name_in_the_next_study(folder: Path, real: Study, tmp_path: Path) -> None:
    # Some orders are gone: the figures are others, the members nearly the same.
    fewer = [row for number, row in enumerate(order_rows(CUSTOMERS)) if number % 60]
    path = write_shop(tmp_path, fewer)
    path.write_text(path.read_text().replace("k: [2, 4]", "k: 3"))
    alone, after = run(load_config(path)), run(load_config(path), former=real)
    identity = compare(real, after).identity
    assert len(identity.kept) == 3, "the segments are the same ones"
    before = {persona.segment: persona for persona in real.personas}
    for persona in after.personas:
        was = before[identity.kept[persona.segment]]
        assert (persona.id, persona.name) == (was.id, was.name) and persona.name in persona.story
    assert {p.id for p in alone.personas} != {p.id for p in after.personas}, "without the former study ids are new"
    assert [name for name, _ in after.input_hashes] == [*(name for name, _ in alone.input_hashes), "former"]
    assert after.segments.column_names == alone.segments.column_names
    again = run(load_config(path), former=after)
    assert [p.id for p in again.personas] == [p.id for p in after.personas]


def test_a_new_persona_takes_no_name_of_the_former_study(folder: Path, real: Study) -> None:
    nobody = with_segments(real, of(*[None] * 60))
    strange = replace(nobody, coding=replace(real.coding, columns=real.coding.columns[:1]))
    after = run(load_config(folder.parent / "shop.yaml"), former=strange)
    assert not {p.name for p in after.personas} & {p.name for p in real.personas}
