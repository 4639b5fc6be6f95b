"""What forms the segments of a shop that has every table, when nobody says anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from personas.config import load_config
from personas.engines import open_engine
from personas.features import build, sample
from personas.simulate import simulate_shop
from personas.sources import prepare

ROOT = Path(__file__).resolve().parents[2]


def test_the_default_basis_of_a_full_shop_is_small_and_says_nothing_twice(tmp_path: Path) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "shop.yaml").write_text((ROOT / "configs" / "joe_and_sarah.yaml").read_text(encoding="utf-8"))
    simulate_shop(tmp_path / "reports" / "demo" / "data", customers=1200, seed=7)
    settings = load_config(folder / "shop.yaml")
    with open_engine("duckdb", threads=2) as engine:
        matrix = sample(build(engine, prepare(engine, settings), settings), settings)
    names = [feature.name for feature in matrix.features]
    assert sorted(names) == [
        "average_order", "brand_concentration", "brands_followed", "category_breadth", "discount_share", "effort_score",
        "followers", "mentions_per_year", "occasion_share", "online_share", "orders_per_year", "phone_share",
        "recency_days", "return_share",
    ]  # fmt: skip
    assert matrix.dropped == ()
    # Six families of weight 1 and the marks of unknown values: none owns the distance, and no feature is idle.
    variance = matrix.X.var(axis=0)
    families = np.array(matrix.families)
    shares = {family: variance[families == family].sum() for family in set(matrix.families)}
    assert max(shares.values()) / sum(shares.values()) < 0.3
    assert min(matrix.share_of_distance.values()) > 0.01
    # No two columns are nearly the same.
    correlations = np.corrcoef(matrix.X, rowvar=False) - np.eye(matrix.X.shape[1])
    assert np.abs(correlations).max() < 0.9
