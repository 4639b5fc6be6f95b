from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from personas.segmentation import (
    compute,
    kernels,
    kernels_exchange,
    kernels_mixture,
    kernels_rows,
    twins,
    twins_exchange,
)
from personas.segmentation.algorithms.gmm import fit_gmm, restore_gmm
from personas.segmentation.algorithms.kmeans import collapse, fit_kmeans
from personas.segmentation.discover import discover
from personas.segmentation.ordered import canonical_order, in_canonical_order
from personas.segmentation.records import Floats
from personas.segmentation.refinement import PARTS, common_refinement, draw_references
from personas.segmentation.scan import scan
from personas.segmentation.threads import at_most, spread
from personas.segmentation.tiles import ROWS
from tests.segmentation.markets import mix

ROOT = Path(__file__).resolve().parents[2]


def packed(X: Floats) -> compute.Packed:
    return compute.pack(X)


def test_packing_keeps_every_row_and_fills_up_with_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(300, 7)) + 40.0
    data = packed(X)
    assert data.blocks.shape == (2, 7, ROWS)
    rows = data.blocks.transpose(0, 2, 1).reshape(-1, 7)
    assert np.abs(rows[:300] - (X - X.mean(axis=0))).max() <= 1e-6 and not rows[300:].any()
    # 300 rows weigh 1 each; the sum of squared norms is that of the centred rows.
    assert data.weights.sum() == 300 and abs(data.squares - ((X - X.mean(axis=0)) ** 2).sum()) <= 1e-6


@pytest.mark.parametrize("weighted", [False, True])
def test_starts_of_kernel_and_twin_end_alike(weighted: bool) -> None:
    X, _ = mix(4, 5, 4.0, 700, 1)
    random = np.random.default_rng(2)
    data = compute.pack(X, random.integers(1, 4, 700).astype(float) if weighted else None)
    uniforms = random.random((6, 1 + 3 * compute.tries(4)))
    args = (data.blocks, data.weights, data.squares, uniforms, 4, 300, 0.0)
    inertias, centroids = kernels.starts(*args)
    other_inertias, other = twins.starts(*args)
    assert np.abs(inertias / other_inertias - 1).max() <= 1e-5
    assert np.abs(centroids - other).max() <= 1e-3


def test_passes_give_the_inertia_of_their_centroids() -> None:
    X, _ = mix(3, 6, 3.0, 900, 3)
    data = packed(X)
    inertia, centroids = compute.passes(data, X[:3], 300)
    labels, gaps, total = compute.nearest(X, centroids)
    assert abs(inertia / total - 1) <= 1e-6 and abs(gaps.sum() / total - 1) <= 1e-12
    means = np.array([X[labels == g].mean(axis=0) for g in range(3)])
    assert np.abs(means - centroids).max() <= 1e-5


@pytest.mark.parametrize("room", [kernels, twins], ids=["kernel", "twin"])
def test_an_emptied_centroid_is_moved_to_the_farthest_row(room: object) -> None:
    X = np.array([[0.0], [1.0], [2.0], [50.0]])
    data = packed(X)
    start = np.array([[1.0], [-100.0]]) - data.centre
    found = room.passes(data.blocks, data.weights, data.squares, start, 10, 0.0)[0]  # type: ignore[attr-defined]
    assert np.abs(found[:, 0] + data.centre - [1.0, 50.0]).max() <= 1e-5


def test_more_centroids_than_different_rows_end_without_an_error() -> None:
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 30, axis=0)
    model = fit_kmeans(X, 4, np.random.SeedSequence(0), 5)
    assert model.inertia == 0.0 and set(model.labels.tolist()) <= {0, 1, 2, 3}


@pytest.mark.parametrize("columns", [1, 3, 4, 9])
def test_nearest_sums_and_squared_silhouettes_of_kernel_and_twin_are_equal(columns: int) -> None:
    random = np.random.default_rng(columns)
    X, centroids = random.normal(size=(1000, columns)), random.normal(size=(5 + 2, columns))
    ends, found = np.array([0, 5, 7]), []
    for room in (kernels_rows, twins):
        labels, gaps = np.empty((2, 1000), np.int32), np.empty((2, 1000))
        room.nearest(X, centroids, ends, centroids.mean(axis=0), 1e-9, labels, gaps)
        sums, counts, squares = np.zeros((7, columns)), np.zeros(7), np.zeros(7)
        room.group_sums(X, labels, ends, np.empty(0), centroids[0], sums, counts, squares)
        means, values = sums / counts[:, None] + centroids[0], np.empty((2, 1000))
        spread_in = squares / counts - ((means - centroids[0]) ** 2).sum(axis=1)
        room.squared(X, labels, ends, means, spread_in, counts, values)
        found.append((labels, gaps, sums, counts, squares, values))
    for one, other in zip(*found, strict=True):
        assert np.abs(np.asarray(one) - np.asarray(other)).max() <= 1e-9
    # Several models at once give each what it gets alone.
    for m, (low, high) in enumerate(((0, 5), (5, 7))):
        alone, away, _ = compute.nearest(X, centroids[low:high])
        assert (alone == found[0][0][m]).all() and np.abs(away - found[0][1][m]).max() <= 1e-12


def test_equal_distances_go_to_the_lower_number_in_both() -> None:
    X = np.column_stack((np.full(300, 0.2), np.linspace(-5, 5, 300)))
    for room in (kernels_rows, twins):
        labels, points = np.empty((1, 300), np.int32), np.array([[0.1, 0.7], [0.3, 0.7]])
        room.nearest(X, points, np.array([0, 2]), points.mean(axis=0), 1e-9, labels, np.empty((1, 300)))
        assert not labels.any()


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e14, 1e60])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_nearest_centroid_is_the_one_that_float64_finds(scale: float, offset: float) -> None:
    # Half of the rows lie within a millionth of the border of two centroids: float32 cannot tell.
    random = np.random.default_rng(1)
    centroids = random.normal(size=(4, 5))
    X = random.normal(size=(2000, 5))
    between, away = (centroids[0] + centroids[1]) / 2, centroids[0] - centroids[1]
    X[::2] = between + random.normal(size=(1000, 1)) * 1e-7 * away
    X, centroids = (X + offset) * scale, (centroids + offset) * scale
    squares = ((X[:, None] - centroids) ** 2).sum(axis=2)
    labels = compute.nearest(X, centroids)[0]
    least = squares.min(axis=1)
    assert (squares[np.arange(2000), labels] <= least * (1 + 1e-8)).all()
    sure = np.sort(squares, axis=1)[:, 1] > least * (1 + 1e-8)
    assert sure.sum() > 1400 and (labels[sure] == squares.argmin(axis=1)[sure]).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_a_pass_for_several_models_adds_up_what_each_groups_rows_are(weighted: bool) -> None:
    X, _ = mix(4, 5, 4.0, 700, 1)
    random = np.random.default_rng(2)
    weights = random.integers(1, 4, 700).astype(float) if weighted else np.ones(700)
    data, models = compute.pack(X, weights), [X[:3], X[10:15]]
    ends, together = np.array([0, 3, 8]), np.concatenate(models) - data.centre
    for room in (kernels, twins):
        labels = np.empty((2, 3, ROWS), np.int8)
        sums, counts = np.zeros((8, 5)), np.zeros(8)
        room.sweep(data.blocks, data.weights, together, ends, True, labels, sums, counts)
        for number in range(2):
            # The second time only what moved is added, after the centroids have moved a little.
            if number:
                room.sweep(data.blocks, data.weights, together + 0.3, ends, False, labels, sums, counts)
            for m, model in enumerate(models):
                nearest = compute.nearest(X, model + 0.3 * number)[0]
                assert (labels[m].ravel()[:700] == nearest).all()
                for g in range(len(model)):
                    own = weights * (nearest == g)
                    assert abs(counts[ends[m] + g] - own.sum()) <= 1e-9
                    assert np.abs(sums[ends[m] + g] - own @ (X - data.centre)).max() <= 1e-3


@pytest.mark.parametrize("room", [kernels_exchange, twins_exchange], ids=["kernel", "twin"])
def test_an_exchange_frees_a_centroid_where_two_share_a_group_and_two_groups_share_one(room: ModuleType) -> None:
    # Three groups on a line at 0, 10 and 20; two centroids start in the first group, one between the others.
    X = np.repeat([[0.0], [10.0], [20.0]], 100, axis=0) + np.tile(np.linspace(-1, 1, 100), 3)[:, None]
    data = packed(X)
    start = np.array([[-0.5], [0.5], [15.0]]) - data.centre
    stuck = compute.passes(data, np.array([[-0.5], [0.5], [15.0]]), 300)[0]
    uniforms = np.random.default_rng(0).random(12)
    found, inertia = room.exchanges(data.blocks, data.weights, data.squares, start, uniforms, 50, 0.0)
    assert sorted((found[:, 0] + data.centre[0]).round(3)) == [0.0, 10.0, 20.0]
    # Within a group the squares of 100 even steps from -1 to 1 add up to 34.01; between 10 and 20 they are 5 away.
    assert abs(inertia - 3 * 34.0067) <= 0.01 and stuck > 5000


def test_exchanges_of_kernel_and_twin_end_alike() -> None:
    X, _ = mix(6, 5, 3.0, 900, 4)
    data, ends = packed(X), []
    for room in (kernels_exchange, twins_exchange):
        start, uniforms = X[:6] - data.centre, np.random.default_rng(5).random(36)
        ends.append(room.exchanges(data.blocks, data.weights, data.squares, start, uniforms, 100, 0.0))
    (one, inertia), (other, other_inertia) = ends
    assert abs(inertia / other_inertia - 1) <= 1e-5 and np.abs(one - other).max() <= 1e-3
    # Better than where plain passes end.
    assert inertia <= compute.passes(data, X[:6], 300)[0]


@pytest.mark.parametrize("columns", [1, 6, 20])
def test_sums_of_distances_per_cell_are_those_of_the_definition(columns: int) -> None:
    random = np.random.default_rng(5)
    X = random.normal(size=(702, columns))
    X[10] = X[11]  # the same customer twice: at no distance
    # Cells begin in the middle of four rows, end after a piece of 128, and hold one row alone.
    bounds = np.array([0, 1, 3, 12, 140, 501, 702], dtype=np.int64)
    expected = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    expected = np.add.reduceat(expected, bounds[:-1], axis=1).T
    blocks = compute.packed_blocks(X, np.zeros(columns))
    for room in (kernels_rows, twins):
        sums = np.empty((6, len(blocks) * ROWS))
        room.cell_sums(blocks, X.astype(np.float32), bounds, sums)
        assert (np.abs(sums[:, :702] - expected).max(axis=1) <= 1e-6 * expected.max(axis=1)).all()


def test_every_kernel_is_compiled_for_one_set_of_types() -> None:
    X, _ = mix(3, 3, 4.0, 1500, 6)
    discover(X, k=(2, 3), protocol="quick")
    for rows in (X, X.astype(np.float32), np.tile(X, (20, 1)) + np.arange(30_000)[:, None]):
        scan(rows, k=(2, 3))
    mixture = fit_gmm(X, 2, np.random.SeedSequence(0), 5)
    saved = {name: np.array(values) for name, values in mixture.arrays().items()}
    for values in saved.values():
        values.flags.writeable = False
    restore_gmm(saved).predict(X[::2])
    fit_gmm(np.tile(X, (8, 1)), 2, np.random.SeedSequence(0), 5)  # 12,000 rows
    rows = ("nearest", "group_sums", "squared", "cell_sums", "segment_sums")
    mixtures = ("mixture", "narrow_mixture", "log_densities")
    names = ("pack", "starts", "passes", "sweep", "exchanges", *rows, *mixtures)
    for room in (kernels, kernels_exchange, kernels_rows, kernels_mixture):
        for name in names:
            kernel = getattr(room, name, None)
            assert kernel is None or len(kernel.signatures) <= 1, name


def test_one_and_two_threads_give_the_same_bytes() -> None:
    X, _ = mix(3, 4, 4.0, 1200, 7)
    found = []
    for workers in (1, 2, 3):
        with at_most(workers):
            found.append(discover(X, k=(2, 5), protocol="quick"))
    for other in found[1:]:
        assert other.labels.tobytes() == found[0].labels.tobytes()
        assert other.confidence.tobytes() == found[0].confidence.tobytes()
        assert repr(other.candidates) == repr(found[0].candidates) and other.gate == found[0].gate


def test_work_comes_back_in_the_order_it_was_given() -> None:
    with at_most(4):
        assert list(spread(lambda x: x * x, range(100))) == [x * x for x in range(100)]


@pytest.mark.parametrize("held", [0, 10_000])
def test_many_rows_in_any_order_and_on_any_threads_give_the_same_scan_and_the_error_of_the_sample(
    monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    from personas.segmentation import compute, lloyd, ordered, silhouette
    from personas.segmentation.algorithms import kmeans

    # The function of that name hides the module.
    monkeypatch.setattr(sys.modules[scan.__module__], "FEW_ROWS", 1000)
    monkeypatch.setattr(ordered, "FEW_ROWS", 1000)
    monkeypatch.setattr(compute, "PIECE", 512)
    monkeypatch.setattr(lloyd, "HELD", held)
    monkeypatch.setattr(silhouette, "REFERENCES", 3000)
    monkeypatch.setattr(silhouette, "EXACT_LIMIT", 1000)
    monkeypatch.setattr(kmeans, "FEW_ROWS", 1000)
    X, _ = mix(4, 4, 5.0, 6000, 8)
    with at_most(1):
        table = scan(X, k=(2, 6))
    shuffled = np.random.default_rng(0).permutation(len(X))
    with at_most(3):
        other = scan(X[shuffled], k=(2, 6))
    assert table.to_csv() == other.to_csv()
    assert all((table.attrs["labels"][k][shuffled] == other.attrs["labels"][k]).all() for k in range(2, 7))
    monkeypatch.setattr(silhouette, "EXACT_LIMIT", 10_000)
    exact = scan(X, k=(2, 6))["silhouette"]
    assert (table["silhouette_error"] > 0).all()
    # The printed error is 1.96 standard errors; five values may each be off by three.
    assert ((table["silhouette"] - exact).abs() <= 3 / 1.96 * table["silhouette_error"]).all()


def test_rows_in_canonical_order_depend_on_their_values_alone_and_equal_rows_stand_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from personas.segmentation import ordered

    X = np.random.default_rng(9).integers(0, 4, size=(500, 3)).astype(float)
    X[3, 0] = -0.0
    distinct = len(np.unique(X, axis=0))
    for few in (0, 1000):
        monkeypatch.setattr(ordered, "FEW_ROWS", few)
        order, count = canonical_order(X)
        again = canonical_order(X[::-1])[0]
        assert count == distinct and (X[order] == X[::-1][again]).all()
        assert 1 + int((X[order][1:] != X[order][:-1]).any(axis=1).sum()) == distinct
    # Rows that share a number by chance are still told apart.
    monkeypatch.setattr(ordered, "FEW_ROWS", 0)
    monkeypatch.setattr(ordered, "_mixed", lambda X: np.zeros(len(X), dtype=np.uint64))
    order, count = canonical_order(X)
    assert count == distinct and (X[order] == X[::-1][canonical_order(X[::-1])[0]]).all()


def test_references_are_drawn_within_cells_and_small_cells_stay_whole() -> None:
    labels = np.repeat([0, 1, 2], [150, 4000, 6000]).astype(np.int32)
    cells = common_refinement([labels])
    drawn = draw_references(cells, np.random.default_rng(0), 1000)
    pieces = np.split(drawn.rows, drawn.bounds[1:-1])
    assert drawn.whole == 1 and pieces[0].tolist() == list(range(150))
    assert len(pieces) == 1 + 2 * PARTS and len(set(drawn.rows.tolist())) == len(drawn.rows)
    # Counting rows: every estimate of the sizes is exact, from all references and from each part.
    sums = drawn.segment_sums(np.array([[float(len(piece))] for piece in pieces]))
    assert np.abs(sums[:, :, 0] - [150, 4000, 6000]).max() <= 1e-6


def test_of_very_many_cells_the_small_ones_are_drawn_from_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from personas.segmentation import refinement

    monkeypatch.setattr(refinement, "MOST_CELLS", 10)
    monkeypatch.setattr(refinement, "FEW_REFERENCES", 20)
    random = np.random.default_rng(0)
    # Two labelings of 40 labels each make 1,600 cells of about 12 rows; label 7 of the first has 30 rows only.
    one, other = random.integers(0, 40, 20_000).astype(np.int32), random.integers(0, 40, 20_000).astype(np.int32)
    one[one == 7] = 8
    one[:30] = 7
    cells = common_refinement([one, other])
    drawn = draw_references(cells, random, 4000)
    sizes = np.concatenate((np.bincount(one), np.bincount(other)))
    pieces = np.diff(drawn.bounds).astype(float)[:, None]
    estimates = drawn.segment_sums(pieces)[:, :, 0]
    assert 4000 <= len(drawn.rows) <= 4400 and (len(pieces) - drawn.whole) % PARTS == 0
    # All rows are counted once, and the small segment, whose cells are drawn from one by one, is counted exactly.
    assert abs(estimates[0][:40].sum() - 20_000) <= 1e-6 and abs(estimates[0][7] - 30) <= 1e-9
    # The others within four standard errors of drawing one row in five.
    assert (np.abs(estimates[0] - sizes) <= 4 * np.sqrt(sizes * 5)).all()


def test_rows_read_where_they_lie_are_those_of_a_copy() -> None:
    X = np.random.default_rng(0).integers(0, 3, size=(500, 4)).astype(np.float32)
    rows = in_canonical_order(X)
    copy = rows[:]
    assert copy.dtype == np.float64 and rows.shape == (500, 4) and len(rows) == 500
    assert rows.distinct == len(np.unique(X, axis=0)) and (rows[10:20] == copy[10:20]).all()
    once, weights = collapse(rows)
    expected, counts = collapse(copy)
    assert (once[:] == expected).all() and (weights == counts).all()


def test_without_the_compiler_the_twins_find_the_same_segments() -> None:
    script = (
        "import numpy as np\n"
        "from personas.segmentation import compute\n"
        "from personas.segmentation.scan import scan\n"
        "from tests.segmentation.markets import mix\n"
        "table = scan(mix(4, 3, 6.0, 1200, 10)[0], k=(2, 5))\n"
        "print(compute.compiled(), *table['silhouette'].round(6), *table['inertia'].round(3))"
    )
    said = []
    for switch in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120,
            env={**os.environ, "PERSONAS_COMPILE": switch},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.split())
    assert (said[0][0], said[1][0]) == ("False", "True") and said[0][1:] == said[1][1:]


def test_the_first_run_says_that_it_compiles_and_a_package_that_cannot_be_written_to_is_cached_elsewhere(
    tmp_path: Path,
) -> None:
    site, home = tmp_path / "site", tmp_path / "home"
    shutil.copytree(ROOT / "personas", site / "personas", ignore=shutil.ignore_patterns("__pycache__"))
    # Where a file has the name of the cache folder, nobody can make that folder, not even root.
    (site / "personas" / "segmentation" / "__pycache__").write_text("")
    # The first thing that is said is caught; one small kernel stands for all of them.
    script = (
        "import numpy as np\n"
        "from personas.segmentation import compiling, kernels_rows\n"
        "from personas.segmentation.discover import discover\n"
        "X = np.random.default_rng(0).normal(size=(1200, 3))\n"
        "ready = compiling.lies_ready(kernels_rows.group_sums)\n"
        "def tell(what, share): raise SystemExit(f'{ready} {what}')\n"
        "none, ends = np.empty(0), np.array([0, 1])\n"
        "sums = np.zeros((1, 3)), np.zeros(1), np.zeros(1)\n"
        "kernels_rows.group_sums(X, np.zeros((1, 1200), np.int32), ends, none, np.zeros(3), *sums)\n"
        "discover(X, k=(2, 2), protocol='quick', progress=tell)\n"
    )
    said = []
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA", "XDG", "PYTHON"))}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=site, timeout=180,
            env={**kept, "HOME": str(home)},
        )  # fmt: skip
        said.append(done.stderr.strip())
    assert said == [f"{ready} compiling kernels once, about 20 seconds" for ready in (False, True)]
    assert list(home.rglob("*.group_sums-*.nbi"))


def test_a_process_that_compiles_and_one_that_finds_the_cache_give_the_same_bytes(tmp_path: Path) -> None:
    script = (
        "import hashlib\n"
        "import numpy as np\n"
        "from personas.segmentation import compute\n"
        "X = np.random.default_rng(0).normal(size=(1200, 6))\n"
        "data, random = compute.pack(X), np.random.default_rng(1)\n"
        "found = [*compute.starts(data, 4, random.random((5, 1 + 3 * compute.tries(4))), 300, 1e-4)]\n"
        "found += [*compute.exchanges(data, X[:4], random.random(12), 50, 1e-4), *compute.passes(data, X[:4], 50)]\n"
        "print(hashlib.md5(b''.join(np.asarray(one).tobytes() for one in found)).hexdigest())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert said[0] == said[1] and len(said[0].strip()) == 32
