"""The decorator: functions of four kinds, guarded alike."""

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

from handrail.confidence.cascade import SampleRequest
from handrail.errors import CheckFailed
from handrail.guard.arguments import Arguments, CannotMask, Reads, read_arguments
from handrail.guard.call import Call
from handrail.guard.context import through
from handrail.guard.outcome import Outcome
from handrail.guard.results import Results, draft_of
from handrail.pipeline.together import Joint
from handrail.records import Draft, FaultKind, Handoff, Message
from handrail.text.foreign import called


class BeginsCalls(Protocol):
    """What a decorated function needs of its guard, under whatever policy is in force when it is called."""

    def begin(self, messages: Sequence[Message], /, *, joint: Joint) -> Call:
        """Screen what would go to a model."""

    async def abegin(self, messages: Sequence[Message], /, *, joint: Joint) -> Call:
        """Screen what would go to a model, awaiting the store."""


Function = Callable[..., Any]
Failures = list[BaseException]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one function is guarded; see `Guard.__call__`."""

    input: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    on_handoff: Callable[[Handoff], object] | None = None
    resample: bool = False
    asks_itself: bool = False
    faults: tuple[type[Exception], ...] = (OSError,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoration:
    """A function with its guard: reads its arguments, runs it, and lets its result through or not."""

    guard: BeginsCalls
    fn: Function
    options: Options
    reads: Reads = field(init=False)
    plain: tuple[str, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        options = self.options
        signature = inspect.signature(self.fn)
        reads = Reads(signature=signature, wanted=options.input, opaque=frozenset(options.opaque))
        if not any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values()):
            reads.names(signature.parameters)
        object.__setattr__(self, "reads", reads)
        object.__setattr__(self, "plain", reads.plain)

    def wrapper(self) -> Function:
        """Return a function of the same kind as the one that is guarded."""
        run: Function = {"async_generator": self._async_generator, "generator": self._generator}.get(
            kind_of(self.fn), self._coroutine if kind_of(self.fn) == "coroutine" else self._plain
        )
        wrapped = functools.update_wrapper(run, self.fn)
        wrapped.__handrail__ = self  # type: ignore[attr-defined]
        return wrapped

    @property
    def _plain(self) -> Function:
        def plain(*args: Any, **kwargs: Any) -> Any:
            arguments = self._read(args, kwargs)
            with through("decorator"):
                call = self.guard.begin(arguments.messages, joint=arguments.joint)
            if call.outcome is not None:
                return self.withheld(call.outcome)
            try:
                args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            except CannotMask as error:
                return self.withheld(call.finish([_unmasked(error)]))
            failed: Failures | None = None
            try:
                result = self.fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
                failed = [error]
            if failed is not None:
                return self._failed(call, failed)
            if type(result) is not str:
                if inspect.isawaitable(result):
                    return self._awaited(call, result)
                if isinstance(result, AsyncIterator):
                    return self._held_async(call, result)
                if isinstance(result, Iterator):
                    return self._held(call, cast("Generator[Any, Any, Any]", result))

            def ask(need: SampleRequest) -> Sequence[Draft]:
                return [draft_of(self.fn(*args, **kwargs)) for _ in range(need.count)]

            again = ask if self.options.resample else None
            if type(result) is str:
                return self._text(call, call.finish([Draft(text=result)], ask=again), result)
            given = Results([result])
            outcome = call.finish([given.draft()], ask=again, write=given.write)
            return given.values[0] if outcome.is_released else self.withheld(outcome)

        return plain

    @property
    def _coroutine(self) -> Function:
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            arguments = self._read(args, kwargs)
            with through("decorator"):
                call = await self.guard.abegin(arguments.messages, joint=arguments.joint)
            if call.outcome is not None:
                return self.withheld(call.outcome)
            try:
                args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            except CannotMask as error:
                return self.withheld(await call.afinish([_unmasked(error)]))

            async def ask(need: SampleRequest) -> Sequence[Draft]:
                return [draft_of(await self.fn(*args, **kwargs)) for _ in range(need.count)]

            return await self._awaited(call, self.fn(*args, **kwargs), ask if self.options.resample else None)

        return coroutine

    @property
    def _generator(self) -> Function:
        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            arguments = self._read(args, kwargs)
            with through("decorator"):
                call = self.guard.begin(arguments.messages, joint=arguments.joint)
            if call.outcome is not None:
                yield self.withheld(call.outcome)
                return None
            try:
                args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            except CannotMask as error:
                yield self.withheld(call.finish([_unmasked(error)]))
                return None
            return (yield from self._held(call, self.fn(*args, **kwargs)))

        return generator

    @property
    def _async_generator(self) -> Function:
        async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            arguments = self._read(args, kwargs)
            with through("decorator"):
                call = await self.guard.abegin(arguments.messages, joint=arguments.joint)
            if call.outcome is not None:
                yield self.withheld(call.outcome)
                return
            try:
                args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            except CannotMask as error:
                yield self.withheld(await call.afinish([_unmasked(error)]))
                return
            async for chunk in self._held_async(call, self.fn(*args, **kwargs)):
                yield chunk

        return generator

    async def _awaited(self, call: Call, result: Awaitable[Any], ask: Any = None) -> Any:
        failed: Failures = []
        try:
            value = await result
        except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
            failed.append(error)
        if failed:
            return await self._afailed(call, failed)
        given = Results([value])
        outcome = await call.afinish([given.draft()], ask=ask, write=given.write)
        return given.values[0] if outcome.is_released else self.withheld(outcome)

    def _held(self, call: Call, source: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        chunks: list[Any] = []
        failed: Failures = []
        value = None
        try:
            while True:
                chunks.append(next(source))
        except StopIteration as stop:
            value = stop.value
        except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
            failed.append(error)
        finally:
            if hasattr(source, "close"):
                source.close()
        if failed:
            chunks.clear()
            yield self._failed(call, failed)
            return None
        given = Results([*chunks, value], chunks=len(chunks))
        outcome = call.finish([given.draft()], write=given.write)
        if not outcome.is_released:
            yield self.withheld(outcome)
            return None
        *chunks, value = given.values
        for chunk in chunks:  # noqa: UP028 - whoever sends to a held stream must find a generator
            yield chunk
        return value

    async def _held_async(self, call: Call, source: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        chunks: list[Any] = []
        failed: Failures = []
        try:
            chunks += [chunk async for chunk in source]
        except BaseException as error:  # noqa: BLE001 - whatever it is, its text is judged
            failed.append(error)
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()
        if failed:
            chunks.clear()
            yield await self._afailed(call, failed)
            return
        given = Results(chunks, chunks=len(chunks))
        outcome = await call.afinish([given.draft()], write=given.write)
        if not outcome.is_released:
            yield self.withheld(outcome)
            return
        for chunk in given.values:
            yield chunk

    def _failed(self, call: Call, failed: Failures) -> Any:
        """Return what stands for a model that could not be asked, else raise the error as it may be told.

        It is handed over in a list, so that no frame of a traceback still holds what was withheld.
        """
        fault = fault_of(failed[0]) if isinstance(failed[0], self.options.faults) else None
        told = call.told(failed.pop())
        if fault is not None:
            outcome = call.fail(fault)
            if not outcome.is_released:
                return self.withheld(outcome)
        raise told

    async def _afailed(self, call: Call, failed: Failures) -> Any:
        fault = fault_of(failed[0]) if isinstance(failed[0], self.options.faults) else None
        told = call.told(failed.pop())
        if fault is not None:
            outcome = await call.afail(fault)
            if not outcome.is_released:
                return self.withheld(outcome)
        raise told

    def _text(self, call: Call, outcome: Outcome, text: str) -> Any:
        """Return a text, the most usual result, which can always be written."""
        if not outcome.is_released:
            return self.withheld(outcome)
        is_same = not (call.is_rewritten or self.options.asks_itself)
        return text if is_same else call.redact_answer(text)

    def withheld(self, outcome: Outcome) -> Any:
        """Map a hand-off for the caller, or raise it."""
        if outcome.handoff is not None and self.options.on_handoff is not None and not outcome.is_blocked:
            return called(self.options.on_handoff, outcome.handoff)
        outcome.raise_if_withheld()
        raise CheckFailed("outcome", exchange=outcome.exchange)

    def returning(self, on_handoff: Callable[[Handoff], object]) -> Function:
        """The same function with another way of handing over a hand-off."""
        return replace(self, options=replace(self.options, on_handoff=on_handoff)).wrapper()

    def _read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return read_arguments(self.reads, self.plain, args, kwargs)


def decoration_of(fn: Function) -> Decoration | None:
    """Return the decoration of a guarded function, None of any other."""
    found = getattr(fn, "__handrail__", None)
    return found if isinstance(found, Decoration) else None


def _unmasked(error: CannotMask) -> Draft:
    """Stand for the answer of a model that is not asked, because something cannot be kept from it."""
    return Draft(unreadable=(str(error),))


def fault_of(error: BaseException) -> FaultKind:
    """Name a failed model call."""
    return FaultKind.TIMEOUT if isinstance(error, TimeoutError) else FaultKind.ERROR


def kind_of(fn: Function) -> str:
    """Tell how a function is called: `plain`, `coroutine`, `generator` or `async_generator`."""
    inner: Any = fn
    while isinstance(inner, functools.partial):
        inner = inner.func
    if not inspect.isroutine(inner):
        inner = type(inner).__call__
    if inspect.isasyncgenfunction(inner):
        return "async_generator"
    if inspect.isgeneratorfunction(inner):
        return "generator"
    return "coroutine" if inspect.iscoroutinefunction(inner) else "plain"
