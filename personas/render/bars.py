"""Small bars that stand inside tables: 100 units wide, the number is always in the cell beside them."""

from __future__ import annotations

_HEAD = '<svg class="bar" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true" focusable="false">'


def bar(value: float, scale: float, reference: float | None = None, kind: str = "val", low: float = 0.0) -> str:
    """A bar from zero with the upright mark of all customers.

    Parameters
    ----------
    value, reference : float
        The figure of the persona and of all customers, in the same unit. A negative value is drawn hollow.
    scale, low : float
        What stands at the right and at the left edge; ``low`` below 0 shows the zero line, so that bars of one row
        that share both can be compared.
    kind : str
        ``val`` (colour of the persona) or ``soft`` (neutral area).
    """
    low = min(low, value, 0.0 if reference is None else reference)
    if scale - low <= 0:
        return f"{_HEAD}</svg>"
    zero, end = _place(0.0, low, scale), _place(value, low, scale)
    shape = _stretch("loss" if value < 0 else kind, zero, end)
    line = f'<path class="zero" d="M{zero:.1f} 0V12"/>' if low < 0 else ""
    return f"{_HEAD}{shape}{line}{_mark(_place(reference, low, scale)) if reference is not None else ''}</svg>"


def step(start: float, end: float, scale: float, low: float = 0.0) -> str:
    """A cost in a small cascade: the outlined stretch between what was there and what is left."""
    low = min(low, start, end)
    if scale - low <= 0:
        return f"{_HEAD}</svg>"
    line = f'<path class="zero" d="M{_place(0.0, low, scale):.1f} 0V12"/>' if low < 0 else ""
    return f"{_HEAD}{_stretch('cost', _place(end, low, scale), _place(start, low, scale))}{line}</svg>"


def _stretch(kind: str, one: float, other: float) -> str:
    left, right = sorted((one, other))
    return f'<rect class="{kind}" x="{left:.1f}" y="2" width="{right - left:.1f}" height="8"/>'


def _place(value: float, low: float, scale: float) -> float:
    return max(0.0, min(1.0, (value - low) / (scale - low))) * 100


def _mark(x: float) -> str:
    x = max(0.9, min(99.1, x))  # a mark on the very edge would lose half its width
    return f'<path class="halo" d="M{x:.1f} 0V12"/><path class="ref" d="M{x:.1f} 0V12"/>'
