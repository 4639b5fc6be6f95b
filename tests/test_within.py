"""A whole study inside lifecycle stages: known groups per stage, chapters, and totals of 100%."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from personas import features, sources
from personas.config import Config, load_config
from personas.engines import open_engine
from personas.errors import ConfigError
from personas.pipeline import run
from personas.profiles.records import Profile
from personas.render import dossier_files, render_html
from personas.render.card import card_of
from personas.render.context import report_context
from personas.render.formats.json import segmentation_document
from personas.render.schema import segmentation_schema
from personas.storage import load
from personas.study import Study

from .small_shop import CONFIG, write_shop
from .staged_shop import STAGED, staged_rows

RULES = "  rules:\n    test_accounts: [A0-00, N1-03]\n"


def config_of(folder: Path, config: str = STAGED) -> Config:
    return load_config(write_shop(folder, staged_rows(), config=config))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return run(config_of(tmp_path_factory.mktemp("staged"), STAGED.replace("quick\n", f"quick\n{RULES}")))


def test_the_planted_groups_of_each_stage_are_its_segments(study: Study) -> None:
    found = Counter((row["customer_id"][:2], row["segment"]) for row in study.segments.to_pylist())
    whole = {(group, segment): size for (group, segment), size in found.items() if segment is not None}
    # Two accounts are kept apart by name; every planted group is one segment, numbered over the stages.
    assert sorted(whole.values()) == [12, 59, 60, 69, 70, 70] and len({s for _, s in whole}) == 6
    assert {segment for group, segment in whole if group[0] == "N"} == {0, 1}
    assert {segment for group, segment in whole if group[0] == "A"} == {2, 3, 4}
    assert [(s.name, s.k, s.customers) for s in study.segmentation.stages] == [
        ("new", 2, 119), ("active", 3, 209), ("lost", 1, 12),
    ]  # fmt: skip


def test_people_and_money_of_stages_and_rules_are_everybody(study: Study) -> None:
    def revenue(profile: Profile) -> float:
        assert profile.economics.total_revenue is not None
        return profile.economics.total_revenue.value

    aside = study.profiles.set_aside
    assert [(name, customers) for name, customers, _ in aside] == [("test_accounts", 2)]
    segments = study.profiles.segments
    assert sum(p.customers.value for p in segments) + 2 == study.about.customers_known == 342
    spent = sum(float(amount) for _, _, _, amount, _ in staged_rows())
    # money of a segment is told in whole cents
    assert sum(map(revenue, segments)) + sum(money for _, _, money in aside) == pytest.approx(spent, abs=0.01)
    table = next(s for s in report_context(study).dossier if s.anchor == "stages").tables[0]
    assert [row.head for row in table.rows] == ["New", "Active", "Lost", "Test accounts"]
    assert [cell.text for cell in table.foot[0].cells][:1] == ["6"] and table.foot[0].cells[2].text == "342"
    for column in (3, 5):
        shares = [float(row.cells[column].text.rstrip("%")) for row in table.rows]
        assert abs(sum(shares) - 100) <= 1.5 and table.foot[0].cells[column].text == "100%"  # each is rounded


def test_report_and_dossier_have_a_chapter_per_stage_with_its_verdict(study: Study) -> None:
    headings = {s.anchor: s.heading for s in report_context(study).dossier}
    assert headings["stage-new"] == "New: two segments, natural"
    assert headings["stage-active"] == "Active: three segments, natural"
    assert headings["stage-lost"] == "Lost: one segment"
    assert headings["stage-new-solid"] == "New: Both segments are solid"
    for name in ("structure", "candidates", "agreement", "tree", "profile", "choices"):
        assert f"stage-new-{name}" in headings and f"stage-active-{name}" in headings
        assert f"stage-lost-{name}" not in headings and name not in headings
    page, dossier = render_html(study), dossier_files(study)["choose_k.html"]
    for text in (page, dossier):
        assert isinstance(text, str) and 'id="stage-active"' in text
        assert "12 customers are too few for two segments of 20" in text
        assert "a false alarm is up to twice as likely as with one search" in text
    assert '<a href="#stage-active">Active</a>' in page


def test_cards_name_the_stage_and_a_whole_stage_says_so(study: Study) -> None:
    stages = {p.segment: card_of(study, p).who[0] for p in study.personas}
    assert [stages[s].text for s in range(6)] == ["new", "new", "active", "active", "active", "lost"]
    assert stages[5].after == ", all of it" and stages[0].after == ""
    lost = next(card_of(study, p) for p in study.personas if p.segment == 5)
    assert ("Stability", "a whole stage: a rule makes it, and not a search") in lost.trust
    told = " ".join(p.tagline + p.story for p in study.personas)
    assert "lifecycle" not in told and "stage" not in told  # the head of the card says it once


def test_rules_of_the_crm_use_the_stage_and_find_every_segment(study: Study) -> None:
    rules = {p.segment: p.rule for p in study.personas}
    assert all(rule is not None and rule.fidelity.value > 0.98 for rule in rules.values())
    assert rules[5] is not None and rules[5].conditions == (("lifecycle_stage", "=", "lost"),)


def test_new_customers_are_assigned_inside_their_stage_also_by_a_saved_study(study: Study, tmp_path: Path) -> None:
    study.save(tmp_path / "study")
    frame = pd.DataFrame(
        {"orders_per_year": [1.0] * 3, "average_order": [400.0] * 3, "lifecycle_stage": ["new", "lost", "active"]}
    )
    by_group = {row["customer_id"][:2]: row["segment"] for row in study.segments.to_pylist() if row["segment"]}
    for one in (study, load(tmp_path / "study")):
        labels = one.assign(frame)["segment"].tolist()
        # The same figures: the large order of a newcomer, anybody who is lost, the dear group of the active.
        assert labels == [by_group["N1"], 5, by_group["A2"]]
    with pytest.raises(Exception, match="cannot be assigned without every forming feature"):
        study.assign(frame.drop(columns="lifecycle_stage"))


def test_json_and_table_keep_the_evidence_of_every_stage(study: Study) -> None:
    import jsonschema

    document = segmentation_document(study)
    jsonschema.validate(document, segmentation_schema())
    assert [stage["segments"] for stage in document["stages"]] == [[0, 1], [2, 3, 4], [5]]
    assert [stage["found"] and stage["found"]["verdict"] for stage in document["stages"]] == ["natural"] * 2 + [None]
    assert document["k"] == 6 and document["verdict"] == "natural"
    table = study.k_table
    assert sorted(set(table["stage"])) == ["active", "new"] and list(table["k"][table["stage"] == "new"]) == [2, 3, 4]


def stages_of(folder: Path, rows: list[list[str]]) -> dict[str, str]:
    """Customer -> stage, without a search."""
    config = load_config(write_shop(folder, rows, config=STAGED))
    with open_engine() as engine:
        customers = features.build(engine, sources.prepare(engine, config), config)
        found = engine.fetch(f"SELECT customer_id, lifecycle_stage FROM {customers.table.name}", 100).to_pylist()
    return {row["customer_id"]: row["lifecycle_stage"] for row in found}


def test_a_stage_is_relative_to_the_own_rhythm_and_the_usual_one_where_there_is_none(tmp_path: Path) -> None:
    def orders(customer: str, *days: int) -> list[list[str]]:
        day = pd.Timestamp("2025-12-31")
        dates = [(day - pd.Timedelta(days=ago)).date().isoformat() for ago in days]
        return [[f"{customer}{i}", customer, date, "10.00", "online"] for i, date in enumerate(dates)]

    # The snapshot is the day after the last order. Rhythms: a 10, b 100, c 10, d 10 days; the usual one is 10.
    rows = [
        *orders("a", 0, 10, 20), *orders("b", 199, 299, 399), *orders("c", 39, 49, 59), *orders("d", 40, 50, 60),
        *orders("new", 19), *orders("one", 20), *orders("two", 30, 330), *orders("gone", 60),
    ]  # fmt: skip
    assert stages_of(tmp_path, rows) == {
        "a": "active",  # 1 day ago
        "b": "active",  # 200 days ago are 2 rhythms of 100
        "c": "lapsing",  # 40 days ago are 4 rhythms of 10
        "d": "lost",  # 41 days ago are more
        "new": "new",  # known for 20 days, 2 usual rhythms
        "one": "lapsing",  # known for 21
        "two": "lapsing",  # two buying days are no rhythm: 31 days ago are more than 2 usual ones
        "gone": "lost",
    }


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (STAGED.replace("[2, 4]", "3"), "within seeks a k of its own per stage, and this k is fixed"),
        (STAGED.replace("lifecycle", "tenure"), "within"),
        (STAGED + "  leave_out: [tenure_days]\n", "lifecycle cannot be told, because left out by the configuration"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, config: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        stages_config = config_of(tmp_path, config)
        with open_engine() as engine:
            features.build(engine, sources.prepare(engine, stages_config), stages_config)
    assert said in f"{error.value} {' '.join(getattr(error.value, 'details', ()))}"


def test_without_a_rhythm_there_are_no_stages(tmp_path: Path) -> None:
    rows = [[f"{n}", f"C{n}", f"2025-{1 + n % 12:02d}-01", "10.00", "online"] for n in range(60)]
    config = load_config(write_shop(tmp_path, rows, config=STAGED))
    with open_engine() as engine, pytest.raises(ConfigError, match="bought on three days or more"):
        features.build(engine, sources.prepare(engine, config), config)


def test_without_within_nothing_of_this_is_measured(tmp_path: Path) -> None:
    config = load_config(write_shop(tmp_path, staged_rows(), config=CONFIG))
    with open_engine() as engine:
        measured = features.build(engine, sources.prepare(engine, config), config)
    assert "lifecycle_stage" not in {feature.name for feature in measured.features}
