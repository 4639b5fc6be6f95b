"""The style blocks: one for the report, one scoped to the id of a card that stands alone."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

LIGHT = {
    "paper": "#FFFFFF", "page": "#FAF8F4", "wash": "#F3F0E9", "ink": "#1B1E22", "ink2": "#575D66", "rule": "#DDD8CD",
    "ref": "#6F757E", "fill": "#B9B4A8", "note": "#FFF4DC", "noteink": "#6B4200", "p1": "#1F4AAE", "p2": "#107B5C",
    "p3": "#8A3312", "p4": "#93307F", "p5": "#836913", "p6": "#333A44",
}  # fmt: skip
"""Colours by token, on light ground and on paper. ``p1`` to ``p6`` are the personas in order."""
DARK = {
    "paper": "#1B1D21", "page": "#131518", "wash": "#25282D", "ink": "#ECEAE5", "ink2": "#A9AFB8", "rule": "#3A3E45",
    "ref": "#98A0AB", "fill": "#5B6068", "note": "#3A2E12", "noteink": "#F3D28A", "p1": "#6A9BF0", "p2": "#66E3C0",
    "p3": "#EB8A4E", "p4": "#EDA3E4", "p5": "#EBD68F", "p6": "#929CA8",
}  # fmt: skip


def persona_class(place: int) -> str:
    """The colour class of the persona at that place, 0 first: ``p1`` to ``p6``, from the seventh on ``p7`` (ink2)."""
    return f"p{min(place, 6) + 1}"


def persona_token(place: int) -> str:
    """The colour token of the persona at that place: ``p1`` to ``p6``, then ``ink2``."""
    return f"p{place + 1}" if place < 6 else "ink2"


def report_css() -> str:
    """Every rule of the report, cards included: one block, so that one hash covers it."""
    return _with_tokens(_read("report.css") + _read("card.css"))


def card_css(identity: str) -> str:
    """The rules of one card, scoped to its id (``[a-z0-9-]``)."""
    return re.sub(r"\.pc(?![\w-])", f"#{identity}", _with_tokens(_read("card.css")))


def css_hash(css: str) -> str:
    """The source expression of a style block for a content security policy: ``sha256-...``."""
    return "sha256-" + base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()


@lru_cache(maxsize=4)
def _read(name: str) -> str:
    return files("personas.render").joinpath("templates", name).read_text(encoding="utf-8").strip() + "\n"


def _with_tokens(css: str) -> str:
    return css.replace("@LIGHT;", _declared(LIGHT)).replace("@DARK;", _declared(DARK))


def _declared(tokens: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in tokens.items())
