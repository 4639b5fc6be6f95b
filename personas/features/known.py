"""The features that could be measured if the shop had every canonical column: for listings and documentation."""

from __future__ import annotations

from datetime import date

from personas.config import Config
from personas.engines import Table
from personas.features.families import FAMILIES
from personas.features.feature import FamilyContext, Feature
from personas.sources.canonical import CANONICAL, Audit, Tables

_ADDED = {
    "customers": ("first_ordered_on",),
    "orders": ("is_sale", "net_amount", "in_window", "refunded"),
    "order_lines": ("in_window",),
    "tickets": ("in_window",),
    "reach": ("in_window",),
}
"""Columns that ``sources.prepare`` adds to the canonical ones."""


def known_features() -> tuple[Feature, ...]:
    """Every feature of every family, as for a shop that records everything; category shares are left out."""
    full = {name: Table(name, tuple(c.name for c in CANONICAL[name]) + added) for name, added in _ADDED.items()}
    day = date(2000, 1, 1)
    tables = Tables(
        **full, given=(), snapshot_date=day, window_days=365, currency="EUR", audit=Audit((), (), ()), input_hashes=()
    )
    config = Config.model_validate({"study": {"name": "all", "currency": "EUR"}, "sources": {"orders": {"file": "-"}}})
    context = FamilyContext(tables, config, day, 365, "EUR")
    return tuple(feature for family in FAMILIES for feature in family.features(context))
