"""Studies whose segments were sought inside stages: one chapter per stage, and all of them in one table."""

from __future__ import annotations

from dataclasses import replace

from personas.errors import count_of
from personas.narrative.formatting import count, money, percent
from personas.render.blocks import Cell, Column, Row, Section, Table
from personas.render.text import and_list, first_upper, in_words, sentence, short
from personas.segmentation.records import Stage
from personas.study import Study


def anchor_of(stage: Stage) -> str:
    """Where the chapter of a stage begins."""
    return f"stage-{stage.name}"


def is_whole(stage: Stage | None) -> bool:
    """Whether a segment in this stage is all of it, so that a rule makes it and not the search."""
    return stage is not None and bool(stage.why)


def study_of(study: Study, stage: Stage) -> Study | None:
    """The study of one stage as if it were alone, its segments counted from 0; None where the protocol was not run."""
    found = stage.found
    if found is None:
        return None
    last = stage.first + stage.k
    own = () if stage.why else range(stage.first, last)
    head = f"{stage.name}: "
    ledger = tuple(
        {**row, "choice": str(row["choice"]).removeprefix(head)}
        for row in study.segmentation.sensitivity
        if str(row["choice"]).startswith(head)
    )
    profiles = replace(
        study.profiles,
        segments=tuple(
            replace(p, segment=p.segment - stage.first) for p in study.profiles.segments if p.segment in own
        ),
        branches=tuple(branch for branch in study.profiles.branches if branch.stage == stage.name),
    )
    return replace(
        study,
        about=replace(study.about, verdict=found.verdict, k=found.k, customers=stage.customers),
        segmentation=replace(found, sensitivity=ledger or found.sensitivity),
        profiles=profiles,
        personas=tuple(replace(p, segment=p.segment - stage.first) for p in study.personas if p.segment in own),
    )


def chapter_head(stage: Stage) -> Section:
    """What became of one stage."""
    if stage.why:
        heading = f"{stage.title}: one segment"
        body = f"The {count_of(stage.customers, 'customer')} of this stage stay together. {sentence(stage.why)}"
        return Section(anchor_of(stage), "", heading, body=(first_upper(body),))
    verdict = stage.found.verdict if stage.found else ""
    heading = f"{stage.title}: {in_words(stage.k)} segments, {verdict}"
    reasons = stage.found.reasons if stage.found else ()
    return Section(anchor_of(stage), "", heading, body=tuple(sentence(reason) for reason in reasons))


def stages_section(study: Study) -> Section | None:
    """All stages, and those kept apart, with people and money that add up to everybody."""
    stages, about = study.segmentation.stages, study.about
    if not stages:
        return None
    people, spent = _sums(study)
    everybody, all_spent = sum(people.values()), sum(value or 0.0 for value in spent.values())
    known = all(value is not None for value in spent.values()) and all_spent > 0

    def row(name: str, segments: str, verdict: str) -> Row:
        cells = [Cell(segments), Cell(verdict), Cell(count(people[name])), Cell(percent(people[name] / everybody))]
        if known:
            value = spent[name] or 0.0
            cells += [Cell(money(value, about.currency, about.language)), Cell(percent(value / all_spent))]
        return Row(first_upper(short(name.replace("_", " "))), tuple(cells))

    rows = [row(s.name, str(s.k), s.found.verdict if s.found and not s.why else "not divided") for s in stages]
    rows += [row(name, "", "kept apart") for name, _, _ in study.profiles.set_aside]
    foot = [Cell(str(study.segmentation.k)), Cell(""), Cell(count(everybody)), Cell(percent(1))]
    foot += [Cell(money(all_spent, about.currency, about.language)), Cell(percent(1))] if known else []
    titles = ("Stage", "Segments", "Verdict", "Customers", "Share", "Revenue", "Share")
    columns = tuple(Column(title, title == "Verdict") for title in titles[: 7 if known else 5])
    table = Table("Stages, people and money", columns, tuple(rows), (Row("All", tuple(foot)),), wide=True)
    divided = [s for s in stages if not s.why]
    told = and_list([f"{in_words(s.k)} among the {s.name}" for s in divided]) or "none"
    heading = f"Segments were sought inside each lifecycle stage: {told}"
    rule = next((e.feature.words for e in study.dictionary if e.feature.name == study.segmentation.stage_feature), "")
    body = ["Each stage has a protocol and a verdict of its own; what stands above is the weakest of them."]
    tried = sum(stage.found is not None for stage in stages)
    if tried > 1:
        more = "twice" if tried == 2 else f"{in_words(tried)} times"
        body.append(f"All are held to the same bounds: a false alarm is up to {more} as likely as with one search.")
    return Section("stages", "", heading, body=(*body, *([sentence(rule)] if rule else ())), tables=(table,))


def _sums(study: Study) -> tuple[dict[str, int], dict[str, float | None]]:
    """Customers and revenue of every stage and of those kept apart; None where money is unknown."""
    people: dict[str, int] = {}
    spent: dict[str, float | None] = {}
    for stage in study.segmentation.stages:
        own = [p for p in study.profiles.segments if stage.first <= p.segment < stage.first + stage.k]
        totals = [p.economics.total_revenue for p in own]
        people[stage.name] = sum(round(p.customers.value) for p in own)
        spent[stage.name] = None if None in totals else sum(total.value for total in totals if total is not None)
    for name, customers, revenue in study.profiles.set_aside:
        people[name] = people.get(name, 0) + customers
        spent[name] = (spent.get(name) or 0.0) + revenue
    return people, spent
