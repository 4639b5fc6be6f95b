"""Audiences as SQL: conditions checked against the columns that are there, emitted by our own builder.

Nothing that a configuration says reaches SQL but through ``quoted`` and ``text_literal`` (reliability.md, Y5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from personas.audience import Audience, Condition, Value
from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.errors import ConfigError, did_you_mean

NUMERIC = ("DECIMAL", "DOUBLE", "BIGINT", "INTEGER", "HUGEINT", "FLOAT", "SMALLINT", "TINYINT")


def audience_sql(
    engine: Engine, audience: Audience, name: str, customers: Table, tables: Mapping[str, Table | None]
) -> str:
    """One row per customer of an audience: ``customer_id``.

    Parameters
    ----------
    engine : Engine
        Asked for the types of columns.
    audience : Audience
        Its conditions.
    name : str
        What it is called, for messages.
    customers : Table
        One row per customer with every column that a condition may name.
    tables : mapping
        ``orders``, ``order_lines`` and ``tickets``, where the study has them.

    Raises
    ------
    ConfigError
        For a column or table that is not there, or a value of another kind.
    """
    known = {"customers": customers, **{key: table for key, table in tables.items() if table is not None}}
    types = {
        key: {name: kind for name, kind in engine.columns(table).items() if table.has(name)}
        for key, table in known.items()
    }
    parts = [_condition(c, f"audiences.{name}.where[{i}]", known, types) for i, c in enumerate(audience.where)]
    return f"""
        SELECT c.customer_id
        FROM {quoted(customers.name)} AS c
        WHERE {" AND ".join(f"({part})" for part in parts)}
    """


def _condition(c: Condition, where: str, known: Mapping[str, Table], types: Mapping[str, Mapping[str, str]]) -> str:
    for joined, word in ((c.all, " AND "), (c.any, " OR "), (c.no, " OR ")):
        if joined:
            inner = word.join(f"({_condition(part, where, known, types)})" for part in joined)
            return f"NOT COALESCE({inner}, FALSE)" if joined is c.no else f"({inner})"
    if c.table not in known:
        raise ConfigError(f"{where}: there is no table of {c.table.replace('_', ' ')} in this study")
    columns = types[c.table]
    if c.column is None or c.column not in columns:
        near = did_you_mean(str(c.column), list(columns))
        shown = ", ".join(column for column in columns if column != "customer_id")
        raise ConfigError(f"{where}: {c.table.replace('_', ' ')} have no column '{c.column}'. {near} Known: {shown}")
    if c.table == "customers":
        return _tests(c, f"c.{quoted(c.column)}", columns[c.column], where)
    inside = " AND in_window" if "in_window" in columns else ""
    return f"""c.customer_id IN (
          SELECT customer_id
          FROM {quoted(known[c.table].name)}
          WHERE {_tests(c, quoted(c.column), columns[c.column], where)}{inside} AND customer_id IS NOT NULL
          GROUP BY customer_id
          HAVING COUNT(*) >= {c.times}
        )"""


def _tests(c: Condition, column: str, kind: str, where: str) -> str:
    """The comparisons of one condition; a value that is not known fits none of them."""
    is_text = kind.startswith("VARCHAR")
    left = f"LOWER({column})" if is_text else column
    tests = []
    for values, sign in ((c.is_, "IN"), (c.is_not, "NOT IN")):
        if values is not None:
            listed = ", ".join(_literal(v, kind, where) for v in (values if isinstance(values, tuple) else (values,)))
            tests.append(f"{left} {sign} ({listed})")
    for value, sign in ((c.from_, ">="), (c.to, "<="), (c.below, "<")):
        if value is not None:
            if is_text:
                raise ConfigError(f"{where}: '{c.column}' is text, it has no order. Write is: [...]")
            tests.append(f"{left} {sign} {_literal(value, kind, where)}")
    if c.known is not None:
        tests.append(f"{column} IS {'NOT ' if c.known else ''}NULL")
    return " AND ".join(tests)


def _literal(value: Value, kind: str, where: str) -> str:
    """A value as SQL of the column's type; ConfigError for a value of another kind."""
    if kind.startswith("VARCHAR") and isinstance(value, str | bool | int | float):
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        return text_literal(text.lower())
    if kind == "BOOLEAN" and isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if kind in ("DATE",) and isinstance(value, date) and not isinstance(value, datetime):
        return f"DATE '{value.isoformat()}'"
    if kind.startswith(NUMERIC) and isinstance(value, int | float) and not isinstance(value, bool):
        wide = "DOUBLE" if kind.startswith(("DOUBLE", "FLOAT")) else "DECIMAL(38, 6)"
        return f"CAST({text_literal(format(Decimal(str(value)), 'f'))} AS {wide})"
    wanted = "yes or no" if kind == "BOOLEAN" else "a day such as 2026-10-31" if kind == "DATE" else "a number"
    raise ConfigError(f"{where}: {value!r} is not {wanted}")
