"""What is protected: columns that describe a persona but never form one by default, and groups too small to show."""

from __future__ import annotations

from personas.sources.canonical import CANONICAL

PROTECTED: tuple[str, ...] = tuple(
    dict.fromkeys(column.name for columns in CANONICAL.values() for column in columns if column.protected)
)
"""Canonical columns that are protected, over all tables."""
SMALL_CELL = 5
"""A count of fewer customers than this may point at single people; it is not shown with a protected column."""


def is_protected(column: str) -> bool:
    """Whether a column may not form segments unless the configuration says so.

    >>> is_protected("gender"), is_protected("region")
    (True, False)
    """
    return column in PROTECTED
