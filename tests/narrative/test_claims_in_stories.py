"""Stories tell only what holds, tell segments apart, and say how an action is tested."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from personas.estimate import Estimate, exact
from personas.narrative import narrate
from personas.narrative.checked import check
from personas.narrative.distinctness import swap_test
from personas.narrative.naming import NOTHING_STANDS_OUT, pronouns_of
from personas.narrative.persona import Evidence, Persona
from personas.narrative.phrases import Draft, Speaker
from personas.narrative.selection import traits
from personas.narrative.writer import _fitted
from personas.profiles.money_records import Claim, TestPlan
from personas.profiles.records import Fact, Profile, Profiles
from tests.narrative import shop
from tests.narrative.test_stories import BASIS, CONFIG, ENGLISH, told


def with_segment(profiles: Profiles, place: int, **fields: Any) -> Profiles:
    segments = list(profiles.segments)
    segments[place] = replace(segments[place], **fields)
    return replace(profiles, segments=tuple(segments))


def claim(name: str, p: float) -> Claim:
    return Claim(name, None, Estimate(-0.95, -0.99, -0.9, "delta", 500, "simultaneous, 95%"), p)


def told_with_home(profiles: Profiles) -> tuple[Persona, ...]:
    values = {**shop.values(), "home": np.repeat(["own", "rent"], 100).astype(object)}
    return narrate(profiles, BASIS, values, np.repeat([0, 1], 100).astype(np.int32), date(2026, 11, 1), CONFIG)


def features_of(persona: Persona) -> set[str]:
    return {e.feature for s in persona.statements for e in s.evidence}


def with_home(profiles: Profiles) -> Profiles:
    """Sarah rents, most others do not: a strong association."""

    def home(share: float, effect: float, n: int = 500) -> Fact:
        made = shop.gender(share, "rent", n=n)
        feature = replace(made.feature, name="home", label="home", family="demographics", role="profile")
        return replace(made, feature=feature, effect=Estimate(effect, effect, effect, "phi", 500, "exact"),
                       effect_level="rent")  # fmt: skip

    joe, sarah = profiles.segments
    everyone = replace(profiles.everyone, facts={**profiles.everyone.facts, "home": home(0.4, 0.0, 2000)})
    return replace(
        profiles, everyone=everyone,
        segments=(joe, replace(sarah, facts={**sarah.facts, "home": home(0.98, 0.99)})),
    )  # fmt: skip


@pytest.mark.parametrize(("p", "holds"), [(0.01, True), (0.2, False)])
def test_an_association_is_told_only_when_its_claim_holds(p: float, holds: bool) -> None:
    tested = Claim("home", "rent", Estimate(0.6, 0.5, 0.7, "delta", 500, "simultaneous, 95%"), p)
    profiles = with_segment(with_home(shop.profiles()), 1, claims={"home=rent": tested})
    statements = told_with_home(profiles)[1].statements
    told_as = [s.claim for s in statements for e in s.evidence if e.feature == "home=rent"]
    assert told_as == (["association"] if holds else [])


def test_an_association_that_nobody_tested_is_not_told() -> None:
    assert not any(f.startswith("home") for f in features_of(told_with_home(with_home(shop.profiles()))[1]))


@pytest.mark.parametrize(("p", "told_of"), [(0.01, True), (0.2, False)])
def test_a_tension_about_a_feature_that_did_not_form_the_segments_needs_a_claim_that_holds(
    p: float, told_of: bool
) -> None:
    tested = Claim("occasion_share", None, Estimate(0.9, 0.8, 0.95, "delta", 500, "simultaneous, 95%"), p)
    profiles = with_segment(shop.profiles(), 0, claims={"occasion_share": tested})
    basis = tuple(name for name in BASIS if name != "occasion_share")
    labels = np.repeat([0, 1], 100).astype(np.int32)
    joe = narrate(profiles, basis, shop.values(), labels, date(2026, 11, 1), CONFIG)[0]
    claims = [s.claim for s in joe.statements if "silence between the holidays" in s.text]
    assert claims == (["association"] if told_of else [])


def test_a_tension_about_forming_features_is_a_definition() -> None:
    said = {s.text: s.claim for persona in told(shop.profiles()) for s in persona.statements if "tension" in s.text}
    assert said and set(said.values()) == {"definition"}


def test_a_level_is_compared_with_the_rest_and_not_with_everyone() -> None:
    # 800 of 1,000 are in the segment: 60% of them rent, 50% of everyone do, so (500 - 480) / 200 = 10% of the rest.
    # Against everyone that is 1.2 times and too little to tell, against the rest six times.
    def home(share: float, n: int) -> Fact:
        made = shop.gender(share, "rent", n=n)
        return replace(made, feature=replace(made.feature, name="home", label="home"), effect=exact(0.4, "phi", n),
                       effect_level="rent")  # fmt: skip

    mine = shop.profile(0, {"home": home(0.6, 800)}, shop.money(None))
    everyone = shop.profile(-1, {"home": home(0.5, 1000)}, shop.money(None))
    found = traits(mine, everyone, frozenset({"home"}), ENGLISH)
    assert [(t.level, t.direction) for t in found] == [("rent", "high")]


def test_where_structure_is_not_proven_what_our_cut_made_is_told_as_drawn_by_us() -> None:
    profiles = replace(shop.profiles(), only_defining=True)
    profiles = with_segment(profiles, 1, defining={"followers": True, "average_order": True})
    sarah = told(profiles)[1]
    drawn = {evidence.feature: s.drawn for s in sarah.statements for evidence in s.evidence}
    assert drawn["followers"] is False and drawn["brands_followed"] is True
    assert sarah.story.count("As we drew the group, ") == 1, "said once, before the first of them"
    assert not any(s.drawn for p in told(shop.profiles()) for s in p.statements), "proven structure needs no such words"


def test_a_derived_descriptor_is_a_definition() -> None:
    profiles = replace(with_home(shop.profiles()), definitions=("home",))
    statements = told_with_home(profiles)[1].statements
    assert {s.claim for s in statements for e in s.evidence if e.feature.startswith("home")} == {"definition"}


def test_no_p_value_of_a_forming_feature_is_in_any_document() -> None:
    profiles = with_segment(shop.profiles(), 1, claims={"age": claim("age", 0.01)})
    for persona in told(profiles):
        assert not re.search(r"\bp\s*[<=]|significan", persona.story)


def test_each_story_is_matched_to_its_own_row_and_a_twin_is_not() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 200).astype(np.int32)
    values = {"a": labels * 3.0 + random.normal(size=600), "b": random.normal(size=600)}
    assert swap_test({0: ("a",), 1: ("a", "b"), 2: ("a",)}, values, labels, 3) == {0: 0, 1: 1, 2: 2}
    level = np.where(labels == 2, "x", "y").astype(object)
    assert swap_test({0: ("c=x",), 2: ("c=x",)}, {"c": level}, labels, 3) == {0: 0, 2: 2}
    # the story of 0 tells nothing but what 1 has too: the nearest row is a matter of luck, or of 1 in this draw
    twins = {s: swap_test({0: ("b",), 1: ("b",)}, {"b": values["b"]}, labels, s)[0] for s in range(20)}
    assert set(twins.values()) == {0, 1}


def test_a_story_that_fits_another_segment_says_that_they_could_be_one() -> None:
    values, labels = shop.values(), np.repeat([0, 1], 100).astype(np.int32)
    personas = narrate(shop.profiles(), BASIS, values, labels, date(2026, 11, 1), CONFIG)
    assert not any(n.code == "could-be-one" for p in personas for n in p.notices)
    alike = {name: np.repeat(column[:1], 200) for name, column in values.items()}  # Sarah's customers are all like Joe
    joe, sarah = narrate(shop.profiles(), BASIS, alike, labels, date(2026, 11, 1), CONFIG)
    assert [n.text for n in sarah.notices if n.code == "could-be-one"] == [
        "The figures of this story fit Joe as well: these two could be one."
    ]
    assert not any(n.code == "could-be-one" for n in joe.notices)


def test_an_action_says_when_it_pays_and_how_it_is_tested() -> None:
    joe = shop.profiles().segments[0]
    worth = replace(joe.economics, break_even=Estimate(6.2, 5.8, 6.9, "orders/year per 100", 500, "bootstrap-t, 95%"))
    plan = TestPlan(0.38, 0.06, 0.37, 230, 13, too_small=False)
    grew = exact(0.41, "share", 400)
    personas = told(with_segment(shop.profiles(), 0, economics=worth, test=plan, grew=grew))
    action = personas[0].actions[0]
    assert action.breaks_even == (
        "at 6.2 extra orders a year per 100 customers. Without any action, 41% of the 400 customers who had bought in "
        "the window before left that much more in this one, from which the personas were formed too."
    )
    shown = "230 and 230 customers are enough to show 0.37 extra orders a year each in 13 weeks; "
    assert action.test == shown + "0.38 extra orders are worth seeing"
    assert len(personas[0].actions) > 1 and {other.test for other in personas[0].actions} == {action.test}
    small = told(with_segment(shop.profiles(), 0, test=replace(plan, visible=0.6, too_small=True)))[0].actions[0]
    assert small.test.startswith("too small to test: 230 and 230") and small.breaks_even == ""


def test_the_newsletter_of_the_occasion_buyer_waits_for_the_occasion() -> None:
    brief, other = (persona.brief for persona in told(shop.profiles()))
    assert brief is not None and other is not None
    assert brief.timing == "before an occasion: 71% of the orders fall into the days before a holiday"
    assert brief.offer == "no percent off: 92% of the orders are at full price"  # 1 - 0.08
    assert "No percent off." in brief.do_not and "No issue between the occasions." in brief.do_not
    assert brief.angle != other.angle


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"tea": 0.12, "cups": 0.09}, "the whole range: the largest part, tea, takes 12% of the money"),
        ({"tea": 0.12, "cups": 0.5, "cakes": 0.2}, "cups, 50% of the money; cakes, 20% of the money"),
    ],
)
def test_the_newsletter_names_the_categories_or_that_none_stands_out(shares: dict[str, float], said: str) -> None:
    profiles = shop.profiles()
    model = profiles.everyone.facts["brand_concentration"]

    def facts(profile: Profile) -> dict[str, Fact]:
        own = dict(profile.facts)
        for name, value in shares.items():
            feature = replace(model.feature, name=f"category_share_{name}", label=f"spent on {name}", role="profile")
            told = exact(value, "share", 500)
            own[feature.name] = replace(model, feature=feature, mean=told, median=told, effect=None)
        return own

    made = [replace(p, facts=facts(p)) for p in (profiles.everyone, *profiles.segments)]
    sarah = told(replace(profiles, everyone=made[0], segments=tuple(made[1:])))[1]
    assert sarah.brief is not None and sarah.brief.categories == said and not check(sarah, ENGLISH)


def random_profiles(seed: int) -> Profiles:
    """Two segments and everyone with random figures: any size, any effect, any loss."""
    random = np.random.default_rng(seed)
    made = shop.profiles(joe_money=float(random.uniform(-200, 900)), sarah_stability=float(random.uniform(0.4, 1)))

    def shaken(fact: Fact) -> Fact:
        if fact.mean is None:
            return fact
        factor = float(random.lognormal(0, 0.7))
        value = fact.mean.value * factor
        if fact.feature.unit == "share":
            value = float(random.uniform(0, 1))
        elif fact.feature.unit == "score 1-10":
            value = float(random.uniform(1, 10))
        figure = Estimate(value, value * 0.9, value * 1.1, fact.mean.unit, fact.mean.n, fact.mean.basis)
        effect = float(random.uniform(-1, 1))
        return replace(fact, mean=figure, median=figure, effect=Estimate(effect, effect, effect, "delta", 500, "exact"))

    segments = tuple(replace(p, facts={n: shaken(f) for n, f in p.facts.items()}) for p in made.segments)
    return replace(made, segments=segments)


def test_every_number_and_comparison_of_1000_generated_cards_is_in_its_evidence() -> None:
    cards = [persona for seed in range(500) for persona in told(random_profiles(seed))]
    assert len(cards) == 1000
    assert sum(bool(check(card, ENGLISH)) for card in cards) == 0
    forged = [
        replace(card, tagline=f"{card.tagline[:at]}{(int(digit) + 3) % 10}{card.tagline[at + 1 :]}")
        for card in cards
        for at, digit in enumerate(card.tagline)
        if digit.isdigit()
    ]
    assert len(forged) > 400 and all(check(card, ENGLISH) for card in forged)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3,000 followers", "3,000 customers"), ("3,000 followers", "3k followers"),
        ("comes back often", "orders seldom"), ("comes back often", "comes back"), ("online", "in the store"),
        ("listening", "who will buy"),
    ],
)  # fmt: skip
def test_a_unit_or_a_word_that_is_changed_in_a_tag_line_is_caught(old: str, new: str) -> None:
    figures = (("orders_per_year", 11.4, 4.2, "orders/year"), ("online_share", 0.97, 0.6, "share"),
               ("followers", 3000, 200, "people"))  # fmt: skip
    evidence = tuple(Evidence(name, "mean", exact(v, unit, 9), exact(a, unit, 9)) for name, v, a, unit in figures)
    tagline = "Comes back often, online, 3,000 followers listening"
    made = replace(told(shop.profiles())[1], tagline=tagline, tagline_evidence=evidence)
    assert not check(made, ENGLISH)
    changed = made.tagline.replace(old, new).replace(old.capitalize(), new.capitalize())
    assert changed != made.tagline and check(replace(made, tagline=changed), ENGLISH)


def test_a_tag_line_without_figures_says_only_that_nothing_stands_out() -> None:
    sarah = replace(told(shop.profiles())[1], tagline_evidence=())
    assert check(sarah, ENGLISH)
    assert not check(replace(sarah, tagline=NOTHING_STANDS_OUT), ENGLISH)


def test_the_words_that_say_that_we_drew_the_group_count_towards_the_120() -> None:
    speaker = Speaker("Joe", *pronouns_of("male", ENGLISH), ENGLISH)

    def draft(words: int, *, drawn: bool = False) -> Draft:
        return Draft(" ".join(["word"] * words), "definition", (), drawn=drawn)

    # 20 + 3 * 21 + 34 are 117 words, and "As we drew the group," makes them 122: one of the three gives way.
    profile = shop.profiles().segments[0]
    drafts, _ = _fitted([draft(20)], [draft(21, drawn=True)] * 3, [draft(34)], [], profile, speaker)
    assert [len(d.text.split()) for d in drafts] == [20, 21, 21, 34]
    drafts, _ = _fitted([draft(20)], [draft(21)] * 3, [draft(34)], [], profile, speaker)
    assert len(drafts) == 5, "117 words may stay"
