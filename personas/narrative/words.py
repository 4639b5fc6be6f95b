"""Whether a study can be written in its language and its currency: asked before a run, not at the end of it."""

from __future__ import annotations

from personas.config import StudyConfig
from personas.errors import ConfigError
from personas.narrative.language import known_languages


def check_words(study: StudyConfig) -> None:
    """Raise ConfigError for a language that no file is there for, or a currency that ISO 4217 never knew."""
    from babel.core import get_global

    known = list(known_languages())
    if study.language not in known:
        raise ConfigError(f"study.language: no language '{study.language}'. Known: {', '.join(known)}.")
    if study.currency is not None and study.currency not in get_global("all_currencies"):
        raise ConfigError(
            f"study.currency: there is no currency '{study.currency}'. Write its three letters, such as EUR."
        )
