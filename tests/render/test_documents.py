"""JSON, CSV and schemas: the contract's keys, full precision, unknown is null."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import jsonschema
import pytest

from personas.render import FORMATS
from personas.render.formats.csv import COLUMNS
from personas.render.formats.json import dumped
from personas.render.schema import personas_schema, segmentation_schema
from personas.study import Study
from tests.render.fixture import lantern


@pytest.fixture(scope="module")
def study() -> Study:
    return lantern()


def documents(study: Study) -> dict[str, dict]:
    return {name: json.loads(text) for name, text in FORMATS.get("json").render(study).items()}


@pytest.mark.parametrize("kwargs", [{}, {"costs": False}, {"verdict": "none"}, {"costs": False, "reach": False}])
def test_documents_follow_their_schemas(kwargs: dict) -> None:
    made = documents(lantern(**kwargs))
    for name, schema in (("personas.json", personas_schema()), ("segmentation.json", segmentation_schema())):
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(made[name])


@pytest.mark.parametrize(
    "path", [("study", "verdict"), ("personas", 0, "trust"), ("personas", 0, "size", "share", "low")]
)
def test_the_schema_sees_a_key_that_is_missing(study: Study, path: tuple) -> None:
    document = documents(study)["personas.json"]
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(personas_schema()).validate(document)


def test_unknown_money_is_null_and_a_known_figure_keeps_every_digit(study: Study) -> None:
    unknown = documents(lantern(costs=False))["personas.json"]["personas"][0]["economics"]
    assert unknown["contribution"] is None and unknown["roi"] is None and unknown["break_even"] is None
    known = documents(study)["personas.json"]["personas"][0]
    # 428 / (88 + 26): shortest text that reads back as the same float
    assert known["economics"]["roi"]["value"] == 428 / (88 + 26)
    assert known["size"]["customers"] == {
        "value": 1498,
        "low": 1498,
        "high": 1498,
        "unit": "customers",
        "n": 1498,
        "basis": "exact",
    }
    assert known["trust"]["prevalence"] == {"of_segment": 0.46, "of_customers": 0.101}


def test_a_row_of_the_choices_ledger_without_money_says_null(study: Study) -> None:
    bare = replace(
        study,
        segmentation=replace(
            study.segmentation, sensitivity=({"choice": "x", "ari": 0.9, "customers_moved_share": 0.1},)
        ),
    )
    assert documents(bare)["segmentation.json"]["sensitivity"][0]["contribution_moved_share"] is None


def test_the_table_of_candidates_has_one_row_per_algorithm_and_k(study: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(FORMATS.get("csv").render(study)["k_table.csv"])))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["algorithm"], int(row["k"])) for row in rows] == [("kmeans", k) for k in range(2, 9)]
    assert float(rows[4]["silhouette"]) == 0.352 and rows[4]["icl"] == ""


def test_numpy_dates_and_what_is_not_finite_become_plain_json() -> None:
    import numpy as np

    text = dumped({"a": np.float64(0.1), "b": np.arange(2), "c": float("nan"), "d": (True, None)})
    assert json.loads(text) == {"a": 0.1, "b": [0, 1], "c": None, "d": [True, None]}


def test_every_form_has_a_name_a_purpose_and_its_files(study: Study) -> None:
    assert FORMATS.names()[:5] == ["html", "card", "markdown", "json", "csv"]
    for form in list(FORMATS)[:5]:
        files = form.render(study)
        assert files and form.purpose
        assert any(name.endswith(form.suffix) for name in files) or form.suffix == ".json"
