"""Code of the caller's that raises anything at all: unknown, or a typed error, sync and async alike."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from handrail import Guard
from handrail.errors import StoreUnavailable
from handrail.guard.outcome import Outcome
from handrail.records import ToolCall
from handrail.scan import Scanner, ScanSpec
from handrail.store import Spool, open_store
from handrail.store.crypto.keys import KeyRing
from support.shop_guard import KEY, shop_guard
from support.stores import NOW, RING, new_ticket


class Ends(BaseException):
    """An error that is no `Exception`."""


RAISED = [
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    Ends,
    KeyError,
    RecursionError,
]
BOTH = pytest.mark.parametrize("is_async", [False, True])


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    with shop_guard(tmp_path) as found:
        yield found


def gated(guard: Guard, is_async: bool) -> Any:
    call = ToolCall(id="k1", name="issue_refund", arguments='{"amount": "40 USD", "note": "a long text"}')
    return asyncio.run(asyncio.wait_for(guard.agate(call), 20)) if is_async else guard.gate(call)


def throwing(kind: type[BaseException]) -> Any:
    def thrown(*_: object) -> Any:
        raise kind("said")

    return thrown


class Analyzer:
    """An analyzer of the caller's that raises whatever it is told to."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind

    def analyze(self, text: str) -> Any:
        raise self.kind("said")


@BOTH
@pytest.mark.parametrize("kind", RAISED)
def test_whatever_an_analyzer_raises_the_call_is_unsure(
    guard: Guard, kind: type[BaseException], is_async: bool
) -> None:
    scanner = Scanner(ScanSpec(analyzers=(Analyzer(kind),)))
    watched = Guard(guard.policy, store=guard.store, spool=Spool.beside("sqlite://"), scanner=scanner)
    passed = gated(watched, is_async)
    assert isinstance(passed, Outcome)
    assert passed.handoff is not None
    assert passed.handoff.role == "queue_manager"


SHELLS = ("function", "coroutine", "generator", "async generator")


def shell(guard: Guard, name: str, on_handoff: Any, *, acts: bool) -> Any:
    """A guarded function of one kind, called with what is handed off."""

    def plain(amount: str) -> str:
        return KEY

    async def coroutine(amount: str) -> str:
        return KEY

    def generator(amount: str) -> Iterator[str]:
        yield KEY

    async def asynchronous(amount: str) -> AsyncIterator[str]:
        yield KEY

    fn = dict(zip(SHELLS, (plain, coroutine, generator, asynchronous), strict=True))[name]
    wrap = guard.tool(name="issue_refund", on_handoff=on_handoff) if acts else guard(on_handoff=on_handoff)
    guarded: Any = wrap(fn)  # type: ignore[type-var]
    words = "640 USD"

    async def awaited() -> Any:
        if name == "coroutine":
            return await guarded(amount=words)
        return [chunk async for chunk in guarded(amount=words)]

    if name in ("coroutine", "async generator"):
        return asyncio.run(asyncio.wait_for(awaited(), 20))
    found = guarded(amount=words)
    return found if name == "function" else list(found)


@pytest.mark.parametrize("acts", [True, False], ids=["tool", "answer"])
@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("kind", RAISED)
def test_what_a_callback_raises_ends_no_task_and_no_generator(
    guard: Guard, kind: type[BaseException], name: str, acts: bool
) -> None:
    with pytest.raises(Exception) as raised:
        shell(guard, name, throwing(kind), acts=acts)
    if issubclass(kind, KeyError | RecursionError):
        assert type(raised.value) is kind
    else:
        assert type(raised.value) is RuntimeError
        assert kind.__name__ in str(raised.value)


class Provider:
    """A key provider that gives its ring a number of times and fails then."""

    def __init__(self, kind: type[BaseException], good: int = 0) -> None:
        self.kind, self.good = kind, good

    def ring(self) -> KeyRing:
        if self.good:
            self.good -= 1
            return RING
        raise self.kind("said")


@pytest.mark.parametrize("kind", RAISED)
def test_whatever_a_key_provider_raises_is_a_store_out_of_reach(
    tmp_path: Path, kind: type[BaseException]
) -> None:
    url = f"sqlite:///{tmp_path}/handrail.db"
    with pytest.raises(StoreUnavailable, match=f"key provider failed with {kind.__name__}"):
        open_store(url, allow_volatile=True, key_provider=Provider(kind))
    store = open_store(url, allow_volatile=True, key_provider=Provider(kind, good=9))
    store._sealer.provider.good = 0  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable):
        store.rotate(by="admin", now=NOW)
    with pytest.raises(StoreUnavailable):
        Spool(tmp_path / "spool", Provider(kind)).put(new_ticket())
    store.close()
