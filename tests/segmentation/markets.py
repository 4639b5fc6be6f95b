"""Small markets with known truth, for the tests of this room."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personas.segmentation.records import Floats


def z_scored(X: Floats) -> Floats:
    """Mean 0 and population standard deviation 1; a constant column becomes 0."""
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def mix(k: int, d: int, separation: float, n: int, seed: int) -> tuple[Floats, NDArray[np.int32]]:
    """k unit-normal groups of equal size whose nearest centres are ``separation`` apart, and who belongs where."""
    random = np.random.default_rng(seed)
    centres = random.uniform(size=(k, d))
    gaps = np.sqrt(((centres[:, None] - centres) ** 2).sum(axis=2))
    centres *= separation / gaps[gaps > 0].min()
    truth = np.repeat(np.arange(k), -(-n // k))[:n].astype(np.int32)
    return centres[truth] + random.normal(size=(n, d)), truth


def ring(k: int, radius: float, n: int, seed: int) -> tuple[Floats, NDArray[np.int32]]:
    """k unit-normal groups of equal size, evenly spaced on a circle, and who belongs where."""
    angles = 2 * np.pi * np.arange(k) / k
    truth = np.repeat(np.arange(k), -(-n // k))[:n].astype(np.int32)
    centres = radius * np.column_stack((np.cos(angles), np.sin(angles)))
    return centres[truth] + np.random.default_rng(seed).normal(size=(n, 2)), truth


def mall(folder: Path) -> Floats:
    """Income and spending score of 200 customers of a mall, z-scored."""
    columns = np.loadtxt(folder / "mall" / "Mall_Customers.csv", delimiter=",", skiprows=1, usecols=(3, 4))
    return z_scored(columns)


def known_k(folder: Path, name: str) -> Floats:
    """A benchmark set with known groups, z-scored."""
    with gzip.open(folder / "known_k" / f"{name}.data.gz", "rt") as lines:
        return z_scored(np.loadtxt(lines))
