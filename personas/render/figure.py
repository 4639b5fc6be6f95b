"""The figure of a persona: drawn from five facts, never from a face (design page LOOK, "The figure")."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import escape

_CENTRE, _RING, _INNER = 48.0, 41.0, 15.0


def figure(
    months: Sequence[float] | None,
    online_share: float | None,
    average_order: float | None,
    reach: float | None,
    label: str,
    size: int = 88,
) -> str:
    """An SVG of 96 by 96 units in ``currentColor``.

    Parameters
    ----------
    months : twelve shares of orders that add up to 1, January first; None draws no strokes
        A stroke is 3 + 18 x share / 0.28 long, from radius 15 outwards, January on top, clockwise.
    online_share : 0 to 1; the part of the outer ring that is drawn strongly
    average_order : amount; the disc grows with its logarithm
    reach : people; one dot outside for each power of ten, none when unknown
    label : text alternative with the same facts
    size : 104, 88, 64 or 60 pixels
    """
    parts = [_ring(online_share), *_strokes(months), _disc(average_order), *_reach_dots(reach)]
    return (
        f'<svg class="fig" width="{size}" height="{size}" viewBox="0 0 96 96" role="img" '
        f'aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _point(angle: float, radius: float) -> tuple[float, float]:
    """Angle in degrees clockwise from the top."""
    turn = math.radians(angle)
    return _CENTRE + radius * math.sin(turn), _CENTRE - radius * math.cos(turn)


def _ring(share: float | None) -> str:
    faint = '<circle cx="48" cy="48" r="41" fill="none" stroke="currentColor" stroke-opacity=".22" stroke-width="1"/>'
    if share is None or share < 0.005:
        return faint
    if share > 0.995:
        return faint + '<circle cx="48" cy="48" r="41" fill="none" stroke="currentColor" stroke-width="2.6"/>'
    x, y = _point(360 * share, _RING)
    large = 1 if share > 0.5 else 0
    return (
        faint
        + f'<path d="M48 7A41 41 0 {large} 1 {x:.1f} {y:.1f}" fill="none" stroke="currentColor" stroke-width="2.6"/>'
    )


def _strokes(months: Sequence[float] | None) -> list[str]:
    strokes = []
    for turn, share in enumerate(months or ()):
        length = min(23.0, 3 + 18 * share / 0.28)  # the ring is at 41: a stroke never touches it
        (x1, y1), (x2, y2) = _point(30 * turn, _INNER), _point(30 * turn, _INNER + length)
        strokes.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="currentColor" stroke-width="4.4"/>')
    return strokes


def _disc(average_order: float | None) -> str:
    if average_order is None or average_order <= 0:
        return ""
    radius = max(2.0, min(12.0, 5.285 * math.log10(average_order) - 2.76))  # 27 gives 4.8, 310 gives 10.4
    return f'<circle cx="48" cy="48" r="{radius:.1f}" fill="currentColor"/>'


def _reach_dots(reach: float | None) -> list[str]:
    if reach is None or reach < 10:
        return []
    number = min(7, int(math.log10(reach) + 1e-9))
    angles = [45 + 9.5 * (turn - (number - 1) / 2) for turn in range(number)]
    dots = []
    for angle in angles:
        turn = math.radians(angle)
        x, y = _CENTRE + 46.5 * math.cos(turn), _CENTRE + 46.5 * math.sin(turn)
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.7" fill="currentColor"/>')
    return dots
