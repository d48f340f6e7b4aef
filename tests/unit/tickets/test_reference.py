"""The reference of a ticket, and how lists look it up."""

from hypothesis import given
from hypothesis import strategies as st

from handrail.tickets.reference import reference_bounds, reference_of


@given(st.text(max_size=20), st.integers(min_value=0, max_value=10))
def test_a_reference_lies_between_the_bounds_of_how_it_begins(ticket: str, length: int) -> None:
    reference = reference_of("default", ticket)
    first, last = reference_bounds(reference[:length])
    assert first <= reference <= last
    assert len(first) == len(last) == len(reference)


def test_bounds_have_the_form_of_a_reference() -> None:
    assert reference_bounds("HR-7K") == ("HR-7K22-22", "HR-7KZZ-ZZ")
    assert reference_bounds("HR-7K3F-2Q") == ("HR-7K3F-2Q", "HR-7K3F-2Q")
