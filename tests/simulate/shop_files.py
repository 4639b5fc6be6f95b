"""The files of a simulated shop, read as an outsider reads them: nothing here comes from the code under test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIRST_DAY, WINDOW_START, SNAPSHOT = map(pd.Timestamp, ("2024-11-01", "2025-11-01", "2026-11-01"))


@dataclass(frozen=True)
class Shop:
    """The files of a shop as text, and what a reader makes of them."""

    folder: Path

    def read(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", dtype=str, keep_default_na=False)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Rows of known customers, each once; money in cents."""
        orders = self.read("orders").drop_duplicates()
        known = set(self.read("customers")["id"])
        orders = orders[orders["customer"].isin(known)].copy()
        orders["day"] = pd.to_datetime(orders["date"])
        orders["cents"] = cents(orders["amount"])
        return orders

    @cached_property
    def sales(self) -> pd.DataFrame:
        """Sales in the window."""
        return self.orders[(self.orders["type"] == "sale") & (self.orders["day"] >= WINDOW_START)]

    @cached_property
    def truth(self) -> pd.Series:
        return self.read("truth").set_index("customer_id")["group"]

    @cached_property
    def counts(self) -> Mapping[str, Any]:
        return json.loads((self.folder / "truth.json").read_text())["planted"]

    @cached_property
    def tickets(self) -> pd.DataFrame:
        tickets = self.read("tickets")
        return tickets[(tickets["customer"] != "") & (pd.to_datetime(tickets["opened"]) >= WINDOW_START)]

    @cached_property
    def reach(self) -> pd.DataFrame:
        reach = self.read("reach").sort_values("measured").drop_duplicates("customer", keep="last")
        columns = ["followers", "brands_followed", "mentions", "referrals"]
        return reach.set_index("customer")[columns].apply(pd.to_numeric)


def cents(text: pd.Series) -> pd.Series:
    """Exact cents from text with two decimals."""
    return text.str.replace(".", "", regex=False).astype(np.int64)
