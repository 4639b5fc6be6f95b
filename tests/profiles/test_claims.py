"""Claims: what is a definition, which differences hold, and that noise is not claimed."""

from __future__ import annotations

import numpy as np
import pytest

from personas.features.coding import Coding, ColumnCoding
from personas.features.feature import Feature
from personas.profiles.claims import (
    centred_ranks,
    claims,
    definitions,
    deltas,
    holm,
    permutation_p,
    simultaneous,
    weighted_ranks,
)
from personas.profiles.contrast import cliffs_delta, phi_of
from personas.profiles.null_effects import null_effects
from personas.segmentation.algorithms.kmeans import KMEANS


def number(name: str, derived: tuple[str, ...] = ()) -> Feature:
    return Feature(name, "", "orders", "days", name, "", "purchase", derived_from=derived)


@pytest.mark.parametrize("seed", range(20))
def test_delta_from_ranks_equals_the_count_of_all_pairs(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(0, 6, 60).astype(np.float64)
    x[random.random(60) < 0.1] = np.nan
    labels = random.integers(0, 3, 60)
    found = deltas(centred_ranks(x)[:, None], np.isfinite(x)[:, None].astype(float), np.eye(3)[labels])[:, 0]
    for g in range(3):
        own, rest = x[(labels == g) & np.isfinite(x)], x[(labels != g) & np.isfinite(x)]
        pairs = np.sign(own[:, None] - rest[None, :]).mean()
        assert abs(found[g] - pairs) < 1e-12
        expected = cliffs_delta(x[labels == g], x[labels != g])
        assert expected is not None and abs(found[g] - expected.value) < 1e-12


def test_weighted_ranks_are_those_of_repeated_rows() -> None:
    x, weights = np.array([3.0, 1.0, 1.0, 7.0]), np.array([2.0, 1.0, 0.0, 3.0])
    repeated = centred_ranks(np.repeat(x, weights.astype(int)))
    ranks = weighted_ranks(*np.unique(x, return_inverse=True), weights)
    assert np.allclose(np.repeat(ranks, weights.astype(int)), repeated)


def test_the_p_value_of_three_against_three_is_the_exact_one() -> None:
    # complete separation of 3 and 3: 2 of the 20 ways to deal the labels reach |delta| = 1, p = 0.1
    x, labels = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, 1, 1], dtype=np.int32)
    p = permutation_p(x, labels, 2, np.random.default_rng(0), 4000)
    assert np.allclose(p, 0.1, atol=0.015)


def test_holm_steps_down_and_never_decreases() -> None:
    # sorted 0.01 0.02 0.04: times 3, 2, 1 gives 0.03 0.04 0.04
    assert np.allclose(holm(np.array([[0.04, 0.01, 0.02]])), [[0.04, 0.03, 0.04]])


def test_what_derives_from_a_forming_feature_or_goes_with_it_is_a_definition() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=500)
    values = {
        "formed": x, "derived": random.normal(size=500), "echo": x**3 + 0.1 * random.normal(size=500),
        "free": random.normal(size=500),
    }  # fmt: skip
    features = [number("formed"), number("derived", ("formed",)), number("echo"), number("free")]
    assert definitions(features, ["formed"], values) == {"formed", "derived", "echo"}


def planted(seed: int, shift: float, n: int = 500) -> dict[int, dict[str, object]]:
    """Two clear clusters; the descriptor of the second is higher by ``shift``; claims of both."""
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], n // 2).astype(np.int32)
    X = random.normal(size=(n, 2)) + 8.0 * labels[:, None]
    fit = np.random.SeedSequence(seed)
    models = []
    for child in fit.spawn(10):
        rows = np.sort(np.random.default_rng(child).integers(0, n, n))
        model = KMEANS.fit(X[rows], 2, child, 2)
        first = int(np.bincount(model.predict(X[labels == 0]), minlength=2).argmax())
        models.append((model, np.array([0, 1] if first == 0 else [1, 0], dtype=np.int32)))
    values = {"spend": random.normal(size=n) + shift * labels, "noise": random.normal(size=n), "x": X[:, 0]}
    features = [number("spend"), number("noise"), number("x")]
    found = claims(
        features, definitions(features, ["x"], values), values, labels, X, np.arange(n), 2, models, seed
    )  # fmt: skip
    return found  # type: ignore[return-value]


def test_a_planted_difference_is_claimed_with_an_interval_that_holds_it() -> None:
    # delta = 2 Phi(shift / sqrt 2) - 1 = 0.4 at shift 0.7416
    covered = 0
    for seed in range(12):
        own = planted(seed, 0.7416)[1]
        claim = own["spend"]
        assert claim.holds and claim.p <= 0.05  # type: ignore[attr-defined]
        covered += claim.effect.low <= 0.4 <= claim.effect.high  # type: ignore[attr-defined]
        assert "x" not in own  # what formed the segments is never tested
    assert covered >= 11


def test_unrelated_descriptors_are_not_claimed() -> None:
    # 30 worlds with 2 descriptors each: at most 5% of the worlds may claim something
    told = sum(any(c.holds for own in planted(s, 0.0, 200).values() for c in own.values()) for s in range(100, 130))  # type: ignore[attr-defined]
    assert told <= 3


def test_intervals_hold_for_all_effects_at_once() -> None:
    random = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        truth = np.zeros((2, 10))
        seen = np.tanh(0.1 * random.normal(size=truth.shape))
        low, high = simultaneous(seen, np.tanh(np.arctanh(seen) + 0.1 * random.normal(size=(199, 2, 10))))
        missed += bool(((low > truth) | (high < truth)).any())
    assert missed <= 22  # 5% of 200 are 10; 3 standard errors above are 19, and q is itself a quantile of 199


def test_the_levels_of_a_category_are_compared_as_phi_with_structureless_data() -> None:
    # A rare level: where a quarter are in the segment, phi is about twice the difference of shares.
    passed = looked_at = 0
    for seed in range(8):
        random = np.random.default_rng(seed)
        level = random.choice(3, 600, p=[0.86, 0.07, 0.07])
        shares = np.bincount(level) / 600
        block = 0.5 * (np.eye(3)[level] - shares) / np.sqrt(shares)
        X = np.column_stack((random.normal(size=(600, 3)), block))
        names = ("a", "b", "c", "home", "home", "home")
        coding = Coding(tuple(ColumnCoding(name, name, "purchase") for name in names), blocks=((3, 4, 5),))
        threshold = null_effects(X, coding, 4, KMEANS, seed)["home"]
        members = np.eye(4)[KMEANS.fit(X, 4, np.random.SeedSequence(seed), 5).labels]
        hits, size, n = members.T @ np.eye(3)[level], members.sum(axis=0)[:, None], np.bincount(level)
        effects = np.abs(phi_of(hits, size, n - hits, 600 - size))
        passed, looked_at = passed + int((effects > threshold).sum()), looked_at + effects.size
    assert looked_at == 96 and passed <= 10  # 5% are 5, three standard errors above are 11


def test_cuts_through_noise_pass_as_defining_at_most_once_a_card_on_average() -> None:
    passed = cards = large = 0
    for seed in range(4):
        X = np.random.default_rng(seed).normal(size=(500, 6))
        coding = Coding(tuple(ColumnCoding(f"f{j}", f"f{j}", "purchase") for j in range(6)))
        thresholds = null_effects(X, coding, 4, KMEANS, seed)
        labels = KMEANS.fit(X, 4, np.random.SeedSequence(seed), 5).labels
        ranks = np.column_stack([centred_ranks(c) for c in X.T])
        effects = np.abs(deltas(ranks, np.ones_like(X), np.eye(4)[labels]))
        large += int((effects > 0.33).sum())
        passed += int((effects > np.array([thresholds[f"f{j}"] for j in range(6)])).sum())
        cards += 4
    assert large > 2 * cards  # so many would be told by their size alone
    assert passed <= cards
