"""From raw values to the matrix: what must not change it, what must, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tables_by_hand import config, random_rows, tables_of

from personas.engines import open_engine
from personas.errors import ConfigError, InputError
from personas.features import build, original_value, recode, sample
from personas.features.coding import FeatureMatrix
from personas.features.feature import Feature
from personas.features.matrix import prepare_matrix
from personas.features.recoding import raw_values
from personas.sources.canonical import Tables

Raw = dict[str, NDArray[Any]]
N = 400


def feature(name: str, shape: str = "amount", family: str = "purchase", role: str = "basis") -> Feature:
    return Feature(name, name, "customers", "", name, name, family, (), None, shape, role)


FEATURES = (
    feature("money"), feature("orders", "count"), feature("share", "share", "channel"),
    feature("gain", "signed", "product"), feature("town", "category", "geography"),
    feature("age", "number", "demographics", "profile"),
)  # fmt: skip


def raw_customers(seed: int = 1, n: int = N) -> Raw:
    draw = np.random.default_rng(seed)
    town = draw.choice(["Basel", "Bern", "Zug"], n, p=[0.5, 0.3, 0.2]).astype(object)
    return {
        "money": draw.lognormal(3, 1.2, n), "orders": draw.poisson(draw.lognormal(0, 1, n)).astype(float) + 1,
        "share": draw.beta(0.5, 0.5, n), "gain": draw.lognormal(2, 1.5, n) - 5, "town": town,
        "age": draw.normal(40, 9, n),
    }  # fmt: skip


def prepare(raw: Raw, features: tuple[Feature, ...] = FEATURES, **wanted: Any) -> FeatureMatrix:
    n = len(next(iter(raw.values())))
    return prepare_matrix(np.array([f"c{i:04d}" for i in range(n)]), raw, features, config(features=wanted), n)


def test_the_recipe_codes_the_sample_to_the_same_bits_and_others_alike() -> None:
    raw = raw_customers()
    raw["money"][:40] = np.nan
    raw["town"][5:60] = None
    matrix = prepare(raw)
    assert recode(matrix.coding, raw).tobytes() == matrix.X.tobytes()
    some = {name: values[30:70] for name, values in raw.items()}
    assert recode(matrix.coding, some).tobytes() == matrix.X[30:70].tobytes()
    assert matrix.X.flags.c_contiguous and matrix.X.dtype == np.float64


def test_columns_are_sorted_by_family_feature_and_level() -> None:
    names = [column.name for column in prepare(raw_customers()).coding.columns]
    assert names == ["share", "town=Basel", "town=Bern", "town=Zug", "gain", "money", "orders"]
    assert prepare(raw_customers()).coding.blocks == ((1, 2, 3),)


@pytest.mark.parametrize("name", ["money", "gain", "share"])
def test_another_unit_gives_the_same_matrix(name: str) -> None:
    raw = raw_customers()
    cents = {**raw, name: raw[name] * 100}
    assert np.abs(prepare(raw).X - prepare(cents).X).max() < 1e-9


def test_renamed_levels_and_shuffled_customers_give_the_same_numbers() -> None:
    raw = raw_customers()
    renamed = {**raw, "town": np.array(["z" + town for town in raw["town"]], dtype=object)}
    assert np.abs(prepare(raw).X - prepare(renamed).X).max() < 1e-12
    order = np.random.default_rng(0).permutation(N)
    shuffled = prepare({name: values[order] for name, values in raw.items()})
    assert np.abs(shuffled.X - prepare(raw).X[order]).max() < 1e-12  # sums in another order


@pytest.mark.parametrize("scale", ["robust", "sd", "range"])
def test_every_family_has_the_first_eigenvalue_1(scale: str) -> None:
    matrix = prepare(raw_customers(), scale=scale)
    for family in set(matrix.families):
        X = matrix.X[:, [j for j, name in enumerate(matrix.families) if name == family]]
        assert np.abs(X.mean(axis=0)).max() < 1e-12
        assert abs(np.linalg.eigvalsh(X.T @ X / N)[-1] - 1) < 1e-9


def test_family_weights_multiply_and_the_other_modes_do_what_they_say() -> None:
    raw = raw_customers()
    plain, doubled = prepare(raw), prepare(raw, weights={"purchase": 2})
    own = [j for j, name in enumerate(plain.families) if name == "purchase"]
    other = [j for j, name in enumerate(plain.families) if name != "purchase"]
    assert np.abs(doubled.X[:, own] - 2 * plain.X[:, own]).max() < 1e-12
    assert np.abs(doubled.X[:, other] - plain.X[:, other]).max() < 1e-12
    assert prepare(raw, family_weights="inertia").X[:, own].var(axis=0).sum() == pytest.approx(1, abs=1e-9)
    assert {column.weight for column in prepare(raw, family_weights="none").coding.columns} == {1.0}
    assert not {"purchase"} & set(prepare(raw, weights={"purchase": 0}).families)


def test_without_transform_and_weights_the_sd_scale_is_the_z_score() -> None:
    raw = raw_customers()
    matrix = prepare(raw, transform="none", scale="sd", winsorize=False, family_weights="none", basis=["money"])
    expected = (raw["money"] - raw["money"].mean()) / raw["money"].std()
    assert np.abs(matrix.X[:, 0] - expected).max() < 1e-12


def test_the_robust_scale_is_the_quartile_range_of_a_normal() -> None:
    # 0..100: quartiles 25 and 75, so one unit is 50 / 1.349 (above half of the standard deviation 29.2).
    raw: Raw = {"share": np.arange(101.0) / 100}
    coding = prepare(raw, (FEATURES[2],), family_weights="none").coding
    assert coding.columns[0].scale == pytest.approx(0.5 / 1.349, abs=1e-12)


def test_a_narrow_middle_takes_the_standard_deviation() -> None:
    # 50 values within 0.1 and 25 on either side: the quartile range of 0.1 is far under half of the sd.
    values = np.r_[np.full(24, 0.0), np.linspace(0.45, 0.55, 52), np.full(24, 1.0)]
    coding = prepare({"share": values}, (FEATURES[2],), family_weights="none").coding
    assert coding.columns[0].scale == pytest.approx(values.std(), abs=1e-12)


def test_a_column_of_mostly_zeros_takes_the_standard_deviation() -> None:
    raw: Raw = {"share": np.r_[np.zeros(80), np.full(20, 1.0)]}  # quartiles 0 and 0; sd = sqrt(0.2 * 0.8) = 0.4
    coding = prepare(raw, (FEATURES[2],), family_weights="none").coding
    assert coding.columns[0].scale == pytest.approx(0.4, abs=1e-12)


def test_winsorising_holds_an_outlier_at_the_last_quantile() -> None:
    raw = raw_customers()
    raw["share"][7] = 1000.0
    tamed, wild = prepare(raw), prepare(raw, winsorize=False)
    assert tamed.X[7, 0] == tamed.X[:, 0].max() < 3
    assert wild.X[7, 0] > 15
    assert {notice.code: notice.count for notice in tamed.notices}["unusual-customers"] == 1
    assert tamed.raw["share"][7] == 1000.0  # reported figures are not clipped


def test_original_values_come_back_inside_the_winsorised_range() -> None:
    raw = raw_customers()
    matrix = prepare(raw)
    for j, column in enumerate(matrix.coding.columns):
        if column.level is not None:
            assert original_value(column, matrix.X[raw["town"] == column.level, j][0]) == pytest.approx(1, abs=1e-9)
            continue
        inside = (matrix.X[:, j] > matrix.X[:, j].min()) & (matrix.X[:, j] < matrix.X[:, j].max())
        back = np.array([original_value(column, value) for value in matrix.X[inside, j]])
        assert np.abs(back / raw[column.feature][inside] - 1).max() < 1e-9


def test_missing_values_are_filled_and_marked_from_five_percent_on() -> None:
    for missing, marked in [(19, False), (20, True)]:  # of 400: 4.75% and 5%
        raw = raw_customers()
        raw["money"][:missing] = np.nan
        matrix = prepare(raw)
        marks = [column for column in matrix.coding.columns if column.missing_indicator]
        assert [column.feature for column in marks] == (["money"] if marked else [])
        money = next(column for column in matrix.coding.columns if column.name == "money")
        assert money.fill == np.median(raw["money"][missing:])
        assert matrix.missing_share["money"] == missing / N
    own = matrix.X[:, matrix.families.index("missingness")]
    assert own.std() == pytest.approx(0.25, abs=1e-9)  # the weight of the family missingness
    assert matrix.transforms["money"].endswith("unknown is a column of its own")


def test_features_that_are_unknown_together_share_one_mark() -> None:
    raw = raw_customers()
    raw["money"][:50] = raw["share"][:50] = np.nan
    raw["town"][100:200] = None
    marks = [column.feature for column in prepare(raw).coding.columns if column.missing_indicator]
    assert marks == ["money", "town"]


def test_a_mostly_unknown_feature_a_constant_and_a_copy_form_no_segments() -> None:
    raw = {**raw_customers(), "copy": np.zeros(0), "still": np.full(N, 3.0), "rare": np.full(N, np.nan)}
    raw["copy"] = raw["money"] * 2 + 5  # the same ranks
    raw["rare"][:199] = 1.0 + np.arange(199)
    extra = (feature("copy"), feature("still"), feature("rare"))
    matrix = prepare(raw, FEATURES + extra)
    codes = dict(zip(matrix.dropped_features, (notice.code for notice in matrix.dropped), strict=True))
    # "copy" comes before "money" by name and stays.
    assert codes == {"money": "collinear-feature", "still": "constant-feature", "rare": "mostly-missing-feature"}
    raw["copy"][0] = np.nan  # now money is the more complete one
    assert "copy" in prepare(raw, FEATURES + extra).dropped_features


def test_the_same_column_in_another_family_stays() -> None:
    raw = {**raw_customers(), "copy": np.zeros(0)}
    raw["copy"] = raw["money"]
    assert not prepare(raw, (*FEATURES, feature("copy", family="loyalty"))).dropped_features


def test_shares_of_distance_add_up_to_one_and_follow_the_variance() -> None:
    matrix = prepare(raw_customers())
    assert sum(matrix.share_of_distance.values()) == pytest.approx(1, abs=1e-12)
    town = [j for j, column in enumerate(matrix.coding.columns) if column.feature == "town"]
    expected = matrix.X[:, town].var(axis=0).sum() / matrix.X.var(axis=0).sum()
    assert matrix.share_of_distance["town"] == pytest.approx(expected, abs=1e-12)
    # The mean squared distance of two rows is twice the variance, so this is a share of distance indeed.
    squared = ((matrix.X[:, None, :] - matrix.X[None, :, :]) ** 2).mean(axis=(0, 1))
    assert squared[town].sum() / squared.sum() == pytest.approx(expected, abs=1e-12)


def test_the_configuration_decides_what_forms_segments() -> None:
    raw = raw_customers()
    assert {f.name for f in prepare(raw).features} == {"money", "orders", "share", "gain", "town"}
    assert {f.name for f in prepare(raw, families=["purchase"]).features} == {"money", "orders"}
    assert {f.name for f in prepare(raw, basis=["age", "share"]).features} == {"age", "share"}
    empty = prepare(raw, families=["purchase", "influence"])
    assert empty.notices[0].code == "family-without-features" and "influence" in empty.notices[0].text


def test_customers_who_are_all_alike_and_missing_features_are_refused() -> None:
    alike: Raw = {"money": np.full(60, 5.0), "town": np.array(["Bern"] * 60, dtype=object)}
    with pytest.raises(InputError, match="the 60 customers are all alike"):
        prepare(alike, (FEATURES[0], FEATURES[4]))
    unknown: Raw = {"money": np.full(60, np.nan)}
    with pytest.raises(InputError, match="no feature is left"):
        prepare(unknown, (FEATURES[0],))
    with pytest.raises(InputError, match="no feature is left"):
        prepare(raw_customers(), (FEATURES[5],))


def test_the_sample_has_the_customers_of_the_study_in_the_order_of_their_ids() -> None:
    rows = random_rows(seed=5, customers=80)
    rows["orders"] = [order for order in rows["orders"] if order["customer_id"] != "c007"]
    with open_engine("duckdb", threads=1) as engine:
        customers = build(engine, tables_of(engine, **rows), config())
        matrix = sample(customers, config())
        whole = engine.fetch(f"SELECT * FROM {customers.table.name} WHERE in_study ORDER BY customer_id", 100)
        with pytest.raises(ConfigError, match="no feature 'sahre'"):
            sample(customers, config(features={"basis": ["sahre"]}))
    assert "c007" not in matrix.ids and list(matrix.ids) == sorted(matrix.ids)
    assert matrix.sampled_from == len(matrix.ids) == 79
    assert recode(matrix.coding, raw_values(whole, matrix.features)).tobytes() == matrix.X.tobytes()


def test_a_large_study_is_sampled_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("personas.features.matrix.LARGEST_SAMPLE", 30)
    rows = random_rows(seed=5, customers=80)
    with open_engine("duckdb", threads=1) as engine:
        matrix = sample(build(engine, tables_of(engine, **rows), config()), config())
    from hashlib import md5

    ids = {order["customer_id"] for order in rows["orders"]}
    smallest = sorted(ids, key=lambda name: md5(name.encode()).hexdigest())[:30]
    assert (list(matrix.ids), matrix.sampled_from) == (sorted(smallest), len(ids))


def test_a_study_without_a_sale_in_the_window_is_refused(shop: Callable[..., Tables], engine: Any) -> None:
    from tables_by_hand import sale

    orders = [sale("ann", "2024-03-03", 10, in_window=False)]
    customers = build(engine, shop([{"customer_id": "ann"}], orders=orders), config())
    with pytest.raises(InputError, match="no customer has a sale in the window"):
        sample(customers, config())


def test_unknown_levels_count_as_other_or_as_none() -> None:
    raw = raw_customers()
    raw["town"][:12] = "Chur"  # 3%: has a column only if it is needed to cover 95%
    raw["town"][12:24] = "Visp"
    matrix = prepare(raw)
    levels = [column.level for column in matrix.coding.columns if column.feature == "town"]
    new = {name: values[100:101].copy() for name, values in raw.items()}
    new["town"][0] = "Elsewhere"
    coded = recode(matrix.coding, new)[0]
    found = [original_value(column, coded[j]) for j, column in enumerate(matrix.coding.columns) if column.level]
    assert found == pytest.approx([1.0 if level == "other" else 0.0 for level in levels], abs=1e-9)
