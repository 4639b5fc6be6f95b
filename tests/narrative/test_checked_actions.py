"""Actions and briefs are checked as stories are, and what a test has found takes the place of a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from personas.estimate import Estimate, exact
from personas.narrative.checked import check, check_action, check_brief, filled_in
from personas.narrative.persona import Persona
from personas.profiles.money_records import TestPlan, Trial
from personas.profiles.records import Profiles
from tests.narrative import shop
from tests.narrative.test_claims_in_stories import random_profiles, with_segment
from tests.narrative.test_stories import ENGLISH, told

FIELDS = (
    "title", "channel", "message", "offer", "cadence", "trigger", "expected", "do_not", "breaks_even", "test",
    "measured",
)  # fmt: skip
BRIEF = ("angle", "categories", "offer", "timing", "do_not")
SWAPS = (
    ("$", "€"), ("%", " days"), ("customers", "weeks"), ("weeks", "days"), (" days", " weeks"), ("a year", "a month"),
    ("extra orders", "extra days"), ("no less than", "already"), ("are enough to show", "show no less than"),
    ("too small to test: ", ""), ("brought more", "brought fewer"), ("brought fewer", "brought more"),
    ("cost more than", "cost less than"), ("cost less than", "cost more than"), ("per 100", "per 10"),
    ("November", "March"), ("December", "March"), ("once", "twice"), ("a loss of", "a gain of"), ("a gain of ", ""),
    ("not treated", "weeks"),
)  # fmt: skip


def trial(orders: float, money: float, name: str = "autumn") -> Trial:
    """A test of the letter before the occasion; intervals of 0.2 orders and 9 dollars to each side."""
    return Trial(
        name, "occasion_letter", date(2026, 2, 2), 91, 240, 238,
        Estimate(orders, orders - 0.2, orders + 0.2, "extra orders/year", 478, "bootstrap-t, 95%"),
        Estimate(money, money - 9, money + 9, "USD/year", 478, "bootstrap-t, 95%"), "gross margin", 2.0,
    )  # fmt: skip


def planned(seed: int) -> Profiles:
    """Random profiles with plans, break-even and shares that grew; of every third the letter was tested."""
    made, random = random_profiles(seed), np.random.default_rng(seed + 5000)
    for place, profile in enumerate(made.segments):
        worth, visible, needed = (float(v) for v in random.uniform(0.05, 3, 3))
        plan = TestPlan(worth, None, visible, int(random.integers(30, 900)), int(random.choice([4, 8, 13, 26, 52])),
                        too_small=visible > worth)  # fmt: skip
        money = replace(
            profile.economics,
            break_even=Estimate(needed, needed * 0.9, needed * 1.1, "orders/year per 100", 500, "bootstrap-t, 95%"),
        )
        shares = random.dirichlet(np.ones(12))
        tests = (trial(float(random.normal(0, 0.5)), float(random.normal(0, 20))),) if seed % 3 == 0 else ()
        made = with_segment(
            made, place, test=plan, economics=money, grew=exact(float(random.uniform(0, 1)), "share", 400),
            months=tuple(shares.tolist()), trials=tests,
        )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def cards() -> list[Persona]:
    return [persona for seed in range(120) for persona in told(planned(seed))]


def forged(persona: Persona, change: str) -> Iterator[tuple[str, str, Persona]]:
    """(before, after, persona) with one field of an action or of the brief changed in one place."""

    def changed(text: str) -> Iterator[str]:
        if change == "digit":
            for match in re.finditer(r"\d", text):
                yield text[: match.start()] + str((int(match.group()) + 3) % 10) + text[match.end() :]
        else:
            yield from (text.replace(old, new, 1) for old, new in SWAPS if old in text)

    for i, action in enumerate(persona.actions):
        for name in FIELDS:
            for text in changed(re.sub(r"“[^”]*”", "", getattr(action, name))):
                actions = list(persona.actions)
                actions[i] = replace(action, **{name: text})
                yield getattr(action, name), text, replace(persona, actions=tuple(actions))
    for name in BRIEF if persona.brief else ():
        for text in changed(getattr(persona.brief, name)):
            yield getattr(persona.brief, name), text, replace(persona, brief=replace(persona.brief, **{name: text}))


def test_actions_and_briefs_of_generated_cards_are_in_their_evidence(cards: list[Persona]) -> None:
    assert len(cards) == 240 and sum(bool(check(card, ENGLISH)) for card in cards) == 0
    kinds = {word for card in cards for a in card.actions for word in ("too small", "are enough", "The test brought")
             if word in a.test + a.expected}  # fmt: skip
    assert kinds == {"too small", "are enough", "The test brought"}


@pytest.mark.parametrize("change", ["digit", "words"])
def test_a_change_of_an_action_or_a_brief_is_caught_every_time(cards: list[Persona], change: str) -> None:
    tried = missed = 0
    for card in cards[:24]:
        for before, after, persona in forged(card, change):
            tried += 1
            wrong = [*check_brief(persona, ENGLISH), *(w for a in persona.actions for w in check_action(a, ENGLISH))]
            if not wrong:
                missed += 1
                print(f"{before!r} passed as {after!r}")
    assert tried > 400
    assert missed == 0


def test_the_texts_of_the_programme_are_those_of_the_language_file() -> None:
    template = "20 days after an order, as {he} [chooses|choose]"
    assert filled_in("20 days after an order, as she chooses", template) == "she"
    assert filled_in("20 days after an order, as they choose", template) == "they"
    assert filled_in("21 days after an order, as they choose", template) is None


def test_a_test_that_worked_comes_first_and_its_result_takes_the_place_of_the_guess() -> None:
    # 0.5 orders, 0.3 to 0.7; $14 a year, $5 to $23, against a cost of $2
    sarah = told(with_segment(shop.profiles(), 1, trials=(trial(0.5, 14.0),)))[1]
    action = sarah.actions[0]
    assert (action.id, action.claim) == ("occasion_letter", "prediction")
    assert action.expected == (
        "The test brought more: 0.5 extra orders a year each (95% interval 0.3 to 0.7 extra orders)."
    )
    assert action.measured == "Measured gross margin: a gain of $14 a year each (95% interval $5 to $23)."
    assert action.breaks_even == "it paid: at $2 a year each it cost less than it left, by the whole interval"
    assert action.test == "test “autumn”: 240 treated and 238 not treated, 2 February 2026 to 3 May 2026"
    assert all(other.claim == "scenario" for other in sarah.actions[1:])


def test_a_test_that_showed_nothing_says_so_and_one_that_did_harm_takes_the_action_away() -> None:
    joe = told(with_segment(shop.profiles(), 0, trials=(trial(0.1, 3.0),)))[0]
    assert joe.actions[0].id == "occasion_letter"  # it fits him, and nothing speaks against it
    assert joe.actions[0].expected.startswith("The test showed no clear difference in orders a year (95% interval −0.1")
    assert joe.actions[0].breaks_even == "not settled: $2 a year each, what it cost, lies inside the interval"
    harmed = told(with_segment(shop.profiles(), 0, trials=(trial(-0.5, -30.0),)))[0]
    assert "occasion_letter" not in {action.id for action in harmed.actions}


def test_the_latest_test_of_an_action_counts() -> None:
    both = (trial(0.5, 14.0, "spring"), trial(-0.5, -30.0, "autumn"))
    sarah = told(with_segment(shop.profiles(), 1, trials=both))[1]
    assert sarah.actions[0].test.startswith("test “spring”")
