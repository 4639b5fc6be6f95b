"""Forms a study can take, found by name. Other packages add some through the entry-point group ``personas.formats``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from personas.registry import Registry

if TYPE_CHECKING:
    from personas.study import Study


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A form of a study.

    ``render(study)`` gives its files: path inside the folder -> content. ``suffix`` is that of the main file,
    ``purpose`` one line for people who choose.
    """

    name: str
    suffix: str
    render: Callable[[Study], Mapping[str, str | bytes]]
    purpose: str


def _built_in() -> Sequence[ReportFormat]:
    from personas.render.formats import card, csv, html, json, markdown

    return (
        ReportFormat(
            "html",
            ".html",
            lambda s: {"report.html": html.render_html(s)},
            "read, print and send: everything on one page",
        ),
        ReportFormat("card", ".html", card.render_cards, "paste a persona into a web page or a wiki"),
        ReportFormat("markdown", ".md", markdown.render_markdown_cards, "paste a persona into a planning document"),
        ReportFormat("json", ".json", json.render_json, "feed another program"),
        ReportFormat("csv", ".csv", csv.render_csv, "open the table of candidates in a spreadsheet"),
    )


FORMATS: Registry[ReportFormat] = Registry("format", _built_in, "personas.formats")
