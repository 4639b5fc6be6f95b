"""What to do next: triggers on figures, a different first action for every persona, and what nobody knows yet."""

from __future__ import annotations

from personas.narrative.formatting import count, figure, number, percent
from personas.narrative.language import ActionRule, Language, fill
from personas.narrative.naming import tag_of
from personas.narrative.persona import Action
from personas.narrative.phrases import Speaker
from personas.narrative.selection import Figures, Trait
from personas.profiles.records import Profile

MOST_ACTIONS = 2


def choose(candidates: tuple[tuple[str, ...], ...], most: int = MOST_ACTIONS) -> tuple[tuple[str, ...], ...]:
    """Which actions each persona gets, so that no two have the same first one where that can be avoided.

    Parameters
    ----------
    candidates : per persona, ids of the fitting actions, best first.

    Returns
    -------
    Per persona, at most ``most`` ids, no two of one rule. The persona with the fewest choices picks first; ties in
    order.

    >>> choose((("a", "b"), ("a",)))
    (('b', 'a'), ('a',))
    """
    first: dict[int, str] = {}
    for i in sorted(range(len(candidates)), key=lambda i: (len(candidates[i]), i)):
        free = [c for c in candidates[i] if c not in first.values()]
        if free:
            first[i] = free[0]
        elif candidates[i]:
            first[i] = candidates[i][0]
    return tuple(
        ((first[i], *(c for c in fitting if _kind(c) != _kind(first[i])))[:most] if i in first else ())
        for i, fitting in enumerate(candidates)
    )


def _kind(action: str) -> str:
    """The rule of an action id without the trait that it is about."""
    return action.partition(":")[0]


def fitting(figures: Figures, found: tuple[Trait, ...], speaker: Speaker) -> tuple[str, ...]:
    """Ids of the actions whose trigger holds, in the order of the language file: the most specific first.

    Then those about a trait of a given column, the strongest first, as ``id:feature:direction``.
    """
    contribution = figures.segment.get("contribution")
    losing = contribution is not None and contribution.value < 0
    ids = [rule.id for rule in speaker.language.actions if figures.holds(rule) and (rule.when_losing or not losing)]
    about = [trait for trait in found if is_given(trait, speaker) and trait.claim == "definition"]
    about.sort(key=lambda trait: trait.feature.family == "demographics")  # who they are is no lever: last
    for trait in about:
        ids += [
            f"{rule.id}:{trait.feature.name}:{trait.direction}"
            for rule in speaker.language.about_a_trait
            if rule.family == trait.feature.family and rule.direction in (trait.direction, "both")
        ]
    return tuple(ids)


def is_given(trait: Trait, speaker: Speaker) -> bool:
    """Whether a trait is of a column that the language file does not know."""
    return trait.phrase in speaker.language.generic.values()


def write(
    ids: tuple[str, ...], profile: Profile, figures: Figures, found: tuple[Trait, ...], speaker: Speaker
) -> tuple[Action, ...]:
    """The actions of one persona in words; without any fitting one, the standard programme and a question."""
    rules = {rule.id: rule for rule in (*speaker.language.actions, *speaker.language.about_a_trait)}
    topics = {trait.feature.name: tag_of(trait) for trait in found}
    expected = expectation(profile, figures, speaker)
    if ids:
        later = _later(profile, speaker.language)
        parts = [i.split(":") for i in ids]
        return tuple(
            _action(
                rules[part[0]],
                later if rank else expected,
                speaker,
                topics.get(part[1], "") if part[1:] else "",
                profile,
            )
            for rank, part in enumerate(parts)
        )
    return (_action(speaker.language.fallback, expected, speaker, "", profile),)


def _action(rule: ActionRule, expected: str, speaker: Speaker, topic: str, profile: Profile) -> Action:
    breaks_even, test = breaking_even(profile, speaker.language), planned(profile, speaker.language)
    words = {
        name: speaker.say(getattr(rule, name), {"topic": topic})
        for name in ("title", "channel", "message", "offer", "cadence", "trigger", "do_not")
    }
    return Action(id=rule.id, expected=expected, **words, breaks_even=breaks_even, test=test)


def breaking_even(profile: Profile, language: Language) -> str:
    """How many extra orders pay for an action, and who left that much more without one (method.md 9.11)."""
    needed, texts = profile.economics.break_even, language.tests
    if not texts:
        return ""
    if needed is None:
        margin, losing = profile.economics.gross_margin, profile.economics.contribution
        return texts["never"] if margin and losing and losing.value < 0 and profile.test is None else ""
    text = fill(texts["breaks_even"], {"v": number(needed.value)})
    return text if profile.grew is None else fill(texts["grew"], {"v": text, "g": percent(profile.grew.value)})


def planned(profile: Profile, language: Language) -> str:
    """The test of an action on this segment in words, or that it is too small for one."""
    plan, texts = profile.test, language.tests
    if plan is None or not texts:
        return ""
    slots = {
        "n": count(plan.per_arm), "w": str(plan.weeks), "v": number(plan.visible), "worth": number(plan.worth_seeing)
    }  # fmt: skip
    return fill(texts["too_small" if plan.too_small else "enough"], slots)


def _later(profile: Profile, language: Language) -> str:
    """What is expected of a second action: nobody knows before its test."""
    slots = {"n": count(profile.customers.value), "test": first_test(profile, language)}
    return fill(language.expected["unknown"], slots)


def first_test(profile: Profile, language: Language) -> str:
    """What to do before anything is expected: the planned test, or half of the customers where none is planned."""
    plan, texts = profile.test, language.tests
    if not texts:
        return ""
    if plan is None:
        return fill(texts["half"], {"n": count(profile.customers.value)})
    if plan.too_small:
        return fill(texts["unseen"], {"n": count(profile.customers.value)})
    return fill(texts["first"], {"n": count(plan.per_arm), "w": str(plan.weeks)})


def expectation(profile: Profile, figures: Figures, speaker: Speaker) -> str:
    """What is at stake, as far as it is measured, and that the effect itself is not known before a test."""
    texts, money = speaker.language.expected, profile.economics
    n, test = count(profile.customers.value), first_test(profile, speaker.language)
    if money.contribution is not None and money.contribution.value < 0:
        v = figure(-money.contribution.value, money.contribution.unit)
        return fill(texts["loss"], {"v": v, "n": n, "test": test})
    order = figures.segment.get("average_order")
    if order is None:
        return fill(texts["unknown"], {"n": n, "test": test})
    margin, revenue = money.gross_margin, money.revenue
    if margin is not None and revenue is not None and revenue.value > 0:
        v = figure(order.value * margin.value / revenue.value, order.unit)
        return fill(texts["order"], {"v": v, "n": n, "test": test})
    return fill(texts["order_revenue"], {"v": figure(order.value, order.unit), "n": n, "test": test})


def questions(figures: Figures, found: tuple[Trait, ...], speaker: Speaker) -> tuple[str, ...]:
    """The question to ask where the data do not say why: the first that fits."""
    given = [trait for trait in found if is_given(trait, speaker)]
    for rule in speaker.language.find_out:
        if figures.holds(rule) and (given or not rule.about_a_trait):
            return (speaker.say(rule.text, {"topic": tag_of(given[0]) if given else ""}),)
    return ()
