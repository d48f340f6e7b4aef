"""What a list shows of a ticket."""

import pytest

from handrail.tickets.headline import Proposed, ProposedCall, headline
from support.stores import new_ticket


def test_the_part_that_is_read_for_a_list_gives_the_headline_of_the_whole() -> None:
    ticket = new_ticket("t1")
    part = Proposed.model_validate_json(ticket.model_dump_json())
    assert headline(part) == headline(ticket) != ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"amount": 640, "lines": [1], "why": null}', "refund amount 640, why None"),
        ("[640]", "refund [640]"),
        ("{", "refund {"),
        ("", "refund"),
    ],
)
def test_arguments_that_cannot_be_read_are_shown_as_they_are(arguments: str, said: str) -> None:
    assert headline(Proposed(action=ProposedCall(tool="refund", arguments=arguments))) == said


def test_without_an_action_it_is_the_draft_or_what_was_wanted() -> None:
    assert headline(Proposed(draft_answer="On Friday.", wanted="When?")) == "On Friday."
    assert headline(Proposed(wanted="When?")) == "When?"
    assert headline(None) == ""
