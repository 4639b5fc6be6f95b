"""Service: what moving it to another channel changes, and who comes first when there is time for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from personas.config import EconomicsConfig
from personas.engines import Engine
from personas.engines.portable import quoted, text_literal
from personas.errors import ConfigError
from personas.estimate import Assumption, Estimate, Notice, exact
from personas.profiles.costs import MONEY
from personas.profiles.facts import EVERYONE, GROUPS_LIMIT
from personas.profiles.intervals import MONEY_REPLICATES, Use, spreads, stream
from personas.profiles.ledger import Ledger
from personas.profiles.money_records import ChannelMove, Turn
from personas.profiles.records import Profile
from personas.sources.canonical import Tables

LIMIT = 100_000


def moved_sql(ledger: str, channel: str, minute_cost: float, factor: float) -> str:
    """Per labelled customer: tickets of other channels, their minutes, and what they cost more than in ``channel``.

    Only tickets whose channel, minutes and cost are known are moved.
    """
    price = f"CAST({text_literal(f'{minute_cost * factor:.6f}')} AS DECIMAL(18, 6))"
    return f"""SELECT
  l.customer_id AS customer_id,
  l.segment AS segment,
  COUNT(t.cost) AS tickets,
  SUM(CAST(COALESCE(t.minutes, 0) AS {MONEY})) AS minutes,
  SUM(CAST(COALESCE(t.cost - t.minutes * {price}, 0) AS {MONEY})) AS gain
FROM {quoted(ledger)} AS l
LEFT JOIN (
  SELECT
    customer_id,
    minutes,
    cost
  FROM ledger_tickets
  WHERE channel IS NOT NULL AND minutes IS NOT NULL AND cost IS NOT NULL AND channel <> {text_literal(channel)}
) AS t ON t.customer_id = l.customer_id
WHERE l.segment IS NOT NULL
GROUP BY
  l.customer_id,
  l.segment"""


def sums_sql() -> str:
    """Totals per segment."""
    return """SELECT
  segment,
  SUM(tickets) AS tickets,
  SUM(minutes) AS minutes,
  SUM(gain) AS gain
FROM service_moved
GROUP BY segment"""


def sample_sql(limit: int) -> str:
    """The gain of the first customers by the md5 of the id."""
    return f"""SELECT
  customer_id,
  segment,
  CAST(gain AS DOUBLE) AS gain
FROM service_moved
ORDER BY md5(CAST(customer_id AS VARCHAR)) NULLS LAST, customer_id NULLS LAST
LIMIT {int(limit)}"""


def channel_moves(
    engine: Engine, ledger: Ledger, tables: Tables, economics: EconomicsConfig, sizes: Mapping[int, int],
    contribution: Mapping[int, Estimate | None], seed: int,
) -> tuple[dict[int, ChannelMove], list[Notice], list[Assumption]]:  # fmt: skip
    """What the configured move of service changes for every group in ``sizes``, with the assumption it rests on.

    Raises ConfigError when the channel has no price.
    """
    wanted = economics.what_if
    if wanted is None:
        return {}, [], []
    channel = wanted.service_channel.strip().lower()
    price = _price(channel, wanted.minute_cost, economics)
    if "service_cost" not in ledger.known or tables.tickets is None or not tables.tickets.has("channel"):
        text = "Moving service to another channel cannot be worked out: channel, minutes or their cost are not known."
        return {}, [Notice("what-if-unknown", text)], []
    engine.make("service_moved", moved_sql(ledger.table.name, channel, price, wanted.minutes_factor))
    sums = {int(row["segment"]): row for row in engine.fetch(sums_sql(), GROUPS_LIMIT).to_pylist()}
    rows = engine.fetch(sample_sql(LIMIT), LIMIT)
    order = np.argsort(np.asarray(rows["customer_id"].to_pylist(), dtype=np.str_), kind="stable")
    segments = np.asarray(rows["segment"].to_numpy(), dtype=np.int64)[order]
    gains = np.asarray(rows["gain"].to_numpy(), dtype=np.float64)[order]
    scale, unit = 365 / tables.window_days, f"{tables.currency}/year"
    found = {}
    for g, size in sizes.items():
        own = [row for segment, row in sums.items() if g in (EVERYONE, segment)]
        total = float(sum(row["gain"] for row in own))
        x = gains if g == EVERYONE else gains[segments == g]
        spread = spreads(x[:, None], np.array([size]), MONEY_REPLICATES, stream(seed, 11, g, Use.MOVES))[0]
        mean = spread.around(total / size, unit, size)
        gain = Estimate(mean.value * scale, mean.low * scale, mean.high * scale, unit, size, mean.basis)
        now = contribution.get(g)
        found[g] = ChannelMove(
            channel, price, sum(int(row["tickets"]) for row in own), float(sum(row["minutes"] for row in own)), gain,
            total, None if now is None else now.value + gain.value,
        )  # fmt: skip
    return found, [], [_assumption(channel, price, wanted.minutes_factor, tables.currency)]


def _price(channel: str, minute_cost: float | None, economics: EconomicsConfig) -> float:
    """Cost of a minute in the channel."""
    if minute_cost is not None:
        return minute_cost
    prices = economics.service_minute_cost
    known = {name.strip().lower(): cost for name, cost in prices.items()} if isinstance(prices, dict) else {}
    if channel not in known:
        raise ConfigError(
            f"economics.what_if moves service to '{channel}', and nothing says what a minute costs there. "
            f"Give economics.what_if.minute_cost, or a price for '{channel}' in economics.service_minute_cost."
        )
    return known[channel]


def _assumption(channel: str, price: float, factor: float, currency: str) -> Assumption:
    minutes = "the minutes of today" if factor == 1 else "{} times the minutes of today"
    amounts = (exact(price, f"{currency}/minute", 0), *(() if factor == 1 else (exact(factor, "number", 0),)))
    words = f"{{}} a minute, {minutes}, and nobody asks more or less often"
    return Assumption(f"service moved to {channel}", words, amounts)


def service_order(segments: Sequence[Profile]) -> tuple[Turn, ...]:
    """Whom to help first: by contribution per customer and year, else by the deepest level that all have.

    Segments whose interval reaches that of the first of a rank share it: between them the earlier call decides.
    Reach is shown and never counted.
    """
    for level in ("contribution", "gross_margin", "revenue"):
        stakes = [(profile, getattr(profile.economics, level)) for profile in segments]
        if stakes and all(stake is not None for _, stake in stakes):
            break
    else:
        return ()
    ordered = sorted(stakes, key=lambda pair: (-pair[1].value, pair[0].segment))
    turns: list[Turn] = []
    leader, rank = ordered[0][1], 1
    for place, (profile, stake) in enumerate(ordered, start=1):
        if stake.high < leader.low:
            leader, rank = stake, place
        asks, minutes = profile.mean_of("tickets_per_year"), profile.mean_of("service_minutes_per_year")
        reach = _median(profile, "followers")
        turns.append(Turn(profile.segment, rank, stake, stake.value <= 0, asks, minutes, reach))
    return tuple(turns)


def _median(profile: Profile, name: str) -> Estimate | None:
    fact = profile.facts.get(name)
    return fact.median if fact else None
