from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personas.sources.numbers import parse_number, read_numbers


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1,234.56", "point", "1234.56"),
        ("1.234,56", "comma", "1234.56"),
        ("1 234,56", "comma", "1234.56"),
        ("1\u202f234,56", "comma", "1234.56"),
        ("1'234.56", "point", "1234.56"),
        ("1,23,456.78", "point", "123456.78"),
        ("-12", "point", "-12"),
        ("+12", "point", "12"),
        ("−3,5", "comma", "-3.5"),
        (".5", "point", "0.5"),
    ],
)
def test_a_number_is_read_in_the_profile_it_is_written_in(text: str, decimal: str, value: str) -> None:
    assert parse_number(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["1e5", "0x1A", "1_000", "1,2,3", "12,34.5", "1.2.3", "", "-", "--5", "1 23", "0,125.0", "12a"]
)
def test_what_casts_accept_too_readily_is_no_number(text: str) -> None:
    assert parse_number(text, "point") is None


def test_accounting_signs_are_read_in_money_only() -> None:
    assert parse_number("(12.50)", "point", money=True) == Decimal("-12.50")
    assert parse_number("12.50-", "point", money=True) == Decimal("-12.50")
    assert parse_number("(12.50)", "point") is None


def test_a_column_that_fits_both_marks_with_different_numbers_is_a_question() -> None:
    # M1's cousin: 1.234 alone is 1234 or 1.234.
    assert "may be" in read_numbers(["1.234"], "number", "auto", None).question
    assert read_numbers(["1.234"], "number", "comma", None).values == [Decimal(1234)]


def test_one_value_proves_the_mark_for_the_whole_column() -> None:
    reading = read_numbers(["1.234", "7,5"], "number", "auto", None)
    assert reading.values == [Decimal(1234), Decimal("7.5")]
    assert reading.proof == "7,5"


def test_both_marks_in_one_column_are_refused_with_both_texts() -> None:
    question = read_numbers(["1,5", "1.5"], "number", "auto", None).question
    assert "'1.5'" in question and "'1,5'" in question


def test_missing_words_nan_and_infinity_are_unknown_and_not_failed() -> None:
    reading = read_numbers(["5", "NA", "-", "null", "NaN", "inf", "x"], "number", "auto", None)
    assert reading.values == [Decimal(5), None, None, None, None, None, None]
    assert reading.failed == [6]


def test_a_currency_sign_is_read_and_another_currency_is_a_question() -> None:
    assert read_numbers(["$12.50", "-$4", "12.50 $"], "money", "auto", "USD").values == [
        Decimal("12.50"), Decimal(-4), Decimal("12.50"),
    ]  # fmt: skip
    assert "USD" in read_numbers(["12 EUR"], "money", "auto", "USD").question
    assert "several currencies" in read_numbers(["$5", "€5"], "money", "auto", "USD").question


def test_money_never_loses_a_digit() -> None:
    # M25: a cast to DECIMAL(18,4) would give 12.3457.
    assert "'12.34567'" in read_numbers(["12.34567", "12.3456", "11.770000000000001"], "money", "auto", None).question
    # One of 101 values is under 1%: it fails alone.
    reading = read_numbers(["12.34567", *(f"{i}.5" for i in range(99)), "11.770000000000001"], "money", "auto", None)
    assert (reading.values[0], reading.values[-1], reading.failed) == (None, Decimal("11.77"), [0])


def test_whole_cents_and_signs_of_other_currencies() -> None:
    # Yen have no cents, dinars of Kuwait have thousands.
    assert read_numbers(["1050"], "money", "auto", "EUR", minor=True).values == [Decimal("10.50")]
    assert read_numbers(["1050"], "money", "auto", "JPY", minor=True).values == [Decimal("1050")]
    assert read_numbers(["1050"], "money", "auto", "KWD", minor=True).values == [Decimal("1.050")]
    assert read_numbers(["10.50"], "money", "auto", "EUR", minor=True).failed == [0]
    assert "study.currency: EUR" in read_numbers(["€ 5"], "money", "auto", "USD").question
    assert read_numbers(["$ 5"], "money", "auto", "CAD").values == [Decimal(5)]


def test_counts_are_whole_and_shares_lie_between_0_and_1() -> None:
    assert read_numbers(["3", "2.5", "3.0"], "count", "auto", None).values == [3, None, 3]
    assert read_numbers(["50%", "5 %"], "share", "auto", None).values == [0.5, 0.05]
    assert read_numbers(["0.5", "1.5"], "share", "auto", None).values == [0.5, None]
    assert read_numbers(["50%", "0.5"], "share", "auto", None).question


def test_digits_of_other_scripts_are_read_by_value_with_a_note() -> None:
    reading = read_numbers(["１２", "٣٤"], "number", "auto", None)
    assert reading.values == [Decimal(12), Decimal(34)]
    assert reading.notes


def test_thirty_digits_are_no_amount() -> None:
    assert read_numbers(["9" * 30], "money", "auto", None).failed == [0]


amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False)


@settings(max_examples=300, deadline=None)
@given(amounts, st.sampled_from(["point", "comma"]))
def test_a_printed_amount_reads_back_as_itself(amount: Decimal, decimal: str) -> None:
    printed = f"{amount:,.2f}"
    if decimal == "comma":
        printed = printed.translate(str.maketrans(",.", ".,"))
    assert parse_number(printed, decimal, money=True) == amount


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=12))
def test_no_text_makes_the_grammar_fail(text: str) -> None:
    for kind in ("money", "number", "count", "share", "measure"):
        reading = read_numbers([text], kind, "auto", "EUR")
        assert reading.question or len(reading.values) == 1
