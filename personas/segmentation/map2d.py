"""Two coordinates per customer for a picture. Never used for distances, labels or any number."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from personas.errors import ConfigError
from personas.segmentation.records import Floats
from personas.segmentation.streams import Step, draw_rows, stream

KINDS = ("umap", "pca", "none")
NEIGHBOURS = 15


def map2d(X: Floats, kind: str, seed: int, limit: int = 2000) -> tuple[Floats, NDArray[np.int64]]:
    """(m, 2) coordinates and the (m,) row numbers they belong to, m = min(n, limit).

    ``pca`` shows the two directions of largest spread; ``umap`` keeps neighbours together and says nothing about
    distances or sizes. UMAP compiles in every process: expect 10 to 15 seconds for 2,000 rows.
    """
    if kind not in ("umap", "pca"):
        raise ConfigError(f"no map '{kind}'. Known: {', '.join(KINDS)}")
    rows = draw_rows(seed, Step.MAP, len(X), limit)
    part = np.ascontiguousarray(X[rows])
    points = _umap(part, seed) if kind == "umap" and len(part) > NEIGHBOURS else _pca(part)
    return points, rows


def _pca(X: Floats) -> Floats:
    """Principal coordinates; the sign of each axis makes its longest loading positive, so that pictures do not flip."""
    centred = X - X.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :2]
    if axes.shape[1] < 2:
        axes = np.column_stack((axes, np.zeros(len(axes))))
    longest = axes[np.argmax(np.abs(axes), axis=0), np.arange(2)]
    points: Floats = centred @ (axes * np.where(longest < 0, -1.0, 1.0))
    return points


def _umap(X: Floats, seed: int) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap warns about its own settings (n_jobs with a seed) and old imports
        from umap import UMAP

        distances, neighbours = _neighbours(X, min(NEIGHBOURS, len(X) - 1))
        model = UMAP(
            n_components=2,
            n_neighbors=neighbours.shape[1],
            random_state=int(stream(seed, Step.MAP).generate_state(1)[0]),
            precomputed_knn=(neighbours, distances),
            init=_pca(X) / max(1e-12, float(np.abs(_pca(X)).max())) * 10,
            n_jobs=1,
        )
        return np.ascontiguousarray(model.fit_transform(X), dtype=np.float64)


def _neighbours(X: Floats, count: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Exact nearest neighbours, each row its own first one: saves UMAP most of its compiling."""
    from sklearn.neighbors import NearestNeighbors

    from personas.segmentation.threads import single_thread

    with single_thread():
        distances, rows = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(X).kneighbors(X)
    # Of equal rows any may come first; UMAP expects each row to be its own nearest neighbour.
    own = np.arange(len(X))
    for i in np.flatnonzero(rows[:, 0] != own):
        rest = [int(j) for j in rows[i] if j != i][: count - 1]
        rows[i] = [i, *rest]
    return distances.astype(np.float32), rows.astype(np.int32)
