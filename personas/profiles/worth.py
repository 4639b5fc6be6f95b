"""What the profiles are worth beyond the ledger: losses, forecasts, what-ifs, tests and claims, added to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from personas.config import Config
from personas.engines import Table
from personas.engines.portable import quoted, text_literal
from personas.estimate import Assumption, Estimate, exact
from personas.features.coding import FeatureMatrix
from personas.features.feature import Customers
from personas.profiles.affinity import read_baskets, sampled_baskets_notice, shopping
from personas.profiles.branches import branches, moved_money
from personas.profiles.claims import MOST_ROWS, claims, defining, definitions, sampled_notice, untested_notice
from personas.profiles.crosses import INFLUENCE, REFERRAL_VALUE, money_a_year, quadrants, rfm_table
from personas.profiles.economics import read_sample
from personas.profiles.experiment import plan_test
from personas.profiles.facts import EVERYONE, GROUPS_LIMIT, Sample
from personas.profiles.intervals import FEWEST, wilson
from personas.profiles.ledger import Ledger
from personas.profiles.losses import losses
from personas.profiles.null_effects import null_effects
from personas.profiles.records import Economics, Profile, Profiles
from personas.profiles.referral import referrals
from personas.profiles.repeat import forecast, portfolio
from personas.profiles.service import channel_moves, service_order
from personas.profiles.trials import trials
from personas.profiles.values import LIMIT
from personas.profiles.whale import whale
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.records import Segmentation
from personas.segmentation.stages import with_stage
from personas.sources.canonical import Tables

Sums = Mapping[int | None, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Context:
    """What the profiles were made from."""

    customers: Customers
    labels: Table
    tables: Tables
    matrix: FeatureMatrix
    segmentation: Segmentation
    config: Config
    ledger: Ledger
    sums: Sums
    sample: Sample
    ids: NDArray[np.str_]


def with_worth(profiles: Profiles, context: Context) -> Profiles:
    """The profiles with everything that ``money_records`` names, as far as it can be known."""
    steps = (_with_losses, _with_moves, _with_lifetime, _with_tests, _with_trials, _with_affinity, _with_crosses,
             _with_claims)  # fmt: skip
    for step in steps:
        profiles = step(profiles, context)
    turns = service_order(profiles.segments)
    floor, engine = context.config.economics.service_floor_days, context.customers.engine
    matrix, made_from = context.matrix, (engine, context.ledger, context.matrix.ids, context.segmentation)
    every_k = branches(*made_from, matrix.raw.get(context.segmentation.stage_feature))
    profiles = replace(profiles, branches=every_k, moved_money=moved_money(*made_from))
    return replace(profiles, service_order=turns, service_floor_days=floor if turns else None)


def _sizes(profiles: Profiles) -> dict[int, int]:
    return {p.segment: round(p.customers.value) for p in (profiles.everyone, *profiles.segments)}


def _each(profiles: Profiles, change: Mapping[int, Mapping[str, object]]) -> Profiles:
    """The profiles with fields replaced, by segment."""

    def one(profile: Profile) -> Profile:
        return replace(profile, **change.get(profile.segment, {}))  # type: ignore[arg-type]  # names of its own fields

    return replace(profiles, everyone=one(profiles.everyone), segments=tuple(one(p) for p in profiles.segments))


def _with_losses(profiles: Profiles, context: Context) -> Profiles:
    """Losing customers with their causes, and the whale curve."""
    engine, ledger = context.customers.engine, context.ledger
    found = losses(engine, ledger, context.tables, _sizes(profiles))
    if not found:
        return profiles
    money = read_sample(engine, ledger, LIMIT)
    order = tuple(p.segment for p in profiles.segments)
    contribution = money.x[:, money.known.index("contribution")]
    curve = whale(contribution, money.segments, order, _sizes(profiles)[EVERYONE])
    return replace(_each(profiles, {g: {"loss": loss} for g, loss in found.items()}), whale=curve)


def _with_moves(profiles: Profiles, context: Context) -> Profiles:
    """The configured move of service."""
    contribution = {p.segment: p.economics.contribution for p in (profiles.everyone, *profiles.segments)}
    economics, seed = context.config.economics, context.config.study.seed
    found, notices, assumptions = channel_moves(
        context.customers.engine, context.ledger, context.tables, economics, _sizes(profiles), contribution, seed
    )
    profiles = _each(profiles, {g: {"move": move} for g, move in found.items()})
    return replace(
        profiles,
        notices=(*profiles.notices, *notices),
        assumptions=(*profiles.assumptions, *assumptions),
    )


def _with_lifetime(profiles: Profiles, context: Context) -> Profiles:
    """Forecast and lifetime value."""
    economics, tables = context.config.economics, context.tables
    margins = {p.segment: margin for p in profiles.segments if (margin := _kept(p, context)) is not None}
    pauses = np.asarray(context.sample.values.get("gap_variation", np.full(1, np.nan)), dtype=np.float64)
    whole, found, values, notices, each = forecast(
        context.customers.engine, context.labels, tables, economics, margins, pauses, context.config.study.seed
    )
    change: dict[int, dict[str, object]] = {}
    for p in profiles.segments:
        if p.segment not in found:
            continue
        orders = p.facts.get("orders_per_year")
        naive = orders.mean.value if orders and orders.mean else found[p.segment].naive_orders
        worth = replace(p.economics, lifetime_value=values.get(p.segment))
        change[p.segment] = {"lifetime": replace(found[p.segment], naive_orders=naive), "economics": worth}
    assumptions = profiles.assumptions
    if values:
        whole = replace(whole, portfolio=portfolio(values, _sizes(profiles)))
        words = "{} months ahead, discounted at {} a year; an order keeps leaving what it leaves now before marketing"
        amounts = (exact(economics.lifetime_months, "months", 0), exact(economics.discount_rate, "share", 0))
        assumptions = (*assumptions, Assumption("lifetime value", words, amounts))
    sample, seed = context.sample, context.config.study.seed
    brought, value, aside = referrals(context.customers.engine, tables, context.ids, sample.segments, each, seed)
    crossed = None
    if value is not None:
        ahead = np.array([each.get(who, np.nan) for who in context.ids.tolist()])
        order = tuple(p.segment for p in profiles.segments)
        crossed = quadrants(ahead, value, sample.segments, order, ("lifetime value", REFERRAL_VALUE))
    for g, own in brought.items():
        in_sample = int((sample.segments == g).sum())
        change.setdefault(g, {})["referrals"] = own.scaled(_sizes(profiles)[g] / in_sample)
    told = () if tables.orders is None else (*notices, *aside)
    return replace(
        _each(profiles, change), lifetime=whole, notices=(*profiles.notices, *told), assumptions=assumptions,
        quadrants=crossed,
    )  # fmt: skip


def _kept(profile: Profile, context: Context) -> float | None:
    """What stays of a unit of revenue: contribution before marketing, else gross margin, else all of it."""
    sums = context.sums.get(profile.segment, {})
    revenue = sums.get("revenue", Decimal(0))
    if revenue <= 0:
        return None
    if "contribution" in sums:
        return float((sums["contribution"] + sums.get("marketing_cost", Decimal(0))) / revenue)
    return float(sums.get("gross_margin", revenue) / revenue)


def _with_tests(profiles: Profiles, context: Context) -> Profiles:
    """Break-even of an action, who grew without one, and the plan of a test."""
    economics = context.config.economics
    cost = economics.action_cost_per_customer
    cost = economics.marketing_cost_per_customer if cost is None else cost
    grew = _grew(profiles, context, cost)
    orders = np.asarray(context.sample.values.get("orders_per_year", np.zeros(0)), dtype=np.float64)
    change: dict[int, dict[str, object]] = {}
    for p in profiles.segments:
        margin = _margin_an_order(p, context)
        fields: dict[str, object] = {"grew": grew.get(p.segment)}
        own = orders[context.sample.rows(p.segment)] if len(orders) else orders
        own = own[np.isfinite(own)]
        pays = margin is None or margin.value > 0
        if len(own) and own.mean() > 0 and pays:
            fields["test"] = plan_test(
                round(p.customers.value), own, context.tables.window_days, cost, margin.value if margin else None
            )
        if cost is not None and margin is not None and margin.low > 0:
            fields["economics"] = _with_break_even(p.economics, cost, margin)
        change[p.segment] = fields
    profiles = _each(profiles, change)
    if cost is None:
        return profiles
    taken = ", as much as marketing costs now" if economics.action_cost_per_customer is None else ""
    price = exact(cost, f"{profiles.currency}/year", 0)
    assumed = Assumption("an action", f"{{}} per customer and year{taken}", (price,))
    return replace(profiles, assumptions=(*profiles.assumptions, assumed))


def _with_trials(profiles: Profiles, context: Context) -> Profiles:
    """Results of tests of actions."""
    if not context.config.experiments:
        return profiles
    kept = {p.segment: (share, _level(p)) for p in profiles.segments if (share := _kept(p, context)) is not None}
    found, notices = trials(context.customers.engine, context.tables, context.labels, context.config, kept)
    profiles = _each(profiles, {g: {"trials": own} for g, own in found.items()})
    return replace(profiles, notices=(*profiles.notices, *notices))


def _level(profile: Profile) -> str:
    """What ``_kept`` leaves, in words."""
    if profile.economics.contribution is not None:
        return "contribution before marketing"
    return "gross margin" if profile.economics.gross_margin is not None else "revenue"


def _margin_an_order(profile: Profile, context: Context) -> Estimate | None:
    """What one more order leaves before marketing; service and returns come with it. None without costs."""
    orders, revenue, kept = profile.facts.get("orders_per_year"), profile.economics.revenue, _kept(profile, context)
    if revenue is None or orders is None or orders.mean is None or orders.mean.value <= 0 or kept is None:
        return None
    if profile.economics.gross_margin is None:
        return None
    ends = sorted(kept / orders.mean.value * money for money in (revenue.low, revenue.high))
    return Estimate(kept / orders.mean.value * revenue.value, ends[0], ends[1], "money/order", revenue.n, revenue.basis)


def _with_break_even(economics: Economics, cost: float, margin: Estimate) -> Economics:
    """Extra orders a year per 100 customers that pay for an action."""
    value, low, high = (100 * cost / m for m in (margin.value, margin.high, margin.low))
    estimate = Estimate(value, low, high, "orders/year per 100", margin.n, margin.basis)
    return replace(economics, break_even=estimate)


def grew_sql(orders: str, labels: str, cut: date, rate: str, cost: str) -> str:
    """Per segment: customers who bought in the window before, and those whose margin grew by ``cost`` since.

    ``rate`` and ``cost`` are SQL: what stays of a unit of revenue by segment, and the cost over the window.
    """
    day = f"CAST({text_literal(cut.isoformat())} AS DATE)"
    return f"""SELECT
  segment,
  COUNT(*) AS customers,
  COUNT(CASE WHEN (now_amount - before_amount) * {rate} >= {cost} THEN 1 END) AS grew
FROM (
  SELECT
    l.segment AS segment,
    o.customer_id AS customer_id,
    CAST(SUM(CASE WHEN o.in_window THEN o.net_amount ELSE 0 END) AS DOUBLE) AS now_amount,
    CAST(SUM(CASE WHEN o.in_window THEN 0 ELSE o.net_amount END) AS DOUBLE) AS before_amount
  FROM {quoted(orders)} AS o
  JOIN {quoted(labels)} AS l ON l.customer_id = o.customer_id
  WHERE o.ordered_on >= {day}
  GROUP BY
    l.segment,
    o.customer_id
  HAVING COUNT(CASE WHEN NOT o.in_window THEN 1 END) > 0
) AS w
GROUP BY segment"""


def _grew(profiles: Profiles, context: Context, cost: float | None) -> dict[int, Estimate]:
    """Share of each segment that grew by the cost of an action without it; empty where the window before is unknown."""
    tables = context.tables
    rates = {p.segment: _rate(p) for p in profiles.segments}
    if cost is None or tables.orders is None or any(rate is None for rate in rates.values()):
        return {}
    engine = context.customers.engine
    start = tables.snapshot_date - timedelta(days=2 * tables.window_days)
    first = engine.fetch(f"SELECT MIN(ordered_on) AS first_on FROM {quoted(tables.orders.name)}", 1).to_pylist()[0]
    if first["first_on"] is None or first["first_on"] > start + timedelta(days=tables.window_days // 10):
        return {}
    cases = " ".join(f"WHEN {g} THEN CAST({text_literal(f'{rate:.6f}')} AS DOUBLE)" for g, rate in rates.items())
    spent = f"CAST({text_literal(f'{cost * tables.window_days / 365:.6f}')} AS DOUBLE)"
    sql = grew_sql(tables.orders.name, context.labels.name, start, f"CASE segment {cases} END", spent)
    rows = engine.fetch(sql, GROUPS_LIMIT).to_pylist()
    enough = [row for row in rows if row["customers"] >= FEWEST]
    return {int(row["segment"]): wilson(int(row["grew"]), int(row["customers"])) for row in enough}


def _rate(profile: Profile) -> float | None:
    margin, revenue = profile.economics.gross_margin, profile.economics.revenue
    return margin.value / revenue.value if margin and revenue and revenue.value > 0 else None


def _with_affinity(profiles: Profiles, context: Context) -> Profiles:
    """Pairs of categories and the second purchase."""
    baskets = read_baskets(context.customers.engine, context.tables, context.labels, context.config.economics)
    if baskets is None:
        return profiles
    today = (context.tables.snapshot_date - date(1970, 1, 1)).days
    size = _sizes(profiles)[EVERYONE]
    change = {p.segment: shopping(baskets.of(baskets.segments == p.segment), today, size) for p in profiles.segments}
    return replace(_each(profiles, change), notices=(*profiles.notices, *sampled_baskets_notice(size)))


def _with_crosses(profiles: Profiles, context: Context) -> Profiles:
    """RFM names and the two by two of value and influence."""
    order, sample = tuple(p.segment for p in profiles.segments), context.sample
    amounts: tuple[NDArray[np.float64], str] | None = None
    if context.ledger.level != "none":
        money = read_sample(context.customers.engine, context.ledger, LIMIT)
        if np.array_equal(money.segments, sample.segments):
            amounts = money_a_year(money, context.tables.window_days)
    x, unit = amounts[0] if amounts else None, f"{profiles.currency}/year"
    table = rfm_table(sample, x, unit, order, context.config.study.seed, _sizes(profiles), context.config.rfm)
    crossed = profiles.quadrants  # of referral value, where that is known
    if crossed is None and amounts is not None and INFLUENCE in sample.values:
        reach = np.asarray(sample.values[INFLUENCE], dtype=np.float64)
        crossed = quadrants(amounts[0], reach, sample.segments, order, (amounts[1], INFLUENCE))
    return replace(profiles, rfm_table=table, rfm_cut=context.config.rfm.cut, quadrants=crossed)


def _with_claims(profiles: Profiles, context: Context) -> Profiles:
    """What differs by definition, what is claimed, and whether it holds."""
    features, values, seed = context.customers.features, context.sample.values, context.config.study.seed
    segmentation = context.segmentation
    basis = tuple(f.name for f in context.matrix.features)
    of_stage = [name for f in features if f.name == segmentation.stage_feature for name in (f.name, *f.needs)]
    named = definitions(features, (*basis, *of_stage), values)
    profiles = replace(profiles, definitions=tuple(sorted(named)))
    X, ids, k = with_stage(context.matrix.X, context.matrix.raw, segmentation), context.matrix.ids, segmentation.k
    in_sample = np.isin(ids, context.ids)
    untested = untested_notice(features, named)
    if len(X) != len(ids) or in_sample.sum() < 2 * k or len(profiles.segments) != k:
        return replace(profiles, notices=(*profiles.notices, *untested))
    chosen = np.flatnonzero(in_sample)
    if len(chosen) > MOST_ROWS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MOST_ROWS).round().astype(np.int64)]
    rows = np.searchsorted(context.ids, ids[chosen])
    models = segmentation.resampled
    found = claims(features, named, values, context.sample.segments, X[chosen], rows, k, models, seed)
    # Stages are kept apart by a rule: there is no structureless data to hold their differences against.
    coding, algorithm = context.matrix.coding, ALGORITHMS.get(segmentation.algorithm)
    thresholds = {} if segmentation.stages else null_effects(context.matrix.X, coding, k, algorithm, seed)
    change: dict[int, dict[str, object]] = {}
    for p in profiles.segments:
        effects = {name: fact.effect.value for name in basis if (fact := p.facts.get(name)) and fact.effect}
        change[p.segment] = {
            "claims": found.get(p.segment, {}), "defining": defining(effects, thresholds) if thresholds else {},
        }  # fmt: skip
    notice = sampled_notice(len(chosen), round(profiles.everyone.customers.value)) if found else untested
    proven = segmentation.verdict in ("natural", "reproducible")
    return replace(
        _each(profiles, change), notices=(*profiles.notices, *notice), only_defining=bool(thresholds) and not proven
    )
