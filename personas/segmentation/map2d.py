"""Two coordinates per customer for a picture. Never used for distances, labels or any number."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings

import numpy as np
from numpy.typing import NDArray

from personas.errors import ConfigError
from personas.segmentation.records import Floats
from personas.segmentation.streams import Step, draw_rows, stream
from personas.segmentation.threads import single_thread, workers

KINDS = ("umap", "pca", "none")
NEIGHBOURS = 15
MOST_ROWS = 2_000


def map2d(X: Floats, kind: str, seed: int, limit: int = MOST_ROWS) -> tuple[Floats, NDArray[np.int64]]:
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


class Drawing:
    """A map that is being drawn by a process of its own while other work goes on.

    UMAP imports and compiles for 10 to 20 seconds on one core. With one core, for other kinds, or when the process
    fails, the map is drawn here when it is asked for; the coordinates are the same.
    """

    def __init__(self, X: Floats, kind: str, seed: int) -> None:
        self._what = (X, kind, seed)
        self._child: subprocess.Popen[bytes] | None = None
        if kind != "umap" or workers() < 2 or not sys.executable or len(X) <= NEIGHBOURS:
            return
        paths = os.pathsep.join(path for path in sys.path if path)
        content = io.BytesIO()
        np.save(content, np.ascontiguousarray(X[draw_rows(seed, Step.MAP, len(X), MOST_ROWS)]))
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {__name__} import draw_for_parent; draw_for_parent({seed})"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )  # fmt: skip
            if self._child.stdin is not None:
                self._child.stdin.write(content.getvalue())
                self._child.stdin.close()
        except OSError:  # no process can be started here, or it ended at once
            self.__exit__()
            self._child = None

    def points(self) -> tuple[Floats, NDArray[np.int64]]:
        """As ``map2d``."""
        X, kind, seed = self._what
        if self._child is not None and self._child.stdout is not None:
            answer = self._child.stdout.read()
            if self._child.wait() == 0 and answer:
                return np.load(io.BytesIO(answer)), draw_rows(seed, Step.MAP, len(X), MOST_ROWS)
        return map2d(X, kind, seed)

    def __enter__(self) -> Drawing:
        return self

    def __exit__(self, *error: object) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            if self._child.stdout is not None:
                self._child.stdout.close()


def draw_for_parent(seed: int) -> None:
    """Read rows (m, d) from the standard input and write their UMAP coordinates (m, 2) to the standard output."""
    part = np.load(io.BytesIO(sys.stdin.buffer.read()))
    answer = io.BytesIO()
    np.save(answer, _umap(part, seed))
    sys.stdout.buffer.write(answer.getvalue())


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
    with warnings.catch_warnings(), single_thread():
        warnings.simplefilter("ignore")  # umap warns about its own settings (n_jobs with a seed) and old imports
        from umap import UMAP

        distances, neighbours = _neighbours(X, min(NEIGHBOURS, len(X) - 1))
        axes = _pca(X)
        model = UMAP(
            n_components=2,
            n_neighbors=neighbours.shape[1],
            random_state=int(stream(seed, Step.MAP).generate_state(1)[0]),
            precomputed_knn=(neighbours, distances),
            init=axes / max(1e-12, float(np.abs(axes).max())) * 10,
            n_jobs=1,
        )
        return np.ascontiguousarray(model.fit_transform(X), dtype=np.float64)


def _neighbours(X: Floats, count: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Exact nearest neighbours, each row its own first one: saves UMAP most of its compiling."""
    from sklearn.neighbors import NearestNeighbors

    with single_thread():
        distances, rows = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(X).kneighbors(X)
    # Of equal rows any may come first; UMAP expects each row to be its own nearest neighbour.
    own = np.arange(len(X))
    for i in np.flatnonzero(rows[:, 0] != own):
        rest = [int(j) for j in rows[i] if j != i][: count - 1]
        rows[i] = [i, *rest]
    return distances.astype(np.float32), rows.astype(np.int32)
