"""Every decision is on record in one schema, holds nobody's words, and can be taken again exactly."""

import json
from pathlib import Path

import pytest

from handrail import Guard
from handrail.guard.context import through
from handrail.policy import loads
from handrail.policy.runtime.log_row import LogRow, as_data, read_row
from handrail.policy.runtime.record import rederive
from handrail.policy.tools.backtest import backtest
from handrail.records import Draft, Message, Speaker, ToolCall
from support.shop_guard import KEY, MAIL, POLICY, shop_guard
from support.stores import sqlite_sides

ASKED = (Message(speaker=Speaker.USER, text="Where is my parcel?"),)
WANTS_PERSON = (Message(speaker=Speaker.USER, text="I want to talk to a human."),)
DELETION = ToolCall(id="c", name="delete_account", arguments="{}")
UNREADABLE = ToolCall(id="d", name="issue_refund", arguments="{not json")


def refund(amount: int) -> ToolCall:
    return ToolCall(id="r", name="issue_refund", arguments=json.dumps({"amount": f"{amount} USD"}))


def everything(guard: Guard) -> None:
    """Bring about every outcome that a guard alone can."""
    with guard.context(customer="ann", conversation="v0"):
        with through("tests"):
            call = guard.begin(ASKED, exchange="passed")
        call.used({"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}, "Ann's": 1})
        assert call.finish([Draft(text="It comes on Friday.", model="m-1")]).is_released
    redacted = guard.begin(ASKED, exchange="redacted").finish([Draft(text=f"Write to {MAIL}.")])
    assert redacted.is_released
    with guard.context(conversation="v1"):
        assert guard.begin(WANTS_PERSON, exchange="opened").outcome is not None
        assert guard.begin(WANTS_PERSON, exchange="joined").outcome is not None
    assert guard.begin(ASKED, exchange="leaked").finish([Draft(text=f"The key is {KEY}")]).handoff is not None
    assert guard.begin(ASKED, exchange="blocked").finish([Draft(tool_calls=(DELETION,))]).is_blocked
    both = (DELETION, refund(900), refund(5), UNREADABLE)
    assert (
        guard.begin(ASKED, exchange="mixed").finish([Draft(text=f"See {MAIL}", tool_calls=both)]).is_blocked
    )
    guard.gate(refund(20), exchange="gated")
    guard.gate(refund(900), exchange="stopped")
    guard.gate(UNREADABLE, exchange="unread")
    strange = (Message(speaker=Speaker.USER, text="see this", unreadable=("image", "video")),)
    assert guard.begin(strange, exchange="unread input").outcome is not None


def entries(folder: Path) -> list[dict[str, object]]:
    sides = sqlite_sides(folder / "handrail.db")
    try:
        return list(sides.admin.export())
    finally:
        sides.close()


@pytest.fixture
def recorded(tmp_path: Path) -> list[dict[str, object]]:
    with shop_guard(tmp_path) as guard:
        everything(guard)
    return entries(tmp_path)


def rows_of(found: list[dict[str, object]]) -> dict[str, LogRow]:
    rows = [row for row in map(read_row, found) if row is not None]
    assert len({row.exchange for row in rows}) == len(rows)
    return {row.exchange: row for row in rows}


def test_every_outcome_has_its_row(recorded: list[dict[str, object]]) -> None:
    assert {name: row.outcome for name, row in rows_of(recorded).items()} == {
        "passed": "passed",
        "redacted": "redacted",
        "opened": "handed_off",
        "joined": "handed_off",
        "leaked": "handed_off",
        "blocked": "blocked",
        "mixed": "blocked",
        "gated": "gated",
        "stopped": "handed_off",
        "unread": "handed_off",
        "unread input": "handed_off",
    }


def test_every_decision_is_taken_again_exactly(recorded: list[dict[str, object]]) -> None:
    policy = loads(POLICY)
    for name, row in rows_of(recorded).items():
        assert rederive(json.loads(json.dumps(row.record())), policy).differences == (), name


def test_a_policy_put_before_its_own_log_changes_nothing(recorded: list[dict[str, object]]) -> None:
    result = backtest(list(enumerate(recorded, 1)), loads(POLICY))
    assert (result.unreadable, result.newly, result.no_longer, result.without_facts) == ([], 0, 0, 0)
    assert (result.records, result.recorded_hand_offs) == (11, 6)


def test_a_row_says_what_the_call_took_and_whose_it_was_without_a_word(
    recorded: list[dict[str, object]],
) -> None:
    text = json.dumps(recorded, ensure_ascii=False)
    assert not [
        word for word in (KEY, MAIL, "ann", "Ann", "parcel", "human.", "v0", "Friday") if word in text
    ]
    row = rows_of(recorded)["passed"]
    assert set(row.latency_us) == {"screen", "model", "judge"}
    assert (row.asked, row.usage) == (1, {"prompt_tokens": 7, "prompt_tokens_details.cached_tokens": 3})
    assert (row.adapter, row.model, len(row.customer), len(row.conversation)) == ("tests", "m-1", 32, 32)
    assert rows_of(recorded)["opened"].ticket == rows_of(recorded)["joined"].ticket == "opened"
    sources = [entry["data"] for entry in recorded if entry["kind"] == "config.facts"]
    assert sources[0]["sources"]["refund.amount"] == "tool.args.amount"  # type: ignore[index]


def test_a_row_that_is_written_and_read_is_the_same(recorded: list[dict[str, object]]) -> None:
    for row in rows_of(recorded).values():
        assert read_row(json.loads(json.dumps(as_data(row)))) == read_row(as_data(row))
        assert as_data(read_row(as_data(row)) or row) == as_data(row)


def test_what_a_person_decided_and_what_was_given_back_have_rows(tmp_path: Path) -> None:
    with shop_guard(tmp_path) as guard:

        @guard.tool
        def issue_refund(amount: str) -> str:
            return "done"

        guard.gate(refund(900), exchange="stopped")
        guard.resolve("stopped", "fay", "approve")
        with guard.authorised("stopped") as action:
            action.run()
    found = [row for row in map(read_row, entries(tmp_path)) if row is not None]
    assert sorted(row.outcome for row in found) == ["authorised", "handed_off", "resolved", "taken"]
    assert [row.verdict for row in found if row.outcome == "resolved"] == ["approve"]
    for row in found:
        if row.is_decision:
            assert rederive(row.record(), loads(POLICY)).differences == ()
