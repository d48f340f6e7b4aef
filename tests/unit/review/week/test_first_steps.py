"""What is done first: what cannot wait, then changes and notes by what they save, each thing once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from handrail.cli.review_summary import Reviewed
from handrail.records import Trigger
from handrail.review import ReviewPeriod, review
from handrail.review.changes.proposal import Proposal
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.page.html import as_html
from handrail.review.page.markdown import as_markdown
from handrail.review.page.report import as_data
from handrail.review.week.first_steps import MOST, first_steps
from handrail.review.week.language import language
from handrail.review.week.weekly import WeeklyReview

MONDAY = datetime(2026, 10, 5, tzinfo=UTC)
WEEK = ReviewPeriod(since=MONDAY, until=MONDAY + timedelta(days=7))


def a_case(number: int, ending: TicketEnding = TicketEnding.APPROVED, rule: str = "big-refund") -> ReviewCase:
    opened = MONDAY + timedelta(hours=number)
    is_open = ending is TicketEnding.OPEN
    return ReviewCase(
        id=f"ticket-{number:04}",
        created_at=opened,
        role="finance_lead",
        trigger=Trigger.HIGH_STAKES,
        ending=ending,
        rules=(rule,),
        decide_by=opened + timedelta(minutes=30),
        decided_at=None if is_open else opened + timedelta(minutes=5),
    )


def report(*endings: TicketEnding) -> WeeklyReview:
    given_endings = endings or (TicketEnding.APPROVED,) * 6
    cases = [a_case(number, ending) for number, ending in enumerate(given_endings)]
    return review(cases, WEEK, now=WEEK.until)


def a_change(name: str, worth: float, about: str = "") -> Proposal:
    return Proposal(
        id=name, kind="needless", title=f"Change {name}", why="w", text="x", about=about, worth=worth
    )


def a_note(name: str, worth: float) -> Proposal:
    return replace(a_change(name, worth), kind="staffing", text="", tickets=("ticket-0001",))


def test_changes_and_notes_stand_in_one_order_by_what_they_save() -> None:
    found = first_steps(report(), None, [a_change("a", 3), a_note("b", 40), a_change("c", 7)])
    assert [step.part for step in found[:3]] == ["change-b", "change-c", "change-a"]
    assert "40 hand-offs a week" in str(found[0])
    assert found[0].tickets == ("ticket-0001",)


def test_a_hint_is_left_out_where_a_change_is_about_the_same() -> None:
    assert any("big-refund" in step.words for step in first_steps(report()))
    found = first_steps(report(), None, [a_change("a", 3, about="big-refund")])
    assert [step.part for step in found] == ["change-a"]


def test_no_part_of_the_page_hints_at_what_a_change_is_about() -> None:
    """A hint to narrow a rule beside the change that raises it would leave it to the reader."""
    week, change = report(), a_change("a", 3, about="big-refund")
    for written in (as_html, as_markdown):
        assert "Does big-refund stop too much?" in written(week)
        assert "Does big-refund stop too much?" not in written(week, None, [change])
    assert as_data(week)["proposals"]
    assert as_data(week, None, [change])["proposals"] == []
    made = Reviewed(report=week, figures=None, patches=[change], missed=None)
    assert "0 hints from the tickets" in made.lines([Path("r/review.html")], "", "p.yaml")[0]


def test_a_change_that_costs_more_than_it_saves_says_so_and_is_no_next_command() -> None:
    costly, cheap = a_change("a", -94), a_change("b", 7)
    assert "costs about 94 hand-offs a week more than it saves" in str(
        first_steps(report(), None, [costly])[0]
    )
    assert "costs about 94 hand-offs a week" in as_html(report(), None, [costly])
    assert "costs about 94 hand-offs a week" in as_markdown(report(), None, [costly])
    for patches, names in (([costly], []), ([costly, cheap], ["b"])):
        made = Reviewed(report=report(), figures=None, patches=patches, missed=None)
        lines = made.lines([Path("review/review.html")], "", "p.yaml")
        found = [line for line in lines if line.startswith("next: ")]
        assert [line.split("accept ")[1].split()[0] for line in found] == names


def test_what_cannot_wait_comes_before_what_saves_most() -> None:
    late = report(*[TicketEnding.OPEN] * 2)
    first, second = first_steps(late, None, [a_change("a", 900)])
    assert first.is_pressing
    assert first.tickets == ("ticket-0000", "ticket-0001")
    assert second.part == "change-a"


@given(st.lists(st.floats(-50, 500), max_size=12), st.booleans())
def test_the_steps_are_few_and_each_is_named_once(worths: list[float], is_note: bool) -> None:
    make = a_note if is_note else a_change
    found = first_steps(report(), None, [make(str(place), worth) for place, worth in enumerate(worths)])
    assert len(found) <= MOST
    assert len({step.part for step in found}) == len(found)


def test_a_change_that_is_not_ready_is_none_that_can_be_done_first() -> None:
    refused = replace(a_change("a", 30), problems=("a test fails",))
    assert all(step.part != "change-a" for step in first_steps(report(), None, [refused]))


def test_in_german_all_is_german_but_what_a_proposal_calls_itself() -> None:
    page = as_html(report(), None, [a_change("a", 3)], language("de"))
    assert '<html lang="de">' in page
    assert "Annehmen oder ablehnen:" in page
    assert '<span lang="en">Change a</span>' in page
    assert "5. Okt. 2026 bis 11. Okt. 2026" in page.replace("\u00a0", " ")
    for words in ("Do first", "approved unchanged", "Tickets per day", "median time", "hand-offs", " of "):
        assert words not in page.split("</style>")[1], words


def test_a_ticket_of_an_earlier_week_is_named_and_leads_nowhere() -> None:
    change = replace(a_change("a", 3), tickets=("ticket-0001", "ticket-of-old"))
    page = as_html(report(), None, [change])
    assert 'href="#ticket-0001"' in page
    assert 'title="ticket-of-old"' in page
    assert 'href="#ticket-of-old"' not in page


def test_a_week_without_tickets_still_names_the_changes_that_can_be_accepted() -> None:
    empty = review([], WEEK, now=WEEK.until)
    changes = [a_change(f"c{number}", number) for number in range(9)]
    assert len(first_steps(empty, None)) == 1
    found = first_steps(empty, None, changes)
    assert [step.part for step in found] == ["tickets", "change-c8", "change-c7", "change-c6", "change-c5"]
