"""Audiences of a study: counted and exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personas.config import Config
from personas.engines import Engine, Table, open_engine
from personas.engines.portable import quoted
from personas.errors import ConfigError, did_you_mean
from personas.features.feature import Customers
from personas.sources.canonical import Tables
from personas.sources.population import audience_sql
from personas.wholefiles import table_text, write_whole

MOST_EXPORTED = 50_000_000


def count_audiences(config: Config, name: str | None = None) -> dict[str, int]:
    """Customers per audience by name, ``everybody`` first; ``name`` for one of them only."""
    names = _named(config, name)
    with _measured(config) as (engine, tables, customers):
        sql = "SELECT COUNT(*) AS n FROM "
        found = {"everybody": int(engine.fetch(sql + quoted(customers.table.name), 1).to_pylist()[0]["n"])}
        everything = audience_columns(engine, tables, customers)
        for key in names:
            ids = members(engine, tables, everything, config, key)
            found[key] = int(engine.fetch(sql + quoted(ids.name), 1).to_pylist()[0]["n"])
    return found


def export_audience(config: Config, name: str, out: Path) -> dict[str, int]:
    """Write the customer numbers of an audience as CSV, sorted; its name and how many they are."""
    _named(config, name)
    with _measured(config) as (engine, tables, customers):
        ids = members(engine, tables, audience_columns(engine, tables, customers), config, name)
        sql = f"SELECT customer_id FROM {quoted(ids.name)} ORDER BY customer_id NULLS LAST"
        texts = engine.fetch(sql, MOST_EXPORTED).column("customer_id").to_pylist()
    write_whole({out: table_text(["customer_id"], ([harmless(text)] for text in texts))})
    return {name: len(texts)}


def harmless(text: str) -> str:
    """A text that a spreadsheet takes for a text (reliability.md, S1)."""
    return f"'{text}" if text.lstrip(" \"'")[:1] in "=+-@＝＋－＠\t\r\n\0" and text else text


def _named(config: Config, name: str | None) -> list[str]:
    if not config.audiences:
        raise ConfigError("the configuration has no audiences. Write them under audiences:")
    if name is not None and name not in config.audiences:
        known = ", ".join(config.audiences)
        raise ConfigError(f"there is no audience '{name}'. {did_you_mean(name, list(config.audiences))} Known: {known}")
    return [name] if name else list(config.audiences)


def audience_columns(engine: Engine, tables: Tables, customers: Customers) -> Table:
    """What conditions of an audience may name: a row per customer, the same for every audience."""
    return engine.make("audience_columns", columns_sql(tables.customers, customers.table))


def members(engine: Engine, tables: Tables, everything: Table, config: Config, name: str) -> Table:
    """The customer numbers of an audience as a table; ``everything`` is what ``audience_columns`` made."""
    others = {"orders": tables.orders, "order_lines": tables.order_lines, "tickets": tables.tickets}
    sql = audience_sql(engine, config.audiences[name], name, everything, others)
    return engine.make(f"audience_{list(config.audiences).index(name)}", sql)


def columns_sql(customers: Table, features: Table) -> str:
    """One row per customer with the columns of the customers and, under names that they lack, the features."""
    own = [f"c.{quoted(name)}" for name in customers.columns]
    more = [f"f.{quoted(name)}" for name in features.columns if name not in customers.columns and name != "in_study"]
    columns = ",\n          ".join([*own, *more])
    return f"""
        SELECT
          {columns}
        FROM {quoted(customers.name)} AS c
        JOIN {quoted(features.name)} AS f ON f.customer_id = c.customer_id
    """


@contextmanager
def _measured(config: Config) -> Iterator[tuple[Engine, Tables, Customers]]:
    from personas import features, sources
    from personas.simulated import simulate_if_asked

    simulate_if_asked(config)
    with open_engine(**config.engine.model_dump()) as engine:
        tables = sources.prepare(engine, config)
        yield engine, tables, features.build(engine, tables, config)
