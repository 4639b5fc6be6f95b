"""One loop over resamples gives every measure of stability: pairs, segments, customers.

Cost does not grow with n: resamples are drawn from at most 2,000 rows (method.md 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from personas.estimate import Estimate
from personas.segmentation.agreement import adjusted_rand, best_jaccard, contingency, matched, matched_share
from personas.segmentation.algorithms.kmeans import REFIT_STARTS
from personas.segmentation.records import Algorithm, Candidate, Fitted, Floats, Labels, Progress
from personas.segmentation.silhouette import silhouettes
from personas.segmentation.streams import Step, generator, stream
from personas.segmentation.threads import spread

RESAMPLE_ROWS = 2_000
PAIRS = {"full": 50, "quick": 15}
HALF_SAMPLES = 20
FIRST_PAIRS = 10
"""After so many pairs a k that cannot reach the stability bound any more gets no further ones."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """What came back in the resamples of one k.

    ``ari`` and ``agreement`` have one value per pair, ``jaccard`` (2 * pairs, k) one row per resample. ``models`` are
    the refitted models, each with the map from its labels to the reference (-1: no counterpart).
    """

    ari: tuple[float, ...]
    agreement: tuple[float, ...]
    jaccard: Floats
    models: tuple[tuple[Fitted, Labels], ...]

    def __add__(self, other: Resampled) -> Resampled:
        return Resampled(
            self.ari + other.ari,
            self.agreement + other.agreement,
            np.concatenate((self.jaccard, other.jaccard)),
            self.models + other.models,
        )


def resample(
    X: Floats,
    reference: Fitted,
    algorithm: Algorithm,
    seed: int,
    pairs: Sequence[int],
    progress: Progress | None = None,
) -> Resampled:
    """Refit on pairs of bootstrap resamples of the rows of X and compare with each other and with the reference.

    Parameters
    ----------
    X : (n', d) rows to draw from, at most a few thousand.
    pairs : numbers of the pairs; each has a random stream of its own, so that pairs can be added later.
    """
    k, expected = reference.k, reference.predict(X)

    def one(pair: int) -> list[tuple[Fitted, Labels]]:
        models = [_refit(X, k, algorithm, seed, replicate) for replicate in (2 * pair, 2 * pair + 1)]
        return [(model, model.predict(X)) for model in models]

    ari, agreement, jaccard, models = [], [], [], []
    for done, members in enumerate(spread(one, pairs), 1):
        for model, labels in members:
            overlap = contingency(expected, labels, k, k)
            jaccard.append(best_jaccard(overlap))
            models.append((model, matched(overlap)))
        table = contingency(members[0][1], members[1][1], k, k)
        ari.append(adjusted_rand(table))
        agreement.append(matched_share(table))
        if progress:
            progress(f"does it come back? {algorithm.label}, {k} segments", done / len(pairs))
    return Resampled(tuple(ari), tuple(agreement), np.array(jaccard).reshape(-1, k), tuple(models))


def _refit(X: Floats, k: int, algorithm: Algorithm, seed: int, replicate: int) -> Fitted:
    # Drawn rows are sorted, so that equal rows stand side by side and count as one row with a weight.
    drawn = generator(seed, Step.BOOTSTRAP, k, replicate).integers(0, len(X), len(X))
    return algorithm.fit(X[np.sort(drawn)], k, stream(seed, Step.BOOTSTRAP, k, replicate).spawn(1)[0], REFIT_STARTS)


def standard_error(
    X: Floats, k: int, algorithm: Algorithm, seed: int, n: int, progress: Progress | None = None
) -> float:
    """Standard error of the silhouette at k from 20 half-samples without replacement of the rows of X (n', d).

    The deviation over halves *is* the error at the size of X; for ``n`` rows in all it shrinks by sqrt(n' / n).
    """

    def one(replicate: int) -> float:
        drawn = generator(seed, Step.HALF_SAMPLE, k, replicate).choice(len(X), len(X) // 2, replace=False)
        half = X[np.sort(drawn)]
        model = algorithm.fit(half, k, stream(seed, Step.HALF_SAMPLE, k, replicate).spawn(1)[0], REFIT_STARTS)
        return silhouettes(half, [model.labels])[0].mean

    values = []
    for done, value in enumerate(spread(one, range(HALF_SAMPLES)), 1):
        values.append(value)
        if progress:
            progress(f"error of the silhouette, {k} segments", done / HALF_SAMPLES)
    return float(np.std(values, ddof=1) * np.sqrt(len(X) / n))


def hopeless(resampled: Resampled, bound: float) -> bool:
    """Whether a segment is so unstable that more resamples cannot lift its mean Jaccard to ``bound``.

    Three standard errors below it after the first pairs.
    """
    means = resampled.jaccard.mean(axis=0)
    errors = resampled.jaccard.std(axis=0, ddof=1) / np.sqrt(len(resampled.jaccard))
    return bool((means + 3 * errors).min() < bound)


def with_stability(candidate: Candidate, resampled: Resampled) -> Candidate:
    """The candidate with what the resamples say about it."""
    low, median, high = np.quantile(resampled.ari, (0.25, 0.5, 0.75))
    quartiles = np.quantile(resampled.jaccard, (0.25, 0.75), axis=0)
    return replace(
        candidate,
        ari_median=float(median),
        ari_quartiles=(float(low), float(high)),
        ari_values=resampled.ari,
        jaccard=tuple(float(j) for j in resampled.jaccard.mean(axis=0)),
        jaccard_quartiles=tuple((float(a), float(b)) for a, b in quartiles.T),
        agreement=float(np.median(resampled.agreement)),
    )


def stability_estimates(resampled: Resampled) -> tuple[Estimate, ...]:
    """Per segment the mean Jaccard with the middle 95% of the resamples."""
    values = resampled.jaccard
    low, high = np.quantile(values, (0.025, 0.975), axis=0)
    return tuple(
        # The mean of very lopsided values can lie outside the middle 95%.
        Estimate(float(m), min(float(a), float(m)), max(float(b), float(m)), "share", len(values), "bootstrap")
        for m, a, b in zip(values.mean(axis=0), low, high, strict=True)
    )


def confidence(X: Floats, labels: Labels, models: Sequence[tuple[Fitted, Labels]]) -> Floats:
    """(n,) share of resampled models that put each row into its own segment: "the same persona if done again"."""
    hits = np.zeros(len(X))
    for model, partner in models:
        hits += partner[model.predict(X)] == labels
    return hits / max(1, len(models))
