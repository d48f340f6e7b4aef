"""What the assistant is told when a conversation comes back to it."""

import pytest

from handrail.tickets.lifecycle import State
from handrail.tickets.ports import ResolutionView
from handrail.tickets.resolution import resume_note
from support.stores import NOW, new_ticket


def resolution(verdict: str, **more: object) -> ResolutionView:
    known = {"ticket": "t", "role": "finance_lead", "decided_at": NOW}
    return ResolutionView(verdict=verdict, **known, **more)  # type: ignore[arg-type]


def test_an_edit_is_told_with_what_was_proposed_and_what_was_approved() -> None:
    decision = resolution("edit", arguments='{"amount":590}', changed=("amount",))
    note = resume_note(State.APPLIED, new_ticket(), decision)
    assert '{"amount":590}' in note
    assert '"amount":640' in note
    assert "changed: amount" in note
    assert "do not do it again" in note


def test_a_rejection_tells_the_assistant_not_to_try_again() -> None:
    assert "Do not try it again" in resume_note(State.REJECTED, new_ticket(), resolution("reject"))


def test_a_persons_own_answer_is_passed_on() -> None:
    note = resume_note(State.ANSWERED, new_ticket(), resolution("answer", answer="Until Friday."))
    assert "Until Friday." in note


@pytest.mark.parametrize("state", [State.DECIDED, State.APPLYING, State.OUTCOME_UNKNOWN])
def test_an_action_under_way_or_of_unknown_outcome_is_not_repeated(state: State) -> None:
    assert "do not" in resume_note(state, new_ticket(), resolution("approve")).split(". ")[-1]


def test_a_case_that_ran_out_says_that_nothing_was_done() -> None:
    assert "nothing was done" in resume_note(State.EXPIRED, None, resolution("expired"))


def test_an_erased_ticket_still_gives_a_note() -> None:
    assert "rejected" in resume_note(State.REJECTED, None, resolution("reject"))
