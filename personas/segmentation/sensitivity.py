"""The choices ledger: how many customers move when one choice of preparation or model is made otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError, count_of
from personas.segmentation.agreement import adjusted_rand, contingency, matched, matched_share
from personas.segmentation.algorithms import ALGORITHMS
from personas.segmentation.algorithms.kmeans import REFIT_STARTS
from personas.segmentation.records import Algorithm, Fitted, Floats, Labels, Progress
from personas.segmentation.streams import Step, draw_rows, stream
from personas.segmentation.unusual import farthest_rows
from personas.segmentation.verdict import THRESHOLDS

WITHOUT_FAMILY = "without the family "
FARTHEST = "leaving out the farthest "
TRIMMED = (0.02, 0.05)
"""Shares left out for the audit (method.md 2.8); 0 is the row of those put back, or the segments as they are."""
FEWEST_CHOICES = 3
MODEL_ROWS = 2_000
"""The other model is fitted on so many rows: a mixture on all of them would take longer than everything else."""
NOT_LOOKED_AT = -1
RESCALED, OTHER_MODEL, UNUSUAL, LEFT_OUT = 100, 200, 300, 400
"""Numbers of the random streams; the families count from 0."""


def ledger(
    everyone: Floats, kept: NDArray[np.bool_], reference: Fitted, algorithm: Algorithm,
    families: Sequence[str] | None, blocks: Sequence[Sequence[int]], seed: int, progress: Progress | None = None,
) -> tuple[tuple[Mapping[str, object], ...], NDArray[np.int8]]:  # fmt: skip
    """One row per choice, ``{"choice", "ari", "customers_moved_share"}`` of a refit at the same k, and who moved.

    Of the refit on at most 2,000 rows the share is that of a sample: ``customers_moved_error`` is the half width of its
    95% interval. Rows that leave out the farthest also say ``left_out_shares``, of each segment what is left out.

    Who moved is (choices, n): 1 moved, 0 stayed, -1 was not looked at.

    Parameters
    ----------
    everyone : (n, d) all rows, those set aside as unusual included.
    kept : (n,) the rows that ``reference`` was fitted on; one row of the ledger is the refit with everyone.
    reference : the segments that the refits are compared with; moved are customers outside the best one-to-one match.
    families : of the columns; None is one family.
    blocks : one-hot columns, whose own metric is left alone.
    """
    k, X = reference.k, np.ascontiguousarray(everyone[kept])
    all_kept = np.ones(len(X), dtype=bool)
    todo = [(name, Z, all_kept, algorithm, i) for i, (name, Z) in enumerate(without_each_family(X, families))]
    scaled = enumerate(other_scalings(X, families, blocks))
    todo += [(name, Z, all_kept, algorithm, RESCALED + i) for i, (name, Z) in scaled]
    if not kept.all():
        back = count_of(int((~kept).sum()), "unusual customer")
        todo.append((f"with {back} put back", everyone, kept, algorithm, UNUSUAL))
    other = ALGORITHMS.get("kmeans" if algorithm.name == "gmm" else "gmm")
    some = np.zeros(len(X), dtype=bool)
    some[draw_rows(seed, Step.SUBSAMPLE, len(X), MODEL_ROWS)] = True
    todo.append((f"{other.label} instead of {algorithm.label}", X, some, other, OTHER_MODEL))
    for i, (name, inside) in enumerate(without_the_farthest(X, some, k, seed)):
        todo.append((name, X, inside, algorithm, LEFT_OUT + i))
    rows: list[Mapping[str, object]] = []
    who: list[NDArray[np.int8]] = []
    for done, (name, Z, chosen, model, number) in enumerate(todo):
        if progress:
            progress(f"choices: {name}", done / len(todo))
        with_everyone = number == UNUSUAL
        part = Z if with_everyone else np.ascontiguousarray(Z[chosen])
        if too_alike(part, 2 * k):
            continue
        refit = model.fit(part, k, stream(seed, Step.SENSITIVITY, k, number), REFIT_STARTS)
        theirs = refit.labels[chosen] if with_everyone else refit.labels
        ours = reference.labels if with_everyone else reference.labels[chosen]
        table = contingency(ours, theirs, k, k)
        moved = 1.0 - matched_share(table)
        row = {"choice": name, "ari": adjusted_rand(table), "customers_moved_share": moved}
        if not with_everyone and len(part) < len(X):
            row["customers_moved_error"] = half_width(moved, len(part), len(X))
        if number >= LEFT_OUT:
            row["left_out_shares"] = _shares(reference.labels, some & ~chosen, some, k)
        rows.append(row)
        looked_at = np.flatnonzero(kept) if with_everyone else np.flatnonzero(kept)[chosen]
        who.append(np.full(len(everyone), NOT_LOOKED_AT, dtype=np.int8))
        who[-1][looked_at] = matched(table)[theirs] != ours
    return tuple(rows), np.array(who, dtype=np.int8).reshape(len(who), len(everyone))


def half_width(share: float, m: int, n: int) -> float:
    """Half the 95% interval (Wilson) of a share that m of n customers, drawn without replacement, have shown.

    >>> round(half_width(0.5, 100, 200), 3), half_width(0.0, 100, 200) > 0
    (0.068, True)
    """
    # 1.96 / 1.038 * sqrt(0.0025 + 0.000096) = 0.0962, times sqrt(1 - 1/2) = 0.068; a share of 0 is not certain either
    z = 1.96
    spread = np.sqrt(share * (1.0 - share) / m + z**2 / (4.0 * m**2))
    return float(z / (1.0 + z**2 / m) * spread * np.sqrt(1.0 - m / n))


def without_the_farthest(
    X: Floats, some: NDArray[np.bool_], k: int, seed: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Of the rows ``some``, those that trimmed k-means at k does not leave out, for each share of the audit."""
    for share in TRIMMED if some.sum() > 2 * k else ():
        inside = some.copy()
        inside[np.flatnonzero(some)[farthest_rows(X[some], k, seed, share)]] = False
        yield f"{FARTHEST}{share:.0%}", inside


def _shares(labels: Labels, out: NDArray[np.bool_], some: NDArray[np.bool_], k: int) -> list[float]:
    """Per segment the share of its rows among ``some`` that are ``out``: a small real segment goes as a whole."""
    left, all_of = (np.bincount(labels[rows], minlength=k) for rows in (out, some))
    return [float(share) for share in left / np.maximum(all_of, 1)]


def deciding(rows: Sequence[Mapping[str, object]], families: Sequence[str] | None) -> list[float]:
    """The agreements (ARI) that the verdict looks at: all but those of families left out when there are fewer than 3.

    Without one of two families half of the question is gone: that the answer changes says nothing about preparation.
    Rows of the audit, which leave out the farthest, have no part in it (method.md 10, step 7). Nothing where fewer than
    3 are left, such as the other model alone: a median of one or two is no median.
    """
    few = families is not None and len(set(families)) < THRESHOLDS.families
    silent = (FARTHEST, WITHOUT_FAMILY) if few else (FARTHEST,)
    counted = [row for row in rows if not str(row["choice"]).startswith(silent)]
    found = [ari for row in counted if isinstance(ari := row["ari"], float)]
    return found if len(found) >= FEWEST_CHOICES else []


def too_alike(X: Floats, least: int) -> bool:
    """Whether fewer than ``least`` rows differ; a part of the rows is looked at first."""
    step = max(1, len(X) // 1000)
    return len(np.unique(X[::step], axis=0)) < least and len(np.unique(X, axis=0)) < least


def without_each_family(X: Floats, families: Sequence[str] | None) -> Iterator[tuple[str, Floats]]:
    """X without the columns of one family, for each family in order of names; nothing when there is only one."""
    if families is None:
        return
    names = np.asarray(families)
    if names.shape != (X.shape[1],):
        raise InputError(f"families names {names.size} columns where X has {X.shape[1]}; give one family per column")
    unique = sorted(set(families))
    for family in unique if len(unique) > 1 else []:
        yield f"{WITHOUT_FAMILY}{family}", X[:, names != family]


def other_scalings(
    X: Floats, families: Sequence[str] | None, blocks: Sequence[Sequence[int]]
) -> Iterator[tuple[str, Floats]]:
    """X with columns divided by their standard deviation, and by the range of the middle 99%.

    Inside a family only: its largest eigenvalue stays, so that its weight among the families is what it was. A scaling
    that changes nothing is left out.
    """
    in_block = [column for block in blocks for column in block]
    spread = X.std(axis=0)
    spread[spread == 0] = 1.0
    low, high = np.quantile(X, (0.005, 0.995), axis=0)
    wide = np.where(high > low, high - low, spread)
    for name, size in (("scaled by standard deviation", spread), ("scaled by range", wide)):
        factors = 1.0 / size
        factors[in_block] = 1.0
        factors *= _family_factors(X, X * factors, families)
        if not np.allclose(factors, 1.0, rtol=1e-6):
            yield name, X * factors


def _family_factors(X: Floats, scaled: Floats, families: Sequence[str] | None) -> Floats:
    """(d,) what brings the largest eigenvalue of each family back to what it was."""
    names = np.asarray(families) if families is not None else np.zeros(X.shape[1], dtype=int)
    factors = np.ones(X.shape[1])
    for name in np.unique(names):
        own = names == name
        before, after = (np.linalg.eigvalsh(np.atleast_2d(np.cov(A[:, own], rowvar=False)))[-1] for A in (X, scaled))
        factors[own] = np.sqrt(before / after) if after > 0 else 1.0
    return factors
