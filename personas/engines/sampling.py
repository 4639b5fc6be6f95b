"""A customer is in the sample by a rule on the id, never by a random call."""

from __future__ import annotations

from collections.abc import Sequence

from personas.engines.engine import Table
from personas.engines.portable import quoted


def sample_sql(table: Table, columns: Sequence[str], rows: int, condition: str = "TRUE") -> str:
    """The ``rows`` customers with the smallest md5 of their id, among those that fulfil ``condition``.

    The same customers come back on every engine and with every number of threads, and a customer who joins later
    pushes out at most one other.

    >>> print(sample_sql(Table("features", ()), ("customer_id",), 10, "in_study"))
    SELECT
      "customer_id"
    FROM features
    WHERE in_study
    ORDER BY md5(customer_id) NULLS LAST, customer_id NULLS LAST
    LIMIT 10
    """
    listed = ",\n  ".join(quoted(column) for column in columns)
    return (
        f"SELECT\n  {listed}\nFROM {table.name}\nWHERE {condition}\n"
        f"ORDER BY md5(customer_id) NULLS LAST, customer_id NULLS LAST\nLIMIT {int(rows)}"
    )
