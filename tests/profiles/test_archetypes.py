"""Archetype scores by their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from personas.profiles.archetypes import ARCHETYPES, FORMULAS, archetype_means, archetype_scores, leading_archetype

# joe, sarah-like regular, bargain hunter, impulse buyer, wanderer, need-based buyer
VALUES = {
    "orders_per_year": np.array([4.0, 12.0, 6.0, 9.0, 1.0, 3.0]),
    "recency_days": np.array([150.0, 10.0, 40.0, 20.0, 300.0, 80.0]),
    "average_order": np.array([310.0, 27.0, 30.0, 60.0, 15.0, 45.0]),
    "brand_concentration": np.array([0.9, 0.3, 0.3, 0.2, 1.0, 0.7]),
    "discount_share": np.array([0.05, 0.2, 0.9, 0.1, 0.3, 0.05]),
    "return_share": np.array([0.0, 0.1, 0.1, 0.1, 0.0, 0.0]),
    "category_breadth": np.array([3.0, 4.0, 5.0, 8.0, 1.0, 1.0]),
    "gap_variation": np.array([0.8, 0.3, 0.9, 1.8, np.nan, 0.1]),
    "gap_days": np.array([90.0, 30.0, 55.0, 35.0, np.nan, 120.0]),
    "occasion_share": np.array([0.85, 0.1, 0.1, 0.1, 0.0, 0.0]),
    "margin_rate": np.array([0.45, 0.4, 0.1, 0.4, 0.4, 0.4]),
}


def test_the_special_occasion_buyer_is_loyal_and_the_others_are_what_they_are() -> None:
    scores = archetype_scores(VALUES)
    leads = [leading_archetype({name: float(score[i]) for name, score in scores.items()}) for i in range(6)]
    assert [leads[i] for i in (0, 2, 3, 4, 5)] == ["loyal", "bargain_hunter", "impulse", "wandering", "need_based"]


def test_joes_loyalty_is_the_printed_formula() -> None:
    # repeat (4-1)/3 = 1 twice, repeat x brand 0.9 twice, full price 0.95, kept 1, revenue 1,240 the highest of six:
    # 5.5/6 below with half of himself. (2 + 1.8 + 0.95 + 1 + 0.91667) / 7 = 0.95238
    assert archetype_scores(VALUES)["loyal"][0] == pytest.approx(0.95238, abs=1e-5)


def test_scores_stay_between_0_and_1() -> None:
    for score in archetype_scores(VALUES).values():
        assert np.nanmin(score) >= 0 and np.nanmax(score) <= 1


def test_a_score_needs_half_of_its_weight_and_its_first_part() -> None:
    few = {name: VALUES[name] for name in ("orders_per_year", "recency_days")}
    scores = archetype_scores(few)
    # loyal knows repeat only: 2 of 7; wandering knows few and long ago: 3 of 4
    assert np.isnan(scores["loyal"]).all()
    # one order, 300 days, the longest of six: (2 * 1 + 5.5/6) / 3
    assert scores["wandering"][4] == pytest.approx((2 + 5.5 / 6) / 3, abs=1e-12)
    assert "bargain_hunter" not in scores and "need_based" not in scores


def test_a_one_time_buyer_shows_no_rhythm() -> None:
    # wanderer: narrow 1 - 1/6 (two of six at breadth 1: (0 + 2/2)/6) twice, regular 0 twice, no occasion 1, gaps 0,
    # full price 0.7
    narrow = 1 - (0 + 1) / 6
    assert archetype_scores(VALUES)["need_based"][4] == pytest.approx((2 * narrow + 0 + 1 + 0 + 0.7) / 7, abs=1e-12)


def test_an_unknown_return_share_falls_out_of_the_mean() -> None:
    values = {**VALUES, "return_share": np.full(6, np.nan)}
    # joe without "kept": (2 + 1.8 + 0.95 + 0.91667) / 6
    assert archetype_scores(values)["loyal"][0] == pytest.approx(5.66667 / 6, abs=1e-5)


def test_group_means_and_ties_follow_the_fixed_order() -> None:
    scores = {"impulse": np.array([0.2, 0.6, np.nan]), "loyal": np.array([0.4, 0.4, 0.4])}
    means = archetype_means(scores, np.array([True, True, True]))
    assert means == {"impulse": pytest.approx(0.4, abs=1e-12), "loyal": pytest.approx(0.4, abs=1e-12)}
    assert leading_archetype({"impulse": 0.6, "wandering": 0.1, "loyal": 0.6}) == "loyal"
    assert archetype_means(scores, np.array([False, False, True])) == {"loyal": pytest.approx(0.4, abs=1e-12)}


def test_the_best_of_two_or_a_weak_lead_is_no_archetype() -> None:
    assert leading_archetype({"loyal": 0.9, "wandering": 0.1}) is None
    assert leading_archetype({"loyal": 0.49, "wandering": 0.1, "impulse": 0.2}) is None
    assert leading_archetype({"loyal": 0.5, "wandering": 0.1, "impulse": 0.2}) == "loyal"
    assert leading_archetype({}) is None


def test_all_five_have_a_formula() -> None:
    assert tuple(FORMULAS) == ARCHETYPES
