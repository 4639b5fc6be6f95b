"""The other side of every ratio: what a user would write today with pandas and scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture

KS = range(2, 13)


def features(folder: Path) -> pd.DataFrame:
    """One row per customer from orders and order lines in Parquet."""
    orders = pd.read_parquet(folder / "orders.parquet")
    lines = pd.read_parquet(folder / "order_lines.parquet")
    products = pd.read_parquet(folder / "products.parquet")
    for table in (orders, lines):
        table["amount"] = table["amount"].astype(float)
        table["discount"] = table["discount"].astype(float)
    by_customer = orders.groupby("customer")
    table = by_customer.agg(
        net=("amount", "sum"), discount=("discount", "sum"), orders=("order_no", "nunique"), last=("date", "max"),
        first=("date", "min"),
    )  # fmt: skip
    channels = orders.pivot_table(index="customer", columns="channel", values="amount", aggfunc="sum", fill_value=0)
    lines = lines.merge(orders[["order_no", "customer"]], on="order_no").merge(products[["sku", "category"]], on="sku")
    categories = lines.pivot_table(index="customer", columns="category", values="amount", aggfunc="sum", fill_value=0)
    more = lines.groupby("customer").agg(items=("qty", "sum"), products=("sku", "nunique"))
    days = orders[["customer", "date"]].drop_duplicates().sort_values(["customer", "date"])
    days["date"] = pd.to_datetime(days["date"])
    gap = days.groupby("customer")["date"].diff().dt.days.groupby(days["customer"]).mean().rename("gap")
    return table.join([more, channels, categories, gap])


def fits(X: Any, ks: Iterable[int] = KS, n_init: int = 10) -> dict[int, KMeans]:
    """k-means for every k."""
    return {k: KMeans(k, n_init=n_init, random_state=0).fit(X) for k in ks}


def scan(X: Any, ks: Iterable[int] = KS) -> dict[int, float]:
    """k-means and a sampled silhouette for every k."""
    return {
        k: float(silhouette_score(X, model.labels_, sample_size=min(len(X), 10_000), random_state=0))
        for k, model in fits(X, ks).items()
    }


def silhouettes(X: Any, labelings: Iterable[Any]) -> list[float]:
    """The exact silhouette of each labeling."""
    return [float(silhouette_score(X, labels)) for labels in labelings]


def mixture(X: Any, ks: Iterable[int] = KS) -> dict[int, GaussianMixture]:
    """A Gaussian mixture with full covariances for every k."""
    return {k: GaussianMixture(k, covariance_type="full", random_state=0).fit(X) for k in ks}


def stability(
    X: Any, ks: Iterable[int], bootstraps: int, n_init: int = 10, rows: int | None = None
) -> dict[int, float]:
    """Mean ARI of pairs of bootstrap models for every k; ``rows`` drawn each time, n without it."""
    random = np.random.default_rng(0)
    found = {}
    for k in ks:
        labels = [
            KMeans(k, n_init=n_init, random_state=b).fit(X[random.integers(0, len(X), rows or len(X))]).predict(X)
            for b in range(bootstraps)
        ]
        pairs = zip(labels[::2], labels[1::2], strict=True)
        found[k] = float(np.mean([adjusted_rand_score(a, b) for a, b in pairs]))
    return found


def null_set(X: Any, ks: Iterable[int]) -> dict[int, float]:
    """What is done with one structureless data set: k-means with 5 starts and the exact silhouette for every k."""
    return {k: float(silhouette_score(X, KMeans(k, n_init=5, random_state=0).fit(X).labels_)) for k in ks}
