from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personas.sources.days import parse_day, read_days


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("2024-01-05", "ymd", date(2024, 1, 5)),
        ("2024/1/5", "ymd", date(2024, 1, 5)),
        ("19970101", "ymd", date(1997, 1, 1)),
        ("2024-01-05 10:11:12", "ymd", date(2024, 1, 5)),
        ("2024-01-05T23:59:59.123Z", "ymd", date(2024, 1, 5)),
        ("2024-01-05T23:59:59+02:00", "ymd", date(2024, 1, 5)),
        ("25.04.2026", "dmy", date(2026, 4, 25)),
        ("4/25/2026 3:15 PM", "mdy", date(2026, 4, 25)),
        ("5 Jan 2024", "dmy", date(2024, 1, 5)),
        ("January 5, 2024", "mdy", date(2024, 1, 5)),
    ],
)
def test_a_day_is_read_in_its_order(text: str, order: str, day: date) -> None:
    assert parse_day(text, order) == day


@pytest.mark.parametrize(
    "text", ["2023-02-29", "0000-00-00", "2024-13-01", "epoch", "infinity", "45383", "0001-01-01", "9999-12-31"]
)
def test_what_casts_accept_too_readily_is_no_day(text: str) -> None:
    assert parse_day(text, "ymd") is None


def test_days_that_fit_both_orders_are_a_question() -> None:
    # M4: 03/04/2024 is 3 April or 4 March, and nothing proves either.
    assert "both day-month and month-day" in read_days(["03/04/2024", "01/02/2024"], "auto").question
    assert read_days(["03/04/2024"], "mdy").values == [date(2024, 3, 4)]


def test_a_day_that_reads_the_same_in_both_orders_needs_no_answer() -> None:
    assert read_days(["05/05/2024"], "auto").values == [date(2024, 5, 5)]


def test_one_value_over_12_proves_the_order() -> None:
    reading = read_days(["03/04/2024", "25/04/2024"], "auto")
    assert reading.values == [date(2024, 4, 3), date(2024, 4, 25)]
    assert reading.proof == "25/04/2024"
    assert read_days(["03/04/2024", "04/25/2024"], "auto").values[0] == date(2024, 3, 4)


def test_both_orders_proven_in_one_column_are_refused() -> None:
    assert "month first" in read_days(["25/04/2024", "04/25/2024"], "auto").question


def test_years_of_two_digits_are_a_question() -> None:
    # M5: DuckDB reads 03/04/24 as 24 April 2003.
    assert "two digits" in read_days(["03/04/24"], "auto").question


def test_years_of_other_calendars_are_a_question() -> None:
    assert "calendar" in read_days(["2569-01-05"], "auto").question  # Buddhist
    assert "calendar" in read_days(["1405-01-05"], "auto").question  # Jalali


def test_missing_words_are_unknown_and_impossible_days_failed() -> None:
    reading = read_days(["2024-01-05", "", "N/A", "2024-02-30"], "auto")
    assert reading.values == [date(2024, 1, 5), None, None, None]
    assert reading.failed == [3]


@settings(max_examples=300, deadline=None)
@given(
    st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y"]),
)
def test_a_printed_day_reads_back_as_itself_or_as_nothing_but_a_question(day: date, form: str) -> None:
    order = {"%d.%m.%Y": "dmy", "%m/%d/%Y": "mdy"}.get(form, "ymd")
    assert parse_day(day.strftime(form), order) == day
    free = read_days([day.strftime(form)], "auto")
    assert free.question or free.values == [day]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=14))
def test_no_text_makes_the_grammar_fail(text: str) -> None:
    reading = read_days([text], "auto")
    assert reading.question or len(reading.values) == 1
