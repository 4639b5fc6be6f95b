"""What is done to a source once it is in the engine: one currency, one spelling of customer numbers."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from personas.config import SourceConfig, StudyConfig
from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted
from personas.errors import ConfigError, InputError, count_of
from personas.estimate import Notice
from personas.sources.aliases import with_numbers
from personas.sources.canonical import CANONICAL, CUSTOMER_IDS
from personas.sources.currency import one_currency
from personas.sources.raw import Raw

if TYPE_CHECKING:
    import pyarrow as pa

MOST_RECORDS = 50_000_000
MONEY = frozenset(column.name for columns in CANONICAL.values() for column in columns if column.kind == "money")
HASH_CHARACTERS = 20
POSITIVE = ("discount_amount", "refunded_amount")
"""Amounts that are positive by definition; a column that is negative throughout is turned."""


def settled(
    engine: Engine, table: Table, raw: Raw, source: SourceConfig, study: StudyConfig, folder: Path,
    aliases: Mapping[str, str],
) -> tuple[Table, Raw, list[Notice]]:  # fmt: skip
    """The table in the study's currency, with customer numbers as the configuration wants them, and remarks.

    Raises
    ------
    InputError, ConfigError
        For currencies that need an answer, and for a secret that is not there.
    """
    table, raw, notices = _one_currency(engine, table, raw, source, study, folder)
    if source.fold_case and table.has("customer_id"):
        table, more = _folded(engine, table, raw)
        notices += more
    table, joined = with_numbers(engine, table, aliases, raw.label)
    notices += joined
    if study.hash_ids_with and table.has("customer_id"):
        table = _hashed(engine, table, study.hash_ids_with)
    return table, raw, notices


def currencies_sql(table: Table) -> str:
    """The currencies of a table."""
    return f"""
        SELECT UPPER(currency) AS currency
        FROM {quoted(table.name)}
        WHERE currency IS NOT NULL
        GROUP BY UPPER(currency)
    """


def _one_currency(
    engine: Engine, table: Table, raw: Raw, source: SourceConfig, study: StudyConfig, folder: Path
) -> tuple[Table, Raw, list[Notice]]:
    if not table.has("currency"):
        if source.currency is not None:
            where = f"sources.{raw.name}"
            raise ConfigError(f"{where}.currency: no column says the currency. Write {where}.columns.currency: NAME")
        return table, raw, []
    found = {row["currency"] for row in engine.fetch(currencies_sql(table), 1000).to_pylist()}
    silent = _without_currency(engine, table, raw, study) if found else []
    if found <= {study.currency} or (not found and source.currency is None):
        return table, raw, silent
    data = engine.fetch(f"SELECT * FROM {quoted(table.name)}", MOST_RECORDS)
    columns: dict[str, pa.Array] = {name: data.column(name).combine_chunks() for name in data.column_names}
    money = tuple(name for name in data.column_names if name in MONEY)
    columns, keep, notices = one_currency(
        columns, _total_first(money), raw.name, raw.label, study.currency, source.currency, folder
    )
    import pyarrow as pa

    data = pa.table(columns)
    if keep is not None:
        data = data.filter(pa.array(keep, pa.bool_()))
        gone = keep.count(False)
        raw = replace(raw, dropped=(*raw.dropped, ("other-currency", gone))) if gone else raw
    return engine.read(table.name, data), raw, [*silent, *notices]


def _without_currency(engine: Engine, table: Table, raw: Raw, study: StudyConfig) -> list[Notice]:
    """Amounts beside which no currency stands, in a source that names it elsewhere."""
    money = " OR ".join(f"{quoted(name)} <> 0" for name in table.columns if name in MONEY)
    if not money:
        return []
    sql = f"SELECT COUNT(*) AS n FROM {quoted(table.name)} WHERE currency IS NULL AND ({money})"
    count = int(engine.fetch(sql, 1).to_pylist()[0]["n"])
    text = f"{raw.label}: {count_of(count, 'record')} without a currency counted in {study.currency}"
    return [Notice("without-currency", text, count)] if count else []


def _total_first(money: tuple[str, ...]) -> tuple[str, ...]:
    """The column of the total before others: it is the one that is told."""
    return tuple(sorted(money, key=lambda name: (name not in ("total_amount", "line_amount"), name)))


def _folded(engine: Engine, table: Table, raw: Raw) -> tuple[Table, list[Notice]]:
    """Customer numbers in small letters: the same e-mail address is the same customer."""
    columns = ", ".join(
        f"LOWER({name}) AS {name}" if name in CUSTOMER_IDS else quoted(name) for name in table.columns
    )
    counts = engine.fetch(
        f"SELECT COUNT(DISTINCT customer_id) - COUNT(DISTINCT LOWER(customer_id)) AS n FROM {quoted(table.name)}", 1
    ).to_pylist()[0]["n"]
    folded = engine.make(table.name, f"SELECT {columns} FROM {quoted(table.name)}")
    if not counts:
        return folded, []
    text = f"{raw.label}: {count_of(counts, 'customer number')} differing by letter case only joined with another"
    return folded, [Notice("folded-customers", text, counts)]


def _hashed(engine: Engine, table: Table, variable: str) -> Table:
    """Customer numbers as HMAC-SHA256 under the secret in an environment variable."""
    secret = os.environ.get(variable, "").encode()
    if len(secret) < 16:
        raise ConfigError(
            f"study.hash_ids_with: the environment variable {variable} holds no secret of at "
            "least 16 characters. Set it "
            "before the run, and keep it: the same secret gives the same numbers"
        )
    import pyarrow as pa

    def hashed(batch: pa.RecordBatch) -> pa.RecordBatch:
        for name in CUSTOMER_IDS:
            if (place := batch.schema.get_field_index(name)) < 0:
                continue
            texts = [
                None
                if value is None
                else hmac.new(secret, str(value).encode(), hashlib.sha256).hexdigest()[:HASH_CHARACTERS]
                for value in batch.column(place).to_pylist()
            ]
            field = batch.schema.field(place)
            batch = batch.set_column(place, field, pa.array(texts, field.type))
        return batch

    schema = engine.fetch(f"SELECT * FROM {quoted(table.name)} LIMIT 0", 1).schema
    return engine.map(table.name, table, hashed, schema)


def turn_positive(engine: Engine, table: Table) -> tuple[Table, list[Notice]]:
    """The table with discounts and refunded amounts as positive numbers, where all of them are negative.

    Raises InputError when a column has both signs.
    """
    present = [name for name in POSITIVE if table.has(name)]
    if not present:
        return table, []
    bounds = ", ".join(f"MIN({name}) AS low_{name}, MAX({name}) AS high_{name}" for name in present)
    found = engine.fetch(f"SELECT {bounds} FROM {quoted(table.name)}", 1).to_pylist()[0]
    if mixed := [name for name in present if (found[f"low_{name}"] or 0) < 0 < found[f"high_{name}"]]:
        where = f"sources.{table.name}.columns.{mixed[0]}"
        raise InputError(
            f"{mixed[0]} has negative and positive amounts, though all take away. Write them with one sign, or leave "
            f"the column out: {where}: ''"
        )
    turn = [name for name in present if (found[f"low_{name}"] or 0) < 0 and found[f"high_{name}"] <= 0]
    if not turn:
        return table, []
    columns = [f"-{quoted(name)} AS {quoted(name)}" if name in turn else quoted(name) for name in table.columns]
    turned = engine.make(table.name, f"SELECT {', '.join(columns)} FROM {quoted(table.name)}")
    return turned, [
        Notice("negative-discount", f"{table.name}: {name} is written as negative amounts; it is read as positive ones")
        for name in turn
    ]
