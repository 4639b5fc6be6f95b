"""Worlds as arrays: each follows its recipe and depends on its seed only."""

from __future__ import annotations

import numpy as np
import pytest

from personas.errors import InputError
from personas.simulate import WORLDS, planted_world, simulate_world


@pytest.mark.parametrize("name", [*WORLDS, "mix(4,5,4)"])
def test_a_world_is_finite_has_n_rows_and_depends_on_the_seed_only(name: str) -> None:
    X = simulate_world(name, 300, 5)
    assert X.shape[0] == 300 and np.isfinite(X).all() and X.dtype == np.float64
    assert np.array_equal(simulate_world(name, 300, 5), X)
    assert not np.array_equal(simulate_world(name, 300, 6), X)


def test_worlds_follow_their_recipes() -> None:
    n = 20_000  # the standard error of a mean of unit variance is 0.007
    assert [simulate_world(name, 10, 0).shape[1] for name in WORLDS] == [2, 5, 5, 20, 6, 3, 3, 4, 3, 2, 2, 2, 2]
    assert np.abs(simulate_world("uniform", n, 0).mean(axis=0) - 0.5).max() < 0.01
    correlation = np.corrcoef(simulate_world("one_factor", n, 0).T)
    assert np.abs(correlation[np.triu_indices(6, 1)] - 0.6).max() < 0.03
    logs = np.corrcoef(np.log(simulate_world("lognormal_correlated", n, 0)).T)
    assert np.abs(logs[np.triu_indices(3, 1)] - 0.5).max() < 0.03
    assert np.abs(np.corrcoef(np.log(simulate_world("lognormal", n, 0)).T)[np.triu_indices(3, 1)]).max() < 0.03
    counts = simulate_world("poisson", n, 0)
    assert np.abs(counts.mean(axis=0) - 1.2).max() < 0.04 and np.abs(counts.var(axis=0) - 1.2).max() < 0.06
    x, y = simulate_world("banana", n, 0).T
    # y = x^2 + noise: mean 1, and the residual has the standard deviation 0.5.
    assert abs(y.mean() - 1) < 0.05 and abs((y - x**2).std() - 0.5) < 0.02
    radius = np.linalg.norm(simulate_world("disc", n, 0), axis=1)
    assert radius.max() <= 1 and abs((radius**2).mean() - 0.5) < 0.01  # uniform over the area
    arc = np.linalg.norm(simulate_world("arc", n, 0), axis=1)
    assert abs(arc.mean() - 3) < 0.02 and abs(arc.std() - 0.3) < 0.02
    # P(|t3| > 3.182) = 0.05.
    assert abs((np.abs(simulate_world("t3", n, 0)) > 3.182).mean() - 0.05) < 0.005
    # One order at least, and 1 + 3 x 1.2 = 4.6 on average.
    assert abs(np.expm1(simulate_world("rfm", n, 0)[:, 1]).mean() - 4.6) < 0.12


def test_planted_groups_have_equal_sizes_unit_spread_and_the_asked_separation() -> None:
    X, labels = planted_world(3, 2, 5, 30_000, 4)
    assert np.bincount(labels).tolist() == [10_000] * 3
    centres = np.array([X[labels == g].mean(axis=0) for g in range(3)])
    nearest = min(np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert abs(nearest - 5) < 0.06  # standard error of a difference of two centres: 0.014 per column
    assert np.abs(np.array([X[labels == g].std(axis=0) for g in range(3)]) - 1).max() < 0.03
    assert (simulate_world("mix(3, 2, 5)", 30_000, 4) == X).all()


def test_an_unknown_world_is_refused_with_a_hint() -> None:
    with pytest.raises(InputError, match="Did you mean 'banana'"):
        simulate_world("bananas", 10, 0)
