"""Tests of actions read back: what the orders after an assignment say, treated less control (method 9.11)."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personas.config import Config, ExperimentConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.errors import InputError
from personas.estimate import Estimate, Notice
from personas.profiles.experiment import measured_effect
from personas.profiles.money_records import Trial
from personas.sources.canonical import Tables

Floats = NDArray[np.float64]
ARMS = ("treated", "control")
COLUMNS = ("customer_id", "arm", "action")
FEWEST = 10
MOST = 1_000_000
HOME = 0.5
"""Share of the customers of a test that must be in one segment for the test to speak of it (our choice)."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Orders and money of everybody who was assigned, in the days of the test, sorted by customer.

    ``segments`` (n,) is -1 where a customer belongs to none.
    """

    treated: NDArray[np.bool_]
    segments: NDArray[np.int64]
    orders: Floats
    amount: Floats


def read_assignment(path: Path) -> tuple[dict[str, str], str]:
    """Customer -> arm, and the action. InputError when the file is not an assignment."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            rows = []
            for row in reader:
                if None in (*row, *row.values()):
                    raise InputError(f"{path.name}, line {reader.line_num}: the row is torn. Take the whole file.")
                rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the assignment {path.name} cannot be read: {error}") from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise InputError(f"{path.name} is no assignment: it needs rows with the columns {', '.join(COLUMNS)}.")
    arms = {row["customer_id"].removeprefix("'"): row["arm"] for row in rows}
    actions = {row["action"] for row in rows}
    if len(arms) < len(rows):
        raise InputError(f"{path.name} names {len(rows) - len(arms):,} customers more than once.")
    if set(arms.values()) != set(ARMS) or len(actions) != 1:
        raise InputError(f"{path.name} is no assignment: arms must be treated and control, and the action one.")
    smallest = min(Counter(arms.values()).values())
    if smallest < FEWEST:
        raise InputError(f"{path.name} has an arm of {smallest} customers; at least {FEWEST} are needed.")
    return arms, actions.pop()


def outcomes_sql(people: str, labels: str | None, orders: str, first: date, last: date) -> str:
    """Per assigned customer: arm, segment, sales and net amount from ``first`` to ``last``."""
    ends = [f"CAST({text_literal(day.isoformat())} AS DATE)" for day in (first, last)]
    segment, join = "-1", ""
    if labels is not None:
        segment = "MAX(COALESCE(l.segment, -1))"
        join = f"\nLEFT JOIN {quoted(labels)} AS l ON l.customer_id = p.customer_id"
    return f"""SELECT
  p.customer_id AS customer_id,
  MAX(p.arm) AS arm,
  {segment} AS segment,
  COUNT(CASE WHEN o.is_sale THEN 1 END) AS orders,
  CAST(SUM(COALESCE(o.net_amount, 0)) AS DOUBLE) AS amount
FROM {quoted(people)} AS p{join}
LEFT JOIN {quoted(orders)} AS o
  ON o.customer_id = p.customer_id AND o.ordered_on >= {ends[0]} AND o.ordered_on <= {ends[1]}
GROUP BY p.customer_id"""


def read_outcomes(
    engine: Engine, tables: Tables, labels: Table | None, arms: Mapping[str, str], wanted: ExperimentConfig
) -> Outcomes:
    """What everybody who was assigned has ordered since; who ordered nothing counts with 0."""
    import pyarrow as pa

    assert tables.orders is not None
    ids = sorted(arms)
    people = engine.read("experiment_people", pa.table({"customer_id": ids, "arm": [arms[who] for who in ids]}))
    last = wanted.started + timedelta(days=wanted.days - 1)
    names = (people.name, labels.name if labels else None, tables.orders.name)
    rows = engine.fetch(outcomes_sql(*names, wanted.started, last), MOST).sort_by("customer_id")
    return Outcomes(
        np.array([arm == "treated" for arm in rows["arm"].to_pylist()]),
        np.asarray(rows["segment"].to_numpy(), dtype=np.int64),
        np.asarray(rows["orders"].to_numpy(), dtype=np.float64),
        np.asarray(rows["amount"].to_numpy(), dtype=np.float64),
    )


def trial_of(
    name: str, action: str, wanted: ExperimentConfig, found: Outcomes, kept: float, level: str, currency: str, seed: int
) -> Trial:
    """The result of a test. ``kept`` is what stays of a unit of revenue as ``level``, 1 for revenue itself."""
    scale = 365 / wanted.days
    treated, control = found.treated, ~found.treated

    def effect(x: Floats, unit: str) -> Estimate:
        return measured_effect(x[treated] * scale, x[control] * scale, unit, seed)

    orders, money = effect(found.orders, "extra orders/year"), effect(found.amount * kept, f"{currency}/year")
    cost = None if wanted.cost is None else wanted.cost * scale
    roi = None
    if cost:
        value, low, high = ((end - cost) / cost for end in (money.value, money.low, money.high))
        roi = Estimate(value, low, high, "ratio", money.n, money.basis)
    return Trial(
        name, action, wanted.started, wanted.days, int(treated.sum()), int(control.sum()), orders,
        money if currency else None, level if currency else "", cost, roi,
    )  # fmt: skip


def trials(
    engine: Engine, tables: Tables, labels: Table, config: Config, kept: Mapping[int, tuple[float, str]]
) -> tuple[dict[int, tuple[Trial, ...]], list[Notice]]:
    """The tests of each segment, the latest first, and why others are not told.

    A test speaks of the segment in which at least half of its customers are now. ``kept`` holds by segment what stays
    of a unit of revenue, and what that is called.
    """
    found: dict[int, list[Trial]] = {}
    notices: list[Notice] = []
    for name, wanted in config.experiments.items():
        arms, action = read_assignment(config.folder / wanted.file)
        why = not_over(tables, wanted)
        if why:
            notices.append(Notice("experiment-not-over", f"The test “{name}” is not told: {why}."))
            continue
        outcomes = read_outcomes(engine, tables, labels, arms, wanted)
        places = Counter(int(g) for g in outcomes.segments if g >= 0)
        home, inside = min(places.items(), key=lambda item: (-item[1], item[0])) if places else (-1, 0)
        if inside < HOME * len(arms):
            text = f"The test “{name}” is not told: its {len(arms):,} customers are in several segments now."
            notices.append(Notice("experiment-spread", text, len(arms)))
            continue
        share, level = kept.get(home, (1.0, "revenue"))
        trial = trial_of(name, action, wanted, outcomes, share, level, tables.currency, config.study.seed)
        found.setdefault(home, []).append(trial)
    ordered = {g: tuple(sorted(own, key=lambda t: (-t.started.toordinal(), t.name))) for g, own in found.items()}
    return ordered, notices


def not_over(tables: Tables, wanted: ExperimentConfig) -> str:
    """Why a test cannot be read yet; empty when it can."""
    if tables.orders is None:
        return "there are no orders"
    if wanted.started + timedelta(days=wanted.days) > tables.snapshot_date:
        end = wanted.started + timedelta(days=wanted.days - 1)
        return f"it runs until {end}, and the data end before {tables.snapshot_date}"
    return ""
