"""Statements into prose: one scene, how often and how much, the defining traits, one tension, one consequence."""

from __future__ import annotations

from personas.narrative import phrases
from personas.narrative.persona import Statement
from personas.narrative.phrases import Draft, Speaker
from personas.narrative.selection import NOTABLE, Figures, Trait, plain_facts, spread_over_families
from personas.profiles.records import Profile

FEWEST_WORDS, MOST_WORDS = 60, 120
DEFINING_TRAITS = 3
SHOWN_BY_SCENES = frozenset({"occasion_share", "return_share", "discount_share"})


def compose(
    profile: Profile,
    everyone: Profile,
    found: tuple[Trait, ...],
    figures: Figures,
    speaker: Speaker,
    basis: frozenset[str],
) -> tuple[tuple[Statement, ...], tuple[Trait, ...], tuple[Trait, ...]]:
    """The statements of a story of 60 to 120 words, in order of reading, and the traits they tell: of their own, and
    in the opening.

    Sentences are drafted by rank and taken while there is room; where few facts are known the size, the share that sits
    clearly inside and an honest "close to the others" fill the story up. Every sentence keeps its evidence.
    """
    opening = [phrases.scene(profile, figures, speaker, basis), phrases.orders_and_spend(figures, speaker, basis)]
    start = [draft for draft in opening if draft is not None] or [phrases.size(profile, speaker)]
    used: frozenset[str] = frozenset().union(*(draft.features for draft in start))
    opened = tuple(trait for trait in found if trait.feature.name in used)
    used |= _same_side(used, found)
    # what the scene shows in words is told with its figure right after it
    shown = tuple(t for t in found if t.feature.name in used and t.feature.name in SHOWN_BY_SCENES)
    told = (*shown, *spread_over_families(found, DEFINING_TRAITS - len(shown), used))
    middle = [phrases.of_trait(trait, speaker) for trait in told]
    ending = [
        phrases.money(profile, everyone, speaker, basis),
        phrases.tension(profile, figures, speaker, basis),
        phrases.stability(profile, speaker, low_only=True),
    ]
    end = [draft for draft in ending if draft is not None]
    spare = [trait for trait in spread_over_families(found, len(found), used) if trait not in told]
    spare_names = {trait.feature.name for trait in (*told, *spare)} | used
    plain = [t for t in plain_facts(profile, everyone, basis, speaker.language) if t.feature.name not in spare_names]
    drafts, extra = _fitted(start, middle, end, [*spare, *plain], profile, speaker)
    kept = tuple(trait for trait, draft in zip(told, middle, strict=True) if any(draft is one for one in drafts))
    statements = tuple(
        Statement(f"s{i}", draft.text, draft.claim, draft.evidence, draft.kind, drawn=draft.drawn)
        for i, draft in enumerate(phrases.said_as_drawn(drafts, speaker), 1)
    )
    return statements, (*kept, *extra), opened


def _same_side(used: frozenset[str], found: tuple[Trait, ...]) -> frozenset[str]:
    """Other channels, once the scene has said where the orders are placed: they would say the same again."""
    place_told = any(name.endswith("_share") and name.split("_")[0] in ("online", "store", "phone") for name in used)
    return frozenset(t.feature.name for t in found if place_told and t.feature.family == "channel")


def _fitted(
    start: list[Draft], middle: list[Draft], end: list[Draft], spare: list[Trait], profile: Profile, speaker: Speaker
) -> tuple[list[Draft], tuple[Trait, ...]]:
    """The drafts cut or filled up to between 60 and 120 words, and the spare traits that were taken."""
    taken: list[Trait] = []
    opened = len(phrases.said_as_drawn([Draft("", "", (), drawn=True)], speaker)[0].text.split())
    most = MOST_WORDS - (opened if any(draft.drawn for draft in middle) else 0)
    while _words([*start, *middle, *end]) > most and len(middle) > 1:
        middle = middle[:-1]
    while _words([*start, *middle, *end]) > most and len(end) > 1:  # what follows the money, the tension first
        end = [end[0], *end[2:]]
    for trait in spare:
        longer = [*middle, phrases.of_trait(trait, speaker)]
        if _words([*start, *middle, *end]) >= FEWEST_WORDS or _words([*start, *longer, *end]) > most:
            break
        middle = longer
        taken.append(trait)
    closing = [
        phrases.size(profile, speaker), phrases.core(profile, speaker),
        phrases.like_everyone(profile, speaker) if _alike(profile, [*start, *middle]) else None,
        phrases.open_question(profile, speaker), phrases.outline(profile, speaker),
        phrases.stability(profile, speaker, low_only=False),
    ]  # fmt: skip
    for filler in closing:
        if _words([*start, *middle, *end]) >= FEWEST_WORDS:
            break
        if filler is not None and filler.text not in {draft.text for draft in (*start, *end)}:
            end = [*end, filler]
    return [*start, *middle, *end], tuple(trait for trait in taken if trait.direction != "plain")


def _alike(profile: Profile, told: list[Draft]) -> bool:
    """Whether there are untold facts, and none of them tells the segment apart."""
    names = frozenset[str]().union(*(draft.features for draft in told))
    rest = [fact.effect for name, fact in profile.facts.items() if name not in names and fact.effect is not None]
    return bool(rest) and all(abs(effect.value) < NOTABLE for effect in rest)


def _words(drafts: list[Draft]) -> int:
    return sum(len(draft.text.split()) for draft in drafts)


def story_of(statements: tuple[Statement, ...]) -> str:
    """The story: the statements of the block ``story``, one after the other, nothing added."""
    return " ".join(statement.text for statement in statements if statement.block == "story")
