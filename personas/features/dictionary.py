"""The feature dictionary: what every feature is, how it was prepared and how much it counts."""

from __future__ import annotations

from dataclasses import dataclass

from personas.features.coding import FeatureMatrix
from personas.features.families import FAMILIES
from personas.features.feature import Customers, Feature


@dataclass(frozen=True, slots=True)
class FeatureEntry:
    """One row of the feature dictionary."""

    feature: Feature
    role: str
    """basis, profile, or left out."""
    transform: str
    missing_share: float | None
    share_of_distance: float
    family_title: str
    note: str = ""


def dictionary(customers: Customers, matrix: FeatureMatrix) -> tuple[FeatureEntry, ...]:
    """One entry per feature that some family proposes: forming ones first, then describing, then those left out."""
    titles = {family.name: family.title for family in FAMILIES}
    forming = {feature.name for feature in matrix.features}
    notes = dict(zip(matrix.dropped_features, matrix.dropped, strict=True))
    entries = [
        FeatureEntry(
            feature,
            "basis" if feature.name in forming else "profile",
            matrix.transforms.get(feature.name, ""),
            matrix.missing_share.get(feature.name),
            matrix.share_of_distance.get(feature.name, 0.0),
            titles.get(feature.family, feature.family),
            notes[feature.name].text if feature.name in notes else "",
        )
        for feature in customers.features
    ]
    entries += [
        FeatureEntry(feature, "left out", "", None, 0.0, titles.get(feature.family, feature.family), reason)
        for feature, reason in customers.unmeasured
    ]
    return tuple(sorted(entries, key=lambda entry: ("basis", "profile", "left out").index(entry.role)))
