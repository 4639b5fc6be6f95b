"""The command line: what each verb writes, what it prints where, and with which code it leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from personas import load, run
from personas.config import load_config
from personas.errors import InputError
from personas.yamlfile import plain, read_yaml
from tests.commands import document, personas
from tests.small_shop import CONFIG, content_of, order_rows, write_shop

ROOT = Path(__file__).resolve().parent.parent
STAGES = ["reading the sources ...", "measuring every customer ...", "preparing the features ..."]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def study(shop: Path) -> Path:
    """A finished study of the shop; no test may change it."""
    result = personas("run", shop, "--out", shop.parent / "study", "--quiet")
    assert result.exit_code == 0, result.stderr
    return shop.parent / "study"


# run -------------------------------------------------------------------------------------------------------------


def test_run_prints_the_report_on_stdout_and_its_progress_on_stderr(shop: Path, tmp_path: Path) -> None:
    result = personas("run", shop, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'out' / 'report.html'}\n")
    told = result.stderr.splitlines()
    assert told[:3] == STAGES and told[-1] == "writing the study ...", "one line per stage where there is no terminal"
    assert len(told) == 8


def test_progress_goes_on_inside_the_stages_and_never_back(shop: Path) -> None:
    told: list[tuple[str, float]] = []
    run(load_config(shop), progress=lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert {"reading the sources: reading orders", "measuring every customer: measuring orders",
            "describing the segments: counting the money"} <= {what for what, _ in told}  # fmt: skip


def test_the_study_folder_holds_what_the_contract_names(study: Path) -> None:
    found = {path.name for path in study.iterdir()}
    assert found == {
        "report.html", "cards", "personas.json", "segmentation.json", "k_table.csv", "segments.parquet",
        "features.json", "audit.json", "manifest.json", "model",
    }  # fmt: skip


def test_quiet_is_silent_and_json_is_one_document(shop: Path, tmp_path: Path) -> None:
    result = personas("run", shop, "--out", tmp_path / "out", "--json", "--quiet")
    found = document(result)
    assert result.stderr == ""
    written = json.loads((tmp_path / "out" / "personas.json").read_text(encoding="utf-8"))
    assert found == {
        "folder": str(tmp_path / "out"),
        "report": str(tmp_path / "out" / "report.html"),
        "k": written["study"]["k"],
        "verdict": written["study"]["verdict"],
        "personas": [persona["id"] for persona in written["personas"]],
        "customers": 100,
    }


def test_the_same_seed_gives_the_same_bytes_and_the_command_line_wins(study: Path, shop: Path, tmp_path: Path) -> None:
    assert personas("run", shop, "--out", tmp_path / "again", "--quiet").exit_code == 0
    former, again = content_of(study), content_of(tmp_path / "again")
    assert {name for name in former if former[name] != again[name]} <= {"manifest.json"}  # seconds per stage
    other = document(personas("run", shop, "--out", tmp_path / "other", "--seed", 7, "--k", 3, "--json", "--quiet"))
    assert other["k"] == 3
    manifest = json.loads((tmp_path / "other" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 7


def test_a_second_run_replaces_the_study_and_leaves_nothing_beside_it(shop: Path, tmp_path: Path) -> None:
    for k in (2, 3):
        assert personas("run", shop, "--out", tmp_path / "out", "--k", k, "--quiet").exit_code == 0
    written = json.loads((tmp_path / "out" / "personas.json").read_text(encoding="utf-8"))
    assert len(written["personas"]) == len(list((tmp_path / "out" / "cards").glob("*.html"))) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_without_out_the_study_is_named_after_the_configuration(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = personas("run", shop, "--quiet", "--k", 2)
    assert result.stdout == f"{Path('reports') / 'shop' / 'report.html'}\n"
    assert (tmp_path / result.stdout.strip()).is_file()


# demo ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo's configuration without the map and with fewer resamples: the rest is as delivered."""
    text = (ROOT / "configs" / "joe_and_sarah.yaml").read_text(encoding="utf-8")
    path = tmp_path / "joe_and_sarah.yaml"
    quick = text.replace("k: [2, 12]", "k: [2, 4]\n  protocol: quick")
    assert quick != text
    path.write_text(f"{quick}\nreport:\n  map: none\n", encoding="utf-8")
    monkeypatch.setattr("personas.demo.config_path", lambda: path)
    return path


def test_demo_simulates_files_and_makes_them_anew_for_other_wishes(quick_demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports" / "demo"
    first = document(personas("demo", "--out", out, "--customers", 400, "--json", "--quiet"))
    assert first["folder"] == str(out) and (out / "report.html").is_file()
    rows = (out / "data" / "customers.csv").read_text(encoding="utf-8").splitlines()
    assert 400 <= len(rows) - 1 <= 420, "the asked customers, and some that stand twice"
    second = document(personas("demo", "--out", out, "--customers", 300, "--seed", 5, "--json", "--quiet"))
    assert second["customers"] < first["customers"]
    assert [path.name for path in out.parent.iterdir()] == ["demo"], "nothing is left beside the study"

    # a demo that fails leaves the former one with its files
    before = content_of(out)
    quick_demo.write_text(
        quick_demo.read_text(encoding="utf-8").replace("k: [2, 4]", "k: 60"), encoding="utf-8"
    )  # 60 segments of at least 50 customers need 3,000
    failed = personas("demo", "--out", out, "--customers", 300, "--quiet")
    assert failed.exit_code == 3 and "60 segments are more than these" in failed.stderr
    assert content_of(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["demo"]
    assert personas("demo", "--out", tmp_path / "new", "--customers", 300, "--quiet").exit_code == 3
    assert not (tmp_path / "new").exists(), "a demo that fails leaves nothing where nothing was"


# check, choose-k, export -----------------------------------------------------------------------------------------


def test_check_reads_and_audits_and_writes_nothing(shop: Path) -> None:
    before = content_of(shop.parent)
    found = document(personas("check", shop, "--json", "--quiet"))
    assert (found["study"], found["currency"]) == ("Corner shop", "EUR")
    # The last order of the shop is of 2025-12-29, the first of 2025-01-01: 363 days up to the day after the last.
    assert (found["snapshot_date"], found["window_days"]) == ("2025-12-30", 363)
    assert {entry["purpose"]: entry["status"] for entry in found["readiness"]} == {
        "clustering": "warn", "RFM": "pass", "lifetime value": "pass", "ROI": "stop", "influence": "stop",
    }  # fmt: skip
    told = personas("check", shop, "--quiet")
    assert (told.exit_code, told.stderr) == (0, "")
    assert "Corner shop: 363 days before 2025-12-30, EUR" in told.stdout
    assert f"{len(order_rows()):,}" in told.stdout
    for entry in found["readiness"]:
        assert entry["reason"] in told.stdout
    assert content_of(shop.parent) == before


def test_check_judges_the_features_that_run_takes(tmp_path: Path) -> None:
    few = "features:\n  basis: [orders_per_year]\n"
    found = document(personas("check", write_shop(tmp_path, config=CONFIG + few), "--json"))
    # 100 customers are enough for the one feature of the list: 70 are needed.
    assert found["readiness"][0] == {"purpose": "clustering", "status": "pass", "reason": "100 customers, 1 feature"}


def test_choose_k_of_a_study_and_of_its_configuration_is_the_same_dossier(
    study: Path, shop: Path, tmp_path: Path
) -> None:
    of_study = personas("choose-k", study, "--out", tmp_path / "a")
    assert of_study.stdout == f"{tmp_path / 'a' / 'choose_k.html'}\n"
    of_config = personas("choose-k", shop, "--out", tmp_path / "b", "--json", "--quiet")
    assert document(of_config) == json.loads((study / "segmentation.json").read_text(encoding="utf-8"))
    assert of_config.stderr == ""
    assert content_of(tmp_path / "a") == content_of(tmp_path / "b")
    assert set(content_of(tmp_path / "a")) == {"choose_k.html", "segmentation.json", "k_table.csv"}
    assert content_of(tmp_path / "a")["k_table.csv"] == content_of(study)["k_table.csv"]


@pytest.mark.parametrize("format", ["html", "card", "markdown", "json", "csv"])
def test_export_writes_the_same_bytes_as_the_study_holds(format: str, study: Path, tmp_path: Path) -> None:
    before = content_of(study)
    found = document(personas("export", study, "--format", format, "--out", tmp_path / "out", "--json"))
    written = content_of(tmp_path / "out")
    assert found == {"format": format, "files": [str(tmp_path / "out" / name) for name in found_names(found, tmp_path)]}
    assert set(written) == set(found_names(found, tmp_path)) and written
    suffix = {"html": ".html", "card": ".html", "markdown": ".md", "json": ".json", "csv": ".csv"}[format]
    assert all(name.endswith(suffix) for name in written)
    assert written == {name: before[name] for name in written}
    assert content_of(study) == before
    lines = personas("export", study, "--format", format, "--out", tmp_path / "out").stdout.splitlines()
    assert lines == found["files"]


def test_a_study_that_is_loaded_and_saved_again_says_how_long_it_took(study: Path, tmp_path: Path) -> None:
    load(study).save(tmp_path / "again")
    assert content_of(tmp_path / "again")["manifest.json"] == content_of(study)["manifest.json"]


def test_an_export_of_this_folder_is_named_after_it(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study, tmp_path / "spring")
    monkeypatch.chdir(tmp_path / "spring")
    result = personas("export", ".", "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert {Path(line).parent for line in result.stdout.splitlines()} == {Path("reports") / "spring-csv"}


def found_names(found: Any, folder: Path) -> list[str]:
    return [str(Path(name).relative_to(folder / "out")) for name in found["files"]]


# schema, plugins -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["personas", "segmentation"])
def test_the_schema_of_a_result_fits_the_written_file_and_refuses_a_wrong_one(name: str, study: Path) -> None:
    schema = document(personas("schema", name))
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads((study / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, schema)
    for key in list(written):
        if key in schema["required"]:
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({k: v for k, v in written.items() if k != key}, schema)


def test_the_schema_of_the_configuration_fits_ours_and_refuses_a_wrong_key(shop: Path) -> None:
    schema = document(personas("schema"))
    assert schema == document(personas("schema", "config"))
    jsonschema.Draft202012Validator.check_schema(schema)
    tree = plain(read_yaml(shop))
    jsonschema.validate(tree, schema)
    for wrong in ({**tree, "sources": 3}, {**tree, "study": {"nam": "x"}}, {**tree, "extra": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


PLUGINS = {
    "features": "orders_per_year", "presets": "generic", "algorithms": "kmeans", "indices": "silhouette",
    "languages": "en", "formats": "markdown",
}  # fmt: skip


@pytest.mark.parametrize("kind", PLUGINS)
def test_plugins_lists_one_line_per_record(kind: str) -> None:
    found = document(personas("plugins", kind, "--json"))
    assert list(found) == [kind] and PLUGINS[kind] in found[kind]
    lines = personas("plugins", kind).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(found[kind])
    assert all(len(line.split()) > 2 for line in lines), "every record is explained"


def test_plugins_without_a_kind_lists_all_kinds() -> None:
    assert list(document(personas("plugins", "--json"))) == list(PLUGINS)
    told = personas("plugins").stdout.splitlines()
    assert [line for line in told if not line.startswith(" ")] == list(PLUGINS)


# how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "STUDY", "--format", "pdf2"], "no format 'pdf2'. Known: html, card, markdown, json, csv."),
        (["export", "STUDY", "--format", "markdwn"], "Did you mean 'markdown'?"),
        (["export", "STUDY"], "--format"),
        (["plugins", "feature"], "Did you mean 'features'?"),
        (["schema", "persona"], "Known: config, personas, segmentation."),
        (["run", "SHOP", "--k", "three"], "--k"),
        (["run", "SHOP", "--algorithm", "kmean"], "segmentation.algorithm: 'kmean' is not known. Did you mean"),
        (["run", "SHOP", "--engine", "sprak"], "engine.name: 'sprak' is not known. Did you mean 'spark'?"),
        (["run", "SHOP", "--seed", "-1"], "command line, study.seed: write at least 0 (found -1)"),
        (["run", "STUDY"], "is a folder. Name the YAML file of a study"),
        (["demo", "--customers", "3"], "--customers"),
        (["choose-k", "nowhere"], "there is no configuration nowhere"),
        ([], "Usage"),
        (["--unknown"], "No such option"),
    ],
)
def test_wrong_usage_leaves_with_2_and_says_what_is_right(
    arguments: list[str], said: str, study: Path, shop: Path
) -> None:
    named = {"STUDY": str(study), "SHOP": str(shop)}
    result = personas(*(named.get(argument, argument) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr and "Traceback" not in result.stderr


def test_a_limit_leaves_with_4(tmp_path: Path) -> None:
    config = write_shop(tmp_path)
    with (tmp_path / "orders.csv").open("r+b") as file:
        file.truncate(5 * 1024**3)  # a file of holes: it takes no room on the disk
    result = personas("run", config, "--out", tmp_path / "out", "--quiet")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "orders.csv has 5,368,709,120 bytes where at most 4,294,967,296 are read" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_bug_leaves_with_6_and_tells_no_data(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("ann@example.test")

    monkeypatch.setattr("personas.sources.prepare", broken)
    result = personas("run", shop, "--out", tmp_path / "out", "--quiet")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "a bug of ours: ValueError at pipeline.py:" in result.stderr and "--debug" in result.stderr
    assert "ann@" not in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["schema", "config"], ["plugins", "indices"]])
def test_a_reader_who_has_seen_enough_is_told_nothing(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [sys.executable, "-m", "personas", *arguments], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    os.close(write)
    assert (run.returncode, run.stderr) == (0, "")


def test_debug_shows_the_traceback(shop: Path, tmp_path: Path) -> None:
    result = personas("run", shop, "--k", 40, "--out", tmp_path / "out", "--quiet", "--debug")
    assert isinstance(result.exception, InputError)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_with_5_and_the_former_study_as_it_was(
    stop: signal.Signals, study: Path, tmp_path: Path
) -> None:
    slow = CONFIG.replace("protocol: quick", "protocol: full").replace("[2, 4]", "[2, 12]")
    config = write_shop(tmp_path, order_rows(1_000), config=slow)
    shutil.copytree(study, tmp_path / "out")
    before = content_of(tmp_path)
    command = [sys.executable, "-m", "personas.cli", "run", str(config), "--out", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("looking for segments"):
            run.send_signal(stop)
            break
    told, errors = run.communicate(timeout=60)
    assert (run.returncode, told) == (5, ""), errors
    assert errors.splitlines()[-1] == "personas: stopped; the former study is as it was"
    assert content_of(tmp_path) == before
