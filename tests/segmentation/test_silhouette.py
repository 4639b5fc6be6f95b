from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from personas.segmentation import silhouette as room
from personas.segmentation.indices.squared_silhouette import squared_silhouette, squared_silhouettes
from personas.segmentation.records import Floats, Labels
from personas.segmentation.silhouette import silhouettes
from tests.segmentation.markets import mix


def by_hand(X: Floats, labels: Labels) -> Floats:
    """The definition of Rousseeuw, row by row."""
    distances = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    values = np.zeros(len(X))
    for i, own in enumerate(labels):
        inside = (labels == own) & (np.arange(len(X)) != i)
        if not inside.any():
            continue
        a = distances[i, inside].mean()
        b = min(distances[i, labels == g].mean() for g in set(labels.tolist()) - {own})
        values[i] = 0.0 if max(a, b) == 0 else (b - a) / max(a, b)
    return values


def test_all_labelings_at_once_equal_scikit_learn_one_by_one() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 5)) + 50.0
    labelings = [random.integers(0, k, 300).astype(np.int32) for k in (2, 3, 5, 9)]
    for labels, score in zip(labelings, silhouettes(X, labelings), strict=True):
        theirs = silhouette_samples(X, labels)
        assert np.abs(score.values - theirs).max() <= 1e-9
        assert abs(score.mean - theirs.mean()) <= 1e-9
        assert score.error == 0.0
        means = [theirs[labels == g].mean() for g in range(labels.max() + 1)]
        assert np.abs(np.array(score.segments) - means).max() <= 1e-9
        assert abs(score.macro - np.mean(means)) <= 1e-9


def test_singletons_and_repeated_rows_follow_the_definition() -> None:
    # Row 0 is alone in its segment, rows 1 to 4 are the same customer four times over, far from the origin.
    X = np.concatenate([np.full((1, 3), 9e3), np.full((4, 3), 1e3), np.random.default_rng(1).normal(1e3, 1, (20, 3))])
    labels = np.array([0, 1, 1, 2, 2, *([1, 2] * 10)], dtype=np.int32)
    score = silhouettes(X, [labels])[0]
    assert np.abs(score.values - by_hand(X, labels)).max() <= 1e-9
    assert score.values[0] == 0.0


def test_rows_at_no_distance_from_everything_score_nothing() -> None:
    X = np.array([[1.0], [1.0], [1.0], [1.0]])
    assert silhouettes(X, [np.array([0, 0, 1, 1], dtype=np.int32)])[0].values.tolist() == [0.0] * 4


def test_rows_that_are_all_in_one_of_two_segments_score_nothing() -> None:
    X = np.arange(6.0)[:, None]
    for label in (0, 1):
        labels = np.full(6, label, dtype=np.int32)
        assert silhouettes(X, [labels])[0].values.tolist() == [0.0] * 6
        assert squared_silhouette(X, labels) == 0.0


def test_blocks_do_not_change_the_silhouette(monkeypatch: pytest.MonkeyPatch) -> None:
    X, truth = mix(3, 4, 4.0, 200, 2)
    whole = silhouettes(X, [truth])[0].values
    monkeypatch.setattr(room, "BLOCK_CELLS", 200 * 7)  # seven rows at a time
    assert np.abs(silhouettes(X, [truth])[0].values - whole).max() <= 1e-12


def test_sampled_silhouettes_lie_within_their_stated_error_and_small_segments_are_topped_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "QUERIES", 400)
    monkeypatch.setattr(room, "QUERIES_PER_SEGMENT", 50)
    random = np.random.default_rng(3)
    # 60 customers far away among 3,000: a sample of 400 catches about 8 of them.
    X = np.concatenate([random.normal(0, 1, (2940, 2)), random.normal(7, 1, (60, 2))])
    two = (np.arange(3000) >= 2940).astype(np.int32)
    three = np.where(two == 1, 1, np.where(X[:, 0] > 0, 2, 0)).astype(np.int32)
    exact = silhouettes(X, [two, three])
    covered = 0
    for seed in range(40):
        for truth, found in zip(exact, silhouettes(X, [two, three], seed, limit=1000), strict=True):
            covered += abs(found.mean - truth.mean) <= found.error
            assert 0 < found.error < 0.05
            assert abs(found.mean - truth.mean) <= 2.5 * found.error
            assert abs(found.segments[1] - truth.segments[1]) <= 0.05
            # Every segment is judged on 50 customers at least, also the one of 60.
            assert np.bincount((two if truth is exact[0] else three)[found.rows]).min() >= 50
    # 95% of 80 are 76; five standard deviations of a binomial below it are 66.
    assert covered >= 66


def test_the_errors_of_macro_mean_and_segments_are_as_large_as_the_deviations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "QUERIES", 400)
    X, truth = mix(3, 3, 2.0, 1500, 8)
    exact = silhouettes(X, [truth])[0]
    assert exact.macro_error == 0.0 and exact.segment_errors == (0.0, 0.0, 0.0)
    deviations = []
    for seed in range(100):
        found = silhouettes(X, [truth], seed, limit=1000)[0]
        deviations.append((found.macro - exact.macro) / found.macro_error)
        pairs = zip(found.segments, exact.segments, found.segment_errors, strict=True)
        deviations += [(part - whole) / error for part, whole, error in pairs]
    # In half widths of 95% intervals: one standard error is 1/1.96 = 0.51. 400 values, a quarter of them dependent.
    assert 0.43 <= np.std(deviations) <= 0.59
    assert abs(np.mean(deviations)) <= 0.12


def test_sampled_rows_have_exactly_their_own_silhouette_and_share_the_base_sample() -> None:
    X, truth = mix(3, 2, 4.0, 500, 4)
    halves = (X[:, 0] > np.median(X[:, 0])).astype(np.int32)
    exact = silhouettes(X, [truth, halves])
    sampled = silhouettes(X, [truth, halves], seed=5, limit=10)
    for whole, part in zip(exact, sampled, strict=True):
        assert np.abs(part.values - whole.values[part.rows]).max() <= 1e-12
        assert (part.rows[: part.base] == sampled[0].rows[: part.base]).all()


def test_the_squared_silhouette_equals_scikit_learn_and_survives_a_large_offset() -> None:
    random = np.random.default_rng(6)
    for case in range(20):
        k = 2 + case % 5
        X, labels = random.normal(size=(60, 3)), np.arange(60, dtype=np.int32) % k
        theirs = silhouette_samples(X, labels, metric="sqeuclidean")
        assert np.abs(squared_silhouettes(X, labels) - theirs).max() <= 1e-9
        moved = X + np.array([1e8, 0.0, 0.0])
        assert abs(squared_silhouette(moved, labels) - theirs.mean()) <= 1e-6
