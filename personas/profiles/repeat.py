"""From orders to lifetime value: repeat purchases, the hold-out beside the naive rule, value by segment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from personas.config import EconomicsConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.estimate import Estimate, Notice
from personas.profiles.intervals import Z95, Use, spreads, stream
from personas.profiles.lifetime import (
    BgNbd,
    GammaGamma,
    discounted_purchases,
    expected_purchases,
    expected_value,
    fit_bgnbd,
    fit_gamma_gamma,
)
from personas.profiles.money_records import HoldOut, Lifetime, PersonaLifetime
from personas.sources.canonical import Tables

Floats = NDArray[np.float64]
FEWEST_WEEKS = 26
FEWEST_REPEATERS = 30
LARGEST_CORRELATION = 0.3
CONTRACT_LIKE = 0.05
"""Median spread of the pauses, in mean pauses, below which orders look like payments of a contract."""
LIMIT = 100_000
FITTED = 20_000
YEAR = 52.0
GRADIENT_ROWS = 200
REPLICATES = 599


@dataclass(frozen=True, slots=True)
class Repeats:
    """One row per customer with an order before the cut, in the order of the md5 of the id; weeks.

    ``segments`` (n,) -1 where set aside, ``x``, ``t_x``, ``T`` of the models, ``z`` mean value of a repeat purchase (0
    without one), ``later`` purchase days from the cut on.
    """

    segments: NDArray[np.int64]
    x: Floats
    t_x: Floats
    T: Floats
    z: Floats
    later: Floats
    ids: NDArray[np.str_]

    def of(self, rows: NDArray[np.bool_] | slice) -> Repeats:
        """Only those rows."""
        return Repeats(*(getattr(self, name)[rows] for name in self.__slots__))


def days_sql(orders: str) -> str:
    """One row per customer and day with a sale: several orders of one day are one purchase."""
    return f"""SELECT
  customer_id,
  ordered_on,
  SUM(net_amount) AS amount
FROM {quoted(orders)}
WHERE is_sale
GROUP BY
  customer_id,
  ordered_on"""


def repeats_sql(labels: str, cut: date, limit: int) -> str:
    """Per customer: first and last day before ``cut``, days, amount of the repeat days, days from the cut on."""
    day = f"CAST({text_literal(cut.isoformat())} AS DATE)"
    return f"""SELECT
  d.customer_id AS customer_id,
  MAX(COALESCE(l.segment, -1)) AS segment,
  MIN(f.first_on) AS first_on,
  MAX(CASE WHEN d.ordered_on < {day} THEN d.ordered_on END) AS last_on,
  COUNT(CASE WHEN d.ordered_on < {day} THEN 1 END) AS days,
  SUM(CASE WHEN d.ordered_on < {day} AND d.ordered_on > f.first_on THEN d.amount ELSE 0 END) AS repeat_amount,
  COUNT(CASE WHEN d.ordered_on >= {day} THEN 1 END) AS later
FROM lifetime_days AS d
JOIN (
  SELECT
    customer_id,
    MIN(ordered_on) AS first_on
  FROM lifetime_days
  GROUP BY customer_id
) AS f ON f.customer_id = d.customer_id
LEFT JOIN {quoted(labels)} AS l ON l.customer_id = d.customer_id
WHERE f.first_on < {day}
GROUP BY d.customer_id
ORDER BY md5(CAST(d.customer_id AS VARCHAR)) NULLS LAST, d.customer_id NULLS LAST
LIMIT {int(limit)}"""


def read_repeats(engine: Engine, labels: Table, cut: date) -> Repeats:
    """The table as the models want it. Observation ends on the day before ``cut``. Needs ``lifetime_days``."""
    rows = engine.fetch(repeats_sql(labels.name, cut, LIMIT), LIMIT)

    def days_of(name: str) -> Floats:
        found = rows[name].combine_chunks().to_numpy(zero_copy_only=False).astype("datetime64[D]")
        return np.asarray(found.astype(np.int64), dtype=np.float64)

    def number(name: str) -> Floats:
        return np.asarray(rows[name].to_numpy(), dtype=np.float64)

    first, end = days_of("first_on"), float((cut - timedelta(days=1) - date(1970, 1, 1)).days)
    x = number("days") - 1
    z = np.divide(number("repeat_amount"), x, out=np.zeros(len(x)), where=x > 0)
    segments = np.asarray(rows["segment"].to_numpy(), dtype=np.int64)
    ids = np.asarray(rows["customer_id"].to_pylist(), dtype=np.str_)
    return Repeats(segments, x, (days_of("last_on") - first) / 7, (end - first) / 7, z, number("later"), ids)


def forecast(
    engine: Engine, labels: Table, tables: Tables, economics: EconomicsConfig, margins: Mapping[int, float],
    pauses: Floats, seed: int,
) -> tuple[Lifetime, dict[int, PersonaLifetime], dict[int, Estimate], list[Notice], dict[str, float]]:  # fmt: skip
    """The forecast of everyone, of each segment of ``margins``, the value of a customer of each, and of each customer.

    ``margins`` is what stays of a unit of revenue, by segment; ``pauses`` (n,) spread of each customer's pauses.
    """
    months, rate = economics.lifetime_months, economics.discount_rate
    start = _start(engine, tables)
    end = tables.snapshot_date
    weeks = (end - start).days / 7 if start else 0.0
    refused = _refused(weeks, economics, pauses)
    if not refused and tables.orders is not None:
        engine.make("lifetime_days", days_sql(tables.orders.name))
        everyone = read_repeats(engine, labels, end)
        if (everyone.x > 0).sum() < FEWEST_REPEATERS:
            refused = f"fewer than {FEWEST_REPEATERS} customers bought twice"
    if refused:
        notice = Notice("lifetime-refused", f"No lifetime value: {refused}.")
        return Lifetime(months, rate, refused), {}, {}, [notice], {}
    cut = end - timedelta(days=(end - start).days // 2)  # type: ignore[operator]  # start is known: weeks are enough
    before = read_repeats(engine, labels, cut)
    checks = _hold_outs(before, (end - cut).days / 7, margins)
    model = fit_bgnbd(*_fitted(everyone))
    found, values, each = {}, {}, dict[str, float]()
    for g, margin in margins.items():
        own = everyone.of(everyone.segments == g)
        check = checks.get(g)
        if check is None or check.customers < FEWEST_REPEATERS:
            old = 0 if check is None else check.customers
            found[g] = PersonaLifetime(f"{old} of them bought before the hold-out, too few to check a forecast")
            continue
        random = stream(seed, 11, g, Use.FORECAST)
        found[g], value, worth = _segment(own, model, margin, months, rate, tables.currency, random)
        orders = found[g].orders
        found[g] = replace(found[g], hold_out=check, orders=None if orders is None else _stretched(orders, check))
        if value is not None:
            values[g] = _stretched(value, check)
            each.update(zip(own.ids.tolist(), worth.tolist(), strict=True))
    names = (("r", model.r), ("alpha", model.alpha), ("a", model.a), ("b", model.b))
    return Lifetime(months, rate, "", checks[-1], names), found, values, _notices(checks[-1], found), each


def portfolio(values: Mapping[int, Estimate], sizes: Mapping[int, int]) -> Estimate:
    """Lifetime values added up over customers, never with the value of referrals (method 9.12).

    The ends are the sums of the ends, because the segments share the parameters of one fit.
    """
    sums = [sum(getattr(v, end) * sizes[g] for g, v in values.items()) for end in ("value", "low", "high")]
    first = next(iter(values.values()))
    return Estimate(sums[0], sums[1], sums[2], first.unit, sum(sizes[g] for g in values), "sum of the segments' ends")


def _start(engine: Engine, tables: Tables) -> date | None:
    """The first day with a sale."""
    if tables.orders is None:
        return None
    sql = f"SELECT MIN(ordered_on) AS first_on FROM {quoted(tables.orders.name)} WHERE is_sale"
    first: date | None = engine.fetch(sql, 1).to_pylist()[0]["first_on"]
    return first


def _refused(weeks: float, economics: EconomicsConfig, pauses: Floats) -> str:
    """The condition that fails, or nothing."""
    if economics.contracts:
        return "customers pay by contract (economics.contracts), and the model is for buying without one"
    if weeks <= 0:
        return "there are no orders"
    if weeks < FEWEST_WEEKS:
        return f"the orders span {weeks:.0f} weeks, and {FEWEST_WEEKS} are needed"
    known = pauses[np.isfinite(pauses)]
    if len(known) and float(np.median(known)) < CONTRACT_LIKE:
        return "orders come at fixed distances, as payments of a contract do"
    return ""


def _fitted(rows: Repeats) -> tuple[Floats, Floats, Floats]:
    return rows.x[:FITTED], rows.t_x[:FITTED], rows.T[:FITTED]


def _hold_outs(before: Repeats, weeks: float, margins: Mapping[int, float]) -> dict[int, HoldOut]:
    """The forecast of the second half from a fit on the first, everyone (-1) and by segment.

    Naive: as many purchases as in the first half. Its length is that of the second to a day.
    """
    if (before.x > 0).sum() < FEWEST_REPEATERS:
        return {-1: HoldOut(weeks, len(before.x), 0.0, 0.0, 0.0)}
    model = fit_bgnbd(*_fitted(before))
    predicted = expected_purchases(model, before.x, before.t_x, before.T, weeks)
    result = {}
    for g in (-1, *margins):
        rows = before.segments == g if g >= 0 else np.ones(len(before.x), dtype=np.bool_)
        sums = (predicted[rows].sum(), before.later[rows].sum(), before.x[rows].sum())
        result[g] = HoldOut(weeks, int(rows.sum()), *(float(total) for total in sums))
    return result


def _segment(
    own: Repeats, model: BgNbd, margin: float, months: int, rate: float, currency: str, random: np.random.Generator
) -> tuple[PersonaLifetime, Estimate | None, Floats]:
    """Forecast, mean value and value of each customer; refused where the model of spend does not hold."""
    n = len(own.x)
    if n < FEWEST_REPEATERS:
        return PersonaLifetime(f"{n} customers are too few"), None, np.zeros(0)
    year = expected_purchases(model, own.x, own.t_x, own.T, YEAR)
    orders = _interval(year, _gradient(own, model, None, months, rate, YEAR), "orders", random)
    naive = float((own.x + 1).sum() / np.maximum(own.T, 1 / 7).sum() * YEAR)
    spends = (own.x > 0) & (own.z > 0)
    forecast = PersonaLifetime("", orders, naive, margin=margin)
    if spends.sum() < FEWEST_REPEATERS:
        why = f"{int(spends.sum())} customers bought twice, and {FEWEST_REPEATERS} are needed"
        return replace(forecast, refused=why), None, np.zeros(0)
    x, z = own.x[spends], own.z[spends]
    correlation = float(np.corrcoef(x, z)[0, 1]) if x.std() > 0 and z.std() > 0 else 0.0
    forecast = replace(forecast, correlation=correlation)
    if abs(correlation) > LARGEST_CORRELATION:
        why = f"how often and how much are bought go together (correlation {correlation:.2f}, at most 0.3 is allowed)"
        return replace(forecast, refused=why), None, np.zeros(0)
    spend = fit_gamma_gamma(x[:FITTED], z[:FITTED])
    if spend.q <= 1:
        why = f"the value of orders has no mean (q = {spend.q:.2f}, above 1 is needed)"
        return replace(forecast, refused=why), None, np.zeros(0)
    ahead = discounted_purchases(model, own.x, own.t_x, own.T, months, rate)
    worth = margin * ahead * expected_value(spend, np.where(own.z > 0, own.x, 0.0), own.z)
    error = abs(margin) * _gradient(own, model, spend, months, rate, YEAR)
    return forecast, _interval(worth, error, currency, random), worth


def _stretched(value: Estimate, check: HoldOut) -> Estimate:
    """The interval reaching as far as the hold-out of the segment says that the forecast is off."""
    if check.actual == 0 or check.predicted == 0:
        return value
    told = value.value * check.actual / check.predicted
    basis = "bootstrap-t, parameters and hold-out, 95%"
    return replace(value, low=min(value.low, told), high=max(value.high, told), basis=basis)


def _interval(values: Floats, error: float, unit: str, random: np.random.Generator) -> Estimate:
    """The mean with bootstrap-t over customers, widened by the standard error that the parameters add."""
    n = len(values)
    sampled = spreads(values[:, None], np.array([n]), REPLICATES, random)[0].around(float(values.mean()), unit, n)
    low, high = ((sampled.value - end) ** 2 + (Z95 * error) ** 2 for end in (sampled.low, sampled.high))
    return Estimate(
        sampled.value, sampled.value - math.sqrt(low), sampled.value + math.sqrt(high), unit, n,
        "bootstrap-t and parameters, 95%",
    )  # fmt: skip


def _gradient(own: Repeats, model: BgNbd, spend: GammaGamma | None, months: int, rate: float, weeks: float) -> float:
    """Standard error that the parameters add to a mean: delta method, from the first customers of the segment."""
    few = own.of(slice(0, GRADIENT_ROWS))

    def mean(logs: Floats) -> float:
        moved = replace(model, **dict(zip(("r", "alpha", "a", "b"), np.exp(logs[:4]).tolist(), strict=True)))
        if spend is None:
            return float(expected_purchases(moved, few.x, few.t_x, few.T, weeks).mean())
        other = replace(spend, **dict(zip(("p", "q", "gamma"), np.exp(logs[4:]).tolist(), strict=True)))
        values = expected_value(other, np.where(few.z > 0, few.x, 0.0), few.z)
        return float((discounted_purchases(moved, few.x, few.t_x, few.T, months, rate) * values).mean())

    blocks = [(model.logs, model.covariance)] + ([(spend.logs, spend.covariance)] if spend else [])
    logs = np.concatenate([block for block, _ in blocks])
    slopes = np.array([(mean(logs + h) - mean(logs - h)) / 2e-4 for h in 1e-4 * np.eye(len(logs))])
    variance, place = 0.0, 0
    for block, covariance in blocks:
        part = slopes[place : place + len(block)]
        variance, place = variance + float(part @ covariance @ part), place + len(block)
    return math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else 0.0


def _notices(check: HoldOut, found: Mapping[int, PersonaLifetime]) -> list[Notice]:
    """What the reader must know of the forecast."""
    text = (
        "Lifetime value takes buying as random in time: who bought once counts as still there, and may be given a "
        "larger expected order than who came back."
    )
    notices = [Notice("lifetime-model", text)]
    if check.error is not None and check.naive_error is not None and abs(check.error) > abs(check.naive_error):
        text = "In the hold-out the naive rule was nearer than the forecast: read lifetime value with care."
        notices.append(Notice("lifetime-worse-than-naive", text))
    refused = [(g, own.refused) for g, own in found.items() if own.refused]
    notices += [Notice("lifetime-refused", f"No lifetime value for segment {g}: {why}.") for g, why in refused]
    return notices
