"""Rows of the battery beyond the choice of k: claims, calibration of the p-value, power, sets with a known truth."""

from __future__ import annotations

import gzip
import math

import numpy as np

from personas.features.coding import Coding, ColumnCoding
from personas.profiles.claims import claims, defining
from personas.profiles.contrast import cliffs_delta
from personas.profiles.null_effects import null_effects
from personas.segmentation import discover
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.algorithms.kmeans import KMEANS
from personas.segmentation.reference import fit_reference, largest_p, observed_and_drawn
from personas.simulate import simulate_world
from tests.battery_rows import Result, Row, natural, robust, said, seek
from tests.conftest import shared_data
from tests.profiles.test_claims import number, planted
from tests.segmentation.markets import z_scored

SETS = ("s1", "s2", "a1", "r15", "hepta", "tetra", "lsun", "wingnut", "chainlink", "iris", "wine")
CALIBRATION_DRAWS = 19


def noise_to_claims(seed: int, protocol: str) -> Result:
    """C1: noise cut into four; at most one definition a card, and no p-value on what formed the segments."""
    del protocol
    X = np.random.default_rng(seed).normal(size=(800, 6))
    model = KMEANS.fit(X, 4, np.random.SeedSequence(seed), 5)
    names = [f"x{j}" for j in range(6)]
    coding = Coding(tuple(ColumnCoding(name, name, "purchase") for name in names))
    thresholds = null_effects(X, coding, 4, KMEANS, seed)
    told = 0
    for g in range(4):
        found = [cliffs_delta(X[model.labels == g, j], X[model.labels != g, j]) for j in range(6)]
        effects = {name: 0.0 if e is None else e.value for name, e in zip(names, found, strict=True)}
        told += sum(defining(effects, thresholds).values())
    values = dict(zip(names, X.T, strict=True))
    tested = claims(
        [number(n) for n in names], frozenset(names), values, model.labels, X, np.arange(800), 4, [], seed
    )  # fmt: skip
    p_values = sum(len(own) for own in tested.values())
    return Result(told <= 4 and p_values == 0, f"{told / 4:.2f} a card, {p_values} p-values", told / 4)


def planted_effect(seed: int, protocol: str) -> Result:
    """C2: a planted delta of 0.4 is claimed; whether the interval covers it is judged over all seeds."""
    del protocol
    claim = planted(seed, 0.7416)[1]["spend"]
    covered = claim.effect.low <= 0.4 <= claim.effect.high  # type: ignore[attr-defined]
    claimed = bool(claim.holds)  # type: ignore[attr-defined]
    return Result(bool(covered) and claimed, f"{'claimed' if claimed else 'missed'}, {'covers' if covered else 'off'}")


def unrelated(seed: int, protocol: str) -> Result:
    """C3: two clusters and 40 descriptors that have nothing to do with them: nothing may be claimed."""
    del protocol
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], 200).astype(np.int32)
    X = random.normal(size=(400, 2)) + 8.0 * labels[:, None]
    values = {f"d{j:02d}": random.normal(size=400) for j in range(40)}
    found = claims([number(n) for n in values], frozenset(), values, labels, X, np.arange(400), 2, [], seed)
    told = sum(claim.holds for own in found.values() for claim in own.values())
    return Result(told == 0, f"{told} claimed")


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


CLAIMS = (
    Row("C1", "noise cut into four", "at most one definition a card, no p-value", 0.9, noise_to_claims),
    Row("C2", "planted delta of 0.4", "claimed, interval covers", 0.93, planted_effect),
    Row("C3", "40 unrelated descriptors", "nothing claimed", 0.95, unrelated),
)
CALIBRATION = Row("KS", "uniform, 5 columns, n 400, 19 draws", "p-values uniform", 0.0, null_p)
POWER = tuple(power(separation) for separation in range(2, 7))
KNOWN = tuple(known(name) for name in SETS)
