"""What an action may bring, when it pays, how that is found out, and what a test found: texts with their figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from personas.estimate import Estimate, exact
from personas.narrative.formatting import count, day, figure, interval, number, percent, shared_digits, show
from personas.narrative.language import Language, fill
from personas.narrative.persona import Evidence
from personas.narrative.selection import Figures
from personas.profiles.intervals import FEWEST
from personas.profiles.money_records import Trial
from personas.profiles.records import Profile

ARM = "customers of an arm"
EXTRA = "extra orders/year"


@dataclass(frozen=True, slots=True)
class Told:
    """A text and the figures in it."""

    text: str
    evidence: tuple[Evidence, ...] = ()


def expected(profile: Profile, figures: Figures, language: Language) -> Told:
    """What is at stake, as far as it is measured, and that the effect itself is not known before a test."""
    texts, money, test = language.expected, profile.economics, _first_test(profile, language)
    if money.contribution is not None and money.contribution.value < 0:
        v = figure(-money.contribution.value, money.contribution.unit)
        return Told(fill(texts["loss"], {"v": v, "test": test.text}), (_loss(money.contribution), *test.evidence))
    order = figures.segment.get("average_order")
    if order is None:
        return unknown(profile, language)
    margin, revenue = money.gross_margin, money.revenue
    if margin is not None and revenue is not None and revenue.value > 0:
        share = margin.value / revenue.value
        ends = sorted((order.low * share, order.high * share))
        left = Estimate(order.value * share, ends[0], ends[1], order.unit, order.n, order.basis)
        text = fill(texts["order"], {"v": figure(left.value, left.unit), "test": test.text})
        return Told(text, (Evidence("margin_of_an_order", "mean", left), *test.evidence))
    text = fill(texts["order_revenue"], {"v": figure(order.value, order.unit), "test": test.text})
    return Told(text, (Evidence("average_order", "mean", order), *test.evidence))


def _loss(contribution: Estimate) -> Evidence:
    """A contribution below nothing."""
    return Evidence("contribution", "mean", contribution, exact(0, contribution.unit, contribution.n))


def unknown(profile: Profile, language: Language) -> Told:
    """Nobody knows before a test."""
    test = _first_test(profile, language)
    return Told(fill(language.expected["unknown"], {"test": test.text}), test.evidence)


def _first_test(profile: Profile, language: Language) -> Told:
    """What to do before anything is expected: the planned test, or half of the customers where none is planned."""
    plan, texts = profile.test, language.tests
    if not texts:
        return Told("")
    everyone = (Evidence("customers", "count", profile.customers),)
    if plan is None and profile.customers.value >= 2 * FEWEST:
        return Told(fill(texts["half"], {"n": count(profile.customers.value)}), everyone)
    if plan is None or plan.too_small:
        return Told(fill(texts["unseen"], {"n": count(profile.customers.value)}), everyone)
    return Told(fill(texts["first"], {"n": count(plan.per_arm), "w": str(plan.weeks)}), _plan(profile))


def _plan(profile: Profile) -> tuple[Evidence, ...]:
    """The figures of the planned test."""
    plan, n = profile.test, profile.customers.n
    assert plan is not None
    visible, worth = (exact(value, EXTRA, n) for value in (plan.visible, plan.worth_seeing))
    return (
        Evidence("visible_effect", "plan", visible, worth, others=(worth,)),
        Evidence("customers_of_an_arm", "plan", exact(plan.per_arm, ARM, n)),
        Evidence("weeks", "plan", exact(plan.weeks, "weeks", n)),
    )


def breaking_even(profile: Profile, language: Language) -> Told:
    """How many extra orders pay for an action, and who left that much more without one (method.md 9.11)."""
    needed, texts = profile.economics.break_even, language.tests
    if not texts:
        return Told("")
    if needed is None:
        margin, losing = profile.economics.gross_margin, profile.economics.contribution
        if margin and losing and losing.value < 0 and profile.test is None:
            return Told(texts["never"], (_loss(losing),))
        return Told("")
    text, evidence = fill(texts["breaks_even"], {"v": number(needed.value)}), (Evidence("break_even", "mean", needed),)
    if profile.grew is None:
        return Told(text, evidence)
    asked = exact(profile.grew.n, "customers", profile.grew.n)
    slots = {"v": text, "g": percent(profile.grew.value), "n": figure(asked.value, asked.unit)}
    grown = fill(texts["grew"], slots)
    return Told(grown, (*evidence, Evidence("grew", "share", profile.grew), Evidence("bought_before", "count", asked)))


def planned(profile: Profile, language: Language) -> Told:
    """The test of an action on this segment in words, or that it is too small for one."""
    plan, texts = profile.test, language.tests
    if plan is None or not texts:
        return Told("")
    slots = {
        "n": count(plan.per_arm), "w": str(plan.weeks), "v": number(plan.visible), "worth": number(plan.worth_seeing)
    }  # fmt: skip
    return Told(fill(texts["too_small" if plan.too_small else "enough"], slots), _plan(profile))


# What a test has found takes the place of what is assumed.


def _seen(estimate: Estimate, trial: Trial) -> Evidence:
    """A measured effect against none, with both ends of its interval."""
    low, high = (replace(estimate, value=end) for end in (estimate.low, estimate.high))
    window = f"experiment {trial.name}, {trial.started} to {trial.started + timedelta(days=trial.days - 1)}"
    return Evidence(trial.name, window, estimate, exact(0, estimate.unit, estimate.n), others=(low, high))


def measured(trial: Trial, language: Language) -> Told:
    """Extra orders as the test measured them."""
    kind = "worked" if trial.worked else "harmed" if trial.harmed else "unclear"
    orders = trial.orders
    slots = {"v": _size(orders), "range": interval(orders) or show(orders)}
    return Told(fill(language.tests[kind], slots), (_seen(orders, trial),))


def _size(effect: Estimate) -> str:
    """An effect without its sign, as precise as its interval."""
    return figure(abs(effect.value), effect.unit, digits=shared_digits(effect))


def money_measured(trial: Trial, language: Language) -> Told:
    """The money of the extra orders as the test measured it; nothing where it is unknown."""
    money = trial.money
    if money is None:
        return Told("")
    template = language.tests["money_up" if money.value >= 0 else "money_down"]
    slots = {"level": trial.level, "v": _size(money), "range": interval(money) or show(money)}
    return Told(fill(template, slots), (_seen(money, trial),))


def paid(trial: Trial, language: Language) -> Told:
    """Whether the measured money covered the cost of the action; nothing where either is unknown."""
    if trial.money is None or trial.cost is None:
        return Told("")
    kind = "paid" if trial.money.low > trial.cost else "not_paid" if trial.money.high < trial.cost else "paid_unclear"
    cost = exact(trial.cost, trial.money.unit, trial.treated)
    words = {"c": figure(trial.cost, cost.unit)}
    return Told(fill(language.tests[kind], words), (Evidence("cost_of_the_action", "assumed", cost, trial.money),))


def as_tested(trial: Trial, language: Language) -> Told:
    """Who took part, and when."""
    n = trial.treated + trial.control
    last = trial.started + timedelta(days=trial.days - 1)
    slots = {
        "name": trial.name, "n": count(trial.treated), "m": count(trial.control), "from": day(trial.started),
        "to": day(last),
    }  # fmt: skip
    window = f"experiment {trial.name}, {trial.started} to {last}"
    return Told(
        fill(language.tests["tested"], slots),
        (
            Evidence("treated", window, exact(trial.treated, ARM, n)),
            Evidence("control", window, exact(trial.control, ARM, n)),
        ),
    )
