"""Rows of the battery beyond single worlds: calibration of the p-value, power, sets with a known truth."""

from __future__ import annotations

import gzip
import math

import numpy as np

from personas.segmentation import discover
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.reference import fit_reference, largest_p, observed_and_drawn
from personas.simulate import simulate_world
from tests.battery_rows import Result, Row, natural, robust, said, seek
from tests.conftest import shared_data
from tests.segmentation.markets import z_scored

SETS = ("s1", "s2", "a1", "r15", "hepta", "tetra", "lsun", "wingnut", "chainlink", "iris", "wine")
CALIBRATION_DRAWS = 19


def null_p(seed: int, protocol: str) -> Result:
    """KS: the p-value of uniform customers, 19 draws, spread evenly inside its steps; judged over all seeds."""
    del protocol
    Z = robust(simulate_world("uniform5", 400, seed))
    Z = np.ascontiguousarray(Z[np.lexsort(Z.T[::-1])])
    observed, null = observed_and_drawn(Z, fit_reference(Z), range(2, 7), seed, CALIBRATION_DRAWS)
    p = largest_p(observed, null)
    inside = float(np.random.default_rng(seed).uniform())
    return Result(True, f"p {p:.2f}", p - inside / (CALIBRATION_DRAWS + 1))


def power(separation: int) -> Row:
    """W: how often three groups so far apart are called natural."""

    def run(seed: int, protocol: str) -> Result:
        found = seek(robust(simulate_world(f"mix(3,2,{separation})", 400, seed)), seed, protocol, (2, 6))
        return Result(natural(3)(found), said(found))

    return Row(f"W{separation}", f"3 groups {separation} apart", "natural 3", 0.0, run)


def known(name: str) -> Row:
    """A set with known groups: one line of the table; it holds when k is the true one."""

    def run(seed: int, protocol: str) -> Result:
        folder = shared_data() / "known_k"
        with gzip.open(folder / f"{name}.data.gz", "rt") as lines:
            X = z_scored(np.loadtxt(lines))
        with gzip.open(folder / f"{name}.labels0.gz", "rt") as lines:
            truth = np.unique(np.loadtxt(lines), return_inverse=True)[1].astype(np.int32)
        true_k, n = int(truth.max()) + 1, len(X)
        # Small sets have groups below the smallest segment offered by default, so the floor goes down with n.
        floor = min(max(50, math.ceil(0.02 * n)), max(10, n // (2 * true_k)))
        found = discover(X, k=(2, max(10, true_k + 3)), protocol=protocol, min_size=floor, seed=seed)
        inside = found.labels >= 0
        ari = adjusted_rand(contingency(truth[inside], found.labels[inside], true_k, found.k))
        best = max(c.silhouette for c in found.candidates)
        partly = f", partly natural ({found.natural_groups} groups)" if found.partly_natural else ""
        flags = ", ".join(notice.code for notice in found.notices) or "none"
        line = (
            f"| {name} | {n} | {true_k} | {found.k_silhouette} ({best:.3f}) | {found.k} | {found.verdict}{partly} | "
            f"{ari:.3f} | {flags} |"
        )
        return Result(found.k == true_k, line, ari)

    return Row(f"K-{name}", name, "the true k", 0.0, run, 1)


CALIBRATION = Row("KS", "uniform, 5 columns, n 400, 19 draws", "p-values uniform", 0.0, null_p)
POWER = tuple(power(separation) for separation in range(2, 7))
KNOWN = tuple(known(name) for name in SETS)
