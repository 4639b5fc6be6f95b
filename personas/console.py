"""What every verb of the command line shares: how it prints, shows progress and ends when something is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from personas.errors import Interrupted, PersonasError


def print_json(value: Any) -> None:
    """Print a result as one JSON document."""
    from personas.codec import to_plain

    print(json.dumps(to_plain(value), ensure_ascii=False, indent=2))


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, a line per stage otherwise, nothing with --quiet; always on stderr."""
    if quiet:
        yield lambda what, share: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("starting", total=1.0)
            yield lambda what, share: bar.update(task, description=what, completed=share)
    else:
        said: set[str] = set()

        def say(what: str, share: float) -> None:
            stage = what.split(":")[0]
            if stage not in said:
                said.add(stage)
                print(f"{stage} ...", file=sys.stderr, flush=True)

        yield say


@contextmanager
def reported(debug: bool) -> Iterator[None]:
    """Every error as a message and an exit code of the contract; a traceback only with --debug."""
    try:
        yield
    except (PersonasError, KeyboardInterrupt) as error:
        if debug:
            raise
        problem = error if isinstance(error, PersonasError) else Interrupted("stopped; the former study is as it was")
        print(f"personas: {problem}", file=sys.stderr)
        raise typer.Exit(problem.exit_code) from None
    except BrokenPipeError:
        raise typer.Exit(0) from None
    except Exception as error:
        if debug:
            raise
        print(_bug_message(error), file=sys.stderr)
        raise typer.Exit(PersonasError.exit_code) from None


def _bug_message(error: Exception) -> str:
    """Where a bug of ours happened, without any data in it."""
    import traceback

    frames = [f for f in traceback.extract_tb(error.__traceback__) if "personas" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside of the package"
    return (
        f"personas: a bug of ours: {type(error).__name__} at {place}. "
        "Nothing was written. Please report it with the output of the same command and --debug."
    )
