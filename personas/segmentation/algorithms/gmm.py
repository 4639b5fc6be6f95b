"""Gaussian mixture by expectation and maximisation, with covariances that cannot collapse.

Our own, because the M-step of scikit-learn cannot be regularised through its public interface (method.md 7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from personas.segmentation import compute, compute_mixture
from personas.segmentation.algorithms.covariance import (
    OFF,
    SHAPES,
    Components,
    Moments,
    Regularisation,
    free_parameters,
    maximise,
    merged,
)
from personas.segmentation.algorithms.kmeans import REFIT_STARTS, fit_prepared, in_order, prepare
from personas.segmentation.compute_mixture import Whitened
from personas.segmentation.lloyd import inertia_of
from personas.segmentation.records import Algorithm, Floats, Labels
from personas.segmentation.threads import single_thread

__all__ = ["GMM", "OFF", "Fit", "MixtureModel", "Regularisation", "fit_gmm", "fit_mixture"]

MANY_ROWS = 10_000
"""Above so many rows the climb begins on a part of them."""
TRIAL_ROWS, PART_ROWS = 5_000, 10_000
"""Rows for the trials of all starts, and for the climb of the best."""
TRIED = 24
"""So many components are wanted of all trials together: few climb fast, and need more starts to be the right ones."""
ROUGH_PASSES, ROUGH = 3, 1e-3
"""Starts on a part are k-means partitions left unfinished, after at most k - 1 passes: finished ones are all the same
one, and the best mixture is often elsewhere (measured: 0.2 less log-likelihood a row)."""
TRIAL_PASSES, MERGED_PASSES, PART_PASSES, FULL_PASSES = 5, 3, 40, 4
"""Passes of a new start, after each merger, of the best start on its part, and on all rows."""
KMEANS_STARTS = 10


@dataclass(frozen=True, slots=True)
class Fit:
    """How long expectation and maximisation go on: until the mean log-likelihood moves less than ``tolerance``."""

    tolerance: float = 1e-6
    iterations: int = 500
    trial_iterations: int = 15
    finalists: int = 2
    """How many starts, by log-likelihood after the trial iterations, go on to the end."""


REFIT = Fit(tolerance=1e-4, iterations=60, finalists=1)


@dataclass(frozen=True, slots=True)
class MixtureModel:
    """k Gaussian components in columns divided by ``scale``; labels are the most probable component."""

    k: int
    labels: Labels
    centroids: Floats
    inertia: float
    weights: Floats
    covariances: Floats
    """(k, d, d), of the scaled columns."""
    scale: Floats
    shape: str
    algorithm: str = field(default="gmm")

    def log_densities(self, X: Floats) -> Floats:
        """(n, k) log of weight times density of each component, in the units of X."""
        # Close to the rows, so that values far from 0 keep their digits.
        centre = self.centroids.mean(axis=0)
        means = (self.centroids - centre) / self.scale
        model = compute_mixture.whitened(centre, self.scale, self.weights, means, self.covariances)
        return compute_mixture.log_densities(X, model) - float(np.log(self.scale).sum())

    def membership(self, X: Floats) -> Floats:
        """(n, k) posterior probabilities; near 0 or 1 whatever the truth when there are more than ten columns."""
        return _posterior(self.log_densities(X))[0]

    def predict(self, X: Floats) -> Labels:
        """(n,) most probable component; ties go to the lower number."""
        labels: Labels = np.argmax(self.log_densities(X), axis=1).astype(np.int32)
        return labels

    def log_likelihood(self, X: Floats) -> float:
        """Sum over the rows of X."""
        return float(_posterior(self.log_densities(X))[1].sum())

    def bic(self, X: Floats) -> float:
        """-2 log L + parameters * log n: smaller is better, as in scikit-learn."""
        return -2 * self.log_likelihood(X) + free_parameters(self.shape, self.k, X.shape[1]) * float(np.log(len(X)))

    def icl(self, X: Floats) -> float:
        """BIC plus twice the entropy of the posteriors (Biernacki, Celeux and Govaert 2000)."""
        posterior = self.membership(X)
        entropy = -float((posterior * np.log(np.maximum(posterior, 1e-300))).sum())
        return self.bic(X) + 2 * entropy

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything but the labels."""
        return {
            "centroids": self.centroids,
            "inertia": np.array(self.inertia),
            "weights": self.weights,
            "covariances": self.covariances,
            "scale": self.scale,
            "shape": np.array(SHAPES.index(self.shape)),
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with what makes a pass of expectation over them."""

    X: Floats
    expect: Callable[[Whitened], tuple[float, Floats, Floats, Floats]]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stays the same in a fit: columns are taken less ``centre`` over ``scale``, covariances have a ``shape``."""

    centre: Floats
    scale: Floats
    shape: str
    how: Regularisation

    def whitened(self, found: Components) -> Whitened:
        """The components for a pass over the rows."""
        return compute_mixture.whitened(self.centre, self.scale, found.weights, found.means, found.covariances)

    def rows(self, X: Floats) -> Rows:
        """Rows that a mixture climbs on to the end."""
        return Rows(X, partial(compute_mixture.mixture, X))

    def narrow(self, X: Floats) -> Rows:
        """Rows that it climbs on only some way, in float32."""
        return Rows(X, partial(compute_mixture.narrow_mixture, compute_mixture.narrow(X, self.centre, self.scale)))


def fit_gmm(X: Floats, k: int, stream: np.random.SeedSequence, starts: int) -> MixtureModel:
    """A mixture of ``k`` components: full covariances, or diagonal ones when a component has under 5 rows a column.

    Starts are k-means partitions: ten of them for a reference fit, one good one for a refit (``starts`` up to 5).
    Above 10,000 rows a few unfinished ones, of twice as many components, are tried on 5,000 of them, the best climbs on
    10,000, and all rows take part in four last passes.
    """
    shape = "full" if len(X) / k >= 5 * X.shape[1] else "diag"
    if starts <= REFIT_STARTS:
        return fit_mixture(X, k, stream, [starts], shape=shape, fit=REFIT)
    return fit_mixture(X, k, stream, [1] * KMEANS_STARTS, shape=shape)


def fit_mixture(
    X: Floats,
    k: int,
    stream: np.random.SeedSequence,
    starts: list[int],
    *,
    shape: str = "full",
    how: Regularisation | None = None,
    fit: Fit | None = None,
) -> MixtureModel:
    """The mixture with the largest likelihood among its starts, components in lexicographic order of their means.

    Parameters
    ----------
    starts : list of int
        One k-means start each, with that many starts of its own; not used above 10,000 rows.
    how : Regularisation
        ``OFF`` gives the plain maximum likelihood, which is unbounded: for comparisons only.

    A solution with a component lighter than max(2%, 2d/n) is taken only when there is no other.
    """
    how, fit = how or Regularisation(), fit or Fit()
    # The cap compares eigenvalues of different columns, so columns must be alike in scale; without it nothing changes.
    spread = X.std(axis=0) if np.isfinite(how.cap) else np.ones(X.shape[1])
    frame = Frame(X.mean(axis=0), np.where(spread > 0, spread, 1.0), shape, how)
    with single_thread():
        if len(X) > MANY_ROWS:
            moments = _from_part(X, frame, k, stream)
            moments = _climb(frame.narrow(X), frame, moments, fit.tolerance, FULL_PASSES)[1]
        else:
            moments = _best(frame.rows(X), frame, k, _partitions(X / frame.scale, k, stream, starts), fit)
        found = maximise(moments, shape, how)
        order = in_order(found.means)
        model = MixtureModel(
            k, np.empty(0, dtype=np.int32), found.means[order] * frame.scale + frame.centre, 0.0,
            found.weights[order], found.covariances[order], frame.scale, shape,
        )  # fmt: skip
        labels = model.predict(X)
    return replace(model, labels=labels, inertia=inertia_of(X, labels, model.centroids))


def restore_gmm(arrays: Mapping[str, NDArray[np.generic]]) -> MixtureModel:
    """The model of saved ``arrays``; its labels are empty."""
    number = {name: np.asarray(arrays[name], dtype=np.float64) for name in arrays}
    return MixtureModel(
        len(number["centroids"]),
        np.empty(0, dtype=np.int32),
        number["centroids"],
        float(number["inertia"]),
        number["weights"],
        number["covariances"],
        number["scale"],
        SHAPES[int(number["shape"])],
    )


def _partitions(Z: Floats, k: int, stream: np.random.SeedSequence, starts: list[int]) -> list[Labels]:
    """Different k-means partitions: equal ones would climb to the same top."""
    if k == 1:
        return [np.zeros(len(Z), dtype=np.int32)]
    shared, found = prepare(Z), dict[bytes, Labels]()
    for entropy, count in zip(stream.generate_state(len(starts)), starts, strict=True):
        labels = fit_prepared(shared, k, np.random.SeedSequence(int(entropy)), count).labels
        found.setdefault(labels.tobytes(), labels)
    return list(found.values())


def _unfinished(Z: Floats, k: int, starts: int, stream: np.random.SeedSequence) -> list[Labels]:
    """Unlike k-means partitions after a few passes."""
    uniforms = np.random.Generator(np.random.PCG64(stream)).random((starts, 1 + (k - 1) * compute.tries(k)))
    passes = max(1, min(ROUGH_PASSES, k - 1))
    return [compute.nearest(Z, c)[0] for c in compute.starts(compute.pack(Z), k, uniforms, passes, ROUGH)[1]]


def _from_part(X: Floats, frame: Frame, k: int, stream: np.random.SeedSequence) -> Moments:
    """Where the climb on all rows begins: the best of a few trials, climbed on a part of the rows.

    Each trial begins with twice as many components, and the two that lose least as one are merged until there are k:
    twelve starts from k components alone end up to 0.1 log-likelihood a row lower. The cap waits until there are k.
    """
    drawn = np.random.Generator(np.random.PCG64(stream)).permutation(len(X))[:PART_ROWS]
    part, first = frame.narrow(X[np.sort(drawn)]), frame.narrow(X[np.sort(drawn[:TRIAL_ROWS])])
    loose = replace(frame, how=replace(frame.how, cap=np.inf))
    runs = []
    for labels in _unfinished(first.X / frame.scale, 2 * k, max(2, TRIED // k), stream):
        now, moments = _climb(first, loose, _moments(first.X, frame, labels, 2 * k), ROUGH, TRIAL_PASSES)
        while len(moments.counts) > k:
            moments = merged(moments, frame.shape, loose.how)
            now, moments = _climb(first, loose, moments, ROUGH, MERGED_PASSES)
        runs.append((now, moments))
    return _climb(part, frame, _soundest(runs, first, frame)[1], ROUGH, PART_PASSES)[1]


def _best(rows: Rows, frame: Frame, k: int, partitions: list[Labels], fit: Fit) -> Moments:
    """From all partitions a few iterations, from the best of them to the end."""
    trials = [
        _climb(rows, frame, _moments(rows.X, frame, labels, k), fit.tolerance, fit.trial_iterations)
        for labels in partitions
    ]
    trials.sort(key=lambda run: -run[0])
    runs = [_climb(rows, frame, run[1], fit.tolerance, fit.iterations) for run in trials[: fit.finalists]]
    return _soundest(runs, rows, frame)[1]


def _soundest(runs: list[tuple[float, Moments]], rows: Rows, frame: Frame) -> tuple[float, Moments]:
    """The most likely run; one with a component that is too light only when there is no other."""
    lightest = max(0.02, 2 * rows.X.shape[1] / len(rows.X)) if frame.how is not OFF else 0.0
    return max(runs, key=lambda run: (run[1].lightest >= lightest, run[0]))


def _moments(X: Floats, frame: Frame, labels: Labels, k: int) -> Moments:
    """Of a partition, in the columns of the frame."""
    groups = [(X[labels == c] - frame.centre) / frame.scale for c in range(k)]
    return Moments(
        np.array([float(len(rows)) for rows in groups]),
        np.array([rows.sum(axis=0) for rows in groups]),
        np.array([rows.T @ rows for rows in groups]),
    )


def _climb(rows: Rows, frame: Frame, moments: Moments, tolerance: float, iterations: int) -> tuple[float, Moments]:
    """Mean log-likelihood, and moments of its components, after at most ``iterations`` rounds."""
    before = -np.inf
    for _ in range(iterations):
        total, *sums = rows.expect(frame.whitened(maximise(moments, frame.shape, frame.how)))
        now, moments = total / len(rows.X), Moments(*sums)
        if abs(now - before) < tolerance:
            break
        before = now
    return now, moments


def _posterior(logs: Floats) -> tuple[Floats, Floats]:
    """Responsibilities (n, k) and log-density (n,) of each row."""
    top = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, (top + np.log(total))[:, 0]


GMM = Algorithm(
    name="gmm",
    label="Gaussian mixture",
    fit=fit_gmm,
    restore=restore_gmm,
    suits="overlapping groups of unequal spread",
)
