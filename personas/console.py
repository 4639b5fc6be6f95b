"""What every verb of the command line shares: how it prints, shows progress and ends when something is wrong."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personas.errors import FULL, Interrupted, LimitError, PersonasError, not_opened, place_of

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

Seed = Annotated[int | None, typer.Option("--seed", help="Seed of every random draw; same seed, same bytes.")]
AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON document on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


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


_stops: list[int] = []
"""Signals that asked this process to end."""
_swallowed: list[int] = []
"""Holds one entry while an interruption that a library swallowed waits to be raised again."""


def stop(number: int, frame: FrameType | None) -> None:
    """Handle a signal: the first one interrupts and leaves things in order, the second one ends the process at once."""
    if _stops and not _swallowed:
        os.write(2, b"\npersonas: stopped at once; the next run clears away what is left\n")
        os._exit(Interrupted.exit_code)
    _stops.append(number)
    _swallowed.clear()
    raise KeyboardInterrupt


def listen() -> None:
    """From here on a request to end (SIGTERM) is an interruption, as Ctrl-C is.

    A signal may strike while a compiled library calls back into Python. No exception can cross that library, so the
    interpreter would print this one and go on as if nobody had asked: it is raised again a moment later instead.
    """
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    sys.unraisablehook = _raise_again


def _raise_again(lost: UnraisableHookArgs) -> None:
    if not (_stops and issubclass(lost.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(lost)
        return
    import _thread
    from threading import Timer

    _swallowed[:] = [1]
    Timer(0.01, _thread.interrupt_main).start()


@contextmanager
def reported(debug: bool) -> Iterator[None]:
    """Every error as a message and an exit code of the contract; a traceback only with --debug."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still held back would be told at the last flush
        raise typer.Exit(0) from None
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        problem = as_problem(error)
        notes = getattr(error, "__notes__", ())
        print("\n".join([f"personas: {problem or _bug_message(error)}", *notes]), file=sys.stderr)
        raise typer.Exit(problem.exit_code if problem else PersonasError.exit_code) from None


def as_problem(error: BaseException) -> PersonasError | None:
    """The error in our words, or None for a bug of ours.

    A library that is interrupted while it loads or computes may answer with an error of its own, so after a signal
    every error is an interruption.
    """
    if isinstance(error, PersonasError) and not _stops:
        return error
    if _stops or isinstance(error, KeyboardInterrupt):
        return Interrupted("stopped; the former study is as it was")
    if isinstance(error, MemoryError):
        return LimitError("the memory is used up; nothing was written. Study a sample, or use a larger machine.")
    if isinstance(error, OSError) and error.errno in FULL:
        return LimitError(f"the disk does not take more ({error.strerror}); nothing was written. Make room on it.")
    if isinstance(error, OSError) and error.filename is not None:
        return not_opened(error)
    return None


def _bug_message(error: BaseException) -> str:
    return (
        f"a bug of ours: {type(error).__name__} at {place_of(error)}. "
        "Nothing was written. Please report it with the output of the same command and --debug."
    )
