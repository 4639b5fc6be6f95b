"""What the rules of the tables hand to each other while the sources are prepared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from personas.config import Config
from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted
from personas.errors import InputError, count_of
from personas.estimate import Notice
from personas.sources.audit import KEPT
from personas.sources.canonical import AuditLine
from personas.sources.load import Loaded
from personas.sources.window import Window


@dataclass(slots=True)
class Work:
    """What the rules hand to each other."""

    engine: Engine
    config: Config
    loaded: Mapping[str, Loaded]
    window: Window
    known: Table | None = None
    audit: list[AuditLine] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def notice(self, code: str, text: str, count: int = 0) -> None:
        """Say something that the reader must know."""
        self.notices.append(Notice(code, text, count))

    def kept(self, name: str) -> int:
        """Records of a table that stay."""
        return sum(line.rows for line in self.audit if line.table == name and line.step in KEPT)


def conflicts_sql(table: Table, key: Sequence[str], columns: Sequence[str]) -> str:
    """Keys under which records differ in one of ``columns``."""
    names = ", ".join(quoted(name) for name in dict.fromkeys([*key, *columns]))
    keys = ", ".join(quoted(name) for name in key)
    return f"""
        WITH different AS (
          SELECT {names}, COUNT(*) AS copies
          FROM {quoted(table.name)}
          WHERE {quoted(key[0])} IS NOT NULL
          GROUP BY {names}
        ), conflicts AS (
          SELECT {keys}, COUNT(*) AS versions
          FROM different
          GROUP BY {keys}
          HAVING COUNT(*) > 1
        )
        SELECT COUNT(*) AS keys, MIN({quoted(key[0])}) AS first, MAX({quoted(key[0])}) AS last
        FROM conflicts
    """


def numbers_repeat(engine: Engine, table: Table, number: str) -> bool:
    """Whether two records have the same ``number``."""
    sql = f"SELECT COUNT({number}) - COUNT(DISTINCT {number}) AS more FROM {quoted(table.name)}"
    return bool(engine.fetch(sql, 1).to_pylist()[0]["more"])


def refuse_conflicts(engine: Engine, table: Table, key: Sequence[str], columns: Sequence[str], label: str) -> bool:
    """Raise InputError when the same key carries different data; gives whether its first part repeats at all."""
    if not numbers_repeat(engine, table, quoted(key[0])):
        return False
    found = engine.fetch(conflicts_sql(table, key, columns), 1).to_pylist()[0]
    if found["keys"]:
        shown = " and ".join(dict.fromkeys([repr(found["first"]), repr(found["last"])]))
        raise InputError(
            f"{label}: {count_of(found['keys'], 'number')} used more than once with different data ({shown}). Export "
            "one record per number; if the number is none, map another column"
        )
    return True


def read_totals(work: Work, item: Loaded, source: str, amount: str | None) -> tuple[int, Decimal | None]:
    """Records of the source as the reader counted them, and the money behind FROM before any rule."""
    if amount is None:
        return item.raw.records, None
    total = work.engine.fetch(f"SELECT SUM({amount}) AS total FROM {source}", 1).to_pylist()[0]["total"]
    return item.raw.records, total or Decimal(0)


def kept(engine: Engine, marked: Table, names: Sequence[str]) -> Table:
    """The records that stay, with these columns: the marked ones themselves where none is set aside, as mostly."""
    sql = f"SELECT COUNT(*) AS aside FROM {quoted(marked.name)} WHERE status NOT IN {KEPT}"
    if not engine.fetch(sql, 1).to_pylist()[0]["aside"]:
        return Table(marked.name, tuple(names))
    listed = ", ".join(quoted(name) for name in names)
    return engine.make(marked.name, f"SELECT {listed} FROM {quoted(marked.name)} WHERE status IN {KEPT}")
