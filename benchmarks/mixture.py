"""Row 5: Gaussian mixtures with full covariances for every k."""

from __future__ import annotations

import numpy as np
from sklearn.mixture import GaussianMixture

from benchmarks import data, naive
from benchmarks.measure import Row, in_turns, row
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.ordered import canonical_order
from personas.segmentation.records import Fitted, Floats
from personas.segmentation.scan import STARTS, fit_all
from personas.segmentation.threads import single_thread

SEEDS = (1, 2)
"""Data sets beside that of the row on which long mode judges gate D."""


def rows(long: bool) -> list[Row]:
    """The rows of this group; gate D on one data set, in long mode on three."""
    n = 100_000
    X = _data(n, 0)
    sides = in_turns(lambda: _ours(X), lambda: naive.mixture(X), 3, single=True)
    above = _above(X, 0, *sides.found)
    for seed in SEEDS if long else ():
        more = _data(n, seed)
        above |= _above(more, seed, _ours(more), naive.mixture(more))
    worst = min(above, key=lambda case: above[case])
    where = f"k = {worst[1]}" + (f" of data {worst[0]}" if long else "")
    held = sum(value >= -0.01 for value in above.values())
    gate = f"D: log-likelihood per row at least {above[worst]:+.3f} against theirs, at {where}; {held} of {len(above)}"
    return [row("5", f"mixture, full covariances, {n:,}", sides, 15, gate, held == len(above))]


def _data(n: int, seed: int) -> Floats:
    X = data.customers(n, seed)
    return np.ascontiguousarray(X[canonical_order(X)[0]])


def _ours(X: Floats) -> dict[int, Fitted]:
    with single_thread():
        return fit_all(X, naive.KS, ALGORITHMS.get("gmm"), 0, STARTS)


def _above(
    X: Floats, seed: int, ours: dict[int, Fitted], theirs: dict[int, GaussianMixture]
) -> dict[tuple[int, int], float]:
    """By data set and k, how much more log-likelihood a row has with ours; nothing where a component is too light."""
    floor = max(0.02, 2 * X.shape[1] / len(X))
    return {
        (seed, k): ours[k].log_likelihood(X) / len(X) - theirs[k].score(X)
        if ours[k].weights.min() >= floor
        else -np.inf
        for k in theirs
    }
