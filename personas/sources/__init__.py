"""Which tables: from files to canonical tables that can be trusted. ``prepare`` is the only door."""

from __future__ import annotations

from personas.sources.prepare import prepare

__all__ = ["prepare"]
