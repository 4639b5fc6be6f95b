"""Strings from outside in every slot: they are read, never obeyed."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from personas.errors import PersonasError
from personas.render import render_card, render_html, render_markdown_card
from personas.render.svg import checked_css, checked_svg
from personas.study import Study
from tests.render.fixture import lantern
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
NOT_TEXT = {"id", "claim", "kind", "block", "unit", "basis", "verdict", "language", "algorithm", "map_kind", "currency", "table", "step",
            "amount", "level", "shape", "role", "name_of_feature", "archetype", "protocol", "feature", "statistic"}  # fmt: skip


def poisoned(value: Any, payload: str, field: str = "") -> Any:
    """Every free text of a record with the payload behind it. Codes that the product itself makes stay as they are."""
    if isinstance(value, str):
        return value if field in NOT_TEXT or not value else f"{value} {payload}"
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
    study = poisoned(lantern(), payload)
    # the story must still be made of its statements
    personas = tuple(
        replace(p, story=" ".join(s.text for s in p.statements if s.block == "story")) for p in study.personas
    )
    return replace(study, personas=personas)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_string_in_every_slot_stays_text(payload: str) -> None:
    study = poisoned_study(payload)
    clean = Reader(render_html(lantern()))
    read = Reader(render_html(study))
    assert read.faults == []
    assert {tag for tag, _ in read.elements} <= {tag for tag, _ in clean.elements}
    for source in (read, Reader(render_card(study, study.personas[0]))):
        for tag, attributes in source.elements:
            assert tag not in FORBIDDEN
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            assert all((value or "").startswith("#") for name, value in attributes.items() if name in {"href", "src"})
            for name in ("id", "class"):
                assert "alert" not in (attributes.get(name) or "") and "<" not in (attributes.get(name) or "")
    assert (
        "49" not in read.text.replace(Reader(render_html(lantern())).text, "")
        or "{{ 7 * 7 }}" in read.text
        or "7" not in payload
    )
    if "\x00" in payload:
        assert "\x00" not in read.text and "\x1b" not in read.text and "\u202e" not in read.text
        assert "a␀b␛" in read.text
    else:
        assert payload in " ".join(read.text.split()) or payload in read.text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_markdown_card_holds_no_links_images_or_html_of_others(payload: str) -> None:
    study = poisoned_study(payload)
    card = render_markdown_card(study, study.personas[0])
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(card)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    clean = MarkdownIt("commonmark").enable("table").parse(render_markdown_card(lantern(), lantern().personas[0]))
    for kind in ("heading_open", "table_open", "tr_open", "td_open", "list_item_open"):
        assert sum(t.type == kind for t in tokens) == sum(t.type == kind for t in clean), kind


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
