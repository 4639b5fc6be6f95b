"""Profiles of everyone and of every segment: facts, money, months, RFM, archetypes, rules, stability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from personas.config import Config, RfmConfig
from personas.engines import Engine, Table
from personas.engines.portable import quoted
from personas.errors import InputError
from personas.estimate import Notice, exact
from personas.features.coding import FeatureMatrix
from personas.features.feature import Customers
from personas.profiles.archetypes import archetype_means, archetype_scores, leading_archetype
from personas.profiles.economics import GroupMoney, money
from personas.profiles.facts import EVERYONE, GROUPS_LIMIT, Sample, facts
from personas.profiles.intervals import wilson
from personas.profiles.ledger import build_ledger, totals
from personas.profiles.lifecycle import stage_shares, stages_of
from personas.profiles.records import Fact, Profile, Profiles
from personas.profiles.rfm import rfm_segments, rfm_shares
from personas.profiles.rule import describe_rule, find_conditions
from personas.profiles.set_aside import set_aside
from personas.profiles.values import LIMIT, Read, customer_values
from personas.profiles.worth import Context, with_worth
from personas.segmentation.records import Segmentation
from personas.sources.canonical import Tables

Progress = Callable[[str, float], None]
DAYS_OF_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
CORE = 0.9
"""A customer belongs to the core when this share of resamples put it into its segment (method 8.1)."""


def describe(
    customers: Customers, labels: Table, tables: Tables, matrix: FeatureMatrix, segmentation: Segmentation,
    config: Config, progress: Progress | None = None, read: Read | None = None,
) -> Profiles:  # fmt: skip
    """What every segment is like and worth.

    ``labels`` has customer_id, segment, membership and confidence of the customers who were clustered or assigned.
    Statistics and sums are exact over all of them; intervals, Cliff's delta, RFM and archetypes come from at most
    100,000 customers drawn by the md5 of their id: ``read``, where ``customer_values`` gave them already. Raises
    InputError when nobody belongs to a segment.
    """
    from threadpoolctl import threadpool_limits

    # Sums of several threads differ in the last digit with their number.
    with threadpool_limits(1):
        return _describe(
            customers, labels, tables, matrix, segmentation, config, progress or (lambda text, share: None), read
        )


def _describe(
    customers: Customers, labels: Table, tables: Tables, matrix: FeatureMatrix, segmentation: Segmentation,
    config: Config, say: Progress, read: Read | None,
) -> Profiles:  # fmt: skip
    """``describe`` on one thread."""
    engine, seed, currency = customers.engine, config.study.seed, tables.currency
    groups = _groups(engine, labels)
    sizes = {EVERYONE: sum(size for size, _ in groups.values()), **{g: size for g, (size, _) in groups.items()}}
    say("measuring the segments", 0.0)
    ids, segments, values = read or customer_values(customers, labels, customers.features)
    sample = Sample(segments, values)
    found = facts(customers, labels, sizes, sample, currency, seed)
    say("counting the money", 0.5)
    ledger = build_ledger(engine, customers.table, labels, tables, config)
    sums = totals(engine, ledger)
    worth, warnings = money(engine, ledger, sums, sizes, currency, tables.window_days, seed, LIMIT)
    say("finding rules", 0.75)
    profiles = _profiles(found, worth, sizes, sample, _months(engine, labels, tables), config.rfm)
    segments_found = [
        _with_evidence(p, customers, labels, matrix, segmentation, sample, sizes, groups, currency)
        for g, p in profiles.items() if g != EVERYONE
    ]  # fmt: skip
    profiles_found = Profiles(
        everyone=profiles[EVERYONE],
        segments=tuple(sorted(segments_found, key=_order)),
        currency=currency,
        set_aside=set_aside(customers, ledger, segmentation),
        notices=(*ledger.notices, *warnings, *_sampled(sizes[EVERYONE])),
        assumptions=ledger.assumptions,
    )
    say("working out what they are worth", 0.8)
    context = Context(customers, labels, tables, matrix, segmentation, config, ledger, sums, sample, ids)
    result = with_worth(profiles_found, context)
    say("profiles are ready", 1.0)
    return result


def groups_sql(labels: str) -> str:
    """Customers per segment, how many have a confidence, and how many are core."""
    return f"""SELECT
  segment,
  COUNT(*) AS customers,
  COUNT(confidence) AS known,
  COUNT(CASE WHEN confidence >= CAST('{CORE}' AS DOUBLE) THEN 1 END) AS core
FROM {quoted(labels)}
GROUP BY segment"""


def _groups(engine: Engine, labels: Table) -> dict[int, tuple[int, float | None]]:
    """Size and core share of every segment, by segment."""
    rows = engine.fetch(groups_sql(labels.name), GROUPS_LIMIT).to_pylist()
    if not rows:
        raise InputError("nobody belongs to a segment, so there is nothing to describe")
    return {
        int(r["segment"]): (int(r["customers"]), r["core"] / r["known"] if r["known"] else None)
        for r in sorted(rows, key=lambda r: int(r["segment"]))
    }


def months_sql(orders: str, labels: str) -> str:
    """Sales in the window per segment and calendar month."""
    return f"""SELECT
  l.segment AS segment,
  MONTH(o.ordered_on) AS month,
  COUNT(*) AS orders
FROM {quoted(orders)} AS o
JOIN {quoted(labels)} AS l ON l.customer_id = o.customer_id
WHERE o.in_window AND o.is_sale
GROUP BY l.segment, MONTH(o.ordered_on)"""


def _months(engine: Engine, labels: Table, tables: Tables) -> dict[int, tuple[float, ...]]:
    """Share of a year's orders in each month by group; groups without an order are left out.

    Orders count by the days of the month that the window covers, because 400 days hold some months twice. A window
    that is shorter than a year has no share of a year.
    """
    if tables.orders is None or tables.window_days < 365:
        return {}
    covered = [0] * 12
    for back in range(1, tables.window_days + 1):
        covered[(tables.snapshot_date - timedelta(days=back)).month - 1] += 1
    counts: dict[int, list[float]] = {}
    for row in engine.fetch(months_sql(tables.orders.name, labels.name), GROUPS_LIMIT).to_pylist():
        for group in (int(row["segment"]), EVERYONE):
            month = int(row["month"]) - 1
            counts.setdefault(group, [0.0] * 12)[month] += row["orders"] * DAYS_OF_MONTHS[month] / covered[month]
    return {group: tuple(n / sum(by_month) for n in by_month) for group, by_month in counts.items()}


def _profiles(
    found: Mapping[int, Mapping[str, Fact]], worth: Mapping[int, GroupMoney], sizes: Mapping[int, int], sample: Sample,
    months: Mapping[int, tuple[float, ...]], rules: RfmConfig,
) -> dict[int, Profile]:  # fmt: skip
    """The profile of every group, without what only segments have."""
    names, scores = rfm_segments(sample.values, rules), archetype_scores(sample.values)
    stages = stages_of(sample.values)
    result = {}
    for group, size in sizes.items():
        inside = sample.rows(group)
        means = archetype_means(scores, inside)
        whole = group == EVERYONE
        result[group] = Profile(
            segment=group,
            customers=exact(size, "customers", size),
            share=exact(1, "share", size) if whole else wilson(size, sizes[EVERYONE]),
            facts=found[group],
            economics=worth[group].economics,
            revenue_share=worth[group].revenue_share,
            contribution_share=worth[group].contribution_share,
            months=months.get(group),
            rfm=rfm_shares(names, inside),
            lifecycle=stage_shares(stages, inside),
            archetypes=means,
            archetype=None if whole else leading_archetype(means),
        )
    return result


def _with_evidence(
    profile: Profile, customers: Customers, labels: Table, matrix: FeatureMatrix, segmentation: Segmentation,
    sample: Sample, sizes: Mapping[int, int], groups: Mapping[int, tuple[int, float | None]], currency: str,
) -> Profile:  # fmt: skip
    """The profile of a segment with its rule, stability and core share."""
    g = profile.segment
    measured = {feature.name for feature in customers.features}
    features = [feature for feature in matrix.features if feature.name in measured]
    features += [customers.feature(segmentation.stage_feature)] if segmentation.stages else []
    conditions = find_conditions(sample.values, features, sample.segments, g)
    return replace(
        profile,
        rule=describe_rule(customers, labels, features, conditions, g, sizes, currency),
        stability=segmentation.stability[g] if g < len(segmentation.stability) else None,
        core_share=groups[g][1],
    )


def _order(profile: Profile) -> tuple[float, float, int]:
    """By total contribution, by size where it is unknown; ties by size, then by first centroid (= segment number)."""
    worth = profile.economics.total_contribution
    return (-worth.value if worth else 0.0, -profile.customers.value, profile.segment)


def _sampled(size: int) -> tuple[Notice, ...]:
    if size <= LIMIT:
        return ()
    text = (
        f"Intervals, effects, RFM and archetypes come from {LIMIT:,} of {size:,} customers; means and sums from all. "
        "Customers of an RFM name and referrals are counted among them and scaled up to all."
    )
    return (Notice("profiles-sampled", text, LIMIT),)
