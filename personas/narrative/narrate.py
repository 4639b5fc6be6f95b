"""Profiles into personas: facts, statements, prose, names, actions; checked before anybody sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from personas.config import Config
from personas.estimate import Estimate, Notice
from personas.narrative import actions, naming
from personas.narrative.checked import stop_on_mismatch
from personas.narrative.distinctness import marked
from personas.narrative.language import Language, load_language, upper_first
from personas.narrative.newsletter import newsletter
from personas.narrative.persona import Known, Persona, Statement
from personas.narrative.phrases import Speaker, rule_words
from personas.narrative.selection import Figures, Trait, figures_of, traits
from personas.narrative.writer import compose, story_of
from personas.profiles.prevalence import Condition, prevalence
from personas.profiles.records import Profile, Profiles

FEWEST_WHO_FIT = 0.3


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A persona before its actions are shared out."""

    profile: Profile
    figures: Figures
    found: tuple[Trait, ...]
    speaker: Speaker
    gender: str | None


def narrate(
    profiles: Profiles,
    basis: tuple[str, ...],
    values: Mapping[str, NDArray[np.generic]],
    labels: NDArray[np.int32],
    snapshot_date: date,
    config: Config,
    known: Known | None = None,
) -> tuple[Persona, ...]:
    """One persona per segment, in the order of the profiles.

    Parameters
    ----------
    profiles : Profiles
    basis : names of the features that formed the segments
    values : raw value of each feature per sampled customer, each (n,)
    labels : (n,) their segments; both only for the prevalence of the whole description
    snapshot_date : the day from which ages count
    config : language and seed are read from it
    known : personas of a former study that keep their id and name

    Raises
    ------
    PersonasError
        When a finished text says what its numbers do not (the checker stops the run).
    """
    language = load_language(config.study.language)
    formed = frozenset(basis) | frozenset(profiles.definitions)
    known = known or Known({}, frozenset(), "")
    sketches = _sketches(profiles, formed, snapshot_date, language, config.study.seed, known)
    shared_out = actions.choose(
        tuple(actions.fitting(s.profile, s.figures, s.found, s.speaker) for s in sketches),
        tuple(actions.proven(s.profile) for s in sketches),
    )
    personas = tuple(
        _persona(sketch, ids, profiles.everyone, formed, values, labels, known)
        for sketch, ids in zip(sketches, shared_out, strict=True)
    )
    personas = marked(personas, values, labels, config.study.seed)
    stop_on_mismatch(personas, language)
    return personas


def _sketches(
    profiles: Profiles, basis: frozenset[str], snapshot_date: date, language: Language, seed: int, known: Known
) -> list[_Sketch]:
    sketches: list[_Sketch] = []
    taken = known.names
    for profile in profiles.segments:
        gender = naming.gender_of(profile, language)
        born = naming.birth_year_of(profile, snapshot_date.year)
        same = known.same.get(profile.segment)
        name = same.name if same else naming.choose_name(gender, born, taken, language, seed)
        taken |= {name}
        speaker = Speaker(name, *naming.pronouns_of(gender, language), language)
        figures = figures_of(profile, profiles.everyone, language)
        found = traits(profile, profiles.everyone, basis, language, only_defining=profiles.only_defining)
        sketches.append(_Sketch(profile, figures, found, speaker, gender))
    return sketches


def _persona(
    sketch: _Sketch,
    action_ids: tuple[str, ...],
    everyone: Profile,
    basis: frozenset[str],
    values: Mapping[str, NDArray[np.generic]],
    labels: NDArray[np.int32],
    known: Known,
) -> Persona:
    profile, speaker, figures = sketch.profile, sketch.speaker, sketch.figures
    statements, told, fitting = _fitting_many(sketch, everyone, basis, values, labels)
    age, tagline = profile.facts.get("age"), naming.tagline_of(_for_tagline(told, sketch.found))
    written = actions.write(action_ids, profile, figures, sketch.found, speaker)
    return Persona(
        id=same.id if (same := known.same.get(profile.segment)) else naming.persona_id(speaker.name, profile),
        segment=profile.segment,
        name=speaker.name,
        tagline=tagline.text,
        tagline_evidence=tagline.evidence,
        age=age.median if age else None,
        age_quartiles=_middle_half(age.low_quartile, age.high_quartile) if age else None,
        gender=sketch.gender,
        place=_place(profile),
        size={
            "customers": profile.customers,
            "share": profile.share,
            "revenue_share": profile.revenue_share,
            "contribution_share": profile.contribution_share,
        },
        archetype=profile.archetype,
        archetype_scores=profile.archetypes,
        rfm=profile.rfm,
        story=story_of(statements),
        statements=statements,
        economics=profile.economics,
        actions=written,
        rule=replace(profile.rule, text=rule_words(profile.rule, profile, speaker)) if profile.rule else None,
        stability=profile.stability,
        stability_word=speaker.language.stability_word(profile.stability.value if profile.stability else None),
        core_share=profile.core_share,
        prevalence=fitting,
        to_find_out=actions.questions(figures, sketch.found, speaker),
        notices=_notices(profile, fitting),
        months=profile.months,
        figures=_drawn_from(figures),
        brief=newsletter(profile, written, speaker),
    )


def _for_tagline(told: tuple[Trait, ...], found: tuple[Trait, ...]) -> tuple[Trait, ...]:
    """The told traits, the strongest first, then the rest."""
    names = {trait.feature.name for trait in told}
    return (*(t for t in found if t.feature.name in names), *(t for t in found if t.feature.name not in names))


def _middle_half(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _place(profile: Profile) -> str | None:
    """The region of at least half the segment; None where nobody region stands out."""
    for name in ("region", "area_type", "country"):
        fact = profile.facts.get(name)
        if fact and fact.levels and fact.known.value >= 0.5:
            level, share = max(fact.levels, key=lambda item: (item[1].value, item[0]))
            if share.value >= 0.5:
                return level
    return None


def _conditions(told: tuple[Trait, ...]) -> tuple[Condition, ...]:
    """What a customer must fulfil to fit a story: on the same side of everyone's figure as the segment."""
    conditions: list[Condition] = []
    for trait in {t.feature.name: t for t in told}.values():
        cut = trait.everyone.value
        if trait.statistic == "level":
            if trait.direction == "high" and trait.level is not None:
                conditions.append((trait.feature.name, trait.level, trait.level))
        elif trait.direction == "high":
            conditions.append((trait.feature.name, cut, None))
        else:
            conditions.append((trait.feature.name, None, cut))
    return tuple(conditions)


def _fitting_many(
    sketch: _Sketch,
    everyone: Profile,
    basis: frozenset[str],
    values: Mapping[str, NDArray[np.generic]],
    labels: NDArray[np.int32],
) -> tuple[tuple[Statement, ...], tuple[Trait, ...], Mapping[str, float]]:
    """The story, its traits and their prevalence; a trait that leaves too few who fit all of them gives way to the
    next.

    Each added trait makes a description fit fewer (method.md 9.5), so at most two are exchanged, the costliest first.
    What the opening tells counts too and stays. No prevalence of a story without a trait that a customer can fulfil.
    """
    found = sketch.found
    for attempt in range(3):
        statements, told, opened = compose(sketch.profile, everyone, found, sketch.figures, sketch.speaker, basis)
        conditions = _conditions((*opened, *told))
        fit = prevalence(values, labels, sketch.profile.segment, conditions)
        if fit["of_segment"] >= FEWEST_WHO_FIT or attempt == 2 or len(told) < 2:
            break
        shares = {
            t.feature.name: prevalence(
                values, labels, sketch.profile.segment, _conditions(tuple(o for o in (*opened, *told) if o is not t))
            )["of_segment"]
            for t in told
        }
        costliest = max(sorted(shares), key=lambda name: shares[name])
        found = tuple(t for t in found if t.feature.name != costliest)
    return statements, told, fit if conditions else {}


def _notices(profile: Profile, fitting: Mapping[str, float]) -> tuple[Notice, ...]:
    notices = []
    if fitting.get("of_segment", 1.0) < FEWEST_WHO_FIT:
        notices.append(Notice("few-fit", "Few members fit every statement of the story.", 0))
    for name in ("followers", "gender", "age"):
        fact = profile.facts.get(name)
        if fact and fact.known.value < 1:
            unknown = round((1 - fact.known.value) * 100)
            if unknown:
                notices.append(
                    Notice(f"{name}-unknown", f"{upper_first(fact.feature.label)} unknown for {unknown}%.", 0)
                )
    return tuple(notices)


def _drawn_from(figures: Figures) -> Mapping[str, Estimate | None]:
    """The facts that the abstract figure is drawn from."""
    names = {"online_share": "online_share", "average_order": "average_order", "reach": "followers"}
    return {key: figures.segment.get(name) for key, name in names.items()}
