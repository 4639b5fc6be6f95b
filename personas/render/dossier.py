"""How many segments: the evidence in the order in which it can stop a study, and the decision to sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from personas.narrative.formatting import count, day, fixed, percent
from personas.render.apart import order_of, override_section, profile_section, returns_section, separation_section
from personas.render.bars import bar
from personas.render.blocks import Cell, Chart, Column, Decision, Row, Section, Table
from personas.render.borders import borders_section
from personas.render.candidates import NAMES, candidates_section, of_algorithm, structure_section
from personas.render.drawings import Return, Spread, agreement_boxes, jaccard_dots
from personas.render.findings import (
    differences_section,
    lineage_section,
    rules_section,
    segment_names,
    sensitivity_section,
)
from personas.render.stages import anchor_of, chapter_head, is_whole, stages_section, study_of
from personas.render.styles import persona_token
from personas.render.text import and_list, first_upper, in_words, sentence, short
from personas.segmentation.records import Stage
from personas.segmentation.verdict import STABLE
from personas.study import Study

AGREES = 0.8
"""Median agreement between resamples from which a number of segments is said to come back (our choice)."""
Maker = Callable[[Study], Section | None]

def dossier_sections(study: Study) -> tuple[Section, ...]:
    """The findings that apply to this study, numbered from 1 by the caller's order; a chapter per stage, if any."""
    stages = study.segmentation.stages
    if stages:
        makers: Sequence[Maker] = (_families, stages_section, _sizes, differences_section, rules_section)
    else:
        makers = (_families, *_search(), _sizes, profile_section, differences_section, rules_section,
                  sensitivity_section)  # fmt: skip
    sections = _made(makers, study)
    if study.about.verdict == "none":  # what was missing comes first: the silhouette with its band
        sections.sort(key=lambda section: section.anchor != "structure")
    for stage in stages:
        sections += _chapter(study, stage)
    return tuple(replace(s, kicker=str(turn)) for turn, s in enumerate(sections, start=1))


def _search() -> tuple[Maker, ...]:
    """What is told of the search for segments, among all customers or inside one stage."""
    return (
        structure_section, candidates_section, override_section, _agreement, returns_section, _solid, borders_section,
        separation_section, lineage_section,
    )  # fmt: skip


def _made(makers: Sequence[Maker], study: Study) -> list[Section]:
    return [section for make in makers if (section := make(study)) is not None]


def _chapter(study: Study, stage: Stage) -> list[Section]:
    """The search inside one stage, as it is told of a whole study."""
    alone = study_of(study, stage)
    found = _made((*_search(), profile_section, sensitivity_section), alone) if alone else []
    own = [replace(s, anchor=f"{anchor_of(stage)}-{s.anchor}", heading=f"{stage.title}: {s.heading}") for s in found]
    return [chapter_head(stage), *own]


def _families(study: Study) -> Section | None:
    entries = study.dictionary
    if not entries:
        return None
    locale = study.about.language
    shares: dict[str, float] = {}
    members: dict[str, list[str]] = {}
    for entry in entries:
        if entry.role == "basis":
            shares[entry.family_title] = shares.get(entry.family_title, 0.0) + entry.share_of_distance
            members.setdefault(entry.family_title, []).append(short(entry.feature.label))
    largest = max(shares.values(), default=0.0)
    order = sorted(shares, key=lambda family: (-shares[family], family))
    rows = [
        Row(
            family,
            (
                Cell(", ".join(members[family])),
                Cell(percent(shares[family], locale)),
                Cell(bar=bar(shares[family], largest, kind="soft")),
            ),
        )
        for family in order
    ]
    only = [short(e.feature.label) for e in entries if e.role == "profile"]
    if only:
        rows.append(Row("Describe only", (Cell(", ".join(only)), Cell(percent(0, locale)), Cell())))
    columns = (Column("Family"), Column("Features", True), Column("Share of distance"), Column("", bar=True))
    plural = "family forms" if len(shares) == 1 else "families form"
    heading = f"{first_upper(in_words(len(shares)))} {plural} the segments; the rest only describes them"
    table = Table("Feature families and their share of the distance", columns, tuple(rows), wide=True)
    return Section("families", "", heading, tables=(table,))


def _agreement(study: Study) -> Section | None:
    spreads = [
        Spread(c.k, c.ari_median, c.ari_quartiles, _middle(c.ari_values, c.ari_quartiles))
        for c in of_algorithm(study.segmentation)
        if c.ari_median is not None and c.ari_quartiles is not None
    ]
    if not spreads:
        return None
    pairs = {c.k: len(c.ari_values) for c in of_algorithm(study.segmentation)}
    wide, narrow = agreement_boxes(spreads, study.segmentation.k)
    own = next((s.median for s in spreads if s.k == study.segmentation.k), None)
    heading = "Agreement between resamples"
    if own is not None:
        k = first_upper(in_words(study.segmentation.k))
        heading = f"{k} comes back {'when the customers are drawn again' if own >= AGREES else 'only in part'}"
    caption = (
        "Adjusted Rand index between pairs of resamples: 1 is the same partition, 0 is chance. "
        f"Box: middle half; whiskers: middle 95%. From a median of {fixed(AGREES, 2)} on we say that it comes back."
    )
    numbers = Table(
        "Agreement between resamples by number of segments",
        tuple(map(Column, ("k", "Median", "Middle half", "Pairs"))),
        tuple(
            Row(str(s.k), (Cell(fixed(s.median, 2)), Cell(f"{fixed(s.quartiles[0], 2)} to {fixed(s.quartiles[1], 2)}"),
                           Cell(str(pairs[s.k] or "unknown"))))
            for s in spreads
        ),
    )  # fmt: skip
    return Section("agreement", "", heading, body=_disagreement(study), chart=Chart(wide, narrow, caption, numbers))


def _disagreement(study: Study) -> tuple[str, ...]:
    """Whether the clearest number of segments is also the one that comes back best."""
    known = [c for c in of_algorithm(study.segmentation) if c.ari_median is not None]
    clearest = max(known, key=lambda c: (c.silhouette, -c.k))
    steadiest = max(known, key=lambda c: (c.ari_median or 0.0, -c.k))
    if len(known) < 2:
        return ()
    if clearest.k == steadiest.k:
        return (f"Silhouette and stability agree: both are highest at {clearest.k}.",)
    if fixed(clearest.ari_median or 0.0, 2) == fixed(steadiest.ari_median or 0.0, 2):
        agree = fixed(clearest.ari_median or 0.0, 2)
        return (
            f"Silhouette and stability agree: the silhouette is highest at {clearest.k}, and no other number comes "
            f"back better ({agree}).",
        )
    return (
        f"Silhouette and stability disagree: the silhouette is highest at {clearest.k} "
        f"({fixed(clearest.silhouette, 3)}), where resamples agree by {fixed(clearest.ari_median or 0.0, 2)}; they "
        f"agree best at {steadiest.k} ({fixed(steadiest.ari_median or 0.0, 2)}), where the silhouette is "
        f"{fixed(steadiest.silhouette, 3)}. Neither alone may choose.",
    )


def _middle(values: Sequence[float], quartiles: tuple[float, float]) -> tuple[float, float]:
    """The middle 95% of the values, or the quartiles where only those are kept."""
    if len(values) < 5:
        return quartiles
    ordered = sorted(values)
    cut = int(0.025 * len(ordered))
    return min(ordered[cut], quartiles[0]), max(ordered[-1 - cut], quartiles[1])


def _solid(study: Study) -> Section | None:
    stability = study.segmentation.stability
    if not stability or study.about.verdict == "none":
        return None
    names = segment_names(study)
    rows = [
        Return(
            names[segment],
            persona_token(place),
            stability[segment].value,
            stability[segment].low,
            stability[segment].high,
        )
        for place, segment in enumerate(order_of(study))
        if segment < len(stability)
    ]
    wide, narrow = jaccard_dots(rows)
    unsure = [row.name for row in rows if row.value < STABLE]
    solid = first_upper(in_words(len(rows) - len(unsure)))
    if not unsure:
        heading = "Both segments are solid" if len(rows) == 2 else f"All {in_words(len(rows))} segments are solid"
    elif len(unsure) == len(rows):
        heading = "No segment is solid; all are patterns"
    else:
        patterns = "is a pattern" if len(unsure) == 1 else "are patterns"
        heading = f"{solid} of {in_words(len(rows))} segments are solid; {and_list(unsure)} {patterns}"
    caption = (
        "How much of the segment returns in a resample (Jaccard): the mean, with the middle 95% of resamples. "
        f"Dashed and open: below {STABLE}, a pattern that is not yet stable."
    )
    return Section("solid", "", heading, chart=Chart(wide, narrow, caption))


def _sizes(study: Study) -> Section | None:
    segmentation, locale = study.segmentation, study.about.language
    if study.about.verdict == "none" or not segmentation.candidates:
        return None
    sizes, names = segmentation.chosen.sizes, segment_names(study)
    total = sum(sizes)
    rows = tuple(
        Row(
            names[s],
            (
                Cell(count(sizes[s], locale)),
                Cell(percent(sizes[s] / total, locale)),
                Cell(bar=bar(sizes[s], max(sizes), kind="soft")),
            ),
        )
        for s in order_of(study)
        if s < len(sizes)
    )
    # A whole stage is as large as it is: the limit is one of the search.
    small = min([size for s, size in enumerate(sizes) if not is_whole(segmentation.stage_of(s))] or sizes)
    enough = small >= segmentation.min_size
    heading = "No segment is too small to serve" if enough else "The smallest segment is below the limit"
    limit = count(segmentation.min_size, locale)
    body = f"The smallest has {count(small, locale)} customers; the limit of this study is {limit}."
    if small / total < 0.05:
        body += " A segment under 5% of customers is worth its own programme only if its money justifies it."
    columns = (Column("Segment"), Column("Customers"), Column("Share"), Column("", bar=True))
    return Section(
        "sizes-of-segments", "", heading, body=(body,), tables=(Table("Sizes of the segments", columns, rows),)
    )


def decision_of(study: Study, turn: int) -> Decision:
    """What is to be signed, and what would open it again."""
    segmentation, as_of = study.segmentation, day(study.about.snapshot_date, study.about.language)
    algorithm = NAMES.get(segmentation.algorithm, segmentation.algorithm)
    if study.about.verdict == "none":
        text = (
            f"No segmentation, as of {as_of}. Without segments three things can still be done: the RFM groups, a lead "
            "rule, and asking for two more variables that could tell customers apart."
        )
        reopen = "new variables come in, or the range of products changes."
    else:
        k = first_upper(in_words(segmentation.k))
        fixed_k = " The number was fixed by the configuration." if segmentation.k_fixed else ""
        reason = " ".join(map(sentence, segmentation.reasons if segmentation.stages else segmentation.reasons[:1]))
        text = f"{k} segments, {algorithm}, as of {as_of}.{fixed_k} {reason}".strip()
        reopen = (
            f"agreement between resamples falls below {fixed(AGREES, 2)}, a segment leaves 5 to 35% of customers, more "
            "than 15% of customers move in a quarter, or the range of products changes."
        )
    return Decision("The decision", str(turn), text, reopen)
