"""Pages as somebody last read them. When a change is meant: ``make golden``, look at the difference, commit it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from personas.render import render_card, render_html, render_markdown_card
from tests.render.fixture import lantern
from tests.render.test_pages import Reader

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def report_words() -> str:
    """The words of the report, a line each: what a reader reads, without the way it looks."""
    page = re.sub(r"<style>.*?</style>", "", render_html(lantern()), flags=re.S)
    lines = (re.sub(r"\s+", " ", line).strip() for line in Reader(re.sub(r"<(?=[a-z/])", "\n<", page)).text.split("\n"))
    return "\n".join(line for line in lines if line) + "\n"


def drawing() -> str:
    """The first chart of the report."""
    found = re.search(r'<svg class="ch w".*?</svg>', render_html(lantern()), re.S)
    assert found
    return found.group().replace("><", ">\n<") + "\n"


MADE = {
    "card_sarah.html": lambda: render_card(lantern(), lantern().personas[2]),
    "card_joe_without_costs.md": lambda: render_markdown_card(lantern(costs=False), lantern(costs=False).personas[0]),
    "card_victor.md": lambda: render_markdown_card(lantern(), lantern().personas[5]),
    "report_words.txt": report_words,
    "chart_money.svg": drawing,
}


@pytest.mark.parametrize("name", list(MADE))
def test_a_page_is_what_somebody_last_read(name: str) -> None:
    path, made = GOLDEN / name, MADE[name]()
    if os.environ.get("PERSONAS_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8", newline="\n")
    assert path.is_file(), f"there is no {path.name}; PERSONAS_GOLDEN=write makes it"
    assert made == path.read_text(encoding="utf-8"), f"{name} has changed; PERSONAS_GOLDEN=write accepts it"
