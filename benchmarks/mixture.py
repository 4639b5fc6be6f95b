"""Row 5: Gaussian mixtures with full covariances for every k."""

from __future__ import annotations

import numpy as np

from benchmarks import data, naive
from benchmarks.measure import Row, in_turns, row
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.ordered import canonical_order
from personas.segmentation.scan import STARTS, fit_all
from personas.segmentation.threads import single_thread


def rows(long: bool) -> list[Row]:
    """The rows of this group; in short mode with three values of k."""
    n, ks = 100_000, tuple(naive.KS) if long else (2, 6, 10)
    X = data.customers(n)
    X = np.ascontiguousarray(X[canonical_order(X)[0]])

    def ours() -> object:
        with single_thread():
            return fit_all(X, ks, ALGORITHMS.get("gmm"), 0, STARTS)

    sides = in_turns(ours, lambda: naive.mixture(X, ks), 1, single=True)
    mine, theirs = sides.found
    short = {k: mine[k].log_likelihood(X) / n - theirs[k].score(X) for k in ks}
    worst = min(short, key=lambda k: short[k])
    gate = f"D: log-likelihood per row {short[worst]:+.3f} against theirs at k = {worst}"
    note = "" if long else "short: three k"
    return [row("5", f"mixture, full covariances, {n:,}", sides, 15, gate, short[worst] >= -0.01, note)]
