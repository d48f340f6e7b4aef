"""What programs are told stands in the page that says so, event by event."""

import re
from pathlib import Path

from handrail.desk.notice import EVENT_PREFIX, REVIEW_EVENT
from handrail.desk.settings import CALLS_PEOPLE
from handrail.store.reviews import PREFIX, REVIEW
from handrail.tickets.lifecycle import Verb

PAGE = (Path(__file__).parents[3] / "docs" / "howto" / "notify.md").read_text(encoding="utf-8")


def named_in(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


def test_every_event_that_can_be_told_stands_in_the_table_of_events() -> None:
    table = PAGE.partition("| event | what happened |")[2].partition("\n\n")[0]
    firsts = "".join(row.split("|")[1] for row in table.splitlines() if row.count("|") > 2)
    # Nobody is told of an attempt that joins a ticket; erasure takes a ticket's notices away.
    assert named_in(firsts) == {*(set(Verb) - {Verb.JOIN, Verb.ERASE}), REVIEW}


def test_the_events_that_call_people_are_those_of_the_page() -> None:
    listed = PAGE.partition("those that call people:")[2].partition(". Addresses")[0]
    assert named_in(listed) == CALLS_PEOPLE


def test_the_types_of_events_are_those_of_the_page() -> None:
    assert f"`{EVENT_PREFIX}<event>`" in PAGE
    assert f"`{REVIEW_EVENT}`" in PAGE
    assert f"`{PREFIX}2026-W" in PAGE
