"""The command line: verbs only. Parse, call the library, print. Nothing heavy is imported before a verb runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from personas.console import AsJson, Debug, Seed, listen, print_json, progress_bar, reported
from personas.errors import ConfigError, Interrupted
from personas.verbs import compare, experiment, leads

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Segments that are really there, and persona cards whose every sentence can be checked.",
    epilog="\b\nExample:\n  personas demo --out reports/demo",
)

Out = Annotated[Path | None, typer.Option("--out", help="Folder of the study. Without it: reports/NAME.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]


@app.command(epilog="\b\nExample:\n  personas demo --customers 1000 --out reports/small-demo")
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the study.")] = Path("reports/demo"),
    customers: Annotated[int, typer.Option("--customers", min=200, help="How many customers the shop has.")] = 4000,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Simulate the shop of Joe and Sarah as ordinary files, then do what `run` does."""
    with reported(debug):
        from personas.demo import demo_config
        from personas.simulated import fresh_files

        data = (out / "data").resolve()
        config = demo_config(data, customers, seed)
        _run_and_save(config, out, quiet=quiet, as_json=as_json, files=fresh_files(data))


@app.command(epilog="\b\nExample:\n  personas run configs/joe_and_sarah.yaml --k 8 --out reports/eight")
def run(
    config: Annotated[Path, typer.Argument(help="YAML file of the study.")],
    out: Out = None,
    k: Annotated[int | None, typer.Option("--k", help="Number of segments to use instead of choosing it.")] = None,
    algorithm: Annotated[str | None, typer.Option("--algorithm", help="kmeans, gmm or auto.")] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="duckdb or spark.")] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help="full or quick.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    former: Annotated[
        Path | None, typer.Option("--former", help="An earlier study: its personas keep their names and ids.")
    ] = None,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read, measure, look for segments and write the study folder with its report and cards."""
    with reported(debug):
        from personas.config import load_config

        wanted = load_config(config, overrides(k, algorithm, engine, protocol, seed))
        place = out or default_out(wanted.report.out, config)
        _run_and_save(wanted, place, quiet=quiet, as_json=as_json, resume=resume, former=former)


@app.command(epilog="\b\nExample:\n  personas check configs/joe_and_sarah.yaml")
def check(
    config: Annotated[Path, typer.Argument(help="YAML file of the study.")],
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read and audit only: what was understood, set aside and repaired, and what the data are ready for."""
    with reported(debug):
        from personas.config import load_config
        from personas.readiness import check as check_config
        from personas.readiness import report_text

        found = check_config(load_config(config, overrides(seed=seed)))
        print_json(found) if as_json else print(report_text(found))


@app.command(epilog="\b\nExample:\n  personas init reports/demo/data/orders.csv --out configs/own.yaml")
def init(
    files: Annotated[list[Path], typer.Argument(help="Exports: CSV, Excel, Parquet, JSON lines, also packed.")],
    out: Annotated[Path, typer.Option("--out", help="Where the configuration goes.")] = Path("configs/study.yaml"),
    name: Annotated[str | None, typer.Option("--name", help="Name of the study.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="Currency of the amounts, such as EUR.")] = None,
    seed: Seed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Propose a configuration from files: which table each one is, which column is which, and why."""
    with reported(debug):
        from personas.initial import as_plain, propose, report, write_proposal

        proposal = propose(files, out, name, currency)
        write_proposal(proposal, out)
        written = f"{report(proposal)}\n\nwritten: {out}\nnext: personas check {out}"
        print_json(as_plain(proposal, out)) if as_json else print(written)


@app.command(epilog="\b\nExample:\n  personas audience configs/joe_and_sarah.yaml store --out store.csv")
def audience(
    config: Annotated[Path, typer.Argument(help="YAML file of the study.")],
    name: Annotated[str | None, typer.Argument(help="Audience to export. Without it all are counted.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="CSV with the customer numbers.")] = None,
    seed: Seed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Count the audiences of a configuration, or export the customer numbers of one."""
    with reported(debug):
        from personas.audiences import count_audiences, export_audience
        from personas.config import load_config

        wanted = load_config(config, overrides(seed=seed))
        if name is None and out is not None:
            raise ConfigError(f"name the audience to export: personas audience {config} NAME --out {out}")
        found = count_audiences(wanted, name) if name is None or out is None else export_audience(wanted, name, out)
        labels = {key: audience.label for key, audience in wanted.audiences.items()}
        lines = "\n".join(f"{count:>12,}  {labels.get(key) or key}" for key, count in found.items())
        print_json(found) if as_json else print(lines)


@app.command("choose-k", epilog="\b\nExample:\n  personas choose-k configs/joe_and_sarah.yaml --out reports/how-many")
def choose_k(
    source: Annotated[Path, typer.Argument(help="YAML file of a study, or the folder of a finished one.")],
    out: Out = None,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Only the k dossier: segmentation.json, k_table.csv and choose_k.html."""
    with reported(debug):
        from personas.render import dossier_files

        study = _study_of(source, seed, quiet)
        folder = out or Path("reports") / f"{study.about.slug}-k"
        files = dossier_files(study)
        _write(files, folder)
        print(files["segmentation.json"] if as_json else folder / "choose_k.html")


@app.command(epilog="\b\nExample:\n  personas export reports/demo --format markdown --out reports/demo-markdown")
def export(
    study: Annotated[Path, typer.Argument(help="Folder of a finished study.")],
    format: Annotated[str, typer.Option("--format", help="html, card, markdown, json or csv.")],
    out: Out = None,
    seed: Seed = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the same numbers in another form."""
    with reported(debug):
        from personas import load
        from personas.render import FORMATS

        chosen = FORMATS.get(format)
        files = chosen.render(load(study))
        folder = out or Path("reports") / f"{study.resolve().name}-{format}"
        _write(files, folder)
        written = [str(folder / name) for name in files]
        print_json({"format": format, "files": written}) if as_json else print("\n".join(written))


@app.command(epilog="\b\nExample:\n  personas schema personas")
def schema(
    of: Annotated[str, typer.Argument(help="config, personas or segmentation.")] = "config",
    seed: Seed = None,
    debug: Debug = False,
) -> None:
    """Print the JSON Schema of the configuration or of a result file."""
    with reported(debug):
        if of == "config":
            from personas.config import Config

            print_json(Config.model_json_schema())
        elif of in ("personas", "segmentation"):
            from personas.render.schema import personas_schema, segmentation_schema

            print_json(personas_schema() if of == "personas" else segmentation_schema())
        else:
            raise ConfigError(f"no schema of '{of}'. Known: config, personas, segmentation.")


@app.command(epilog="\b\nExample:\n  personas plugins features")
def plugins(
    kind: Annotated[
        str | None, typer.Argument(help="features, presets, algorithms, indices, languages, formats.")
    ] = None,
    seed: Seed = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List what is known, one line each."""
    with reported(debug):
        from personas.plugins import KINDS, listing

        found = {name: listing(name) for name in ([kind] if kind else list(KINDS))}
        if as_json:
            print_json(found)
            return
        for name, lines in found.items():
            if kind is None:
                print(f"{name}")
            for entry, what in lines.items():
                print(f"{'  ' if kind is None else ''}{entry:<28} {what}")


app.add_typer(experiment, name="experiment")
LEADS = "\b\nExample:\n  personas leads configs/joe_and_sarah.yaml reports/demo reports/demo/data/customers.csv"
app.command("leads", epilog=LEADS)(leads)
app.command("compare", epilog="\b\nExample:\n  personas compare reports/demo reports/demo")(compare)


def overrides(
    k: int | None = None,
    algorithm: str | None = None,
    engine: str | None = None,
    protocol: str | None = None,
    seed: int | None = None,
) -> dict[str, dict[str, Any]]:
    """What the command line says instead of the file."""
    parts: dict[str, dict[str, Any]] = {
        "segmentation": {"k": k, "algorithm": algorithm, "protocol": protocol},
        "engine": {"name": engine},
        "study": {"seed": seed},
    }
    given = {part: {key: v for key, v in dict(values).items() if v is not None} for part, values in parts.items()}
    return {part: values for part, values in given.items() if values}


def default_out(configured: str | None, config: Path) -> Path:
    """Where a study goes when --out is not given."""
    return Path(configured) if configured else Path("reports") / config.stem


def _run_and_save(
    config: Any, out: Path, *, quiet: bool, as_json: bool, resume: bool = False,
    files: AbstractContextManager[None] | None = None, former: Path | None = None,
) -> None:  # fmt: skip
    from personas.place import open_place

    # The place is taken before anything heavy is imported: a second run is told at once, and its files are not touched.
    with open_place(out, resume=resume) as place, files or nullcontext(), progress_bar(quiet) as progress:
        from personas.pipeline import run as run_config
        from personas.pipeline import save
        from personas.storage import load

        before = load(former) if former else None
        study = run_config(config, progress=progress, journal=place.journal, former=before)
        progress("writing the study", 1.0)
        folder = save(study, out, place)
    if as_json:
        about = study.about
        result = {"folder": str(folder), "report": str(folder / "report.html"), "k": about.k, "verdict": about.verdict}
        print_json({**result, "personas": [p.id for p in study.personas], "customers": about.customers})
    else:
        print(folder / "report.html")


def _study_of(source: Path, seed: int | None, quiet: bool) -> Any:
    if source.is_dir():
        from personas import load

        return load(source)
    from personas.config import load_config
    from personas.pipeline import run as run_config

    with progress_bar(quiet) as progress:
        return run_config(load_config(source, overrides(seed=seed)), progress=progress)


def _write(files: Mapping[str, str | bytes], folder: Path) -> None:
    from personas.wholefiles import write_whole

    write_whole({folder / name: content for name, content in files.items()})


def main() -> None:
    """Parse and run; an interruption becomes a sentence and its exit code."""
    listen()
    try:
        app(prog_name="personas")
    except KeyboardInterrupt:  # outside of a verb
        print("personas: stopped; the former study is as it was", file=sys.stderr)
        _leave_now(Interrupted.exit_code)
    except SystemExit as end:
        if end.code in (1, 130, Interrupted.exit_code):  # 1 and 130: the parser itself was interrupted
            _leave_now(Interrupted.exit_code)
        raise


def _leave_now(code: int) -> None:
    """Leave with this code; the interpreter would leave with the signal when it struck inside of ``exec``."""
    import os

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
