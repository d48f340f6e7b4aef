"""Words that are found whole: a ticket's reference is none of them."""

import pytest

from handrail.scan import default_scanner
from handrail.tickets.reference import reference_of

NOTICE = "This needs a colleague (finance lead). Reference: {said}."


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in default_scanner().scan(text)]


@pytest.mark.parametrize("number", range(25))
def test_a_notice_with_a_reference_says_nothing_of_anybodys_employment(number: int) -> None:
    said = reference_of("default", f"ticket-{number}")
    for written in (said, said.lower()):
        assert found(NOTICE.format(said=written)) == []


@pytest.mark.parametrize("said", ["HR", "HR-department", "HR-7K3F", "HR 7K3F-2Q", "HR-0000-00"])
def test_the_department_is_still_the_department(said: str) -> None:
    assert "HR" in found(f"My colleague and my employer told {said} of it.")
