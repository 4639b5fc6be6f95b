"""How many segments: the evidence in the order in which it can stop a study, and the decision to sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from personas.narrative.formatting import count, day, fixed, number, percent
from personas.render.bars import bar
from personas.render.blocks import Cell, Chart, Column, Decision, Row, Section, Table
from personas.render.drawings import Level, Return, Spread, agreement_boxes, jaccard_dots, silhouettes
from personas.render.findings import (
    differences_section,
    lineage_section,
    picture_section,
    rules_section,
    segment_names,
    sensitivity_section,
)
from personas.render.styles import persona_token
from personas.render.text import and_list, first_upper, in_words, sentence, short
from personas.segmentation.records import Candidate, Segmentation
from personas.study import Study

NAMES = {"kmeans": "k-means", "gmm": "Gaussian mixture"}


def dossier_sections(study: Study) -> tuple[Section, ...]:
    """The findings that apply to this study, numbered from 1 by the caller's order."""
    makers = (
        _families, _structure, _candidates, _agreement, _solid, _sizes, lineage_section, differences_section,
        rules_section, sensitivity_section, picture_section,
    )  # fmt: skip
    sections = [section for make in makers if (section := make(study)) is not None]
    if study.about.verdict == "none":  # what was missing comes first: the silhouette with its band
        sections.sort(key=lambda section: section.anchor != "structure")
    return tuple(
        replace(s, kicker=str(turn))
        for turn, s in enumerate(sections, start=1)
    )  # fmt: skip


def order_of_segments(study: Study) -> list[int]:
    """Segments in the order of their personas, then the others."""
    order = [p.segment for p in study.personas]
    return order + [segment for segment in range(study.segmentation.k) if segment not in order]


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


def _of_algorithm(segmentation: Segmentation) -> list[Candidate]:
    return sorted((c for c in segmentation.candidates if c.algorithm == segmentation.algorithm), key=lambda c: c.k)


def _structure(study: Study) -> Section | None:
    segmentation = study.segmentation
    candidates = _of_algorithm(segmentation)
    if not candidates:
        return None
    levels = [Level(c.k, c.silhouette, c.silhouette_error, c.null_low, c.null_high, c.null_mean) for c in candidates]
    wide, narrow = silhouettes(levels, segmentation.k)
    gate = segmentation.gate or {}
    p_value = gate.get("p_value")
    body, heading = [], "How clear the groups are, by their number"
    if isinstance(p_value, int | float):
        passed = study.about.verdict != "none"
        heading = (
            "There is structure beyond what chance shapes"
            if passed
            else "There is no structure beyond what chance shapes"
        )
        body.append(_gate_words(study, float(p_value), gate.get("draws")))
    best = max(candidates, key=lambda c: c.silhouette)
    if best.k != segmentation.k:
        body.append(
            f"The silhouette alone is highest at {best.k} ({fixed(best.silhouette, 3)}); {segmentation.k} reaches "
            f"{fixed(segmentation.chosen.silhouette, 3)} and was chosen for the reasons given in the summary."
        )
    caption = "Mean silhouette, higher is clearer."
    if any(c.silhouette_error for c in candidates):
        caption += " Lines: 95% interval."
    if any(c.null_low is not None for c in candidates):
        caption += " Grey band: middle 95% of draws without structure."
    return Section("structure", "", heading, body=tuple(body), chart=Chart(wide, narrow, caption))


def _gate_words(study: Study, p_value: float, draws: object) -> str:
    chosen = study.segmentation.chosen
    drawn = f"{draws} tables were" if draws else "Tables were"
    text = f"{drawn} drawn with each variable as it is and no clusters"
    if chosen.null_mean is not None:
        text += f". At {chosen.k} segments they reach {fixed(chosen.null_mean, 3)} on average"
        if chosen.null_high is not None:
            text += f" and {fixed(chosen.null_high, 3)} at the upper end"
        text += f"; these customers reach {fixed(chosen.silhouette, 3)}"
    return f"{text} (p = {fixed(p_value, 3)})."


_Figure = Callable[[Candidate], float | None]
_COLUMNS: tuple[tuple[str, _Figure, Callable[[float], str], str], ...] = (
    ("Silhouette", lambda c: c.silhouette, lambda v: fixed(v, 3), "higher"),
    ("Above no structure", lambda c: c.excess, lambda v: fixed(v, 3), "higher"),
    ("Calinski– Harabasz", lambda c: c.calinski_harabasz, lambda v: count(v), "higher"),
    ("Davies– Bouldin", lambda c: c.davies_bouldin, lambda v: fixed(v, 2), "lower"),
    ("BIC", lambda c: c.bic, lambda v: f"{number(v / 1000)}k", "lower"),
    ("Agreement", lambda c: c.ari_median, lambda v: fixed(v, 2), "higher"),
    ("Weakest segment", lambda c: c.jaccard_min, lambda v: fixed(v, 2), "higher"),
    ("Smallest", lambda c: c.smallest_share, lambda v: percent(v), ""),
    ("Borders with a gap", lambda c: None if c.borders_gap is None else float(c.borders_gap), lambda v: count(v), ""),
)


def _candidates(study: Study) -> Section | None:
    segmentation = study.segmentation
    candidates = sorted(
        segmentation.candidates, key=lambda c: (c.algorithm != segmentation.algorithm, c.algorithm, c.k)
    )
    if not candidates:
        return None
    kept = [column for column in _COLUMNS if any(column[1](c) is not None for c in candidates)]
    best = {title: _best(candidates, figure, better) for title, figure, _, better in kept if better}
    several = len({c.algorithm for c in candidates}) > 1
    rows = []
    for c in candidates:
        head = f"{c.k}, {NAMES.get(c.algorithm, c.algorithm)}" if several else str(c.k)
        picked = (c.algorithm, c.k) == (segmentation.algorithm, segmentation.k)
        rows.append(Row(head, tuple(_candidate_cell(c, column, best) for column in kept), pick=picked))
    columns = (Column("k"), *(Column(title) for title, *_ in kept))
    note = (
        "▲ best value of its column; nothing is added up into one score. Davies–Bouldin and BIC: lower is better. "
        "Agreement: median adjusted Rand index between resamples."
    )
    heading = _votes(best, candidates, segmentation)
    return Section(
        "candidates",
        "",
        heading,
        tables=(Table("Candidates for k with every index", columns, tuple(rows), note=note, wide=True),),
    )


def _best(candidates: Sequence[Candidate], figure: _Figure, better: str) -> set[tuple[str, int]]:
    """Who has the best value of a column; several where they are equal, nobody where there is only one."""
    known = [(value, c.algorithm, c.k) for c in candidates if (value := figure(c)) is not None]
    if len(known) < 2:
        return set()
    top = (max if better == "higher" else min)(value for value, *_ in known)
    return {(algorithm, k) for value, algorithm, k in known if abs(value - top) < 1e-9}


def _candidate_cell(
    c: Candidate, column: tuple[str, _Figure, Callable[[float], str], str], best: dict[str, set[tuple[str, int]]]
) -> Cell:
    title, figure, words, _ = column
    value = figure(c)
    if value is None:
        return Cell("not run")
    small = f"±{fixed(c.silhouette_error, 3)}" if title == "Silhouette" and c.silhouette_error else ""
    text = (
        f"{words(value)} of {c.borders_tested}"
        if title == "Borders with a gap" and c.borders_tested is not None
        else words(value)
    )
    return Cell(text, small, best=(c.algorithm, c.k) in best.get(title, set()))


def _votes(best: dict[str, set[tuple[str, int]]], candidates: Sequence[Candidate], segmentation: Segmentation) -> str:
    """How many indices prefer which k: agreement or disagreement is the finding."""
    votes: dict[int, int] = {}
    for found in best.values():
        if found:
            ks = {k for _, k in found}
            k = segmentation.k if segmentation.k in ks else min(ks)
            votes[k] = votes.get(k, 0) + 1
    if not votes:
        return f"Only k = {candidates[0].k} was looked at" if len(candidates) == 1 else "The candidates"
    if len(votes) == 1:
        return f"Every index prefers {in_words(next(iter(votes)))}"
    order = sorted(votes, key=lambda k: (-votes[k], k))
    told = [f"{in_words(votes[k])} {'says' if votes[k] == 1 else 'say'} {in_words(k)}" for k in order]
    return f"The indices disagree: {and_list(told)}"


def _agreement(study: Study) -> Section | None:
    spreads = [
        Spread(c.k, c.ari_median, c.ari_quartiles, _middle(c.ari_values, c.ari_quartiles))
        for c in _of_algorithm(study.segmentation)
        if c.ari_median is not None and c.ari_quartiles is not None
    ]
    if not spreads:
        return None
    wide, narrow = agreement_boxes(spreads, study.segmentation.k)
    own = next((s.median for s in spreads if s.k == study.segmentation.k), None)
    heading = "Agreement between resamples"
    if own is not None:
        k = first_upper(in_words(study.segmentation.k))
        heading = f"{k} comes back when the customers are drawn again" if own >= 0.8 else f"{k} comes back only in part"
    caption = (
        "Adjusted Rand index between pairs of resamples: 1 is the same partition, 0 is chance. "
        "Box: middle half; whiskers: middle 95%."
    )
    return Section("agreement", "", heading, chart=Chart(wide, narrow, caption))


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
        for place, segment in enumerate(order_of_segments(study))
        if segment < len(stability)
    ]
    wide, narrow = jaccard_dots(rows)
    unsure = [row.name for row in rows if row.value < 0.75]
    solid = first_upper(in_words(len(rows) - len(unsure)))
    if not unsure:
        heading = f"All {in_words(len(rows))} segments are solid"
    elif len(unsure) == len(rows):
        heading = "No segment is solid; all are patterns"
    else:
        patterns = "is a pattern" if len(unsure) == 1 else "are patterns"
        heading = f"{solid} of {in_words(len(rows))} segments are solid; {and_list(unsure)} {patterns}"
    caption = (
        "How much of the segment returns in a resample (Jaccard), with 95% interval. "
        "Dashed and open: below 0.75, a pattern that is not yet stable."
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
        for s in order_of_segments(study)
        if s < len(sizes)
    )
    small = min(sizes)
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
        reason = sentence(segmentation.reasons[0]) if segmentation.reasons else ""
        text = f"{k} segments, {algorithm}, as of {as_of}.{fixed_k} {reason}".strip()
        reopen = (
            "agreement between resamples falls below 0.80, a segment leaves 5 to 35% of customers, more than 15% of "
            "customers move in a quarter, or the range of products changes."
        )
    return Decision("The decision", str(turn), text, reopen)
