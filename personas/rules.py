"""Rule segments: customers whom a named rule keeps apart from the search, so that none is lost (method.md 2, stage 2).

Decided that a customer belongs to the first rule that fits: outside of the studied audience, listed customer numbers,
audiences, top shares, each kind in the order written; so a test account is never one of the whales.
"""

from __future__ import annotations

import math
from dataclasses import replace

from personas.audiences import audience_columns, members
from personas.config import Config
from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.errors import ConfigError, InputError, count_of
from personas.estimate import Notice
from personas.features.apart import REVENUE
from personas.features.feature import Customers
from personas.sources.canonical import Tables

MONEY = "DECIMAL(18, 4)"


def kept_apart(
    engine: Engine, tables: Tables, customers: Customers, config: Config
) -> tuple[Customers, tuple[Notice, ...]]:
    """The customers with everybody whom a rule keeps apart out of the study, and what must be said.

    ``study.population`` is a rule too. ``Customers.apart`` is who fits which rule (customer_id, rule), each customer
    once; ``rule`` counts into ``apart_names``.

    Raises
    ------
    ConfigError, InputError
        For conditions that do not fit the study, a share of revenue without orders, and rules that leave nobody.
    """
    population, rules = config.study.population, config.segmentation.rules
    names: list[str] = []
    tops: list[int] = []
    notices: list[Notice] = []
    apart: Table | None = None
    named = any(isinstance(rule, str) for rule in (population, *rules.values()))
    everything = audience_columns(engine, tables, customers) if named else customers.table
    if population is not None:
        inside = members(engine, tables, everything, config, population)
        apart = engine.make("apart_0", outside_sql(customers.table, inside))
        label = config.audiences[population].label or population
        names.append(f"outside of the audience {label}")
        notices.append(_population(engine, customers, apart, population, label))
    for name in sorted(rules, key=lambda name: _kind(rules[name])):
        fitting = _fitting(engine, tables, customers, everything, config, name, apart)
        apart = engine.make(f"apart_{len(names)}", added_sql(fitting, len(names), apart))
        rule = rules[name]
        names.append(f"{name} (top {percent(rule)} by revenue)" if isinstance(rule, float) else name)
        tops += [len(names) - 1] if isinstance(rule, float) else []
        notices.append(_told(engine, apart, len(names) - 1, name, rule))
    if apart is None:
        return customers, ()
    if not _left(engine, customers.table, apart):
        raise InputError("the rules under segmentation.rules keep everybody apart. Narrow them, or leave one out")
    table = engine.make("features_of_study", study_sql(customers.table, apart))
    cuts = {names[place]: cut for place in tops if (cut := _cut(engine, customers, apart, place)) is not None}
    return replace(customers, table=table, apart=apart, apart_names=tuple(names), apart_cuts=cuts), tuple(notices)


def _cut(engine: Engine, customers: Customers, apart: Table, place: int) -> float | None:
    """The least revenue a year of those in a top share; None where the study does not measure it."""
    if not customers.table.has(REVENUE):
        return None
    sql = f"""
        SELECT MIN(f.{quoted(REVENUE)}) AS least
        FROM {quoted(customers.table.name)} AS f
        JOIN {quoted(apart.name)} AS p ON p.customer_id = f.customer_id
        WHERE p.rule = {int(place)}
    """
    least = engine.fetch(sql, 1).to_pylist()[0]["least"]
    return None if least is None else float(least)


def percent(share: float) -> str:
    """A share as a percentage without needless zeros.

    >>> percent(0.01), percent(0.125), percent(0.1)
    ('1%', '12.5%', '10%')
    """
    return f"{round(share * 100, 4):g}%"


def _kind(rule: float | str | tuple[str | int, ...]) -> int:
    return 0 if isinstance(rule, tuple) else 1 if isinstance(rule, str) else 2


def _fitting(
    engine: Engine, tables: Tables, customers: Customers, everything: Table, config: Config, name: str,
    apart: Table | None,
) -> Table:  # fmt: skip
    """The customer numbers that fit one rule."""
    import pyarrow as pa

    rule = config.segmentation.rules[name]
    if isinstance(rule, str):
        return members(engine, tables, everything, config, rule)
    if isinstance(rule, tuple):
        ids = pa.array(sorted({str(customer) for customer in rule}), pa.string())
        listed = engine.read("rule_listed", pa.table({"customer_id": ids}))
        return engine.make("rule_members", listed_sql(customers.table, listed))
    if tables.orders is None:
        raise ConfigError(f"segmentation.rules.{name}: a top share by revenue needs orders, and there are none")
    # Rounded first, so that 0.07 of 100 is 7 customers and not 8.
    most = math.ceil(round(rule * _left(engine, customers.table, apart), 6))
    return engine.make("rule_members", top_sql(customers.table, tables.orders, apart, most))


def _left(engine: Engine, features: Table, apart: Table | None) -> int:
    """How many who take part no rule has kept apart."""
    return int(engine.fetch(left_sql(features, apart), 1).to_pylist()[0]["n"])


def _population(engine: Engine, customers: Customers, apart: Table, name: str, label: str) -> Notice:
    inside = _left(engine, customers.table, apart)
    if not inside:
        raise InputError(f"nobody who bought is in the audience '{name}'. Widen its conditions, or study everybody")
    known = engine.fetch(f"SELECT COUNT(*) AS n FROM {quoted(customers.table.name)}", 1).to_pylist()[0]["n"]
    text = f"only the audience '{label}' is studied: {inside:,} of {count_of(known, 'customer')}"
    return Notice("population", text, inside)


def _told(engine: Engine, apart: Table, place: int, name: str, rule: float | str | tuple[str | int, ...]) -> Notice:
    """How many fit the rule, and how many listed numbers are nobody's or taken by a rule before."""
    sql = f"SELECT COUNT(*) AS n FROM {quoted(apart.name)} WHERE rule = {place}"
    count = int(engine.fetch(sql, 1).to_pylist()[0]["n"])
    listed = len({str(customer) for customer in rule}) if isinstance(rule, tuple) else None
    text = f"the rule '{name}' keeps {count_of(count, 'customer')} apart; they are counted in all totals"
    if listed is not None and count < listed:
        text += f". Of {listed:,} listed, not in the data or taken by a rule before: {listed - count:,}"
    return Notice("rule-segment", text, count)


def outside_sql(features: Table, inside: Table) -> str:
    """Everybody outside of an audience, as rule 0."""
    return f"""
        SELECT
          f.customer_id,
          0 AS rule
        FROM {quoted(features.name)} AS f
        LEFT JOIN {quoted(inside.name)} AS a ON a.customer_id = f.customer_id
        WHERE a.customer_id IS NULL
    """


def listed_sql(features: Table, listed: Table) -> str:
    """Those of the listed numbers that are customers."""
    return f"""
        SELECT f.customer_id
        FROM {quoted(features.name)} AS f
        JOIN {quoted(listed.name)} AS a ON a.customer_id = f.customer_id
    """


def top_sql(features: Table, orders: Table, apart: Table | None, most: int) -> str:
    """The ``most`` customers of the largest revenue in the window among those who are left; ties by number."""
    join, test = _without(apart)
    return f"""
        SELECT f.customer_id
        FROM {quoted(features.name)} AS f
        JOIN (
          SELECT
            customer_id,
            SUM(CAST(net_amount AS {MONEY})) AS revenue
          FROM {quoted(orders.name)}
          WHERE in_window
          GROUP BY customer_id
        ) AS m ON m.customer_id = f.customer_id{join}
        WHERE f.in_study{test}
        ORDER BY m.revenue DESC NULLS LAST, f.customer_id NULLS LAST
        LIMIT {int(most)}
    """


def left_sql(features: Table, apart: Table | None) -> str:
    """How many take part and are not kept apart."""
    join, test = _without(apart)
    return f"SELECT COUNT(*) AS n FROM {quoted(features.name)} AS f{join} WHERE f.in_study{test}"


def added_sql(fitting: Table, place: int, apart: Table | None) -> str:
    """Everybody kept apart so far, and those who fit one more rule."""
    join, test = _without(apart)
    before = f"SELECT customer_id, rule FROM {quoted(apart.name)} UNION ALL" if apart else ""
    return f"""
        {before}
        SELECT
          f.customer_id,
          {int(place)} AS rule
        FROM {quoted(fitting.name)} AS f{join}
        WHERE f.customer_id IS NOT NULL{test}
    """


def study_sql(features: Table, apart: Table) -> str:
    """The features with ``in_study`` FALSE for everybody kept apart."""
    columns = "".join(
        f",\n          f.{quoted(name)}" for name in features.columns if name not in ("customer_id", "in_study")
    )
    join, _ = _without(apart)
    return f"""
        SELECT
          f.customer_id,
          f.in_study AND p.customer_id IS NULL AS in_study{columns}
        FROM {quoted(features.name)} AS f{join}
    """


def _without(apart: Table | None) -> tuple[str, str]:
    """The join with those kept apart, and the condition that somebody is not."""
    if apart is None:
        return "", ""
    join = f"\n        LEFT JOIN {quoted(apart.name)} AS p ON p.customer_id = f.customer_id"
    return join, " AND p.customer_id IS NULL"
