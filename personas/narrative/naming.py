"""Fictional names, pronouns and tag lines."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from personas.narrative.formatting import figure
from personas.narrative.language import Language, fill, upper_first
from personas.narrative.persona import Evidence
from personas.narrative.phrases import evidence_of, quoted_if_odd
from personas.narrative.plans import Told
from personas.narrative.selection import Trait
from personas.profiles.records import Profile

SMALLEST_GENDER_SHARE = 0.6
MOST_TAG_WORDS = 12
NOTHING_STANDS_OUT = "Close to the average customer"


def gender_of(profile: Profile, language: Language) -> str | None:
    """``female`` or ``male`` when recorded of at least 60% of the segment, those of unknown gender counted; else
    None.
    """
    fact = profile.facts.get("gender")
    for level, share in fact.levels if fact else ():
        if fact and share.value * fact.known.value >= SMALLEST_GENDER_SHARE:
            for gender, words in language.gender_words.items():
                if level.strip().lower() in words:
                    return gender
    return None


def birth_year_of(profile: Profile, snapshot_year: int) -> int | None:
    """Year of birth of the median customer; None where the age is unknown."""
    age = profile.facts.get("age")
    return snapshot_year - round(age.median.value) if age and age.median else None


def choose_name(gender: str | None, born: int | None, taken: frozenset[str], language: Language, seed: int) -> str:
    """A name that is common in the birth cohort, none used twice in a study.

    Taken in the order of the language's list, starting at ``seed``; without a recorded gender from the neutral names.
    """
    names: Any = language.names
    if gender is None:
        pools = [names["other"]]
    else:
        cohorts = sorted(names[gender])
        at = max((i for i, year in enumerate(cohorts) if born is None or year <= born), default=0)
        nearest = sorted(range(len(cohorts)), key=lambda i: (abs(i - (len(cohorts) // 2 if born is None else at)), i))
        pools = [names[gender][cohorts[i]] for i in nearest] + [names["other"]]
    for pool in pools:
        for i in range(len(pool)):
            name: str = pool[(i + seed) % len(pool)]
            if name not in taken:
                return name
    number = sum(1 for name in taken if name.startswith(pools[-1][0])) + 1
    return f"{pools[-1][0]} {number}"


def persona_id(name: str, profile: Profile) -> str:
    """A stable slug: the name and four digits from the content of the profile, never from the clock or an order."""
    content = ";".join(
        f"{key}={fact.mean.value:.6g}" for key, fact in sorted(profile.facts.items()) if fact.mean is not None
    )
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "persona"
    return f"{slug}-{hashlib.sha256(f'{content};{profile.customers.value:.0f}'.encode()).hexdigest()[:4]}"


def pronouns_of(gender: str | None, language: Language) -> tuple[Mapping[str, str], bool]:
    """The pronouns, and whether their verbs are in the plural."""
    return language.pronouns[gender or "other"], gender is None


def tagline_of(chosen: tuple[Trait, ...]) -> Told:
    """At most twelve words from the strongest traits, with their figures: "Buys for an occasion, in the store"."""
    pieces: dict[str, Evidence] = {}
    for trait in chosen:
        piece = tag_of(trait)
        words = " ".join([*pieces, piece]).split()
        if piece and piece not in pieces and len(words) <= MOST_TAG_WORDS and len(pieces) < 3:
            pieces[piece] = evidence_of(trait)
    return Told(upper_first(", ".join(pieces)), tuple(pieces.values())) if pieces else Told(NOTHING_STANDS_OUT)


def tag_of(trait: Trait) -> str:
    """The piece of a tag line that a trait gives; empty when it has none."""
    template = trait.phrase.tag.get(trait.direction, "")
    slots = {
        "v": figure(trait.segment.value, trait.segment.unit),
        "level": quoted_if_odd((trait.level or "").replace("_", " ")),
        "label": quoted_if_odd(trait.feature.label),
    }
    return fill(template, slots)
