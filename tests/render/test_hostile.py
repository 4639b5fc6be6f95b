"""Strings from outside in every slot: they are read, never obeyed."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from markdown_it import MarkdownIt

from personas.errors import PersonasError
from personas.estimate import Estimate, exact
from personas.profiles.money_records import Pair, SecondPurchase, Trial
from personas.render import render_card, render_html, render_markdown_card
from personas.render.svg import checked_css, checked_svg
from personas.study import Study
from tests.render.test_money_chapter import crossed_lantern
from tests.render.test_pages import FORBIDDEN, Reader

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "[x](javascript:alert(1)) ![y](http://e.test/z) <b>",
    "a\x00b\x1b[31mc\u202egnp",
    "--><svg/onload=alert(1)>",
)
HARMLESS = "Smith & Sons"
TOGETHER = " ".join(payload for payload in PAYLOADS if "\x00" not in payload)
CONTROL = next(payload for payload in PAYLOADS if "\x00" in payload)
CODES = {
    "id", "claim", "kind", "block", "unit", "basis", "verdict", "language", "algorithm", "map_kind", "currency",
    "table", "step",
    "amount", "level", "shape", "role", "family", "archetype", "protocol", "feature", "statistic", "sql",
}  # fmt: skip
"""Fields that hold a code of ours, never a string of somebody else."""


def poisoned(value: Any, payload: str, field: str = "") -> Any:
    """Every free text of a record with the payload behind it. Codes that the product itself makes stay as they are."""
    if isinstance(value, str):
        return value if field in CODES or not value else f"{value} {payload}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if type(value).__name__ in {"Estimate", "Coding", "HandMade", "Candidate"}:
            return value
        keep = {"name"} if type(value).__name__ == "Feature" else set()
        changed = {
            f.name: poisoned(getattr(value, f.name), payload, f.name)
            for f in dataclasses.fields(value)
            if f.name not in keep and f.init
        }
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(poisoned(item, payload, field) for item in value)
    if isinstance(value, dict):
        return {key: poisoned(item, payload, str(key)) for key, item in value.items()}
    return value


def poisoned_study(payload: str) -> Study:
    made = crossed_lantern()
    lift, once = Estimate(2.0, 1.5, 2.6, "ratio", 100, "log-normal"), exact(0.4, "share", 100)
    trial = Trial("Letter in spring", "occasion_letter", date(2026, 3, 1), 90, 200, 200, lift)
    segments = tuple(
        replace(
            p, pairs=(Pair("Tea", "Cups", 50, once, lift, 3.0),), trials=(trial,),
            second_purchase=SecondPurchase(90, 120, once, 30.0, (("Tea", "Cups", 0.5),)),
        )
        for p in made.profiles.segments
    )  # fmt: skip
    study = poisoned(replace(made, profiles=replace(made.profiles, segments=segments)), payload)
    # names of RFM and causes of losses are codes of ours
    losses = {p.segment: p.loss for p in made.profiles.segments}
    study = replace(
        study,
        profiles=replace(
            study.profiles, rfm_table=made.profiles.rfm_table,
            segments=tuple(replace(p, loss=losses[p.segment]) for p in study.profiles.segments),
            everyone=replace(study.profiles.everyone, loss=made.profiles.everyone.loss),
        ),
    )  # fmt: skip
    # the story must still be made of its statements
    personas = tuple(
        replace(p, story=" ".join(s.text for s in p.statements if s.block == "story")) for p in study.personas
    )
    return replace(study, personas=personas)


@pytest.mark.parametrize("payload", [TOGETHER, CONTROL])
def test_a_hostile_string_in_every_slot_stays_text(payload: str) -> None:
    study = poisoned_study(payload)
    harmless = Reader(render_html(poisoned_study(HARMLESS)))
    page = Reader(render_html(study))
    card = Reader(render_card(study, study.personas[0]))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements], "the page has grown an element"
    for source in (page, card):
        assert source.faults == []
        for tag, attributes in source.elements:
            assert tag not in FORBIDDEN
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            assert all((value or "").startswith("#") for name, value in attributes.items() if name in {"href", "src"})
            for name in ("id", "class"):
                assert "alert" not in (attributes.get(name) or "") and "<" not in (attributes.get(name) or "")
    seen = page.text
    if payload is CONTROL:
        assert not set(seen) & {"\x00", "\x1b", "\u202e"}
        assert "a␀b␛" in seen
    else:
        for slot in ("Tea", "Cups", "Candles, 20% of the money"):
            assert f"{slot} <script>alert(1)</script>" in seen, slot
        assert "Where RFM misleads you" in seen
        assert "<script>alert(1)</script>" in seen and "{{ 7 * 7 }}{% raw %}" in seen, "what came in is shown as it is"


@pytest.mark.parametrize("payload", [TOGETHER, CONTROL])
def test_a_markdown_card_holds_no_links_images_or_html_of_others(payload: str) -> None:
    study, harmless = poisoned_study(payload), poisoned_study(HARMLESS)
    card = render_markdown_card(study, study.personas[0])
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(card)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    clean = MarkdownIt("commonmark").enable("table").parse(render_markdown_card(harmless, harmless.personas[0]))
    assert [token.type for token in tokens] == [token.type for token in clean], "the card has grown a block"


def test_drawings_and_styles_that_are_not_ours_are_refused() -> None:
    for source in (
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"/>',
        '<svg><a href="http://e.test">x</a></svg>',
        '<svg style="fill:red"/>',
        '<svg><path fill="url(http://e.test/#a)"/></svg>',
        "<svg><path></svg>",
    ):
        with pytest.raises(PersonasError):
            checked_svg(source)
    for source in ("a{}</style>", "@import 'x'", "a{background:url(x)}"):
        with pytest.raises(PersonasError):
            checked_css(source)
