"""Single segments: which return at every k, how far apart they lie, what they are like, what an override costs."""

from __future__ import annotations

from personas.narrative.formatting import count, fixed, percent
from personas.render.blocks import Cell, Chart, Column, Row, Section, Table
from personas.render.candidates import of_algorithm
from personas.render.findings import segment_names
from personas.render.segment_drawings import Gorge, Returns, Trait, gorges, jaccard_by_k, profile_dots
from personas.render.styles import persona_token
from personas.render.text import and_list, first_upper, in_words, short
from personas.segmentation.records import Candidate, Segmentation
from personas.segmentation.verdict import PATTERN, STABLE
from personas.study import Study

MOST_TRAITS = 12


def returns_section(study: Study) -> Section | None:
    """Jaccard of every segment at every k."""
    segmentation = study.segmentation
    candidates = [c for c in of_algorithm(segmentation) if c.jaccard]
    if len(candidates) < 2:
        return None
    wide, narrow = jaccard_by_k([Returns(c.k, c.jaccard) for c in candidates], segmentation.k)
    whole = [c.k for c in candidates if min(c.jaccard) >= STABLE]
    rows = []
    for c in candidates:
        values = sorted(c.jaccard, reverse=True)
        weak = [value for value in values if value < STABLE]
        told = "all return" if not weak else f"{len(weak)} of {c.k} below {STABLE}"
        if any(value < PATTERN for value in values):
            told += f"; under {PATTERN} no persona should be built"
        cells = (Cell(", ".join(fixed(value, 2) for value in values)), Cell(told))
        rows.append(Row(str(c.k), cells, pick=c.k == segmentation.k))
    columns = (Column("k"), Column("Jaccard of each segment", True), Column("In words", True))
    table = Table("Jaccard per segment and k", columns, tuple(rows), wide=True)
    heading = "At no number do all segments return"
    if whole:
        heading = f"Every segment returns at {and_list([str(k) for k in whole])}"
    caption = (
        "One dot per segment: how much of it returns in resamples, 1 is all. Filled: the chosen number. Grey: "
        f"below {STABLE}, a pattern. Stable does not mean separate."
    )
    return Section("returns", "", heading, chart=Chart(wide, narrow, caption, table))


def separation_section(study: Study) -> Section | None:
    """Gorge plot: similarity to each segment, members against all others."""
    segmentation = study.segmentation
    if not segmentation.separation or study.about.verdict == "none":
        return None
    names = segment_names(study)
    rows = [
        Gorge(names[s], persona_token(place), *segmentation.separation[s])
        for place, s in enumerate(order_of(study))
        if s < len(segmentation.separation)
    ]
    wide, narrow = gorges(rows)
    members = sum(sum(row.members) for row in rows)
    sure = sum(row.sure * sum(row.members) for row in rows) / max(1, members)
    least = min(rows, key=lambda row: row.sure)
    heading = f"{percent(sure)} of customers are nearer to their own segment than to all others together"
    body = f"{least.name} is the least clear: {percent(least.sure)} of its members are."
    columns = (Column("Segment"), Column("Members"), Column("Clearly its own"), Column("In the middle"))
    numbers = tuple(
        Row(row.name, (Cell(count(sum(row.members))), Cell(percent(row.sure)), Cell(percent(_middle(row.members)))))
        for row in rows
    )
    note = "In the middle: similarity from 0.3 to 0.7, where the customer could as well belong elsewhere."
    table = Table("How clearly members belong to their segment", columns, numbers, note=note)
    caption = (
        "Similarity of every customer to the segment, 0 to 1: members in colour, all others in grey, each as high as "
        "its own peak. A gorge between the two peaks is a clear border; a slope is a cut. At the right: members above "
        "one half."
    )
    return Section("separation", "", heading, body=(body,), chart=Chart(wide, narrow, caption, table))


def _middle(counts: tuple[int, ...]) -> float:
    first, last = round(0.3 * len(counts)), round(0.7 * len(counts))
    return sum(counts[first:last]) / max(1, sum(counts))


def order_of(study: Study) -> list[int]:
    """Segments in the order of their personas, then the others."""
    order = [p.segment for p in study.personas]
    return order + [segment for segment in range(study.segmentation.k) if segment not in order]


def profile_section(study: Study) -> Section | None:
    """Where each segment lies on every forming feature."""
    segmentation, columns = study.segmentation, study.coding.columns
    centroids = getattr(segmentation.model, "centroids", None)
    if centroids is None or len(columns) != centroids.shape[1] or study.about.verdict == "none":
        return None
    order, names = order_of(study), segment_names(study)
    sizes = segmentation.chosen.sizes
    labels = {entry.feature.name: short(entry.feature.label) for entry in study.dictionary}
    traits = []
    for j, column in enumerate(columns):
        own = centroids[:, j] / (column.weight or 1.0)
        everyone = sum(float(value) * size for value, size in zip(own, sizes, strict=True)) / sum(sizes)
        name = first_upper(labels.get(column.feature, column.feature))
        unknown = f"{name}: unknown" if column.missing_indicator else name
        label = unknown if column.level is None else f"{name}: {short(column.level, 24)}"
        traits.append(Trait(label, tuple(float(own[s]) - everyone for s in order)))
    traits.sort(key=lambda trait: (-(max(trait.values) - min(trait.values)), trait.label))
    told = traits[:MOST_TRAITS]
    wide, narrow = profile_dots(told, [names[s] for s in order], [persona_token(place) for place in range(len(order))])
    head = (Column("Feature"), *(Column(names[s]) for s in order))
    rows = tuple(Row(t.label, tuple(Cell(fixed(v, 2), far=abs(v) >= 1) for v in t.values)) for t in told)
    note = "In typical spreads of the coded feature (1.35 hold the middle half), from the mean of all customers."
    left_out = f" The {len(traits) - len(told)} that differ least are left out." if len(traits) > len(told) else ""
    widest = told[0]
    heading = f"{widest.label} tells the segments apart most, by definition"
    caption = (
        "One dot per segment on each forming feature; right is more than all customers, left is less. The segments "
        f"were formed from these, so differences are definitions and are not tested.{left_out}"
    )
    numbers = Table("Segments by forming feature", head, rows, note=note, wide=True)
    return Section("profile", "", heading, chart=Chart(wide, narrow, caption, numbers))


def override_section(study: Study) -> Section | None:
    """A fixed k beside the one that the evidence gives: what it costs in stability, size and money."""
    segmentation = study.segmentation
    advised = segmentation.k_advised
    if not segmentation.k_fixed or advised is None:
        return None
    asked, ours = segmentation.chosen, next((c for c in of_algorithm(segmentation) if c.k == advised), None)
    if ours is None or ours.k == asked.k:
        heading = f"{first_upper(in_words(asked.k))} was fixed, and the evidence gives the same number"
        return Section("override", "", heading)
    rows = [
        Row("Least stable segment", _two(fixed(asked.jaccard_min or 0, 2), fixed(ours.jaccard_min or 0, 2))),
        Row("A re-run may move", _two(_moved(asked), _moved(ours))),
        Row("Smallest segment", _two(_smallest(asked), _smallest(ours))),
        Row("Silhouette", _two(fixed(asked.silhouette, 3), fixed(ours.silhouette, 3))),
        Row("Natural groups", _two(*(str(c.natural_groups or "not tested") for c in (asked, ours)))),
    ]
    at_risk = [_unsteady_money(study, c) for c in (asked, ours)]
    if None not in at_risk:
        rows.append(Row("Money in segments that do not return", _two(*(percent(v) for v in at_risk if v is not None))))
    columns = (Column(""), Column(f"{asked.k}, fixed"), Column(f"{ours.k}, by the evidence"))
    table = Table("What the fixed number costs", columns, tuple(rows))
    heading = f"{first_upper(in_words(asked.k))} was fixed; the evidence gives {in_words(ours.k)}"
    return Section("override", "", heading, body=(_costs(segmentation, asked, ours, at_risk),), tables=(table,))


def _costs(segmentation: Segmentation, asked: Candidate, ours: Candidate, at_risk: list[float | None]) -> str:
    text = (
        f"The override is honoured and judged by itself ({segmentation.verdict}). Its least stable segment returns by "
        f"{fixed(asked.jaccard_min or 0, 2)} instead of {fixed(ours.jaccard_min or 0, 2)}, its smallest has "
        f"{count(min(asked.sizes))} customers instead of {count(min(ours.sizes))}"
    )
    if at_risk[0] is not None and at_risk[1] is not None:
        lost = percent(at_risk[0])
        text += f", and {lost} of the money lies in segments that do not return, instead of {percent(at_risk[1])}"
    return f"{text}."


def _two(first: str, second: str) -> tuple[Cell, Cell]:
    return Cell(first), Cell(second)


def _moved(candidate: Candidate) -> str:
    return "unknown" if candidate.agreement is None else percent(1 - candidate.agreement)


def _smallest(candidate: Candidate) -> str:
    return f"{count(min(candidate.sizes))} ({percent(candidate.smallest_share)})"


def _unsteady_money(study: Study, candidate: Candidate) -> float | None:
    """Share of money in segments with a mean Jaccard under ``STABLE``; None where money is unknown."""
    shares = {b.segment: b.share for b in study.profiles.branches if b.k == candidate.k}
    if not shares or not candidate.jaccard or any(share is None for share in shares.values()):
        return None
    return sum(shares.get(s) or 0.0 for s, value in enumerate(candidate.jaccard) if value < STABLE)
