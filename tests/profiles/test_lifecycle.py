"""Stages of life by the printed table, and the three ways to cut RFM."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from personas.config import RfmConfig
from personas.profiles.lifecycle import STAGES, stage_shares, stages_of
from personas.profiles.rfm import RFM_NAMES, natural_breaks, rfm_segments, scores

NAN = float("nan")


def test_every_stage_is_that_of_the_table() -> None:
    # 1.5 and 3 times 40 are 60 and 120. The median of the known pauses, 40, stands in where there is none. The shortest
    # pause is 30 days.
    rows = {
        "active": (60, 40, 400), "slowing": (61, 40, 400), "lapsed": (121, 40, 400),
        "active after a long pause": (300, 200, 900), "new": (60, NAN, 60), "one_time": (61, NAN, 61),
        "new, joined before": (10, NAN, 50), "slowing, an old customer": (100, NAN, 800), "active, often": (45, 2, 90),
        "": (NAN, NAN, 30),
    }  # fmt: skip
    since, pause, seen = (np.array(column, dtype=float) for column in zip(*rows.values(), strict=True))
    found = stages_of({"recency_days": since, "gap_days": pause, "tenure_days": seen})
    assert found is not None
    assert [stage or "" for stage in found] == [name.split(",")[0].split(" ")[0] for name in rows]
    shares = stage_shares(found, np.ones(10, dtype=bool))
    assert shares == {"new": 2 / 9, "active": 3 / 9, "slowing": 2 / 9, "lapsed": 1 / 9, "one_time": 1 / 9}
    assert tuple(shares) == STAGES
    uneven = {"recency_days": since[2:3], "gap_days": pause[2:3], "tenure_days": seen[2:3]}
    # 121 days after pauses of 40 and an unevenness of 1.1: 84 days are usual, 1.5 times that 126
    assert stages_of({**uneven, "gap_variation": np.array([1.1])}).tolist() == ["active"]  # type: ignore[union-attr]
    assert stages_of({"recency_days": since}) is None and stage_shares(None, np.ones(1, dtype=bool)) == {}


def spread(parts: list[np.ndarray]) -> float:
    return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)


@pytest.mark.parametrize("seed", range(20))
def test_natural_breaks_leave_the_least_spread_of_all_cuts(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = np.sort(random.integers(0, 60, int(random.integers(6, 25))).astype(float))
    breaks, values = natural_breaks(x), np.unique(x)
    logs = np.log1p(x)
    every = [spread(np.split(logs, np.searchsorted(x, cuts))) for cuts in combinations(values[1:], 4)]
    assert len(breaks) == min(4, len(values) - 1)
    if every:
        assert abs(spread(np.split(logs, np.searchsorted(x, breaks))) - min(every)) < 1e-9
    shuffled = random.permutation(x)
    assert natural_breaks(shuffled) == breaks


def test_given_cuts_count_their_own_value_to_the_better_side() -> None:
    x = np.array([0, 30, 31, 90, 365, 366, NAN])
    days = scores(x, "fixed", (30, 90, 180, 365), fewer_is_better=True)
    assert np.array_equal(days, [5, 5, 4, 4, 2, 1, NAN], equal_nan=True)
    assert scores(np.array([1, 2, 4.9, 5]), "fixed", (2, 3, 4, 5)).tolist() == [1, 2, 4, 5]


@pytest.mark.parametrize("cut", ["quantile", "natural", "fixed"])
def test_every_way_to_cut_names_everybody_whatever_the_order_of_rows(cut: str) -> None:
    random = np.random.default_rng(3)
    values = {
        "recency_days": random.integers(0, 400, 900).astype(float),
        "orders_per_year": random.geometric(0.3, 900).astype(float),
        "revenue_per_year": np.exp(random.normal(4, 1, 900)),
    }
    fixed = {"recency_days": (30, 90, 180, 300), "orders_per_year": (2, 3, 5, 8), "money_per_year": (30, 60, 120, 300)}
    rules = RfmConfig.model_validate({"cut": cut} | (fixed if cut == "fixed" else {}))
    names = rfm_segments(values, rules)
    turned = random.permutation(900)
    again = rfm_segments({name: x[turned] for name, x in values.items()}, rules)
    assert names is not None and again is not None
    assert names[turned].tolist() == again.tolist()
    assert set(names) <= set(RFM_NAMES) and len(set(names)) > 7


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"cut": "fixed", "recency_days": (1, 2, 3, 4)}, "cut: fixed needs four numbers for orders_per_year, money"),
        ({"recency_days": (1, 2, 3, 4)}, "cuts count only with cut: fixed"),
        ({"cut": "fixed", "recency_days": (4, 3, 2, 1), "orders_per_year": (1, 2, 3, 4), "money_per_year": range(4)},
         "write the four numbers of recency_days from the smallest to the largest"),
    ],
)  # fmt: skip
def test_cuts_that_make_no_sense_are_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RfmConfig.model_validate(given)
