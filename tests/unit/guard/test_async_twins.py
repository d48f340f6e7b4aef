"""Every method that may wait for the store has a twin for coroutines, and the twin leaves the loop alone."""

import asyncio
import inspect
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from handrail import Guard, Handoff, HandoffRequired
from handrail.guard import Action, Call, Outcome, Permit
from handrail.policy import loads
from handrail.records import Draft, FaultKind, Message, Speaker, Stage, ToolCall
from handrail.store import SqlStore, open_store
from handrail.testing import FrozenClock
from handrail.tickets.ports import DecisionEntry, Settlement
from support.scenes import KEY, PEOPLE, POLICY

WAITS_FOR_NOTHING = {
    Guard: {"context", "declare_tool", "told", "tool"},
    Call: {"asks", "refused_logprobs", "used", "stream", "redact_answer", "told"},
    Action: set[str](),
    Permit: set[str](),
}
"""Public methods without a twin: they do not reach the store."""

ASYNC_ALREADY = {"wait"}

COUNTED = POLICY.replace("> 500 USD", "> 5000 USD")
BIG = '{"order_id": "o1", "amount": 640}'
SMALL = '{"order_id": "o1", "amount": 5}'


def public_methods(kind: type) -> dict[str, Callable[..., object]]:
    """Public methods by name, class methods included."""
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isroutine)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("kind", WAITS_FOR_NOTHING, ids=lambda kind: kind.__name__)
def test_every_method_that_may_wait_has_a_twin_with_the_same_parameters(kind: type) -> None:
    methods = public_methods(kind)
    twins = {name for name in methods if name[0] == "a" and name[1:] in methods}
    waiting = methods.keys() - twins - WAITS_FOR_NOTHING[kind] - ASYNC_ALREADY
    assert {f"a{name}" for name in waiting} == twins
    for name in waiting - {"result", "finish", "authorised"}:
        assert inspect.signature(methods[name]) == inspect.signature(methods[f"a{name}"]), name
    for name in waiting - {"result"}:
        one, other = inspect.signature(methods[name]), inspect.signature(methods[f"a{name}"])
        assert list(one.parameters) == list(other.parameters), name


class Watched:
    """A store in a file that notes from which threads it is used."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.threads = folder, list[int]()
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "people.yaml").write_text(PEOPLE)
        self.store: SqlStore = open_store(f"sqlite:///{folder}/h.db", clock=FrozenClock())
        # Connections from now on tell of every statement, in the thread that runs it.
        self.store.database.engine.dispose()
        event.listen(self.store.database.engine, "connect", self._traced)

    def _traced(self, connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(lambda _: self.threads.append(threading.get_ident()))

    @contextmanager
    def used_elsewhere(self) -> Iterator[None]:
        """What is awaited inside uses the store, and never in the thread of the loop."""
        self.threads.clear()
        yield
        assert self.threads, "the store was not used at all"
        assert threading.get_ident() not in self.threads, "the loop waited for the store"

    @contextmanager
    def unused(self) -> Iterator[None]:
        """What is called inside does not use the store."""
        self.threads.clear()
        yield
        assert self.threads == []


def said(text: str) -> list[Message]:
    return [Message(speaker=Speaker.USER, text=text)]


def refund(arguments: str) -> ToolCall:
    return ToolCall(id="c", name="issue_refund", arguments=arguments)


def test_no_twin_makes_the_loop_wait_for_the_store(tmp_path: Path) -> None:
    watched = Watched(tmp_path)

    async def every_twin() -> None:
        with watched.used_elsewhere():
            guard = await Guard.afrom_policy(
                tmp_path / "policy.yaml",
                people=tmp_path / "people.yaml",
                store=watched.store,
                clock=FrozenClock(),
            )

        @guard.tool
        async def issue_refund(order_id: str, amount: int) -> str:
            return "refunded"

        with guard.context(customer="c1", conversation="v1"):
            await calls(guard)
        with guard.context(customer="c2", conversation="v2"):
            await actions(guard)
        with watched.used_elsewhere():
            await guard.areload(loads(COUNTED))
        with watched.used_elsewhere():
            unsure = guard.policy.unsure(Stage.TOOL, "x")
            entry = DecisionEntry(decision=unsure, exchange="e", tenant="default", at=FrozenClock().at)
            guard.store.log(entry)  # queued, and written by `aclose`
            await guard.aclose()

    async def calls(guard: Guard) -> None:
        with watched.used_elsewhere():
            call = await guard.abegin(said("Where is my parcel?"))
        assert call.outcome is None
        with watched.unused():
            call.asks("m", "e")
            call.refused_logprobs()
            call.stream()
            call.redact_answer("words")
        with watched.used_elsewhere():
            outcome = await call.afinish([Draft(text=f"The key is {KEY}")])
        assert outcome.handoff is not None

    async def actions(guard: Guard) -> None:
        with watched.used_elsewhere():
            permit = await guard.agate(refund(SMALL))
        assert isinstance(permit, Permit)
        with watched.used_elsewhere():
            await permit.asettle(Settlement.NO_EFFECT)
        with watched.used_elsewhere():
            stopped = await guard.agate(refund(BIG))
        assert isinstance(stopped, Outcome)
        assert stopped.handoff is not None
        ticket = stopped.handoff.ticket
        with watched.used_elsewhere():
            await guard.aresolve(ticket, "fay", "approve")
        with watched.used_elsewhere():
            assert await guard.aresolution(ticket) is not None
        with watched.used_elsewhere():
            assert await guard.wait(ticket, timeout_s=1) is not None
        with watched.used_elsewhere():
            async with guard.aauthorised(ticket) as action:
                assert await action.arun() == "refunded"

    asyncio.run(every_twin())


def test_a_fault_and_a_result_are_awaited_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    guard = Guard.from_policy(tmp_path / "policy.yaml", store=watched.store, clock=FrozenClock())

    async def leaks(question: str) -> str:
        return KEY

    async def both() -> None:
        with guard.context(conversation="v1"), watched.used_elsewhere():
            assert isinstance(await guard.aresult(leaks, "a key, please"), Handoff)
        with guard.context(conversation="v2"), watched.used_elsewhere():
            call = await guard.abegin(said("hello"))
            await call.afail(FaultKind.TIMEOUT)

    asyncio.run(both())
    guard.close()


def test_an_action_that_a_person_approved_runs_once_from_a_coroutine(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    guard = Guard.from_policy(
        tmp_path / "policy.yaml",
        people=tmp_path / "people.yaml",
        store=watched.store,
        clock=FrozenClock(),
    )
    done: list[int] = []

    @guard.tool
    def issue_refund(order_id: str, amount: int) -> None:
        done.append(amount)

    with guard.context(customer="c1", conversation="v1"), pytest.raises(HandoffRequired) as raised:
        issue_refund("o1", 640)
    guard.resolve(raised.value.handoff.ticket, "fay", "approve")

    async def carry_out() -> None:
        async with guard.aauthorised(raised.value.handoff.ticket) as action:
            await action.arun()

    asyncio.run(carry_out())
    assert done == [640]
    guard.close()
