"""Gaussian mixture by expectation and maximisation, with covariances that cannot collapse.

Our own, because the M-step of scikit-learn cannot be regularised through its public interface (method.md 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.algorithms.covariance import OFF, SHAPES, Regularisation, estimate, free_parameters
from personas.segmentation.algorithms.kmeans import REFIT_STARTS, fit_kmeans, in_order
from personas.segmentation.lloyd import inertia_of
from personas.segmentation.records import Algorithm, Floats, Labels
from personas.segmentation.threads import single_thread

__all__ = ["GMM", "OFF", "Fit", "MixtureModel", "Regularisation", "fit_gmm", "fit_mixture"]

START_ROWS = 10_000
FULL_PASSES = 5
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
        scaled = _log_densities(X / self.scale, self.weights, self.centroids / self.scale, self.covariances)
        return scaled - float(np.log(self.scale).sum())

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


def fit_gmm(X: Floats, k: int, stream: np.random.SeedSequence, starts: int) -> MixtureModel:
    """A mixture of ``k`` components: full covariances, or diagonal ones when a component has under 5 rows a column.

    Starts are k-means partitions: ten of them for a reference fit, one good one for a refit (``starts`` up to 5).
    Above 10,000 rows the starts run on 10,000 of them and all rows take part in five last passes.
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
        One k-means start each, with that many starts of its own.
    how : Regularisation
        ``OFF`` gives the plain maximum likelihood, which is unbounded: for comparisons only.

    A solution with a component lighter than max(2%, 2d/n) is taken only when there is no other.
    """
    how, fit = how or Regularisation(), fit or Fit()
    # The cap compares eigenvalues of different columns, so columns must be alike in scale; without it nothing changes.
    spread = X.std(axis=0) if np.isfinite(how.cap) else np.ones(X.shape[1])
    scale = np.where(spread > 0, spread, 1.0)
    Z = X / scale
    part = Z
    if len(Z) > START_ROWS:
        drawn = np.random.Generator(np.random.PCG64(stream)).choice(len(Z), START_ROWS, replace=False)
        part = Z[np.sort(drawn)]
    with single_thread():
        trials = [
            _climb(part, _one_hot(labels, k), shape, how, fit.tolerance, fit.trial_iterations)
            for labels in _partitions(part, k, stream, starts)
        ]
        trials.sort(key=lambda run: -run[0])
        runs = [_climb(part, run[1], shape, how, fit.tolerance, fit.iterations) for run in trials[: fit.finalists]]
        lightest = max(0.02, 2 * X.shape[1] / len(part)) if how is not OFF else 0.0
        sound = [run for run in runs if run[1].mean(axis=0).min() >= lightest] or runs
        best = max(sound, key=lambda run: run[0])
        if part is not Z:
            start = _posterior(_log_densities(Z, *_maximise(part, best[1], shape, how)))[0]
            best = _climb(Z, start, shape, how, fit.tolerance, FULL_PASSES)
        weights, means, covariances = _maximise(Z, best[1], shape, how)
        order = in_order(means)
        model = MixtureModel(
            k, np.empty(0, dtype=np.int32), means[order] * scale, 0.0, weights[order], covariances[order], scale, shape
        )
        labels = model.predict(X)
    inertia = inertia_of(X, labels, model.centroids)
    return MixtureModel(k, labels, model.centroids, inertia, model.weights, model.covariances, model.scale, shape)


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
    found: dict[bytes, Labels] = {}
    for entropy, count in zip(stream.generate_state(len(starts)), starts, strict=True):
        labels = fit_kmeans(Z, k, np.random.SeedSequence(int(entropy)), count).labels if k > 1 else _all_in_one(Z)
        found.setdefault(labels.tobytes(), labels)
    return list(found.values())


def _all_in_one(Z: Floats) -> Labels:
    return np.zeros(len(Z), dtype=np.int32)


def _one_hot(labels: Labels, k: int) -> Floats:
    return np.eye(k)[labels]


def _climb(
    Z: Floats, responsibilities: Floats, shape: str, how: Regularisation, tolerance: float, iterations: int
) -> tuple[float, Floats]:
    """Mean log-likelihood and responsibilities after at most ``iterations`` rounds."""
    before = -np.inf
    for _ in range(iterations):
        responsibilities, logs = _posterior(_log_densities(Z, *_maximise(Z, responsibilities, shape, how)))
        now = float(logs.mean())
        if abs(now - before) < tolerance:
            break
        before = now
    return now, responsibilities


def _maximise(Z: Floats, responsibilities: Floats, shape: str, how: Regularisation) -> tuple[Floats, Floats, Floats]:
    counts = np.maximum(responsibilities.sum(axis=0), 1e-9)
    means = responsibilities.T @ Z / counts[:, None]
    return counts / counts.sum(), means, estimate(Z, means, responsibilities, shape, how)


def _log_densities(Z: Floats, weights: Floats, means: Floats, covariances: Floats) -> Floats:
    d = Z.shape[1]
    logs = np.empty((len(Z), len(means)))
    for j, mean in enumerate(means):
        lower = np.linalg.cholesky(covariances[j])
        solved = (Z - mean) @ np.linalg.inv(lower).T
        log_det = 2.0 * np.log(np.diag(lower)).sum()
        distances = np.einsum("ij,ij->i", solved, solved)
        logs[:, j] = np.log(weights[j]) - 0.5 * (distances + log_det + d * np.log(2 * np.pi))
    return logs


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
