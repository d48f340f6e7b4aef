"""What a reader may take for one text is read as one; what is no value is left apart."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.text.documents import document_of
from handrail.text.runs import readings, runs
from handrail.text.values import read


class Triple(NamedTuple):
    one: Any
    two: Any
    three: Any


def joined(value: object) -> list[str]:
    leaves = read(value).leaves
    return ["".join(leaves[index].text for index in run) for run in runs(leaves)]


@pytest.mark.parametrize(
    "value",
    [
        ["4539148", "803436467"],
        {"a": "4539148", "b": "803436467"},
        {"4539148": 1, "803436467": 2},
        {"a": {"x": "4539148"}, "b": ["803436467"]},
        Triple("4539148", "803436467", None),
        [4539148, 80343646, 7],
        {"a": 4539, "b": 1488, "c": 343, "d": 6467},
        '{"a": "4539148", "b": {"c": "803436467"}}',
        '{"a": [4539, 1488, 343, 6467]}',
    ],
)
def test_neighbours_over_which_a_number_may_lie_are_read_as_one(value: object) -> None:
    assert any(text.startswith("4539148") and len(text) > 14 for text in joined(value))


@pytest.mark.parametrize(
    "value",
    [
        {"mail": "ann@example.org", "order": "W4711"},
        {"name": "Ann", "city": "Bonn", "order": "4711"},
        {"count": 12, "price": 4.5, "total": 123456789012},
        [{"id": 4001, "n": 7.5}, {"id": 4002, "n": 8.5}],
    ],
)
def test_what_is_whole_or_no_value_is_left_apart(value: object) -> None:
    assert joined(value) == []


@given(st.text("0123 \t", min_size=1, max_size=12))
def test_blanks_between_digits_are_left_out_of_a_second_reading(text: str) -> None:
    plain, *others = readings([(text, 3)])
    assert plain == ((3, 3 + len(text)),)
    for spans in others:
        assert "".join(text[a - 3 : b - 3] for a, b in spans) == text.replace(" ", "").replace("\t", "") or (
            "    " in text.replace("\t", " ")
        )


def test_a_run_begins_with_the_name_of_its_first_piece() -> None:
    document = document_of([{"ssn": ["536", "904399"]}])
    run = document.runs[0]
    assert "".join(document.text[start:end] for start, end in run) == "ssn = 536904399"
