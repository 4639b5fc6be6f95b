"""The feature dictionary: every feature once, with its part in the study."""

from __future__ import annotations

import pytest
from tables_by_hand import config, random_rows, tables_of

from personas.engines import open_engine
from personas.features import FAMILIES, build, dictionary, sample


def test_every_proposed_feature_is_listed_once_with_its_part() -> None:
    rows = random_rows(seed=8, customers=70)
    for row in rows["orders"]:
        row["refunded"] = False  # type: ignore[index]
    wanted = config(features={"leave_out": ["referrals"]})
    with open_engine("duckdb", threads=1) as engine:
        customers = build(engine, tables_of(engine, **rows), wanted)
        matrix = sample(customers, wanted)
        entries = dictionary(customers, matrix)
    by_name = {entry.feature.name: entry for entry in entries}
    assert len(by_name) == len(entries) == len(customers.features) + len(customers.unmeasured)
    assert {entry.feature.name for entry in entries if entry.role == "basis"} == {f.name for f in matrix.features}
    assert by_name["return_share"].role == "profile"
    assert by_name["return_share"].note == "“orders sent back” forms no segments: it is the same for all customers."
    assert (by_name["referrals"].role, by_name["referrals"].note) == ("left out", "left out by the configuration")
    assert by_name["gender"].missing_share is None
    assert by_name["followers"].missing_share == matrix.missing_share["followers"] > 0
    assert sum(entry.share_of_distance for entry in entries) == pytest.approx(1, abs=1e-12)
    assert by_name["average_order"].transform == matrix.transforms["average_order"]


def test_every_family_has_a_title_and_a_question() -> None:
    assert {family.question for family in FAMILIES} == {"who", "where", "why", "what", "when"}
    assert all(family.title for family in FAMILIES)
