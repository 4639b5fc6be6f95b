"""The same person under several names: an e-mail address or account number in one export, a customer number in another.

Joined only by a rule that the configuration states: ``sources.customers.known_as`` names the columns whose values stand
for the customer. A value that two customers share stands for neither.
"""

from __future__ import annotations

from collections.abc import Mapping

from personas.config import SourceConfig
from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted
from personas.errors import InputError, count_of, did_you_mean
from personas.estimate import Notice
from personas.sources.canonical import CUSTOMER_IDS
from personas.sources.mapping import Plan
from personas.sources.numbers import is_missing
from personas.sources.raw import Raw


def aliases_of(raw: Raw, matched: Plan, source: SourceConfig) -> tuple[dict[str, str], list[Notice]]:
    """Other name -> customer number, from the customers file, and what was not used.

    Raises InputError for a column that is not there.
    """
    if not source.known_as:
        return {}, []
    lacking = [name for name in source.known_as if name not in raw.columns]
    if lacking:
        raise InputError(
            f"sources.{raw.name}.known_as: {raw.label} has no column {lacking[0]!r}. "
            f"{did_you_mean(lacking[0], raw.columns)} It has: {', '.join(raw.columns[:30])}"
        )
    (origin,) = next(item.origin for item in matched.columns if item.name == "customer_id")
    numbers = [number.lower() if source.fold_case else number for number in _texts(raw, origin)]
    found: dict[str, set[str]] = {}
    for name in source.known_as:
        for number, alias in zip(numbers, _texts(raw, name), strict=True):
            if number and alias and not is_missing(alias):
                found.setdefault(alias.lower(), set()).add(number)
    own = {number.lower() for number in numbers}
    shared = sum(len(people) > 1 for people in found.values())
    notices = []
    if shared:
        text = f"{raw.label}: {count_of(shared, 'other name')} of more than one customer: stands for neither"
        notices.append(Notice("shared-alias", text, shared))
    return {a: next(iter(people)) for a, people in found.items() if len(people) == 1 and a not in own}, notices


def _texts(raw: Raw, name: str) -> list[str]:
    """The trimmed texts of a column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return [(text or "").strip() for text in pc.cast(raw.read([name]).column(name), pa.string()).to_pylist()]


def with_numbers(engine: Engine, table: Table, aliases: Mapping[str, str], label: str) -> tuple[Table, list[Notice]]:
    """The table with customer numbers in the place of other names, and how many records that are."""
    import pyarrow as pa

    columns = [name for name in CUSTOMER_IDS if table.has(name)]
    if not aliases or not columns:
        return table, []
    names = sorted(aliases)
    known = engine.read(f"{table.name}_aliases", pa.table({"alias": names, "number": [aliases[n] for n in names]}))
    joined, count = table, 0
    for column in columns:
        source = (
            f"FROM {quoted(joined.name)} AS t LEFT JOIN {quoted(known.name)} AS a ON a.alias = LOWER(t.{column})"
        )
        found = engine.fetch(f"SELECT COUNT(a.number) AS n {source}", 1).to_pylist()[0]["n"]
        if found:
            kept = ", ".join(
                f"COALESCE(a.number, t.{column}) AS {column}" if name == column else f"t.{quoted(name)}"
                for name in table.columns
            )
            joined, count = engine.make(table.name, f"SELECT {kept} {source}"), count + found
    text = f"{label}: {count_of(count, 'record')} under another name joined with the customer number (known_as)"
    return joined, [Notice("joined-by-alias", text, count)] if count else []
