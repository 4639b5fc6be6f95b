"""What customers cost and are worth, as rows: unknown stays unknown, a cost is outlined, a loss is hollow."""

from __future__ import annotations

from personas.estimate import Estimate
from personas.narrative.formatting import MINUS, count, interval, money, percent, ranged, show
from personas.profiles.money_records import PersonaLifetime
from personas.profiles.records import Economics
from personas.render.bars import bar, step
from personas.render.blocks import Measure
from personas.study import Study

_COSTS = (("service_cost", "Service"), ("return_cost", "Returns"), ("marketing_cost", "Marketing"))


def cost_rows(own: Economics, everyone: Economics, locale: str) -> tuple[Measure, ...]:
    """The small cascade from revenue to contribution; a row that nobody in the study knows shows "unknown"."""
    if own.level == "none" and own.revenue is None:
        return ()
    scale = max((abs(e.value) for e in (own.revenue, own.gross_margin) if e), default=0.0)
    low = min(0.0, own.contribution.value) if own.contribution else 0.0
    rows = [
        _amount("Revenue, after returns", own.revenue, everyone.revenue, (low, scale), locale),
        _amount("Gross margin", own.gross_margin, everyone.gross_margin, (low, scale), locale),
    ]
    left = own.gross_margin.value if own.gross_margin else None
    for name, label in _COSTS:
        cost: Estimate | None = getattr(own, name)
        if cost is None and name == "return_cost":
            continue
        drawn = ""
        if cost is not None and left is not None:
            drawn = step(left, left - cost.value, scale, low)
            left -= cost.value
        else:
            left = None  # the cascade ends where a cost is unknown
        rows.append(Measure(label, _taken(cost, locale), drawn, _taken(getattr(everyone, name), locale)))
    contribution = own.contribution
    drawn = bar(contribution.value, scale, low=low) if contribution else ""
    total = Measure("Contribution", show(contribution, locale), drawn, show(everyone.contribution, locale), total=True)
    return (*rows, total, *_after_winning(own, everyone, locale))


def _after_winning(own: Economics, everyone: Economics, locale: str) -> tuple[Measure, ...]:
    """What is left after new customers were won; nothing where that cost is not known."""
    if everyone.after_acquisition is None:
        return ()
    spent = (_taken(e.acquisition_cost, locale) for e in (own, everyone))
    left = (show(e.after_acquisition, locale) for e in (own, everyone))
    titles = ("Winning new ones", "After winning them")
    return tuple(Measure(title, mine, "", all_of) for title, (mine, all_of) in zip(titles, (spent, left), strict=True))


def _amount(
    label: str, own: Estimate | None, everyone: Estimate | None, ends: tuple[float, float], locale: str
) -> Measure:
    drawn = bar(own.value, ends[1], kind="soft", low=ends[0]) if own else ""
    return Measure(label, show(own, locale), drawn, show(everyone, locale))


def _taken(cost: Estimate | None, locale: str) -> str:
    """A cost with its minus; 0 has none."""
    if cost is None:
        return "unknown"
    text = show(cost, locale)
    return text if text.startswith(MINUS) or not any(ch.isdigit() and ch != "0" for ch in text) else f"{MINUS}{text}"


def lifetime_rows(
    own: Economics, lifetime: PersonaLifetime | None, currency: str, locale: str
) -> tuple[tuple[str, str, str], ...]:
    """(term, figure, rest) of return, lifetime value, break-even and losers, each where it is known."""
    rows = []
    if own.roi is not None:
        unit = money(1, currency, locale)
        rows.append(
            ("Return", ranged(own.roi, locale)[0], f"per {unit} of service and marketing{_bracket(own.roi, locale)}")
        )
    if own.lifetime_value is not None:
        level = "" if own.contribution else ", in gross margin" if own.gross_margin else ", in revenue"
        rest = f"value to come{level}{_bracket(own.lifetime_value, locale)}{_checked(lifetime, locale)}"
        rows.append(("Lifetime", ranged(own.lifetime_value, locale)[0], rest))
    elif lifetime is not None and lifetime.refused:
        rows.append(("Lifetime", "not told", lifetime.refused))
    if own.break_even is not None:
        rows.append(
            (
                "Break-even",
                ranged(own.break_even, locale)[0],
                f"{_unit_words(own.break_even)} customers{_bracket(own.break_even, locale)}",
            )
        )
    if own.losing_share is not None and own.losing_share.value > 0:
        rows.append(("Losing", percent(own.losing_share.value, locale), "of them cost more than they bring"))
    return tuple(rows)


def _unit_words(estimate: Estimate) -> str:
    """The unit of a break-even: orders a year per 100."""
    head, _, per = estimate.unit.partition("/")
    return f"extra {head} a {per}"


def _checked(lifetime: PersonaLifetime | None, locale: str) -> str:
    """How far the forecast was off in the hold-out, beside the naive rule."""
    check = lifetime.hold_out if lifetime else None
    if check is None or check.error is None or check.naive_error is None:
        return ""
    off, naive = (percent(share, locale) if share < 0 else f"+{percent(share, locale)}" for share in
                  (check.error, check.naive_error))  # fmt: skip
    seen = f"in {count(check.weeks, locale)} weeks it had not seen"
    return f"; {seen} the forecast was off by {off}, “as before” by {naive}"


def _bracket(estimate: Estimate, locale: str) -> str:
    text = interval(estimate, locale)
    return f" ({text})" if text else ""


def has_orders(study: Study) -> bool:
    """Whether anything was ordered: without orders there is no window of days to speak of."""
    return any(line.table in ("orders", "order_lines") for line in study.audit.lines)


def costs_note(own: Economics) -> str:
    """What is missing for the next level, and how to get it."""
    if own.contribution is not None:
        return ""
    if own.level == "none" and own.revenue is None:
        return "Without amounts of orders nothing is said about costs and worth."
    if own.gross_margin is None:
        return "Gross margin needs the cost of goods: give unit costs of products or a margin rate."
    return "Contribution needs the cost of service: set a price per minute."
