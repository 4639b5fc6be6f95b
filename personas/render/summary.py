"""The first page: the finding as a title, key figures, the ladder of verdicts, where customers and money are."""

from __future__ import annotations

from datetime import timedelta

from personas.errors import count_of
from personas.estimate import Estimate
from personas.narrative.formatting import count, day, money, percent, ranged, show
from personas.narrative.persona import Persona
from personas.profiles.records import Economics
from personas.render.blocks import Cell, Chart, Column, KeyFigure, RollEntry, Row, Section, Step, Table
from personas.render.drawings import Pair, dumbbell
from personas.render.money import has_orders
from personas.render.styles import persona_token
from personas.render.text import and_list, first_upper, in_words, short, slugs
from personas.segmentation.reasons import MEANING
from personas.segmentation.verdict import NONE
from personas.study import Study

_LADDER = (
    ("none", "None", "Some segment would always be too small to use"),
    ("constructive", "Constructive", "A useful cut, one of several"),
    ("reproducible", "Reproducible", "Comes back when the data are drawn again"),
    ("natural", "Natural", "Comes back, and gaps lie between all neighbours"),
)
_HEADINGS = {
    "none": "No segments were found",
    "constructive": "The segments are one useful cut of several",
    "reproducible": "The segments are reproducible, not natural",
    "natural": "The segments are natural",
}


def finding(study: Study) -> str:
    """The title: how many kinds of customer there are and where the money is, in one breath."""
    if study.about.verdict == "none" or not study.personas:
        return "No segments were found"
    number = len(study.personas)
    opening = f"{first_upper(in_words(number))} kinds of customer."
    name, shares = _best_known_shares(study)
    if not shares:
        largest = max(study.personas, key=lambda p: _value(p.size.get("share")))
        return (
            f"{opening} The largest, {short(largest.name)}, is {show(largest.size.get('share'), study.about.language)}."
        )
    leading, total = 0, 0.0
    for share in sorted(shares, reverse=True):
        leading, total = leading + 1, total + share
        if total >= 0.5:
            break
    verb = "brings" if leading == 1 else "bring"
    middle = f" {first_upper(in_words(leading))} of them {verb} {percent(total, study.about.language)} of the {name}"
    return opening + middle + _losers(study) + "."


def _best_known_shares(study: Study) -> tuple[str, list[float]]:
    for key, name in (("contribution_share", "contribution"), ("revenue_share", "revenue")):
        shares = [estimate.value for p in study.personas if (estimate := p.size.get(key)) is not None]
        if len(shares) == len(study.personas):
            return name, shares
    return "", []


def _losers(study: Study) -> str:
    totals = [t.value for p in study.personas if (t := p.economics.total_contribution) is not None]
    losses = [value for value in totals if value < 0]
    if not losses:
        return ""
    amount = money(-sum(losses), study.about.currency, study.about.language)
    verb = "costs" if len(losses) == 1 else "cost"
    return f", {in_words(len(losses))} {verb} {amount} {_period_words(study)}"


def _period_words(study: Study) -> str:
    days = study.about.window_days
    return "a year" if 360 <= days <= 370 else f"in {days:,} days"


def _value(estimate: Estimate | None) -> float:
    return estimate.value if estimate else 0.0


def lede(study: Study) -> tuple[str, ...]:
    """Who was looked at, over which days, and into which groups they fall."""
    about, locale = study.about, study.about.language
    last = about.snapshot_date - timedelta(days=1)
    days, studied = count(about.window_days, locale), count(about.customers, locale)
    when = f"As of {day(about.snapshot_date, locale)}"
    if has_orders(study):
        when = f"In the {days} days to {day(last, locale)}"
    text = f"{when}, {studied} customers were studied"
    if about.customers_known > about.customers:
        text += f", of {count(about.customers_known, locale)} that the data know"
    if about.verdict == "none" or not study.personas:
        return (f"{text}. {_too_small(study)}", *_set_aside(study))
    return (f"{text}. They fall into {in_words(len(study.personas))} groups.", *_set_aside(study))


def _too_small(study: Study) -> str:
    """Why there are no segments: what the verdict means, and the size that was missing."""
    segmentation, locale = study.segmentation, study.about.language
    return (
        f"{MEANING[NONE]} No number of segments keeps every one at {count(segmentation.min_size, locale)} customers or "
        f"more: of {in_words(segmentation.k)} the smallest would have {count(min(segmentation.chosen.sizes), locale)}. "
        "No persona is written."
    )


def _set_aside(study: Study) -> tuple[str, ...]:
    """Those kept apart, by name with people and money; nothing when there is nobody."""
    about = study.about
    parts = [
        f"{short(name.replace('_', ' '))}: {count_of(customers, 'customer')}, "
        f"{money(revenue, about.currency, about.language)}"
        for name, customers, revenue in study.profiles.set_aside
    ]
    return (f"Kept apart from the groups by a rule, and counted in all totals: {'; '.join(parts)}.",) if parts else ()


def roll(study: Study) -> tuple[RollEntry, ...]:
    """Every persona with its share and tag line, in order."""
    if study.about.verdict == "none":
        return ()
    locale = study.about.language
    anchors = slugs([p.id for p in study.personas])
    return tuple(
        RollEntry(short(p.name), show(p.size.get("share"), locale), short(p.tagline), anchor)
        for p, anchor in zip(study.personas, anchors, strict=True)
    )


def key_figures(study: Study) -> tuple[KeyFigure, ...]:
    """Customers, revenue, contribution, return: unknown ones say so."""
    locale, everyone = study.about.language, study.profiles.everyone
    economics: Economics = everyone.economics
    figures = [KeyFigure(count(study.about.customers, locale), "customers studied")]
    if economics.level == "none" and economics.total_revenue is None:
        figures.append(KeyFigure(str(study.about.k), "segments"))
        return tuple(figures)
    figures.append(KeyFigure(show(economics.total_revenue, locale), "revenue after returns"))
    figures.append(KeyFigure(show(economics.total_contribution, locale), _contribution_label(economics)))
    if economics.roi is not None:
        one = money(1, study.about.currency, locale)
        value, between = ranged(economics.roi, locale)
        label = f"per {one} of service and marketing{f' ({between})' if between else ''}"
        figures.append(KeyFigure(value, label))
    else:
        figures.append(KeyFigure("unknown", "return on service and marketing: costs are missing"))
    return tuple(figures)


def _contribution_label(economics: Economics) -> str:
    """Contribution, with the costs that were taken off."""
    costs = {"service": economics.service_cost, "returns": economics.return_cost, "marketing": economics.marketing_cost}
    taken = [name for name, cost in costs.items() if cost is not None]
    return f"contribution after {and_list(taken)}" if taken and economics.contribution is not None else "contribution"


def ladder(verdict: str) -> tuple[Step, ...]:
    """The four possible answers, the given one marked."""
    return tuple(Step(name, text, code == verdict) for code, name, text in _LADDER)


def verdict_heading(verdict: str) -> str:
    """The verdict as a sentence."""
    return _HEADINGS.get(verdict, f"The verdict is {verdict}")


def money_section(study: Study) -> Section | None:
    """Where customers and money are: a dumbbell with its table, or sizes alone where money is unknown."""
    if not study.personas or study.about.verdict == "none":
        return None
    what, shares = _best_known_shares(study)
    table = _money_table(study)
    if not shares:
        return Section("sizes", "Sizes", "Money is unknown, so customers are all that can be counted", tables=(table,))
    key = f"{what}_share"
    pairs = [
        Pair(short(p.name), persona_token(place), _value(p.size.get("share")), _value(p.size.get(key)))
        for place, p in enumerate(study.personas)
    ]
    wide, narrow = dumbbell(pairs, what)
    apart = max(abs((pair.money or 0) - pair.customers) for pair in pairs) > 0.1
    heading = f"Where the customers are is {'not ' if apart else ''}where the {what} is"
    caption = f"Open circle: share of customers. Filled: share of {what}. A hollow mark left of zero is a loss."
    return Section("glance", "Money at a glance", heading, chart=Chart(wide, narrow, caption, table))


def _money_table(study: Study) -> Table:
    locale = study.about.language
    titles = ("Persona", "Customers", "Share", "Revenue", "Share", "Contribution", "Share")
    everyone = study.profiles.everyone
    known = 6 if everyone.economics.level != "none" else 2
    columns = tuple(Column(title) for title in titles[: known + 1])
    rows = tuple(Row(short(p.name), _money_cells(p, locale)[:known]) for p in study.personas)
    foot = [
        Cell(show(everyone.customers, locale)), Cell(""),
        Cell(show(everyone.economics.total_revenue, locale)), Cell(""),
        Cell(show(everyone.economics.total_contribution, locale)), Cell(""),
    ]  # fmt: skip
    caption = "Customers, revenue and contribution by persona" if known == 6 else "Customers by persona"
    return Table(caption, columns, rows, (Row("All", tuple(foot[:known])),))


def _money_cells(persona: Persona, locale: str) -> tuple[Cell, ...]:
    size, economics = persona.size, persona.economics
    figures = (
        size.get("customers"), size.get("share"), economics.total_revenue, size.get("revenue_share"),
        economics.total_contribution, size.get("contribution_share"),
    )  # fmt: skip
    return tuple(Cell(*_with_share(figure, locale)) for figure in figures)


def _with_share(estimate: Estimate | None, locale: str) -> tuple[str, str]:
    """A figure, and the interval of a share beside it."""
    of_share = estimate is not None and estimate.unit == "share"
    return ranged(estimate, locale) if of_share else (show(estimate, locale), "")
