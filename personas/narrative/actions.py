"""What to do next: triggers on figures, a different first action for every persona, and what nobody knows yet."""

from __future__ import annotations

from personas.narrative.formatting import count, figure
from personas.narrative.language import ActionRule, fill
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
        later = fill(speaker.language.expected["unknown"], {"n": count(profile.customers.value)})
        parts = [i.split(":") for i in ids]
        return tuple(
            _action(rules[part[0]], later if rank else expected, speaker, topics.get(part[1], "") if part[1:] else "")
            for rank, part in enumerate(parts)
        )
    return (_action(speaker.language.fallback, expected, speaker, ""),)


def _action(rule: ActionRule, expected: str, speaker: Speaker, topic: str) -> Action:
    words = {
        name: speaker.say(getattr(rule, name), {"topic": topic})
        for name in ("title", "channel", "message", "offer", "cadence", "trigger", "do_not")
    }
    return Action(id=rule.id, expected=expected, **words)


def expectation(profile: Profile, figures: Figures, speaker: Speaker) -> str:
    """What is at stake, as far as it is measured, and that the effect itself is not known before a test."""
    texts, money = speaker.language.expected, profile.economics
    n = count(profile.customers.value)
    if money.contribution is not None and money.contribution.value < 0:
        v = figure(-money.contribution.value, money.contribution.unit)
        return fill(texts["loss"], {"v": v, "n": n})
    order = figures.segment.get("average_order")
    if order is None:
        return fill(texts["unknown"], {"n": n})
    margin, revenue = money.gross_margin, money.revenue
    if margin is not None and revenue is not None and revenue.value > 0:
        v = figure(order.value * margin.value / revenue.value, order.unit)
        return fill(texts["order"], {"v": v, "n": n})
    return fill(texts["order_revenue"], {"v": figure(order.value, order.unit), "n": n})


def questions(figures: Figures, found: tuple[Trait, ...], speaker: Speaker) -> tuple[str, ...]:
    """The question to ask where the data do not say why: the first that fits."""
    given = [trait for trait in found if is_given(trait, speaker)]
    for rule in speaker.language.find_out:
        if figures.holds(rule) and (given or not rule.about_a_trait):
            return (speaker.say(rule.text, {"topic": tag_of(given[0]) if given else ""}),)
    return ()
