"""A persona as a Card: every string formatted, every bar drawn, empty states said in words."""

from __future__ import annotations

from datetime import timedelta

from personas.errors import count_of
from personas.estimate import Estimate
from personas.narrative.formatting import assumed, count, day, fixed, percent, ranged, show
from personas.narrative.persona import Action, Newsletter, Persona
from personas.profiles.records import Profile
from personas.render.bars import bar
from personas.render.blocks import Card, Deed, KeyFigure, Measure, Phrase
from personas.render.evidence import proofs
from personas.render.facts import does_rows, effort_row, fact_value, family_rows, typical
from personas.render.figure import figure
from personas.render.money import cost_rows, costs_note, has_orders, lifetime_rows
from personas.render.stages import is_whole
from personas.render.styles import persona_class
from personas.render.text import first_upper, renew_by, sentence, short, slug, slugs
from personas.segmentation.verdict import PATTERN, STABLE
from personas.study import Study


def card_of(study: Study, persona: Persona) -> Card:
    """The card of one persona of the study."""
    place = next((i for i, p in enumerate(study.personas) if p.id == persona.id), 0)
    anchor = slugs([p.id for p in study.personas])[place] if study.personas else slug(persona.id)
    profile = next(p for p in study.profiles.segments if p.segment == persona.segment)
    locale = study.about.language
    story = phrases_of_story(persona)
    said = {block: _said(persona, block) for block in ("does", "costs", "speaks", "why")}
    speaks, speaks_note = _speaks(study, persona, profile, said["speaks"])
    return Card(
        anchor=anchor,
        colour=persona_class(place),
        lang=locale,
        direction="rtl" if locale.startswith("fa") else "ltr",
        name=short(persona.name),
        column=short(persona.name, 14),
        figure=persona_figure(persona, 88, locale),
        who=(*_stage(study, persona), *_who(persona, locale)),
        tagline=persona.tagline,
        story=story,
        has_marks=any(p.kind != "measured" for block in (story, *said.values()) for p in block),
        sizes=_sizes(persona, study),
        does=_does(study, profile),
        does_note=f"Bar: {short(persona.name)}. Upright mark: all customers.",
        kind_of_customer=(persona.archetype or "").replace("_", " "),
        also_does=said["does"],
        costs=(*cost_rows(persona.economics, study.profiles.everyone.economics, locale), *_effort(study, profile)),
        costs_unit="per customer and year",
        costs_note=costs_note(persona.economics),
        worth=lifetime_rows(persona.economics, profile.lifetime, study.about.currency, locale),
        costs_said=said["costs"],
        assumptions=tuple(f"{first_upper(a.what)}: {assumed(a, locale)}" for a in study.profiles.assumptions),
        speaks=speaks,
        speaks_note=speaks_note,
        why=said["why"],
        asks=persona.to_find_out
        or (("What brings them, and what holds them back? Ask ten of them.",) if not said["why"] else ()),
        deeds=tuple(_deed(action) for action in persona.actions),
        do_not=" ".join(dict.fromkeys(sentence(a.do_not) for a in persona.actions if a.do_not)),
        act_note=_could_be_one(study, persona),
        rule=sentence(persona.rule.text) if persona.rule else "",
        rule_sql=persona.rule.sql if persona.rule else "",
        find=_find(persona, locale),
        trust=_trust(study, persona, locale),
        evidence=proofs(persona, study, locale),
        notices=tuple(notice.text for notice in persona.notices),
        brief=tuple(pair for pair in brief_lines(persona.brief) if pair[0] != "Not"),  # it follows as "Do not"
    )


def persona_figure(persona: Persona, size: int, locale: str) -> str:
    """The abstract figure with its facts as text alternative; empty where there were no orders to draw."""
    online, order, reach = (persona.figures.get(name) for name in ("online_share", "average_order", "reach"))
    told = ["Figure drawn from the data, not a portrait"]
    told.append("twelve strokes for the share of orders in each month" if persona.months else "months unknown")
    told.append(f"outer ring {show(online, locale)} for orders placed online" if online else "online share unknown")
    told.append(f"disc for an order of {show(order, locale)}" if order else "order size unknown")
    told.append(f"dots for a reach of {show(reach, locale)}" if reach else "no dots, reach unknown")
    shares = [estimate.value if estimate else None for estimate in (online, order, reach)]
    if persona.economics.level == "none" and persona.months is None and shares == [None] * 3:
        return ""
    return figure(persona.months, shares[0], shares[1], shares[2], f"{told[0]}: {', '.join(told[1:])}.", size)


def phrases_of_story(persona: Persona) -> tuple[Phrase, ...]:
    """The story cut at its statements, so that each one can carry its mark; words between them are measured prose."""
    rest, out = persona.story, []
    for statement in persona.statements:
        before, found, after = rest.partition(statement.text)
        if statement.block != "story" or not found or statement.kind == "measured":
            continue
        if before.strip():
            out.append(Phrase(before.strip()))
        out.append(Phrase(statement.text, statement.kind))
        rest = after
    if rest.strip():
        out.append(Phrase(rest.strip()))
    return tuple(out)


def _said(persona: Persona, block: str) -> tuple[Phrase, ...]:
    """Statements of a block that the story does not tell already."""
    own = (s for s in persona.statements if s.block == block and s.text not in persona.story)
    return tuple(Phrase(s.text, s.kind) for s in own)


def _stage(study: Study, persona: Persona) -> tuple[Phrase, ...]:
    """The lifecycle stage, where segments were sought inside stages."""
    stage = study.segmentation.stage_of(persona.segment)
    return (Phrase(stage.name, lead="Stage", after=", all of it" if is_whole(stage) else ""),) if stage else ()


def _who(persona: Persona, locale: str) -> tuple[Phrase, ...]:
    who = []
    if persona.age is None:
        who.append(Phrase("unknown", lead="Age"))
    else:
        low, high = (count(q, locale) for q in persona.age_quartiles) if persona.age_quartiles else ("", "")
        who.append(Phrase(show(persona.age, locale), lead="Age", after=f", middle half {low} to {high}" if low else ""))
    who.extend(Phrase(short(text)) for text in (persona.gender, persona.place) if text)
    return tuple(who)


def _sizes(persona: Persona, study: Study) -> tuple[KeyFigure, ...]:
    locale, economics = study.about.language, persona.economics
    pairs = (
        ("share", "of customers", persona.size.get("customers")),
        ("revenue_share", "of revenue", economics.total_revenue),
        ("contribution_share", "of contribution", economics.total_contribution),
    )
    sizes = []
    for name, label, total in pairs:
        share = persona.size.get(name)
        if share is None and economics.level == "none":
            continue  # one line under "Costs and is worth" says why
        value, between = ranged(share, locale)
        details = [text for text in (show(total, locale, ""), between) if text]
        sizes.append(KeyFigure(value, label, tuple(details)))
    return tuple(sizes)


def _does(study: Study, profile: Profile) -> tuple[Measure, ...]:
    rows, everyone, locale = [], study.profiles.everyone, study.about.language
    for shown in does_rows(study.profiles, profile):
        own, all_of = shown.of(profile), shown.of(everyone)
        drawn = bar(own.value, shown.scale, all_of.value if all_of else None) if own else ""
        rows.append(Measure(shown.label, show(own, locale), drawn, show(all_of, locale)))
    return tuple(rows)


def _effort(study: Study, profile: Profile) -> tuple[Measure, ...]:
    shown, locale = effort_row(study.profiles), study.about.language
    if shown is None:
        return ()
    own, all_of = (typical(p.facts.get(shown.feature.name)) for p in (profile, study.profiles.everyone))
    drawn = bar(own.value, shown.scale, all_of.value if all_of else None) if own else ""
    return (Measure(shown.label, show(own, locale), drawn, show(all_of, locale)),)


def _speaks(
    study: Study, persona: Persona, profile: Profile, said: tuple[Phrase, ...]
) -> tuple[tuple[Phrase, ...], str]:
    """Reach in words, from the measured facts; "none recorded" where the shop has none, never 0."""
    locale, points = study.about.language, []
    for shown in family_rows(study.profiles, "influence", 3):
        fact = profile.facts.get(shown.feature.name)
        own = typical(fact)
        if fact is None or own is None:
            points.append(Phrase(f"{shown.label}: none recorded"))
            continue
        text = f"; all customers {fact_value(study.profiles.everyone, shown.feature.name, locale=locale)}"
        if fact.low_quartile is not None and fact.high_quartile is not None and own == fact.median:
            low, high = (_in_unit(q, own, locale) for q in (fact.low_quartile, fact.high_quartile))
            text += f"; middle half {low} to {high}"
        if fact.known.value < 0.995:
            text += f". Known for {percent(fact.known.value, locale)}, unknown for the rest"
        points.append(Phrase(text + ".", lead=f"{shown.label}: {show(own, locale)}"))
    brought = profile.referrals
    if brought is not None:
        worth = f"; referral value {show(brought.value, locale)} a customer" if brought.value else ""
        text = f", by {count(brought.referrers, locale)} of them{worth}. It is never added to lifetime value."
        points.append(Phrase(text, lead=f"Brought along: {count_of(brought.brought, 'new customer')}"))
    if not points and not said:
        return (Phrase("Reach: none recorded. Nothing is known of followers, mentions or referrals."),), ""
    return (*points, *said), "Reach is not value: no money is counted for it."


def _in_unit(value: float, like: Estimate, locale: str) -> str:
    return show(Estimate(value, value, value, like.unit, like.n, like.basis), locale)


def _deed(action: Action) -> Deed:
    by = ", ".join(text for text in (action.channel, action.cadence) if text)
    lines = (
        ("When", action.trigger), ("Say", action.message), ("Offer", action.offer), ("By", by),
        ("Worth", action.expected), ("Measured", action.measured), ("Breaks even", action.breaks_even),
        ("Test", action.test),
    )  # fmt: skip
    return Deed(first_upper(action.title), tuple((term, text) for term, text in lines if text))


def brief_lines(brief: Newsletter | None) -> tuple[tuple[str, str], ...]:
    """The brief of a newsletter as (term, text); empty lines are left out."""
    if brief is None:
        return ()
    lines = (
        ("About", brief.angle), ("From", brief.categories), ("Offer", brief.offer), ("Send", brief.timing),
        ("Not", brief.do_not),
    )  # fmt: skip
    return tuple((term, text) for term, text in lines if text)


def _could_be_one(study: Study, persona: Persona) -> str:
    """Two personas with the same actions could be one, and the cards say so."""
    own = [a.title for a in persona.actions]
    others = {p.name: [a.title for a in p.actions] for p in study.personas if p.id != persona.id}
    twins = [name for name, titles in others.items() if own and titles == own]
    if twins:
        return f"The same actions as {short(twins[0])}: these two could be one."
    alike = [name for name, titles in others.items() if own and titles[:1] == own[:1]]
    return f"The same first action as {short(alike[0])}: what is done differently has to be decided." if alike else ""


def _find(persona: Persona, locale: str) -> tuple[tuple[str, str], ...]:
    rule, name = persona.rule, short(persona.name)
    if rule is None:
        return ()
    right, found = percent(rule.precision, locale), percent(rule.recall, locale)
    return (
        ("List", count_of(rule.list_size, "customer")),
        ("Right", f"{right} of the list are like {name}; {found} of those like {name} are on it"),
    )


def _trust(study: Study, persona: Persona, locale: str) -> tuple[tuple[str, str], ...]:
    about, lines = study.about, []
    if is_whole(study.segmentation.stage_of(persona.segment)):
        lines.append(("Stability", "a whole stage: a rule makes it, and not a search"))
    elif persona.stability is not None:
        value, low, high = (
            fixed(x, 2, locale) for x in (persona.stability.value, persona.stability.low, persona.stability.high)
        )
        stable = f"{value} ({low} to {high}), {persona.stability_word}"
        lines.append(("Stability", f"{stable}: how much of it comes back in a resample"))
    else:
        lines.append(("Stability", persona.stability_word or "not measured"))
    if about.verdict == "constructive":
        lines.append(("Verdict", "one useful cut of several"))
    if persona.core_share is not None:
        lines.append(("Core", f"{percent(persona.core_share, locale)} sit clearly inside"))
    of_segment, of_all = (persona.prevalence.get(key) for key in ("of_segment", "of_customers"))
    if of_segment is not None and of_all is not None:
        fits = f"{percent(of_segment, locale)} of the segment, {percent(of_all, locale)} of all customers"
        lines.append(("Fits in full", fits))
    if has_orders(study):
        start = about.snapshot_date - timedelta(days=about.window_days)
        lines.append(("Data", f"{day(start, locale)} to {day(about.snapshot_date - timedelta(days=1), locale)}"))
    renew = day(renew_by(about.snapshot_date), locale)
    lines.append(("As of", f"{day(about.snapshot_date, locale)}, version {about.version}; renew by {renew}"))
    limits = " ".join(sentence(notice.text) for notice in persona.notices)
    if persona.stability is not None and persona.stability.value < STABLE:
        doubt = "" if persona.stability.value >= PATTERN else f" Under {PATTERN} no persona should be built."
        limits = f"{sentence(first_upper(persona.stability_word))}{doubt} {limits}".strip()
    if limits:
        lines.append(("Limits", limits))
    return tuple(lines)


def stability_figure(estimate: Estimate | None) -> str:
    """Stability with two digits after the point, or "not measured"."""
    return "not measured" if estimate is None else f"{estimate.value:.2f}"
