"""Simulated files are what the configuration asks for, whole, and never in the place of somebody's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from personas.config import Config
from personas.errors import ConfigError
from personas.simulated import simulate_if_asked


def asked(folder: Path, customers: int = 60, seed: int = 7) -> Config:
    return Config(
        study={"name": "Shop", "currency": "USD"},  # type: ignore[arg-type]
        sources={"orders": {"file": "orders.csv"}},  # type: ignore[dict-item]
        simulate={"folder": "shop", "customers": customers, "seed": seed},  # type: ignore[arg-type]
    ).model_copy(update={"folder": folder})


def test_other_wishes_make_the_files_anew_and_the_same_wishes_leave_them(tmp_path: Path) -> None:
    simulate_if_asked(asked(tmp_path))
    orders = tmp_path / "shop" / "orders.csv"
    first, when = orders.read_bytes(), orders.stat().st_mtime_ns
    simulate_if_asked(asked(tmp_path))
    assert orders.stat().st_mtime_ns == when
    simulate_if_asked(asked(tmp_path, seed=8))
    assert orders.read_bytes() != first
    assert json.loads((tmp_path / "shop" / "truth.json").read_text())["seed"] == 8
    simulate_if_asked(asked(tmp_path, seed=7))
    assert orders.read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["shop"], "nothing is left beside the files"


def test_a_stop_in_the_middle_leaves_no_half_of_a_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("personas.simulate.shop._write_tickets", stopped)
    with pytest.raises(KeyboardInterrupt):
        simulate_if_asked(asked(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_files_that_no_simulation_wrote_are_never_touched(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    own = tmp_path / "shop" / "orders.csv"
    own.write_text("mine")
    simulate_if_asked(asked(tmp_path))
    assert own.read_text() == "mine" and [path.name for path in own.parent.iterdir()] == ["orders.csv"]


def test_a_file_of_mine_among_simulated_ones_is_not_lost_with_them(tmp_path: Path) -> None:
    simulate_if_asked(asked(tmp_path))
    own = tmp_path / "shop" / "notes.csv"
    own.write_text("mine")
    simulate_if_asked(asked(tmp_path))
    with pytest.raises(ConfigError, match=r"shop holds a shop simulated for other wishes, and notes\.csv"):
        simulate_if_asked(asked(tmp_path, seed=8))
    assert own.read_text() == "mine"
