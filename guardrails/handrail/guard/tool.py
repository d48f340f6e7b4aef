"""`@guard.tool`: functions that act, of four kinds, behind the gate where they run.

call ──► read: one frozen action, and copies of the arguments
          │
        gate ──► may not run: hand-off or block, nothing was done
          │
        runs on the copies; then it is settled how the action ended
          │
        the result is judged ──► withheld: the action is done, what it returned waits for a person
          │
        returned
"""

import functools
import inspect
import itertools
import json
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Protocol, TypedDict

from handrail.errors import CheckFailed, DigestMismatch
from handrail.guard.actions import ReadCall, ToolFunction
from handrail.guard.context import current
from handrail.guard.decorator import kind_of
from handrail.guard.outcome import Outcome
from handrail.guard.tool_gate import Permit, settlement_of
from handrail.guard.tool_results import JudgedResult
from handrail.records import Handoff, ToolCall
from handrail.text.foreign import called
from handrail.text.values import shown_in
from handrail.tickets.ports import Approval, Settlement

Function = Callable[..., Any]


class GatesActions(Protocol):
    """What a guarded tool needs of its guard, under whatever policy is in force when it is called."""

    def gate(self, call: ToolCall, /) -> Permit | Outcome:
        """Decide whether an action may run now."""

    def told(self, error: BaseException, /) -> BaseException:
        """Return an error of a function that acts as its caller may have it."""

    async def agate(self, call: ToolCall, /) -> Permit | Outcome:
        """Decide whether an action may run now, awaiting the store."""

    def judge_result(
        self, call: ToolCall, result: object, /, *, chunks: Sequence[object] = ()
    ) -> JudgedResult | Outcome:
        """Judge what an action returned."""

    async def ajudge_result(
        self, call: ToolCall, result: object, /, *, chunks: Sequence[object] = ()
    ) -> JudgedResult | Outcome:
        """Judge what an action returned, awaiting the store."""


class ToolOptions(TypedDict, total=False):
    """How a function that acts is guarded; all of it may be left out.

    `name` is the tool's in the policy, by default the function's own. `reads` declares that it changes
    nothing. `receiver` names, for a method, the attribute that tells the objects apart whose method acts;
    without it all that is in a dataclass or a pydantic model does, or what is registered for its class, and
    an object without any of these cannot be read, so that its actions go to a person. `parameters` is the
    JSON Schema of the arguments where the signature does not tell them; edits are held against it.
    `on_handoff` maps a `Handoff` to a return value in place of raising `HandoffRequired`.
    """

    name: str | None
    reads: bool | None
    receiver: str | None
    parameters: Mapping[str, object] | None
    on_handoff: Callable[[Handoff], object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDecoration:
    """A function that acts, with its guard."""

    guard: GatesActions
    function: ToolFunction
    name: str
    on_handoff: Callable[[Handoff], object] | None = None
    parameters: str = ""
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def wrapper(self) -> Function:
        """Return a function of the same kind as the one that acts."""
        kind, act = kind_of(self.function.fn), self._act

        def plain(*args: Any, **kwargs: Any) -> Any:
            failed: list[BaseException] = []
            try:
                return act(self._read(args, kwargs))
            except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
                failed.append(error)
            raise self.guard.told(failed.pop())

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            failed: list[BaseException] = []
            try:
                return await act(self._read(args, kwargs))
            except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
                failed.append(error)
            raise self.guard.told(failed.pop())

        def generator(*args: Any, **kwargs: Any) -> Any:
            failed: list[BaseException] = []
            try:
                return (yield from act(self._read(args, kwargs)))
            except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
                failed.append(error)
            raise self.guard.told(failed.pop())

        async def async_generator(*args: Any, **kwargs: Any) -> Any:
            failed: list[BaseException] = []
            try:
                async for chunk in act(self._read(args, kwargs)):
                    yield chunk
            except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
                failed.append(error)
            if failed:
                raise self.guard.told(failed.pop())

        made: dict[str, Function] = {
            "async_generator": async_generator,
            "generator": generator,
            "coroutine": coroutine,
        }
        wrapped = functools.update_wrapper(made.get(kind, plain), self.function.fn)
        wrapped.__handrail__ = self  # type: ignore[attr-defined]
        return wrapped

    def returning(self, on_handoff: Callable[[Handoff], object]) -> Function:
        """The same function with another way of handing over a hand-off."""
        return replace(self, on_handoff=on_handoff).wrapper()

    def resume(self, approval: Approval, receiver: object | None) -> Any:
        """Carry out an approved action inside its `authorised` block; the caller awaits what is async.

        Raises:
            ActionFailed: the function cannot be called with the approved arguments; nothing was done.
            DigestMismatch: the receiver is another one than the approved.
        """
        arguments: Mapping[str, Any] = json.loads(approval.arguments or "{}")
        with _refusing(self.name, DigestMismatch):
            args, kwargs = self.function.given_back(arguments, receiver, approval.ticket)
        return self._act(ReadCall(arguments=approval.arguments, unreadable=(), args=args, kwargs=kwargs))

    @property
    def _act(self) -> Callable[[ReadCall], Any]:
        kinds: dict[str, Callable[[ReadCall], Any]] = {
            "async_generator": self._async_generator,
            "generator": self._generator,
            "coroutine": self._coroutine,
        }
        return kinds.get(kind_of(self.function.fn), self._plain)

    def _read(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ReadCall:
        with _refusing(self.name, TypeError):
            return self.function.read(args, kwargs)

    def _call(self, read: ReadCall) -> ToolCall:
        authorisation = current().authorisation
        if authorisation is not None and authorisation.approval.tool == self.name:
            with _refusing(self.name, DigestMismatch):
                self.function.check_proposer(authorisation.approval.ticket)
        return ToolCall(
            id=f"{self.name}-{next(self._ids)}",
            name=self.name,
            arguments=read.arguments,
            unreadable=read.unreadable,
            parameters=self.parameters or self.function.parameters,
            shown=shown_in((read.args, read.kwargs)),
        )

    def _plain(self, read: ReadCall) -> Any:
        call = self._call(read)
        permit = self.guard.gate(call)
        if isinstance(permit, Outcome):
            return self.withheld(permit)
        if not read.is_unchanged:
            permit.settle(Settlement.NO_EFFECT)
            raise _changed()
        result: Any
        try:
            result = self.function.inner(*read.args, **read.kwargs)
        except BaseException as error:
            permit.settle(settlement_of(type(error)))
            raise
        if inspect.isawaitable(result):
            return self._awaited(permit, call, result)
        if permit.judges_result and isinstance(result, GeneratorType):
            return self._held(permit, call, result)
        if permit.judges_result and isinstance(result, AsyncGeneratorType):
            return self._held_async(permit, call, result)
        permit.settle(Settlement.DONE)
        if not permit.judges_result:
            return result
        given = self.guard.judge_result(call, result)
        return self.withheld(given) if isinstance(given, Outcome) else given.value

    async def _coroutine(self, read: ReadCall) -> Any:
        call = self._call(read)
        permit = await self.guard.agate(call)
        if isinstance(permit, Outcome):
            return self.withheld(permit)
        if not read.is_unchanged:
            await permit.asettle(Settlement.NO_EFFECT)
            raise _changed()
        return await self._awaited(permit, call, self.function.inner(*read.args, **read.kwargs))

    async def _awaited(self, permit: Permit, call: ToolCall, result: Awaitable[Any]) -> Any:
        async with permit:
            value = await result
        if not permit.judges_result:
            return value
        given = await self.guard.ajudge_result(call, value)
        return self.withheld(given) if isinstance(given, Outcome) else given.value

    def _generator(self, read: ReadCall) -> Generator[Any, Any, Any]:
        call = self._call(read)
        permit = self.guard.gate(call)
        if isinstance(permit, Outcome):
            yield self.withheld(permit)
            return None
        if not read.is_unchanged:
            permit.settle(Settlement.NO_EFFECT)
            raise _changed()
        return (yield from self._held(permit, call, self.function.inner(*read.args, **read.kwargs)))

    async def _async_generator(self, read: ReadCall) -> AsyncGenerator[Any, None]:
        call = self._call(read)
        permit = await self.guard.agate(call)
        if isinstance(permit, Outcome):
            yield self.withheld(permit)
            return
        if not read.is_unchanged:
            await permit.asettle(Settlement.NO_EFFECT)
            raise _changed()
        async for chunk in self._held_async(permit, call, self.function.inner(*read.args, **read.kwargs)):
            yield chunk

    def _held(self, permit: Permit, call: ToolCall, source: Iterator[Any]) -> Generator[Any, Any, Any]:
        chunks: list[Any] = []
        value = None
        with permit:
            if not permit.judges_result:
                return (yield from source)
            try:
                while True:
                    chunks.append(next(source))
            except StopIteration as stop:
                value = stop.value
        given = self.guard.judge_result(call, value, chunks=chunks)
        if isinstance(given, Outcome):
            yield self.withheld(given)
            return None
        for chunk in given.chunks:  # noqa: UP028 - whoever sends to a held stream must find a generator
            yield chunk
        return given.value

    async def _held_async(
        self, permit: Permit, call: ToolCall, source: AsyncIterator[Any]
    ) -> AsyncGenerator[Any, None]:
        is_held = permit.judges_result
        chunks: list[Any] = []
        async with permit:
            async for chunk in source:
                if is_held:
                    chunks.append(chunk)
                else:
                    yield chunk
        if not is_held:
            return
        given = await self.guard.ajudge_result(call, None, chunks=chunks)
        if isinstance(given, Outcome):
            yield self.withheld(given)
            return
        for chunk in given.chunks:
            yield chunk

    def withheld(self, outcome: Outcome) -> Any:
        """Map a hand-off for the caller, or raise it."""
        if outcome.handoff is not None and not outcome.handoff.joined:
            self.function.proposed(outcome.handoff.ticket)
        if outcome.handoff is not None and self.on_handoff is not None and not outcome.is_blocked:
            return called(self.on_handoff, outcome.handoff)
        outcome.raise_if_withheld()
        raise CheckFailed("gate", exchange=outcome.exchange)


def decorated(guard: GatesActions, fn: Function, name: str, options: ToolOptions) -> Function:
    """Return a function that acts behind the gate.

    Raises:
        ConfigError: a receiver is named for a function that is nobody's method.
    """
    return ToolDecoration(
        guard=guard,
        function=ToolFunction(fn=fn, receiver=options.get("receiver")),
        name=name,
        on_handoff=options.get("on_handoff"),
        parameters=json.dumps(options["parameters"]) if options.get("parameters") is not None else "",
    ).wrapper()


def tool_of(fn: Function) -> ToolDecoration | None:
    """Return the decoration of a guarded tool, None of any other function."""
    found = getattr(fn, "__handrail__", None)
    return found if isinstance(found, ToolDecoration) else None


@contextmanager
def _refusing(tool: str, kind: type[Exception]) -> Iterator[None]:
    """Note, for an approval that is being carried out, that such an error came before anything was done."""
    try:
        yield
    except kind as error:
        authorisation = current().authorisation
        if authorisation is not None and authorisation.approval.tool == tool:
            authorisation.refuse(error)
        raise


def _changed() -> CheckFailed:
    return CheckFailed("action", why="what would run is no longer what was judged")
