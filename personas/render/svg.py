"""The one place that declares text to be markup: an SVG passes an allow-list or is refused."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from personas.errors import PersonasError

_ELEMENTS = frozenset({"svg", "g", "path", "rect", "circle", "line", "text", "tspan", "title", "desc"})
_ATTRIBUTES = frozenset({
    "class", "viewBox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "d", "fill", "stroke",
    "fill-opacity", "stroke-opacity", "opacity", "stroke-width", "stroke-dasharray", "stroke-linecap",
    "stroke-linejoin", "text-anchor", "role", "aria-label", "aria-hidden", "focusable", "preserveAspectRatio",
})  # fmt: skip
_CLASS = re.compile("[a-z0-9 -]*")


def checked_svg(source: str) -> Markup:
    """The SVG, safe to stand in a page unescaped.

    Raises
    ------
    PersonasError
        When an element or attribute is not on the list: then our own drawing code is wrong, or somebody's plug-in.
    """
    try:
        root = ElementTree.fromstring(source)
    except ElementTree.ParseError as error:
        raise PersonasError(f"a drawing is not well-formed SVG ({error}). Please report this.") from error
    for element in root.iter():
        if element.tag not in _ELEMENTS:
            raise PersonasError(
                f"a drawing holds the element '{element.tag}', which is not allowed. Please report this."
            )
        for name, value in element.attrib.items():
            allowed = name in _ATTRIBUTES and "url(" not in value
            if not allowed or (name == "class" and not _CLASS.fullmatch(value)):
                raise PersonasError(
                    f"a drawing holds the attribute '{name}', which is not allowed. Please report this."
                )
    return Markup(source)


def checked_css(source: str) -> Markup:
    """A style block of our own, safe to stand in a ``<style>`` unescaped: no markup, no address, no import."""
    if re.search(r"<|@import|url\(|expression\(|//", source, re.IGNORECASE):
        raise PersonasError("a style sheet holds markup or an address. Please report this.")
    return Markup(source)
