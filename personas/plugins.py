"""What is known, one line each: features, presets, algorithms, indices, languages, formats."""

from __future__ import annotations

from collections.abc import Callable

from personas.errors import ConfigError, did_you_mean


def _features() -> dict[str, str]:
    from personas.features.known import known_features

    return {feature.name: f"{feature.label} ({feature.unit}); {feature.family}" for feature in known_features()}


def _presets() -> dict[str, str]:
    from personas.sources.preset import known_presets

    return dict(known_presets())


def _algorithms() -> dict[str, str]:
    from personas.segmentation.algorithms import ALGORITHMS

    return {record.name: f"{record.label}: suits {record.suits}" for record in ALGORITHMS}


def _indices() -> dict[str, str]:
    from personas.segmentation.indices import INDICES

    return {record.name: f"{record.reading} ({record.source}; {record.better} is better)" for record in INDICES}


def _languages() -> dict[str, str]:
    from personas.narrative.language import known_languages

    return known_languages()


def _formats() -> dict[str, str]:
    from personas.render.formats import FORMATS

    return {record.name: record.purpose for record in FORMATS}


KINDS: dict[str, Callable[[], dict[str, str]]] = {
    "features": _features,
    "presets": _presets,
    "algorithms": _algorithms,
    "indices": _indices,
    "languages": _languages,
    "formats": _formats,
}


def listing(kind: str) -> dict[str, str]:
    """Name -> one line, for one kind of plug-in. Raises ConfigError for an unknown kind."""
    if kind not in KINDS:
        raise ConfigError(f"no plug-ins of kind '{kind}'. {did_you_mean(kind, list(KINDS))} Known: {', '.join(KINDS)}.")
    return KINDS[kind]()
