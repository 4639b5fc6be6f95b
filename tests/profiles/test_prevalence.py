"""Prevalence is a count."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from personas.engines import Engine, open_engine
from personas.profiles import customer_values, prevalence
from tests.profiles.fixture import category, labelled, measured, number


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def test_shares_of_the_segment_and_of_all() -> None:
    values = {
        "orders": np.array([1.0, 4.0, 9.0, np.nan, 5.0]),
        "place": np.array(["city", "city", None, "city", "coast"], dtype=object),
    }
    labels = np.array([0, 1, 1, 1, 1], dtype=np.int32)
    # segment 1: 4, 9, unknown, 5 orders; at least 4 and city: only the second customer
    found = prevalence(values, labels, 1, [("orders", 4, None), ("place", "city", "city")])
    assert found == {"of_segment": 0.25, "of_customers": 0.2}
    assert prevalence(values, labels, 1, [("orders", None, 5)]) == {"of_segment": 0.5, "of_customers": 0.6}
    assert prevalence(values, labels, 1, [("place", None, None)]) == {"of_segment": 0.75, "of_customers": 0.8}
    assert prevalence(values, labels, 1, [("orders", None, None)]) == {"of_segment": 0.75, "of_customers": 0.8}
    assert prevalence(values, labels, 1, []) == {"of_segment": 1.0, "of_customers": 1.0}
    assert prevalence(values, labels, 7, [("orders", 4, None)])["of_segment"] == 0.0


def test_values_come_sorted_by_id_with_unknown_as_nan_and_none(engine: Engine) -> None:
    who = ["c", "a", "b", "z"]
    features = [number("x"), category("place"), number("flag")]
    values = {"x": [3.0, None, 2.0, 9.0], "place": ["n", "m", None, "q"], "flag": [True, False, None, True]}
    customers = measured(engine, who, features, values)
    labels = labelled(engine, ["b", "c", "a"], [1, 0, 2])
    ids, segments, found = customer_values(customers, labels, features)
    assert ids.tolist() == ["a", "b", "c"]
    assert segments.tolist() == [2, 1, 0]
    assert np.isnan(found["x"][0]) and found["x"][1:].tolist() == [2.0, 3.0]
    assert found["place"].tolist() == ["m", None, "n"]
    assert np.isnan(found["flag"][1]) and found["flag"][[0, 2]].tolist() == [0.0, 1.0]


def test_a_limit_keeps_the_same_customers_whatever_the_order_of_rows(engine: Engine) -> None:
    who = [f"c{i}" for i in range(50)]
    features = [number("x")]
    chosen = []
    for order in (who, who[::-1]):
        customers = measured(engine, order, features, {"x": [float(c[1:]) for c in order]})
        chosen.append(customer_values(customers, labelled(engine, order, [0] * 50), features, limit=10)[0].tolist())
    assert chosen[0] == chosen[1] and len(chosen[0]) == 10
