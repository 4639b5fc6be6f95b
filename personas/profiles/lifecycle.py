"""Where customers stand in their life with the shop, by their own rhythm: a visible rule of four features.

The pause is the customer's own (days between orders and, from three buying days on, their standard deviation on top, so
that who buys in bursts is not given up between them), or the median of all who have one where the customer has bought
on one day only; never less than 30 days. The stage follows from the days since the last order, counted in pauses.

=========  =====================================================  =========================
stage      who                                                    days since the last order
=========  =====================================================  =========================
new        bought on one day, at most a pause after the first     up to 1.5 pauses
one_time   the same                                               more than 1.5 pauses
active     everybody else                                         up to 1.5 pauses
slowing    everybody else                                         1.5 to 3 pauses
lapsed     everybody else                                         more than 3 pauses
=========  =====================================================  =========================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personas.profiles.values import Values

STAGES = ("new", "active", "slowing", "lapsed", "one_time")
SHORTEST_PAUSE = 30.0
LATE, LOST = 1.5, 3.0


def stages_of(values: Values) -> NDArray[np.object_] | None:
    """(n,) stage of each customer, None where the last order is unknown; None altogether without the features."""
    if not {"recency_days", "gap_days", "tenure_days"} <= set(values):
        return None
    since, own, seen = (np.asarray(values[n], dtype=np.float64) for n in ("recency_days", "gap_days", "tenure_days"))
    if "gap_variation" in values:
        own = own * (1 + np.nan_to_num(np.asarray(values["gap_variation"], dtype=np.float64), nan=0.0))
    known = own[np.isfinite(own)]
    pause = np.maximum(np.where(np.isfinite(own), own, np.median(known) if len(known) else 0.0), SHORTEST_PAUSE)
    first = ~np.isfinite(own) & (seen <= since + pause)
    late = since / pause
    chosen = [late <= LATE, late <= LOST, late > LOST]
    result = np.select(chosen, ["active", "slowing", "lapsed"], "").astype(object)
    result[first] = np.where(late[first] <= LATE, "new", "one_time")
    result[~np.isfinite(since)] = None
    return result


def stage_shares(stages: NDArray[np.object_] | None, inside: NDArray[np.bool_]) -> dict[str, float]:
    """Share of the group's known customers in each stage; empty when nobody is known."""
    own = [] if stages is None else [stage for stage in stages[inside] if stage is not None]
    return {stage: own.count(stage) / len(own) for stage in STAGES} if own else {}
