"""Stories: what they are made of, and that the checker finds every change of a number, a unit or a comparison."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from personas.config import Config
from personas.errors import PersonasError
from personas.narrative import narrate
from personas.narrative.actions import choose
from personas.narrative.checker import check, stop_on_mismatch
from personas.narrative.language import load_language
from personas.narrative.naming import choose_name
from personas.narrative.persona import Persona
from personas.profiles.records import Profiles
from tests.narrative import shop

CONFIG = Config(study={"name": "Shop", "currency": "USD"}, sources={"orders": {"file": "orders.csv"}})
BASIS = tuple(name for name in shop.FEATURES if name != "age")
ENGLISH = load_language("en")


def told(profiles: Profiles) -> tuple[Persona, ...]:
    values, labels = shop.values(), np.repeat([0, 1], 100).astype(np.int32)
    return narrate(profiles, BASIS, values, labels, date(2026, 11, 1), CONFIG)


@pytest.fixture(scope="module")
def personas() -> tuple[Persona, ...]:
    return told(shop.profiles())


def test_a_story_has_sixty_to_a_hundred_and_twenty_words_made_of_its_statements(personas: tuple[Persona, ...]) -> None:
    for persona in personas:
        assert 60 <= len(persona.story.split()) <= 120
        assert persona.story == " ".join(s.text for s in persona.statements)


def test_the_story_of_the_occasion_buyer_tells_the_occasion_the_place_and_the_amount(
    personas: tuple[Persona, ...],
) -> None:
    story = personas[0].story
    assert story.startswith("A holiday is near, and Joe is in the store.")
    # 310 / 67 = 4.6, in the range of "about five times"
    assert "He orders 3.8 times a year and spends $310 each time, about five times the average." in story


def test_the_story_of_the_small_monthly_buyer_tells_rhythm_and_reach(personas: tuple[Persona, ...]) -> None:
    story = personas[1].story
    assert story.startswith("About once a month, Sarah is in the web shop again.")
    assert "3,000 people follow what she posts, more than ten times the median." in story  # 3000 / 220 = 13.6


def test_forming_features_are_definitions_and_descriptors_are_associations() -> None:
    profiles = shop.profiles()
    by_feature = {e.feature: s.claim for p in told(profiles) for s in p.statements for e in s.evidence}
    assert by_feature["average_order"] == "definition"
    assert by_feature.get("age", "association") == "association"


def test_every_sentence_has_evidence_and_no_sentence_claims_a_cause(personas: tuple[Persona, ...]) -> None:
    for persona in personas:
        assert all(statement.evidence for statement in persona.statements)
        assert not re.search(r"\b(will|causes|drives)\b|because of|leads to", persona.story)


def test_actions_differ_between_personas(personas: tuple[Persona, ...]) -> None:
    assert personas[0].actions[0].id == "occasion_letter"
    assert personas[1].actions[0].id != personas[0].actions[0].id


def test_an_unstable_segment_says_so_in_its_last_sentence() -> None:
    sarah = told(shop.profiles(sarah_stability=0.62))[1]
    assert sarah.statements[-1].text.startswith("On average 62% of her group come together again")
    assert sarah.stability_word == "a pattern, not yet stable"


def test_a_loss_is_told_as_a_cost_to_the_shop() -> None:
    joe = told(shop.profiles(joe_money=-97.0))[0]
    assert "After goods, service and returns he costs the shop $97 a year." in joe.story


def test_without_costs_revenue_is_told_and_never_a_contribution() -> None:
    for persona in told(shop.profiles(joe_money=None)):
        assert "of revenue a year" in persona.story
        assert "After goods" not in persona.story


def _mutations(text: str) -> list[str]:
    """Every number with another digit, every unit exchanged, every comparing word turned round."""
    changed = []
    for match in re.finditer(r"\d+(?:[,.]\d+)*", text):
        for digit in "123789":
            number = digit + match.group()[1:] if match.group()[0] != digit else match.group() + "1"
            changed.append(text[: match.start()] + number + text[match.end() :])
    swaps = [
        ("$", "€"), ("%", " days"), ("times a year", "days a year"), ("people", "orders"), ("brands", "days"),
        ("above the", "below the"), ("below the", "above the"),
        ("about five times", "about twice"), ("more than three times", "about twice"),
        ("more than ten times", "about half"), ("about twice", "less than half"), ("more than twice", "less than half"),
        ("less than half", "about twice"), ("about half", "about three times"),
        ("About once a month", "About once a week"),
        ("of 10,", "of 100,"), ("in the store", "in the web shop"),
    ]  # fmt: skip
    changed += [text.replace(old, new, 1) for old, new in swaps if old in text]
    return changed


def test_the_checker_finds_every_changed_digit_unit_and_comparison(personas: tuple[Persona, ...]) -> None:
    tried = 0
    for persona in personas:
        for i, statement in enumerate(persona.statements):
            for text in _mutations(statement.text):
                statements = list(persona.statements)
                statements[i] = replace(statement, text=text)
                forged = replace(
                    persona, statements=tuple(statements), story=persona.story.replace(statement.text, text)
                )
                tried += 1
                assert check(forged, ENGLISH), f"{statement.text!r} passed as {text!r}"
    assert tried > 100


def test_a_trait_that_few_share_gives_way_to_the_next_or_the_card_warns() -> None:
    values = shop.values()
    values["effort_score"][:100] = 1.0  # no Joe is above the average of 3.1: with this trait nobody fits everything
    labels = np.repeat([0, 1], 100).astype(np.int32)
    joe = narrate(shop.profiles(), BASIS, values, labels, date(2026, 11, 1), CONFIG)[0]
    assert "effort" not in joe.story
    assert joe.prevalence["of_segment"] == 1.0
    nobody = {name: np.zeros(200) if name in shop.JOE else column for name, column in values.items()}
    joe = narrate(shop.profiles(), BASIS, nobody, labels, date(2026, 11, 1), CONFIG)[0]
    assert "few-fit" in {notice.code for notice in joe.notices}


def test_the_checker_stops_the_run_when_the_story_says_more_than_its_statements(personas: tuple[Persona, ...]) -> None:
    forged = replace(personas[0], story=personas[0].story + " He is delighted.")
    with pytest.raises(PersonasError, match="not made of its statements only"):
        stop_on_mismatch([forged], ENGLISH)


def test_a_gender_recorded_for_too_few_is_not_stated() -> None:
    profiles = shop.profiles()
    joe = profiles.segments[0]
    unsure = replace(joe, facts={**joe.facts, "gender": shop.gender(0.8, "male", known=0.5)})
    persona = told(replace(profiles, segments=(unsure, profiles.segments[1])))[0]
    assert persona.gender is None
    assert " They " in persona.story


def test_names_come_from_the_birth_cohort_and_are_never_used_twice() -> None:
    first = choose_name("female", 2007, frozenset(), ENGLISH, seed=0)
    assert first == "Sarah"
    assert choose_name("female", 2007, frozenset({first}), ENGLISH, seed=0) == "Ava"
    taken: frozenset[str] = frozenset()
    for _ in range(60):
        taken |= {choose_name("male", 1988, taken, ENGLISH, seed=3)}
    assert len(taken) == 60


def test_the_persona_with_fewest_choices_picks_its_action_first() -> None:
    assert choose((("a", "b"), ("a",), ())) == (("b", "a"), ("a",), ())
