"""The whole persona re-read: story, actions and brief. A mismatch is a bug of ours and stops the run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from personas.errors import PersonasError, count_of
from personas.narrative.checker import Finding, check_story, check_text, without_quotes
from personas.narrative.language import Language, lower_first
from personas.narrative.naming import NOTHING_STANDS_OUT
from personas.narrative.persona import Action, Evidence, Persona

SLOT_OR_VERB = re.compile(r"\{([^}]*)\}|\[([^|\]]*)\|([^\]]*)\]")
FIGURES = re.compile(r"[^a-z]*(?:[kK])?(?: to [^a-z]*k?)?")
"""A figure or an interval: no small letters but k and "to"."""
WORDS = frozenset({"name", "label", "level", "month", "topic", "from", "to"})
"""Slots of names and days; their days are looked up like numbers."""


def check(persona: Persona, language: Language) -> tuple[Finding, ...]:
    """Everything in a persona that its numbers do not bear out (see ``check_story``, ``check_action``)."""
    findings = list(check_story(persona, language))
    findings += [Finding("tagline", persona.tagline, what) for what in check_tagline(persona, language)]
    for action in persona.actions:
        findings += [Finding(action.id, text, what) for text, what in check_action(action, language)]
    findings += [Finding("newsletter", text, what) for text, what in check_brief(persona, language)]
    return tuple(findings)


def stop_on_mismatch(personas: Iterable[Persona], language: Language) -> None:
    """Raise when any text says what its numbers do not: a bug of ours that must not reach a reader."""
    problems = [
        f"{persona.name}, {finding.statement}: {finding.what}: “{finding.text}”"
        for persona in personas
        for finding in check(persona, language)
    ]
    if problems:
        raise PersonasError(f"{count_of(len(problems), 'sentence')} not borne out by the numbers", problems)


def check_tagline(persona: Persona, language: Language) -> list[str]:
    """What is wrong with the tag line: a number that is not in its evidence, a piece that is not said on its side."""
    text, evidence = persona.tagline, persona.tagline_evidence
    if not evidence:
        return [] if text == NOTHING_STANDS_OUT else ["nothing bears it out"]
    wrong = check_text(text, evidence, language)
    pieces = itertools.product(*(_tags(e, language) for e in evidence))
    if not any(is_made_of(own, (", ".join(made),)) for made in pieces for own in (text, lower_first(text))):
        wrong.append("the words are not those of the language file")
    return wrong


def _tags(evidence: Evidence, language: Language) -> tuple[str, ...]:
    """What a tag line may say of a figure, by the side of everyone's on which it lies."""
    name, of_level, _ = evidence.feature.partition("=")
    if evidence.everyone is None or evidence.everyone.value == evidence.segment.value:
        return ()
    if name.startswith("category_share_"):
        phrases = [language.features["category_share"]]
    elif name in language.features and not of_level:
        phrases = [language.features[name]]
    else:
        phrases = list(language.generic.values())
    side = "high" if evidence.segment.value > evidence.everyone.value else "low"
    return tuple(phrase.tag[side] for phrase in phrases if side in phrase.tag)


def check_action(action: Action, language: Language) -> list[tuple[str, str]]:
    """(text, what is wrong) of an action.

    What the programme itself asks for ("18 days before a holiday") must stand in the language file word by word; every
    other number and comparison must be in the evidence.
    """
    rules = {rule.id: rule for rule in (*language.actions, *language.about_a_trait, language.fallback)}
    rule, wrong = rules.get(action.id), []
    for name in ("title", "channel", "message", "offer", "cadence", "trigger", "do_not"):
        text: str = getattr(action, name)
        free = None if rule is None else filled_in(text, getattr(rule, name))
        if free is None:
            wrong.append((text, f"the {name} is not the one of the programme '{action.id}'"))
        else:
            wrong += [(text, what) for what in check_text(free, action.evidence.get(name, ()), language)]
    for name in ("expected", "measured", "breaks_even", "test"):
        text = getattr(action, name)
        wrong += [(text, what) for what in check_text(text, action.evidence.get(name, ()), language)]
        if text and not is_made_of(text, plan_templates(language)):
            wrong.append((text, "the words are not those of the language file"))
    return wrong


def plan_templates(language: Language) -> tuple[str, ...]:
    """Every sentence that may stand behind an action."""
    return (*language.expected.values(), *language.tests.values())


def is_made_of(text: str, templates: tuple[str, ...]) -> bool:
    """Whether one of the templates made the text, with figures in its slots, or again a text of the templates."""
    for template in templates:
        filled = slots_of(text, template)
        if filled is not None and all(
            name in WORDS or FIGURES.fullmatch(value) or is_made_of(value, templates) for name, value in filled
        ):
            return True
    return False


def check_brief(persona: Persona, language: Language) -> list[tuple[str, str]]:
    """(text, what is wrong) of the brief of a newsletter: it repeats the first action or tells its own figures."""
    brief, action = persona.brief, persona.actions[0] if persona.actions else None
    if brief is None:
        return []
    wrong = []
    if action is None or brief.angle != action.message:
        wrong.append((brief.angle, "the angle is not the message of the first action"))
    repeated = () if action is None else (action.offer, action.do_not)
    for name in ("categories", "offer", "timing", "do_not"):
        own = text = getattr(brief, name)
        evidence = brief.evidence.get(name, ())
        for known in repeated:
            own = own.replace(known, " ") if known else own
        found = (*check_text(own, evidence, language), *_months_wrong(own, evidence, language))
        wrong += [(text, what) for what in found]
        if not _is_of_the_brief(own, language):
            wrong.append((text, "the words are not those of the language file"))
    return wrong


def _is_of_the_brief(text: str, language: Language) -> bool:
    """Whether nothing but sentences of the language file is left of a text of the brief."""
    for known in ("no_percent", "no_monthly"):
        text = text.replace(language.newsletter[known], " ")
    parts = without_quotes(text).split("; ")
    return all(not part.strip() or is_made_of(part, tuple(language.newsletter.values())) for part in parts)


def _months_wrong(text: str, evidence: tuple[Evidence, ...], language: Language) -> list[str]:
    """Months of the text that the evidence does not name."""
    named = {e.feature for e in evidence}
    return [
        f"'{month}' is not in the evidence"
        for place, month in enumerate(language.months, start=1)
        if re.search(rf"\b{month}\b", without_quotes(text)) and f"month_{place}" not in named
    ]


def filled_in(text: str, template: str) -> str | None:
    """What stands in the slots of a template that made the text; None when the template did not make it.

    >>> filled_in("twice in 30 days, says she", "twice in 30 days, [say|says] {he}")
    'she'
    """
    found = slots_of(text, template)
    return None if found is None else " | ".join(value for _, value in found)


def slots_of(text: str, template: str) -> list[tuple[str, str]] | None:
    """(slot, what stands in it) of a template that made the text; None when it did not."""
    names = [name for name, _, _ in SLOT_OR_VERB.findall(template) if name]
    pattern, at = "", 0
    for match in SLOT_OR_VERB.finditer(template):
        pattern += re.escape(template[at : match.start()])
        slot, one, other = match.groups()
        pattern += "(.*?)" if slot else f"(?:{re.escape(one)}|{re.escape(other)})"
        at = match.end()
    found = re.fullmatch(pattern + re.escape(template[at:]), text, re.DOTALL)
    return None if found is None else list(zip(names, found.groups(), strict=True))
