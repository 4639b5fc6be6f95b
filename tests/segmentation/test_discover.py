from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import personas.segmentation as room
from personas.errors import ConfigError, InputError
from personas.segmentation import discover, scan
from personas.segmentation.agreement import adjusted_rand, contingency
from tests.battery_rows import categories
from tests.segmentation.markets import known_k, mall, mix, ring


def test_planted_groups_are_found_with_evidence_that_hangs_together() -> None:
    X, truth = ring(4, 6.0, 400, 0)
    told: list[float] = []
    found = discover(X, k=(2, 6), protocol="quick", progress=lambda what, share: told.append(share))
    assert (found.k, found.k_silhouette, found.verdict) == (4, 4, "natural")
    assert adjusted_rand(contingency(truth, found.labels, 4, 4)) >= 0.98
    assert found.chosen.sizes == tuple(np.bincount(found.labels).tolist())
    assert (found.model.predict(X) == found.labels).all() and (found.model.labels == found.labels).all()
    assert found.confidence.shape == found.membership.shape == (400,)
    assert found.confidence.mean() >= 0.97 and found.membership.min() > 0.25
    assert len(found.stability) == 4 and len(found.resampled) == 30 and all(e.n == 30 for e in found.stability)
    assert found.k_table["k"].tolist() == [2, 3, 4, 5, 6] and found.min_size == 50
    assert min(told) >= 0 and max(told) <= 1 and len(told) > 50 and told == sorted(told)


def test_evenly_spread_customers_are_never_called_natural() -> None:
    X = np.random.default_rng(1).uniform(size=(300, 2))
    found = discover(X, k=(3, 5), protocol="quick")
    # A square is cut into four quarters again and again: stable, but not separate (method.md F1).
    assert found.verdict in ("reproducible", "constructive")
    assert any("not called natural" in reason for reason in found.reasons)


def test_formless_customers_in_many_columns_give_a_constructive_verdict() -> None:
    found = discover(np.random.default_rng(2).normal(size=(300, 10)), k=(4, 5), protocol="quick")
    assert found.verdict == "constructive" and min(e.value for e in found.stability) < 0.75


def test_the_customers_of_the_mall_fall_into_five(data_folder: Path) -> None:
    found = discover(mall(data_folder), k=(3, 7), min_size=20, protocol="quick")
    assert found.k == 5 and abs(found.chosen.silhouette - 0.5547) <= 1e-3
    assert sorted(found.chosen.sizes) == [22, 23, 35, 39, 81]


def test_fifteen_benchmark_groups_have_the_highest_silhouette(data_folder: Path) -> None:
    table = scan(known_k(data_folder, "s1"), k=(13, 17))
    best = table["silhouette"].idxmax()
    assert table["k"][best] == 15 and abs(table["silhouette"][best] - 0.713) <= 2e-3


def test_the_order_of_rows_changes_nothing() -> None:
    X, _ = mix(3, 3, 3.0, 400, 3)
    X = np.round(X, 1)  # with ties and repeated values
    shuffle = np.random.default_rng(0).permutation(400)
    one, two = discover(X, k=(2, 4), protocol="quick"), discover(X[shuffle], k=(2, 4), protocol="quick")
    assert (one.labels[shuffle] == two.labels).all()
    assert (one.confidence[shuffle] == two.confidence).all() and (one.membership[shuffle] == two.membership).all()
    assert one.candidates == two.candidates and one.stability == two.stability
    assert np.array_equal(one.model.centroids, two.model.centroids)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_resamples() -> None:
    X, _ = mix(3, 3, 3.0, 300, 4)
    one, two, other = (discover(X, k=(2, 4), protocol="quick", seed=seed) for seed in (0, 0, 1))
    assert one.candidates == two.candidates and one.reasons == two.reasons
    assert one.confidence.tobytes() == two.confidence.tobytes()
    assert [c.ari_values for c in one.candidates] != [c.ari_values for c in other.candidates]


def test_a_fixed_number_is_honoured_and_judged() -> None:
    X, _ = mix(3, 2, 6.0, 400, 5)
    found = discover(X, k=7, protocol="quick")
    assert found.k == 7 and found.k_fixed and found.verdict == "constructive"
    # What it costs is said against the k that the evidence gives, so the whole range is looked at.
    assert [c.k for c in found.candidates] == [2, 3, 4, 5, 6, 7, 8] and found.k_advised == 3
    assert found.reasons[2].startswith("The evidence gives 3 (natural). Against them, 7 have a least stable segment of")
    assert found == found and found.reasons[1].startswith("7 segments were asked for")
    with pytest.raises(InputError, match="largest possible number is 8"):
        discover(X, k=9)


def test_a_fixed_number_with_a_small_segment_is_flagged() -> None:
    random = np.random.default_rng(6)
    X = np.concatenate([random.normal(0, 1, (380, 2)), random.normal(20, 1, (20, 2))])
    found = discover(X, k=2, protocol="quick")
    assert found.k == 2 and found.verdict == "constructive"
    assert [(n.code, n.count) for n in found.notices if n.code == "small-segments"] == [("small-segments", 1)]
    # Left to choose, the product does not offer a segment of 20: every k keeps these 20 apart.
    left = discover(X, k=(2, 3), protocol="quick")
    assert left.verdict == "none" and "No number of segments keeps every segment at 50 customers" in left.reasons[1]


def test_the_range_is_widened_while_its_end_wins_and_says_so_when_it_cannot_go_on() -> None:
    X, _ = ring(5, 9.0, 250, 7)
    found = discover(X, k=(4, 5), protocol="quick", min_size=25)
    # The winner 5 ends the range, which becomes 4 to 10; there it lies inside.
    assert found.k == 5 and max(c.k for c in found.candidates) == 10 and found.notices == ()
    cut = discover(X, k=(4, 5), protocol="quick", min_size=50)
    # At 50 customers a segment, 250 carry no more than 5.
    assert max(c.k for c in cut.candidates) == 5 and [n.code for n in cut.notices] == ["range-ends-here"]


def test_too_few_customers_for_two_segments_are_a_verdict_and_not_an_error() -> None:
    X, _ = mix(2, 2, 9.0, 80, 8)
    found = discover(X, protocol="quick")
    assert (found.k, found.verdict) == (2, "none")
    assert found.reasons[0] == "No usable segmentation with these columns and sizes."


def test_both_algorithms_stand_in_one_table_and_the_choice_is_explained() -> None:
    X, _ = ring(3, 6.0, 200, 9)
    found = discover(X, k=(2, 3), algorithm="auto", protocol="quick", min_size=60)
    assert found.k_table["algorithm"].tolist() == ["kmeans", "kmeans", "gmm", "gmm"]
    assert found.k_table["bic"].isna().tolist() == [True, True, False, False]
    assert found.algorithm == "kmeans" and found.k == 3
    assert found.reasons[-1].startswith("k-means forms the segments")
    mixture = discover(X, k=(2, 3), algorithm="gmm", protocol="quick", min_size=60)
    assert mixture.algorithm == "gmm" and mixture.k == 3 and mixture.verdict == "natural"


def test_leaving_out_a_family_shows_how_many_customers_would_move() -> None:
    random = np.random.default_rng(10)
    X, _ = mix(3, 2, 8.0, 300, 10)
    frame = pd.DataFrame({"spend": X[:, 0], "visits": X[:, 1], "calls": random.normal(0, 0.1, 300)})
    families = {"spend": "purchase", "visits": "purchase", "calls": "service"}
    ledger = {row["choice"]: row for row in discover(frame, k=3, protocol="quick", families=families).sensitivity}
    assert ledger["without the family service"]["ari"] >= 0.99  # type: ignore[operator]
    assert ledger["without the family service"]["customers_moved_share"] <= 0.01  # type: ignore[operator]
    assert ledger["without the family purchase"]["ari"] <= 0.3  # type: ignore[operator]
    with pytest.raises(InputError, match="one family per column"):
        discover(X, k=3, protocol="quick", families=["purchase"])
    with pytest.raises(InputError, match="nothing about the columns calls"):
        discover(frame, families={"spend": "a", "visits": "b"})


@pytest.mark.parametrize("wrong", [{"algorithm": "kmean"}, {"protocol": "fast"}, {"map_kind": "tsne"}, {"k": (5, 3)}])
def test_unknown_words_are_mistakes_of_the_configuration(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        discover(np.arange(120.0).reshape(60, 2), **wrong)  # type: ignore[arg-type]


def test_scan_gives_labels_in_the_order_of_the_rows() -> None:
    X, truth = mix(3, 2, 9.0, 300, 11)
    table = scan(X, k=(2, 4))
    assert list(table.columns) == [
        "k", "inertia", "silhouette", "silhouette_error", "silhouette_squared", "smallest_share",
    ]  # fmt: skip
    assert adjusted_rand(contingency(truth, table.attrs["labels"][3], 3, 3)) == 1.0
    assert abs(table["smallest_share"][1] - 1 / 3) <= 1e-12 and table["silhouette_error"].tolist() == [0.0] * 3


def test_the_functions_are_functions_even_after_their_modules_were_imported() -> None:
    import personas.segmentation.discover
    import personas.segmentation.scan  # noqa: F401

    assert callable(room.discover) and callable(room.scan) and callable(room.assign)


def test_levels_of_categories_are_no_gaps_even_when_nobody_says_that_they_are_categories() -> None:
    # Between the levels of a category there is nothing, so the dip calls every border of these four segments a gap.
    found = discover(categories(5), k=(2, 5), protocol="quick", seed=5)
    assert (found.k, found.verdict) == (4, "reproducible")
    assert {border.kind for border in found.borders} == {"categorical"}


def test_a_table_that_is_there_three_times_is_searched_once() -> None:
    X, _ = mix(3, 2, 5.0, 150, 2)
    alone = discover(X, k=(2, 4), protocol="quick", min_size=20, map_kind="pca")
    shuffled = np.random.default_rng(0).permutation(450)
    found = discover(np.vstack((X, X, X))[shuffled], k=(2, 4), protocol="quick", min_size=60, map_kind="pca")
    assert (found.labels == alone.labels[shuffled % 150]).all() and (found.model.labels == found.labels).all()
    assert (found.confidence == alone.confidence[shuffled % 150]).all()
    assert (found.k, found.verdict, found.min_size) == (alone.k, alone.verdict, 60)
    assert found.chosen.sizes == tuple(np.bincount(found.labels).tolist())
    assert [c.silhouette for c in found.candidates] == [c.silhouette for c in alone.candidates]
    assert found.labelings is not None and found.labelings.shape[1] == 450
    assert found.map_rows is not None and alone.map_rows is not None
    assert (shuffled[found.map_rows] % 150 == alone.map_rows).all()
    assert [(n.code, n.count) for n in found.notices] == [("copied-table", 300)]
    # One row more than three times: no copy of anything.
    once_more = discover(np.vstack((X, X, X, X[:1])), k=3, protocol="quick")
    assert "copied-table" not in {notice.code for notice in once_more.notices}
