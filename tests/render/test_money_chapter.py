"""The money chapter: what each section says, what it draws, and what it leaves out when nobody knows."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from personas.estimate import Estimate
from personas.narrative.persona import Newsletter
from personas.profiles.money_records import (
    ChannelMove,
    HoldOut,
    Lifetime,
    Loss,
    PersonaLifetime,
    Quadrants,
    RfmCell,
    TestPlan,
    Turn,
    Whale,
)
from personas.render import render_card
from personas.render.blocks import Section
from personas.render.formats.html import render_html
from personas.render.money_charts import Stretch, waterfall
from personas.render.worth import cause_words, first_call, money_chapter
from personas.study import Study
from tests.render.fixture import lantern


def per_year(value: float, unit: str = "USD/year") -> Estimate:
    return Estimate(value, value - 2, value + 2, unit, 500, "bootstrap-t, 95%")


def victor_loss() -> Loss:
    share = Estimate(0.79, 0.76, 0.82, "share", 748, "Wilson, 95%")
    causes = (("service", 60_000.0), ("returns", 30_000.0), ("discounts", 500.0))
    return Loss(591, share, -82_000.0, causes, (("service", 591),), 10, -400.0)


def worth_lantern() -> Study:
    """The shop with everything that money can say. Victor (segment 5) loses money, Sarah (2) is heard."""
    study = lantern()
    reach = {0: 0.0, 1: 180.0, 2: 3000.0, 3: 310.0, 4: 95.0, 5: 240.0}
    stakes = {p.segment: p.economics.contribution for p in study.profiles.segments}
    order = sorted(stakes, key=lambda g: -(stakes[g].value if stakes[g] else 0.0))
    turns = tuple(
        Turn(g, rank, stake, stake.value <= 0, per_year(3, "tickets/year"), per_year(16, "minutes/year"),
             Estimate(reach[g], reach[g], reach[g], "people", 500, "order statistics, 95%"))
        for rank, g in enumerate(order, 1) if (stake := stakes[g]) is not None
    )  # fmt: skip
    check = HoldOut(30.0, 9000, 880.0, 1000.0, 1310.0)
    segments = []
    for p in study.profiles.segments:
        lost = victor_loss() if p.segment == 5 else replace(victor_loss(), customers=0, causes=(), total=0.0)
        move = ChannelMove("chat", 0.3, 100, 700.0, per_year(22), 6_889.0, -24.0)
        life = PersonaLifetime("", per_year(4.2, "orders"), 3.8, check, 0.05, 0.4)
        if p.segment == 3:
            life = PersonaLifetime("12 of them bought before the hold-out, too few to check a forecast")
        worth = replace(p.economics, lifetime_value=None if p.segment == 3 else per_year(1399, "USD"))
        worth = replace(worth, break_even=Estimate(6.0, 5.5, 6.6, "orders/year per 100", 500, "bootstrap-t, 95%"))
        plan = TestPlan(0.38, 0.06, 0.49, 251, 52, too_small=p.segment == 0)
        segments.append(replace(p, loss=lost, move=move, lifetime=life, economics=worth, test=plan))
    points = ((0.0, 0.0), (0.5, 1_000_000.0), (0.78, 1_470_000.0), (1.0, 1_350_000.0))
    mix = tuple(tuple(1.0 if place == min(tenth, 5) else 0.0 for place in range(6)) for tenth in range(10))
    profiles = replace(
        study.profiles, segments=tuple(segments),
        everyone=replace(study.profiles.everyone, loss=replace(victor_loss(), customers=2791, total=-116_000.0),
                         move=ChannelMove("chat", 0.3, 600, 4_200.0, per_year(22), 12_000.0, 120.0)),
        whale=Whale(points, 1_350_000.0, 1_470_000.0, 0.78, 900_000.0, 2791, -116_000.0, (0, 1, 2, 3, 4, 5), mix),
        lifetime=Lifetime(36, 0.1, "", check), service_order=turns, service_floor_days=2,
    )  # fmt: skip
    by_segment = {p.segment: p for p in segments}
    personas = tuple(replace(p, economics=by_segment[p.segment].economics) for p in study.personas)
    return replace(study, profiles=profiles, personas=personas)


@pytest.fixture(scope="module")
def study() -> Study:
    return worth_lantern()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", page, flags=re.S)))


def test_the_headings_state_the_findings(study: Study) -> None:
    headings = {section.anchor: section.heading for section in money_chapter(study)}
    # 108 of 424 are 25%; 1.47 of 1.35 million are 109%, 0.12 of 1.35 are 9%
    assert headings["waterfall"] == "Of each $1 of revenue, 25% stay after goods, service and marketing"
    assert headings["whale"] == "The best 78% of customers earn 109% of the contribution; the rest give 9% back"
    assert headings["carry"].startswith("Joe and Margaret carry the shop; Victor takes")
    assert headings["lifetime"] == (
        "In a period it had not seen the forecast was off by −12%, the naive rule by +31%"
    )
    assert headings["channel"].startswith("All service by chat would save $12k")
    assert headings["actions"].startswith("5 of 6 personas are large enough")


def test_a_loss_is_named_with_its_causes_and_amounts() -> None:
    # 60,000 / 591 = 101.5, 30,000 / 591 = 50.8; discounts are far below a third of service
    assert cause_words(victor_loss(), "USD", "en") == "Service ($102 each), then handling of returns ($51 each)"


def test_the_box_says_whom_to_call_first_and_that_reach_is_not_money(study: Study) -> None:
    box = first_call(study)
    assert box is not None
    assert box[0] == "If Joe and Sarah both call and there is time for one"
    text = " ".join(box[1])
    assert "Call Joe back first: $428 a year against $86." in text
    assert "3,000 people" in text and "is no part of the order" in text
    assert "within 2 working days" in text


def test_equal_stakes_leave_the_choice_to_the_earlier_call(study: Study) -> None:
    turns = tuple(replace(turn, rank=1) for turn in study.profiles.service_order)
    equal = replace(study, profiles=replace(study.profiles, service_order=turns))
    box = first_call(equal)
    assert box is not None and box[1][0].startswith("Take the earlier call")


def test_the_page_shows_the_chapter_once_with_two_widths_of_each_drawing(study: Study) -> None:
    page = render_html(study)
    assert page.count('id="money"') == 1 and '<a href="#money">Money</a>' in page
    chapter = page[page.index('id="money"') : page.index('id="howmany"')]
    assert chapter.count('class="ch w"') == chapter.count('class="ch n"') == 3
    assert "Customers who lose money and why" in chapter
    assert "12 of them bought before the hold-out" in words(chapter)  # the refusal stands in the place of the figure
    assert "Nobody is dropped: everybody has an answer within 2 working days." in words(chapter)


def test_the_card_tells_lifetime_with_the_hold_out_and_break_even(study: Study) -> None:
    text = words(render_card(study, study.personas[0]))
    assert "Lifetime $1,399 value to come" in text
    assert "in 30 weeks it had not seen the forecast was off by −12%, “as before” by +31%" in text
    assert "Break-even 6 extra orders a year per 100 customers (5.5 to 6.6)" in text
    refused = words(render_card(study, study.personas[3]))
    assert "Lifetime not told 12 of them bought before the hold-out" in refused


def test_without_costs_the_chapter_is_silent_about_contribution() -> None:
    anchors = {section.anchor for section in money_chapter(lantern(costs=False))}
    assert not anchors & {"waterfall", "carry", "whale", "channel"}
    assert first_call(lantern(costs=False)) is None
    assert money_chapter(lantern(verdict="none")) == ()


def test_a_loss_is_hollow_and_a_cost_outlined() -> None:
    rows = [Stretch("Joe", "p1", 0, 10), Stretch("Victor", "p2", 10, 8), Stretch("All", "ink", 0, 8, total=True)]
    wide, _ = waterfall(rows, "USD", "Contribution")
    tree = ElementTree.fromstring(wide)
    fills = [path.get("fill", "") for path in tree.iter("path") if path.get("fill", "none") != "none"]
    assert any("--p1" in fill for fill in fills) and not any("--p2" in fill for fill in fills)
    assert tree.get("aria-label") == "Contribution: Joe $10; Victor −$2; All $8."


def crossed_lantern() -> Study:
    """The shop with RFM names, value against influence and a test that was read back."""
    study = worth_lantern()
    amount = Estimate(-40.0, -50.0, -30.0, "USD/year", 60, "bootstrap-t, 95%")
    cells = (
        RfmCell("champions", -1, 200), RfmCell("champions", 0, 140, per_year(428)), RfmCell("champions", 5, 60, amount),
        RfmCell("lost", -1, 100, per_year(20)), RfmCell("lost", 0, 90, per_year(300)), RfmCell("lost", 2, 10),
    )  # fmt: skip
    of_each = [(g, 50, (0.7, 0.1, 0.1, 0.1) if g == 2 else (0.0, 0.9, 0.0, 0.1)) for g in range(6)]
    shares = ((-1, 100, (0.2, 0.3, 0.3, 0.2)), *of_each)
    crossing = Quadrants("contribution", "followers", 100.0, 61.0, 0.74, shares)
    personas = tuple(
        replace(p, brief=Newsletter(f"angle of {p.name}", "Candles, 20% of the money", "none", "", "Coupons."))
        for p in study.personas
    )
    return replace(study, personas=personas, profiles=replace(study.profiles, rfm_table=cells, quadrants=crossing))


def test_rfm_misleads_where_the_money_speaks_against_the_name() -> None:
    section = next(s for s in money_chapter(crossed_lantern()) if s.anchor == "rfm")
    assert section.heading == "Where RFM misleads you"
    assert section.body == (
        "90 customers like Joe are “Lost” by RFM, and their contribution is $300 a year each ($298 to $302).",
        "60 customers like Victor are “Champions” by RFM, and their contribution is −$40 a year each (−$50 to −$30).",
    )
    rows = {row.head: row for row in section.tables[0].rows}
    # 140, 60 of 200; the ten lost Sarahs are fewer than eleven and not listed
    assert [cell.text for cell in rows["Champions"].cells] == ["200", "70%", "", "", "", "", "30%"]
    assert [cell.far for cell in rows["Champions"].cells] == [False] * 6 + [True]
    assert rows["Lost"].cells[3].text == ""


def test_headings_follow_the_figures_beneath_them() -> None:
    study = worth_lantern()
    whole = study.profiles.everyone
    assert whole.move is not None
    dearer = replace(whole, move=replace(whole.move, total=-5_000.0))
    sections = {s.anchor: s for s in money_chapter(replace(study, profiles=replace(study.profiles, everyone=dearer)))}
    assert sections["channel"].heading == "All service by chat would save nothing: it would cost $5,000 more"
    assert sections["turns"].tables[0].note.startswith("Turn: by contribution at stake")
    bare = tuple(replace(p, economics=replace(p.economics, contribution=None)) for p in study.profiles.segments)
    sections = {s.anchor: s for s in money_chapter(replace(study, profiles=replace(study.profiles, segments=bare)))}
    assert sections["turns"].tables[0].note.startswith("Turn: by gross margin at stake")


def test_who_is_valued_and_who_is_heard_are_told_beside_each_other_and_never_added() -> None:
    section = next(s for s in money_chapter(crossed_lantern()) if s.anchor == "influence")
    assert section.heading == "Sarah is both valued and heard"
    assert section.sub == "Five of six personas are of value and quiet."
    assert "never added to it" in section.tables[0].note


def test_every_persona_has_its_newsletter_beside_the_others_and_on_its_card() -> None:
    study = crossed_lantern()
    section = next(s for s in money_chapter(study) if s.anchor == "newsletters")
    assert section.heading == "Six newsletters instead of one"
    assert [row.cells[0].text for row in section.tables[0].rows][:2] == ["Angle of Joe", "Angle of Margaret"]
    card = render_card(study, study.personas[0])
    assert "The newsletter" in card and "angle of Joe" in card and len(card.encode()) < 60_000
    assert all(anchor in render_html(study) for anchor in ('id="rfm"', 'id="influence"', 'id="newsletters"'))


def chapter_part(study: Study, anchor: str) -> Section:
    """One section of the money chapter."""
    return next(section for section in money_chapter(study) if section.anchor == anchor)


def test_the_value_of_all_customers_stands_under_that_of_the_personas_and_says_of_what_it_is(study: Study) -> None:
    together = Estimate(10_600_000, 10_450_000, 10_720_000, "USD", 12_470, "sum of the segments' ends")
    life = Lifetime(36, 0.125, "", HoldOut(52.0, 9000, 880.0, 1000.0, 1310.0), (), together)
    found = chapter_part(replace(study, profiles=replace(study.profiles, lifetime=life)), "lifetime")
    assert found.body[0].startswith("Value to come: contribution before marketing of the next 36 months, ")
    assert "discounted at 12.5% a year" in found.body[0]
    foot = found.tables[0].foot[0]
    assert (foot.cells[0].text, foot.cells[0].small) == ("$10.6M", "$10.4M to $10.7M")
    assert "12,470 customers" in found.tables[0].note and "never as a referral" in found.tables[0].note
    bare = replace(study.profiles.everyone, economics=replace(study.profiles.everyone.economics, level="revenue"))
    unknown = chapter_part(replace(study, profiles=replace(study.profiles, lifetime=life, everyone=bare)), "lifetime")
    assert unknown.body[0].startswith("Value to come: revenue, because costs are unknown, of the next 36 months")


def test_stages_of_life_stand_beside_the_rfm_names_with_their_rule() -> None:
    study = lantern()
    shares = {"new": 0.02, "active": 0.68, "slowing": 0.15, "lapsed": 0.1, "one_time": 0.05}
    cells = (RfmCell("champions", -1, 200), RfmCell("champions", 2, 200))
    everyone, first = (replace(p, lifecycle=shares) for p in (study.profiles.everyone, study.profiles.segments[0]))
    segments = (first, *study.profiles.segments[1:])
    profiles = replace(study.profiles, everyone=everyone, segments=segments, rfm_table=cells, rfm_cut="natural")
    found = chapter_part(replace(study, profiles=profiles), "rfm")
    assert "natural breaks of log(1 + x)" in found.tables[0].note
    assert [cell.text for cell in found.tables[1].rows[0].cells] == ["2%", "68%", "15%", "10%", "5%"]
    assert len(found.tables[1].rows) == 1 and "1.5 pauses" in found.tables[1].note
