"""One guarded HTTP exchange, sans-IO: a generator that asks for what it needs and returns the reply.

The same steps serve the clients' transports and the gateway; a driver answers each need by a plain call or
by awaiting it.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from handrail.confidence.capabilities import blames_logprobs
from handrail.errors import CheckFailed, ConfigError
from handrail.http.endpoints import Endpoint, endpoint
from handrail.http.incremental import EarlyRelease, Emit, Pull
from handrail.records import Draft, FaultKind, Message
from handrail.wire import anthropic, chat, responses
from handrail.wire.handoff import TICKET_HEADER, error_body
from handrail.wire.provider import CallLike, OutcomeLike, Wire
from handrail.wire.shapes import HandoffShape, Json, ModelRequest, dump_object, load_object
from handrail.wire.sse import collect


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a program wants its exchanges guarded.

    Args:
        shape: `auto` answers a hand-off in the shape the request expects, `error` with status 400.
        named: resources that are let through unguarded.
        trusted: kinds of content (`image`, `file`, `audio`) that may go upstream although nothing reads them.
    """

    shape: HandoffShape = "auto"
    named: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it comes from the caller. `created` is Unix time; `is_last` tells if no retry follows.

    `releases` says that the driver can give a stream piece by piece and the policy wants that; `endpoint` is
    where it goes, for what is remembered of models there.
    """

    method: str
    path: str
    body: bytes
    created: int
    is_last: Callable[[], bool] = bool
    releases: bool = False
    endpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What the provider answered; `body` is decoded. A failure to answer is a `fault` instead."""

    status: int = 0
    body: bytes = b""
    fault: FaultKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the caller gets in place of the provider's answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Screen these messages. Answer: the call."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send this body upstream, None for the caller's own bytes. Answer: `Received`."""

    body: bytes | None


WIRES: Mapping[Endpoint, Wire] = {
    Endpoint.CHAT: chat,
    Endpoint.RESPONSES: responses,
    Endpoint.MESSAGES: anthropic,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to ask the model again: a request body for some messages, and how its answer is read."""

    wire: Wire
    request: Json

    def body(
        self, messages: Sequence[Message], *, temperature: float, question: str | None, logprobs: bool
    ) -> bytes:
        """Return the body to send."""
        return dump_object(
            self.wire.write_sample(
                self.request, messages, temperature=temperature, question=question, logprobs=logprobs
            )
        )

    def read(self, received: Received) -> tuple[Draft, ...]:
        """Return the drafts of an answer, none if it failed."""
        if not 200 <= received.status < 300:
            return ()
        body = load_object(received.body)
        return self.wire.read_response(body) if body is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Judge these drafts. Answer: the outcome."""

    call: CallLike
    drafts: tuple[Draft, ...]
    wants_json: bool
    sampling: Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Send this body upstream and leave its answer unread. Answer: `Received`, with a body if it failed."""

    body: bytes | None


Need: TypeAlias = Begin | Send | Finish | Open | Pull | Emit
Exchange: TypeAlias = Generator[Need, Any, Reply | None]


def exchange(incoming: Incoming, settings: Settings) -> Exchange:
    """Guard one request. Its steps return the reply, None to give the provider's own answer as it came.

    Raises:
        ConfigError: the endpoint is not known and not named, or asks for something that cannot be guarded.
        CheckFailed: the request or the answer could not be read.
    """
    about = endpoint(incoming.method, incoming.path, named=settings.named)
    if about is Endpoint.OPEN:
        return _let_through()
    if about is Endpoint.UNKNOWN:
        raise ConfigError("this endpoint is not guarded; name it to let it through unguarded")
    body = load_object(incoming.body)
    if body is None:
        raise CheckFailed("read request", why="not a JSON object")
    return _Guarded(WIRES[about], incoming, settings, body).steps()


def _let_through() -> Exchange:
    yield Send(body=None)
    return None


class _Guarded:
    """One exchange with a model."""

    def __init__(self, wire: Wire, incoming: Incoming, settings: Settings, body: Json) -> None:
        self._wire, self._incoming, self._settings, self._body = wire, incoming, settings, body
        self._asked: ModelRequest = wire.read_request(body)

    def steps(self) -> Exchange:
        messages = self._asked.messages
        if self._settings.trusted:
            messages = tuple(_trusting(message, self._settings.trusted) for message in messages)
        call: CallLike = yield Begin(messages=messages)
        if call.outcome is not None:
            return self._withheld(call.outcome, None)
        call.asks(self._asked.model or "", self._incoming.endpoint)
        if self._asked.stream and self._incoming.releases and self._wire is WIRES[Endpoint.CHAT]:
            return (yield from self._released_early(call, messages))
        received: Received = yield Send(body=self._outgoing(call, messages))
        if self._blames_logprobs(call, received):
            call.refused_logprobs()
            received = yield Send(body=self._outgoing(call, messages))
        if received.fault is not None or not 200 <= received.status < 300:
            return (yield from self._failed(call, received))
        if self._asked.stream:
            return (yield from self._streamed(call, received))
        answer = load_object(received.body)
        drafts = self._wire.read_response(answer or {})
        outcome: OutcomeLike = yield self._finish(call, drafts)
        if not outcome.is_released:
            return self._withheld(outcome, answer)
        _must_be_readable(call, drafts)
        assert answer is not None
        if outcome.drafts == drafts and self._keeps(call):
            return None
        released = self._wire.write_drafts(answer, outcome.drafts, keep_logprobs=self._keeps(call))
        return None if released is answer else Reply(status=received.status, body=dump_object(released))

    def _outgoing(self, call: CallLike, messages: tuple[Message, ...]) -> bytes | None:
        if call.messages == messages and call.instruction is None and not call.wants_logprobs:
            return None
        sent = self._wire.write_request(
            self._body, call.messages, logprobs=call.wants_logprobs, instruction=call.instruction
        )
        return None if sent is self._body else dump_object(sent)

    def _streamed(self, call: CallLike, received: Received) -> Exchange:
        stream = self._wire.Stream()
        is_closed = collect(stream, received.body)
        drafts = stream.drafts()
        outcome: OutcomeLike = yield self._finish(call, drafts)
        if not outcome.is_released:
            return self._withheld(outcome, stream.whole)
        _must_be_readable(call, drafts)
        if outcome.drafts == drafts and self._keeps(call):
            return None
        released = stream.released(outcome.drafts, keep_logprobs=self._keeps(call))
        if released is None:
            return None
        events = self._wire.write_events(released, is_closed=is_closed)
        return Reply(status=received.status, body=events, media_type="text/event-stream")

    def _released_early(self, call: CallLike, messages: tuple[Message, ...]) -> Exchange:
        received: Received = yield Open(body=self._outgoing(call, messages))
        if self._blames_logprobs(call, received):
            call.refused_logprobs()
            received = yield Open(body=self._outgoing(call, messages))
        if received.fault is not None or not 200 <= received.status < 300:
            return (yield from self._failed(call, received))
        early = EarlyRelease(call.stream, strips_logprobs=not self._keeps(call))
        yield from early.steps()
        drafts = early.stream.drafts()
        outcome: OutcomeLike = yield self._finish(call, drafts)
        if not outcome.is_released:
            body = self._wire.write_handoff(
                self._body,
                outcome.handoff,
                outcome.notice,
                created=self._incoming.created,
                upstream=early.stream.whole,
            )
            yield Emit(data=early.rest_instead(body))
            return None
        _must_be_readable(call, drafts)
        same = all(after == before for after, before in zip(outcome.drafts, drafts, strict=True))
        rest = early.rest() if same else early.rest_of(outcome.drafts, keep_logprobs=self._keeps(call))
        yield Emit(data=rest)
        return None

    def _failed(self, call: CallLike, received: Received) -> Exchange:
        """Leave a failure to the client, whose retries go through here again; the last one is judged."""
        fault = received.fault or (FaultKind.TIMEOUT if received.status in (408, 504) else FaultKind.ERROR)
        passing = received.fault is not None or received.status in (408, 409, 429) or received.status >= 500
        if not (passing and self._incoming.is_last()):
            return None
        outcome: OutcomeLike = yield self._finish(call, (Draft(fault=fault),))
        return None if outcome.is_released else self._withheld(outcome, None)

    def _blames_logprobs(self, call: CallLike, received: Received) -> bool:
        """True when only what was asked for beside the caller's request made it fail."""
        asked = call.wants_logprobs and not self._asked.wants_logprobs
        return asked and blames_logprobs(received.status, received.body.decode("utf-8", "replace"))

    def _keeps(self, call: CallLike) -> bool:
        return self._asked.wants_logprobs or not call.wants_logprobs

    def _finish(self, call: CallLike, drafts: tuple[Draft, ...]) -> Finish:
        sampling = Sampling(wire=self._wire, request=self._body)
        return Finish(call=call, drafts=drafts, wants_json=self._asked.wants_json, sampling=sampling)

    def _withheld(self, outcome: OutcomeLike, upstream: Json | None) -> Reply:
        handoff = outcome.handoff
        headers = {TICKET_HEADER: handoff.ticket} if handoff else {}
        if self._settings.shape == "error":
            code = "handed_off" if handoff else "blocked"
            refused = error_body(outcome.notice, code=code, handoff=handoff)
            return Reply(
                status=400, body=dump_object(refused), headers={**headers, "x-should-retry": "false"}
            )
        body = self._wire.write_handoff(
            self._body, handoff, outcome.notice, created=self._incoming.created, upstream=upstream
        )
        if not self._asked.stream:
            return Reply(status=200, body=dump_object(body), headers=headers)
        events = self._wire.write_events(self._wire.stream_of(body))
        return Reply(status=200, body=events, headers=headers, media_type="text/event-stream")


def _must_be_readable(call: CallLike, drafts: Sequence[Draft]) -> None:
    # A policy without a word on faults lets them pass; what nothing could read still must not.
    if any(draft.fault is FaultKind.UNREADABLE for draft in drafts):
        raise CheckFailed("read answer", exchange=call.exchange, why="not in the shape it should have")


def _trusting(message: Message, trusted: Sequence[str]) -> Message:
    unreadable = tuple(kind for kind in message.unreadable if kind not in trusted)
    return message if unreadable == message.unreadable else replace(message, unreadable=unreadable)
