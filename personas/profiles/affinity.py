"""What is bought together, and what brings a first-timer back: pairs of categories and second orders by segment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from personas.config import EconomicsConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.estimate import Estimate, Notice
from personas.profiles.costs import COVERAGE, MONEY
from personas.profiles.goods import cost_sql
from personas.profiles.intervals import wilson
from personas.profiles.money_records import Pair, SecondPurchase
from personas.sources.canonical import Tables

Floats = NDArray[np.float64]
CUSTOMERS = 20_000
ROWS = 5_000_000
FEWEST_ORDERS = 30
"""Orders with both categories below which a pair says nothing."""
MOST_PAIRS = 3
MOST_CATEGORIES = 30
RETURN_DAYS = 90


@dataclass(frozen=True, slots=True)
class Baskets:
    """One row per order and category, sorted by customer, order, category; all (r,)."""

    customers: NDArray[np.str_]
    segments: NDArray[np.int64]
    orders: NDArray[np.str_]
    days: NDArray[np.int64]
    categories: NDArray[np.str_]
    amounts: Floats
    margins: Floats
    """NaN where a cost is unknown."""
    in_window: NDArray[np.bool_]

    def of(self, rows: NDArray[np.bool_]) -> Baskets:
        """Only those rows."""
        return Baskets(*(getattr(self, name)[rows] for name in self.__slots__))


def baskets_sql(tables: Tables, labels: str, limit: int, economics: EconomicsConfig) -> str:
    """Order, category, amount and margin (NULL where a cost is unknown) of the sales of ``limit`` labelled customers.

    Those whose ids come first by md5.
    """
    lines, orders = tables.order_lines, tables.orders
    assert lines is not None and orders is not None
    amount = f"CAST(l.line_amount AS {MONEY})"
    margin = f"{amount} - {cost_sql(lines, economics, 'l.')}"
    return f"""SELECT
  o.customer_id AS customer_id,
  w.segment AS segment,
  o.order_id AS order_id,
  o.ordered_on AS ordered_on,
  l.category AS category,
  o.in_window AS in_window,
  CAST(SUM({amount}) AS DOUBLE) AS amount,
  CAST(CASE WHEN COUNT({margin}) = COUNT(l.line_amount) THEN SUM({margin}) END AS DOUBLE) AS margin
FROM {quoted(orders.name)} AS o
JOIN (
  SELECT
    customer_id,
    segment
  FROM {quoted(labels)}
  ORDER BY md5(CAST(customer_id AS VARCHAR)) NULLS LAST, customer_id NULLS LAST
  LIMIT {int(limit)}
) AS w ON w.customer_id = o.customer_id
JOIN {quoted(lines.name)} AS l ON l.order_id = o.order_id
WHERE o.is_sale AND l.category IS NOT NULL AND l.line_amount > 0
GROUP BY
  o.customer_id,
  w.segment,
  o.order_id,
  o.ordered_on,
  l.category,
  o.in_window"""


def read_baskets(engine: Engine, tables: Tables, labels: Table, economics: EconomicsConfig) -> Baskets | None:
    """The baskets of at most 20,000 customers; None without orders, lines or categories."""
    lines, orders = tables.order_lines, tables.orders
    if lines is None or orders is None or not lines.has("category", "order_id") or not orders.has("order_id"):
        return None
    rows = engine.fetch(baskets_sql(tables, labels.name, CUSTOMERS, economics), ROWS)

    def text(name: str) -> NDArray[np.str_]:
        return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.str_)

    def number(name: str) -> Floats:
        return np.asarray(rows[name].to_numpy(), dtype=np.float64)[order]

    columns = [text("customer_id"), text("order_id"), text("category")]
    order = np.lexsort(columns[::-1])
    days = rows["ordered_on"].combine_chunks().to_numpy(zero_copy_only=False).astype("datetime64[D]").astype(np.int64)
    return Baskets(
        columns[0][order], np.asarray(rows["segment"].to_numpy(), dtype=np.int64)[order], columns[1][order],
        days[order], columns[2][order], number("amount"), number("margin"),
        np.asarray(rows["in_window"].to_numpy(zero_copy_only=False), dtype=np.bool_)[order],
    )  # fmt: skip


def shopping(baskets: Baskets, today: int, size: int) -> dict[str, object]:
    """``pairs`` and ``second_purchase`` of one segment, counts scaled up to all ``size`` customers of the study."""
    scale = size / min(size, CUSTOMERS)
    back = second_purchase(baskets, today)
    return {
        "pairs": tuple(replace(pair, orders=round(scale * pair.orders)) for pair in pairs(baskets)),
        "second_purchase": back and replace(back, first_timers=round(scale * back.first_timers)),
    }


def sampled_baskets_notice(size: int) -> tuple[Notice, ...]:
    """What is said where baskets are those of a part of ``size`` customers; nothing where of all."""
    if size <= CUSTOMERS:
        return ()
    text = (
        f"What is bought together and who comes back was read of {CUSTOMERS:,} of {size:,} customers; counts are "
        "scaled up to all."
    )
    return (Notice("baskets-sampled", text, CUSTOMERS),)


def pairs(baskets: Baskets, most: int = MOST_PAIRS) -> tuple[Pair, ...]:
    """Pairs of categories that stand in one order more often than by chance, the largest margin of the second first
    (amount, where the margin of any category is unknown).

    lift = P(both) / (P(first) P(second)) over orders in the window. Its interval is that of the logarithm, linearised,
    with the customer as the unit, because the orders of one customer are alike. Only pairs with at least 30 orders
    whose interval lies above 1 are told; the intervals hold for all such pairs at once (Bonferroni). Of the two
    the one with the larger margin is the second: what to add.
    """
    rows = baskets.of(baskets.in_window)
    if not len(rows.orders):
        return ()
    names, counts = np.unique(rows.categories, return_counts=True)
    names = np.sort(names[np.argsort(-counts, kind="stable")][:MOST_CATEGORIES])
    orders, place = np.unique(rows.orders, return_inverse=True)
    holds = np.zeros((len(orders), len(names)), dtype=np.bool_)
    column = np.searchsorted(names, rows.categories).clip(0, len(names) - 1)
    known = names[column] == rows.categories
    holds[place[known], column[known]] = True
    owner = np.zeros(len(orders), dtype=np.int64)
    owner[place] = np.unique(rows.customers, return_inverse=True)[1]
    margin = {str(name): _known_mean(rows.margins[rows.categories == name]) for name in names}
    amount = {str(name): float(rows.amounts[rows.categories == name].mean()) for name in names}
    worth = {name: amount[name] if None in margin.values() else margin[name] or 0.0 for name in amount}
    found = []
    z = _z_for_all(holds)
    for i, j in combinations(range(len(names)), 2):
        pair = _pair(holds[:, i], holds[:, j], owner, str(names[i]), str(names[j]), worth, z)
        if pair is not None and pair.lift.low > 1:
            found.append(replace(pair, margin=margin[pair.second]))
    ranked = sorted(found, key=lambda p: (-worth[p.second], -p.support.value, p.first, p.second))
    return tuple(ranked[:most])


def _z_for_all(holds: NDArray[np.bool_]) -> float:
    """The normal quantile at which 95% intervals of all pairs with enough orders hold at once."""
    from scipy.special import ndtri

    counts = holds.astype(np.float64)
    together = np.triu(counts.T @ counts, 1)
    return float(ndtri(1 - 0.025 / max(1, int((together >= FEWEST_ORDERS).sum()))))


def _pair(
    has_one: NDArray[np.bool_], has_other: NDArray[np.bool_], owner: NDArray[np.int64], one: str, other: str,
    worth: Mapping[str, float], z: float,
) -> Pair | None:  # fmt: skip
    """The pair without its margin; the category of the larger worth is the second."""
    both = has_one & has_other
    n, n_both, n_one, n_other = len(both), int(both.sum()), int(has_one.sum()), int(has_other.sum())
    if n_both < FEWEST_ORDERS:
        return None
    lift = n_both * n / (n_one * n_other)
    customers = int(owner.max()) + 1
    # influence of each customer on log(lift) = log n_both + log n - log n_one - log n_other
    influence = sum(
        sign * np.bincount(owner, weights=held, minlength=customers) / held.sum()
        for sign, held in ((1, both), (1, np.ones(n)), (-1, has_one), (-1, has_other))
    )
    error = math.sqrt(float(np.sum(np.square(influence))))
    first, second = (one, other) if worth[other] >= worth[one] else (other, one)
    ends = (lift * math.exp(-z * error), lift * math.exp(z * error))
    told = Estimate(lift, *ends, "ratio", n, "log-normal by customer, 95% for all pairs")
    return Pair(first, second, n_both, wilson(n_both, n), told, None)


def _known_mean(margins: Floats) -> float | None:
    """Mean of the known margins; None where fewer than 95% are known."""
    known = margins[np.isfinite(margins)]
    return float(known.mean()) if len(known) >= float(COVERAGE) * len(margins) else None


def second_purchase(baskets: Baskets, today: int) -> SecondPurchase | None:
    """Who came back within 90 days of the first order, and what the second order held; None without orders.

    ``today`` is the day of the snapshot, days since 1970. Only customers whose first order is at least 90 days old are
    asked whether they came back in time.
    """
    if not len(baskets.orders):
        return None
    first: dict[str, tuple[int, str]] = {}
    later: dict[str, tuple[int, str]] = {}
    turn = np.lexsort((-baskets.amounts, baskets.orders, baskets.days, baskets.customers))
    for row in turn:
        who, day, category = str(baskets.customers[row]), int(baskets.days[row]), str(baskets.categories[row])
        if who not in first:
            first[who] = (day, category)
        elif day > first[who][0] and who not in later:
            later[who] = (day, category)
    old = [who for who, (day, _) in first.items() if today - day >= RETURN_DAYS]
    gaps = [later[who][0] - first[who][0] for who in later]
    back = sum(1 for who in old if who in later and later[who][0] - first[who][0] <= RETURN_DAYS)
    return SecondPurchase(
        days=RETURN_DAYS,
        first_timers=len(first) - len(later),
        returned=wilson(back, len(old)) if len(old) >= FEWEST_ORDERS else None,
        median_days=float(np.median(gaps)) if len(gaps) >= FEWEST_ORDERS else None,
        followed_by=_followed(first, later),
    )


def _followed(
    first: Mapping[str, tuple[int, str]], later: Mapping[str, tuple[int, str]]
) -> tuple[tuple[str, str, float], ...]:
    """For every category of at least 30 first orders that had a second: its most frequent category and share."""
    by_first: dict[str, list[str]] = {}
    for who, (_, category) in later.items():
        by_first.setdefault(first[who][1], []).append(category)
    result = []
    for category, seconds in sorted(by_first.items()):
        if len(seconds) >= FEWEST_ORDERS:
            names, counts = np.unique(np.array(seconds), return_counts=True)
            best = int(counts.argmax())
            result.append((category, str(names[best]), float(counts[best] / len(seconds))))
    return tuple(result)
