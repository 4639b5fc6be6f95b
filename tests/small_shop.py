"""A shop of a hundred customers as two files and a configuration, for tests that are about everything but the shop."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

HEADER = ("order_id", "customer_id", "ordered_on", "total_amount", "channel")
Row = list[str]

CONFIG = """\
study:
  name: Corner shop
  currency: EUR
sources:
  orders:
    file: orders.csv
segmentation:
  k: [2, 4]
  min_size: 10
  protocol: quick
report:
  map: none
"""


def order_rows(customers: int = 100) -> list[Row]:
    """Orders of three kinds of customer: often and little, now and then, rarely and much. No draw, only arithmetic."""
    rows: list[Row] = []
    for number in range(customers):
        every, amount, channel = ((30, 20, "online"), (75, 90, "store"), (160, 400, "store"))[number % 3]
        step = every + number % 7
        for visit, day in enumerate(range(number % 25, 365, step)):
            ordered_on = date(2025, 1, 1) + timedelta(days=day)
            paid = amount + (number * 7 + visit * 3) % 11
            order_id = f"A{number:03d}-{visit:02d}"
            rows.append([order_id, f"C{number:03d}", ordered_on.isoformat(), f"{paid}.{number % 10}0", channel])
    return rows


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_shop(
    folder: Path,
    rows: Sequence[Sequence[str]] | None = None,
    *,
    header: Sequence[str] = HEADER,
    config: str = CONFIG,
    change: Callable[[int, Row], Row] | None = None,
) -> Path:
    """``orders.csv`` and ``shop.yaml`` in ``folder``; the path of the latter. ``change`` is called with every row."""
    found = [list(row) for row in (order_rows() if rows is None else rows)]
    if change is not None:
        found = [change(place, row) for place, row in enumerate(found)]
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "orders.csv", header, found)
    (folder / "shop.yaml").write_text(config, encoding="utf-8")
    return folder / "shop.yaml"


def content_of(folder: Path) -> dict[str, str]:
    """Path below ``folder`` -> hash of the bytes, hidden files too: what must not change when a run fails."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
