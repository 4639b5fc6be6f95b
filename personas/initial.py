"""A first configuration from files: what each file and column seems to be, with comments for a person to check."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from personas.config import TABLES, check_overrides, load_config
from personas.errors import ConfigError, InputError
from personas.sources.guess import FileGuess, guess_file, joined
from personas.sources.privacy import plain_name
from personas.wholefiles import write_whole

NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": written when the files do not name theirs."""
GATEWAYS = frozenset({"stripe_payments", "paypal_activity", "braintree_transactions", "razorpay_payments"})
"""Presets of exports that see the payment, not the order."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The files as tables, and the text of the configuration."""

    name: str
    files: tuple[FileGuess, ...]
    assumptions: tuple[str, ...]
    questions: tuple[str, ...]
    text: str


def propose(files: Sequence[Path], out: Path, name: str | None = None, currency: str | None = None) -> Proposal:
    """What the files are, and a configuration of them whose paths count from the folder of ``out``.

    Raises
    ------
    ConfigError
        When ``out`` is there already, or the name or the currency is none; before any file is read.
    InputError
        With every file that cannot be read or used.
    """
    _refuse_taken(out)
    options = {"name": name, "currency": currency}
    check_overrides(out, {"study": {key: value for key, value in options.items() if value is not None}})
    guesses: list[FileGuess] = []
    problems: list[str] = []
    for file in files:
        try:
            guesses += guess_file(file)
        except InputError as error:
            problems += list(error.problems) or [error.headline]
    if problems:
        raise InputError("not every file can be used", problems)
    chosen, assumptions = _one_per_table(_payments_apart(guesses))
    chosen = list(joined(chosen))
    if not {"orders", "order_lines", "customers"} & {guess.table for guess in chosen}:
        raise InputError("no file has orders or customers. Name one that does")
    day = ""
    if not {"orders", "order_lines"} & {guess.table for guess in chosen}:
        bare = [_without_days(guess) for guess in chosen]
        if bare != chosen:
            assumptions.append("days of customers are not read: there are no orders to count back from")
        chosen = bare
        day = _last_written(guess.file for guess in chosen)
        assumptions.append(f"the data stand for {day}, the day on which the file was written: study.snapshot_date")
    questions = [f"{guess.file.name}, {question}" for guess in chosen for question in guess.questions]
    codes = sorted({guess.currency for guess in chosen if guess.currency})
    if currency is None and len(codes) == 1:
        currency = codes[0]
        assumptions.append(f"currency {currency}: the files name it")
    if currency is None:
        currency = NO_CURRENCY
        assumptions.append(f"currency {NO_CURRENCY} (none): the files do not name theirs. Write study.currency")
    assumptions += [_assumed(guess) for guess in chosen]
    name = name or _titled(out.stem)
    text = config_text(name, chosen, out.resolve().parent, currency, questions, day)
    _prove(text, out)
    return Proposal(name, tuple(chosen), tuple(assumptions), tuple(questions), text)


def _titled(stem: str) -> str:
    return re.sub(r"[_-]+", " ", stem).strip().capitalize()[:120] or "Study"


def _refuse_taken(out: Path) -> None:
    if out.exists():
        raise ConfigError(f"{out} is there already. Name another file: --out configs/NAME.yaml")


def _payments_apart(guesses: Sequence[FileGuess]) -> list[FileGuess]:
    """Beside the orders of a shop, the export of a gateway is the same sales once more: its payments."""
    shops = [guess for guess in guesses if guess.table == "orders" and guess.preset not in GATEWAYS]
    return [
        replace(guess, table="payments") if shops and guess.table == "orders" and guess.preset in GATEWAYS else guess
        for guess in guesses
    ]


def _one_per_table(guesses: Sequence[FileGuess]) -> tuple[list[FileGuess], list[str]]:
    """The best guess per table; files of the same columns are one source."""
    chosen: dict[str, list[FileGuess]] = {}
    assumptions = []
    for guess in sorted(guesses, key=lambda guess: (-guess.confidence, guess.file.name)):
        best = chosen.setdefault(guess.table, [])
        if not best or set(best[0].raw.columns) == set(guess.raw.columns):
            best.append(guess)
        else:
            assumptions.append(
                f"{guess.file.name} looks like {guess.table} too, but {best[0].file.name} fits better: not used"
            )
    return [_merged(chosen[table]) for table in TABLES if table in chosen], assumptions


def _merged(guesses: list[FileGuess]) -> FileGuess:
    return replace(guesses[0], also=tuple(guess.file for guess in guesses[1:]))


def _without_days(guess: FileGuess) -> FileGuess:
    """The customers without the columns that need a day to count back from, where there are no orders."""
    if guess.table != "customers":
        return guess
    days = {column.name for column in guess.columns} & {"created_on", "birth_year"}
    columns = tuple(
        replace(column, column="", reason="left out: no orders to count back from") if column.name in days else column
        for column in guess.columns
    )
    return replace(guess, columns=columns)


def _assumed(guess: FileGuess) -> str:
    what = f"{guess.file.name} is {guess.table.replace('_', ' ')}"
    return f"{what} ({guess.preset})" if guess.preset != "generic" else what


def _last_written(files: Iterable[Path]) -> str:
    """The latest day on which one of the files was written (UTC): what an export without any order stands for."""
    latest = max(file.stat().st_mtime for file in files)
    return datetime.fromtimestamp(latest, UTC).date().isoformat()


def config_text(
    name: str, guesses: Sequence[FileGuess], folder: Path, currency: str, questions: Sequence[str], day: str = ""
) -> str:
    """The YAML text. ``day``: the snapshot date, if assumed."""
    lines = [
        "# Written by `personas init`. Every line is a proposal: check it, correct it, then: personas run this file"
    ]
    lines += [f"# OPEN QUESTION  {_one_line(question)}" for question in questions]
    lines += ["study:", f"  name: {_quoted(name)}"]
    note = "  # the files do not name their currency: write it, such as EUR" if currency == NO_CURRENCY else ""
    lines += [f"  currency: {currency}{note}"]
    lines += [
        "  # Counted back from this day. Without it: the day after the last order.",
        f"  snapshot_date: {day}  # assumed: the day of the file" if day else "  # snapshot_date: 2026-11-01",
    ]
    lines += ["", "sources:"]
    for guess in guesses:
        lines += _source_lines(guess, folder)
    lines += [
        "", "# What serving a customer costs; what is not given stays unknown.", "# economics:",
        "#   margin_rate: 0.35  # or by category of the order lines: {books: 0.25, others: 0.40}",
        "#   service_minute_cost: 0.80", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _source_lines(guess: FileGuess, folder: Path) -> list[str]:
    paths = [Path(os.path.relpath(file.resolve(), folder)).as_posix() for file in (guess.file, *guess.also)]
    named = _quoted(paths[0]) if len(paths) == 1 else f"[{', '.join(map(_quoted, paths))}]"
    lines = [f"  {guess.table}:", f"    file: {named}"]
    if guess.preset != "generic":
        lines += [
            f"    # Recognised by its header: {_one_line(guess.columns[0].reason if guess.columns else guess.preset)}."
        ]
        lines += [f"    preset: {guess.preset}"]
    lines += [f"    {key}: {value}  # assumed, the file does not say" for key, value in guess.settings.items()]
    if guess.columns:
        lines += ["    columns:"]
        for column in guess.columns:
            sure = "" if guess.preset != "generic" else f"  # {column.confidence:.0%} sure: {_one_line(column.reason)}"
            origin = _quoted(column.column)
            if column.times:
                origin = f"{{product_of: [{_quoted(column.times)}, {origin}]}}"
            lines += [f"      {column.name}: {origin}{sure}"]
    if guess.given:
        lines += [
            "    # Columns that are used as they stand: numbers form segments, words describe them.",
            "    given:",
        ]
        lines += _given_lines(guess)
    if guess.not_used:
        personal = [
            f"{name} ({why.removeprefix('personal: ')})" for name, why in guess.not_used.items() if why != "not needed"
        ]
        if personal:
            lines += [f"    # Never read, because personal: {_one_line(', '.join(personal))}"]
    return lines


def _given_lines(guess: FileGuess) -> list[str]:
    lines, seen = [], set[str]()
    for column in guess.given:
        label = plain_name(column.column)
        key = re.sub(r"[^a-z0-9]+", "_", label).strip("_") or "column"
        key = key if not key[0].isdigit() else f"c_{key}"
        while key in seen or key in _reserved():
            key += "_given"
        seen.add(key)
        role = "basis" if column.kind == "number" else "profile"
        spec = f"column: {_quoted(column.column)}, kind: {column.kind}, role: {role}"
        lines += [f"      {key}: {{{spec}}}  # {_one_line(column.reason)}"]
    return lines


def _reserved() -> set[str]:
    from personas.features.known import known_features
    from personas.sources.canonical import CANONICAL

    return {column.name for column in CANONICAL["customers"]} | {feature.name for feature in known_features()}


def _quoted(text: str) -> str:
    """Text as YAML: plain where that is safe, else in double quotes."""
    if re.fullmatch(r"[A-Za-z./][A-Za-z0-9_. /()-]*[A-Za-z0-9_)]|[A-Za-z]", text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


_WORDS = {"yes", "no", "true", "false", "null", "on", "off", "y", "n"}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _prove(text: str, out: Path) -> None:
    """Raise PersonasError unless the text is a configuration that `run` accepts."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proposal.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            load_config(path)
        except ConfigError as error:
            raise ConfigError(error.headline.replace(str(path), str(out)), error.problems) from error


def write_proposal(proposal: Proposal, out: Path) -> Path:
    """Write the configuration; a file that is there already is not overwritten (ConfigError)."""
    _refuse_taken(out)
    write_whole({out: proposal.text})
    return out


def as_plain(proposal: Proposal, out: Path) -> dict[str, Any]:
    """The proposal as plain values, for --json."""
    return {
        "config": str(out),
        "assumptions": list(proposal.assumptions),
        "questions": list(proposal.questions),
        "files": [
            {
                "file": guess.file.name, "table": guess.table, "preset": guess.preset, "records": guess.raw.records,
                "columns": [
                    {"name": c.name, "column": c.column, "confidence": c.confidence, "reason": c.reason}
                    for c in guess.columns
                ],
                "given": [{"column": c.column, "kind": c.kind, "reason": c.reason} for c in guess.given],
                "not_used": dict(guess.not_used),
            }
            for guess in proposal.files
        ],
    }  # fmt: skip


def report(proposal: Proposal) -> str:
    """The proposal as a person reads it."""
    lines = []
    for guess in proposal.files:
        kind = f", {guess.preset}" if guess.preset != "generic" else ""
        lines.append(f"{guess.file.name}: {guess.table}{kind}, {guess.raw.records:,} records")
        for column in guess.columns:
            lines.append(f"  {column.name:<20} <- {column.column!r:<32} {column.confidence:.0%}  {column.reason}")
        for column in guess.given:
            lines.append(f"  {'as it stands':<20} <- {column.column!r:<32} {column.kind}, {column.reason}")
        for name, why in guess.not_used.items():
            if why != "not needed":
                lines.append(f"  {'not read':<20}    {name!r:<32} {why}")
    lines += ["", "assumed", *(f"  {text}" for text in proposal.assumptions)]
    if proposal.questions:
        lines += ["", "please answer in the configuration", *(f"  {text}" for text in proposal.questions)]
    return "\n".join(lines)
