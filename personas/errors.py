"""What can go wrong, said so that the reader can mend it.

Every error names what is wrong, where, what was found and what to do. The command line prints the message and leaves
with ``exit_code``; only a bug of ours (``PersonasError`` itself, 6) is asked to be reported.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path(__file__).parent

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
"""Errors of the system that say: the disk takes no more."""


class PersonasError(Exception):
    """A problem of ours. ``headline`` is one sentence; ``problems`` are the single findings, all at once.

    ``setting`` is the setting of a source that may help, with the value to try.

    >>> print(ConfigError("configs/shop.yaml has 1 problem", ["line 3, study.sed: no such key. Did you mean 'seed'?"]))
    configs/shop.yaml has 1 problem:
      line 3, study.sed: no such key. Did you mean 'seed'?
    """

    exit_code = 6

    def __init__(self, headline: str, problems: Sequence[str] = (), setting: tuple[str, str] | None = None) -> None:
        self.headline = headline
        self.problems = tuple(problems)
        self.setting = setting
        super().__init__(self.__str__())

    def __str__(self) -> str:
        if not self.problems:
            return self.headline
        return "\n".join([f"{self.headline.rstrip(':.')}:", *(f"  {line}" for line in self.problems)])


class ConfigError(PersonasError):
    """Usage or configuration is wrong (exit code 2)."""

    exit_code = 2


class InputError(PersonasError):
    """The data cannot be used as they are, or a question must be answered first (exit code 3)."""

    exit_code = 3


class LimitError(PersonasError):
    """A limit of memory, disk, rows or columns was met (exit code 4)."""

    exit_code = 4


class Interrupted(PersonasError):
    """The run was stopped from outside and can be taken up again (exit code 5)."""

    exit_code = 5


def not_opened(error: OSError) -> InputError:
    """The refusal of a file that the system does not open; ``error`` names it.

    >>> print(not_opened(PermissionError(13, "Permission denied", "orders.csv")))
    orders.csv cannot be opened: Permission denied. Name another file, or change who may read and write it
    """
    why = f"{error.filename} cannot be opened: {error.strerror}"
    return InputError(f"{why}. Name another file, or change who may read and write it")


def place_of(error: BaseException) -> str:
    """File and line of the last frame in this package: where a bug of ours happened, without any data in it."""
    from traceback import extract_tb

    ours = [f for f in extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(PACKAGE)]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "outside of the package"


def count_of(n: int, singular: str, plural: str | None = None) -> str:
    """``1 problem``, ``2 problems``: a count with its noun, thousands separated.

    >>> count_of(1, "problem"), count_of(2400, "order")
    ('1 problem', '2,400 orders')
    """
    noun = singular if n == 1 else (plural or f"{singular}s")
    return f"{n:,} {noun}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint for a mistyped name, or an empty string when nothing is near.

    >>> did_you_mean("recency_day", ["recency_days", "orders"])
    "Did you mean 'recency_days'?"
    """
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""
