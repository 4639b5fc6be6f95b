"""Arrays whose truth is known: worlds without groups, and planted groups at a given separation.

Generators of the test battery of this project's method (section 11). The arrays are not scaled.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError, did_you_mean

Floats = NDArray[np.float64]
World = Callable[[int, np.random.Generator], Floats]
WORLD_STREAM = 100


def simulate_world(name: str, n: int, seed: int) -> Floats:
    """Array (n, d) of a world named in ``WORLDS``, or of ``mix(k,d,sep)`` for planted groups.

    >>> simulate_world("banana", 200, 1).shape, simulate_world("mix(3,2,5)", 200, 1).shape
    ((200, 2), (200, 2))

    Raises
    ------
    InputError
        For a name that is not known.
    """
    found = re.fullmatch(r"mix\((\d+),(\d+),(\d+(?:\.\d+)?)\)", name.replace(" ", ""))
    if found:
        return planted_world(int(found[1]), int(found[2]), float(found[3]), n, seed)[0]
    if name not in WORLDS:
        raise InputError(f"There is no world '{name}'. {did_you_mean(name, list(WORLDS))} Known: {', '.join(WORLDS)}")
    return WORLDS[name](n, _stream(seed))


def planted_world(k: int, d: int, sep: float, n: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Array (n, d) and labels (n,) of k round groups of equal size with unit spread.

    Centres are uniform in a cube, stretched so that the two nearest are ``sep`` standard deviations apart.

    >>> X, labels = planted_world(3, 2, 5, 90, 0)
    >>> np.bincount(labels).tolist()
    [30, 30, 30]
    """
    rng = _stream(seed)
    centres = rng.random((k, d))
    apart = np.linalg.norm(centres[:, None] - centres[None, :], axis=2)
    centres *= sep / apart[np.triu_indices(k, 1)].min()
    labels = rng.permutation(np.arange(n) % k)
    return centres[labels] + rng.standard_normal((n, d)), labels


def _stream(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(WORLD_STREAM, 0, 0))))


def _uniform(n: int, rng: np.random.Generator) -> Floats:
    return rng.random((n, 2))


def _uniform5(n: int, rng: np.random.Generator) -> Floats:
    return rng.random((n, 5))


def _gaussian5(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal((n, 5))


def _gaussian20(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_normal((n, 20))


def _one_factor(n: int, rng: np.random.Generator) -> Floats:
    """Six columns that share 60% of their variance."""
    return np.asarray(np.sqrt(0.6) * rng.standard_normal((n, 1)) + np.sqrt(0.4) * rng.standard_normal((n, 6)))


def _lognormal(n: int, rng: np.random.Generator) -> Floats:
    return np.exp(rng.standard_normal((n, 3)))


def _lognormal_correlated(n: int, rng: np.random.Generator) -> Floats:
    """Three skewed columns whose logarithms correlate by 0.5."""
    logs = np.sqrt(0.5) * rng.standard_normal((n, 1)) + np.sqrt(0.5) * rng.standard_normal((n, 3))
    return np.asarray(np.exp(logs))


def _t3(n: int, rng: np.random.Generator) -> Floats:
    return rng.standard_t(3, (n, 4))


def _rfm(n: int, rng: np.random.Generator) -> Floats:
    """Recency, frequency and money of one continuous population, log(1 + x)."""
    frequency = 1 + rng.poisson(3 * rng.gamma(1.2, 1, n))
    money = frequency * np.exp(3 + 0.5 * rng.standard_normal(n) + 0.3 * rng.standard_normal(n))
    recency = rng.exponential(120 / (frequency + 0.5))
    return np.log1p(np.column_stack([recency, frequency, money]))


def _banana(n: int, rng: np.random.Generator) -> Floats:
    x = rng.standard_normal(n)
    return np.column_stack([x, x**2 + 0.5 * rng.standard_normal(n)])


def _poisson(n: int, rng: np.random.Generator) -> Floats:
    return rng.poisson(1.2, (n, 2)).astype(np.float64)


def _disc(n: int, rng: np.random.Generator) -> Floats:
    radius, angle = np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _arc(n: int, rng: np.random.Generator) -> Floats:
    """A half circle of radius 3 with a little thickness."""
    radius, angle = 3 + 0.3 * rng.standard_normal(n), np.pi * rng.random(n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


WORLDS: dict[str, World] = {
    "uniform": _uniform,
    "uniform5": _uniform5,
    "gaussian5": _gaussian5,
    "gaussian20": _gaussian20,
    "one_factor": _one_factor,
    "lognormal": _lognormal,
    "lognormal_correlated": _lognormal_correlated,
    "t3": _t3,
    "rfm": _rfm,
    "banana": _banana,
    "poisson": _poisson,
    "disc": _disc,
    "arc": _arc,
}
"""Worlds without groups."""
