"""What a clustering method sees of the two shops: eight groups, or none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from personas.simulate.rhythm import before_occasion
from tests.simulate.shop_files import FIRST_DAY, SNAPSHOT, Shop, cents


def behaviour(shop: Shop) -> tuple[dict[str, list[np.ndarray]], np.ndarray]:
    """Thirteen features of behaviour by family, (n,) each, and the true group of each row. No age, no gender."""
    sales = shop.sales.sort_values(["customer", "day"])
    by = sales.groupby("customer")
    who = by.size().index

    def mean_of(flag: pd.Series) -> np.ndarray:
        return flag.groupby(sales["customer"]).mean().to_numpy()

    lines = shop.read("order_lines").merge(shop.read("products"), on="sku")
    lines = lines.merge(sales[["order_no", "customer"]], on="order_no")
    lines["cents"] = cents(lines["amount"])
    favourite = lines.groupby(["customer", "brand"])["cents"].sum().groupby("customer").max()
    brand = favourite / lines.groupby("customer")["cents"].sum()
    near = pd.Series(before_occasion((sales["day"] - FIRST_DAY).dt.days.to_numpy()), sales.index)
    returned = shop.orders[shop.orders["type"] == "refund"]["refers_to"]
    minutes = shop.tickets["minutes"].astype(int).groupby(shop.tickets["customer"]).sum().reindex(who).fillna(0)
    backs = sales["order_no"].isin(returned).groupby(sales["customer"]).sum()
    reach = shop.reach.reindex(who)
    reach = np.log1p(reach.fillna(reach.median()))
    families = {
        "purchase": [
            np.log1p(by.size().to_numpy()), np.log1p((SNAPSHOT - by["day"].max()).dt.days.to_numpy() / 5),
            np.log1p(by["cents"].mean().to_numpy() / 2000), mean_of(near),
        ],
        "product": [lines.groupby("customer")["category"].nunique().to_numpy()],
        "channel": [mean_of(sales["channel"].isin({"web", "app"})), mean_of(sales["channel"] == "phone")],
        "loyalty": [mean_of(sales["discount"] != "0.00"), brand.to_numpy(), mean_of(sales["order_no"].isin(returned))],
        "service": [1 + 9 * np.sqrt(np.minimum(minutes.to_numpy() + 10 * backs.to_numpy(), 120) / 120)],
        "influence": [reach[name].to_numpy() for name in ("followers", "brands_followed", "mentions")],
    }  # fmt: skip
    return families, shop.truth.reindex(who).to_numpy()


def coded(families: dict[str, list[np.ndarray]]) -> np.ndarray:
    """(n, d): clipped at 0.5% and 99.5%, robustly scaled, the first eigenvalue of each family 1 (method.md 2)."""
    blocks = []
    for columns in families.values():
        block = []
        for column in columns:
            x = np.clip(column.astype(float), *np.quantile(column, [0.005, 0.995]))
            spread = (np.quantile(x, 0.75) - np.quantile(x, 0.25)) / 1.349
            block.append((x - x.mean()) / (spread if spread > 0.5 * x.std() else x.std()))
        Z = np.column_stack(block)
        blocks.append(Z / np.sqrt(np.linalg.eigvalsh(Z.T @ Z / len(Z))[-1]))
    return np.hstack(blocks)


def silhouettes(X: np.ndarray, ks: range) -> tuple[dict[int, float], dict[int, np.ndarray]]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    labels = {k: KMeans(k, n_init=4, random_state=0).fit_predict(X) for k in ks}
    rows = np.random.default_rng(0).permutation(len(X))[:1500]
    return {k: float(silhouette_score(X[rows], labels[k][rows])) for k in ks}, labels


def test_behaviour_alone_gives_the_eight_groups_back(shop: Shop) -> None:
    from sklearn.metrics import adjusted_rand_score

    families, truth = behaviour(shop)
    scores, labels = silhouettes(coded(families), range(2, 13))
    assert max(scores, key=lambda k: scores[k]) == 8
    assert scores[8] - max(scores[7], scores[9]) > 0.02
    assert adjusted_rand_score(truth, labels[8]) >= 0.97
    # Customers, not points: what is left inside the groups is a good part of all the variance.
    X = coded(families)
    inside = sum(X[truth == group].var(axis=0).sum() * (truth == group).mean() for group in set(truth))
    inside /= X.var(axis=0).sum()
    assert 0.08 < inside < 0.30


def test_the_shop_without_groups_has_the_same_files_and_no_groups(shop: Shop, plain_shop: Shop) -> None:
    assert set(plain_shop.truth) == {"none"}
    for path in shop.folder.glob("*.csv"):
        assert path.open().readline() == (plain_shop.folder / path.name).open().readline()
    families, _ = behaviour(plain_shop)
    scores, _ = silhouettes(coded(families), range(2, 9))
    assert max(scores.values()) < 0.25  # the shop with groups reaches 0.5
