"""All personas beside each other on one sheet, and how to read the figure."""

from __future__ import annotations

from personas.estimate import Estimate
from personas.narrative.formatting import figure, percent, ranged, show
from personas.profiles.records import Profile
from personas.render.bars import bar
from personas.render.blocks import Cell, Column, Row, Section, Sheet, SheetHead, Table
from personas.render.card import persona_figure, stability_figure
from personas.render.facts import Shown, does_rows, effort_row, ends_of, family_rows, far, label_of, typical
from personas.render.styles import persona_class
from personas.render.text import first_upper, in_words, short, slugs
from personas.study import Study

_MONEY = (("revenue", "Revenue"), ("gross_margin", "Gross margin"), ("contribution", "Contribution"))


def sheet_of(study: Study) -> Sheet | None:
    """The sheet, or None where there are no personas."""
    if not study.personas or study.about.verdict == "none":
        return None
    locale = study.about.language
    by_segment = {p.segment: p for p in study.profiles.segments}
    profiles = [by_segment[p.segment] for p in study.personas]
    anchors = slugs([p.id for p in study.personas])
    heads = tuple(
        SheetHead(
            f"persona-{anchor}", persona_class(place), short(p.name),
            f"{show(p.size.get('share'), locale)} of customers", persona_figure(p, 60, locale),
        )
        for place, (p, anchor) in enumerate(zip(study.personas, anchors, strict=True))
    )  # fmt: skip
    rows = [Row("Does", group=True), *(_fact_row(study, profiles, shown) for shown in does_rows(study.profiles))]
    rows += _money_rows(study, profiles)
    influence = family_rows(study.profiles, "influence", 3)
    if influence:
        rows += [
            Row("Speaks to", group=True),
            *(_fact_row(study, profiles, shown, "none recorded") for shown in influence),
        ]
    else:
        rows.append(Row("Speaks to: no reach was recorded", group=True))
    rows += _trust_and_act(study)
    first = study.personas[0]
    drawn = persona_figure(first, 88, locale)
    return Sheet(
        title=f"{first_upper(in_words(len(study.personas)))} people on one sheet",
        sub="Bar: the persona. Upright mark: all customers. "
        "Bold and coloured: more than half again, or less than two thirds, of all customers.",
        heads=heads,
        rows=tuple(rows),
        figure=drawn,
        figure_text=(
            "It is drawn from data, not from a face. "
            "Twelve strokes, January on top and then clockwise: share of orders. "
            "Outer ring: share placed online. Disc: size of an order. Dots outside: reach, one for each power of ten. "
            f"What is not known is not drawn. This is {short(first.name)}."
        )
        if drawn
        else "",
    )


def everyone_section(study: Study) -> Section:
    """Where no segments were found: all customers on one sheet, and what can be done without segments."""
    locale, everyone = study.about.language, study.profiles.everyone
    rows = []
    for name in sorted(everyone.facts):
        fact = everyone.facts[name]
        whole = typical(fact)
        if whole is None:
            continue
        quartiles = ""
        if fact.low_quartile is not None and fact.high_quartile is not None:
            low, high = (figure(q, whole.unit, locale) for q in (fact.low_quartile, fact.high_quartile))
            quartiles = f"{low} to {high}"
        cells = (Cell(ranged(whole, locale)[0]), Cell(ends_of(whole, locale)), Cell(quartiles))
        rows.append(Row(label_of(fact.feature, median=True), cells))
    titles = ("Measure", "All customers", "95% interval", "Middle half")
    groups = [
        f"{name.replace('_', ' ')} {percent(share, locale)}" for name, share in sorted(everyone.rfm.items()) if share
    ]
    rfm = f"by recency, frequency and money: {', '.join(groups)}" if groups else "by recency, frequency and money"
    return Section(
        "everyone",
        "All customers",
        "One sheet for everybody, and three things that can still be done",
        tables=(Table("All customers", tuple(Column(title) for title in titles), tuple(rows)),),
        facts=(
            ("Order them", rfm),
            ("Pick leads", "by one rule on what a first order already shows"),
            ("Measure more", "two variables that could tell customers apart, such as why they came and what for"),
        ),
    )


def _fact_row(study: Study, profiles: list[Profile], shown: Shown, unknown: str = "unknown") -> Row:
    whole = shown.of(study.profiles.everyone)
    cells = []
    for place, profile in enumerate(profiles):
        own = shown.of(profile)
        drawn = bar(own.value, shown.scale, whole.value if whole else None) if own else ""
        text = show(own, study.about.language, unknown)
        cells.append(Cell(text, bar=drawn, far=far(own, whole), colour=persona_class(place)))
    return Row(shown.label, (*cells, Cell(show(whole, study.about.language))))


def _money_rows(study: Study, profiles: list[Profile]) -> list[Row]:
    locale, whole = study.about.language, study.profiles.everyone.economics
    rows = []
    for name, label in _MONEY:
        own: list[Estimate | None] = [getattr(p.economics, name) for p in profiles]
        everyone: Estimate | None = getattr(whole, name)
        if all(e is None for e in own) and (name == "gross_margin" or whole.level == "none"):
            continue
        known = [e.value for e in own if e]
        low, scale = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
        cells = [
            Cell(
                show(e, locale), bar=bar(e.value, scale, everyone.value if everyone else None, low=low) if e else "",
                far=far(e, everyone), colour=persona_class(place),
            )
            for place, e in enumerate(own)
        ]  # fmt: skip
        rows.append(Row(label, (*cells, Cell(show(everyone, locale)))))
    effort = effort_row(study.profiles)
    if effort:
        rows.append(_fact_row(study, profiles, effort))
    if not rows:
        return [Row("Costs and is worth: unknown without amounts of orders", group=True)]
    return [Row("Costs and is worth, per customer and year", group=True), *rows]


def _trust_and_act(study: Study) -> list[Row]:
    colours = [persona_class(place) for place in range(len(study.personas))]
    stable = [
        Cell(stability_figure(p.stability), small=p.stability_word, colour=colour)
        for p, colour in zip(study.personas, colours, strict=True)
    ]
    rows = [Row("Trust", group=True), Row("Comes back in resamples, 0 to 1", (*stable, Cell("")))]
    if any(p.actions for p in study.personas):
        first = [
            Cell("", small=first_upper(p.actions[0].title) if p.actions else "none", colour=colour)
            for p, colour in zip(study.personas, colours, strict=True)
        ]
        rows += [Row("Act", group=True), Row("First", (*first, Cell("")))]
    return rows
