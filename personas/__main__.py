"""The command ``personas``: from its first moment on, Ctrl-C is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
from types import FrameType

SAID = b"personas: stopped before anything was read; nothing was written\n"
INTERRUPTED = 5
"""The exit code of the contract; ``errors`` is not imported yet."""


def main() -> None:
    """Run the command line; while its libraries are imported there is nothing to put in order, so a stop is at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    from personas.cli import main as run

    run()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, SAID)
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
