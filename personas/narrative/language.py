"""A language is a YAML file without code: sentences, words bound to ranges, names. This file reads and checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from personas.errors import ConfigError

SLOT = re.compile(r"\{([A-Za-z_:]+)\}")
VERB = re.compile(r"\[([^|\]]+)\|([^|\]]+)\]")


class Frozen(BaseModel):
    """Frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantity(Frozen):
    """A word that stands for a range of numbers. ``on``: share, ratio (segment by everyone) or orders/year."""

    word: str
    on: str
    low: float
    high: float


class Conditions(Frozen):
    """When something may be said: ranges of the segment's figures, and comparisons with everyone."""

    needs: dict[str, tuple[float, float]] = {}
    above: str | None = None
    below: str | None = None


class Sentence(Conditions):
    """A sentence with the conditions under which it is true."""

    text: str


class Phrase(Frozen):
    """How a feature is said when the segment lies above or below everyone."""

    statistic: str = "mean"
    text: str = ""
    high: str = ""
    low: str = ""
    tag: dict[str, str] = {}

    def said(self, direction: str) -> str:
        """The sentence for ``high`` or ``low``."""
        return self.text or (self.high if direction == "high" else self.low)


class Versus(Frozen):
    """How a figure is compared with everyone's."""

    ratio: str
    up: str
    down: str
    plain: str
    centres: dict[str, str]


class Tension(Conditions):
    """What pulls in two directions, inferred from figures."""

    text: str
    needs: dict[str, tuple[float, float]] = {}


class Question(Sentence):
    """What to ask; ``about_a_trait``: only where a given column stands out, which is the {topic}."""

    about_a_trait: bool = False


class ActionRule(Conditions):
    """An action and the trigger that makes it fit."""

    id: str
    title: str
    channel: str
    message: str
    offer: str
    cadence: str
    trigger: str
    do_not: str
    family: str | None = None
    direction: str | None = None
    """Family of a given column and the side it lies on (high, low, both), for actions about a trait."""
    when_losing: bool = False
    """Also for a persona that costs more than it leaves; growth is no aim there."""


class StabilityWord(Frozen):
    """The word for a bootstrap Jaccard from ``low`` up."""

    low: float
    word: str


class Language(Frozen):
    """Everything that is said in one language."""

    language: str
    direction: str
    quantities: tuple[Quantity, ...]
    comparisons: dict[str, tuple[str, ...]]
    forbidden: tuple[str, ...]
    unit_words: dict[str, tuple[str, ...]]
    pronouns: dict[str, dict[str, str]]
    gender_words: dict[str, tuple[str, ...]]
    places: dict[str, str]
    scenes: tuple[Sentence, ...]
    features: dict[str, Phrase]
    not_traits: tuple[str, ...]
    fillers: tuple[str, ...] = ()
    generic: dict[str, Phrase]
    versus: Versus
    yes_levels: tuple[str, ...]
    sentences: dict[str, str]
    tensions: tuple[Tension, ...]
    find_out: tuple[Question, ...]
    names: dict[str, Any]
    stability_words: tuple[StabilityWord, ...]
    actions: tuple[ActionRule, ...] = Field(min_length=1)
    about_a_trait: tuple[ActionRule, ...] = ()
    fallback: ActionRule
    expected: dict[str, str]
    tests: dict[str, str] = {}
    """How an action is tested and when it pays."""
    newsletter: dict[str, str] = {}
    months: tuple[str, ...] = ()

    def stability_word(self, jaccard: float | None) -> str:
        """The word of the highest range that is reached (method.md 5); empty when it was not measured."""
        if jaccard is None:
            return ""
        return next(entry.word for entry in self.stability_words if jaccard >= entry.low)


def known_languages() -> dict[str, str]:
    """Code -> what it is, for every language file of the package."""
    folder = files("personas.narrative") / "languages"
    codes = sorted(e.name.removesuffix(".yaml") for e in folder.iterdir() if re.fullmatch(r"[a-z]{2}\.yaml", e.name))
    return {code: f"stories, names and actions in '{code}'" for code in codes}


@lru_cache(maxsize=8)
def load_language(code: str) -> Language:
    """The language of that code. Raises ConfigError when there is none, naming those that are known."""
    from ruamel.yaml import YAML

    folder = files("personas.narrative") / "languages"
    known = list(known_languages())
    if code not in known:
        raise ConfigError(f"no language '{code}'. Known: {', '.join(known)}.")
    yaml = YAML(typ="safe", pure=True)
    data: dict[str, Any] = {}
    for name in (f"{code}.yaml", f"{code}_actions.yaml"):
        data |= yaml.load((folder / name).read_text(encoding="utf-8"))
    return Language.model_validate(data)


def fill(template: str, slots: Mapping[str, str], *, plural: bool = False) -> str:
    """The template with its slots filled and its verbs agreeing; names only, no expression is ever evaluated.

    >>> fill("{He} [buys|buy] {v} times", {"He": "They", "v": "3"}, plural=True)
    'They buy 3 times'
    """
    agreed = VERB.sub(lambda match: match.group(2 if plural else 1), template)
    return SLOT.sub(lambda match: slots[match.group(1)], agreed)


def lower_first(text: str) -> str:
    """The text with its first letter small, for use inside a sentence."""
    return text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """The text with its first letter large."""
    return text[:1].upper() + text[1:]
