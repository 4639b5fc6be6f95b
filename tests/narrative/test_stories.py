"""Stories: what they are made of, and that the checker finds every change of a number, a unit or a comparison."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from personas.config import Config
from personas.errors import PersonasError
from personas.estimate import Estimate, exact
from personas.features.feature import Feature
from personas.narrative import narrate
from personas.narrative.actions import choose
from personas.narrative.checked import check, stop_on_mismatch
from personas.narrative.language import load_language
from personas.narrative.naming import choose_name
from personas.narrative.persona import Persona
from personas.narrative.phrases import versus
from personas.profiles.money_records import Claim
from personas.profiles.records import Economics, Fact, Profiles
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


def test_whatever_is_told_of_a_forming_feature_is_a_definition(personas: tuple[Persona, ...]) -> None:
    claims = [(e.feature, s.claim) for p in personas for s in p.statements for e in s.evidence if e.feature in BASIS]
    assert len(claims) > 10 and {claim for _, claim in claims} == {"definition"}


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


def test_what_the_opening_tells_counts_among_what_a_customer_must_fit() -> None:
    values = shop.values()
    values["average_order"][:50] = 20.0  # half of the Joes spend less than the average of $67
    joe = narrate(shop.profiles(), BASIS, values, np.repeat([0, 1], 100).astype(np.int32), date(2026, 11, 1), CONFIG)[0]
    assert "spends $310 each time" in joe.story
    assert joe.prevalence == {"of_segment": 0.5, "of_customers": 0.25}


def test_a_story_without_anything_to_fit_has_no_prevalence() -> None:
    profiles = shop.profiles()
    plain = {name: replace(fact, effect=None) for name, fact in profiles.segments[0].facts.items()}
    joe = told(replace(profiles, segments=(replace(profiles.segments[0], facts=plain), profiles.segments[1])))[0]
    assert joe.prevalence == {} and "few-fit" not in {notice.code for notice in joe.notices}


def test_the_checker_stops_the_run_when_the_story_says_more_than_its_statements(personas: tuple[Persona, ...]) -> None:
    forged = replace(personas[0], story=personas[0].story + " He is delighted.")
    with pytest.raises(PersonasError, match="not made of its statements only"):
        stop_on_mismatch([forged], ENGLISH)


def test_a_gender_recorded_for_too_few_is_not_stated() -> None:
    profiles = shop.profiles()
    joe = profiles.segments[0]

    def joe_of(share: float, known: float) -> Persona:
        unsure = replace(joe, facts={**joe.facts, "gender": shop.gender(share, "male", known=known)})
        return told(replace(profiles, segments=(unsure, profiles.segments[1])))[0]

    assert " They " in joe_of(0.8, 0.5).story and joe_of(0.8, 0.5).gender is None
    # Of the whole segment: 80% of 74% are 59.2%, 80% of 75% are 60%.
    assert (joe_of(0.8, 0.74).gender, joe_of(0.8, 0.75).gender) == (None, "male")


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


def test_an_action_is_given_up_where_another_persona_has_no_other() -> None:
    # the second would take a, the third c; then nothing is left for the fourth unless the first moves on to d
    fitting = (("b", "d"), ("a", "b"), ("c", "a"), ("a", "c"))
    firsts = [ids[0] for ids in choose(fitting)]
    assert len(set(firsts)) == 4 and all(mine in own for mine, own in zip(firsts, fitting, strict=True))
    assert [ids[0] for ids in choose((("a",), ("a",)))] == ["a", "a"]  # nothing else fits


def test_what_a_test_has_proven_stays_first_and_others_take_something_else() -> None:
    chosen = choose((("a", "b"), ("a", "b")), (frozenset(), frozenset({"a"})))
    assert [ids[0] for ids in chosen] == ["b", "a"]


def given_fact(name: str, label: str, unit: str, value: float, effect: float) -> Fact:
    """A column of the shop's own, as it stands."""
    feature = Feature(name, name, "customers", unit, label, "as it stands", "psychographics")
    figure = Estimate(value, value, value, unit, 500, "exact")
    return Fact(
        feature, exact(1.0, "share", 500), figure, figure, effect=Estimate(effect, effect, effect, "d", 500, "")
    )


def flag_fact(yes: float, n: int, effect: float | None) -> Fact:
    """A yes or no column whose strongest level is the no."""
    feature = Feature("support", "", "customers", "category", "support", "as it stands", "service", shape="category")
    levels = (("no", exact(1 - yes, "share", n)), ("yes", exact(yes, "share", n)))
    phi = None if effect is None else Estimate(effect, effect, effect, "phi", n, "")
    return Fact(feature, exact(1.0, "share", n), levels=levels, effect=phi, effect_level="no")


def given_shop() -> Profiles:
    """Two groups of a shop without orders: income and visits are told, support is a flag."""
    made = shop.profiles()
    facts = [
        {"income": given_fact("income", "yearly income", "k$", income, sign * 0.8),
         "visits": given_fact("visits", "visits to the fair", "visits", visits, sign * 0.7),
         "support": flag_fact(yes, 500, -sign * 0.5)}
        for income, visits, yes, sign in ((90.0, 6.0, 0.8, 1), (30.0, 2.0, 0.2, -1))
    ]  # fmt: skip
    everyone = {
        "income": given_fact("income", "yearly income", "k$", 60.0, 0.0),
        "visits": given_fact("visits", "visits to the fair", "visits", 4.0, 0.0),
        "support": flag_fact(0.5, 1000, None),
    }
    none = Economics("none")
    support = Claim("support", "yes", Estimate(0.5, 0.4, 0.6, "delta", 500, "simultaneous, 95%"), 0.01)
    segments = tuple(
        replace(p, facts=own, economics=none, months=None, claims={"support=yes": support})
        for p, own in zip(made.segments, facts, strict=True)
    )
    return replace(made, segments=segments, everyone=replace(made.everyone, facts=everyone, economics=none))


def told_of_given() -> tuple[Persona, ...]:
    labels = np.repeat([0, 1], 100).astype(np.int32)
    values = {"income": np.repeat([90.0, 30.0], 100), "visits": np.repeat([6.0, 2.0], 100)}
    values["support"] = np.repeat(np.array(["yes", "no"], dtype=object), 100)
    return narrate(given_shop(), ("income", "visits"), values, labels, date(2026, 11, 1), CONFIG)


def test_given_columns_are_told_in_sentences() -> None:
    rich, poor = (persona.story for persona in told_of_given())
    assert "yearly income is 90 k$, above the average of 60." in rich
    assert "6 visits to the fair on average, above the average of 4." in rich  # the label begins with its unit
    assert "20% of their group are marked “support”, less than half the usual share." in poor  # .2 / .5 = .4
    assert "“no”" not in rich + poor


def test_actions_about_given_columns_differ_and_are_never_two_of_one_kind() -> None:
    personas = told_of_given()
    assert personas[0].actions[0].title != personas[1].actions[0].title
    for persona in personas:
        kinds = [action.id for action in persona.actions]
        assert len(set(kinds)) == len(kinds)


def test_a_segment_is_not_called_like_everyone_while_something_untold_tells_it_apart() -> None:
    for persona in told_of_given():
        assert "In everything else" not in persona.story


def test_close_to_the_average_is_said_within_a_tenth_only() -> None:
    one = Estimate(55.0, 55.0, 55.0, "k$", 10, "")
    assert versus(one, replace(one, value=60.0), "mean", ENGLISH, plain=True) == "close to the average"  # .917
    assert versus(one, replace(one, value=62.0), "mean", ENGLISH, plain=True) == "against the average of 62"  # .887
