"""Ten thousand tickets, each with a value between some neighbours: none leaves as training data."""

import json
import os
import random
from datetime import UTC, date, datetime

import pytest
from benchmarks.edge_frames import fits, frames
from benchmarks.edge_values import values

from handrail.records import Trigger
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.training.export import Consent, Form, training_set
from handrail.scan import default_scanner
from handrail.scan.catalogue import shipped
from handrail.scan.spec import TOPICS

pytestmark = pytest.mark.slow
TICKETS = int(os.environ.get("HANDRAIL_EXPORT_TICKETS", "10000"))
AGREED = Consent(source="Terms v3", given=date(2026, 1, 1))


def a_case(number: int, words: str) -> ReviewCase:
    """Put words into one field after the other: what was said, by whom, what was proposed and decided."""
    arguments = json.dumps({"to": words}), json.dumps({"to": words, "more": 1})
    fields: tuple[dict[str, object], ...] = (
        {"lines": (("user", words),)},
        {"lines": (("user", f"q{number}"), ("assistant", words), ("user", "and?"))},
        {"proposed": words, "resolved": f"{words} Yes.", "reason": words, "wanted": words},
        {"tool": "note", "proposed": arguments[0], "resolved": arguments[1]},
    )
    given: dict[str, object] = {
        "id": f"ticket-{number:05}",
        "created_at": datetime(2026, 1, 5, tzinfo=UTC),
        "role": "queue_manager",
        "trigger": Trigger.LOW_CONFIDENCE,
        "ending": TicketEnding.EDITED,
        "proposed": "Within 14 days.",
        "resolved": "Within 30 days.",
        "lines": (("user", "How long may I return it?"),),
        **fields[number % 4],
    }
    return ReviewCase(**given)  # type: ignore[arg-type]


def test_no_value_between_any_neighbours_leaves_in_any_form() -> None:
    optional = {spec.type for spec in shipped() if spec.is_optional}
    wanted = [value for value in values() if value.type not in TOPICS and value.type not in optional]
    pairs = [(value, frame) for value in wanted for frame in frames() if fits(frame, value)]
    random.Random(1).shuffle(pairs)
    exported, leaked = 0, []
    for number, (value, frame) in enumerate(pairs[:TICKETS]):
        made = training_set(
            [a_case(number, frame.around(value)[0])],
            list(Form)[number % 3],
            default_scanner(),
            consent=lambda _: AGREED,
            conversation=str,
        )
        text = json.dumps([one.data for one in made.examples], ensure_ascii=False)
        exported += len(made.examples)
        if value.text in text or json.dumps(value.text, ensure_ascii=False)[1:-1] in text:
            leaked.append((value.type, frame.name))
    assert exported > 0.99 * min(TICKETS, len(pairs))
    assert leaked == []
