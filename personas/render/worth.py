"""The money chapter: from revenue to what stays, who carries the shop, who loses money and why, whom to help first."""

from __future__ import annotations

from personas.errors import count_of
from personas.estimate import exact
from personas.narrative.formatting import assumed, count, given, money, percent, ranged, show
from personas.narrative.persona import Persona
from personas.profiles.money_records import Loss, Turn
from personas.profiles.records import Profile
from personas.render.blocks import Cell, Chart, Column, Row, Section, Table
from personas.render.crosses import FEWEST_TOLD, influence_section, rfm_section
from personas.render.money_charts import Stretch, WhaleLine, waterfall, whale_curve
from personas.render.styles import persona_token
from personas.render.text import and_list, short
from personas.study import Study

CAUSES = {
    "service": "Service", "returns": "Handling of returns", "discounts": "Discounts",
    "below_cost": "Goods priced below their cost", "marketing": "Bought too little to earn marketing back",
}  # fmt: skip
FIXES = {
    "service": "answer before they ask; a cheaper channel", "returns": "sizes and pictures before the order",
    "discounts": "no deeper price than the margin", "below_cost": "mend the price",
    "marketing": "a second order first, or fewer mailings",
}  # fmt: skip


def money_chapter(study: Study) -> tuple[Section, ...]:
    """The sections that this study can fill; none where nothing is known of money."""
    if not study.personas or study.about.verdict == "none":
        return ()
    from personas.render.outlook import actions_section, affinity_section, briefs_section, lifetime_section

    makers = (
        _stays, _carry, _whale, rfm_section, influence_section, _moved, _turns, lifetime_section, actions_section,
        briefs_section, affinity_section,
    )  # fmt: skip
    return tuple(section for make in makers if (section := make(study)) is not None)


def profile_of(study: Study, persona: Persona) -> Profile:
    """The profile of a persona."""
    return next(p for p in study.profiles.segments if p.segment == persona.segment)


def people(study: Study) -> list[tuple[Persona, Profile, str]]:
    """Persona, profile and colour, in order."""
    return [(p, profile_of(study, p), persona_token(place)) for place, p in enumerate(study.personas)]


def _stays(study: Study) -> Section | None:
    """The waterfall of the whole study."""
    own, n = study.profiles.everyone.economics, study.profiles.everyone.customers.value
    if own.revenue is None or own.gross_margin is None or own.contribution is None or own.revenue.value <= 0:
        return None
    scale = n * study.about.window_days / 365
    taken_away = (("Service", own.service_cost), ("Returns", own.return_cost), ("Marketing", own.marketing_cost))
    costs = [("Goods", own.revenue.value - own.gross_margin.value)]
    costs += [(name, cost.value) for name, cost in taken_away if cost is not None]
    left = own.revenue.value * scale
    rows, taken = [Stretch("Revenue", "ink2", 0, left, total=True)], []
    for name, cost in costs:
        rows.append(Stretch(name, "ink2", left, left - cost * scale, cost=True))
        left -= cost * scale
        taken.append(name.lower())
    rows.append(Stretch("Contribution", "ink", 0, left, total=True))
    locale, one = study.about.language, money(1, study.about.currency, study.about.language)
    stays = percent(own.contribution.value / own.revenue.value, locale)
    heading = f"Of each {one} of revenue, {stays} stay after {and_list(taken)}"
    wide, narrow = waterfall(rows, study.about.currency, "From revenue to contribution")
    caption = "Revenue is after discounts and returns. Filled: what is there. Outlined: what is taken away."
    return Section("waterfall", "", heading, chart=Chart(wide, narrow, caption), note=_assumed(study))


def _assumed(study: Study) -> str:
    lines = [f"{a.what}: {assumed(a, study.about.language)}" for a in study.profiles.assumptions]
    return f"Assumed: {'; '.join(lines)}." if lines else ""


def _carry(study: Study) -> Section | None:
    """Contribution by persona, added up from the most to the least."""
    totals = [(p, t.economics.total_contribution, token) for p, t, token in people(study)]
    known = [(p, total.value, token) for p, total, token in totals if total is not None]
    if len(known) < len(totals) or not known:
        return None
    rows, at = [], 0.0
    for persona, total, token in known:
        rows.append(Stretch(short(persona.name), token, at, at + total))
        at += total
    rows.append(Stretch("All", "ink", 0, at, total=True))
    wide, narrow = waterfall(rows, study.about.currency, "Contribution by persona")
    leading: list[str] = []
    carried = 0.0
    for persona, total, _ in sorted(known, key=lambda row: -row[1]):
        if at <= 0 or carried >= 0.5 * at:
            break
        leading.append(short(persona.name))
        carried += total
    heading = f"{and_list(leading)} {'carries' if len(leading) == 1 else 'carry'} the shop" if leading else "By persona"
    losers = [(short(p.name), total) for p, total, _ in known if total < 0]
    if losers:
        back = percent(-sum(total for _, total in losers) / sum(t for _, t, _ in known if t > 0), study.about.language)
        verb = "takes" if len(losers) == 1 else "take"
        heading += f"; {and_list([name for name, _ in losers])} {verb} {back} of it back"
    caption = "Contribution of the window, added up from the most to the least. 95% intervals stand on the cards."
    return Section("carry", "", heading, chart=Chart(wide, narrow, caption))


def _whale(study: Study) -> Section | None:
    """The whale curve and the table of customers who lose money."""
    curve, everyone = study.profiles.whale, study.profiles.everyone
    if curve is None or everyone.loss is None:
        return None
    locale, as_share = study.about.language, curve.total > 0
    bottom = curve.total if as_share else 1.0
    order = {segment: place for place, segment in enumerate(curve.segments)}
    named = [(short(p.name), token, order[p.segment]) for p, _, token in people(study) if p.segment in order]
    line = WhaleLine(
        tuple((share, value / bottom) for share, value in curve.points), (curve.peak_at, curve.peak / bottom), as_share,
        study.about.currency, tuple(token for _, token, _ in named), tuple(name for name, _, _ in named),
        tuple(tuple(shares[place] for _, _, place in named) for shares in curve.mix),
    )  # fmt: skip
    wide, narrow = whale_curve(line)
    at = percent(curve.peak_at, locale)
    if as_share and curve.losing:
        back = percent((curve.peak - curve.total) / curve.total, locale)
        earned = percent(curve.peak / curve.total, locale)
        heading = f"The best {at} of customers earn {earned} of the contribution; the rest give {back} back"
    elif as_share:
        heading = "Every customer leaves something"
    else:
        heading = f"Customers together cost {money(-curve.total, study.about.currency, locale)} more than they bring"
    verb = "costs" if curve.losing == 1 else "cost"
    sub = "Whale curve: customers in order of contribution, added up. "
    brings = "it brings" if curve.losing == 1 else "they bring"
    sub += f"{count_of(curve.losing, 'customer')} {verb} more than {brings}."
    if as_share:
        sub += f" The most profitable 20% bring {percent(curve.top_fifth / curve.total, locale)} of the total."
    table = _losers(study)
    caption = "Share of contribution against share of customers. Columns: the mix of personas in each tenth."
    return Section("whale", "", heading, sub, chart=Chart(wide, narrow, caption), tables=(table,) if table else ())


def _losers(study: Study) -> Table | None:
    """Who loses money, how much together, what took it, and what may mend it."""
    rows = [
        Row(short(p.name), _loss_cells(study, profile.loss))
        for p, profile, _ in people(study)
        if profile.loss is not None and profile.loss.customers >= FEWEST_TOLD
    ]
    whole = study.profiles.everyone.loss
    if not rows or whole is None:
        return None
    titles = ("Loses money", "Customers", "Of the persona", "Together")
    columns = (*(Column(t) for t in titles), Column("Main cause", True), Column("To try", True))
    total = money(whole.total, study.about.currency, study.about.language)
    foot = Row("All", (Cell(count(whole.customers)), Cell(), Cell(total), Cell(), Cell()))
    note = (
        "Main cause: the largest cost of these customers. What is to try is a proposal, not a finding. "
        f"Personas with fewer than {FEWEST_TOLD} such customers are not listed."
    )
    if whole.not_earned_back:
        short_of = money(-(whole.not_earned_back_total or 0.0), study.about.currency, study.about.language)
        note += (
            f" Beyond these, {count_of(whole.not_earned_back, 'customer')} won in the window left less than winning "
            f"them cost, {short_of} together so far."
        )
    return Table("Customers who lose money and why", columns, tuple(rows), (foot,), note, wide=True)


def _loss_cells(study: Study, loss: Loss) -> tuple[Cell, ...]:
    locale = study.about.language
    return (
        Cell(count(loss.customers, locale)), Cell(*ranged(loss.share, locale)),
        Cell(money(loss.total, study.about.currency, locale)), Cell(cause_words(loss, study.about.currency, locale)),
        Cell(FIXES.get(loss.cause, "")),
    )  # fmt: skip


def cause_words(loss: Loss, currency: str, locale: str) -> str:
    """The largest cost, the second where it is at least a third of it, each with its amount a customer."""
    named: list[str] = []
    for cause, amount in loss.causes[:2]:
        if not named or amount * 3 >= loss.causes[0][1]:
            words = CAUSES[cause] if not named else CAUSES[cause][0].lower() + CAUSES[cause][1:]
            named.append(f"{words} ({money(amount / loss.customers, currency, locale)} each)")
    return ", then ".join(named)


def _moved(study: Study) -> Section | None:
    """What moving service to the configured channel changes."""
    whole = study.profiles.everyone.move
    if whole is None:
        return None
    locale, currency = study.about.language, study.about.currency
    rows = []
    for persona, profile, _ in people(study):
        move = profile.move
        if move is None:
            continue
        now = show(profile.economics.contribution, locale)
        after = "unknown" if move.contribution is None else money(move.contribution, currency, locale)
        gain = Cell(*ranged(move.gain, locale))
        together = money(move.total, currency, locale)
        cells = (Cell(count(move.tickets, locale)), gain, Cell(now), Cell(after), Cell(together))
        rows.append(Row(short(persona.name), cells))
    titles = ("Persona", "Tickets moved", "Gain a year", "Contribution now", "After", "Together")
    foot = Row(
        "All",
        (Cell(count(whole.tickets, locale)), Cell(show(whole.gain, locale)), Cell(), Cell(),
         Cell(money(whole.total, currency, locale))),
    )  # fmt: skip
    best = max(people(study), key=lambda row: row[1].move.total if row[1].move else 0.0)
    saved = money(abs(whole.total), currency, locale)
    heading = f"All service by {whole.channel} would save {saved}, most of it with {short(best[0].name)}"
    if whole.total <= 0:
        heading = f"All service by {whole.channel} would save nothing: it would cost {saved} more"
    minute = exact(whole.minute_cost, f"{currency}/minute", 0)
    note = (
        f"Assumed: {given(minute, locale)} a minute by {whole.channel}, and nobody asks more or "
        "less often. What customers think of it is not known: ask before."
    )
    caption = "What moving service to another channel changes, per customer and year"
    table = Table(caption, tuple(Column(t) for t in titles), tuple(rows), (foot,), note)
    return Section("channel", "If", heading, tables=(table,))


def _turns(study: Study) -> Section | None:
    """Whom to help first, with what is at stake, and the promise that holds for everybody."""
    turns = {turn.segment: turn for turn in study.profiles.service_order}
    if not turns or not any(turn.tickets for turn in turns.values()):
        return None
    locale = study.about.language
    ordered = sorted(study.personas, key=lambda p: (turns[p.segment].rank, study.personas.index(p)))
    rows = [
        Row(short(p.name), (
            Cell(str(turns[p.segment].rank)),
            Cell(*ranged(turns[p.segment].at_stake, locale)),
            Cell(show(turns[p.segment].tickets, locale)), Cell(show(turns[p.segment].minutes, locale)),
            Cell(show(turns[p.segment].reach, locale, "none recorded")), Cell(_promise(turns[p.segment], study)),
        ))
        for p in ordered
    ]  # fmt: skip
    titles = ("Persona", "Turn", "At stake a year", "Asks a year", "Minutes a year", "Reach")
    columns = (*(Column(title) for title in titles), Column("Promise", True))
    note = (
        f"Turn: by {_stake_words(study)} at stake; equal turns where the intervals meet, then the earlier call "
        "decides. Reach is shown and not counted: it is not money."
    )
    days = study.profiles.service_floor_days
    heading = "Whom to help first when there is time for one, and what everybody can count on"
    sub = f"Nobody is dropped: everybody has an answer within {count_of(days, 'working day')}." if days else ""
    return Section("turns", "", heading, sub, tables=(Table("Service priority", columns, tuple(rows), (), note, True),))


def _stake_words(study: Study) -> str:
    """The deepest money that every persona has: what turns go by."""
    levels = (("contribution", "contribution"), ("gross_margin", "gross margin"))
    known = [profile.economics for profile in study.profiles.segments]
    return next((words for name, words in levels if all(getattr(own, name) for own in known)), "revenue")


def _promise(turn: Turn, study: Study) -> str:
    days = study.profiles.service_floor_days or 2
    if turn.floor:
        return f"an answer within {count_of(days, 'working day')}, in writing"
    return "the same hour" if turn.rank == 1 else f"next in turn, at the latest within {count_of(days, 'working day')}"


def first_call(study: Study) -> tuple[str, tuple[str, ...]] | None:
    """Heading and sentences of the box "if two call and there is time for one": the first turn against the most heard.

    None where turns or reach are not known, or where one persona is both.
    """
    turns = {turn.segment: turn for turn in study.profiles.service_order}
    if len(turns) < 2 or not any(turn.tickets for turn in turns.values()) or study.about.verdict == "none":
        return None
    personas = [p for p in study.personas if p.segment in turns]
    first = min(personas, key=lambda p: turns[p.segment].rank)
    heard = max(personas, key=lambda p: _reach(turns[p.segment]))
    if _reach(turns[heard.segment]) <= 0 or heard is first:
        heard = next((p for p in personas if p is not first), first)
    locale = study.about.language
    one, other = turns[first.segment], turns[heard.segment]
    names = short(first.name), short(heard.name)
    if one.rank == other.rank:
        order = f"Take the earlier call: {show(one.at_stake, locale)} against {show(other.at_stake, locale)} a year, "
        order += "and the intervals meet."
    else:
        stakes = f"{show(one.at_stake, locale)} a year against {show(other.at_stake, locale)}"
        order = f"Call {names[0]} back first: {stakes}."
    days = study.profiles.service_floor_days or 2
    sentences = [order]
    if _reach(other) > 0:
        sentences.append(
            f"Answer {names[1]} in writing the same day, because an unanswered question of theirs can be read by "
            f"{show(other.reach, locale)} people. What that reading costs is not known, so it is no part of the order."
        )
    sentences.append(f"Everybody else has an answer within {count_of(days, 'working day')}, whatever is at stake.")
    return f"If {names[0]} and {names[1]} both call and there is time for one", tuple(sentences)


def _reach(turn: Turn) -> float:
    return turn.reach.value if turn.reach else 0.0
