"""One figure looks the same everywhere: a table of cases."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pytest

from personas.estimate import Assumption, Estimate, exact
from personas.narrative.formatting import (
    assumed,
    count,
    day,
    fixed,
    given,
    interval,
    money,
    number,
    percent,
    ranged,
    show,
    show_with_unit,
)


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        (27.3, "USD", "$27"),
        (1178, "USD", "$1,178"),
        (9999.4, "USD", "$9,999"),
        (9999.5, "USD", "$10k"),
        (641_234, "USD", "$641k"),
        (999_400, "USD", "$999k"),
        (999_700, "USD", "$1M"),  # not $1000k
        (5_290_702, "USD", "$5.29M"),
        (12_400_000, "EUR", "€12.4M"),
        (0.84, "USD", "$0.84"),
        (0, "USD", "$0"),
        (-97.2, "USD", "−$97"),
        (-0.001, "USD", "$0.00"),  # no negative zero
        (-72_556, "GBP", "−£73k"),
        (27.3, "", "27.3"),  # no currency known: a plain number
    ],
)
def test_money_shows_two_or_three_digits_that_carry(value: float, currency: str, expected: str) -> None:
    assert money(value, currency) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.213, "21%"),
        (0.005, "0.5%"),
        (0.0099, "1.0%"),
        (0.0101, "1%"),
        (0.0002, "<0.1%"),
        (0, "0%"),
        (0.996, "99.6%"),
        (0.99999, ">99.9%"),
        (1, "100%"),
        (-0.054, "−5%"),
    ],
)
def test_percent_has_one_decimal_only_near_the_ends(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_numbers_lose_zeros_at_the_end_and_indices_do_not() -> None:
    assert [number(v) for v in (11.43, 6.0, 0.94, 0.4, 118.2, 1234.4, -2.25)] == [
        "11.4",
        "6",
        "0.94",
        "0.4",
        "118",
        "1,234",
        "−2.2",
    ]
    assert fixed(0.9, 2) == "0.90"
    assert count(2621.4) == "2,621"


def test_an_estimate_chooses_its_form_by_its_unit() -> None:
    units = {
        "USD/order": "$27", "share": ">99.9%", "people": "27", "days": "27", "orders/year": "27.3",
        "score 1-10": "27.3",
    }  # fmt: skip
    values = {unit: 0.9999 if unit == "share" else 27.3 for unit in units}
    assert {unit: show(exact(values[unit], unit, 5)) for unit in units} == units
    assert show(None) == "unknown"
    assert show_with_unit(exact(1, "years", 5)) == "1 year"
    assert show_with_unit(exact(6.1, "score 1-10", 5)) == "6.1 on a scale of 1 to 10"


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0.203, 0.217, "share", "20.3 to 21.7%"),  # less than two points apart: one decimal
        (0.96, 0.98, "share", "96 to 98%"),
        (0.0046, 0.0052, "share", "0.46 to 0.52%"),  # 0.5 to 0.5 would say nothing
        (84, 88, "USD/year", "$84 to $88"),
        (26.8, 27.2, "USD/order", "$26.80 to $27.20"),
        (-2_000, 17_000, "USD", "−$2,000 to $17k"),
        (2.4, 3.2, "ratio", "2.4 to 3.2"),
    ],
)
def test_both_ends_of_an_interval_can_be_told_apart(low: float, high: float, unit: str, expected: str) -> None:
    assert interval(Estimate((low + high) / 2, low, high, unit, 9, "bootstrap")) == expected


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "expected"),
    [
        (10.6, 10.5, 10.7, "orders", "10.6 (10.5 to 10.7)"),  # not 11, which lies outside
        (10.6, 8.2, 13.4, "orders", "11 (8.2 to 13)"),
        (10.6, 9.5, 11.8, "orders/year", "10.6 (9.5 to 11.8)"),
        (118.2, 118.1, 118.4, "orders/year", "118.2 (118.1 to 118.4)"),
        (44.4, 44.3, 44.6, "days", "44.4 (44.3 to 44.6)"),
        (26.6, 26.4, 26.9, "USD/order", "$26.60 ($26.40 to $26.90)"),  # not $27
        (27.3, 20.1, 33.8, "USD/order", "$27 ($20 to $34)"),
        (0.96, 0.87, 1.12, "USD/order", "$0.96 ($0.87 to $1.12)"),
        (12_345, 12_344, 12_346, "USD", "$12k ($12k to $12k)"),  # thousands stay thousands
        (0.206, 0.203, 0.209, "share", "20.6% (20.3 to 20.9%)"),  # not 21%
        (0.21, 0.17, 0.25, "share", "21% (17 to 25%)"),
        (0.993, 0.97, 0.994, "share", "99.3% (97.0 to 99.4%)"),
        (0.0002, 0, 0.004, "share", "<0.1% (0 to 0.4%)"),
        (0.001, 0.0004, 0.0012, "share", "0.1% (0.0 to 0.1%)"),
        (0, 0, 0.004, "share", "0% (0 to 0.4%)"),
        (-0.3, -0.34, -0.27, "ratio", "\u22120.3 (\u22120.34 to \u22120.27)"),
    ],
)  # fmt: skip
def test_a_figure_is_as_precise_as_its_interval(
    value: float, low: float, high: float, unit: str, expected: str
) -> None:
    estimate = Estimate(value, low, high, unit, 9, "bootstrap")
    assert "{} ({})".format(*ranged(estimate)) == expected


def test_no_printed_figure_lies_outside_its_printed_interval() -> None:
    random, units = np.random.default_rng(0), ("share", "orders", "orders/year", "days", "USD/year", "ratio", "people")
    for _ in range(20_000):
        unit = units[int(random.integers(len(units)))]
        value = float(random.uniform(0, 1)) if unit == "share" else float(10 ** random.uniform(-3, 5))
        low, high = (value * (1 + sign * 10 ** random.uniform(-4, 0)) for sign in (-1, 1))
        if unit == "share":
            high = min(high, 1.0)
        estimate = Estimate(value, low, high, unit, 9, "bootstrap")
        shown, between = ranged(estimate)
        ends = between.split(" to ")
        if len(ends) == 2 and not shown.startswith(("<", ">")):
            printed = [read(text) for text in (ends[0], shown, ends[1])]
            assert printed == sorted(printed), (estimate, shown, between)


def read(text: str) -> float:
    """The number that a figure shows."""
    scale = {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)
    return scale * float(re.sub(r"[^\d.\u2212]", "", text).replace("\u2212", "-"))


def test_what_somebody_gave_keeps_its_digits() -> None:
    cases = {
        (0.8, "USD/minute"): "$0.80", (1.25, "USD/minute"): "$1.25", (6, "EUR/order"): "€6",
        (0.005, "USD/minute"): "$0.005", (12_345, "USD/customer"): "$12,345", (0.1, "share"): "10%",
        (0.335, "share"): "33.5%", (36, "months"): "36", (1.5, "number"): "1.5",
    }  # fmt: skip
    assert {case: given(exact(case[0], case[1], 0)) for case in cases} == cases
    amounts = (exact(36, "months", 0), exact(0.1, "share", 0))
    line = Assumption("lifetime value", "{} months ahead at {} a year", amounts)
    assert assumed(line) == "36 months ahead at 10% a year"


def test_an_exact_figure_has_no_interval() -> None:
    assert interval(exact(812, "customers", 812)) == ""
    assert interval(None) == ""


def test_every_language_of_the_product_writes_figures_its_own_way() -> None:
    assert day(date(2026, 10, 31)) == "31 October 2026"
    assert percent(0.21, "fa") == "۲۱٪"
    assert percent(0.21, "th") == "21%"
    assert percent(0.21, "tr") == "%21"
    assert money(5_290_000, "USD", "zh-Hant") == "US$529萬"
    assert money(1178, "EUR", "vi") == "1.178\u00a0€"
    assert money(641_234, "EUR", "xx") == "€641K"  # a language nobody knows reads as English
