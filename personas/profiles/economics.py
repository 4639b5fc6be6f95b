"""What each group earns and costs: the ledger summed up exactly, with intervals over customers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from personas.engines import Engine
from personas.engines.portable import quoted
from personas.estimate import Estimate, Notice, exact
from personas.profiles.facts import EVERYONE
from personas.profiles.intervals import (
    FEWEST,
    MONEY_REPLICATES,
    Spread,
    Use,
    bootstrap,
    is_dominated,
    percentile_interval,
    skewness,
    spreads,
    stream,
    wilson,
)
from personas.profiles.ledger import Ledger
from personas.profiles.records import Economics

Floats = NDArray[np.float64]
NEVER_NEGATIVE = ("service_cost", "return_cost", "marketing_cost", "acquisition_cost")
VERY_SKEWED = 6.0
"""Sample skewness above which the interval of a mean may be too narrow (method 9.10, our choice)."""


@dataclass(frozen=True, slots=True)
class MoneySample:
    """Ledger rows that left the engine: segments (n,), components (n, m) of the window in the order of ``known``."""

    segments: NDArray[np.int32]
    x: Floats
    known: tuple[str, ...]

    def of(self, segment: int) -> Floats:
        """(n_g, m) rows of the group; everyone for -1."""
        return self.x if segment == EVERYONE else self.x[self.segments == segment]


@dataclass(frozen=True, slots=True)
class GroupMoney:
    """Economics of a group and its shares of everyone's totals."""

    economics: Economics
    revenue_share: Estimate | None
    contribution_share: Estimate | None


def sample_sql(ledger: str, known: tuple[str, ...], limit: int) -> str:
    """Ledger rows of labelled customers, the first ``limit`` by the md5 of the id."""
    columns = "".join(f",\n  CAST({c} AS DOUBLE) AS {c}" for c in known)
    return f"""SELECT
  customer_id,
  segment{columns}
FROM {quoted(ledger)}
WHERE segment IS NOT NULL
ORDER BY md5(CAST(customer_id AS VARCHAR)) NULLS LAST, customer_id NULLS LAST
LIMIT {int(limit)}"""


def losing_sql(ledger: str) -> str:
    """Customers with a negative contribution, per segment."""
    return f"""SELECT
  segment,
  COUNT(CASE WHEN contribution < 0 THEN 1 END) AS losing
FROM {quoted(ledger)}
WHERE segment IS NOT NULL
GROUP BY segment"""


def read_sample(engine: Engine, ledger: Ledger, limit: int) -> MoneySample:
    """The ledger's sample, sorted by customer_id."""
    rows = engine.fetch(sample_sql(ledger.table.name, ledger.known, limit), limit)
    order = np.argsort(np.asarray(rows["customer_id"].to_pylist(), dtype=np.str_), kind="stable")
    segments = np.asarray(rows["segment"].to_numpy(), dtype=np.int32)[order]
    columns = [np.asarray(rows[c].to_numpy(), dtype=np.float64)[order] for c in ledger.known]
    return MoneySample(segments, np.column_stack(columns), ledger.known)


def money(
    engine: Engine, ledger: Ledger, totals: Mapping[int | None, Mapping[str, Decimal]], sizes: Mapping[int, int],
    currency: str, window_days: int, seed: int, limit: int,
) -> tuple[dict[int, GroupMoney], list[Notice]]:  # fmt: skip
    """Money of every group in ``sizes`` (-1 is everyone who belongs to a segment), and what to know about it."""
    if ledger.level == "none":
        return {group: GroupMoney(Economics("none"), None, None) for group in sizes}, []
    sample = read_sample(engine, ledger, limit)
    sums = {g: dict(totals[g]) for g in sizes if g != EVERYONE}
    sums[EVERYONE] = {c: sum((s[c] for s in sums.values()), Decimal(0)) for c in ledger.known}
    losing = {}
    if "contribution" in ledger.known:
        rows = engine.fetch(losing_sql(ledger.table.name), 100_000).to_pylist()
        losing = {row["segment"]: int(row["losing"]) for row in rows}
        losing[EVERYONE] = sum(losing.values())
    resampled = {g: _resampled(sample.of(g), sizes[g], seed, g) for g in sizes}
    draws = {g: means for g, (_, means) in resampled.items()}
    shares = {c: _shares(c, sample, draws, sums, sizes, seed) for c in ("revenue", "contribution")}
    found, notices = {}, []
    for group, size in sizes.items():
        x = sample.of(group)
        scale = 365 / window_days
        lost, random = losing.get(group), stream(seed, 11, group, Use.RETURN)
        economics = _economics(x, ledger, sums[group], size, lost, resampled[group][0], currency, scale, random)
        found[group] = GroupMoney(economics, shares["revenue"].get(group), shares["contribution"].get(group))
        notices += _warnings(group, size, x, ledger.known)
    if "contribution" in ledger.known and sums[EVERYONE]["contribution"] <= 0:
        text = "All customers together contribute nothing or less, so shares of contribution have no meaning."
        notices.append(Notice("contribution-not-positive", text))
    return found, notices


def _resampled(x: Floats, size: int, seed: int, group: int) -> tuple[list[Spread], Floats]:
    """Spread of every component, and resampled means (1999, m) that spread like those of all ``size`` customers."""
    population = np.full(x.shape[1], size, dtype=np.int64)
    spread, means = bootstrap(x, population, MONEY_REPLICATES, stream(seed, 11, group, Use.MONEY))
    if not len(x):
        return spread, means
    centre = x.mean(axis=0)
    result: Floats = centre + (means - centre) * math.sqrt(len(x) / size)
    return spread, result


def _shares(
    component: str, sample: MoneySample, draws: Mapping[int, Floats], sums: Mapping[int, Mapping[str, Decimal]],
    sizes: Mapping[int, int], seed: int,
) -> dict[int, Estimate]:  # fmt: skip
    """Share of each group in everyone's total; nothing when the total is not positive.

    Bootstrap: the sizes of the segments are drawn anew, and within each segment its customers.
    """
    if component not in sample.known or sums[EVERYONE][component] <= 0:
        return {}
    column = sample.known.index(component)
    groups = [g for g in sizes if g != EVERYONE]
    n = sizes[EVERYONE]
    probabilities = np.array([sizes[g] for g in groups], dtype=np.float64) / n
    drawn_sizes = stream(seed, 11, EVERYONE, Use.SIZES).multinomial(n, probabilities, size=MONEY_REPLICATES)
    drawn = np.column_stack([draws[g][:, column] for g in groups]) * drawn_sizes
    total = drawn.sum(axis=1, keepdims=True)
    parts = np.divide(drawn, total, out=np.full_like(drawn, np.nan), where=total > 0)
    result = {EVERYONE: exact(1.0, "share", n)}
    for i, group in enumerate(groups):
        share = float(sums[group][component] / sums[EVERYONE][component])
        low, high = percentile_interval(parts[:, i])
        result[group] = Estimate(share, min(low, share), max(high, share), "share", sizes[group], "bootstrap, 95%")
    return result


def _economics(
    x: Floats, ledger: Ledger, sums: Mapping[str, Decimal], size: int, losing: int | None,
    spread: list[Spread], currency: str, scale: float, random: np.random.Generator,
) -> Economics:  # fmt: skip
    """Means per customer and year with intervals, exact totals of the window. ``scale``: from the window to a year."""
    found: dict[str, Estimate] = {}
    for i, component in enumerate(ledger.known):
        mean = float(sums[component]) / size
        estimate = spread[i].around(mean, "", size, 0.0 if component in NEVER_NEGATIVE and mean >= 0 else -math.inf)
        basis = estimate.basis
        if is_dominated(x[:, i]):
            basis += ", dominated by one customer"
        found[component] = Estimate(
            estimate.value * scale, estimate.low * scale, estimate.high * scale, f"{currency}/year", size, basis
        )
    contribution = sums.get("contribution")
    return Economics(
        level=ledger.level,
        revenue=found.get("revenue"),
        gross_margin=found.get("gross_margin"),
        service_cost=found.get("service_cost"),
        return_cost=found.get("return_cost"),
        marketing_cost=found.get("marketing_cost"),
        contribution=found.get("contribution"),
        roi=_roi(x, ledger.known, sums, size, random),
        total_revenue=exact(float(sums["revenue"]), currency, size),
        total_contribution=None if contribution is None else exact(float(contribution), currency, size),
        losing_share=None if contribution is None else wilson(losing or 0, size),
        acquisition_cost=found.get("acquisition_cost") if contribution is not None else None,
        after_acquisition=found.get("after_acquisition"),
    )


def _roi(
    x: Floats, known: tuple[str, ...], sums: Mapping[str, Decimal], size: int, random: np.random.Generator
) -> Estimate | None:
    """Contribution / (service cost + marketing cost) with bootstrap-t of the linearised ratio.

    None when one is unknown or nothing was spent.
    """
    if not {"contribution", "service_cost", "marketing_cost"} <= set(known):
        return None
    spent = sums["service_cost"] + sums["marketing_cost"]
    if spent <= 0 or not len(x):
        return None
    value, each = float(sums["contribution"] / spent), float(spent) / size
    cost = x[:, known.index("service_cost")] + x[:, known.index("marketing_cost")]
    left = (x[:, known.index("contribution")] - value * cost)[:, None]
    spread = spreads(left, np.array([size]), MONEY_REPLICATES, random)[0]
    ends = (value - spread.high_t * spread.se / each, value - spread.low_t * spread.se / each)
    return Estimate(value, min(ends[0], value), max(ends[1], value), "ratio", size, spread.basis)


def _warnings(group: int, size: int, x: Floats, known: tuple[str, ...]) -> list[Notice]:
    """Where the interval of money deserves less trust."""
    who = "all customers" if group == EVERYONE else f"segment {group}"
    notices = []
    if size < FEWEST and group != EVERYONE:
        text = f"Money of {who} stands on {size} customers, fewer than {FEWEST}: its intervals are rough."
        notices.append(Notice("money-few-customers", text, size))
    for component in ("revenue", "contribution"):
        if component not in known:
            continue
        values = x[:, known.index(component)]
        if is_dominated(values):
            text = f"One customer holds more than half of the {component} of {who}: its interval says little."
            notices.append(Notice("money-dominated", text, 1))
        elif size >= FEWEST and abs(skewness(values)) > VERY_SKEWED:
            text = f"The {component} of {who} is very uneven (skewness above 6): its interval may be too narrow."
            notices.append(Notice("money-skewed", text, size))
    return notices
