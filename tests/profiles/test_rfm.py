"""RFM names by the printed table."""

from __future__ import annotations

import numpy as np
import pytest

from personas.profiles.rfm import RFM_NAMES, RFM_TABLE, quintile_scores, rfm_segments, rfm_shares, share_below


def test_the_table_uses_all_eleven_names_and_no_other() -> None:
    assert {name for line in RFM_TABLE for name in line} == set(RFM_NAMES)
    assert len(RFM_NAMES) == 11


def test_quintile_scores_split_ten_different_values_in_pairs() -> None:
    # share below with half of itself: 0.05, 0.15, ... 0.95; times 5, floor, plus 1
    assert quintile_scores(np.arange(10.0)).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_equal_values_get_equal_scores() -> None:
    # seven of ten have 1 order: share below 0 + 0.35 -> score 2; the others 0.75, 0.85, 0.95 -> 4, 5, 5
    assert quintile_scores(np.array([1, 1, 1, 1, 1, 1, 1, 2, 3, 4.0])).tolist() == [2] * 7 + [4, 5, 5]


def test_unknown_values_have_no_score_and_do_not_count() -> None:
    assert share_below(np.array([1.0, np.nan, 2.0]))[[0, 2]].tolist() == [0.25, 0.75]
    assert np.isnan(quintile_scores(np.array([1.0, np.nan]))[1])


def customers(n: int = 60, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "recency_days": random.integers(0, 12, n) * 30.0,
        "orders_per_year": random.integers(1, 6, n).astype(float),
        "revenue_per_year": random.integers(1, 9, n) * 10.0,
    }


def test_the_order_of_rows_changes_no_name() -> None:
    values = customers()
    shuffled = np.random.default_rng(1).permutation(60)
    again = rfm_segments({name: x[shuffled] for name, x in values.items()})
    names = rfm_segments(values)
    assert names is not None and again is not None
    assert names[shuffled].tolist() == again.tolist()


def test_the_corners_are_called_what_the_table_says() -> None:
    # 25 customers: five recencies times five values; frequency and money move together
    recency, value = (grid.ravel().astype(float) for grid in np.meshgrid(range(5), range(5), indexing="ij"))
    names = rfm_segments({"recency_days": 100 - recency, "orders_per_year": value, "revenue_per_year": value * 10})
    assert names is not None
    found = {(int(r), int(v)): name for r, v, name in zip(recency, value, names, strict=True)}
    assert (found[4, 4], found[4, 0], found[0, 0], found[0, 4]) == ("champions", "new", "lost", "cannot_lose")
    assert (found[2, 2], found[2, 3], found[3, 0]) == ("needs_attention", "loyal", "promising")


def test_halves_of_the_mean_of_frequency_and_money_go_up() -> None:
    # all recencies alike: score 3. Frequency 0..4 times money 0..4: scores 1..5 each. 3 and 2 make 2.5, so value 3
    frequency, money = (grid.ravel().astype(float) for grid in np.meshgrid(range(5), range(5), indexing="ij"))
    names = rfm_segments({"recency_days": np.full(25, 9.0), "orders_per_year": frequency, "revenue_per_year": money})
    assert names is not None
    assert names[(frequency == 2) & (money == 1)].tolist() == ["needs_attention"]
    assert names[(frequency == 2) & (money == 0)].tolist() == ["about_to_sleep"]


def test_money_is_orders_times_average_order_where_it_is_not_measured() -> None:
    values = customers()
    values["average_order"] = values["revenue_per_year"] / values["orders_per_year"]
    measured = rfm_segments(values)
    del values["revenue_per_year"]
    derived = rfm_segments(values)
    assert measured is not None and derived is not None
    assert measured.tolist() == derived.tolist()


def test_shares_add_up_over_the_known_and_are_empty_without_features() -> None:
    values = customers()
    values["recency_days"][:5] = np.nan
    names = rfm_segments(values)
    assert names is not None and names[:5].tolist() == [None] * 5
    shares = rfm_shares(names, np.ones(60, dtype=bool))
    assert list(shares) == list(RFM_NAMES)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    assert rfm_segments({"recency_days": values["recency_days"]}) is None
    assert rfm_shares(None, np.ones(60, dtype=bool)) == {}
