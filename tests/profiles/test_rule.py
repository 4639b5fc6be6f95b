"""Rules find planted segments, are recounted by raw SQL, and read well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from personas.engines import Engine, open_engine
from personas.features.feature import Feature
from personas.profiles.records import Rule
from personas.profiles.rule import describe_rule, find_conditions, meets
from tests.profiles.fixture import category, labelled, measured, number


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def found_rule(
    engine: Engine, features: Sequence[Feature], values: Mapping[str, Any], segments: np.ndarray, segment: int
) -> Rule | None:
    who = [f"c{i:05d}" for i in range(len(segments))]
    lists = {name: [None if v is None or v != v else v for v in np.asarray(x).tolist()] for name, x in values.items()}
    customers = measured(engine, who, features, lists)
    labels = labelled(engine, who, segments.tolist())
    conditions = find_conditions(values, features, segments.astype(np.int32), segment)
    sizes = {-1: len(segments), **{int(g): int((segments == g).sum()) for g in np.unique(segments)}}
    return describe_rule(customers, labels, features, conditions, segment, sizes, "EUR")


def recount(features: Sequence[Feature], values: Mapping[str, Any], segments: np.ndarray, sql: str) -> dict[int, int]:
    """Customers per segment on whom the rule's own SQL is true, by plain DuckDB."""
    columns = {f.name: pa.array([None if v is None or v != v else v for v in np.asarray(values[f.name]).tolist()])
               for f in features}  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("crm", pa.table({**columns, "segment": pa.array(segments.tolist())}))
        rows = connection.execute(f"SELECT segment, COUNT(*) FROM crm WHERE {sql} GROUP BY segment").fetchall()
    return {int(g): int(n) for g, n in rows}


def test_one_cut_in_original_units_finds_a_segment_that_one_cut_made(engine: Engine) -> None:
    orders = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    segments = (orders >= 8).astype(int)
    features = [number("orders_per_year", label="orders a year")]
    rule = found_rule(engine, features, {"orders_per_year": orders}, segments, 1)
    assert rule is not None
    assert rule.conditions == (("orders_per_year", ">=", 8.0),)
    assert (rule.text, rule.sql) == ("orders a year at least 8", "orders_per_year >= 8")
    assert (rule.list_size, rule.precision, rule.recall, rule.fidelity.value) == (5, 1.0, 1.0, 1.0)


def test_precision_recall_and_fidelity_are_counts(engine: Engine) -> None:
    # at least 4 selects 4 5 6 7 of whom 4 5 6 belong; 3 belongs too: F1 = 6/8; at least 3: 4 hits of 5, F1 = 8/9: best
    orders = np.array([1.0, 2, 3, 4, 5, 6, 7])
    segments = np.array([0, 0, 1, 1, 1, 1, 0])
    rule = found_rule(engine, [number("orders")], {"orders": orders}, segments, 1)
    # and a second condition, at most 6, makes it exact
    assert rule is not None
    assert set(rule.conditions) == {("orders", ">=", 3.0), ("orders", "<=", 6.0)}
    noisy = found_rule(engine, [number("orders")], {"orders": np.array([1.0, 1, 2, 2, 2, 2, 2])}, segments, 1)
    # two is the only cut: selects 5 of whom 4 belong, 4 of 4 found, right about 6 of 7
    assert noisy is not None
    assert (noisy.list_size, noisy.precision, noisy.recall) == (5, 0.8, 1.0)
    assert noisy.fidelity.value == pytest.approx(6 / 7, abs=1e-12)


def test_customers_whom_the_list_misses_count_against_fidelity(engine: Engine) -> None:
    # at least 9 finds 2 of 3 and nobody else: F1 = 4/5, better than everybody (6/9); right about 5 of 6
    segments = np.array([1, 0, 0, 0, 1, 1])
    rule = found_rule(engine, [number("orders")], {"orders": np.array([1.0, 1, 1, 1, 9, 9])}, segments, 1)
    assert rule is not None
    assert (rule.sql, rule.list_size, rule.precision) == ("orders >= 9", 2, 1.0)
    assert rule.recall == pytest.approx(2 / 3, abs=1e-12)
    assert rule.fidelity.value == pytest.approx(5 / 6, abs=1e-12)


def test_an_unknown_value_meets_no_condition() -> None:
    levels, numbers = np.array(["a", None, "b"], dtype=object), np.array([1.0, np.nan, 3.0])
    assert meets(levels, ("x", "<>", "a")).tolist() == [False, False, True]
    assert meets(levels, ("x", "=", "a")).tolist() == [True, False, False]
    assert meets(numbers, ("x", "<=", 2.0)).tolist() == [True, False, False]
    assert meets(numbers, ("x", ">=", 1.0)).tolist() == [True, False, True]


def test_levels_shares_and_money_are_worded_in_their_units(engine: Engine) -> None:
    random = np.random.default_rng(0)
    n = 400
    values = {
        "home owner": np.where(random.random(n) < 0.5, "own", "rent").astype(object),
        "online_share": random.random(n),
        "average_order": random.random(n) * 300,
    }
    owns = values["home owner"] == "own"
    segments = (owns & (values["online_share"] >= 0.6) & (values["average_order"] <= 150)).astype(int)
    features = [category("home owner"), number("online_share", "share", "share", "placed online"),
                number("average_order", "EUR/order", "amount", "average order")]  # fmt: skip
    rule = found_rule(engine, features, values, segments, 1)
    assert rule is not None and len(rule.conditions) == 3
    assert "\"home owner\" = 'own'" in rule.sql
    assert "home owner is own" in rule.text
    assert "placed online at least 6" in rule.text and "%" in rule.text
    assert "average order at most 150 EUR" in rule.text
    assert rule.precision > 0.95 and rule.recall > 0.95


def test_a_threshold_is_rounded_when_that_costs_next_to_nothing() -> None:
    x = np.concatenate([np.linspace(100, 412.3, 500), np.linspace(437.77, 700, 500)])
    segments = np.repeat([0, 1], 500).astype(np.int32)
    # the gap is 412.3 to 437.77: 440 would lose five of 500, 430 nobody
    assert find_conditions({"x": x}, [number("x")], segments, 1) == (("x", ">=", 430.0),)
    fine = np.concatenate([np.linspace(1000.0, 1000.4, 500), np.linspace(1000.44, 1001, 500)])
    # 1000 and 1000 at two and three digits would select everybody
    ((_, _, value),) = find_conditions({"x": fine}, [number("x")], segments, 1)
    assert 1000.4 < float(value) <= 1000.44


@pytest.mark.parametrize("seed", range(20))
def test_raw_sql_on_the_table_recounts_the_rule(engine: Engine, seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 300
    values: dict[str, Any] = {
        "orders_per_year": random.integers(1, 20, n).astype(float),
        "online_share": np.round(random.random(n), 3),
        "user": np.array([None if v == "x" else v for v in random.choice(list("abcx"), n)], dtype=object),
        'a"b; drop table t;--': random.normal(size=n),
    }
    values["online_share"][random.random(n) < 0.1] = np.nan
    segments = random.integers(0, 3, n)
    segments[(values["orders_per_year"] > 12) & (values["user"] == "a")] = 1
    features = [number("orders_per_year"), number("online_share", "share", "share"), category("user"),
                number('a"b; drop table t;--', "x", "number")]  # fmt: skip
    for segment in range(3):
        rule = found_rule(engine, features, values, segments, segment)
        assert rule is not None and 1 <= len(rule.conditions) <= 3
        counts = recount(features, values, segments, rule.sql)
        assert sum(counts.values()) == rule.list_size
        assert counts.get(segment, 0) == round(rule.recall * (segments == segment).sum())


def test_rows_in_another_order_give_the_same_conditions() -> None:
    random = np.random.default_rng(5)
    values = {"a": random.normal(size=500), "b": random.integers(0, 9, 500).astype(float)}
    segments = ((values["a"] > 0.3) & (values["b"] > 3)).astype(np.int32)
    shuffled = random.permutation(500)
    features = [number("a"), number("b")]
    again = find_conditions({f: x[shuffled] for f, x in values.items()}, features, segments[shuffled], 1)
    assert find_conditions(values, features, segments, 1) == again


def test_constant_features_tell_nothing_apart() -> None:
    assert find_conditions({"x": np.ones(20)}, [number("x")], np.repeat([0, 1], 10).astype(np.int32), 1) == ()
    assert find_conditions({}, [], np.repeat([0, 1], 10).astype(np.int32), 1) == ()
