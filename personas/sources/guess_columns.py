"""Which column of a file is which: by its name in the languages of shops, by what is in it, by price and quantity."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from personas.sources.canonical import Column
from personas.sources.days import read_days
from personas.sources.numbers import is_missing, read_numbers
from personas.sources.privacy import plain_name
from personas.sources.raw import Raw
from personas.yamlfile import plain, read_yaml

UNIT_PRICE = Column("unit_price", "money", "price of one")


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """A canonical column and where it comes from: confidence 0 to 1, and why."""

    name: str
    column: str
    confidence: float
    reason: str
    kind: str = ""
    """For a column that is used as it stands: its kind."""
    times: str = ""
    """For an amount that the file gives as quantity and price of one: the column of the quantity."""


@cache
def vocabulary() -> dict[str, dict[str, list[str]]]:
    """Table -> canonical column -> words, from ``vocabulary.yaml``."""
    tree: Any = plain(read_yaml(Path(__file__).parent / "vocabulary.yaml"))
    return {
        table: {name: [str(word) for word in words] for name, words in columns.items()}
        for table, columns in tree.items()
    }


def by_name(
    table: str, column: Column, raw: Raw, samples: Mapping[str, Sequence[str]], taken: set[str]
) -> ColumnGuess | None:
    """The best column by name whose content fits the kind."""
    words = [column.name, *vocabulary().get(table, {}).get(column.name, [])]
    for place, word in enumerate(dict.fromkeys(plain_name(word) for word in words)):
        for name in raw.columns:
            if name in taken or plain_name(name) != word:
                continue
            if _fits(column, samples[name]):
                confidence = 1.0 if place == 0 else 0.95 if place < 8 else 0.85
                return ColumnGuess(column.name, name, confidence, f"its name is {word!r}")
    return None


def by_price(
    raw: Raw, samples: Mapping[str, Sequence[str]], taken: Mapping[str, ColumnGuess]
) -> ColumnGuess | None:
    """The amount of a line as the price of one times the quantity."""
    quantity = taken.get("quantity")
    used = {guess.column for guess in taken.values()}
    price = quantity and by_name("order_lines", UNIT_PRICE, raw, samples, used)
    if not price or not quantity:
        return None
    reason = f"{price.reason}; times {quantity.column!r}, its quantity"
    return replace(price, name="line_amount", reason=reason, times=quantity.column)


def by_shape(column: Column, raw: Raw, samples: Mapping[str, Sequence[str]], taken: set[str]) -> ColumnGuess | None:
    """The only column whose content fits, for a required day or amount."""
    if column.kind not in ("day", "money"):
        return None
    if column.kind == "money" and not any("." in t or "," in t for name in raw.columns for t in samples[name][:50]):
        return None
    fitting = [
        name
        for name in raw.columns
        if name not in taken and _fits(column, samples[name]) and not plain_name(name).endswith(" id")
        and (column.kind == "day" or any(re.search(r"\d[.,]\d\d$", text.strip()) for text in samples[name]))
    ]  # fmt: skip
    if len(fitting) != 1:
        return None
    what = "days" if column.kind == "day" else "amounts with two decimals"
    return ColumnGuess(column.name, fitting[0], 0.5, f"the only column with {what}: please check")


def _fits(column: Column, texts: Sequence[str]) -> bool:
    """Whether nearly all texts are of the kind."""
    filled = [text for text in texts if not is_missing(text)]
    if not filled:
        return not column.required
    kind = column.kind
    if column.name == "birth_year":
        return all(re.search(r"\d{2}", text) for text in filled)
    if kind == "day":
        days = read_days(sorted(set(filled)), "auto")
        return bool(days.question) or len(days.failed) * 20 < len(set(filled))
    if column.name == "discount_amount" and _is_share(filled):
        return False  # 0.2 of the price, and no amount
    if kind in ("money", "number", "count", "share"):
        numbers = read_numbers(sorted(set(filled)), kind, "auto", None)
        return bool(numbers.question) or len(numbers.failed) * 20 < len(set(filled))
    return True


def _is_share(texts: Sequence[str]) -> bool:
    """Whether all are numbers from 0 to 1 or percentages, and not all of them 0."""
    if any("%" in text for text in texts):
        return True
    found = read_numbers(sorted(set(texts)), "number", "auto", None).values
    values = [abs(float(str(value))) for value in found if value is not None]
    return bool(values) and 0 < max(values) <= 1
