"""Our segments across two older views of customers: the eleven RFM names, and value against influence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from personas.config import RfmConfig
from personas.estimate import Estimate
from personas.profiles.economics import MoneySample
from personas.profiles.facts import EVERYONE, Sample
from personas.profiles.intervals import FEWEST, OTHER_REPLICATES, Use, spreads, stream
from personas.profiles.money_records import Quadrants, RfmCell
from personas.profiles.rfm import QUINTILES, RFM_NAMES, rfm_segments

Floats = NDArray[np.float64]
LEVELS = (("contribution", "contribution"), ("gross_margin", "gross margin"), ("revenue", "revenue"))
INFLUENCE, REFERRAL_VALUE = "followers", "referral value"


def money_a_year(money: MoneySample, window_days: int) -> tuple[Floats, str] | None:
    """(n,) money of each sampled customer per year at the deepest level, and what it is called."""
    for component, name in LEVELS:
        if component in money.known:
            return money.x[:, money.known.index(component)] * (365 / window_days), name
    return None


def rfm_table(
    sample: Sample, amounts: Floats | None, unit: str, order: Sequence[int], seed: int, sizes: Mapping[int, int],
    rules: RfmConfig = QUINTILES,
) -> tuple[RfmCell, ...]:
    """One cell per RFM name and segment with customers, and one per name for everyone.

    ``amounts`` (n,) money a year of the same customers as ``sample``, None where unknown. Counts are scaled up to
    ``sizes``, the customers of each group.
    """
    names = rfm_segments(sample.values, rules)
    if names is None:
        return ()
    cells = []
    for place, name in enumerate(RFM_NAMES):
        for segment in (EVERYONE, *order):
            inside = (names == name) & sample.rows(segment)
            n = int(inside.sum())
            if n == 0:
                continue
            told = None
            if amounts is not None and n >= FEWEST:
                x, random = amounts[inside], stream(seed, 11, segment, Use.RFM + place)
                told = spreads(x[:, None], np.array([n]), OTHER_REPLICATES, random)[0].around(float(x.mean()), unit, n)
            share = n / int(sample.rows(segment).sum())
            cells.append(RfmCell(name, segment, round(share * sizes[segment]), told))
    return tuple(cells)


def quadrants(
    value: Floats, influence: Floats, segments: NDArray[np.int32], order: Sequence[int], names: tuple[str, str]
) -> Quadrants | None:
    """How many of each segment are of high value, of high influence, of both or of neither; above the median is high.

    ``value`` and ``influence`` (n,), NaN where unknown. None where influence is known for fewer than 30 customers or
    does not differ among them.
    """
    known = np.isfinite(value) & np.isfinite(influence)
    if known.sum() < FEWEST or np.ptp(influence[known]) == 0:
        return None
    cuts = float(np.median(value[known])), float(np.median(influence[known]))
    high_value, high_influence = value > cuts[0], influence > cuts[1]
    shares = []
    for segment in (EVERYONE, *order):
        inside = known & ((segments == segment) if segment != EVERYONE else True)
        n = int(inside.sum())
        cells = [
            float((inside & (high_value == v) & (high_influence == i)).sum() / n) if n else 0.0
            for v, i in ((True, True), (True, False), (False, True), (False, False))
        ]
        shares.append((segment, n, (cells[0], cells[1], cells[2], cells[3])))
    return Quadrants(names[0], names[1], cuts[0], cuts[1], float(known.mean()), tuple(shares))


def misleading(
    cells: Sequence[RfmCell], everyone: Estimate, good: frozenset[str], poor: frozenset[str]
) -> tuple[RfmCell, ...]:
    """Cells whose money says the opposite of their RFM name, the largest first.

    By the whole interval: a ``good`` name with less than half of everyone's money, a name that is not ``poor`` with a
    loss, a ``poor`` one with more than everyone's.
    """
    found = []
    for cell in cells:
        if cell.segment == EVERYONE or cell.money is None:
            continue
        low_for_good = cell.name in good and cell.money.high < everyone.value / 2
        low_for_good = low_for_good or (cell.name not in poor and cell.money.high < 0)
        high_for_poor = cell.name in poor and cell.money.low > everyone.value
        if low_for_good or high_for_poor:
            found.append(cell)
    return tuple(sorted(found, key=lambda cell: (-cell.customers, cell.name, cell.segment)))
