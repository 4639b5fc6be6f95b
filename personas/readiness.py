"""Read and audit only: what was understood, and which purposes the data are ready for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from personas.codec import to_plain
from personas.config import Config
from personas.engines import Engine, open_engine
from personas.engines.portable import quoted
from personas.errors import count_of
from personas.features.feature import Customers
from personas.features.selection import forming
from personas.sources.canonical import Tables

DELIMITER_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", "blanks": "blanks"}
FEWEST_CUSTOMERS = 50
WEEKS_FOR_LIFETIME = 26


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the data serve a purpose: ``pass``, ``warn`` or ``stop``, and the number that decides."""

    purpose: str
    status: str
    reason: str


def check(config: Config) -> dict[str, Any]:
    """What was read and understood, as plain values: tables, interpretation, notices, readiness per purpose."""
    from personas import features, narrative, sources
    from personas.profiles.goods import margin_notices
    from personas.rules import kept_apart
    from personas.simulated import simulate_if_asked

    narrative.check_words(config.study)
    simulate_if_asked(config)
    with open_engine(**config.engine.model_dump()) as engine:
        tables = sources.prepare(engine, config)
        margins = margin_notices(engine, tables, config.economics)
        customers, said = kept_apart(engine, tables, features.build(engine, tables, config), config)
        found = readiness(engine, tables, customers, config)
    return {
        "study": config.study.name,
        "snapshot_date": to_plain(tables.snapshot_date),
        "window_days": tables.window_days,
        "currency": tables.currency,
        "lines": to_plain(tables.audit.lines),
        "interpretation": to_plain(tables.audit.interpretation),
        "features": [feature.name for feature in customers.features],
        "notices": to_plain((*said, *margins, *tables.audit.notices, *customers.left_out)),
        "readiness": to_plain(found),
    }


def readiness(engine: Engine, tables: Tables, customers: Customers, config: Config) -> tuple[Readiness, ...]:
    """One line per purpose of the product."""
    row = engine.fetch(counts_sql(customers.table.name), 1).to_pylist()[0]
    in_study = int(row["in_study"] or 0)
    names = {feature.name for feature in customers.features}
    return (
        _clustering(in_study, len(forming(customers.features, config))),
        _rfm(tables, in_study),
        _lifetime(tables),
        _roi(tables, config, names),
        _influence(names),
    )


def counts_sql(customers: str) -> str:
    """How many customers are known and take part."""
    return f"""
        SELECT
            count(*) AS known,
            count_if(in_study) AS in_study
        FROM {quoted(customers)}
    """


def _clustering(in_study: int, basis: int) -> Readiness:
    if in_study < FEWEST_CUSTOMERS:
        return Readiness("clustering", "stop", f"{in_study} customers; at least {FEWEST_CUSTOMERS} are needed")
    if basis == 0:
        return Readiness("clustering", "stop", "no feature can form segments")
    if in_study < 70 * basis:
        return Readiness(
            "clustering", "warn", f"{in_study:,} customers for {basis} features; 70 per feature would be {70 * basis:,}"
        )
    return Readiness("clustering", "pass", f"{in_study:,} customers, {count_of(basis, 'feature')}")


def _rfm(tables: Tables, in_study: int) -> Readiness:
    if tables.orders is None:
        return Readiness("RFM", "stop", "no orders")
    return Readiness("RFM", "pass", f"orders of {in_study:,} customers over {tables.window_days} days")


def _lifetime(tables: Tables) -> Readiness:
    if tables.orders is None:
        return Readiness("lifetime value", "stop", "no orders")
    weeks = tables.window_days // 7
    if weeks < WEEKS_FOR_LIFETIME:
        return Readiness("lifetime value", "warn", f"{weeks} weeks of orders; {WEEKS_FOR_LIFETIME} are needed")
    return Readiness("lifetime value", "pass", f"{weeks} weeks of orders")


def _roi(tables: Tables, config: Config, names: set[str]) -> Readiness:
    missing = []
    if tables.orders is None:
        missing.append("orders")
    if "gross_margin_per_year" not in names and config.economics.margin_rate is None:
        missing.append("unit_cost of products, or economics.margin_rate")
    if "service_cost_per_year" not in names:
        missing.append("tickets and economics.service_minute_cost")
    if config.economics.marketing_cost_per_customer is None:
        missing.append("economics.marketing_cost_per_customer")
    if not missing:
        return Readiness("ROI", "pass", "margin, cost to serve and marketing are known")
    return Readiness("ROI", "stop" if len(missing) > 1 else "warn", "missing: " + "; ".join(missing))


def _influence(names: set[str]) -> Readiness:
    known = sorted(names & {"followers", "mentions_per_year", "brands_followed", "referrals"})
    if not known:
        return Readiness("influence", "stop", "no table of reach")
    return Readiness("influence", "pass", ", ".join(known))


def report_text(found: Mapping[str, Any]) -> str:
    """The result of ``check`` as a person reads it."""
    days = f"{found['window_days']:,} days before {found['snapshot_date']}"
    lines = [", ".join(part for part in (f"{found['study']}: {days}", found["currency"]) if part), ""]
    for source in found["interpretation"]:
        lines += [*_source_lines(source), ""]
    lines += [f"{'table':<13}{'step':<58}{'rows':>12}{'amount':>18}"]
    for line in found["lines"]:
        amount = f"{Decimal(line['amount']):,.2f}" if line["amount"] is not None else ""
        lines.append(f"{line['table']:<13}{line['label']:<58}{line['rows']:>12,}{amount:>18}".rstrip())
    lines += ["", "ready for"]
    lines += [f"  {entry['status']:<5} {entry['purpose']:<16} {entry['reason']}" for entry in found["readiness"]]
    if found["notices"]:
        lines += ["", "notices"]
        lines += [f"  {notice['text']}" for notice in found["notices"]]
    return "\n".join(lines)


def _source_lines(source: Mapping[str, Any]) -> list[str]:
    """One source: the file and how it was read, then each column, where it comes from and what was found in it."""
    how = [str(source[key]) for key in ("encoding",) if source.get(key)]
    if source.get("delimiter"):
        how.append(f"separated by {DELIMITER_WORDS.get(source['delimiter'], source['delimiter'])}")
    lines = [f"{source['source']}  {', '.join([str(source['file']), *how])}, {source['records']:,} records"]
    for column in source["columns"]:
        origin = column["from"] if isinstance(column["from"], str) else " + ".join(column["from"])
        remarks = [column["kind"]]
        remarks += [f"{column['missing']:,} missing"] if column["missing"] else []
        remarks += [f"{column['failed']:,} not readable"] if column["failed"] else []
        remarks += [f"read so because of {column['proof']}"] if column["proof"] else []
        lines.append(f"    {column['column']:<20} <- {origin:<24} {', '.join([*remarks, *column['notes']])}")
    if source.get("unused_columns"):
        lines.append(f"    not used: {', '.join(source['unused_columns'])}")
    return lines
