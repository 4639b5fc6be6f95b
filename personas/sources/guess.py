"""Which file is which table, and which column which: proposed with a confidence and a reason, for a person to check.

Used by `personas init` only. Reading never goes by these guesses: they are written into a configuration first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from personas.config import SourceConfig
from personas.errors import InputError
from personas.sources.canonical import CANONICAL
from personas.sources.convert import FLAGS
from personas.sources.days import read_days
from personas.sources.guess_columns import ColumnGuess, by_name, by_price, by_shape
from personas.sources.numbers import is_missing, read_numbers
from personas.sources.preset import Preset, recognised, same_name
from personas.sources.privacy import identifying, special
from personas.sources.raw import Raw
from personas.sources.readers import read_source

TABLES = ("orders", "order_lines", "customers", "tickets", "reach", "products")
"""In the order in which a file is asked whether it is one."""
REPEATED = 0.01
"""From this share of records with an order number that another record has, a file of lines is one, and no orders."""
SAMPLE = 5_000
MOST_WORDS = 20
"""A column of more different words is no category."""


@dataclass(frozen=True, slots=True)
class FileGuess:
    """What a file is: its table, its columns, settings that it needs, and open questions.

    ``not_used`` maps columns to the reason why they are not read.
    """

    file: Path
    table: str
    preset: str
    raw: Raw
    columns: tuple[ColumnGuess, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    given: tuple[ColumnGuess, ...] = ()
    questions: tuple[str, ...] = ()
    not_used: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    confidence: float = 0.0
    also: tuple[Path, ...] = ()
    """Further files of the same columns."""


def guess_file(path: Path) -> tuple[FileGuess, ...]:
    """What a file is: one guess, or two where one export holds orders and their lines.

    Raises
    ------
    InputError
        When it cannot be read, cannot be used, or is none of the tables that are known.
    """
    raw, settings = _read(path)
    preset = recognised(raw.columns)
    if preset is not None and preset.refuse:
        raise InputError(f"{path.name} is {preset.about}: {preset.refuse}")
    samples = {column: _sample(raw, column) for column in raw.columns}
    if preset is not None:
        return tuple(_of_preset(path, raw, preset, table, settings, samples) for table in _tables_of(preset, raw))
    guesses = [_of_names(path, raw, table, settings, samples) for table in TABLES]
    found = [guess for guess in guesses if guess is not None]
    if not found:
        raise InputError(
            f"{path.name} is no table that is known: no columns for a customer with a day and an amount. It has: "
            f"{', '.join(raw.columns[:30])}. Write the configuration by hand: sources.orders.columns"
        )
    if any(guess.table == "order_lines" and _repeats(guess, samples) for guess in found):
        found = [guess for guess in found if guess.table != "orders"]
    return (max(found, key=lambda guess: (guess.confidence, -TABLES.index(guess.table))),)


def _repeats(lines: FileGuess, samples: Mapping[str, Sequence[str]]) -> bool:
    """Whether order numbers stand in several records: then an amount is one of a line, not of an order."""
    numbers = [text for text in samples[next(c.column for c in lines.columns if c.name == "order_id")] if text.strip()]
    return len(numbers) - len(set(numbers)) > REPEATED * len(numbers)


def _read(path: Path) -> tuple[Raw, dict[str, str]]:
    """The file, and the setting that reading it needs, where the first try says which one may help."""
    source = SourceConfig(file=path.name)
    try:
        return read_source("orders", source, path.parent), {}
    except InputError as error:
        if error.setting is None:
            raise
        settings = dict([error.setting])
        raw = read_source("orders", source.model_copy(update=settings), path.parent)
        if len(raw.columns) < 2:
            raise
        return raw, settings


def _sample(raw: Raw, column: str) -> list[str]:
    """The first texts of a column; typed values as text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(raw.data, tuple):
        import pyarrow.parquet as pq

        values = next(pq.ParquetFile(raw.data[0]).iter_batches(SAMPLE, columns=[column])).column(0)
    else:
        values = raw.data.column(column).slice(0, SAMPLE)
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        values = pc.cast(values, pa.string())  # Python knows no day after the year 9999
    return ["" if value is None else str(value) for value in values.to_pylist()]


def _tables_of(preset: Preset, raw: Raw) -> list[str]:
    """The tables of a preset that a file holds: those whose required columns are all there."""
    found = []
    for table, part in preset.tables.items():
        needed = [column.name for column in CANONICAL[table] if column.required]
        names = {name: (*part.columns.get(name, ()), *part.first_of.get(name, ())) for name in needed}
        names |= {name: product.product_of for name, product in part.computed.items() if name in needed}
        if all(any(same_name(name, c) for name in options for c in raw.columns) for options in names.values()):
            found.append(table)
    if not found:
        missing = ", ".join(column.name for table in preset.tables for column in CANONICAL[table] if column.required)
        raise InputError(f"{raw.label} looks like {preset.about}, but lacks columns for {missing}. Export it with them")
    if "orders" in found and "customers" in found:
        found.remove("customers")
    if "order_lines" in found and "orders" not in found and "customers" in found:
        found.remove("customers")
    return found


def _of_preset(
    path: Path, raw: Raw, preset: Preset, table: str, settings: dict[str, str], samples: Mapping[str, Sequence[str]]
) -> FileGuess:
    part, guesses = preset.table(table), []
    for name, options in part.columns.items():
        column = next((c for option in options for c in raw.columns if same_name(option, c)), None)
        if column is not None and name not in part.first_of:
            guesses.append(ColumnGuess(name, column, 1.0, preset.about))
    currency = next((guess.column for guess in guesses if guess.name == "currency"), None)
    codes = {text.strip().upper() for text in samples[currency] if text.strip()} if currency else set[str]()
    questions = (_several(codes, table),) if len(codes) > 1 else ()
    return FileGuess(
        path, table, preset.name, raw, tuple(guesses), settings, (), questions, _not_used(raw, guesses, samples),
        codes.pop() if len(codes) == 1 else "", 1.0,
    )  # fmt: skip


def _several(codes: set[str], table: str) -> str:
    shown = ", ".join(sorted(codes))
    return f"amounts in {shown}: write sources.{table}.currency: {{only: {min(codes)}}} or rates"


def _of_names(
    path: Path, raw: Raw, table: str, settings: dict[str, str], samples: Mapping[str, Sequence[str]]
) -> FileGuess | None:
    """The file as one table, by the names of its columns and what is in them; None when it cannot be that table."""
    taken: dict[str, ColumnGuess] = {}
    more, questions = dict(settings), []
    for column in CANONICAL[table]:
        guess = by_name(table, column, raw, samples, {g.column for g in taken.values()})
        if guess is not None:
            taken[column.name] = guess
    if table == "order_lines" and "line_amount" not in taken and (guess := by_price(raw, samples, taken)):
        taken["line_amount"] = guess
    for column in CANONICAL[table]:
        if column.required and column.name not in taken:
            guess = by_shape(column, raw, samples, {g.column for g in taken.values()})
            if guess is None:
                return None
            taken[column.name] = guess
    if table in ("order_lines", "products") and "sku" not in taken:
        return None
    if table == "order_lines" and not {"order_id", "line_amount"} <= set(taken):
        return None
    if table == "reach" and not {"platform", "followers", "mentions"} & set(taken):
        return None
    if table == "customers" and not (len(taken) > 1 or len(raw.columns) > 1):
        return None
    for guess in list(taken.values()):
        answer, question = _setting(guess, table, samples[guess.column])
        more |= answer
        questions += [question] if question else []
    given = _given(raw, samples, {guess.column for guess in taken.values()}) if table == "customers" else ()
    used = [*taken.values(), *given]
    codes = (
        {t.strip().upper() for t in samples[taken["currency"].column] if t.strip()} if "currency" in taken else set()
    )
    if len(codes) > 1:
        questions.append(_several(codes, table))
    required = [taken[column.name].confidence for column in CANONICAL[table] if column.required]
    confidence = min(required) * (1 + len(taken) / 100) - (0.3 if table == "customers" else 0)
    return FileGuess(
        path, table, "generic", raw, tuple(taken.values()), more, given, tuple(questions),
        _not_used(raw, used, samples), codes.pop() if len(codes) == 1 else "", confidence,
    )  # fmt: skip


def _setting(guess: ColumnGuess, table: str, texts: Sequence[str]) -> tuple[dict[str, str], str]:
    """The order of days or the decimal mark that a column proves, or the question that it leaves open."""
    kind = next(column.kind for column in CANONICAL[table] if column.name == guess.name)
    distinct = sorted(set(texts))
    if kind == "day":
        reading = read_days(distinct, "auto")
        if reading.question:
            return {}, f"column {guess.column!r}: {reading.question.replace('{source}', table)}"
    if kind == "money":
        reading = read_numbers(distinct, "money", "auto", None)
        if reading.question:
            return {}, f"column {guess.column!r}: {reading.question.replace('{source}', table)}"
    return {}, ""


def _given(raw: Raw, samples: Mapping[str, Sequence[str]], taken: set[str]) -> tuple[ColumnGuess, ...]:
    """Columns of a customers file that can be used as they stand: numbers form segments, words describe them."""
    found = []
    for name in raw.columns:
        if name in taken or identifying(name, samples[name][:200]) or special(name):
            continue
        filled = [text.strip() for text in samples[name] if not is_missing(text)]
        distinct = set(filled)
        if len(distinct) < 2 or len(filled) * 2 < len(samples[name]):
            continue
        numbers = read_numbers(sorted(distinct), "measure", "auto", None)
        if any({text.casefold() for text in distinct} <= {yes, no} for yes, no in FLAGS):
            found.append(ColumnGuess("", name, 0.8, "two words for yes and no", "flag"))
        elif not numbers.question and not numbers.failed and len(distinct) > 2:
            if len(distinct) < len(filled) or any("." in text for text in distinct):
                found.append(ColumnGuess("", name, 0.7, f"numbers, {len(distinct):,} different", "number"))
        elif len(distinct) <= MOST_WORDS:
            found.append(ColumnGuess("", name, 0.7, f"{len(distinct)} different words", "category"))
    return tuple(found)


def _not_used(raw: Raw, used: Sequence[ColumnGuess], samples: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Columns that are not read, with what they tell of a person where they do."""
    names = {guess.column for guess in used}
    reasons = {}
    for name in raw.columns:
        if name not in names:
            person = identifying(name, samples[name][:200]) or special(name)
            reasons[name] = f"personal: {person}" if person else "not needed"
    return reasons


def joined(guesses: Sequence[FileGuess]) -> tuple[FileGuess, ...]:
    """The guesses with the customer number of the customers file that its orders use, where another one fits better."""
    orders = next((g for g in guesses if g.table in ("orders", "order_lines") and g.preset == "generic"), None)
    found = []
    for guess in guesses:
        if guess.table == "customers" and guess.preset == "generic" and orders is not None:
            guess = _with_shared_key(guess, orders)
        found.append(guess)
    return tuple(found)


def _with_shared_key(customers: FileGuess, orders: FileGuess) -> FileGuess:
    column = next((guess.column for guess in orders.columns if guess.name == "customer_id"), None)
    if column is None:
        return customers
    wanted = {text.strip() for text in _sample(orders.raw, column) if text.strip()}
    overlap = {
        name: len(wanted & {text.strip() for text in _sample(customers.raw, name)}) for name in customers.raw.columns
    }
    best = max(overlap, key=lambda name: overlap[name])
    current = next((guess.column for guess in customers.columns if guess.name == "customer_id"), "")
    if not wanted or overlap[best] <= overlap.get(current, 0):
        return customers
    reason = f"{overlap[best]:,} of its values are customers in {orders.file.name}"
    rest = tuple(guess for guess in customers.columns if guess.name != "customer_id" and guess.column != best)
    return replace(customers, columns=(ColumnGuess("customer_id", best, 0.9, reason), *rest))
