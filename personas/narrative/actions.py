"""What to do next: triggers on figures, a different first action for every persona, and what nobody knows yet."""

from __future__ import annotations

from personas.narrative import plans
from personas.narrative.language import ActionRule
from personas.narrative.naming import tag_of
from personas.narrative.persona import Action
from personas.narrative.phrases import Speaker, evidence_of
from personas.narrative.selection import Figures, Trait
from personas.profiles.records import Profile

MOST_ACTIONS = 2


def choose(
    candidates: tuple[tuple[str, ...], ...], sure: tuple[frozenset[str], ...] = (), most: int = MOST_ACTIONS
) -> tuple[tuple[str, ...], ...]:
    """Which actions each persona gets, so that no two have the same first one where that can be avoided.

    Parameters
    ----------
    candidates : per persona, ids of the fitting actions, best first.
    sure : per persona, ids that come first whatever the others have, because a test has shown that they work.

    Returns
    -------
    Per persona, at most ``most`` ids, no two of one rule. The persona with the fewest choices picks first, ties in
    order; it gives its choice up for another of its own where somebody else has no other.

    >>> choose((("a", "b"), ("a",)))
    (('b', 'a'), ('a',))
    """
    known = {i: next((c for c in fitting if sure and c in sure[i]), None) for i, fitting in enumerate(candidates)}
    first: dict[int, str] = {i: action for i, action in known.items() if action is not None}
    taken: dict[str, int] = {}

    def settle(i: int, tried: set[str]) -> bool:
        """Give persona ``i`` an action of its own: a free one, else one whose owner can move on (Kuhn 1955)."""
        held = {action for action in known.values() if action is not None}
        free = [c for c in candidates[i] if c not in taken and c not in held]
        for action in free or [c for c in candidates[i] if c in taken]:
            if action in tried:
                continue
            tried.add(action)
            if action not in taken or settle(taken[action], tried):
                taken[action] = i
                first[i] = action
                return True
        return False

    for i in sorted(range(len(candidates)), key=lambda i: (len(candidates[i]), i)):
        if i not in first and not settle(i, set()) and candidates[i]:
            first[i] = candidates[i][0]
    return tuple(
        ((first[i], *(c for c in fitting if _kind(c) != _kind(first[i])))[:most] if i in first else ())
        for i, fitting in enumerate(candidates)
    )


def _kind(action: str) -> str:
    """The rule of an action id without the trait that it is about."""
    return action.partition(":")[0]


def fitting(profile: Profile, figures: Figures, found: tuple[Trait, ...], speaker: Speaker) -> tuple[str, ...]:
    """Ids of the actions whose trigger holds, in the order of the language file: the most specific first.

    Before them those that a test has shown to work; what a test has shown to do harm is left out. Then those about a
    trait of a given column, the strongest first, as ``id:feature:direction``.
    """
    contribution = figures.segment.get("contribution")
    losing = contribution is not None and contribution.value < 0
    latest = {trial.action: trial for trial in reversed(profile.trials)}
    worked = proven(profile)
    harmful = {name for name, trial in latest.items() if trial.harmed}
    ids = [rule.id for rule in speaker.language.actions if rule.id in worked]
    ids += [
        rule.id
        for rule in speaker.language.actions
        if figures.holds(rule) and (rule.when_losing or not losing) and rule.id not in worked | harmful
    ]
    about = [trait for trait in found if is_given(trait, speaker) and trait.claim == "definition"]
    # whoever may leave is kept first; who they are is no lever and comes last
    leaving = ("loyalty", "low")
    about.sort(key=lambda t: (t.feature.family == "demographics", (t.feature.family, t.direction) != leaving))
    for trait in about:
        ids += [
            f"{rule.id}:{trait.feature.name}:{trait.direction}"
            for rule in speaker.language.about_a_trait
            if rule.family == trait.feature.family and rule.direction in (trait.direction, "both")
            and rule.id not in harmful
        ]
    return tuple(ids)


def proven(profile: Profile) -> frozenset[str]:
    """Ids of the actions whose latest test has shown that they work here."""
    latest = {trial.action: trial for trial in reversed(profile.trials)}
    return frozenset(name for name, trial in latest.items() if trial.worked)


def is_given(trait: Trait, speaker: Speaker) -> bool:
    """Whether a trait is of a column that the language file does not know."""
    return trait.phrase in speaker.language.generic.values()


def write(
    ids: tuple[str, ...], profile: Profile, figures: Figures, found: tuple[Trait, ...], speaker: Speaker
) -> tuple[Action, ...]:
    """The actions of one persona in words; without any fitting one, the standard programme and a question."""
    rules = {rule.id: rule for rule in (*speaker.language.actions, *speaker.language.about_a_trait)}
    topics = {trait.feature.name: trait for trait in found}
    parts = [i.split(":") for i in ids]
    if not parts:
        return (_action(speaker.language.fallback, True, speaker, None, profile, figures),)
    return tuple(
        _action(rules[part[0]], rank == 0, speaker, topics.get(part[1]) if part[1:] else None, profile, figures)
        for rank, part in enumerate(parts)
    )


def _action(
    rule: ActionRule, first: bool, speaker: Speaker, topic: Trait | None, profile: Profile, figures: Figures
) -> Action:
    """An action in words with its figures; what a test has measured takes the place of what is assumed."""
    language = speaker.language
    trial = next((trial for trial in profile.trials if trial.action == rule.id), None)
    if trial is None and not first:
        told = {"expected": plans.unknown(profile, language), "test": plans.planned(profile, language)}
    elif trial is None:
        told = {
            "expected": plans.expected(profile, figures, language),
            "breaks_even": plans.breaking_even(profile, language),
            "test": plans.planned(profile, language),
        }
    else:
        told = {
            "expected": plans.measured(trial, language),
            "measured": plans.money_measured(trial, language),
            "breaks_even": plans.paid(trial, language),
            "test": plans.as_tested(trial, language),
        }
    slots = {"topic": tag_of(topic) if topic else ""}
    words = {
        name: speaker.say(getattr(rule, name), slots)
        for name in ("title", "channel", "message", "offer", "cadence", "trigger", "do_not")
    }
    evidence = {name: part.evidence for name, part in told.items() if part.evidence}
    if topic:
        evidence["title"] = (evidence_of(topic),)
    words |= {name: part.text for name, part in told.items()}
    return Action(id=rule.id, **words, claim="scenario" if trial is None else "prediction", evidence=evidence)


def questions(figures: Figures, found: tuple[Trait, ...], speaker: Speaker) -> tuple[str, ...]:
    """The question to ask where the data do not say why: the first that fits."""
    given = [trait for trait in found if is_given(trait, speaker)]
    for rule in speaker.language.find_out:
        if figures.holds(rule) and (given or not rule.about_a_trait):
            return (speaker.say(rule.text, {"topic": tag_of(given[0]) if given else ""}),)
    return ()
