"""The family tree of segments: what one more segment takes apart, widths by customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from personas.narrative.formatting import percent
from personas.render.charts import Canvas, twice

_ROW, _BOX = 74, 34
_LETTER, _ROOM = 6.4, 5
"""Width of a small letter and the room between words and frame, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Node:
    """One segment at one k: its customers, its name (empty where it has none), its colour."""

    k: int
    segment: int
    customers: int
    name: str = ""
    token: str = ""
    money: float | None = None
    """Share of all customers' money; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers who go from a segment at k to one at k + 1."""

    k: int
    origin: int
    segment: int
    customers: float


def family_tree(nodes: Sequence[Node], flows: Sequence[Flow], chosen: int) -> tuple[str, str]:
    """Boxes by k from top to bottom, areas between them for the customers that stay together."""
    ks = sorted({node.k for node in nodes})
    total = sum(node.customers for node in nodes if node.k == ks[0])
    order = _ordered(nodes, flows, ks)

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, gap = 30, 3 if narrow else 6
        places = {}
        for turn, k in enumerate(ks):
            row = order[k]
            scale = (canvas.width - left - gap * (len(row) - 1)) / total
            x = float(left)
            for node in row:
                places[k, node.segment] = (x, 18.0 + turn * _ROW, scale)
                x += node.customers * scale + gap
        for flow in flows:
            if flow.customers / total >= 0.004:
                _flow(canvas, flow, flows, order, places, {(n.k, n.segment): n for n in nodes})
        for turn, k in enumerate(ks):
            canvas.text(0, 18 + turn * _ROW + 22, str(k), "b" if k == chosen else "m")
            for node in order[k]:
                _box(canvas, node, places[k, node.segment], total)

    said = "; ".join(f"{k}: {', '.join(_told(node, total) for node in order[k])}" for k in ks)
    return twice(
        draw,
        18 + _ROW * (len(ks) - 1) + _BOX + 8,
        f"Family tree of segments by their number, shares of customers. {said}.",
    )


def _told(node: Node, total: int) -> str:
    money = "" if node.money is None else f" and {percent(node.money)} of the money"
    return f"{node.name} {percent(node.customers / total)}{money}".strip()


def _ordered(nodes: Sequence[Node], flows: Sequence[Flow], ks: Sequence[int]) -> dict[int, list[Node]]:
    """Segments of each row beneath those they come from, so that few areas cross."""
    order: dict[int, list[Node]] = {}
    for k in ks:
        row = [node for node in nodes if node.k == k]
        if k - 1 in order:
            above = {node.segment: place for place, node in enumerate(order[k - 1])}
            middle = {}
            for node in row:
                own = [(f.customers, above[f.origin]) for f in flows if f.k == k - 1 and f.segment == node.segment]
                whole = sum(part for part, _ in own) or 1.0
                middle[node.segment] = sum(part * place for part, place in own) / whole
            row.sort(key=lambda node: (middle[node.segment], -node.customers, node.segment))
        else:
            row.sort(key=lambda node: (-node.customers, node.segment))
        order[k] = row
    return order


def _flow(
    canvas: Canvas,
    flow: Flow,
    flows: Sequence[Flow],
    order: Mapping[int, list[Node]],
    places: Mapping[tuple[int, int], tuple[float, float, float]],
    nodes: Mapping[tuple[int, int], Node],
) -> None:
    """One area; where it starts and ends depends on those to its left on both rows."""
    place_above = {node.segment: turn for turn, node in enumerate(order[flow.k])}
    place_below = {node.segment: turn for turn, node in enumerate(order[flow.k + 1])}
    same = [f for f in flows if f.k == flow.k]
    left_below, left_above = place_below[flow.segment], place_above[flow.origin]
    before = sum(f.customers for f in same if f.origin == flow.origin and place_below[f.segment] < left_below)
    beside = sum(f.customers for f in same if f.segment == flow.segment and place_above[f.origin] < left_above)
    (x0, y0, scale0), (x1, y1, scale1) = places[flow.k, flow.origin], places[flow.k + 1, flow.segment]
    top, bottom = x0 + before * scale0, x1 + beside * scale1
    corners = [
        (top, y0 + _BOX), (top + flow.customers * scale0, y0 + _BOX),
        (bottom + flow.customers * scale1, y1), (bottom, y1),
    ]  # fmt: skip
    token = nodes[flow.k + 1, flow.segment].token
    canvas.area(corners, token or "fill", 0.16 if token else 0.35)


def _box(canvas: Canvas, node: Node, place: tuple[float, float, float], total: int) -> None:
    """Name, share and money, as many of them as fit inside the frame; the table has all."""
    x, y, scale = place
    width = node.customers * scale
    canvas.box(x, y, width, _BOX, node.token or "wash", "" if node.token else "ref")
    share, kind = percent(node.customers / total), "s inv" if node.token else "s"
    money = "" if node.money is None else f"money {percent(node.money)}"
    both = f"{share}, {money}" if money and _fits(f"{share}, {money}", width) else share
    lines = [(both, kind)]
    if node.name and width > 7.2 * len(node.name) + 8:
        lines = [(node.name, "b inv"), (both, kind)]
    elif money and both == share and _fits(money, width):
        lines = [(share, kind), (money, kind)]
    for turn, (words, style) in enumerate(lines):
        if len(lines) > 1 or _fits(words, width):
            canvas.text(x + width / 2, y + (22 if len(lines) == 1 else 15 + 14 * turn), words, style, "middle")


def _fits(words: str, width: float) -> bool:
    """Whether small letters leave some room to both sides of a box."""
    return width >= _LETTER * len(words) + 2 * _ROOM
