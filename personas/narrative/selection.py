"""Which facts may be said: large enough, wide enough known, and told from different sides of the customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from personas.estimate import Estimate
from personas.features.feature import Feature
from personas.narrative.formatting import figure
from personas.narrative.language import Conditions, Language, Phrase
from personas.profiles.contrast import lift
from personas.profiles.records import Fact, Profile

SMALLEST_DELTA = 0.33
"""Cliff's delta from which a difference is told (method.md 9.2)."""
SMALLEST_DIFFERENCE = 0.1
"""Of everyone's figure: 363 days against 360 may be a strong effect and is no difference to a reader."""
SMALLEST_KNOWN = 0.5
"""Share of the segment whose value must be known before it may be told."""
NOTHING = ("0", "0%", "<0.1%")
"""Printed figures that no sentence is made of: "0 people follow him" tells of a lack of data as much as of a
customer.
"""
NOTABLE = 0.2
"""Smallest |effect| for a comparison inside a condition (tension, action, question)."""


@dataclass(frozen=True, slots=True)
class Trait:
    """A fact that may be told of a segment, with how to say it."""

    feature: Feature
    direction: str
    """high or low, against everyone; plain when it does not stand out."""
    effect: float
    claim: str
    """definition (it formed the segments) or association (it did not)."""
    statistic: str
    segment: Estimate
    everyone: Estimate
    phrase: Phrase
    level: str | None = None
    drawn: bool = False
    """Whether the same cut through data without structure makes differences as large (method.md 9.3)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a segment and of everyone, by name, for conditions: features and ``contribution``."""

    segment: Mapping[str, Estimate]
    everyone: Mapping[str, Estimate]
    effects: Mapping[str, float]

    def holds(self, conditions: Conditions) -> bool:
        """Whether all conditions are met; an unknown figure meets none."""
        for name, (low, high) in conditions.needs.items():
            if name not in self.segment or not low <= self.segment[name].value <= high:
                return False
        for compared, sign in ((conditions.above, 1), (conditions.below, -1)):
            if compared and sign * self.effects.get(compared, 0.0) < NOTABLE:
                return False
        return True


def figures_of(profile: Profile, everyone: Profile, language: Language) -> Figures:
    """The figures that conditions may ask about."""
    segment, all_of, effects = {}, {}, {}
    for name, fact in profile.facts.items():
        statistic = language.features[name].statistic if name in language.features else "mean"
        mine, theirs = centre(fact, statistic), centre(everyone.facts.get(name), statistic)
        if mine and theirs and fact.known.value >= SMALLEST_KNOWN:
            segment[name], all_of[name] = mine, theirs
            effects[name] = fact.effect.value if fact.effect else 0.0
    mine, theirs = profile.economics.contribution, everyone.economics.contribution
    if mine and theirs:
        segment["contribution"], all_of["contribution"] = mine, theirs
        effects["contribution"] = 1.0 if mine.value > theirs.value else -1.0
    return Figures(segment, all_of, effects)


def centre(fact: Fact | None, statistic: str) -> Estimate | None:
    """The mean or the median of a fact."""
    if fact is None:
        return None
    return fact.median if statistic == "median" else fact.mean


def traits(
    profile: Profile, everyone: Profile, basis: frozenset[str], language: Language, *, only_defining: bool = False
) -> tuple[Trait, ...]:
    """Everything that may be told of a segment, the strongest first.

    A number is told when |Cliff's delta| >= 0.33; a category level when its lift against the rest is at least 1.25 or
    at most 0.8, the difference at least 5 points and at least 30 customers carry it (method.md 9.2). An association is
    told only when its claim was tested and holds; with ``only_defining``, a forming feature that differs no more than
    in structureless data is marked as ``drawn`` by us: what the cut was made by is told, but not as a finding.
    """
    found = []
    for name, fact in profile.facts.items():
        if name in language.not_traits or fact.known.value < SMALLEST_KNOWN or fact.effect is None:
            continue
        claim = "definition" if name in basis or basis & set(fact.feature.derived_from) else "association"
        trait = (_of_level if fact.levels else _of_number)(fact, everyone.facts[name], claim, language)
        if trait is not None and trait.phrase.said(trait.direction) and _holds(trait, profile):
            ours = only_defining and claim == "definition" and not profile.defining.get(name, False)
            found.append(replace(trait, drawn=ours))
    return ranked(found, language)


def _holds(trait: Trait, profile: Profile) -> bool:
    """Whether the difference was proven as far as its class of claim asks for it."""
    name = trait.feature.name
    if trait.claim == "definition":
        return True
    return proven(profile, name if trait.statistic != "level" else f"{name}={trait.level}")


def proven(profile: Profile, name: str) -> bool:
    """Whether the difference of a feature that did not form the segments was tested and holds."""
    claim = profile.claims.get(name)
    return claim is not None and claim.holds


def ranked(found: Iterable[Trait], language: Language) -> tuple[Trait, ...]:
    """The strongest first; among equally strong ones (to one decimal) the order of the language file."""
    order = {name: i for i, name in enumerate(language.features)}
    return tuple(
        sorted(found, key=lambda t: (-round(abs(t.effect), 1), order.get(t.feature.name, len(order)), t.feature.name))
    )


def plain_facts(profile: Profile, everyone: Profile, basis: frozenset[str], language: Language) -> tuple[Trait, ...]:
    """Facts that do not stand out, for segments of which little else is known: the forming features first."""
    found = []
    for name, fact in profile.facts.items():
        hidden = name in language.not_traits and name not in language.fillers
        if hidden or fact.known.value < SMALLEST_KNOWN:
            continue
        claim = "definition" if name in basis or basis & set(fact.feature.derived_from) else "association"
        if fact.levels:
            found += _plain_level(fact, everyone.facts.get(name), claim, language)
            continue
        phrase, level = phrase_of(fact.feature, language)
        mine, theirs = centre(fact, phrase.statistic), centre(everyone.facts.get(name), phrase.statistic)
        if mine is None or theirs is None or not phrase.text or figure(mine.value, mine.unit) in NOTHING:
            continue
        strong = _of_number(fact, everyone.facts[name], claim, language) if name in language.fillers else None
        plain = Trait(fact.feature, "plain", _effect(fact), claim, phrase.statistic, mine, theirs, phrase, level)
        found.append(strong or plain)
    return tuple(sorted(found, key=lambda t: (t.feature.name not in basis, t.feature.name not in language.fillers)))


def _plain_level(fact: Fact, everyone: Fact | None, claim: str, language: Language) -> list[Trait]:
    """The most frequent level of a filler such as gender; nothing for other categories."""
    if fact.feature.name not in language.fillers or everyone is None:
        return []
    level, mine = max(fact.levels, key=lambda item: (item[1].value, item[0]))
    theirs, phrase = dict(everyone.levels).get(level), language.features.get(fact.feature.name)
    if theirs is None or phrase is None:
        return []
    return [Trait(fact.feature, "plain", _phi(mine, theirs) or 0.0, claim, "level", mine, theirs, phrase, level)]


def _effect(fact: Fact) -> float:
    return fact.effect.value if fact.effect else 0.0


def _of_number(fact: Fact, everyone: Fact, claim: str, language: Language) -> Trait | None:
    phrase, level = phrase_of(fact.feature, language)
    statistic = phrase.statistic
    mine, theirs = centre(fact, statistic), centre(everyone, statistic)
    if mine is None or theirs is None or fact.effect is None or abs(fact.effect.value) < SMALLEST_DELTA:
        return None
    if not _worth_telling(mine, theirs) or (mine.value > theirs.value) != (fact.effect.value > 0):
        return None
    direction = "high" if mine.value > theirs.value else "low"
    return Trait(fact.feature, direction, fact.effect.value, claim, statistic, mine, theirs, phrase, level)


def _worth_telling(mine: Estimate, theirs: Estimate) -> bool:
    """Whether a reader would see a difference: not two equal prints, not 363 days against 360, not a mere zero."""
    if abs(mine.value - theirs.value) < SMALLEST_DIFFERENCE * abs(theirs.value):
        return False
    return figure(mine.value, mine.unit) not in (figure(theirs.value, theirs.unit), *NOTHING)


def _of_level(fact: Fact, everyone: Fact, claim: str, language: Language) -> Trait | None:
    level, effect = _told_level(fact, everyone, language)
    mine = dict(fact.levels).get(level or "")
    theirs = dict(everyone.levels).get(level or "")
    if level is None or mine is None or theirs is None or effect is None or theirs.value == 0:
        return None
    rest = _rest(mine, theirs)
    if rest is None:
        return None
    ratio, more = lift(mine.value, rest), mine.value > rest
    carriers = mine.value * mine.n if more else theirs.value * theirs.n - mine.value * mine.n
    if (ratio is not None and 0.8 < ratio < 1.25) or abs(mine.value - rest) < 0.05 or carriers < 30:
        return None
    if figure(mine.value, mine.unit) in NOTHING:
        return None
    kind = "yes" if level.strip().lower() in language.yes_levels else "category"
    phrase = language.generic[kind]
    return Trait(fact.feature, "high" if more else "low", effect, claim, "level", mine, theirs, phrase, level)


def _told_level(fact: Fact, everyone: Fact, language: Language) -> tuple[str | None, float | None]:
    """The level that a category is told by, and its phi.

    Of yes and no always the yes, so that nobody reads "not no"; where the strongest level is one that the segment
    lacks, the level that most of it has instead.
    """
    level, effect = fact.effect_level, fact.effect.value if fact.effect else None
    mine, theirs = dict(fact.levels), dict(everyone.levels)
    if level is None or effect is None or level not in mine or level not in theirs:
        return None, None
    yes = [name for name in mine if name.strip().lower() in language.yes_levels]
    most = max(mine, key=lambda name: (mine[name].value, name))
    if len(mine) == 2 and len(yes) == 1:
        told = yes[0]
    else:
        told = most if mine[level].value < theirs[level].value and mine[most].value >= 0.5 else level
    return told, effect if told == level else _phi(mine[told], theirs.get(told))


def _phi(mine: Estimate, theirs: Estimate | None) -> float | None:
    """Phi of one level against all others, from its shares in the segment and among everyone."""
    outside = None if theirs is None or not 0 < theirs.value < 1 else _rest(mine, theirs)
    if theirs is None or outside is None:
        return None
    inside = mine.n / theirs.n
    scale = inside * (1 - inside) / (theirs.value * (1 - theirs.value))
    return float((mine.value - outside) * scale**0.5)


def _rest(mine: Estimate, theirs: Estimate) -> float | None:
    """The share of the level among all others; None where there is nobody else."""
    if not 0 < mine.n < theirs.n:
        return None
    inside = mine.n / theirs.n
    return (theirs.value - inside * mine.value) / (1 - inside)


def is_counted(feature: Feature) -> bool:
    """Whether the label begins with the unit, so that the two read as one: "4.5 purchases by catalogue"."""
    plain = all(ch.isalpha() or ch in " ,-’'&" for ch in feature.label)
    return plain and feature.unit not in ("", "share") and f"{feature.label} ".startswith(f"{feature.unit} ")


def phrase_of(feature: Feature, language: Language) -> tuple[Phrase, str | None]:
    """How a numeric feature is said, and the product category it speaks of, if it does."""
    if feature.name in language.features:
        return language.features[feature.name], None
    if feature.name.startswith("category_share_"):
        return language.features["category_share"], feature.label.rpartition(" on ")[2]
    kind = "share" if feature.unit == "share" else "counted" if is_counted(feature) else "number"
    return language.generic[kind], None


def spread_over_families(found: tuple[Trait, ...], count: int, used: frozenset[str]) -> tuple[Trait, ...]:
    """The strongest ``count`` traits, one per family first, without those of ``used``; in the order of ``found``."""
    free = [trait for trait in found if trait.feature.name not in used]
    chosen: list[Trait] = []
    seen: set[str] = set()
    for trait in free:
        if trait.feature.family not in seen and len(chosen) < count:
            chosen.append(trait)
            seen.add(trait.feature.family)
    chosen += [trait for trait in free if trait not in chosen][: count - len(chosen)]
    return tuple(trait for trait in found if trait in chosen)
