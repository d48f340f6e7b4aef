import json
from datetime import UTC, datetime

import pytest

from handrail.records import Trigger
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.log.questions import asked_for_held


def case(reason: str, **arguments: object) -> ReviewCase:
    return ReviewCase(
        id="t",
        created_at=datetime(2026, 9, 1, tzinfo=UTC),
        role="lead",
        trigger=Trigger.HIGH_STAKES,
        ending=TicketEnding.REVISED,
        tool="issue_refund",
        proposed=json.dumps(arguments),
        reason=reason,
    )


@pytest.mark.parametrize("name", ["order_id", "orderId", "order-id"])
def test_a_question_for_a_field_that_the_ticket_holds_is_counted(name: str) -> None:
    assert asked_for_held(case("Too little to go on. Which order id is it?", **{name: "A-17"})) == (name,)


@pytest.mark.parametrize(
    "reason",
    ["Why was the order late?", "The order id is wrong.", "Which invoice number is it?", ""],
)
def test_other_words_are_no_question_for_it(reason: str) -> None:
    assert asked_for_held(case(reason, order_id="A-17")) == ()


def test_a_field_without_a_value_is_not_held() -> None:
    assert asked_for_held(case("Which order id is it?", order_id="")) == ()
