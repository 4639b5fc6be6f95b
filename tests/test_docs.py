"""What the documents promise is executed: README, help texts, docstrings, configurations."""

from __future__ import annotations

import csv
import doctest
import importlib
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import personas
from personas.config import load_config

ROOT = Path(__file__).resolve().parent.parent
VERBS = (
    "demo", "init", "run", "check", "audience", "choose-k", "export", "schema", "plugins", "experiment", "leads",
    "compare",
)  # fmt: skip
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SMALL = 500  # customers of the simulated shops of these tests
QUICK_MAP = "\nreport:\n  map: pca\n"  # UMAP compiles in every new process, for tens of seconds


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for found, body in FENCE.findall(text) if found == language]


def run_python(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def run_command(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line such as ``personas run shop.yaml``, in a process of its own."""
    program, *arguments = shlex.split(line)
    assert program == "personas", line
    return run_python(["-m", "personas.cli", *arguments], folder)


# README ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def own_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as README's reader has it: orders.csv with the header of README, and the configuration from it."""
    from personas.simulate import simulate_shop

    folder = tmp_path_factory.mktemp("own-shop")
    simulate_shop(folder / "simulated", customers=SMALL, seed=7)
    (example,) = blocks("README.md", "csv")
    with (folder / "simulated" / "orders.csv").open(newline="") as source, (folder / "orders.csv").open("w") as target:
        sales = {row["order_no"]: row for row in csv.DictReader(source) if row["type"] == "sale" and row["customer"]}
        target.write(example.splitlines()[0] + "\n")
        for row in sales.values():
            target.write(f"{row['order_no']},{row['customer']},{row['date']},{row['amount']}\n")
    for text in blocks("README.md", "yaml"):
        name = text.splitlines()[0].removeprefix("# ")
        assert name.endswith(".yaml"), "a YAML block of README starts with the name of its file as a comment"
        (folder / name).write_text(text + QUICK_MAP, encoding="utf-8")
    return folder


def test_the_commands_and_the_python_of_the_readme_run(own_shop: Path) -> None:
    lines = [line[2:] for block in blocks("README.md", "console") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("personas ")]
    assert commands, "README shows how to run it on one's own customers"
    for line in commands:
        done = run_command(line, own_shop)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    for number, code in enumerate(blocks("README.md", "python")):
        done = run_python(["-c", code], own_shop)
        assert done.returncode == 0, f"Python block {number + 1} of README\n{code}\n{done.stdout}\n{done.stderr}"
    assert (own_shop / "reports" / "shop" / "report.html").is_file()


def test_every_target_of_make_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        text = (ROOT / document).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`|\$ )make ([a-z]+)", text, re.MULTILINE))
        assert named <= targets, f"{document} names {named - targets}"


def test_every_file_that_a_document_names_exists() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "tests/README.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        named = set(re.findall(r"`((?:(?:personas|configs|tests|\.ci)/|[A-Z]+\.md|LICENSE)[\w./-]*)`", text))
        named |= set(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text))  # pictures
        missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
        assert not missing, f"{document} names {missing}"


def test_the_readme_has_at_most_150_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_locks_name_versions_and_hashes_and_no_address() -> None:
    pins = {}
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text and "index" not in text and "file:" not in text
        entries = re.split(r"\n(?=\S)", text.strip())
        assert all(re.match(r"[a-z0-9-]+==\S+.*\\\n(    --hash=sha256:[0-9a-f]{64}( \\\n|$))+", e) for e in entries)
        pins[name] = {entry.split(" ")[0] for entry in entries}
    # One environment serves both: what runs is tested at the same versions.
    assert pins["requirements.lock"] < pins["requirements-test.lock"]


# Help ------------------------------------------------------------------------------------------------------------


def examples_of(verb: str) -> list[str]:
    """The commands after "Example:" in the help of a verb."""
    done = run_command(f"personas {verb} --help", ROOT)
    assert done.returncode == 0, done.stderr
    _, _, after = done.stdout.partition("Example:")
    lines = [line.strip() for line in after.splitlines() if line.strip()]
    assert lines and all(line.split()[:2] == ["personas", verb] for line in lines), done.stdout
    return lines


def run_example(line: str, folder: Path) -> None:
    done = run_command(re.sub(r"--customers \d+", f"--customers {SMALL}", line), folder)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert done.stdout.strip(), f"{line} says nothing on stdout"


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the configurations, their simulated shops made small, and the study of the example of demo."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copytree(ROOT / "configs", folder / "configs")
    for path in (folder / "configs").glob("*.yaml"):
        text = re.sub(r"(?m)^(\s+customers:) \d[\d_]*", rf"\1 {SMALL}", path.read_text(encoding="utf-8"))
        path.write_text(text if "\nreport:" in text else text + QUICK_MAP, encoding="utf-8")
    (example,) = examples_of("demo")
    run_example(example, folder)
    out = folder / example.split("--out ")[1].split()[0]
    if out != folder / "reports" / "demo":
        shutil.copytree(out, folder / "reports" / "demo")
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_ends_with_an_example_that_runs(verb: str, office: Path) -> None:
    for line in examples_of(verb) if verb != "demo" else []:  # the demo's has made the office
        run_example(line, office)


def test_the_help_names_every_verb_and_no_other_exists() -> None:
    listed = run_command("personas --help", ROOT).stdout
    commands = re.findall(r"(?m)^  ([a-z][a-z-]+)  ", listed.split("Commands:")[-1])
    assert sorted(commands) == sorted(VERBS)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("personas run nowhere.yaml", 2, "there is no configuration nowhere.yaml"),
        ("personas run", 2, "config"),
        ("personas rum x.yaml", 2, "rum"),
        ("personas schema nothing", 2, "no schema of 'nothing'"),
    ],
)
def test_a_wrong_command_leaves_with_2_and_says_what_to_do(line: str, code: int, said: str, tmp_path: Path) -> None:
    done = run_command(line, tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr and "Traceback" not in done.stderr


# Docstrings and configurations -----------------------------------------------------------------------------------


def modules() -> Iterator[str]:
    yield "personas"
    yield from (found.name for found in pkgutil.walk_packages(personas.__path__, "personas."))


@pytest.mark.parametrize("module", sorted(modules()))
def test_the_examples_of_docstrings_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0, f"{result.failed} examples of {module} failed; see the captured output"


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_is_read(path: Path) -> None:
    config = load_config(path)
    text = path.read_text(encoding="utf-8")
    assert config.study.name and text.startswith("#"), "a configuration starts with a comment that says what it is for"
