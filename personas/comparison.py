"""Two finished studies side by side: which personas are the same, and who moved where (method.md 8.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from personas.errors import count_of
from personas.features.coding import Coding
from personas.features.recoding import coded_value, original_value
from personas.narrative.persona import Known
from personas.segmentation.identity import Identity, identify
from personas.segmentation.records import Segmentation
from personas.study import Study

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
WITHOUT, ELSEWHERE = "no segment", "not in the study"
"""Two more rows and columns of the table, so that everybody of both studies is in it once."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two studies. ``means`` and ``totals`` are per segment, in money; None where it is unknown."""

    name: str
    day: str
    verdict: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    means: tuple[float | None, ...]
    totals: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the segments and of the customers.

    ``table`` is (k_old + 2, k_new + 2): customers by old and new segment; the last two rows and columns are those
    without a segment and those whom the study does not know. ``money`` is what the means and totals are of, None where
    the studies do not share it. ``moved`` is the share of the customers with a segment in both who are in another one.
    """

    old: Side
    new: Side
    identity: Identity
    table: tuple[tuple[int, ...], ...]
    common: int
    moved: float | None
    money: str | None
    currency: str


def compare(old: Study, new: Study) -> Comparison:
    """Match the personas of two studies and count who moved where.

    A persona is the same one when the Jaccard of its members in both is 1/2 or more; where fewer than half of the
    customers of the smaller study are in both, when the centroids lie near in the old study's coding.
    """
    before, after = _segments(old), _segments(new)
    own, its = _with_segment(before), _with_segment(after)
    profiles = centroids_in_old_coding(old, new.coding, new.segmentation)
    identity = identify(own, its, *profiles) if profiles else identify(own, its)
    both = own.keys() & its.keys()
    stayed = sum(identity.kept.get(its[customer]) == own[customer] for customer in both)
    what = _shared_money(old, new)
    return Comparison(
        old=_side(old, what),
        new=_side(new, what),
        identity=identity,
        table=_table(before, after, old.segmentation.k, new.segmentation.k),
        common=len(both),
        moved=1 - stayed / len(both) if both else None,
        money=what,
        currency=old.about.currency,
    )


def known_personas(former: Study, rows: pa.Table, coding: Coding, segmentation: Segmentation) -> Known:
    """The personas of a former study that go on as segments of a new run, and the names that no other may take.

    Parameters
    ----------
    former : the earlier study
    rows : customer_id and segment of the new run
    coding, segmentation : of the new run
    """
    after = dict(zip(rows.column("customer_id").to_pylist(), rows.column("segment").to_pylist(), strict=True))
    profiles = centroids_in_old_coding(former, coding, segmentation)
    identity = identify(_with_segment(_segments(former)), _with_segment(after), *(profiles or (None, None)))
    personas = {persona.segment: persona for persona in former.personas}
    content = "".join(f"{p.id}\n" for p in former.personas) + repr(sorted(_with_segment(_segments(former)).items()))
    return Known(
        same={g: personas[was] for g, was in identity.kept.items() if was in personas},
        names=frozenset(persona.name for persona in former.personas),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
    )


def centroids_in_old_coding(old: Study, coding: Coding, segmentation: Segmentation) -> tuple[Floats, Floats] | None:
    """(k, d) centroids of both in the old study's coding, over the columns of both; None when these are too few.

    Too few is less than half of the columns of either: then a distance would be of something else than the segments.
    """
    theirs = {column.name: j for j, column in enumerate(coding.columns)}
    shared = [(i, theirs[column.name]) for i, column in enumerate(old.coding.columns) if column.name in theirs]
    if 2 * len(shared) < max(len(old.coding.columns), len(coding.columns)):
        return None
    found, centroids = np.empty((segmentation.k, len(shared))), segmentation.model.centroids
    for place, (i, j) in enumerate(shared):
        for g, value in enumerate(centroids[:, j]):
            raw = original_value(coding.columns[j], float(value))
            found[g, place] = coded_value(old.coding.columns[i], raw)
    return np.ascontiguousarray(old.segmentation.model.centroids[:, [i for i, _ in shared]]), found


def _segments(study: Study) -> dict[str, int | None]:
    columns = (study.segments.column(name).to_pylist() for name in ("customer_id", "segment"))
    return dict(zip(*columns, strict=True))


def _with_segment(segments: Mapping[str, int | None]) -> dict[str, int]:
    return {customer: segment for customer, segment in segments.items() if segment is not None}


def _table(
    before: Mapping[str, int | None], after: Mapping[str, int | None], k_old: int, k_new: int
) -> tuple[tuple[int, ...], ...]:
    """Customers by what they were and are: segments, without a segment, unknown to the study."""
    table = np.zeros((k_old + 2, k_new + 2), dtype=np.int64)
    for customer in before.keys() | after.keys():
        row = _place(before, customer, k_old)
        table[row, _place(after, customer, k_new)] += 1
    return tuple(tuple(int(n) for n in row) for row in table)


def _place(segments: Mapping[str, int | None], customer: str, k: int) -> int:
    if customer not in segments:
        return k + 1
    segment = segments[customer]
    return k if segment is None else segment


def _shared_money(old: Study, new: Study) -> str | None:
    """The deepest money that both know in one currency."""
    if old.about.currency != new.about.currency:
        return None
    for what in ("contribution", "revenue"):
        sides = (study.profiles.everyone.economics for study in (old, new))
        if all(getattr(economics, what) is not None for economics in sides):
            return what
    return None


def _side(study: Study, what: str | None) -> Side:
    personas = {persona.segment: persona for persona in study.personas}
    profiles = {profile.segment: profile for profile in study.profiles.segments}
    places = range(study.segmentation.k)
    written = [personas.get(g) for g in places]

    def money(name: str) -> tuple[float | None, ...]:
        found = [getattr(profiles[g].economics, name) if what and g in profiles else None for g in places]
        return tuple(None if estimate is None else float(estimate.value) for estimate in found)

    return Side(
        name=study.about.name,
        day=study.about.snapshot_date.isoformat(),
        verdict=study.about.verdict,
        ids=tuple(p.id if p else f"segment-{g + 1}" for g, p in zip(places, written, strict=True)),
        names=tuple(p.name if p else f"segment {g + 1}" for g, p in zip(places, written, strict=True)),
        sizes=tuple(round(profiles[g].customers.value) if g in profiles else 0 for g in places),
        means=money(str(what)),
        totals=money(f"total_{what}"),
    )


def as_plain(found: Comparison) -> dict[str, Any]:
    """The comparison as one JSON document."""
    identity, old, new = found.identity, found.old, found.new
    return {
        "old": _plain_side(old),
        "new": _plain_side(new),
        "customers_with_a_segment_in_both": found.common,
        "matched_by": identity.by if identity.kept else None,
        "moved_share": found.moved,
        "kept": [{"old": old.ids[g], "new": new.ids[h]} for h, g in identity.kept.items()],
        "retired": [old.ids[g] for g in identity.retired],
        "new_personas": [new.ids[h] for h in identity.born],
        "splits": [{"old": old.ids[g], "new": [new.ids[h] for h in into]} for g, into in identity.splits.items()],
        "merges": [{"new": new.ids[h], "old": [old.ids[g] for g in of]} for h, of in identity.merges.items()],
        "rows": [*old.ids, WITHOUT, ELSEWHERE],
        "columns": [*new.ids, WITHOUT, ELSEWHERE],
        "customers": [list(row) for row in found.table],
        "money": None if found.money is None else {"what": found.money, "currency": found.currency},
        "money_at_old_means": [list(row) for row in money_table(found)],
    }


def _plain_side(side: Side) -> dict[str, Any]:
    rows = zip(side.ids, side.names, side.sizes, side.totals, strict=True)
    return {
        "study": side.name, "snapshot_date": side.day, "verdict": side.verdict,
        "personas": [{"id": i, "name": n, "customers": size, "total": total} for i, n, size, total in rows],
    }  # fmt: skip


def money_table(found: Comparison) -> tuple[tuple[float | None, ...], ...]:
    """Money a year behind every cell, every customer at the mean of the old segment; None where that is unknown."""
    means = (*found.old.means, None, None)
    rows = zip(found.table, means, strict=True)
    return tuple(tuple(None if mean is None else count * mean for count in row) for row, mean in rows)


def report(found: Comparison) -> str:
    """The comparison as text."""
    old, new, identity = found.old, found.new, found.identity
    lines = [
        f"{word}: {side.name}, {side.day}, {count_of(len(side.ids), 'segment')}, {side.verdict}"
        for word, side in (("old", old), ("new", new))
    ]
    lines += ["", *_how(found), ""]
    lines += [f"kept     {_same(found, g, h)}" for h, g in identity.kept.items()]
    lines += [f"retired  {old.names[g]}: {_worth(found, old, g)}" for g in identity.retired]
    lines += [f"new      {new.names[h]}: {_worth(found, new, h)}" for h in identity.born]
    lines += [f"split    {old.names[g]} into {_listed(new, into)}" for g, into in identity.splits.items()]
    lines += [f"merged   {_listed(old, of)} into {new.names[h]}" for h, of in identity.merges.items()]
    heads = [*new.names, WITHOUT, ELSEWHERE]
    names = [*old.names, WITHOUT, ELSEWHERE]
    lines += ["", "Customers, old segment by new", *_drawn(names, heads, found.table)]
    if found.money is not None:
        title = f"{found.money.capitalize()} a year in {found.currency}, every customer at the mean of the old segment"
        k = len(old.names)
        lines += ["", title, *_drawn(names[:k], heads, money_table(found)[:k])]
    return "\n".join(lines)


def _how(found: Comparison) -> list[str]:
    """How the segments were matched, and how many customers moved."""
    both = f"{count_of(found.common, 'customer')} with a segment in both"
    if found.identity.by == "profile":
        return [f"{both}, too few to go by: matched by profile, nearer than half of the smallest old distance."]
    if found.moved is None or not found.identity.kept:
        return [f"{both}; no segment is the same as one before."]
    return [f"{both}, matched by their members. {found.moved:.1%} of them are in another segment now."]


def _same(found: Comparison, g: int, h: int) -> str:
    old, new = found.old, found.new
    name = old.names[g] if old.names[g] == new.names[h] else f"{old.names[g]}, now called {new.names[h]}"
    return f"{name}: {_worth(found, old, g)}, now {_worth(found, new, h)}"


def _worth(found: Comparison, side: Side, g: int) -> str:
    total = side.totals[g]
    money = "" if total is None else f" with {total:,.0f} {found.currency} {found.money}"
    return count_of(side.sizes[g], "customer") + money


def _listed(side: Side, places: Sequence[int]) -> str:
    return " and ".join(side.names[g] for g in places)


def _drawn(names: Sequence[str], heads: Sequence[str], table: Sequence[Sequence[float | None]]) -> list[str]:
    """A table in columns of equal width."""
    cells = [["unknown" if value is None else f"{value:,.0f}" for value in row] for row in table]
    first = max(len(name) for name in names)
    widths = [max(len(head), *(len(row[j]) for row in cells)) for j, head in enumerate(heads)]
    rows = [["", *heads], *([name, *row] for name, row in zip(names, cells, strict=True))]
    return [
        row[0].ljust(first) + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths, strict=True))
        for row in rows
    ]
