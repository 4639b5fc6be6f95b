"""The battery of claims and intervals: how often a claim of noise is made, a planted one found, an interval right.

``make battery`` runs it and writes reports/battery_claims.md and .json. The bounded version is
tests/test_battery_claims.py.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from personas.features.coding import Coding, ColumnCoding
from personas.features.feature import Feature
from personas.profiles.claims import centred_ranks, claims, definitions, deltas
from personas.profiles.intervals import MONEY_REPLICATES, spreads
from personas.profiles.money_records import Claim
from personas.profiles.null_effects import null_effects
from personas.segmentation.algorithms.kmeans import KMEANS
from tests.battery import interval
from tests.conftest import ROOT

Floats = np.ndarray
UNRELATED = 40
SHIFT = 0.7416
"""Between two normals: delta = 2 Phi(shift / sqrt 2) - 1 = 0.4."""
SIGMAS, SIZES = (1.0, 1.5, 2.0), (30, 100, 1000)
FLOORS = {  # coverage of bootstrap-t measured for the design (method.md 9.10), in 300 runs
    (1.0, 30): 0.92, (1.0, 100): 0.91, (1.0, 1000): 0.93, (1.5, 30): 0.90, (1.5, 100): 0.90, (1.5, 1000): 0.93,
    (2.0, 30): 0.86, (2.0, 100): 0.85, (2.0, 1000): 0.90,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row: what is counted per seed (a share of 0 to 1), and between which shares it must lie."""

    code: str
    what: str
    expected: str
    count: Callable[[int], float]
    low: float = 0.0
    high: float = 1.0


def number(name: str) -> Feature:
    """A plain number of the customers."""
    return Feature(name, name, "customers", "points", name, name, "psychographics", role="profile")


def two_groups(seed: int, columns: Floats, n: int = 300) -> dict[int, dict[str, Claim]]:
    """Claims about descriptors (n, m) of two clear groups of ``n`` / 2 customers, with ten refitted models."""
    random = np.random.default_rng([seed, 1])
    labels = np.repeat([0, 1], n // 2).astype(np.int32)
    X = random.normal(size=(n, 2)) + 8.0 * labels[:, None]
    models = []
    for child in np.random.SeedSequence(seed).spawn(10):
        rows = np.sort(np.random.default_rng(child).integers(0, n, n))
        model = KMEANS.fit(X[rows], 2, child, 2)
        first = int(np.bincount(model.predict(X[labels == 0]), minlength=2).argmax())
        models.append((model, np.array([0, 1] if first == 0 else [1, 0], dtype=np.int32)))
    values = {f"d{j}": columns[:, j] for j in range(columns.shape[1])} | {"x": X[:, 0]}
    features = [number(name) for name in values]
    without = definitions(features, ["x"], values)
    found = claims(features, without, values, labels, X, np.arange(n), 2, models, seed)
    assert all("x" not in own for own in found.values()), "a forming feature was tested"
    return found


def planted(seed: int, n: int = 300) -> Floats:
    """One descriptor that is higher in the second group by a delta of 0.4, one that is not."""
    random = np.random.default_rng([seed, 2])
    return random.normal(size=(n, 2)) + np.outer(np.repeat([0.0, SHIFT], n // 2), [1.0, 0.0])


@lru_cache(maxsize=64)
def claim_of_the_planted(seed: int) -> Claim:
    """The claim about the planted difference."""
    return two_groups(seed, planted(seed))[1]["d0"]


def is_claimed(seed: int) -> float:
    """Whether the planted difference is claimed."""
    return float(claim_of_the_planted(seed).holds)


def is_covered(seed: int) -> float:
    """Whether its interval holds 0.4."""
    effect = claim_of_the_planted(seed).effect
    return float(effect.low <= 0.4 <= effect.high)


def says_something_of_noise(seed: int) -> float:
    """Whether any of 40 descriptors that have nothing to do with the groups is claimed."""
    noise = np.random.default_rng([seed, 3]).normal(size=(300, UNRELATED))
    return float(any(c.holds for own in two_groups(seed, noise).values() for c in own.values()))


def defining_of_noise(seed: int) -> float:
    """Definition claims a card where six columns of noise are cut into four."""
    X = np.random.default_rng([seed, 4]).normal(size=(500, 6))
    coding = Coding(tuple(ColumnCoding(f"f{j}", f"f{j}", "purchase") for j in range(6)))
    thresholds = null_effects(X, coding, 4, KMEANS, seed)
    labels = KMEANS.fit(X, 4, np.random.SeedSequence(seed), 5).labels
    ranks = np.column_stack([centred_ranks(column) for column in X.T])
    effects = np.abs(deltas(ranks, np.ones_like(X), np.eye(4)[labels]))
    return float((effects > np.array([thresholds[f"f{j}"] for j in range(6)])).sum()) / 4


def covers(sigma: float, n: int) -> Callable[[int], float]:
    """Whether the interval of the mean of lognormal spend holds the true mean, exp(sigma^2 / 2)."""

    def count(seed: int) -> float:
        x = np.exp(sigma * np.random.default_rng([seed, n, round(10 * sigma)]).normal(size=n))
        random = np.random.default_rng([seed, n, 7])
        found = spreads(x[:, None], np.array([n]), MONEY_REPLICATES, random)[0].around(float(x.mean()), "EUR", n)
        return float(found.low <= math.exp(sigma**2 / 2) <= found.high)

    return count


ROWS = (
    Row("C1", "noise cut into four: definition claims a card", "at most 1", defining_of_noise, high=1.0),
    Row("C2a", "planted delta 0.4, 150 a group: claimed", "nearly always", is_claimed, low=0.9),
    Row("C2b", "its simultaneous interval holds 0.4", "at least 93%", is_covered, low=0.93),
    Row("C3", "40 unrelated descriptors: any claim", "at most 5%", says_something_of_noise, high=0.05),
    *(
        Row(f"B{sigma:g}/{n}", f"lognormal spend, sigma {sigma:g}, {n} customers: interval of the mean",
            f"at least {FLOORS[sigma, n]:.0%}", covers(sigma, n), low=FLOORS[sigma, n])
        for sigma in SIGMAS for n in SIZES
    ),
)  # fmt: skip
HEAD = """# Battery of claims and intervals

Written by `make battery`. {seconds} s. "met": the measured share lies where it must; "open": it does not, but its 95%
interval (Wilson) reaches there; "missed": it does not reach. Floors of the last rows are those of method.md 9.10.

| row | what | expected | seeds | measured | 95% interval | |
|---|---|---|---|---|---|---|
"""


def verdict(row: Row, values: list[float]) -> tuple[float, float, float, str]:
    """Measured share with its interval, and whether it is met, open or missed."""
    n, mean = len(values), float(np.mean(values))
    if set(values) <= {0.0, 1.0}:
        low, high = interval(int(sum(values)), n)
    else:
        half = 1.96 * float(np.std(values, ddof=1)) / math.sqrt(n) if n > 1 else 1.0
        low, high = mean - half, mean + half
    met = row.low <= mean <= row.high
    reaches = low <= row.high and high >= row.low
    return mean, low, high, "met" if met else "open" if reaches else "**missed**"


def _run(task: tuple[str, int]) -> tuple[str, float]:
    code, seed = task
    return code, next(row for row in ROWS if row.code == code).count(seed)


def write(out: Path, found: dict[str, list[float]], seconds: int) -> None:
    """The report of what has been run so far, and the same numbers as JSON beside it."""
    lines, document = [], []
    for row in ROWS:
        if not found.get(row.code):
            continue
        mean, low, high, word = verdict(row, found[row.code])
        n = len(found[row.code])
        lines.append(
            f"| {row.code} | {row.what} | {row.expected} | {n} | {mean:.3f} | {low:.3f} to {high:.3f} | {word} |"
        )
        document.append({"row": row.code, "seeds": n, "measured": mean, "low": low, "high": high, "verdict": word})
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(HEAD.format(seconds=seconds) + "\n".join(lines) + "\n", encoding="utf-8")
    out.with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Run what the arguments ask for and write the report after every ten seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="seeds of each row")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no further seeds after so long")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "battery_claims.md")
    asked = parser.parse_args()
    began = time.monotonic()
    found: dict[str, list[float]] = {row.code: [] for row in ROWS}
    with ProcessPoolExecutor(asked.workers) as pool:
        for start in range(0, asked.seeds, 10):
            if time.monotonic() - began > 60 * asked.minutes:
                break
            seeds = range(start, min(start + 10, asked.seeds))
            for code, value in pool.map(_run, [(row.code, seed) for seed in seeds for row in ROWS], chunksize=4):
                found[code].append(value)
            write(asked.out, found, round(time.monotonic() - began))
            print(f"{seeds[-1] + 1} seeds: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
