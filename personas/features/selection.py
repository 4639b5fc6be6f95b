"""Which features form the segments: the configuration's list, or every basis feature of its families."""

from __future__ import annotations

from collections.abc import Sequence

from personas.config import Config
from personas.errors import ConfigError, count_of, did_you_mean
from personas.features.feature import Feature


def check_names(config: Config, measured: Sequence[str], unmeasured: Sequence[tuple[Feature, str]] = ()) -> None:
    """Raise ConfigError for every name under ``features`` that no family knows or that cannot be measured."""
    reasons = {feature.name: reason for feature, reason in unmeasured}
    known = [*measured, *reasons]
    problems = []
    for key in ("basis", "leave_out"):
        for place, name in enumerate(getattr(config.features, key) or ()):
            where = f"features.{key}[{place}]"
            if name not in known:
                hint = did_you_mean(name, known) or f"Known: {', '.join(sorted(known))}."
                problems.append(f"{where}: no feature '{name}'. {hint}")
            elif key == "basis" and name in reasons:
                problems.append(f"{where}: '{name}' cannot be measured, because {reasons[name]}. Take it off the list.")
    if problems:
        raise ConfigError(f"the configuration has {count_of(len(problems), 'problem')}", problems)


def forming(features: Sequence[Feature], config: Config) -> tuple[Feature, ...]:
    """The features that are asked to form segments, sorted by family and name.

    A family with the weight 0 takes no part; ``features.basis`` overrides roles and families.
    """
    wanted = config.features
    chosen = [
        feature
        for feature in features
        if feature.name not in wanted.leave_out
        and wanted.weights.get(feature.family, 1) > 0
        and (
            feature.name in wanted.basis
            if wanted.basis is not None
            else feature.role == "basis" and (wanted.families is None or feature.family in wanted.families)
        )
    ]
    return tuple(sorted(chosen, key=lambda feature: (feature.family, feature.name)))
