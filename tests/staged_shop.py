"""A shop with two planted groups among its new customers and three among the active, as a file and a configuration."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from .small_shop import CONFIG, Row, write_shop

END = date(2025, 12, 31)
ACTIVE = ((15, 20), (60, 20), (30, 300))
"""Days between orders and amount of the three groups that buy steadily, 70 customers each: A0-.. to A2-.."""
NEW = (12, 400)
"""Amount of the only order, less than a month ago, of the two groups that are new, 60 customers each: N0-.., N1-.."""
LOST = 12
"""Customers who bought eight times in the first half of the year and never since: L-.."""
STAGED = CONFIG.replace("  k: [2, 4]\n  min_size: 10\n", "  k: [2, 4]\n  within: lifecycle\n  min_size: 20\n")
STAGED += "features:\n  basis: [orders_per_year, average_order]\n"


def staged_rows() -> list[Row]:
    """The orders; amounts and gaps of a customer lie around those of the group by a tenth."""
    random, rows = np.random.default_rng(0), []

    def buy(customer: str, days: list[int], around: float) -> None:
        amount = around * float(np.exp(0.12 * random.normal()))
        for visit, ago in enumerate(days):
            day = (END - timedelta(days=ago)).isoformat()
            rows.append([f"{customer}-{visit}", customer, day, f"{amount:.2f}", ("online", "store")[visit % 2]])

    for group, (every, amount) in enumerate(ACTIVE):
        for number in range(70):
            step = max(5, round(every * float(np.exp(0.1 * random.normal()))))
            buy(f"A{group}-{number:02d}", list(range(number % step, 350, step)), amount)
    for group, amount in enumerate(NEW):
        for number in range(60):
            buy(f"N{group}-{number:02d}", [number % 25], amount)
    for number in range(LOST):
        buy(f"L-{number:02d}", [200 + number + 15 * visit for visit in range(8)], 40)
    return rows


def write_staged_shop(folder: Path) -> Path:
    """``orders.csv`` and ``shop.yaml`` that seeks segments within lifecycle stages."""
    return write_shop(folder, staged_rows(), config=STAGED)
