"""Days of the year towards which people buy."""

from __future__ import annotations

from datetime import date

import pytest

from personas.config import Occasion
from personas.features.occasions import DEFAULT, day_of, spans, words


@pytest.mark.parametrize(
    ("occasion", "year", "expected"),
    [
        (DEFAULT[0], 2026, date(2026, 2, 14)),
        (DEFAULT[1], 2025, date(2025, 5, 11)),  # May 2025 begins on a Thursday: Sundays 4, 11
        (DEFAULT[2], 2025, date(2025, 11, 28)),  # Thursdays 6, 13, 20, 27
        (DEFAULT[2], 2024, date(2024, 11, 29)),  # the fourth Friday would be the 22nd
        (DEFAULT[3], 2025, date(2025, 12, 25)),
        (Occasion(name="Last Monday", month=5, weekday=0, nth=-1), 2025, date(2025, 5, 26)),
        (Occasion(name="Fifth Monday", month=5, weekday=0, nth=5), 2025, None),
        (Occasion(name="Leap day", month=2, day=29), 2025, None),
        (Occasion(name="Black Friday", month=11, weekday=4, nth=4), 2024, date(2024, 11, 22)),  # as configured
    ],
)
def test_the_day_of_an_occasion_follows_from_its_rule(occasion: Occasion, year: int, expected: date | None) -> None:
    assert day_of(occasion, year) == expected


def test_spans_are_merged_cut_to_the_window_and_may_cross_the_year() -> None:
    feasts = (Occasion(name="New Year", month=1, day=3), Occasion(name="Christmas", month=12, day=25))
    found = spans(feasts, 10, date(2025, 6, 1), date(2026, 1, 1))
    # 3 January 2026 reaches back to 25 December: one span with Christmas, 16 December to 3 January.
    assert found == ((date(2025, 12, 16), date(2026, 1, 3)),)
    assert spans(feasts, 10, date(2025, 1, 4), date(2025, 12, 16)) == ()
    assert spans((), 10, date(2025, 1, 1), date(2026, 1, 1)) == ()


def test_the_occasions_are_named_as_a_sentence_says_them() -> None:
    assert words(None) == "Valentine's Day, Mother's Day, Black Friday or Christmas"
    assert words(DEFAULT[:1]) == "Valentine's Day"
