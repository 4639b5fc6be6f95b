"""Two sections of the money chapter: where RFM misleads, and value against influence."""

from __future__ import annotations

from personas.narrative.formatting import count, percent, ranged, show
from personas.profiles.crosses import REFERRAL_VALUE, misleading
from personas.profiles.lifecycle import STAGES
from personas.profiles.money_records import RfmCell
from personas.profiles.rfm import RFM_NAMES
from personas.render.blocks import Cell, Column, Row, Section, Table
from personas.render.styles import persona_class
from personas.render.text import and_list, first_upper, in_words, short
from personas.study import Study

GOOD = frozenset({"champions", "loyal", "cannot_lose"})
POOR = frozenset({"lost", "hibernating", "about_to_sleep", "at_risk"})
CUTS = {
    "quantile": "fifths of the customers, equal values alike", "natural": "natural breaks of log(1 + x)",
    "fixed": "the cuts of the configuration",
}  # fmt: skip
STAGE_WORDS = {"new": "New", "active": "Active", "slowing": "Slowing", "lapsed": "Lapsed", "one_time": "Once only"}
FEWEST_TOLD = 11
"""Fewer customers than this are too few to report."""


def rfm_section(study: Study) -> Section | None:
    """The eleven RFM names across the personas, and where they say the opposite of the money."""
    cells, locale = study.profiles.rfm_table, study.about.language
    if not cells or study.about.verdict == "none":
        return None
    by = {(cell.name, cell.segment): cell for cell in cells}
    money = study.profiles.everyone.economics
    level = money.contribution or money.gross_margin or money.revenue
    wrong = misleading(cells, level, GOOD, POOR) if level else ()
    marked = {(cell.name, cell.segment) for cell in wrong}
    rows = []
    for name in RFM_NAMES:
        whole = by.get((name, -1))
        if whole is None:
            continue
        shares = []
        for place, persona in enumerate(study.personas):
            cell = by.get((name, persona.segment))
            told = cell is not None and cell.customers >= FEWEST_TOLD
            text = percent(cell.customers / whole.customers, locale) if cell and told else ""
            small = show(cell.money, locale) if cell and cell.money else ""
            mark = (name, persona.segment) in marked
            shares.append(Cell(text, small, far=mark, colour=persona_class(place) if mark else ""))
        rows.append(Row(first_upper(name.replace("_", " ")), (Cell(count(whole.customers, locale)), *shares)))
    columns = (Column("RFM name"), Column("Customers"), *(Column(short(p.name, 14)) for p in study.personas))
    what = "contribution" if money.contribution else "gross margin" if money.gross_margin else "revenue"
    note = (
        f"Share of each RFM name in each persona; small: {what} a year of these customers. "
        f"Fewer than {FEWEST_TOLD} are not listed. Bold: the whole interval of the money speaks against the name."
    )
    note += f" Scores 1 to 5 of recency, frequency and money: {CUTS[study.profiles.rfm_cut]}."
    tables = [Table("RFM names across personas", columns, tuple(rows), (), note, True), *_stages(study)]
    heading = "Where RFM misleads you" if wrong else "RFM names and personas tell the same story about money"
    return Section("rfm", "", heading, body=_told(study, wrong[:4], what), tables=tuple(tables))


def _stages(study: Study) -> list[Table]:
    """In which stage of their life with the shop the customers of each persona are."""
    locale = study.about.language
    groups = [(short(p.name), q.lifecycle) for p in study.personas for q in study.profiles.segments
              if q.segment == p.segment and q.lifecycle]  # fmt: skip
    if not groups:
        return []
    groups.append(("All", study.profiles.everyone.lifecycle))
    rows = [Row(name, tuple(Cell(percent(shares[stage], locale)) for stage in STAGES)) for name, shares in groups]
    columns = (Column("Persona"), *(Column(STAGE_WORDS[stage]) for stage in STAGES))
    note = (
        "By each customer's own pause between orders with its spread (the usual one after a first order), at least 30 "
        "days. Active: the last order is at most 1.5 pauses old; slowing: at most 3; lapsed: more. New and once only: "
        "one order so far."
    )
    return [Table("Lifecycle stages", columns, tuple(rows[:-1]), (rows[-1],), note)]


def _told(study: Study, wrong: tuple[RfmCell, ...], what: str) -> tuple[str, ...]:
    """The largest contradictions in sentences."""
    locale = study.about.language
    names = {persona.segment: short(persona.name) for persona in study.personas}
    lines = []
    for cell in wrong:
        called = f"“{first_upper(cell.name.replace('_', ' '))}”"
        amount, between = ranged(cell.money, locale)
        many = count(cell.customers, locale)
        text = f"{many} customers like {names.get(cell.segment, '')} are {called} by RFM, and their {what} is {amount}"
        lines.append(f"{text} a year each{f' ({between})' if between else ''}.")
    return tuple(lines)


def influence_section(study: Study) -> Section | None:
    """Value against influence: the personas in four corners."""
    found, locale = study.profiles.quadrants, study.about.language
    if found is None or study.about.verdict == "none":
        return None
    shares = {segment: (n, cells) for segment, n, cells in found.shares}
    titles = ("Valued and heard", "Valued, quiet", "Heard, of little value", "Neither")
    if found.influence == REFERRAL_VALUE:
        titles = ("Champions", "Affluents", "Advocates", "Misers")
    rows, home = [], [list[str]() for _ in titles]
    for place, persona in enumerate(study.personas):
        n, cells = shares.get(persona.segment, (0, (0.0, 0.0, 0.0, 0.0)))
        if n < FEWEST_TOLD:
            continue
        largest = max(range(4), key=lambda i: (cells[i], -i))
        home[largest].append(short(persona.name))
        told = [
            Cell(percent(share, locale), far=i == largest, colour=persona_class(place) if i == largest else "")
            for i, share in enumerate(cells)
        ]
        rows.append(Row(short(persona.name), tuple(told)))
    if not rows:
        return None
    whole = tuple(Cell(percent(share, locale)) for share in shares[-1][1])
    columns = (Column("Persona"), *(Column(title) for title in titles))
    one = found.influence == REFERRAL_VALUE
    note = (
        f"Cut at the medians of all customers of whom the {found.influence} {'is' if one else 'are'} known "
        f"({percent(found.known, locale)}). "
        f"Value: {found.value}{'' if one else ' a year'}. Influence: {found.influence}; "
        "it is shown beside value and never added to it. "
        "Bold: where most of the persona are."
    )
    table = Table("Value and influence", columns, tuple(rows), (Row("All", whole),), note)
    if found.influence == REFERRAL_VALUE:
        brought = sum(p.referrals.brought for p in study.profiles.segments if p.referrals)
        heading = f"{count(brought, locale)} new customers were brought along by others"
        return Section("influence", "", heading, tables=(table,))
    both = home[0]
    if both:
        verb = "is" if len(both) == 1 else "are"
        heading = f"{and_list(both)} {verb} both valued and heard"
    else:
        heading = "No persona is mostly both valued and heard"
    if home[2]:
        heading += f"; {and_list(home[2])} {'is' if len(home[2]) == 1 else 'are'} heard more than valued"
    quiet = in_words(len(home[1]))
    sub = f"{first_upper(quiet)} of {in_words(len(rows))} personas are of value and quiet." if home[1] else ""
    return Section("influence", "", heading, sub, tables=(table,))
