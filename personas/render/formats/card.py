"""Every persona as an embeddable fragment of HTML."""

from __future__ import annotations

from personas.render.formats.html import render_card
from personas.render.text import slugs
from personas.study import Study


def render_cards(study: Study) -> dict[str, str]:
    """``cards/<slug>.html`` for every persona; none where the verdict is none."""
    if study.about.verdict == "none":
        return {}
    names = slugs([persona.id for persona in study.personas])
    return {f"cards/{name}.html": render_card(study, p) for name, p in zip(names, study.personas, strict=True)}
