"""What every page and card keeps: no script, no address, no style attribute, one hashed style block, whole HTML."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from personas.estimate import Estimate, exact
from personas.narrative.language import load_language
from personas.render import render_card, render_choose_k, render_html, write_study
from personas.render.facts import ends_of
from personas.study import Study
from tests.render.fixture import lantern

VOID = {"meta", "br", "path", "rect", "circle", "line", "img", "hr", "col"}
FORBIDDEN = {
    "script",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "foreignobject",
    "template",
    "img",
    "audio",
    "video",
}


class Reader(HTMLParser):
    """Elements with their attributes, the text, and whether every element is closed where it should be."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> says an attribute twice")
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes something else")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def study() -> Study:
    return lantern()


@pytest.fixture(scope="module")
def pages(study: Study) -> dict[str, str]:
    none = lantern(verdict="none")
    return {
        "report": render_html(study),
        "choose_k": render_choose_k(study),
        "card": render_card(study, study.personas[2]),
        "report without segments": render_html(none),
        "report without costs": render_html(lantern(costs=False)),
        "report without reach": render_html(lantern(costs=False, reach=False)),
    }


def test_pages_are_whole_html_without_anything_that_runs_or_loads(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        read = Reader(page)
        assert read.faults == [], name
        for tag, attributes in read.elements:
            assert tag not in FORBIDDEN, (name, tag)
            for attribute, value in attributes.items():
                assert attribute != "style", (name, tag)
                assert not attribute.startswith("on"), (name, tag, attribute)
                if attribute in {"href", "src", "xlink:href", "action"}:
                    assert (value or "").startswith("#"), (name, tag, value)
        assert not re.search(r"(https?:)?//[a-z]", re.sub(r"<style>.*?</style>", "", page, flags=re.S)), name
        assert "url(" not in page and "@import" not in page, name


def test_ids_are_said_once_and_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        elements = Reader(page).elements
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(ids) == len(set(ids)), name
        targets = {(attributes["href"] or "")[1:] for _, attributes in elements if "href" in attributes}
        assert targets <= set(ids), (name, targets - set(ids))


def test_the_one_style_block_is_the_one_that_the_policy_allows(pages: dict[str, str]) -> None:
    for name in ("report", "choose_k"):
        blocks = re.findall(r"<style>(.*?)</style>", pages[name], re.S)
        assert len(blocks) == 1
        digest = base64.b64encode(hashlib.sha256(blocks[0].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in pages[name]
        assert "default-src 'none'" in pages[name]


def test_a_card_is_small_scoped_to_its_id_and_needs_no_style(study: Study) -> None:
    for persona in study.personas:
        card = render_card(study, persona)
        assert len(card.encode()) < 60_000
        identity = f"persona-{persona.id}"
        style = re.search(r"<style>(.*?)</style>", card, re.S)
        assert style
        rules = re.sub(r"@(media|container)[^{]*\{", "", style.group(1))
        selectors = [
            part.strip() for block in re.findall(r"([^{}]+)\{", rules) for part in re.split(r",(?![^(]*\))", block)
        ]
        assert selectors and all(part.startswith(f"#{identity}") for part in selectors), selectors
        # what a sanitizer leaves: text alone still says who, how many and what to do
        bare = Reader(re.sub(r"<(style|svg).*?</\1>", "", card, flags=re.S)).text
        for words in (
            persona.name,
            persona.tagline,
            persona.story.split(".")[0],
            "Size",
            "Does",
            "Act",
            "Find",
            "Trust",
        ):
            assert words in bare


def test_headings_step_down_one_level_at_a_time_alone_and_in_the_report(pages: dict[str, str]) -> None:
    for name, first in (("report", 1), ("card", 2), ("choose_k", 1), ("report without segments", 1)):
        levels = [int(tag[1]) for tag, _ in Reader(pages[name]).elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == first, name
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), name
        assert levels.count(first) == 1, name


def test_every_number_that_a_statement_stands_on_is_on_the_card(study: Study) -> None:
    from personas.narrative.formatting import show

    for persona in study.personas:
        text = Reader(render_card(study, persona)).text
        for statement in persona.statements:
            for evidence in statement.evidence:
                for estimate in (evidence.segment, evidence.everyone, *evidence.others):
                    assert estimate is None or show(estimate) in text


def test_unknown_costs_say_unknown_and_never_zero() -> None:
    study = lantern(costs=False)
    card = render_card(study, study.personas[0])
    text = Reader(card).text
    assert "Contribution needs the cost of service: set a price per minute." in text
    rows = dict(re.findall(r'<th scope="row">(Service|Marketing|Contribution)</th><td class="v">([^<]*)</td>', card))
    assert rows == {"Service": "unknown", "Marketing": "unknown", "Contribution": "unknown"}
    assert "−$0" not in text and "Lifetime" not in text and "Return" not in text.split("Act")[0]
    page = Reader(render_html(study)).text
    # 33.4 + 30.1 = 63.5% of revenue by the two largest
    assert "Two of them bring 63% of the revenue" in page


def test_unknown_reach_says_none_recorded_and_draws_no_dots() -> None:
    study = lantern(costs=False, reach=False)
    card = render_card(study, study.personas[0])
    assert "Reach: none recorded" in card
    assert "months unknown" in card and "no dots, reach unknown" in card
    known = lantern()
    assert "Followers, median: none recorded" in Reader(render_card(known, known.personas[0])).text


def test_without_segments_there_are_no_cards_but_a_sheet_of_everybody(pages: dict[str, str], tmp_path: Path) -> None:
    page = Reader(pages["report without segments"])
    assert "No segments were found" in page.text
    assert "three things that can still be done" in page.text
    assert not any(tag == "article" for tag, _ in page.elements)
    sections = [a.get("id") for tag, a in page.elements if tag == "section"]
    assert sections.index("structure") == sections.index("howmany") + 1, "the silhouette with its band comes first"
    write_study(lantern(verdict="none"), tmp_path)
    assert not (tmp_path / "cards").exists()


def test_a_weak_persona_says_so_in_trust_and_limits(study: Study) -> None:
    lucia = next(p for p in study.personas if p.name == "Lucia")
    text = Reader(render_card(study, lucia)).text
    assert "0.74 (0.71 to 0.77), a pattern, not yet stable" in text
    assert "A pattern, not yet stable." in text


def test_no_persona_should_be_built_on_a_segment_that_hardly_comes_back(study: Study) -> None:
    def trust(value: float) -> str:
        words = load_language("en").stability_word(value)
        figure = Estimate(value, value, value, "share", 100, "bootstrap")
        return Reader(render_card(study, replace(study.personas[0], stability=figure, stability_word=words))).text

    assert "Under 0.6 no persona should be built." not in trust(0.6) and "A pattern, not yet stable." in trust(0.6)
    assert "Not to be trusted. Under 0.6 no persona should be built." in trust(0.59)
    assert "0.30 (0.30 to 0.30), dissolved" in trust(0.3) and "Dissolved. Under 0.6" in trust(0.3)


def test_only_what_was_counted_is_called_exact() -> None:
    counted = exact(3, "days", 100)
    assert ends_of(counted, "en") == "exact"
    assert ends_of(replace(counted, basis="order statistics, 95%"), "en") == "both ends alike"
    assert ends_of(replace(counted, low=2.0, high=4.0), "en") == "2 to 4"


def test_two_personas_with_the_same_actions_are_told_that_they_could_be_one(study: Study) -> None:
    twins = (study.personas[0], replace(study.personas[1], actions=study.personas[0].actions), *study.personas[2:])
    text = Reader(render_card(replace(study, personas=twins), twins[0])).text
    assert "The same actions as Margaret: these two could be one." in text


def test_the_same_study_gives_the_same_bytes_and_all_files_of_the_contract(study: Study, tmp_path: Path) -> None:
    for turn in ("one", "two"):
        (tmp_path / turn).mkdir()
        write_study(study, tmp_path / turn)
    one, two = (
        {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    cards = {f"cards/{p.id}.{suffix}" for p in study.personas for suffix in ("html", "md")}
    assert (
        set(one)
        == {"report.html", "personas.json", "segmentation.json", "k_table.csv", "features.json", "audit.json"} | cards
    )
