"""Whatever fails, and wherever: nothing that could not be judged is released, and a case is never lost."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail import CheckFailed, Guard, HandoffRequired, HandrailError
from handrail.errors import StoreUnavailable
from handrail.policy import load
from handrail.records import Draft, Evidence, Message, Speaker, ToolCall
from handrail.scan import default_scanner
from handrail.store import Spool, open_store
from handrail.testing import FrozenClock
from support.scenes import POLICY

WITH_FACT = POLICY.replace(
    "hand_offs:",
    "  vip: {type: yes/no}\n\nhand_offs:\n"
    "  - {id: vip, when: vip, to: supervisor, trigger: never_ai, because: People look after these.}",
    1,
)


class Broken:
    """Stands before any object; methods in `failing` raise."""

    def __init__(self, inner: Any, failing: set[str], error: Exception) -> None:
        self._inner, self._failing, self._error = inner, failing, error

    def __getattr__(self, name: str) -> Any:
        if name in self._failing:

            def fail(*_: object, **__: object) -> None:
                raise self._error

            return fail
        return getattr(self._inner, name)


ERRORS = [
    ValueError("boom"),
    KeyError("boom"),
    MemoryError(),
    RecursionError(),
    StopIteration("boom"),
    OSError(28, "No space left"),
    StoreUnavailable("store"),
    CheckFailed("scan"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "boom"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("closed")
    (path / "policy.yaml").write_text(WITH_FACT)
    return path


def facts(names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
    return {"vip": False}


def guard_with(folder: Path, part: str, error: Exception) -> tuple[Guard, Spool]:
    policy = load(folder / "policy.yaml")
    store: Any = open_store("sqlite://", allow_volatile=True, clock=FrozenClock())
    spool = Spool.beside(f"sqlite:///{folder}/h.db")
    source: Any = facts
    if part == "facts":

        def source(*_: object) -> Mapping[str, object]:
            raise error

    elif part != "scan":
        # A store that is gone refuses tickets too; any other failure is of one method.
        gone = {"open"} if isinstance(error, StoreUnavailable) else set[str]()
        store = Broken(store, {part, *gone}, error)
    scanner: Any = Broken(default_scanner(), {"scan"}, error) if part == "scan" else None
    guard = Guard(policy, store=store, spool=spool, facts=source, scanner=scanner, clock=FrozenClock())
    return guard, spool


@given(part=st.sampled_from(["scan", "facts", "conversation"]), error=st.sampled_from(ERRORS))
@settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_check_that_fails_hands_off_and_the_model_is_not_asked(
    folder: Path, part: str, error: Exception
) -> None:
    guard, spool = guard_with(folder, part, error)
    asked: list[str] = []

    @guard
    def ask(question: str) -> str:
        asked.append(question)
        return "an answer"

    before = spool.waiting()
    with guard.context(customer="c1", conversation="v1"), pytest.raises((HandoffRequired, StoreUnavailable)):
        ask("hello")
    assert asked == []
    if part == "conversation" and isinstance(error, StoreUnavailable):
        assert spool.waiting() == before + 1


@given(part=st.sampled_from(["scan", "facts", "totals", "reserve", "log_now"]), error=st.sampled_from(ERRORS))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_action_that_could_not_be_judged_never_runs(folder: Path, part: str, error: Exception) -> None:
    guard, _ = guard_with(folder, part, error)
    ran: list[int] = []

    @guard.tool
    def issue_refund(amount: int) -> None:
        ran.append(amount)

    with guard.context(customer="c1"), pytest.raises((HandrailError, type(error))) as raised:
        issue_refund(39)
    assert ran == []
    assert raised.value is error or (
        isinstance(raised.value, HandrailError) and "boom" not in str(raised.value)
    )


@given(text=st.text(max_size=200), answer=st.text(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sync_and_async_decide_alike(folder: Path, text: str, answer: str) -> None:
    guard, _ = guard_with(folder, "none", ValueError())
    messages = [Message(speaker=Speaker.USER, text=text)]
    drafts = [Draft(text=answer, tool_calls=(ToolCall(id="1", name="look", arguments="{}"),))]

    def sync() -> object:
        call = guard.begin(messages)
        outcome = call.outcome or call.finish(drafts)
        return outcome.decision, outcome.drafts

    async def awaited() -> object:
        call = await guard.abegin(messages)
        outcome = call.outcome or await call.afinish(drafts)
        return outcome.decision, outcome.drafts

    with guard.context(customer="c1"):
        assert sync() == asyncio.run(awaited())
