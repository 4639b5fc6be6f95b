"""The test battery of the segmentation: worlds with a known truth, many seeds, and the rates at which we are right.

``make battery`` runs it and writes reports/battery.md. The bounded version is tests/test_battery.py.
"""

from __future__ import annotations

import argparse
import gzip
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from personas.segmentation import discover
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.records import Floats, Segmentation
from personas.simulate import simulate_world
from tests.conftest import ROOT, shared_data
from tests.segmentation.markets import z_scored

Check = Callable[[Segmentation], bool]


@dataclass(frozen=True)
class Row:
    """One row of the battery: a world, how it is looked at, and how often ``holds`` must be true."""

    code: str
    what: str
    make: Callable[[int], Floats]
    expected: str
    holds: Check
    target: float
    ks: tuple[int, int] = (2, 8)
    min_size: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What one run of one row said."""

    code: str
    seed: int
    holds: bool
    said: str


def robust(X: Floats) -> Floats:
    """Median 0 and quartiles as wide as those of a standard normal; method.md 2.2, without its exception."""
    low, middle, high = np.quantile(X, (0.25, 0.5, 0.75), axis=0)
    wide = np.where(high > low, (high - low) / 1.349, X.std(axis=0))
    return np.asarray((X - middle) / np.where(wide > 0, wide, 1.0))


def world(name: str, n: int) -> Callable[[int], Floats]:
    """A world of the simulator, scaled."""
    return lambda seed: robust(simulate_world(name, n, seed))


def unequal(seed: int) -> Floats:
    """Five groups with 40, 25, 20, 10 and 5% of 2,000 rows, nearest centres 5 apart."""
    random = np.random.default_rng(seed)
    centres = random.uniform(size=(5, 2))
    gaps = np.sqrt(((centres[:, None] - centres) ** 2).sum(axis=2))
    centres *= 5 / gaps[gaps > 0].min()
    truth = np.repeat(np.arange(5), [800, 500, 400, 200, 100])
    return robust(centres[truth] + random.normal(size=(2000, 2)))


def with_noise(seed: int) -> Floats:
    """Three groups 5 apart in two columns, and six columns of noise; not scaled."""
    noise = np.random.default_rng(seed + 1000).normal(size=(1000, 6))
    return np.hstack((simulate_world("mix(3,2,5)", 1000, seed), noise))


def uneven(seed: int) -> Floats:
    """Centres 0, 4 and 20 deviations apart on one column, one column of noise; not scaled."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(600, 2))
    X[:, 0] += np.repeat([0.0, 4.0, 20.0], 200)
    return X


def moons(seed: int) -> Floats:
    """Two half moons."""
    from sklearn.datasets import make_moons

    return robust(make_moons(1000, noise=0.05, random_state=seed)[0])


def rings(seed: int) -> Floats:
    """A ring around another."""
    from sklearn.datasets import make_circles

    return robust(make_circles(1000, noise=0.04, factor=0.4, random_state=seed)[0])


def categories(seed: int) -> Floats:
    """Three independent categories with 3, 2 and 4 levels in the metric of correspondence analysis, two normals."""
    random = np.random.default_rng(seed)
    columns = [random.normal(size=(1000, 2))]
    for levels in (3, 2, 4):
        ones = np.eye(levels)[random.integers(0, levels, 1000)]
        shares = ones.mean(axis=0)
        columns.append((ones - shares) / np.sqrt(shares))
    return np.hstack(columns)


def outlier(seed: int) -> Floats:
    """Three groups 5 apart and one row at 1,000."""
    X = simulate_world("mix(3,2,5)", 400, seed)
    return np.vstack((X, [[1000.0, 1000.0]]))


def cdnow_rfm(seed: int = 0) -> Floats:
    """Logarithms of recency, frequency and money of the 946 repeat buyers of CDNOW."""
    del seed
    file = shared_data() / "cdnow" / "cdnow_customers_summary_with_transactions.csv"
    table = np.genfromtxt(file, delimiter=",", names=True)
    buyers = table[(table["x"] > 0) & (table["zbar"] > 0)]
    since = buyers["T"] - buyers["t_x"]
    return robust(np.column_stack([np.log1p(v) for v in (since, buyers["x"], buyers["zbar"])]))


def flowers(name: str) -> Callable[[int], Floats]:
    """Iris or wine, z-scored."""

    def load(seed: int) -> Floats:
        from sklearn import datasets

        del seed
        return z_scored(getattr(datasets, f"load_{name}")().data)

    return load


def not_natural(found: Segmentation) -> bool:
    """The rule of the N rows."""
    return found.verdict != "natural"


def natural(*ks: int) -> Check:
    """Natural, with one of these k."""
    return lambda found: found.verdict == "natural" and found.k in ks


def cut(*ks: int) -> Check:
    """Reproducible, with one of these k (all when none is given)."""
    return lambda found: found.verdict == "reproducible" and (not ks or found.k in ks)


ROWS = (
    Row("N1", "uniform square, n 1,000", world("uniform", 1000), "not natural", not_natural, 0.99),
    Row("N2", "uniform, 5 columns", world("uniform5", 1000), "not natural", not_natural, 0.99),
    Row("N3a", "isotropic Gaussian, 5 columns", world("gaussian5", 1000), "not natural", not_natural, 0.99),
    Row("N3b", "isotropic Gaussian, 20 columns", world("gaussian20", 1000), "not natural", not_natural, 0.99),
    Row("N4", "one common factor, 6 columns", world("one_factor", 1000), "reproducible 2 to 4", cut(2, 3, 4), 0.9),
    Row("N5a", "lognormal, raw", world("lognormal", 1000), "not natural", not_natural, 0.99),
    Row("N5b", "lognormal, correlated", world("lognormal_correlated", 1000), "not natural", not_natural, 0.99),
    Row("N6", "Student t, 3 degrees of freedom", world("t3", 1000), "not natural", not_natural, 0.99),
    Row("N7", "recency, frequency, money", world("rfm", 1000), "not natural", not_natural, 0.98),
    Row("N8", "banana", world("banana", 1000), "not natural", not_natural, 0.98),
    Row("N9", "two independent counts", world("poisson", 1000), "not natural", not_natural, 1.0),
    Row("N10", "3 categories and 2 normals", categories, "not natural", not_natural, 0.99),
    Row("N11a", "disc", world("disc", 1000), "not natural", not_natural, 0.98),
    Row("N11b", "arc", world("arc", 1000), "not natural", not_natural, 0.98),
    Row("P1", "3 groups 5 apart, n 400", world("mix(3,2,5)", 400), "natural 3", natural(3), 0.95),
    Row("P2", "3 groups 4 apart, n 400", world("mix(3,2,4)", 400), "natural 3", natural(3), 0.6),
    Row("P3a", "4 groups 4 apart in 5 columns, n 400", world("mix(4,5,4)", 400), "natural 4", natural(4), 0.55),
    Row("P3b", "4 groups 4 apart in 5 columns, n 1,000", world("mix(4,5,4)", 1000), "natural 4", natural(4), 0.75),
    Row("P4", "6 groups 5 apart, n 400", world("mix(6,2,5)", 400), "natural 6", natural(6), 0.85),
    Row("P5", "5 groups of 40 to 5%, n 2,000", unequal, "natural 3 to 5", natural(3, 4, 5), 0.8, min_size=50),
    Row("P6", "2 groups 3 apart, n 1,000", world("mix(2,2,3)", 1000), "k 2", lambda f: f.k == 2, 0.7),
    Row("P7", "3 groups 5 apart and 6 noise columns, as is", with_noise, "k 3", lambda f: f.k == 3, 0.8),
    Row("P11", "centres 0, 4, 20 and noise, as is", uneven, "natural 3", natural(3), 0.95),
    Row("P12a", "two half moons", moons, "not natural", not_natural, 1.0),
    Row("P12b", "two rings", rings, "not natural", not_natural, 1.0),
    Row("I5", "3 groups 5 apart and one row at 1,000", outlier, "k 3", lambda f: f.k == 3, 1.0),
    Row("R1", "iris, z-scored", flowers("iris"), "natural 2", natural(2), 1.0, min_size=30),
    Row("R2", "wine, z-scored", flowers("wine"), "reproducible 3", cut(3), 0.8, min_size=30),
    Row("R3", "CDNOW repeat buyers, log RFM", cdnow_rfm, "reproducible, never natural", cut(), 1.0),
)


def judge(row: Row, seed: int, protocol: str) -> Outcome:
    """One run of one row."""
    found = discover(row.make(seed), k=row.ks, protocol=protocol, min_size=row.min_size, seed=seed)
    partly = ", partly natural" if found.partly_natural else ""
    return Outcome(row.code, seed, row.holds(found), f"{found.verdict}{partly} {found.k}")


def interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def benchmark(name: str, protocol: str) -> str:
    """One line of the table of sets with a known number of groups."""
    folder = shared_data() / "known_k"
    with gzip.open(folder / f"{name}.data.gz", "rt") as lines:
        X = z_scored(np.loadtxt(lines))
    with gzip.open(folder / f"{name}.labels0.gz", "rt") as lines:
        truth = np.unique(np.loadtxt(lines), return_inverse=True)[1].astype(np.int32)
    true_k, n = int(truth.max()) + 1, len(X)
    # Small sets have groups below the smallest segment that we offer by default, so the floor goes down with n.
    floor = min(max(50, math.ceil(0.02 * n)), max(10, n // (2 * true_k)))
    found = discover(X, k=(2, max(10, true_k + 3)), protocol=protocol, min_size=floor)
    ari = adjusted_rand(contingency(truth, found.labels, true_k, found.k))
    best = max(c.silhouette for c in found.candidates)
    partly = f", partly natural ({found.natural_groups} groups)" if found.partly_natural else ""
    flags = ", ".join(n.code for n in found.notices) or "none"
    return (
        f"| {name} | {n} | {true_k} | {found.k_silhouette} ({best:.3f}) | {found.k} | {found.verdict}{partly} | "
        f"{ari:.3f} | {flags} |"
    )


SETS = ("s1", "s2", "a1", "r15", "hepta", "tetra", "lsun", "wingnut", "chainlink", "iris", "wine")
HEAD = """# Test battery of the segmentation

Written by `make battery`; the rows are those of the method's test battery. Protocol: {protocol}.
{runs} runs, {seconds} s. A row is "met" when the whole 95% interval (Wilson) lies above its target,
"no failure" when all seeds hold but are too few for that, "open" when the target lies inside the interval.

| row | data | expected | target | seeds | reached | 95% interval | | what was said |
|---|---|---|---|---|---|---|---|---|
"""
KNOWN = """
## Sets with a known number of groups

Columns are z-scored; the smallest segment is min(max(50, 2%), half of an even share), at least 10.

| set | rows | true k | k of the silhouette | our k | verdict | ARI | notices |
|---|---|---|---|---|---|---|---|
"""

NOTES = """
## Where it fails, and why

Read on the first runs; look again when a row above says otherwise.

- **a1**: 3 is the largest k with a gap on every border. At 20 the segments return (least Jaccard 0.87) but only 22 of
  26 borders have a gap, and a number with gaps everywhere goes before one without, so the answer is 3. Asked for 17 to
  22, it is 20, reproducible and partly natural (16 groups).
- **lsun, chainlink, wingnut**: not round. k-means cuts through them at every k; the border test keeps them from being
  called natural.
- **P6**: two groups 3 apart. After scaling, 4 segments have a higher silhouette than 2 by more than its standard error,
  and all return.
- **P11**: natural by gaps, sizes and stability, then one step down: scaled alike, the column of noise counts as much as
  the column with the groups, and the choices ledger disagrees.
- **I5**: unprepared, one row at 1,000 owns a segment at every k. It is told as unusual and not set aside, so no k keeps
  its sizes. `personas run` winsorises first.
"""


def line(row: Row, outcomes: list[Outcome]) -> str:
    """One line of the report."""
    hits, n = sum(o.holds for o in outcomes), len(outcomes)
    low, high = interval(hits, n)
    word = "met" if low >= row.target else "no failure" if hits == n else "open" if high >= row.target else "**missed**"
    said = ", ".join(f"{what} ({times})" for what, times in Counter(o.said for o in outcomes).most_common(4))
    return (
        f"| {row.code} | {row.what} | {row.expected} | {row.target:.0%} | {n} | {hits / n:.0%} | "
        f"{low:.0%} to {high:.0%} | {word} | {said} |"
    )


def _run(task: tuple[str, int, str]) -> Outcome | str:
    code, seed, protocol = task
    if code in SETS:
        return benchmark(code, protocol)
    return judge(next(row for row in ROWS if row.code == code), seed, protocol)


def write(out: Path, protocol: str, outcomes: list[Outcome], lines: list[str], seconds: int) -> None:
    """The report of what has been run so far: written after every seed, so that a stop loses nothing."""
    rows = [line(row, mine) for row in ROWS if (mine := [o for o in outcomes if o.code == row.code])]
    head = HEAD.format(protocol=protocol, runs=len(outcomes) + len(lines), seconds=seconds)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(head + "\n".join(rows) + "\n" + KNOWN + "\n".join(lines) + "\n" + NOTES, encoding="utf-8")


def main() -> None:
    """Run what the arguments ask for and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="seeds of each row")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no further seed after so long")
    parser.add_argument("--protocol", choices=("quick", "full"), default="quick")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "battery.md")
    asked = parser.parse_args()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(asked.workers) as pool:
        lines = [str(found) for found in pool.map(_run, [(name, 0, asked.protocol) for name in SETS])]
        for seed in range(asked.seeds):
            if time.monotonic() - began > 60 * asked.minutes:
                break
            # Real data have no seed of their own: three suffice to see that ours makes no difference.
            codes = [row.code for row in ROWS if not row.code.startswith("R") or seed < 3]
            outcomes += pool.map(_run, [(code, seed, asked.protocol) for code in codes])
            seconds = round(time.monotonic() - began)
            write(asked.out, asked.protocol, outcomes, lines, seconds)
            print(f"seed {seed}: {seconds} s", flush=True)


if __name__ == "__main__":
    main()
