"""What the families may know before they propose features: window, configuration, categories and channels."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from personas.config import Config
from personas.engines import Engine, Table
from personas.errors import ConfigError
from personas.features.families.lifecycle import usual_rhythm
from personas.features.feature import FamilyContext
from personas.sources.canonical import Tables

LEAST_SHARE = 0.01
"""A category worth less of the spend joins the other categories."""
MOST_CHANNELS = 6
DISTINCT_LIMIT = 100_000
"""So many different categories or channels are no categories; the engine refuses to hand over more."""
CHANNEL_ORDER = ("online", "phone", "store", "other")


def look(engine: Engine, tables: Tables, config: Config) -> FamilyContext:
    """The context of a study: small questions to the engine, nothing about a single customer.

    Raises ConfigError where lifecycle stages are asked for and nobody has bought often enough to have a rhythm.
    """
    categories, rest = _categories(engine, tables, config.features.max_categories)
    channels = _channels(engine, tables)
    return FamilyContext(
        tables, config, tables.snapshot_date, tables.window_days, tables.currency, categories, channels, rest,
        _rhythm(engine, tables, config),
    )  # fmt: skip


def _rhythm(engine: Engine, tables: Tables, config: Config) -> float | None:
    """The usual days between two orders, where lifecycle stages are asked for."""
    if config.segmentation.within is None:
        return None
    found = usual_rhythm(engine, tables.orders) if tables.orders is not None else None
    if found is None:
        raise ConfigError(
            "segmentation.within: lifecycle needs orders of customers who bought on three days or more, and there are "
            "none. Leave it out"
        )
    return found


def categories_sql(lines: Table) -> str:
    """Spend per category in the window, over lines that were bought."""
    return (
        f"SELECT\n  category AS name,\n  CAST(sum(line_amount) AS DOUBLE) AS amount\nFROM {lines.name}\n"
        "WHERE in_window AND line_amount > 0 AND category IS NOT NULL\nGROUP BY category"
    )


def channels_sql(orders: Table) -> str:
    """Sales per channel in the window."""
    return (
        f"SELECT\n  channel AS name,\n  CAST(count(*) AS DOUBLE) AS amount\nFROM {orders.name}\n"
        "WHERE in_window AND is_sale AND channel IS NOT NULL\nGROUP BY channel"
    )


def _categories(engine: Engine, tables: Tables, most: int) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The categories with at least 1% of the spend, at most ``most``, and whether others are left over."""
    lines = tables.order_lines
    if lines is None or not lines.has("category", "line_amount"):
        return (), False
    found = _largest_first(engine, categories_sql(lines))
    total = sum(amount for _, amount in found)
    kept = [name for name, amount in found if amount >= LEAST_SHARE * total][:most]
    return named(kept), len(kept) < len(found)


def _channels(engine: Engine, tables: Tables) -> tuple[tuple[str, str], ...]:
    orders = tables.orders
    if orders is None or not orders.has("channel"):
        return ()
    found = [name for name, _ in _largest_first(engine, channels_sql(orders))][:MOST_CHANNELS]
    canonical = [name for name in CHANNEL_ORDER if name in found]
    return named([*canonical, *(name for name in found if name not in canonical)])


def _largest_first(engine: Engine, sql: str) -> list[tuple[str, float]]:
    rows = engine.fetch(sql, DISTINCT_LIMIT).to_pylist()
    return sorted(((str(row["name"]), float(row["amount"])) for row in rows), key=lambda pair: (-pair[1], pair[0]))


def named(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(slug, value) for each value; slugs are lower case, without blanks and different from each other.

    >>> named(["Home & Garden", "home garden", "!"])
    (('home_garden', 'Home & Garden'), ('home_garden_2', 'home garden'), ('no_3', '!'))
    """
    found: dict[str, str] = {}
    for number, value in enumerate(values, start=1):
        text = unicodedata.normalize("NFKC", value).casefold()
        # Marks (category M) belong to the letters of Thai and other scripts.
        kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
        slug = "_".join(kept.split())[:60] or f"no_{number}"
        found[f"{slug}_{number}" if slug in found else slug] = value
    return tuple(found.items())
