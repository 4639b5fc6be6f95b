"""The data of the measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personas.config import Config

GROUPS, IN_GROUPS, LOGNORMAL, NOISE = 6, 14, 3, 3
STUDY = {
    "study": {"name": "Market", "currency": "USD", "snapshot_date": "2026-11-01", "window_days": 730},
    "sources": {
        "customers": {"file": "customers.parquet", "preset": "simulated", "coverage": "all"},
        "orders": {"file": "orders.parquet", "preset": "simulated"},
        "order_lines": {"file": "order_lines.parquet", "preset": "simulated"},
        "products": {"file": "products.parquet", "preset": "simulated"},
    },
}


def customers(n: int, seed: int = 0, groups: int = GROUPS, spread: float = 1.2) -> NDArray[np.float64]:
    """(n, 20) standardised columns: 14 Gaussian in ``groups`` true groups, 3 lognormal, 3 of noise."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    centres = random.normal(size=(groups, IN_GROUPS)) * spread
    X = np.column_stack(
        [
            centres[random.integers(0, groups, n)] + random.normal(size=(n, IN_GROUPS)),
            random.lognormal(size=(n, LOGNORMAL)),
            random.normal(size=(n, NOISE)),
        ]
    )
    standardised: NDArray[np.float64] = (X - X.mean(axis=0)) / X.std(axis=0)
    return standardised


def study(folder: Path, **more: object) -> Config:
    """The configuration of the market in ``folder``."""
    config = Config.model_validate({**STUDY, **more})
    return config.model_copy(update={"folder": folder})
