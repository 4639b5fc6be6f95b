"""Verbs that use finished studies: tests of actions, leads, comparison. ``cli.py`` makes them commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from personas.console import AsJson, Debug, Seed, print_json, reported

experiment = typer.Typer(
    no_args_is_help=True,
    help="Assign a test of an action, and read back what it found.",
    epilog="\b\nExample:\n  personas experiment assign reports/demo 1 --name spring --out tests/spring.csv",
)


@experiment.command(
    "assign", epilog="\b\nExample:\n  personas experiment assign reports/demo Sarah pass_it_on --name autumn"
)
def assign(
    study: Annotated[Path, typer.Argument(help="Folder of a finished study.")],
    persona: Annotated[str, typer.Argument(help="Name or id of the persona, or its place on the sheet, from 1.")],
    name: Annotated[str, typer.Option("--name", help="What the test is called.")],
    action: Annotated[str | None, typer.Argument(help="Id of one of its actions. Without it: the first.")] = None,
    per_arm: Annotated[int | None, typer.Option("--per-arm", min=10, help="Customers of each arm.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="CSV. Without it: tests/NAME.csv.")] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw who is treated and who is not, by a seed, and write them to a file."""
    with reported(debug):
        from personas.storage import load
        from personas.trials import assign as assign_test
        from personas.trials import assigned, write_assignment

        file = out or Path("tests") / f"{name}.csv"
        made = assign_test(load(study), persona, action, name, per_arm)
        write_assignment(made, name, file)
        if as_json:
            counts = {arm: made.count(arm) for arm in ("treated", "control")}
            print_json({"file": str(file), "persona": made.persona, "action": made.action, **counts})
        else:
            print(assigned(made, name, file))


@experiment.command("read", epilog="\b\nExample:\n  personas experiment read configs/shop.yaml spring")
def read(
    config: Annotated[Path, typer.Argument(help="YAML file of the study, with the test under experiments.")],
    name: Annotated[str | None, typer.Argument(help="The test. Without it: all of them.")] = None,
    seed: Seed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """What came out of a test: orders and revenue, treated less control. `run` puts it on the card."""
    with reported(debug):
        from personas.config import load_config
        from personas.trials import read as read_tests
        from personas.trials import report

        found = read_tests(load_config(config, {} if seed is None else {"study": {"seed": seed}}), name)
        print_json(list(found)) if as_json else print("\n\n".join(report(trial) for trial in found))


def leads(
    config: Annotated[Path, typer.Argument(help="YAML file of the study.")],
    study: Annotated[Path, typer.Argument(help="Folder of the finished study.")],
    file: Annotated[Path, typer.Argument(help="Leads, with columns named as in the customers file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV with the persona of each lead. Without it: FILE-personas.csv.")
    ] = None,
    fields: Annotated[
        str | None, typer.Option("--fields", help="Columns to score by, with commas. Without it: all that both have.")
    ] = None,
    seed: Seed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say which persona a lead is like, from the few columns a lead has, or that it cannot be told."""
    with reported(debug):
        from personas.config import load_config
        from personas.prospects import out_for, report, score_leads, summary, write_leads
        from personas.storage import load

        out = out_for(file, out)
        of, asked = load(study), [name.strip() for name in fields.split(",")] if fields else []
        found = score_leads(load_config(config), of, file, asked, seed)
        write_leads(found, of, out)
        print_json({"file": str(out), **summary(found, of)}) if as_json else print(f"{report(found, of)}\n{out}")


def compare(
    old: Annotated[Path, typer.Argument(help="Folder of the earlier study.")],
    new: Annotated[Path, typer.Argument(help="Folder of the later study.")],
    seed: Seed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say which personas of two studies are the same, which came, went, split or merged, and who moved where."""
    with reported(debug):
        from personas.comparison import as_plain, report
        from personas.comparison import compare as compare_studies
        from personas.storage import load

        found = compare_studies(load(old), load(new))
        print_json(as_plain(found)) if as_json else print(report(found))
