"""The command line as tests call it: in this process, with what it printed and its exit code."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from personas.cli import app


def personas(*arguments: object) -> Result:
    """Run ``personas`` with these arguments."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(result: Result) -> Any:
    """The one JSON document on stdout; whatever else stands there is a mistake."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
