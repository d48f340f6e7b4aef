"""Rows as a review reads them: what nobody can read is left out, and what no page can hold is marked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from handrail.policy.runtime.log_row import read_row
from handrail.review.log.log_cases import log_cases
from handrail.review.log.log_rows import by_time, rows_of
from handrail.review.log.review_log import review_log

AT = datetime(2026, 9, 21, 1, tzinfo=UTC)


def entry(at: str = AT.isoformat(), **given: Any) -> dict[str, Any]:
    reasons = [{"rule": "big", "effect": "hand_off", "trigger": "high_stakes"}]
    data = {"stage": "tool", "effect": "hand_off", "facts": {}, "exchange": "x", "reasons": reasons, "v": 2}
    return {"at": at, "tenant": "default", "kind": "decision.hand_off", "data": {**data, **given}}


@pytest.mark.parametrize(
    "given",
    [
        {"reasons": [5]},
        {"reasons": [None, "x"]},
        {"reasons": [{"rule": "a", "effect": "hand_off", "unknown": 5}]},
        {"reasons": [{"rule": "a", "effect": "hand_off", "unknown": "abc"}]},
        {"scored": {"score": 10**400, "audit_probability": 10**400}, "confidence": {"value": 10**400}},
    ],
)
def test_a_field_that_holds_something_else_is_as_if_it_were_empty(given: dict[str, Any]) -> None:
    rows = rows_of([entry(**given)], "default")
    (case,) = log_cases(rows)
    assert case.unknown == ()
    assert case.confidence is None
    assert not np.isfinite(review_log(rows).score).any()


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-09-01", "", "now"]
)
def test_a_row_whose_time_cannot_be_read_is_left_out(at: str) -> None:
    rows = rows_of([entry(at), entry()], "default")
    assert len(review_log(rows)) == 1
    assert len(list(log_cases(rows))) == 1


def test_what_no_page_can_hold_is_marked_where_a_row_is_read() -> None:
    bad = "\x00a\ud83d"
    row = read_row(entry(reasons=[{"rule": bad, "effect": "hand_off", "unknown": [bad]}], role=bad))
    assert row is not None
    ((_, read),) = by_time([row])
    (case,) = log_cases([row])
    assert (read.role, case.role, case.rules, case.unknown) == ("\ufffda\ufffd",) * 2 + (
        ("\ufffda\ufffd",),
    ) * 2


def judged(*seconds: tuple[str, float]) -> list[dict[str, Any]]:
    """A drawn answer, and what one reader did with it so many seconds later."""
    passed = entry(
        effect="pass", reasons=[], scored={"score": 0.9, "audited": True, "audit_probability": 0.1}
    )
    said = {"answer.judge": {"verdict": "wrong"}, "answer.view": {}}
    return [
        {**passed, "kind": "decision.pass"},
        *(
            {
                "at": (AT + timedelta(seconds=after)).isoformat(),
                "tenant": "default",
                "kind": kind,
                "actor": "ann",
                "data": {"exchange": "x", "v": 2, **said[kind]},
            }
            for kind, after in seconds
        ),
    ]


@pytest.mark.parametrize(
    "seconds",
    [
        [("answer.view", 10), ("answer.judge", 70)],
        [("answer.view", 10), ("answer.judge", 70), ("answer.view", 3600)],
        [("answer.view", 10), ("answer.view", 68), ("answer.judge", 70)],
    ],
)
def test_who_looks_again_has_read_since_they_first_saw_it(seconds: list[tuple[str, float]]) -> None:
    log = review_log(rows_of(judged(*seconds), "default"))
    assert log.seconds.tolist() == [60.0]
    assert log.is_read.all()
