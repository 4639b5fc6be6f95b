"""Charts as clean SVG: each drawn twice, 760 and 340 units wide, by matplotlib as the pen.

One unit is one pixel and the origin is the upper left corner, so that text keeps its size at both widths. What
matplotlib writes is then cleaned: colours become ``var(--token, #hex)``, style attributes presentation attributes, text
loses its font (the style sheet sets it), everything else is dropped. Same input, same bytes.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from personas.render.styles import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE, NARROW = 760, 340
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_KEPT = {
    "fill", "stroke", "fill-opacity", "stroke-opacity", "opacity", "stroke-width", "stroke-dasharray", "stroke-linecap",
    "stroke-linejoin", "text-anchor",
}  # fmt: skip


class Canvas:
    """A sheet of given width and height, origin at the upper left, with marks named after what they mean."""

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        self.width, self.height = width, height
        self._figure: Figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self._figure.patch.set_visible(False)
        self._place = Affine2D().scale(1, -1).translate(0, height)  # our y goes down, matplotlib's up
        self._marks = 0

    def line(self, points: Sequence[tuple[float, float]], token: str, width: float = 1, dash: str = "") -> None:
        """A line through points."""
        from matplotlib.lines import Line2D

        xs, ys = [p[0] for p in points], [p[1] for p in points]
        style: Any = (0, tuple(float(part) for part in dash.split())) if dash else "-"
        self._add(Line2D(xs, ys, color=_light(token), linewidth=width, linestyle=style))

    def area(self, points: Sequence[tuple[float, float]], token: str, opacity: float = 1.0, outline: str = "") -> None:
        """A filled area with straight sides."""
        from matplotlib.patches import Polygon

        edge, alpha = _light(outline) if outline else "none", None if opacity == 1 else opacity
        width = 1 if outline else 0
        self._add(Polygon(list(points), facecolor=_light(token), alpha=alpha, edgecolor=edge, linewidth=width))

    def box(self, x: float, y: float, width: float, height: float, token: str, outline: str = "") -> None:
        """A rectangle."""
        self.area([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], token, outline=outline)

    def dot(self, x: float, y: float, radius: float, token: str, hollow: bool = False, dashed: bool = False) -> None:
        """A dot; hollow where it is a loss, another kind of figure, or not sure."""
        from matplotlib.patches import Circle

        style: Any = (0, (3, 2)) if dashed else "-"
        fill, edge = _light("page" if hollow else token), _light(token)
        self._add(Circle((x, y), radius, facecolor=fill, edgecolor=edge, linewidth=2, linestyle=style))

    def dots(self, points: Sequence[tuple[float, float]], radius: float, token: str) -> None:
        """Many small dots as one path, in the order of their places: nothing tells whose they are."""
        from matplotlib.lines import Line2D

        xs, ys = zip(*sorted(points), strict=True)
        size = 2 * radius
        self._add(Line2D(xs, ys, linestyle="", marker="o", markersize=size, markeredgewidth=0, color=_light(token)))

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """Words on their base line. ``kind``: s small, m muted, b bold, hal with a halo; several with blanks."""
        from matplotlib.text import Text

        align: Any = {"start": "left", "middle": "center", "end": "right"}[anchor]
        self._add(Text(x, y, words, horizontalalignment=align, parse_math=False, gid=f"class {kind}"))

    def _add(self, mark: Any) -> None:
        """Marks lie on each other in the order in which they are drawn."""
        self._marks += 1
        mark.set(transform=self._place, clip_on=False, zorder=self._marks)
        self._figure.add_artist(mark)

    def svg(self, kind: str, label: str) -> str:
        """The cleaned drawing. ``kind`` is w or n; ``label`` says the same numbers as a sentence."""
        return _clean(_drawn(self._figure), self.width, self.height, kind, label)


_SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "personas", "path.simplify": False, "text.usetex": False}


def twice(
    draw: Callable[[Canvas, bool], None], height: int, label: str, narrow_height: int | None = None
) -> tuple[str, str]:
    """The wide and the narrow drawing. ``draw(canvas, narrow)`` puts the marks down."""
    drawings = []
    for kind, width, tall in (("w", WIDE, height), ("n", NARROW, narrow_height or height)):
        canvas = Canvas(width, tall)
        draw(canvas, kind == "n")
        drawings.append(canvas.svg(kind, label))
    return drawings[0], drawings[1]


def _light(token: str) -> str:
    return "none" if token == "none" else LIGHT[token]


def _drawn(figure: Figure) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the reader's own fonts draw the text
        FigureCanvasSVG(figure).print_svg(
            buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return buffer.getvalue()


def _clean(source: str, width: int, height: int, kind: str, label: str) -> str:
    root = ElementTree.fromstring(source)
    attributes = {"class": f"ch {kind}", "viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": label}
    out = ElementTree.Element("svg", attributes)
    shapes = {path.get("id", ""): path for path in root.iter(f"{_SVG}path")}
    _collect(root, out, "", shapes)
    return ElementTree.tostring(out, encoding="unicode", short_empty_elements=True)


def _collect(
    node: ElementTree.Element, out: ElementTree.Element, classes: str, shapes: Mapping[str, ElementTree.Element]
) -> None:
    """Every path and text beneath a node, flat and cleaned; marks that repeat one shape become one path."""
    name = node.get("id", "")
    classes = name.removeprefix("class ").strip() if name.startswith("class ") else classes
    repeated = [use for use in node if use.tag == f"{_SVG}g" and use.find(f"{_SVG}use") is not None]
    uses = [*node.findall(f"{_SVG}use"), *(use for group in repeated for use in group.findall(f"{_SVG}use"))]
    if uses:
        out.append(_as_one_path(uses, shapes))
        return
    for child in node:
        tag = child.tag.removeprefix(_SVG)
        if tag == "g":
            _collect(child, out, classes, shapes)
        elif tag == "path":
            out.append(ElementTree.Element("path", {"d": _short_path(child.get("d", "")), **_attributes(child)}))
        elif tag == "text":
            out.append(_text(child, classes))


def _text(node: ElementTree.Element, classes: str) -> ElementTree.Element:
    anchor = re.search(r"text-anchor:\s*(\w+)", node.get("style", ""))
    x, y = node.get("x"), node.get("y")
    if x is None or y is None:
        moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", node.get("transform", ""))
        x, y = moved.groups() if moved else ("0", "0")
    attributes = {"x": _number(x), "y": _number(y)}
    if classes:
        attributes["class"] = classes
    if anchor and anchor.group(1) != "start":
        attributes["text-anchor"] = anchor.group(1)
    cleaned = ElementTree.Element("text", attributes)
    cleaned.text = "".join(node.itertext())
    return cleaned


def _as_one_path(uses: list[ElementTree.Element], shapes: Mapping[str, ElementTree.Element]) -> ElementTree.Element:
    """Small round marks as strokes of no length with round ends: twelve bytes a mark.

    A second group of marks of the same shape refers to the definition of the first one, so shapes are looked up by id.
    """
    shape = shapes[uses[0].get(_HREF, "").removeprefix("#")]
    across = [float(part) for part in re.findall(r"-?\d+\.?\d*", shape.get("d", ""))]
    path = "".join(f"M{_number(use.get('x', '0'))} {_number(use.get('y', '0'))}h0" for use in uses)
    fill = _attributes(uses[0]).get("fill", "currentColor")
    width = _number(str(2 * max(across)))
    return ElementTree.Element(
        "path", {"d": path, "stroke": fill, "stroke-width": width, "stroke-linecap": "round", "opacity": ".6"}
    )


def _attributes(node: ElementTree.Element) -> dict[str, str]:
    """Presentation attributes from a style attribute; colours by token."""
    found = {k: v for k, v in node.attrib.items() if k in _KEPT}
    for part in node.get("style", "").split(";"):
        name, _, value = part.partition(":")
        name, value = name.strip(), value.strip()
        if name == "opacity":
            name = "fill-opacity"
        if name in _KEPT and name != "stroke-linejoin":
            found[name] = _coloured(value) if name in {"fill", "stroke"} else value.replace(",", " ")
    if found.get("stroke") == "none":
        found = {k: v for k, v in found.items() if not k.startswith("stroke")}
    return found


def _coloured(value: str) -> str:
    for token, colour in LIGHT.items():
        if colour.lower() == value.lower():
            return f"var(--{token},{colour})"
    return value


def _short_path(path: str) -> str:
    short = re.sub(r"-?\d+\.\d+", lambda m: _number(m.group()), path)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", short.replace("\n", "")).strip()


def _number(text: str) -> str:
    rounded = f"{float(text):.1f}"
    return "0" if rounded in ("-0.0", "0.0") else rounded.removesuffix(".0")
