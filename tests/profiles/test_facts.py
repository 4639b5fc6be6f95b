"""Facts worked out by hand, and the same numbers whatever the order of rows and threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from personas.engines import Engine, open_engine
from personas.profiles.facts import EVERYONE, Sample, facts
from personas.profiles.records import Fact
from personas.profiles.values import customer_values
from tests.profiles.fixture import category, labelled, measured, number

FEATURES = [
    number("orders_per_year"),
    number("online_share", "share", "share"),
    number("average_order", "EUR/order", "amount"),
    number("has_card", "share", "share"),
    category("home"),
]
WHO = ["a", "b", "c", "d", "e", "f"]
VALUES = {
    "orders_per_year": [1.0, 2.0, 3.0, 10.0, 20.0, 40.0],
    "online_share": [0.5, None, 0.0, 1.0, 1.0, 0.7],
    "average_order": [10.0, 20.0, 60.0, None, None, None],
    "has_card": [True, False, True, True, None, False],
    "home": ["own", "own", "rent", None, "rent", "rent"],
}
SEGMENTS = [0, 0, 0, 1, 1, 1]
SIZES = {EVERYONE: 6, 0: 3, 1: 3}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


def found_facts(engine: Engine, order: list[int] | None = None) -> dict[int, dict[str, Fact]]:
    order = order or list(range(6))
    who = [WHO[i] for i in order]
    customers = measured(engine, who, FEATURES, {n: [v[i] for i in order] for n, v in VALUES.items()})
    labels = labelled(engine, who, [SEGMENTS[i] for i in order])
    _, segments, values = customer_values(customers, labels, FEATURES)
    return facts(customers, labels, SIZES, Sample(segments, values), "EUR", seed=3)


def test_mean_median_and_quartiles_of_a_number(engine: Engine) -> None:
    fact = found_facts(engine)[0]["orders_per_year"]
    assert fact.mean is not None and fact.median is not None and fact.effect is not None
    # 1 2 3: mean 2, sd 1, t(2) = 4.30265: 2 - 4.30265 / sqrt 3 < 0, and a count is never below 0
    assert (fact.mean.value, fact.mean.low, fact.mean.n) == (2.0, 0.0, 3)
    assert fact.mean.high == pytest.approx(2 + 4.30265 / np.sqrt(3), abs=1e-4)
    assert (fact.median.value, fact.median.low, fact.median.high) == (2.0, 1.0, 3.0)
    # linear interpolation: 1.5 and 2.5
    assert (fact.low_quartile, fact.high_quartile) == (1.5, 2.5)
    assert fact.effect.value == -1.0


def test_unknown_values_divide_by_what_is_known(engine: Engine) -> None:
    fact = found_facts(engine)[0]["online_share"]
    assert fact.mean is not None
    assert (fact.known.value, fact.known.n) == (pytest.approx(2 / 3, abs=1e-12), 3)
    assert (fact.mean.value, fact.mean.n) == (0.25, 2)
    assert (fact.mean.low, fact.mean.high) == (0.0, 1.0)  # a share stays between 0 and 1


def test_a_feature_nobody_of_the_group_has_is_unknown(engine: Engine) -> None:
    fact = found_facts(engine)[1]["average_order"]
    assert fact.known.value == 0.0
    assert (fact.mean, fact.median, fact.low_quartile, fact.effect) == (None, None, None, None)


def test_a_flag_is_a_share_with_wilsons_interval(engine: Engine) -> None:
    fact = found_facts(engine)[1]["has_card"]
    assert fact.mean is not None
    # one of two known; Wilson for 1 of 2: 0.0945 to 0.9055
    assert (fact.mean.value, fact.mean.n, fact.mean.basis) == (0.5, 2, "Wilson, 95%")
    assert fact.mean.low == pytest.approx(0.0945, abs=1e-4)


def test_levels_are_shares_of_the_known_and_phi_speaks_of_the_most_telling(engine: Engine) -> None:
    found = found_facts(engine)
    own, other = found[0]["home"], found[1]["home"]
    assert [(name, e.n) for name, e in own.levels] == [("own", 3), ("rent", 3)]
    assert [e.value for _, e in own.levels] == [pytest.approx(2 / 3, abs=1e-12), pytest.approx(1 / 3, abs=1e-12)]
    assert [(name, e.value) for name, e in other.levels] == [("rent", 1.0), ("own", 0.0)]
    # own: 2 of 3 inside, 0 of 2 outside: phi = (2*2 - 1*0) / sqrt(3*2*2*3) = 0.66667
    assert own.effect is not None and own.effect_level == "own"
    assert own.effect.value == pytest.approx(2 / 3, abs=1e-12)
    assert [(n, e.value) for n, e in found[EVERYONE]["home"].levels] == [("rent", 0.6), ("own", 0.4)]
    assert found[EVERYONE]["home"].effect is None


def test_everyone_has_no_effect_and_all_features_in_order(engine: Engine) -> None:
    everyone = found_facts(engine)[EVERYONE]
    assert list(everyone) == [f.name for f in FEATURES]
    assert everyone["orders_per_year"].effect is None
    mean = everyone["orders_per_year"].mean
    assert mean is not None and mean.value == pytest.approx(76 / 6, abs=1e-9)


def test_the_order_of_rows_changes_nothing(engine: Engine) -> None:
    assert found_facts(engine, [5, 3, 1, 0, 2, 4]) == found_facts(engine)


def test_more_threads_change_nothing() -> None:
    random = np.random.default_rng(0)
    who = [f"c{i:05d}" for i in range(5_000)]
    features = [number("x", "EUR/year", "amount"), number("y"), category("z")]
    values = {"x": random.lognormal(size=5_000).tolist(), "y": random.random(5_000).tolist(),
              "z": random.choice(list("abc"), 5_000).tolist()}  # fmt: skip
    segments = random.integers(0, 2, 5_000).tolist()
    results = []
    for threads in (1, 4):
        with open_engine(threads=threads) as engine:
            customers, labels = measured(engine, who, features, values), labelled(engine, who, segments)
            _, own, read = customer_values(customers, labels, features)
            sizes = {EVERYONE: 5_000, 0: segments.count(0), 1: segments.count(1)}
            results.append(facts(customers, labels, sizes, Sample(own, read), "EUR", seed=3))
    assert results[0] == results[1]


def test_only_the_most_frequent_levels_are_counted_whatever_they_are_called(engine: Engine) -> None:
    names = [f"l{i}'; drop table labels;--" for i in range(20)]
    who = [f"c{i}" for i in range(210)]
    home = [names[i] for i in range(20) for _ in range(i + 1)]
    customers = measured(engine, who, [category("home")], {"home": home})
    labels = labelled(engine, who, [0] * 100 + [1] * 110)
    _, segments, values = customer_values(customers, labels, customers.features)
    found = facts(customers, labels, {EVERYONE: 210, 0: 100, 1: 110}, Sample(segments, values), "EUR", seed=3)
    levels = found[EVERYONE]["home"].levels
    assert len(levels) == 12
    assert (levels[0][0], levels[0][1].value) == (names[19], pytest.approx(20 / 210, abs=1e-12))


def test_a_level_of_a_protected_column_with_fewer_than_five_customers_is_not_shown(engine: Engine) -> None:
    levels = ["DE"] * 9 + ["FR"] * 4 + ["DE"] * 8 + ["FR"] * 5
    who = [f"c{i:02d}" for i in range(26)]
    features = [category("country"), category("home")]
    customers = measured(engine, who, features, {"country": levels, "home": levels})
    labels = labelled(engine, who, [0] * 13 + [1] * 13)
    _, segments, values = customer_values(customers, labels, features)
    found = facts(customers, labels, {EVERYONE: 26, 0: 13, 1: 13}, Sample(segments, values), "EUR", seed=3)
    assert [name for name, _ in found[0]["country"].levels] == ["DE"], "four from France may be recognised"
    assert [name for name, _ in found[1]["country"].levels] == ["DE", "FR"]
    assert [name for name, _ in found[0]["home"].levels] == ["DE", "FR"], "home is not protected"
