"""What an answer makes up can fire a rule of its own."""

from collections.abc import Callable

from handrail import Guard
from handrail.testing import assert_handed_off
from support.scenes import POLICY

GROUNDED = POLICY.replace("  disputes: ", "  answer.ungrounded: {type: whole number}\n  disputes: ").replace(
    "hand_offs:\n",
    "hand_offs:\n  - {id: made-up, when: answer.ungrounded > 0, to: supervisor, because: Check it.}\n",
)


def test_an_amount_that_stands_nowhere_hands_off(make_guard: Callable[..., Guard]) -> None:
    guard = make_guard(GROUNDED)
    ask = guard(lambda question: "Your order of 49.90 USD ships on March 4.")
    handoff = assert_handed_off(lambda: ask("I paid 49.90 USD. When does it ship?"), to="supervisor")
    view = guard.store.get("default", handoff.ticket)  # type: ignore[attr-defined]
    assert [span.kind for span in view.ticket.evidence] == ["ungrounded"]
    assert "March 4" in view.ticket.draft_answer


def test_what_the_person_said_is_ground_enough(make_guard: Callable[..., Guard]) -> None:
    guard = make_guard(GROUNDED)
    assert guard(lambda question: "Yes, 49.90 USD on March 4.")("Was it 49.90 USD on March 4?").startswith(
        "Yes"
    )
