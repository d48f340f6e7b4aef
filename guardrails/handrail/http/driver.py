"""The two drivers of an exchange: the same needs, answered by plain calls or by awaiting."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from handrail.errors import CheckFailed
from handrail.http.exchange import Begin, Exchange, Finish, Need, Open, Received, Reply, Sampling, Send
from handrail.http.incremental import Emit, Pull
from handrail.records import Draft, Message

SendBody = Callable[[bytes | None], Received]
AsyncSendBody = Callable[[bytes | None], Awaitable[Received]]


class Samples(Protocol):
    """What the guard wants when it asks for more answers."""

    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def count(self) -> int: ...
    @property
    def temperature(self) -> float: ...
    @property
    def instruction(self) -> str | None: ...
    @property
    def wants_logprobs(self) -> bool: ...


class GuardLike(Protocol):
    """The guard, as far as a driver needs it."""

    @property
    def policy(self) -> Any:
        """The policy in force; its `stream` says whether streams are held to their end."""

    def begin(self, messages: Sequence[Message], /) -> Any:
        """Screen the input and return the call."""

    async def abegin(self, messages: Sequence[Message], /) -> Any:
        """Screen the input and return the call, awaiting the store."""


def run(steps: Exchange, guard: GuardLike, send: SendBody, again: SendBody) -> Reply | None:
    """Run an exchange to its reply, None for the provider's own answer.

    Args:
        steps: the exchange.
        guard: decides.
        send: sends what is to be answered, and keeps the provider's answer.
        again: sends what the guard asks beside it; the answers to that are never the caller's.
    """
    try:
        need = next(steps)
        while True:
            need = steps.send(_answer(need, guard, send, again))
    except StopIteration as stop:
        reply: Reply | None = stop.value
        return reply


async def arun(steps: Exchange, guard: GuardLike, send: AsyncSendBody, again: AsyncSendBody) -> Reply | None:
    """Run an exchange to its reply, None for the provider's own answer; see `run`."""
    try:
        need = next(steps)
        while True:
            need = steps.send(await _aanswer(need, guard, send, again))
    except StopIteration as stop:
        reply: Reply | None = stop.value
        return reply


def advance(
    steps: Exchange, guard: GuardLike, meet: Callable[[Need], object], again: SendBody
) -> Emit | Reply | None:
    """Run an exchange that is released early up to the next bytes for the caller, or to its end.

    Args:
        steps: the exchange.
        guard: decides.
        meet: answers `Open`, `Pull` and `Send`.
        again: as for `run`.
    """
    try:
        need = steps.send(None)
        while not isinstance(need, Emit):
            if isinstance(need, (Open, Pull, Send)):
                need = steps.send(meet(need))
            else:
                need = steps.send(_answer(need, guard, again, again))
    except StopIteration as stop:
        reply: Reply | None = stop.value
        return reply
    return need


async def aadvance(
    steps: Exchange, guard: GuardLike, meet: Callable[[Need], Awaitable[object]], again: AsyncSendBody
) -> Emit | Reply | None:
    """Run an exchange that is released early up to the next bytes for the caller, as `advance` does."""
    try:
        need = steps.send(None)
        while not isinstance(need, Emit):
            if isinstance(need, (Open, Pull, Send)):
                met = await meet(need)
            else:
                met = await _aanswer(need, guard, again, again)
            need = steps.send(met)
    except StopIteration as stop:
        reply: Reply | None = stop.value
        return reply
    return need


def _answer(need: Need, guard: GuardLike, send: SendBody, again: SendBody) -> object:
    if isinstance(need, Begin):
        return guard.begin(need.messages)
    if isinstance(need, Send):
        return send(need.body)
    if isinstance(need, Finish):
        sampling = need.sampling

        def ask(samples: Samples) -> tuple[Draft, ...]:
            body = _sample(sampling, samples)
            return tuple(d for _ in range(samples.count) for d in sampling.read(again(body)))

        finish: Callable[..., object] = need.call.finish
        return finish(need.drafts, ask=ask, wants_json=need.wants_json)
    raise CheckFailed("driver", why="this driver holds streams to their end")


async def _aanswer(need: Need, guard: GuardLike, send: AsyncSendBody, again: AsyncSendBody) -> object:
    if isinstance(need, Begin):
        return await guard.abegin(need.messages)
    if isinstance(need, Send):
        return await send(need.body)
    if isinstance(need, Finish):
        sampling = need.sampling

        async def ask(samples: Samples) -> tuple[Draft, ...]:
            body = _sample(sampling, samples)
            answers = [sampling.read(await again(body)) for _ in range(samples.count)]
            return tuple(draft for drafts in answers for draft in drafts)

        finish: Callable[..., Awaitable[object]] = need.call.afinish
        return await finish(need.drafts, ask=ask, wants_json=need.wants_json)
    raise CheckFailed("driver", why="this driver holds streams to their end")


def _sample(sampling: Sampling, samples: Samples) -> bytes:
    return sampling.body(
        samples.messages,
        temperature=samples.temperature,
        question=samples.instruction,
        logprobs=samples.wants_logprobs,
    )
