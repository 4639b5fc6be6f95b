"""Tests of actions: drawn by a seed, read back from later orders, and on the next card in place of the guess."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from personas import audiences, load, prospects, readiness, trials
from personas.config import Config
from tests.commands import document, personas
from tests.small_shop import CONFIG, order_rows, write_shop

DAYS = 91


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A shop of a hundred customers and its study."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder)
    result = personas("run", config, "--out", folder / "study", "--quiet")
    assert result.exit_code == 0, result.stderr
    return config, folder / "study"


def someone(study: Path) -> tuple[str, str, int]:
    """The persona of the frequent buyers, its first action, and how many they are."""
    written = json.loads((study / "personas.json").read_text(encoding="utf-8"))["personas"]
    often = max(written, key=lambda p: p["facts"]["orders_per_year"]["mean"]["value"])
    return often["name"], often["actions"][0]["id"], round(often["size"]["customers"]["value"])


def test_half_of_a_persona_is_treated_by_a_seed_and_twice_the_same(shop: tuple[Path, Path], tmp_path: Path) -> None:
    _, study = shop
    name, action, size = someone(study)
    for file in ("one.csv", "two.csv"):
        found = document(
            personas("experiment", "assign", study, name, action, "--name", "spring", "--per-arm", size // 2,
                     "--out", tmp_path / file, "--json")
        )  # fmt: skip
        assert (found["treated"], found["control"]) == (size // 2, size // 2)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    rows = list(csv.DictReader((tmp_path / "one.csv").open(encoding="utf-8")))
    assert len({row["customer_id"] for row in rows}) == len(rows) == 2 * (size // 2)
    assert {row["experiment"] for row in rows} == {"spring"} and {row["action"] for row in rows} == {action}
    other = personas("experiment", "assign", study, name, action, "--name", "autumn", "--per-arm", size // 2,
                     "--out", tmp_path / "three.csv")  # fmt: skip
    printed = other.stdout[other.stdout.index("experiments:") :]
    written = YAML(typ="safe").load(printed)["experiments"]["autumn"]
    assert Path(written["file"]).samefile(tmp_path / "three.csv") and Path(written["file"]).is_absolute()
    assert [row["arm"] for row in csv.DictReader((tmp_path / "three.csv").open(encoding="utf-8"))] != [
        row["arm"] for row in rows
    ]


def test_who_is_treated_in_a_running_test_is_never_drawn_again(shop: tuple[Path, Path], tmp_path: Path) -> None:
    _, study = shop
    name, action, _ = someone(study)
    arguments = ("experiment", "assign", study, name, action, "--name", "spring", "--out", tmp_path / "spring.csv")
    assert personas(*arguments).exit_code == 0
    before = (tmp_path / "spring.csv").read_bytes()
    again = personas(*arguments)
    assert again.exit_code == 2 and "spring.csv is there already" in again.stderr
    assert (tmp_path / "spring.csv").read_bytes() == before


def later(shop: tuple[Path, Path], folder: Path, started: date) -> Path:
    """The shop three months later: everybody goes on as before, and each of the treated has ordered once more."""
    _, study = shop
    name, action, size = someone(study)
    folder.mkdir()
    assigned = personas("experiment", "assign", study, name, action, "--name", "spring", "--per-arm", size // 2,
                        "--out", folder / "spring.csv")  # fmt: skip
    assert assigned.exit_code == 0, assigned.stderr
    treated = {row["customer_id"] for row in csv.DictReader((folder / "spring.csv").open(encoding="utf-8"))
               if row["arm"] == "treated"}  # fmt: skip
    rows = order_rows()
    for customer in sorted({row[1] for row in rows}):
        own = [row for row in rows if row[1] == customer and row[2] < (date(2025, 1, 1) + timedelta(DAYS)).isoformat()]
        for number, row in enumerate(own):
            day = date.fromisoformat(row[2]) + timedelta(days=365)
            rows.append([f"{row[0]}-b{number}", customer, day.isoformat(), row[3], row[4]])
        if customer in treated:
            rows.append([f"{customer}-extra", customer, (started + timedelta(days=30)).isoformat(), "20.00", "online"])
    test = f"    file: spring.csv\n    started: {started}\n    days: {DAYS}\n    cost: 2\n"
    experiments = f"experiments:\n  spring:\n{test}"
    return write_shop(folder, rows, config=CONFIG + experiments)


def test_a_result_is_read_back_and_stands_on_the_next_card_as_a_prediction(
    shop: tuple[Path, Path], tmp_path: Path
) -> None:
    started = date(2026, 1, 1)
    config = later(shop, tmp_path / "later", started)
    _, action, size = someone(shop[1])
    (trial,) = document(personas("experiment", "read", config, "--json"))
    # one more order in 91 days is 365 / 91 = 4.01 a year; the arms differ by chance in what they order anyway
    assert (trial["treated"], trial["control"]) == (size // 2, size // 2)
    assert trial["orders"]["low"] < 365 / DAYS < trial["orders"]["high"]
    assert abs(trial["orders"]["value"] - 365 / DAYS) < 1.5
    assert abs(trial["cost"] - 2 * 365 / DAYS) < 1e-9
    words = personas("experiment", "read", config, "spring").stdout
    assert f"test “spring”: {size // 2} treated and {size // 2} not treated, 1 January 2026 to 1 April 2026" in words

    assert personas("run", config, "--out", tmp_path / "study", "--quiet").exit_code == 0
    written = json.loads((tmp_path / "study" / "personas.json").read_text(encoding="utf-8"))["personas"]
    tested = [a for p in written for a in p["actions"] if a["claim"] == "prediction"]
    assert [a["id"] for a in tested] == [action]
    assert tested[0]["expected"].startswith("The test brought more: ")
    assert tested[0]["evidence"]["expected"][0]["statistic"] == "experiment spring, 2026-01-01 to 2026-04-01"
    manifest = json.loads((tmp_path / "study" / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((tmp_path / "later" / "spring.csv").read_bytes()).hexdigest()
    assert {"source": "experiments.spring", "sha256": digest} in manifest["inputs"], "resumed only with the same file"
    owner = next(p for p in written if tested[0] in p["actions"])
    assert owner["actions"][0]["id"] == action, "what a test has shown to work comes first"
    assert owner["worth"]["trials"][0]["name"] == "spring"


def test_a_test_that_still_runs_is_not_told_and_reading_it_is_refused(shop: tuple[Path, Path], tmp_path: Path) -> None:
    config = later(shop, tmp_path / "later", date(2026, 3, 1))
    result = personas("experiment", "read", config)
    assert result.exit_code == 3 and "it runs until 2026-05-30" in result.stderr
    assert personas("run", config, "--out", tmp_path / "study", "--quiet").exit_code == 0
    written = json.loads((tmp_path / "study" / "personas.json").read_text(encoding="utf-8"))
    assert "experiment-not-over" in {notice["code"] for notice in written["notices"]}
    assert {a["claim"] for p in written["personas"] for a in p["actions"]} == {"scenario"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("customer_id,arm\nC001,treated\n", "needs rows with the columns"),
        ("customer_id,arm,action\nC001,treated,a\nC001,control,a\n", "more than once"),
        ("arm,action,customer_id\ntreated,a,C001\ncontrol,a\n", "the row is torn"),
        ("customer_id,arm,action\nC001,treated,a\nC002,control,a,more\n", "the row is torn"),
        ("customer_id,arm,action\nC001,treated,a\nC002,other,a\n", "arms must be treated and control"),
        ("customer_id,arm,action\nC001,treated,a\nC002,control,a\n", "an arm of 1 customers"),
    ],
)
def test_a_file_that_is_no_assignment_is_refused_in_words(
    shop: tuple[Path, Path], tmp_path: Path, content: str, why: str
) -> None:
    config = later(shop, tmp_path / "later", date(2026, 1, 1))
    (config.parent / "spring.csv").write_text(content, encoding="utf-8")
    result = personas("experiment", "read", config)
    assert result.exit_code == 3 and why in result.stderr


@pytest.mark.parametrize("verb", ["experiment read", "leads", "audience", "check"])
def test_every_verb_opens_the_engine_as_the_configuration_says(
    verb: str, shop: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Opened(Exception):
        """The engine is asked for; it need not start."""

    def spy(*_: object, **wanted: object) -> None:
        raise Opened(wanted)

    study, orders = {"name": "Shop", "currency": "EUR"}, {"file": "orders.csv"}
    test = {"file": "spring.csv", "started": date(2026, 1, 1), "days": DAYS}
    config = Config.model_validate(
        {
            "study": study, "sources": {"orders": orders, "customers": orders}, "experiments": {"spring": test},
            "audiences": {"all": {"where": [{"column": "customer_id", "known": True}]}},
            "engine": {"name": "spark", "master": "spark://host:7077", "threads": 3, "memory_limit": "4GB"},
            "folder": shop[0].parent,
        }
    )  # fmt: skip
    module = {"experiment read": trials, "leads": prospects, "audience": audiences, "check": readiness}[verb]
    monkeypatch.setattr(module, "open_engine", spy)
    calls: dict[str, Callable[[], object]] = {
        "experiment read": lambda: trials.read(config),
        "leads": lambda: prospects.score_leads(config, load(shop[1]), shop[0].parent / "orders.csv"),
        "audience": lambda: audiences.count_audiences(config),
        "check": lambda: readiness.check(config),
    }
    with pytest.raises(Opened) as found:
        calls[verb]()
    assert found.value.args[0] == config.engine.model_dump()


def test_a_wrong_name_is_answered_with_the_known_ones(shop: tuple[Path, Path]) -> None:
    config, study = shop
    name, action, _ = someone(study)
    nobody = personas("experiment", "assign", study, "Nobody", action, "--name", "a")
    assert nobody.exit_code == 2 and "there is no persona 'Nobody'" in nobody.stderr
    assert f"Known: {action}" in personas("experiment", "assign", study, name, "dance", "--name", "a").stderr
    assert "no tests" in personas("experiment", "read", config).stderr
