"""Errors that a reader can act on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from personas.errors import (
    ConfigError,
    InputError,
    Interrupted,
    LimitError,
    PersonasError,
    count_of,
    did_you_mean,
    place_of,
)


@pytest.mark.parametrize(
    ("kind", "code"), [(ConfigError, 2), (InputError, 3), (LimitError, 4), (Interrupted, 5), (PersonasError, 6)]
)
def test_every_kind_of_error_leaves_with_its_own_code(kind: type[PersonasError], code: int) -> None:
    assert kind("x").exit_code == code
    assert isinstance(kind("x"), PersonasError)


def test_all_problems_stand_below_the_headline_one_a_line() -> None:
    error = InputError("orders.csv has 2 problems.", ["line 3: no date", "line 9: no amount"])
    assert str(error) == "orders.csv has 2 problems:\n  line 3: no date\n  line 9: no amount"
    assert error.problems == ("line 3: no date", "line 9: no amount")


def test_a_headline_alone_stays_as_it_is() -> None:
    assert str(InputError("orders.csv is empty.")) == "orders.csv is empty."


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 orders"), (1, "1 order"), (2, "2 orders"), (1000, "1,000 orders"), (10**6, "1,000,000 orders")],
)
def test_a_count_agrees_with_its_noun(n: int, text: str) -> None:
    assert count_of(n, "order") == text


def test_an_irregular_plural_is_given() -> None:
    assert (count_of(1, "person", "people"), count_of(3, "person", "people")) == ("1 person", "3 people")


def test_a_near_name_is_offered_and_a_far_one_is_not() -> None:
    assert did_you_mean("recency_day", ["orders_per_year", "recency_days"]) == "Did you mean 'recency_days'?"
    assert did_you_mean("zzz", ["orders_per_year", "recency_days"]) == ""
    assert did_you_mean("zzz", []) == ""


def test_the_place_of_a_bug_is_a_file_of_the_package_whatever_the_folders_above_are_called() -> None:
    library = compile("def broken():\n    raise KeyError\n", "/home/ann/personas/lib/library.py", "exec")
    names: dict[str, Callable[[], None]] = {}
    exec(library, names)
    with pytest.raises(KeyError) as found:
        names["broken"]()
    assert place_of(found.value) == "outside of the package"
    with pytest.raises(TypeError) as ours:
        count_of(None, "row")  # type: ignore[arg-type]
    assert re.fullmatch(r"errors\.py:\d+", place_of(ours.value))
