"""What segments are like and worth. ``describe`` is the door; ``prevalence`` counts who fits a description."""

from __future__ import annotations

from personas.profiles.branches import with_moved_money
from personas.profiles.contrast import lift
from personas.profiles.describe import describe
from personas.profiles.prevalence import fits, prevalence
from personas.profiles.records import Economics, Fact, Profile, Profiles, Rule
from personas.profiles.values import customer_values

__all__ = [
    "Economics",
    "Fact",
    "Profile",
    "Profiles",
    "Rule",
    "customer_values",
    "describe",
    "fits",
    "lift",
    "prevalence",
    "with_moved_money",
]
