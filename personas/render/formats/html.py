"""The report, a card and the k dossier as HTML: self-contained, no script, no remote address, autoescaped."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from personas.narrative.persona import Persona
from personas.render.card import card_of
from personas.render.context import report_context
from personas.render.stages import anchor_of
from personas.render.styles import card_css, css_hash, report_css
from personas.render.svg import checked_css, checked_svg
from personas.render.text import visible
from personas.study import Study

if TYPE_CHECKING:
    from jinja2 import Environment

_CHAPTERS = {
    "structure": "Is there structure", "candidates": "Candidates", "agreement": "Does it come back",
    "tree": "Family tree", "choices": "Choices", "picture": "Picture", "override": "The override",
    "returns": "Which return", "stages": "Stages", "separation": "How separate", "profile": "Profiles",
}  # fmt: skip


def render_html(study: Study) -> str:
    """The whole report as one page."""
    report = report_context(study)
    columns = len(report.sheet.heads) + 2 if report.sheet else 0
    chapters = _CHAPTERS | {anchor_of(stage): stage.title for stage in study.segmentation.stages}
    return _page("report.html.j2", report=report, sheet_columns=columns, short_names=chapters)


def render_choose_k(study: Study) -> str:
    """The k dossier alone, as a page."""
    return _page("choose_k.html.j2", report=report_context(study))


def render_card(study: Study, persona: Persona) -> str:
    """One card as a fragment that can be pasted anywhere: its style is scoped to its id, under 60 kB."""
    card = card_of(study, persona)
    style = card_css(f"persona-{card.anchor}")
    return _environment().get_template("card.html.j2").render(card=card, level=2, style=style).strip() + "\n"


def _page(template: str, **values: Any) -> str:
    style = report_css()
    page = _environment().get_template(template).render(style=style, style_hash=css_hash(style), **values)
    return page.strip() + "\n"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def readable(value: object) -> object:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("personas.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = checked_svg
    environment.filters["css"] = checked_css
    return environment
