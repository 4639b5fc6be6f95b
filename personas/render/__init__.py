"""How a study looks: pages, cards and documents from the saved figures. Nothing is computed here but geometry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from personas.render.formats import FORMATS, ReportFormat

if TYPE_CHECKING:
    from personas.narrative.persona import Persona
    from personas.study import Study

__all__ = [
    "FORMATS", "ReportFormat", "dossier_files", "render_card", "render_choose_k", "render_html", "render_markdown_card",
    "study_files", "write_study",
]  # fmt: skip


def study_files(study: Study) -> dict[str, str | bytes]:
    """Path inside the study folder -> content of every file that pages and programs read."""
    files: dict[str, str | bytes] = {}
    for name in ("html", "card", "markdown", "json", "csv"):
        files.update(FORMATS.get(name).render(study))
    return files


def dossier_files(study: Study) -> dict[str, str | bytes]:
    """Path -> content of the k dossier alone: ``choose_k.html``, ``segmentation.json``, ``k_table.csv``."""
    machine = {**FORMATS.get("json").render(study), **FORMATS.get("csv").render(study)}
    return {"choose_k.html": render_choose_k(study), **{n: machine[n] for n in ("segmentation.json", "k_table.csv")}}


def write_study(study: Study, folder: Path) -> None:
    """Write report, cards and JSON into a folder that exists. Manifest, model and assignments are the pipeline's."""
    for name, content in study_files(study).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def render_html(study: Study) -> str:
    """The report as one self-contained page."""
    from personas.render.formats.html import render_html as render

    return render(study)


def render_card(study: Study, persona: Persona) -> str:
    """One persona as an embeddable fragment, under 60 kB."""
    from personas.render.formats.html import render_card as render

    return render(study, persona)


def render_choose_k(study: Study) -> str:
    """The k dossier as a page."""
    from personas.render.formats.html import render_choose_k as render

    return render(study)


def render_markdown_card(study: Study, persona: Persona) -> str:
    """One persona as Markdown."""
    from personas.render.formats.markdown import render_markdown_card as render

    return render(study, persona)
