"""Row 4 and gates B and C: exact silhouettes of all k, and whether sampled ones pick the same k."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import silhouette_samples

from benchmarks import data, naive
from benchmarks.measure import Row, in_turns, row
from benchmarks.scan import our_fits
from personas.segmentation.silhouette import silhouettes

TARGET = 150


def rows(long: bool) -> list[Row]:
    """The rows of this group."""
    found = []
    for n in (10_000, 20_000):
        X = data.customers(n)
        X = np.ascontiguousarray(X[np.lexsort(X.T[::-1])])
        labelings = [model.labels for model in our_fits(X).values()]
        # Theirs takes a labeling at a time: two of the eleven are timed.
        sides = in_turns(
            lambda X=X, some=labelings: silhouettes(X, some),
            lambda X=X, some=labelings[:2]: naive.silhouettes(X, some), 3, share=2 / len(labelings), single=n > 10_000,
        )  # fmt: skip
        ours, theirs = sides.found
        mean = max(abs(score.mean - other) for score, other in zip(ours, theirs, strict=False))
        per_row = float(np.abs(ours[0].values - silhouette_samples(X, labelings[0])).max())
        gate = f"C: means differ by {mean:.1e}, rows by {per_row:.1e}"
        note = "theirs: 2 of 11 k, extrapolated"
        held = mean <= 1e-6 and per_row <= 1e-5
        found.append(row("4", f"exact silhouettes, 11 k, {n:,}", sides, TARGET, gate, held, note))
    return [*found, _same_k()]


def _same_k() -> Row:
    """Gate B: on 24 data sets, does a sample of customers pick the k that all of them pick?

    All k share one sample, so the values of a data set are off together: ten samples of each are held against their
    errors, where one would judge the errors by 24 draws.
    """
    same, ties, inside, values = 0, 0, 0, 0
    for case in range(24):
        X = data.customers(4_000, seed=case, groups=2 + case % 7)
        labelings = [model.labels for model in our_fits(X).values()]
        X = np.ascontiguousarray(X[np.lexsort(X.T[::-1])])
        exact = silhouettes(X, labelings)
        sampled = silhouettes(X, labelings, case, limit=1_000)
        best, taken = (int(np.argmax([s.mean for s in scores])) for scores in (exact, sampled))
        order = np.argsort([-s.mean for s in sampled])
        first, second = sampled[order[0]], sampled[order[1]]
        difference = first.values[: first.base] - second.values[: second.base]
        tie = abs(first.mean - second.mean) <= 2 * difference.std(ddof=1) / np.sqrt(len(difference))
        same, ties = same + (best == taken), ties + (best != taken and tie)
        for scores in (sampled, *(silhouettes(X, labelings, case + 100 * i, limit=1_000) for i in range(1, 10))):
            inside += sum(abs(a.mean - b.mean) <= 3 * b.error / 1.96 for a, b in zip(exact, scores, strict=True))
            values += len(exact)
    held = same + ties == 24 and inside >= 0.99 * values
    gate = f"B: same k {same} of 24, tie said {ties}; within 3 errors {inside} of {values:,}"
    part = "2,000 customers pick the k that all pick"
    return Row("B", part, "", "", f"{same + ties} of 24", "24 of 24", held, gate, held)
