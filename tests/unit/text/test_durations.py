"""Lengths of time are read as people write them, and what leaves them open stays open."""

from datetime import timedelta

import pytest

from handrail.text.durations import read_durations


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("within 60 days", 60),
        ("two full months", 60),
        ("six weeks", 42),
        ("a couple of months", 60),
        ("half a year", 182.5),
        ("a ninety-day window", 90),
        ("a year and a half", 547.5),
        ("30 (thirty) days", 30),
        ("48 hours", 2),
        ("10 business days", 14),
        ("a fortnight", 14),
        ("twelve months", 365),
    ],
)
def test_a_length_of_time_is_read_in_figures_and_in_words(text: str, days: float) -> None:
    (span,) = read_durations(text)
    assert span.value == timedelta(days=days)


@pytest.mark.parametrize("text", ["30 to 60 days", "between 30 and 60 days", "a few weeks", "several months"])
def test_a_range_and_a_vague_count_are_left_open(text: str) -> None:
    (span,) = read_durations(text)
    assert span.value is None


@pytest.mark.parametrize("text", ["order 60", "60 dollars", "gate 14 d"])
def test_what_is_no_length_of_time_is_not_read(text: str) -> None:
    assert read_durations(text) == ()


def test_two_lengths_side_by_side_are_two() -> None:
    assert [span.value for span in read_durations("30 days and 14 days")] == [
        timedelta(days=30),
        timedelta(days=14),
    ]
