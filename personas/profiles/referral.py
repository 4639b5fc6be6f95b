"""Who brought whom along, and what that is worth, without counting anybody's value twice (method 9.12).

The value of the portfolio is the sum of lifetime values and does not depend on who referred whom: the value of a
customer who was brought along is in it already. Referral value is another view of the same money, one level deep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.estimate import Notice
from personas.profiles.intervals import MONEY_REPLICATES, Use, spreads, stream
from personas.profiles.money_records import Referrals
from personas.sources.canonical import Tables

Floats = NDArray[np.float64]
ANYWAY = frozenset({"anyway", "2", "two", "type two", "type 2"})
"""Words for a customer who would have come in any case; everything else counts as won by the referral."""
MOST = 5_000_000


@dataclass(frozen=True, slots=True)
class Links:
    """Referred customer -> referrer, without self-referrals and circles, and how many of these were set aside."""

    of: Mapping[str, str]
    to_themselves: int
    in_circles: int


def links(referred_by: Mapping[str, str]) -> Links:
    """The sound ones of who brought whom.

    >>> links({"a": "a", "b": "c", "c": "b", "d": "b"})
    Links(of={'d': 'b'}, to_themselves=1, in_circles=2)
    """
    found = {who: by for who, by in sorted(referred_by.items()) if who != by}
    circles: set[str] = set()
    seen: set[str] = set()
    for start in found:
        path: list[str] = []
        at = start
        while at in found and at not in seen:
            seen.add(at)
            path.append(at)
            at = found[at]
        if at in path:
            circles.update(path[path.index(at) :])
    kept = {who: by for who, by in found.items() if who not in circles}
    return Links(kept, len(referred_by) - len(found), len(circles))


def referral_values(
    lifetime: Mapping[str, float], links_of: Mapping[str, str], anyway: frozenset[str], saved: Mapping[str, float]
) -> dict[str, float]:
    """Referral value by referrer: lifetime value of whom it won, saved cost of winning for whom would have come anyway.

    A customer whose figure is unknown adds nothing.
    """
    found: dict[str, float] = {}
    for who, by in sorted(links_of.items()):
        amount = saved.get(who, 0.0) if who in anyway else lifetime.get(who, 0.0)
        found[by] = found.get(by, 0.0) + amount
    return found


def reallocated(
    lifetime: Mapping[str, float], links_of: Mapping[str, str], anyway: frozenset[str], share: float
) -> dict[str, float]:
    """Lifetime value with ``share`` of that of each won customer moved to its referrer; the sum stays what it was.

    >>> reallocated({"a": 10.0, "b": 100.0}, {"b": "a"}, frozenset(), 0.25)
    {'a': 35.0, 'b': 75.0}
    """
    moved = dict(lifetime)
    for who, by in sorted(links_of.items()):
        if who in anyway or who not in lifetime or by not in lifetime:
            continue
        moved[who] -= share * lifetime[who]
        moved[by] += share * lifetime[who]
    return moved


def referred_sql(customers: Table, orders: str, with_type: bool) -> str:
    """Customers whose first sale lies in the window and who were brought along, by whom, and how."""
    kind = "LOWER(CAST(c.referral_type AS VARCHAR))" if with_type else "CAST(NULL AS VARCHAR)"
    cost = "CAST(c.acquisition_cost AS DOUBLE)" if customers.has("acquisition_cost") else "CAST(NULL AS DOUBLE)"
    return f"""SELECT
  CAST(c.customer_id AS VARCHAR) AS customer_id,
  CAST(c.referred_by AS VARCHAR) AS referred_by,
  {kind} AS kind,
  {cost} AS cost
FROM {quoted(customers.name)} AS c
JOIN (
  SELECT
    customer_id,
    COUNT(CASE WHEN NOT in_window THEN 1 END) AS earlier
  FROM {quoted(orders)}
  WHERE is_sale
  GROUP BY customer_id
) AS o ON o.customer_id = c.customer_id
WHERE o.earlier = 0 AND c.referred_by IS NOT NULL"""


def referrals(
    engine: Engine, tables: Tables, ids: NDArray[np.str_], segments: NDArray[np.int32], lifetime: Mapping[str, float],
    seed: int,
) -> tuple[dict[int, Referrals], Floats | None, list[Notice]]:  # fmt: skip
    """By segment what its customers brought along, the referral value (n,) of each of ``ids``, and what was set aside.

    Saved cost of winning is what new customers who were not brought along cost on average. Nothing where no customer
    says who brought it.
    """
    if tables.orders is None or not tables.customers.has("referred_by"):
        return {}, None, []
    sql = referred_sql(tables.customers, tables.orders.name, tables.customers.has("referral_type"))
    rows = engine.fetch(sql, MOST).to_pylist()
    sound = links({row["customer_id"]: row["referred_by"] for row in rows})
    notices = []
    aside = sound.to_themselves + sound.in_circles
    if aside:
        text = f"{aside:,} customers were brought along by themselves or in a circle: these referrals do not count."
        notices.append(Notice("referrals-in-circles", text, aside))
    if not sound.of:
        return {}, None, notices
    anyway = frozenset(row["customer_id"] for row in rows if row["kind"] in ANYWAY)
    value = referral_values(lifetime, sound.of, anyway, _saved(engine, tables, anyway))
    each = np.array([value.get(who, 0.0) for who in ids.tolist()])
    brought: dict[str, int] = {}
    for by in sound.of.values():
        brought[by] = brought.get(by, 0) + 1
    counts = np.array([brought.get(who, 0) for who in ids.tolist()])
    found = {}
    for g in sorted(set(segments.tolist())):
        inside = segments == g
        n, x = int(inside.sum()), each[inside]
        told = None
        if lifetime:
            random = stream(seed, 11, g, Use.REFERRALS)
            spread = spreads(x[:, None], np.array([n]), MONEY_REPLICATES, random)[0]
            told = spread.around(float(x.mean()), tables.currency, n)
        found[int(g)] = Referrals(int((counts[inside] > 0).sum()), int(counts[inside].sum()), told)
    return found, each if lifetime else None, notices


def _saved(engine: Engine, tables: Tables, anyway: frozenset[str]) -> dict[str, float]:
    """What winning each of ``anyway`` would have cost: the mean cost of customers whom nobody brought along."""
    if not anyway or not tables.customers.has("acquisition_cost"):
        return {}
    sql = f"""SELECT
  CAST(SUM(acquisition_cost) AS DOUBLE) / COUNT(acquisition_cost) AS mean_cost
FROM {quoted(tables.customers.name)}
WHERE referred_by IS NULL AND acquisition_cost IS NOT NULL"""
    mean = engine.fetch(sql, 1).to_pylist()[0]["mean_cost"]
    return {} if mean is None else {who: float(mean) for who in sorted(anyway)}
