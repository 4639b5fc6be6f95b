"""Rows 7 to 10: stability by bootstrap, structureless references, the adjusted Rand index."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from benchmarks import data, naive
from benchmarks.measure import Row, in_turns, row
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.algorithms.kmeans import fit_kmeans
from personas.segmentation.silhouette import silhouettes
from personas.segmentation.streams import Step, generator, stream
from personas.segmentation.threads import spread

KS, ROWS, BOOTSTRAPS = tuple(naive.KS), 5_000, 100


def ours(X: np.ndarray, bootstraps: int, starts: int = 3) -> dict[int, float]:
    """Mean ARI of pairs of models of 5,000 drawn rows, on 5,000 fixed rows, for every k."""
    judged = X[: ROWS]

    def pair(job: tuple[int, int]) -> float:
        k, number = job
        labels = []
        for replicate in (2 * number, 2 * number + 1):
            drawn = generator(0, Step.BOOTSTRAP, k, replicate).integers(0, len(X), ROWS)
            model = fit_kmeans(X[np.sort(drawn)], k, stream(0, Step.BOOTSTRAP, k, replicate).spawn(1)[0], starts)
            labels.append(model.predict(judged))
        return adjusted_rand(contingency(labels[0], labels[1], k, k))

    jobs = [(k, number) for k in KS for number in range(bootstraps // 2)]
    values = list(spread(pair, jobs))
    step = bootstraps // 2
    return {k: float(np.mean(values[i * step : (i + 1) * step])) for i, k in enumerate(KS)}


def rows(long: bool) -> list[Row]:
    """The rows of this group."""
    found = []
    for n, target in ((10_000, 15), (100_000, 150), *(((1_000_000, 1000),) if long else ())):
        X = data.customers(n)
        timed = 2 if n < 1_000_000 else 1
        some = KS if n == 10_000 else (2, 7, 12)
        share = timed / BOOTSTRAPS * len(some) / len(KS)
        sides = in_turns(
            lambda X=X: ours(X, BOOTSTRAPS if long else 20),
            lambda X=X, ks=some, t=timed: naive.stability(X, ks, 2) if t == 2 else naive.fits(X, ks),
            1, share=share * (1 if long else BOOTSTRAPS / 20), single=True,
        )  # fmt: skip
        note = f"theirs: {timed} of 100 bootstraps, {len(some)} of 11 k, multiplied; mostly our fixed sample"
        found.append(row("7", f"stability, 100 bootstraps, {n:,}", sides, target, "F: see the tests", None, note))
    X = data.customers(10_000)
    sides = in_turns(
        lambda: ours(X, 4), lambda: naive.stability(X[:ROWS], KS, 2, n_init=3, rows=ROWS), 3, share=0.5
    )
    found.append(row("8", "stability at equal work", sides, 4))
    found.append(_null())
    found.append(_rand())
    return found


def _null() -> Row:
    X = np.random.default_rng(0).normal(size=(2_000, 20))

    def one() -> dict[int, float]:
        models = list(spread(lambda k: fit_kmeans(X, k, stream(0, Step.NULL_FIT, k, 1), 5), KS))
        scores = silhouettes(X, [model.labels for model in models])
        return {k: score.mean for k, score in zip(KS, scores, strict=True)}

    sides = in_turns(one, lambda: naive.null_set(X, KS), 5)
    return row("9", "a structureless set, 2,000 rows, 11 k", sides, 8)


def _rand() -> Row:
    random = np.random.default_rng(0)
    a, b = (random.integers(0, 8, 5_000).astype(np.int32) for _ in range(2))

    def mine() -> float:
        return sum(adjusted_rand(contingency(a, b, 8, 8)) for _ in range(200)) / 200

    sides = in_turns(mine, lambda: sum(adjusted_rand_score(a, b) for _ in range(200)) / 200, 5)
    gap = abs(sides.found[0] - sides.found[1])
    return row("10", "adjusted Rand index, 5,000 rows, 200 times", sides, 50, f"differs by {gap:.0e}", gap <= 1e-12)
