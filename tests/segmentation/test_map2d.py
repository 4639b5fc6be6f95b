from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from personas.errors import ConfigError
from personas.segmentation.map2d import Drawing, map2d
from personas.segmentation.threads import at_most
from tests.segmentation.markets import mix


def test_the_principal_picture_keeps_the_two_widest_directions_and_never_flips() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3)) * [1.0, 9.0, 4.0]
    points, rows = map2d(X, "pca", 0)
    assert points.shape == (200, 2) and rows.tolist() == list(range(200))
    # The widest column is the second, then the third; both axes point to larger values.
    assert np.corrcoef(points[:, 0], X[:, 1])[0, 1] >= 0.99
    assert np.corrcoef(points[:, 1], X[:, 2])[0, 1] >= 0.99


def test_at_most_the_limit_of_rows_is_drawn_and_one_column_lies_on_a_line() -> None:
    points, rows = map2d(np.arange(500.0)[:, None], "pca", 3, limit=100)
    assert len(rows) == len(set(rows.tolist())) == 100 and (np.diff(rows) > 0).all()
    assert np.abs(points[:, 1]).max() == 0.0
    assert map2d(np.arange(500.0)[:, None], "pca", 3, limit=100)[1].tolist() == rows.tolist()


def test_the_neighbour_picture_is_repeatable_and_keeps_groups_together() -> None:
    X, truth = mix(3, 4, 12.0, 120, 1)
    X[5] = X[4]  # an equal pair must not confuse the table of neighbours
    points, _ = map2d(X, "umap", 0)
    assert points.shape == (120, 2) and np.isfinite(points).all()
    nearest = np.argsort(((points[:, None] - points) ** 2).sum(axis=2), axis=1)[:, 1]
    assert (truth[nearest] == truth).mean() >= 0.95
    assert np.array_equal(points, map2d(X, "umap", 0)[0])  # the second one is quick: everything is compiled


def test_an_unknown_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match="no map 'tsne'"):
        map2d(np.zeros((60, 2)), "tsne", 0)


def test_a_map_drawn_beside_other_work_is_the_same_and_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "umap.py").write_text("raise SystemExit(1)\n")  # a file of the working folder is not what is imported
    monkeypatch.chdir(tmp_path)
    X, _ = mix(3, 3, 6.0, 90, 2)
    with at_most(2), Drawing(X, "umap", 3) as drawing:
        child = drawing._child
        assert child is not None
        points, rows = drawing.points()
    assert child.returncode == 0
    here, rows_here = map2d(X, "umap", 3)
    assert (points == here).all() and (rows == rows_here).all()
    with at_most(1), Drawing(X, "umap", 3) as drawing:
        assert drawing._child is None
    with at_most(2), Drawing(X, "umap", 3) as drawing:
        child = drawing._child
    assert child is not None and child.returncode is not None and child.returncode < 0
