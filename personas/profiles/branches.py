"""Money of the segments of every k, and of whom a choice of preparation moves: what a decision costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from personas.engines import Engine
from personas.engines.portable import quoted
from personas.profiles.facts import GROUPS_LIMIT
from personas.profiles.ledger import Ledger
from personas.profiles.money_records import Branch
from personas.segmentation.records import Segmentation

DEEPEST = ("contribution", "gross_margin", "revenue")


def branches(
    engine: Engine, ledger: Ledger, ids: NDArray[np.str_], segmentation: Segmentation,
    stage_of: NDArray[np.generic] | None = None,
) -> tuple[Branch, ...]:  # fmt: skip
    """Every segment of every k of the algorithm that was taken; empty without money or without the labels of every k.

    ``ids`` (n,) of the clustered customers, in the order of ``segmentation.labelings``; ``stage_of`` (n,) their stages,
    where segments were sought inside stages.
    """
    if stage_of is None:
        return _branches(engine, ledger, ids, segmentation)
    return tuple(
        branch
        for stage in segmentation.stages
        if stage.found is not None
        for branch in _branches(engine, ledger, ids[stage_of == stage.name], stage.found, stage.name)
    )


def _branches(
    engine: Engine, ledger: Ledger, ids: NDArray[np.str_], segmentation: Segmentation, stage: str = ""
) -> tuple[Branch, ...]:
    """``branches`` of one stage, or of all customers."""
    import pyarrow as pa

    what = next((component for component in DEEPEST if component in ledger.known), None)
    labels = segmentation.labelings
    if what is None or labels is None or labels.shape[1] != len(ids):
        return ()
    ks = [c.k for c in segmentation.candidates if c.algorithm == segmentation.algorithm]
    columns = {f"k{k}": pa.array(row.astype(np.int32)) for k, row in zip(ks, labels, strict=True)}
    table = engine.read("labelings", pa.table({"customer_id": pa.array(ids.tolist(), pa.string()), **columns}))
    found: list[Branch] = []
    for k in ks:
        rows = engine.fetch(branch_sql(ledger.table.name, table.name, k, what), GROUPS_LIMIT).to_pylist()
        sums = {int(row["segment"]): (int(row["customers"]), Decimal(row["money"] or 0)) for row in rows}
        total = sum((money for _, money in sums.values()), Decimal(0))
        for segment, (customers, money) in sorted(sums.items()):
            share = float(money / total) if total > 0 else None
            found.append(Branch(k, segment, customers, what.replace("_", " "), float(money), share, stage))
    return tuple(found)


def branch_sql(ledger: str, labelings: str, k: int, what: str) -> str:
    """Customers and money of every segment of one k; those set aside are left out."""
    return f"""SELECT
  b.k{int(k)} AS segment,
  COUNT(*) AS customers,
  SUM(g.{quoted(what)}) AS money
FROM {quoted(labelings)} AS b
JOIN {quoted(ledger)} AS g ON g.customer_id = b.customer_id
WHERE b.k{int(k)} >= 0
GROUP BY b.k{int(k)}"""


def moved_money(
    engine: Engine, ledger: Ledger, ids: NDArray[np.str_], segmentation: Segmentation
) -> tuple[tuple[str, float], ...]:
    """Per choice of the choices ledger the share of the contribution whose customers move (method.md 10.1).

    Among the customers that the choice was looked at with; gains and losses count alike, so that they do not cancel.
    Empty without contribution. ``ids`` as for ``branches``.
    """
    import pyarrow as pa

    who = segmentation.moved
    if "contribution" not in ledger.known or who is None or who.shape != (len(segmentation.sensitivity), len(ids)):
        return ()
    columns = {f"c{i}": pa.array(row.astype(np.int32)) for i, row in enumerate(who)}
    table = engine.read("moved", pa.table({"customer_id": pa.array(ids.tolist(), pa.string()), **columns}))
    found: list[tuple[str, float]] = []
    for i, row in enumerate(segmentation.sensitivity):
        sums = engine.fetch(moved_sql(ledger.table.name, table.name, i), 1).to_pylist()[0]
        if sums["total"]:
            found.append((str(row["choice"]), float(Decimal(sums["moved"]) / Decimal(sums["total"]))))
    return tuple(found)


def moved_sql(ledger: str, moved: str, choice: int) -> str:
    """Absolute contribution of those whom one choice moves, and of all that it was looked at with."""
    return f"""SELECT
  SUM(CASE WHEN b.c{int(choice)} = 1 THEN ABS(g.contribution) ELSE 0 END) AS moved,
  SUM(ABS(g.contribution)) AS total
FROM {quoted(moved)} AS b
JOIN {quoted(ledger)} AS g ON g.customer_id = b.customer_id
WHERE b.c{int(choice)} >= 0"""


def with_moved_money(segmentation: Segmentation, moved: tuple[tuple[str, float], ...]) -> Segmentation:
    """The segmentation with ``contribution_moved_share`` in the rows of its choices ledger, where it is known."""
    shares = dict(moved)
    rows = tuple(
        {**row, "contribution_moved_share": shares[str(row["choice"])]} if row["choice"] in shares else row
        for row in segmentation.sensitivity
    )
    return replace(segmentation, sensitivity=rows)
