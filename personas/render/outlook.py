"""The second half of the money chapter: value to come, what actions may be worth, what is bought together."""

from __future__ import annotations

from personas.estimate import exact
from personas.narrative.formatting import count, figure, given, money, number, percent, ranged
from personas.profiles.money_records import HoldOut, PersonaLifetime
from personas.profiles.records import Profile
from personas.render.blocks import Cell, Column, Row, Section, Table
from personas.render.text import first_upper, in_words, sentence, short
from personas.render.worth import people
from personas.study import Study

_COMING = {"contribution": "contribution before marketing", "revenue": "revenue, because costs are unknown,"}


def lifetime_section(study: Study) -> Section | None:
    """Value to come with the hold-out beside the naive rule, or why there is none."""
    whole = study.profiles.lifetime
    if whole is None:
        return None
    locale = study.about.language
    if whole.refused or whole.hold_out is None:
        return Section("lifetime", "", "No lifetime value is told", body=(sentence(f"Why: {whole.refused}"),))
    check = whole.hold_out
    rows = []
    for persona, profile, _ in people(study):
        own = profile.lifetime or PersonaLifetime("not worked out")
        worth = profile.economics.lifetime_value
        told = Cell(*ranged(worth, locale)) if worth else Cell("not told", own.refused)
        cells = (
            told, Cell(*ranged(own.orders, locale)),
            Cell("unknown" if own.naive_orders is None else number(own.naive_orders, locale)),
            *(Cell(text) for text in errors(own.hold_out, locale)),
        )  # fmt: skip
        rows.append(Row(short(persona.name), cells))
    together = Cell(*ranged(whole.portfolio, locale, ""))
    foot = Row("All together", (together, Cell(), Cell(), *(Cell(text) for text in errors(check, locale))))
    titles = ("Persona", "Value to come", "Orders next year", "A year so far", "Forecast off by", "Naive rule off by")
    heading = "What customers may still bring"
    if check.error is not None and check.naive_error is not None:
        heading = (
            f"In a period it had not seen the forecast was off by {signed(check.error, locale)}, the naive rule by "
            f"{signed(check.naive_error, locale)}"
        )
    level = study.profiles.everyone.economics.level
    rate = given(exact(whole.discount_rate, "share", 0), locale)
    body = (
        f"Value to come: {_COMING.get(level, level)} of the next {count(whole.months, locale)} months, discounted at "
        f"{rate} a year. The forecast was made from the first half "
        f"of the data and compared with the purchases of the {count(check.weeks, locale)} weeks after it; the naive "
        "rule says that they are as many as before. Intervals reach as far as the hold-out of the persona is off.",
    )
    note = "Buying is taken as random in time. The personas were formed from the later period too."
    if whole.portfolio is not None:
        note += (
            f" All together: value to come of {count(whole.portfolio.n, locale)} customers, added up; whom they bring "
            "along is in it once, as a customer, and never as a referral."
        )
    table = Table("Lifetime value by persona", tuple(Column(t) for t in titles), tuple(rows), (foot,), note, True)
    return Section("lifetime", "", heading, body=body, tables=(table,))


def errors(check: HoldOut | None, locale: str) -> tuple[str, str]:
    """How far forecast and naive rule were off, signed."""
    if check is None or check.error is None or check.naive_error is None:
        return "unknown", "unknown"
    return signed(check.error, locale), signed(check.naive_error, locale)


def signed(share: float, locale: str) -> str:
    """A share with its sign."""
    text = percent(share, locale)
    return text if share < 0 else f"+{text}"


def actions_section(study: Study) -> Section | None:
    """The first action of every persona: what it needs to pay, and how that is found out."""
    rows = []
    for persona, profile, _ in people(study):
        if not persona.actions:
            continue
        action = persona.actions[0]
        pays, test = _pays(profile) or action.breaks_even or "unknown", action.test or action.expected
        if action.claim == "prediction":
            pays, test = action.breaks_even or pays, f"{action.expected} {action.measured}"
        cells = (Cell(first_upper(action.title)), Cell(pays), Cell(test))
        rows.append(Row(short(persona.name), cells))
    if not rows or not any(p.test for p in study.profiles.segments):
        return None
    tested = [p for p in study.profiles.segments if p.test and not p.test.too_small]
    heading = f"{len(tested)} of {len(rows)} personas are large enough to find out in a year whether an action works"
    columns = (
        Column("Persona"), Column("First action", True), Column("Pays from extra orders a year, per 100 customers"),
        Column("Test", True),
    )  # fmt: skip
    note = (
        "No effect is promised: what an action brings is known after its test. Worth seeing: a tenth of today's "
        "orders, or what pays for the action if that is more. Chance of a false alarm 5%, of seeing a real effect 80%."
    )
    return Section("actions", "", heading, tables=(Table("What actions need", columns, tuple(rows), (), note, True),))


def briefs_section(study: Study) -> Section | None:
    """One newsletter for each persona beside the others: about what, from which categories, with which offer, when."""
    rows = []
    for persona, _, _ in people(study):
        brief = persona.brief
        if brief is not None:
            texts = (brief.angle, brief.categories, brief.offer, brief.timing, brief.do_not)
            rows.append(Row(short(persona.name), tuple(Cell(first_upper(text) if text else "") for text in texts)))
    if len(rows) < 2:
        return None
    columns = tuple(Column(title, title != "Persona") for title in ("Persona", "About", "From", "Offer", "Send", "Not"))
    table = Table("Newsletters, one for each persona", columns, tuple(rows), (), "", True)
    angles = len({persona.brief.angle for persona in study.personas if persona.brief})
    heading = f"{first_upper(in_words(angles))} newsletters instead of one" if angles > 1 else "One newsletter fits all"
    return Section("newsletters", "", heading, tables=(table,))


def _pays(profile: Profile) -> str:
    needed = profile.economics.break_even
    return "" if needed is None else number(needed.value)


def affinity_section(study: Study) -> Section | None:
    """What goes together in one order, and who comes back after the first one."""
    locale, tables = study.about.language, []
    pairs = [
        Row(short(persona.name), (
            Cell(short(pair.first)), Cell(short(pair.second)), Cell(percent(pair.support.value, locale)),
            Cell(*ranged(pair.lift, locale)),
            Cell("unknown" if pair.margin is None else money(pair.margin, study.about.currency, locale)),
        ))
        for persona, profile, _ in people(study) for pair in profile.pairs
    ]  # fmt: skip
    if pairs:
        columns = (
            Column("Persona"), Column("With", True), Column("add", True), Column("In one order"),
            Column("Times as often as by chance"), Column("Leaves"),
        )  # fmt: skip
        tables.append(Table("What is bought together", columns, tuple(pairs), wide=True))
    second = [
        Row(short(persona.name), (
            Cell(count(back.first_timers, locale)),
            Cell(*ranged(back.returned, locale)),
            Cell("unknown" if back.median_days is None else figure(back.median_days, "days", locale)),
            Cell("; ".join(f"{a}, then {b} ({percent(share, locale)})" for a, b, share in _largest(back.followed_by))),
        ))
        for persona, profile, _ in people(study)
        if (back := profile.second_purchase) is not None and back.returned is not None and back.first_timers >= 30
    ]  # fmt: skip
    if second:
        heads = (
            Column("Persona"), Column("Ordered once until now"), Column("Back within 90 days"),
            Column("Days until the second"), Column("First, then", True),
        )  # fmt: skip
        tables.append(Table("The second purchase", heads, tuple(second), wide=True))
    if not tables:
        return None
    heading = "What goes together, and who comes back" if pairs else "Who comes back after the first order"
    if not pairs:
        heading += "; no two categories go together more often than by chance"
    return Section("affinity", "", heading, tables=tuple(tables))


def _largest(followed: tuple[tuple[str, str, float], ...]) -> tuple[tuple[str, str, float], ...]:
    largest = sorted(followed, key=lambda row: (-row[2], row[0]))[:2]
    return tuple((short(first), short(then), share) for first, then, share in largest)
