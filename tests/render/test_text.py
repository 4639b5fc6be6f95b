"""Words of the pages: findings from figures, dates, slugs, foreign text made visible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from personas.estimate import exact
from personas.render.summary import finding, key_figures
from personas.render.text import renew_by, short, slugs, visible
from tests.render.fixture import lantern


def test_the_title_says_how_many_bring_most_of_the_money_and_who_costs() -> None:
    # contribution shares: 47.5, 39.3, 16.7, ... : the first alone is under a half, two together are 86.8%
    assert (
        finding(lantern()) == "Six kinds of customer. Two of them bring 87% of the contribution, one costs $73k a year."
    )
    assert finding(lantern(verdict="none")) == "No segments were found"


def test_the_title_falls_back_to_sizes_where_no_money_is_known() -> None:
    study = lantern(costs=False)
    bare = tuple(replace(p, size={**p.size, "revenue_share": None}) for p in study.personas)
    assert finding(replace(study, personas=bare)) == "Six kinds of customer. The largest, Lucia, is 24%."


def test_the_key_figure_names_the_costs_that_were_taken_off() -> None:
    study = lantern()
    own = replace(study.profiles.everyone.economics, marketing_cost=None, roi=None)
    profiles = replace(study.profiles, everyone=replace(study.profiles.everyone, economics=own))
    assert "contribution after service and marketing" in [figure.label for figure in key_figures(study)]
    assert "contribution after service" in [f.label for f in key_figures(replace(study, profiles=profiles))]


def test_a_page_is_good_for_three_months() -> None:
    assert renew_by(date(2026, 11, 1)) == date(2027, 2, 1)
    assert renew_by(date(2026, 11, 30)) == date(2027, 2, 28)  # there is no 30 February
    assert renew_by(date(2026, 9, 30)) == date(2026, 12, 30)


def test_names_become_safe_and_different_file_names() -> None:
    assert slugs(["Sarah", "../sarah", "สมหญิง", "..", "CON" * 50]) == [
        "sarah",
        "sarah-2",
        "persona",
        "persona-2",
        ("con" * 50)[:64],
    ]


def test_long_names_are_cut_and_control_characters_shown() -> None:
    assert len(short("x" * 500)) == 200
    assert visible("e\u0301\x07\u202e\ud800") == "é␇\ufffd\ufffd"


def test_an_unknown_age_is_said() -> None:
    from personas.render.card import card_of

    study = lantern()
    nobody = replace(study.personas[0], age=None)
    assert card_of(study, nobody).who[0].text == "unknown"
    assert exact(1, "share", 1).low == 1
