"""A value that is written in a locale and read back is the same value, or a question; never another one."""

import os
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personas.sources.days import DayGrammar, read_days
from personas.sources.numbers import read_numbers

MANY = int(os.environ.get("PERSONAS_EXAMPLES", "300"))  # `make battery` sets 10000
# Profile -> (mark of groups, decimal mark, digits from zero).
PROFILES = {
    "plain point": ("", ".", "0"), "plain comma": ("", ",", "0"), "en": (",", ".", "0"), "de": (".", ",", "0"),
    "fr": ("\u202f", ",", "0"), "sv": ("\u00a0", ",", "0"), "ch": ("'", ".", "0"), "fa": ("٬", "٫", "۰"),
    "th": (",", ".", "๐"),
}  # fmt: skip
AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def rendered(value: Decimal, profile: str) -> str:
    group, mark, zero = PROFILES[profile]
    whole, _, part = f"{abs(value):.2f}".partition(".")
    places = range(len(whole), 0, -3)
    whole = group.join(reversed([whole[max(0, end - 3) : end] for end in places])) if group else whole
    text = f"{whole}{mark}{part}"
    text = "".join(chr(ord(zero) + int(c)) if c.isascii() and c.isdigit() else c for c in text)
    return f"-{text}" if value < 0 else text


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=MANY, deadline=None)
@given(values=st.lists(AMOUNTS, min_size=1, max_size=5))
def test_amounts_come_back(profile: str, values: list[Decimal]) -> None:
    reading = read_numbers([rendered(value, profile) for value in values], "money", "auto", None)
    assert reading.question or (reading.values == values and not reading.failed)


DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2069, 12, 31))
FORMS = {
    "%Y-%m-%d": "ymd",
    "%Y%m%d": "ymd",
    "%d.%m.%Y": "dmy",
    "%m/%d/%Y": "mdy",
    "%d %b %Y": "dmy",
    "%B %d, %Y": "mdy",
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=MANY, deadline=None)
@given(days=st.lists(DAYS, min_size=1, max_size=5))
def test_days_come_back_or_are_a_question(form: str, days: list[date]) -> None:
    texts = [day.strftime(form) for day in days]
    reading = read_days(texts, "auto")
    assert reading.question or (reading.values == days and not reading.failed)
    declared = read_days(texts, DayGrammar(FORMS[form]))
    assert declared.values == days


@settings(max_examples=MANY, deadline=None)
@given(days=st.lists(DAYS, min_size=1, max_size=5))
def test_days_with_two_digits_come_back_when_declared(days: list[date]) -> None:
    texts = [day.strftime("%d/%m/%y") for day in days]
    assert read_days(texts, DayGrammar("dmy", short_years=True)).values == days
    assert read_days(texts, "auto").question
