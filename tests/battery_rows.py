"""The worlds of the test battery with a known truth, and what must be said of each (method.md 11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from personas.errors import PersonasError
from personas.segmentation import discover
from personas.segmentation.agreement import adjusted_rand, contingency
from personas.segmentation.records import Floats, Segmentation
from personas.simulate import simulate_world
from tests.conftest import shared_data
from tests.segmentation.markets import z_scored

Check = Callable[[Segmentation], bool]


@dataclass(frozen=True)
class Result:
    """What one seed of one row gave. ``value`` is a figure for rows that are judged over all their seeds."""

    holds: bool
    said: str
    value: float | None = None


@dataclass(frozen=True)
class Row:
    """One row of the battery: what is looked at, what must be said of it, and in what share of seeds."""

    code: str
    what: str
    expected: str
    target: float
    run: Callable[[int, str], Result]
    seeds: int | None = None
    """At most so many seeds: real data have none of their own."""


def robust(X: Floats) -> Floats:
    """Median 0 and quartiles as wide as those of a standard normal, or deviation 1 where these are less than half of
    that; method.md 2.2.
    """
    low, middle, high = np.quantile(X, (0.25, 0.5, 0.75), axis=0)
    wide, deviation = (high - low) / 1.349, X.std(axis=0)
    wide = np.where(wide < deviation / 2, deviation, wide)
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


def grid(deviation: float) -> Callable[[int], Floats]:
    """15 groups of about 333 rows on a lattice of step 6, in the manner of S1 to S4; scaled."""

    def make(seed: int) -> Floats:
        random = np.random.default_rng(seed)
        centres = 6.0 * np.array([(i, j) for i in range(4) for j in range(4)][:15]) + random.uniform(-0.6, 0.6, (15, 2))
        return robust(centres[random.integers(0, 15, 5000)] + deviation * random.normal(size=(5000, 2)))

    return make


def unbalanced(seed: int) -> Floats:
    """Three dense groups of 2,000 rows and five wide ones of 100, in the manner of the set `unbalance`; not scaled."""
    random = np.random.default_rng(seed)
    dense, wide = [(150, 350), (180, 385), (209, 346)], [(410, 320), (440, 380), (470, 340), (500, 390), (540, 330)]
    parts = [random.normal(m, 4, (2000, 2)) for m in dense] + [random.normal(m, 9, (100, 2)) for m in wide]
    return np.vstack(parts)


def told_of_size(found: Segmentation) -> bool:
    """Fewer than 8 groups, and the reasons say that only the smallest size keeps further ones out."""
    return found.k < 8 and any("(setting min_size)" in reason for reason in found.reasons)


def moons(seed: int) -> Floats:
    """Two half moons."""
    from sklearn.datasets import make_moons

    return robust(make_moons(1000, noise=0.05, random_state=seed)[0])


def rings(seed: int) -> Floats:
    """A ring around another."""
    from sklearn.datasets import make_circles

    return robust(make_circles(1000, noise=0.04, factor=0.4, random_state=seed)[0])


CATEGORIES = ((2, 3, 4), (5, 6), (7, 8, 9, 10))


def categories(seed: int) -> Floats:
    """Three independent categories with 3, 2 and 4 levels in the metric of correspondence analysis, two normals."""
    random = np.random.default_rng(seed)
    columns = [random.normal(size=(1000, 2))]
    for levels in (3, 2, 4):
        ones = np.eye(levels)[random.integers(0, levels, 1000)]
        shares = ones.mean(axis=0)
        columns.append((ones - shares) / np.sqrt(shares))
    return np.hstack(columns)


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


def raw(name: str, n: int) -> Callable[[int], Floats]:
    """A world of the simulator as it is."""
    return lambda seed: simulate_world(name, n, seed)


def not_natural(found: Segmentation) -> bool:
    """The rule of the N rows: before the step down for preparation, which could only help."""
    return found.verdict_as_prepared != "natural"


def natural(*ks: int) -> Check:
    """Natural as prepared, with one of these k: preparation and selection are tested apart."""
    return lambda found: found.verdict_as_prepared == "natural" and found.k in ks


def cut(*ks: int) -> Check:
    """Reproducible as prepared, with one of these k (all when none is given)."""
    return lambda found: found.verdict_as_prepared == "reproducible" and (not ks or found.k in ks)


def said(found: Segmentation) -> str:
    """The verdict in a few words."""
    partly = ", partly natural" if found.partly_natural else ""
    down = f", then {found.verdict} for its preparation" if found.verdict != found.verdict_as_prepared else ""
    return f"{found.verdict_as_prepared}{partly} {found.k}{down}"


def seek(
    X: Floats, seed: int, protocol: str, ks: tuple[int, int] | int = (2, 8), min_size: int | None = None,
    blocks: Sequence[Sequence[int]] = (),
) -> Segmentation:  # fmt: skip
    """The segmentation of one world."""
    return discover(X, k=ks, protocol=protocol, min_size=min_size, seed=seed, blocks=blocks)


def of(
    code: str, what: str, make: Callable[[int], Floats], expected: str, holds: Check, target: float,
    min_size: int | None = None, seeds: int | None = None, blocks: Sequence[Sequence[int]] = (),
    ks: tuple[int, int] = (2, 8),
) -> Row:  # fmt: skip
    """A row of the rule "look at this world, this must be said of it"."""

    def run(seed: int, protocol: str) -> Result:
        found = seek(make(seed), seed, protocol, ks, min_size=min_size, blocks=blocks)
        return Result(holds(found), said(found))

    return Row(code, what, expected, target, run, seeds)


def same_k(change: Callable[[Floats], Floats]) -> Callable[[int, str], Result]:
    """P1 before and after a change: the same k, and ARI 1 on the rows that both have in a segment."""

    def run(seed: int, protocol: str) -> Result:
        X = robust(simulate_world("mix(3,2,5)", 400, seed))
        clean, changed = seek(X, seed, protocol), seek(change(X), seed, protocol)
        if clean.k != changed.k:
            return Result(False, f"{clean.k} became {changed.k}")
        both = (clean.labels >= 0) & (changed.labels[: len(X)] >= 0)
        table = contingency(clean.labels[both], changed.labels[: len(X)][both], clean.k, clean.k)
        ari = adjusted_rand(table)
        return Result(ari == 1.0, f"same k {'and labels' if ari == 1 else f'ARI {ari:.3f}'}")

    return run


def shuffled(seed: int, protocol: str) -> Result:
    """I2: rows in another order give the same labels, customer by customer."""
    X = robust(simulate_world("mix(3,2,5)", 400, seed))
    order = np.random.default_rng(seed).permutation(len(X))
    first, second = seek(X, seed, protocol), seek(X[order], seed, protocol)
    same = bool((first.labels[order] == second.labels).all()) and first.candidates == second.candidates
    return Result(same, "identical" if same else "differs")


def far(rows: int, at: float) -> Callable[[int, str], Result]:
    """I5: far rows are told, and k is that of the clean data."""

    def run(seed: int, protocol: str) -> Result:
        X = robust(simulate_world("mix(3,2,5)", 400, seed))
        clean = seek(X, seed, protocol)
        found = seek(np.vstack((X, np.full((rows, 2), at) + np.arange(rows)[:, None])), seed, protocol)
        told = any(notice.code == "unusual-customers" for notice in found.notices)
        return Result(found.k == clean.k and told, f"{clean.k} stays {found.k}, {found.unusual - clean.unusual} told")

    return run


def refused(seed: int, protocol: str) -> Result:
    """I7: degenerate tables are refused or judged in words, never with a traceback of something else."""
    random = np.random.default_rng(seed)
    tables = [random.normal(size=(n, 2)) for n in (1, 2, 3, 49)] + [np.ones((100, 2)), random.normal(size=(100, 1))]
    tables.append(np.column_stack((np.ones(100), random.normal(size=100))))
    words = []
    for X in tables:
        try:
            words.append(seek(X, seed, protocol).verdict)
        except PersonasError:
            words.append("refused")
    return Result(words[:5] == ["refused"] * 5, ", ".join(words))


def overridden(seed: int, protocol: str) -> Result:
    """I8: seven on P1 is honoured and constructive."""
    found = seek(robust(simulate_world("mix(3,2,5)", 400, seed)), seed, protocol, 7)
    honoured = found.k == 7 and found.verdict == "constructive"
    return Result(honoured, f"{found.verdict} {found.k}, advised {found.k_advised}")


ROWS = (
    of("N1", "uniform square, n 1,000", world("uniform", 1000), "not natural", not_natural, 0.99),
    of("N2", "uniform, 5 columns", world("uniform5", 1000), "not natural", not_natural, 0.99),
    of("N3a", "isotropic Gaussian, 5 columns", world("gaussian5", 1000), "not natural", not_natural, 0.99),
    of("N3b", "isotropic Gaussian, 20 columns", world("gaussian20", 1000), "not natural", not_natural, 0.99),
    of("N4", "one common factor, 6 columns", world("one_factor", 1000), "reproducible 2 to 4", cut(2, 3, 4), 0.9),
    of("N5a", "lognormal, raw", world("lognormal", 1000), "not natural", not_natural, 0.99),
    of("N5b", "lognormal, correlated", world("lognormal_correlated", 1000), "not natural", not_natural, 0.99),
    of("N6", "Student t, 3 degrees of freedom", world("t3", 1000), "not natural", not_natural, 0.99),
    of("N7", "recency, frequency, money", world("rfm", 1000), "not natural", not_natural, 0.98),
    of("N8", "banana", world("banana", 1000), "not natural", not_natural, 0.98),
    of("N9", "two independent counts", world("poisson", 1000), "not natural", not_natural, 1.0),
    of("N10", "3 categories and 2 normals", categories, "not natural", not_natural, 0.99, blocks=CATEGORIES),
    of("N10b", "the same, the categories not named", categories, "not natural", not_natural, 0.99),
    of("N11a", "disc", world("disc", 1000), "not natural", not_natural, 0.98),
    of("N11b", "arc", world("arc", 1000), "not natural", not_natural, 0.98),
    of("P1", "3 groups 5 apart, n 400", world("mix(3,2,5)", 400), "natural 3", natural(3), 0.95),
    of("P2", "3 groups 4 apart, n 400", world("mix(3,2,4)", 400), "natural 3", natural(3), 0.6),
    of("P3a", "4 groups 4 apart in 5 columns, n 400", world("mix(4,5,4)", 400), "natural 4", natural(4), 0.55),
    of("P3b", "4 groups 4 apart in 5 columns, n 1,000", world("mix(4,5,4)", 1000), "natural 4", natural(4), 0.75),
    of("P4", "6 groups 5 apart, n 400", world("mix(6,2,5)", 400), "natural 6", natural(6), 0.85),
    of("P5", "5 groups of 40 to 5%, n 2,000", unequal, "natural 3 to 5", natural(3, 4, 5), 0.8, min_size=50),
    of("P6", "2 groups 3 apart, n 1,000", world("mix(2,2,3)", 1000), "k 2", lambda f: f.k == 2, 0.7),
    of("P6a", "the same, not scaled", raw("mix(2,2,3)", 1000), "k 2", lambda f: f.k == 2, 0.7),
    of("P7", "3 groups 5 apart and 6 noise columns, as is", with_noise, "k 3", lambda f: f.k == 3, 0.8),
    of("P8a", "15 groups on a lattice, 6 deviations apart", grid(1.0), "natural 15", natural(15), 0.95, ks=(2, 18)),
    of("P8b", "the same, 3.5 deviations apart", grid(1.7), "reproducible 15", cut(15), 0.8, ks=(2, 18)),
    of("P10", "3 groups of 2,000 and 5 of 100", unbalanced, "fewer than 8, size told", told_of_size, 0.95, ks=(2, 10)),
    of("P11", "centres 0, 4, 20 and noise, as is", uneven, "natural 3", natural(3), 0.95),
    of("P12a", "two half moons", moons, "not natural", not_natural, 1.0),
    of("P12b", "two rings", rings, "not natural", not_natural, 1.0),
    of("R1", "iris, z-scored", flowers("iris"), "natural 2", natural(2), 1.0, min_size=30, seeds=3),
    of("R2", "wine, z-scored", flowers("wine"), "reproducible 3", cut(3), 0.8, min_size=30, seeds=3),
    of("R3", "CDNOW repeat buyers, log RFM", cdnow_rfm, "reproducible, never natural", cut(), 1.0, seeds=3),
    Row("I1", "every row of P1 three times", "same k, ARI 1", 1.0, same_k(lambda X: np.vstack((X, X, X)))),
    Row("I2", "rows of P1 in another order", "identical", 1.0, shuffled),
    Row("I3", "P1 in other units, scaled again", "same k, ARI 1", 1.0, same_k(lambda X: robust(X * [1e3, 0.01]))),
    Row("I5a", "P1 and one row at 1,000", "same k, told", 1.0, far(1, 1000.0)),
    Row("I5b", "P1 and five rows at 100", "same k, told", 1.0, far(5, 100.0)),
    Row("I7", "1, 2, 3, 49 rows, all alike; one column, a constant one", "refused in words", 1.0, refused),
    Row("I8", "7 asked for on P1", "honoured, constructive", 1.0, overridden),
)
