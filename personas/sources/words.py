"""Words of a column that are none of those that the rules know: kinds of orders, and channels."""

from __future__ import annotations

from collections.abc import Sequence

from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted
from personas.estimate import Notice

CHANNELS = ("online", "store", "phone", "other")
CHANNEL_SQL = (
    f"CASE WHEN LOWER(channel) IN ({', '.join(map(repr, CHANNELS))}) THEN LOWER(channel)"
    " WHEN channel <> '' THEN 'other' END"
)
"""The channel as one of ``CHANNELS``."""
MOST_WORDS = 20
"""So many odd words of a column are named."""


def as_known(engine: Engine, table: Table, column: str, allowed: Sequence[str]) -> bool:
    """Whether every word of a column is an allowed one, letter for letter: then its letter case does not matter."""
    if not table.has(column):
        return True
    known = ", ".join(f"'{word}'" for word in allowed)
    sql = f"SELECT COUNT(*) AS odd FROM {quoted(table.name)} WHERE {column} NOT IN ({known})"
    return not engine.fetch(sql, 1).to_pylist()[0]["odd"]


def check_words(engine: Engine, table: Table, column: str, allowed: Sequence[str]) -> tuple[list[str], int, int]:
    """Words of a column that are none of the allowed ones, commonest first; how many more there are; their records."""
    if not table.has(column):
        return [], 0, 0
    known = ", ".join(f"'{word}'" for word in allowed)
    sql = f"""
        SELECT
          word,
          n,
          COUNT(*) OVER () AS words,
          SUM(n) OVER () AS records
        FROM (
          SELECT
            {column} AS word,
            COUNT(*) AS n
          FROM {quoted(table.name)}
          WHERE {column} IS NOT NULL AND LOWER({column}) NOT IN ({known})
          GROUP BY {column}
        ) AS odd
        ORDER BY n DESC, word NULLS LAST
        LIMIT {MOST_WORDS}
    """
    rows = engine.fetch(sql, MOST_WORDS).to_pylist()
    if not rows:
        return [], 0, 0
    return [str(row["word"]) for row in rows], int(rows[0]["words"]) - len(rows), int(rows[0]["records"])


def other_channels(engine: Engine, table: Table, name: str) -> list[Notice]:
    """What must be said of channels that are none of ``CHANNELS``."""
    odd, more, records = check_words(engine, table, "channel", CHANNELS)
    if not odd:
        return []
    named = f"{', '.join(odd)}{f' and {more:,} more' if more else ''}"
    text = f"{name}: the channels {named} count as 'other'. Recode them: sources.{name}.columns.channel.values"
    return [Notice("other-channel", text, records)]
