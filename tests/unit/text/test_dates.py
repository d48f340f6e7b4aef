"""Dates are read with every reading they allow; one without a year is the nearest."""

from datetime import date

import pytest

from handrail.text.dates import read_dates

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("until 31 December 2026", {date(2026, 12, 31)}),
        ("until Dec. 31st", {date(2026, 12, 31)}),
        ("until January 6", {date(2027, 1, 6)}),
        ("on 2026-12-24", {date(2026, 12, 24)}),
        ("on 12/31/2026", {date(2026, 12, 31)}),
        ("on 03/04/2026", {date(2026, 3, 4), date(2026, 4, 3)}),
    ],
)
def test_a_date_is_read_with_all_its_readings(text: str, days: set[date]) -> None:
    (span,) = read_dates(text)
    assert span.on(TODAY) == days


def test_what_means_to_be_a_date_and_is_none_has_no_reading() -> None:
    (span,) = read_dates("on 2026-15-41")
    assert span.days == frozenset()
    assert span.on(TODAY) == frozenset()
