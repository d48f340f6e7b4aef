"""The decorator: four kinds of function, one guarded way."""

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from handrail.errors import CheckFailed, ConfigError
from handrail.guard.call import Call
from handrail.guard.outcome import Outcome
from handrail.guard.texts import (
    TELLING,
    CannotRewrite,
    draft_of,
    draft_of_chunks,
    leaves,
    messages_of,
    rewritten,
)
from handrail.pipeline import NOTE_NAME, NeedSamples
from handrail.records import Draft, FaultKind, Handoff, Message, Speaker

if TYPE_CHECKING:
    from handrail.guard.guard import Guard


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ONLY_TEXT = {str}


class Arguments:
    """The arguments of one call.

    Args:
        signature: of the function.
        args: its positional arguments.
        kwargs: its keyword arguments.
        messages: every text inside those that are read.
        read: all arguments by name, and which are read; None if all are texts, given by position.
    """

    __slots__ = ("_args", "_kwargs", "_read", "_signature", "messages")

    def __init__(
        self,
        signature: inspect.Signature,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        messages: tuple[Message, ...],
        read: tuple[inspect.BoundArguments, tuple[str, ...]] | None = None,
    ) -> None:
        self._signature, self._args, self._kwargs = signature, args, kwargs
        self.messages, self._read = messages, read

    def rebuilt(self, call: Call, *, asks_itself: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as the model may see them.

        Args:
            call: the call whose input was screened.
            asks_itself: the function puts a self-check to the model, so that its text goes with the last one.

        Raises:
            CheckFailed: something is withheld inside an argument that cannot be rebuilt.
        """
        if self._read is None and not asks_itself and call.messages == self.messages:
            return self._args, self._kwargs
        bound, names = self._read or _whole(self._signature, self._args, self._kwargs)
        read = {name: bound.arguments[name] for name in names}
        notes = [message.text for message in call.messages if message.name == NOTE_NAME]
        texts = [message.text for message in call.messages if message.name != NOTE_NAME]
        if notes and texts:
            texts[0] = "\n\n".join([*notes, texts[0]])
        if asks_itself and call.instruction and texts:
            texts[-1] = f"{texts[-1]}\n\n{call.instruction}"
        # Read anew, because a list or an object may have changed since it was screened.
        if texts == [message.text for message in messages_of(read)]:
            return bound.args, bound.kwargs
        try:
            changed = rewritten(read, iter(texts))
        except CannotRewrite as error:
            raise CheckFailed("redaction", exchange=call.exchange, why=f"cannot rewrite {error}") from None
        bound.arguments.update(cast("dict[str, Any]", changed))
        return bound.args, bound.kwargs


def _whole(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[inspect.BoundArguments, tuple[str, ...]]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound, tuple(bound.arguments)


def texts_of(signature: inspect.Signature) -> tuple[str, ...] | None:
    """Return the parameters if all can be given by position and none tells who says the others, else None."""
    parameters = signature.parameters
    is_plain = (
        all(one.kind in _BY_POSITION for one in parameters.values()) and not parameters.keys() & TELLING
    )
    return tuple(parameters) if is_plain else None


def read_arguments(
    signature: inspect.Signature,
    plain: tuple[str, ...] | None,
    wanted: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Arguments:
    """Read the arguments of one call.

    Args:
        signature: of the function.
        plain: what `texts_of` says of it; None if only some arguments are read.
        wanted: the arguments to read, none for all.
        args: positional arguments.
        kwargs: keyword arguments.

    Raises:
        ConfigError: `wanted` names an argument that the function does not take.
        TypeError: the function cannot be called with these arguments.
    """
    if plain is not None and not kwargs and len(args) == len(plain) and {*map(type, args)} <= _ONLY_TEXT:
        # The most usual call, read without binding.
        messages = tuple([Message(speaker=Speaker.USER, text=text) for text in args])
        return Arguments(signature, args, kwargs, messages)
    bound, names = _whole(signature, args, kwargs)
    names = wanted or names
    unknown = [name for name in names if name not in bound.arguments]
    if unknown:
        raise ConfigError(f"input= names {', '.join(unknown)}, which this function does not take")
    messages = messages_of({name: bound.arguments[name] for name in names})
    return Arguments(signature, args, kwargs, messages, (bound, names))


Function = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one function is guarded; see `Guard.__call__`."""

    input: tuple[str, ...] = ()
    on_handoff: Callable[[Handoff], object] | None = None
    resample: bool = False
    asks_itself: bool = False
    faults: tuple[type[Exception], ...] = (OSError,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoration:
    """A function with its guard: reads its arguments, runs it, and lets its result through or not."""

    guard: "Guard"
    fn: Function
    options: Options
    signature: inspect.Signature = field(init=False)
    simple: tuple[str, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        signature = inspect.signature(self.fn)
        object.__setattr__(self, "signature", signature)
        object.__setattr__(self, "simple", texts_of(signature) if not self.options.input else None)

    def wrapper(self) -> Function:
        """Return a function of the same kind as the one that is guarded."""
        run: Function = {"async_generator": self._async_generator, "generator": self._generator}.get(
            _kind(self.fn), self._coroutine if _kind(self.fn) == "coroutine" else self._plain
        )
        wrapped = functools.update_wrapper(run, self.fn)
        wrapped.__handrail__ = self  # type: ignore[attr-defined]
        return wrapped

    @property
    def _plain(self) -> Function:
        def plain(*args: Any, **kwargs: Any) -> Any:
            arguments = self._read(args, kwargs)
            call = self.guard.begin(arguments.messages)
            if call.outcome is not None:
                return self.withheld(call.outcome)
            args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            try:
                result = self.fn(*args, **kwargs)
            except self.options.faults as error:
                outcome = call.fail(fault_of(error))
                if outcome.is_released:
                    raise
                return self.withheld(outcome)
            if type(result) is not str:
                if inspect.isawaitable(result):
                    return self._awaited(call, result)
                if isinstance(result, AsyncIterator):
                    return self._held_async(call, result)
                if isinstance(result, Iterator):
                    return self._held(call, cast("Generator[Any, Any, Any]", result))

            def ask(need: NeedSamples) -> Sequence[Draft]:
                return [draft_of(self.fn(*args, **kwargs)) for _ in range(need.count)]

            outcome = call.finish([draft_of(result)], ask=ask if self.options.resample else None)
            if outcome.is_released and not (call.is_rewritten or self.options.asks_itself):
                return result
            return self._given(call, outcome, result)

        return plain

    @property
    def _coroutine(self) -> Function:
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            arguments = self._read(args, kwargs)
            call = await self.guard.abegin(arguments.messages)
            if call.outcome is not None:
                return self.withheld(call.outcome)
            args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)

            async def ask(need: NeedSamples) -> Sequence[Draft]:
                return [draft_of(await self.fn(*args, **kwargs)) for _ in range(need.count)]

            return await self._awaited(call, self.fn(*args, **kwargs), ask if self.options.resample else None)

        return coroutine

    @property
    def _generator(self) -> Function:
        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            arguments = self._read(args, kwargs)
            call = self.guard.begin(arguments.messages)
            if call.outcome is not None:
                yield self.withheld(call.outcome)
                return None
            args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            return (yield from self._held(call, self.fn(*args, **kwargs)))

        return generator

    @property
    def _async_generator(self) -> Function:
        async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            arguments = self._read(args, kwargs)
            call = await self.guard.abegin(arguments.messages)
            if call.outcome is not None:
                yield self.withheld(call.outcome)
                return
            args, kwargs = arguments.rebuilt(call, asks_itself=self.options.asks_itself)
            async for chunk in self._held_async(call, self.fn(*args, **kwargs)):
                yield chunk

        return generator

    async def _awaited(self, call: Call, result: Awaitable[Any], ask: Any = None) -> Any:
        try:
            value = await result
        except self.options.faults as error:
            outcome = await call.afail(fault_of(error))
            if outcome.is_released:
                raise
            return self.withheld(outcome)
        return self._given(call, await call.afinish([draft_of(value)], ask=ask), value)

    def _held(self, call: Call, source: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        chunks: list[Any] = []
        value = None
        try:
            while True:
                chunks.append(next(source))
        except StopIteration as stop:
            value = stop.value
        except self.options.faults as error:
            outcome = call.fail(fault_of(error))
            if outcome.is_released:
                raise
            yield self.withheld(outcome)
            return None
        finally:
            if hasattr(source, "close"):
                source.close()
        yield from self._chunks(call, call.finish([draft_of_chunks(chunks, value)]), chunks)
        return value

    async def _held_async(self, call: Call, source: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        chunks: list[Any] = []
        try:
            chunks += [chunk async for chunk in source]
        except self.options.faults as error:
            outcome = await call.afail(fault_of(error))
            if outcome.is_released:
                raise
            yield self.withheld(outcome)
            return
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()
        for chunk in self._chunks(call, await call.afinish([draft_of_chunks(chunks)]), chunks):
            yield chunk

    def _chunks(self, call: Call, outcome: Outcome, chunks: list[Any]) -> list[Any]:
        if not outcome.is_released:
            return [self.withheld(outcome)]
        if not call.is_rewritten:
            return chunks
        if all(isinstance(chunk, str) for chunk in chunks):
            return [call.redacted("".join(chunks))]
        return [self._given(call, outcome, chunk) for chunk in chunks]

    def _given(self, call: Call, outcome: Outcome, result: Any) -> Any:
        if not outcome.is_released:
            return self.withheld(outcome)
        if not call.is_rewritten and not self.options.asks_itself:
            return result
        try:
            return rewritten(result, (call.redacted(leaf.text) for leaf in leaves(result)))
        except CannotRewrite as error:
            raise CheckFailed("redaction", exchange=call.exchange, why=f"cannot rewrite {error}") from None

    def withheld(self, outcome: Outcome) -> Any:
        """Map a hand-off for the caller, or raise it."""
        if outcome.handoff is not None and self.options.on_handoff is not None and not outcome.is_blocked:
            return self.options.on_handoff(outcome.handoff)
        outcome.raise_if_withheld()
        raise CheckFailed("outcome", exchange=outcome.exchange)

    def returning(self, on_handoff: Callable[[Handoff], object]) -> Function:
        """The same function with another way of handing over a hand-off."""
        return replace(self, options=replace(self.options, on_handoff=on_handoff)).wrapper()

    def _read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return read_arguments(self.signature, self.simple, self.options.input, args, kwargs)


def options_of(*, input: str | Sequence[str] = (), **rest: Any) -> Options:  # noqa: A002 - the public word
    """Read the options of `@guard`.

    Raises:
        ConfigError: there is no such option.
    """
    names = (input,) if isinstance(input, str) else tuple(input)
    try:
        return Options(input=names, **rest)
    except TypeError as error:
        raise ConfigError(f"unknown option of @guard: {error}") from None


def decoration_of(fn: Function) -> Decoration | None:
    """Return the decoration of a guarded function, None of any other."""
    found = getattr(fn, "__handrail__", None)
    return found if isinstance(found, Decoration) else None


def fault_of(error: Exception) -> FaultKind:
    """Name a failed model call."""
    return FaultKind.TIMEOUT if isinstance(error, TimeoutError) else FaultKind.ERROR


def _kind(fn: Function) -> str:
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
