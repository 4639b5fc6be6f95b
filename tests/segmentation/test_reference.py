from __future__ import annotations

import numpy as np

from personas.segmentation.margins import fit_margin, unimodal
from personas.segmentation.reference import compare, draw, fit_reference, largest_p
from tests.segmentation.markets import ring

EVEN = (np.arange(100_000) + 0.5) / 100_000


def test_the_margin_of_two_humps_has_one_mode_and_the_same_ends() -> None:
    random = np.random.default_rng(0)
    column = np.concatenate([random.normal(-4, 1, 1000), random.normal(4, 1, 1000)])
    drawn = fit_margin(column).quantile(EVEN)
    assert abs(drawn.min() - column.min()) <= 0.01 and abs(drawn.max() - column.max()) <= 0.01
    # The valley from -1 to 1 holds almost nobody; filled up, half of the customers lie evenly on 8 of 16 units.
    assert (np.abs(column) < 1).sum() <= 10
    density = np.histogram(drawn, bins=np.linspace(-6, 6, 25))[0]
    peak = int(density.argmax())
    assert (np.diff(density[: peak + 1]) >= -5).all() and (np.diff(density[peak:]) <= 5).all()
    assert density[10:14].min() >= 2500


def test_the_margin_of_one_hump_is_the_column_itself() -> None:
    column = np.random.default_rng(1).normal(size=2000)
    drawn = fit_margin(column).quantile(EVEN)
    shares = np.linspace(0.01, 0.99, 50)
    assert np.abs(np.quantile(drawn, shares) - np.quantile(column, shares)).max() <= 0.1
    # The tail keeps its spacing: a lognormal's largest values stay where they were.
    heavy = np.exp(2 * column)
    assert abs(fit_margin(heavy).quantile(EVEN).mean() / heavy.mean() - 1) <= 0.1


def test_atoms_keep_their_share_and_counts_stay_counts() -> None:
    random = np.random.default_rng(2)
    spend = np.where(random.random(2000) < 0.4, 0.0, np.exp(random.normal(size=2000)))
    drawn = fit_margin(spend).quantile(EVEN)
    assert abs((drawn == 0).mean() - (spend == 0).mean()) <= 0.005
    orders = random.poisson(6, 2000).astype(float)
    found = fit_margin(orders).quantile(EVEN)
    assert set(found.tolist()) <= set(orders.tolist())
    for value in range(3, 10):
        assert abs((found == value).mean() - (orders == value).mean()) <= 0.02


def test_the_closest_histogram_with_one_mode_pools_the_valley() -> None:
    # Equal widths, heights 1 3 1 3 1: with the mode in the second bin the last four must fall: 3, then 1 and 3 pooled
    # to 2 and 2, then 1 (or the mirror image).
    heights = np.array([1.0, 3.0, 1.0, 3.0, 1.0])
    fitted = unimodal(heights, np.ones(5), heights / 9)
    assert fitted.tolist() in ([1.0, 3.0, 2.0, 2.0, 1.0], [1.0, 2.0, 2.0, 3.0, 1.0])


def test_draws_keep_rank_correlation_and_the_shares_of_levels() -> None:
    random = np.random.default_rng(3)
    shared = random.normal(size=(1500, 1))
    numbers = np.exp(0.8 * shared + 0.6 * random.normal(size=(1500, 2)))
    level = random.choice(3, size=1500, p=[0.6, 0.3, 0.1])
    Z = np.column_stack((numbers, np.eye(3)[level] * 2 - 0.5))
    rows = draw(fit_reference(Z, [(2, 3, 4)]), 20_000, np.random.default_rng(0))
    ranks = [np.corrcoef(np.argsort(np.argsort(m[:, :2], axis=0), axis=0), rowvar=False)[0, 1] for m in (Z, rows)]
    assert abs(ranks[0] - ranks[1]) <= 0.03
    assert np.abs((rows[:, 2:] == 1.5).mean(axis=0) - (Z[:, 2:] == 1.5).mean(axis=0)).max() <= 0.015
    assert ((rows[:, 2:] == 1.5).sum(axis=1) == 1).all()


def test_the_p_value_counts_draws_that_reach_ours_over_all_k() -> None:
    null = np.tile(np.linspace(0.1, 0.2, 19)[:, None], (1, 2))
    assert largest_p(np.array([0.9, 0.15]), null) == largest_p(np.array([0.15, 0.9]), null) == 1 / 20
    # The largest draw reaches ours in no column when ours is the smallest of all: every row counts.
    assert largest_p(np.array([0.0, 0.0]), null) == 1.0
    assert largest_p(np.array([0.3, 0.3]), np.full((19, 2), 0.3)) == 1.0


def test_real_groups_pass_the_gate_and_an_even_square_does_not() -> None:
    groups, _ = ring(3, 5.0, 250, 4)
    found = compare(groups, (2, 3, 4), 0, protocol="quick")
    assert found.p_value == 1 / 40 and found.excess[1] >= 0.1 and found.null.shape == (39, 3)
    # The centroids of our rows come first, then those of each set.
    assert len(found.sets) == 39 and len(found.fits) == 40 and found.fits[1][1].shape == (3, 2)
    assert not found.stopped_early and [len(c) for c in found.null_centroids[3]] == [3] * 39
    square = np.random.default_rng(5).uniform(size=(250, 2))
    flat = compare(square, (2, 3, 4), 0, protocol="quick")
    assert flat.p_value > 0.025 and abs(flat.excess).max() <= 0.05


def test_a_wider_range_of_k_uses_what_the_narrower_one_knows_and_gives_the_same() -> None:
    groups, _ = ring(3, 5.0, 150, 4)
    narrow = compare(groups, (2, 3), 0, protocol="quick")
    wider = compare(groups, (2, 3, 4), 0, protocol="quick", before=narrow)
    fresh = compare(groups, (2, 3, 4), 0, protocol="quick")
    # Distances are added up in another order, so the last digits may differ.
    assert np.allclose(wider.null, fresh.null, rtol=0, atol=1e-12)
    assert np.allclose(wider.observed, fresh.observed, rtol=0, atol=1e-12)
    assert wider.p_value == fresh.p_value
