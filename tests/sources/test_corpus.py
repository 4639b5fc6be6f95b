"""The corpus of bad input: every case ends in the outcome that its ``expect.json`` demands, with the exact table."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from personas.config import Config
from personas.engines import Engine
from personas.errors import ConfigError, InputError, LimitError, PersonasError
from personas.sources import prepare
from personas.sources.canonical import Tables

from .conftest import rows, steps

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/expect.json"))
SETTING = re.compile(r"(sources\.\w+|study)\.\w+")


def config_of(case: Path, wanted: dict[str, Any]) -> Config:
    files = sorted(path.name for path in case.glob("input*"))
    orders = {"file": files[0] if len(files) == 1 else files, **wanted.get("settings", {})}
    others = {name: {"file": f"{name}.csv", **settings} for name, settings in wanted.get("more", {}).items()}
    study = {"name": "Corpus", "currency": "EUR", **wanted.get("study", {})}
    return Config.model_validate({"study": study, "sources": {"orders": orders, **others}, "folder": case})


def outcome_of(case: Path, wanted: dict[str, Any], engine: Engine) -> tuple[str, str, Tables | None]:
    """The outcome as the corpus calls it, what was said, and the tables."""
    try:
        tables = prepare(engine, config_of(case, wanted))
    except LimitError as error:
        return "LIMIT", str(error), None
    except (InputError, ConfigError) as error:
        return "ASK" if wanted["outcome"] == "ASK" and SETTING.search(str(error)) else "REFUSE", str(error), None
    except PersonasError as error:
        pytest.fail(f"a bug of ours: {error}")
    said = " | ".join(notice.text for notice in tables.audit.notices)
    return wanted["outcome"] if wanted["outcome"] in ("LOAD", "NOTE", "ASIDE") else "LOAD", said, tables


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_case_ends_as_it_must(case: Path, engine: Engine) -> None:
    wanted = json.loads((case / "expect.json").read_text(encoding="utf-8"))
    outcome, said, tables = outcome_of(case, wanted, engine)
    assert outcome == wanted["outcome"], said
    assert wanted.get("says", "") in said
    if tables is None:
        return
    assert sorted({notice.code for notice in tables.audit.notices}) == sorted(wanted.get("notices", []))
    found = rows(engine, "orders", "order_id") if len(wanted.get("orders", [])) else []
    shown = [[r["order_id"], r["customer_id"], str(r["ordered_on"]), f"{r['net_amount']:.2f}"] for r in found]
    assert shown == sorted(wanted.get("orders", []))
    known = {row["customer_id"] for row in engine.fetch("SELECT customer_id FROM customers", 10_000).to_pylist()}
    if people := wanted.get("customers"):
        assert people["has"] in known and people["lacks"] not in known
    audited = {step: list(counts) for step, counts in steps(tables, "orders").items()}
    assert audited == wanted.get("steps", audited)


def test_the_corpus_is_there() -> None:
    assert len(CASES) >= 120


def test_each_of_the_28_known_misreads_of_an_engine_has_its_case() -> None:
    named = {json.loads((case / "expect.json").read_text(encoding="utf-8")).get("misread") for case in CASES}
    assert named - {None} == {f"M{number}" for number in range(1, 29)}  # ingest.md 4
