"""One guarded HTTP exchange with a model: the steps between a caller's request and what the caller gets.

The steps are a generator without input or output. It yields what it needs and is sent the answer:

    Screen(messages)   may this go to the model?             → the `Call`; its outcome is set if it may not
    Send(body)         ask the provider.                     → the `UpstreamResponse`
    Judge(drafts)      may the caller have this answer?      → the `Outcome`

and it returns a `Reply`. `http/driver.py` answers the needs, by plain calls or by awaiting; a transport
(`http/transports.py`) or the gateway only sends. So sync and async, client and gateway take the same steps.

An exchange goes through them in this order:

1. `endpoint` says what the address carries. A request to an open one goes upstream as it is; one to an
   unknown address, a malformed one and one beyond the bounds are refused before anything is sent.
2. The request's messages are screened. A query that says more than a version is unreadable. If that already
   decides, the provider never hears of the request.
3. The provider is asked with `call.messages` in place of the caller's, and with the caller's own bytes where
   nothing has changed. If it refuses only because log-probabilities were asked for beside the caller's
   request, it is asked once more without them.
4. A failure is the client's to retry, and each retry comes through here as a request of its own. The last one
   is judged, because a policy may hand off on faults. Of a failure's words the caller sees those of an error
   only: an answer under a failing status and the body of a redirect are not given. Where a redirect leads is
   a request of its own here, and must be another guarded address.
5. The answer is read into drafts and judged; one beyond the bounds is unreadable. A stream is collected to
   its end first; with `stream: release` in the policy `http/incremental.py` gives it in pieces, and the
   whole is judged at the end.
6. Released and unchanged: the caller gets the provider's response byte for byte. Released and changed: the
   same answer rewritten. Withheld: the notice, in the shape that the request expects.

This holds on every path. No byte of an answer reaches the caller before it was judged, or before the release
let it go. Nothing but screened messages goes upstream, in retries and samples too. What could not be read
is handed to `if_unsure`, even if the policy has no rule on faults. `tests/contract/test_bypass_openai.py`,
`test_bypass_anthropic.py` and `test_bypass_gateway.py` try that through every entry point of the clients.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from handrail.confidence.capabilities import blames_logprobs
from handrail.errors import ConfigError
from handrail.http.bounds import Bounds
from handrail.http.endpoints import Endpoint, endpoint
from handrail.http.failures import at_most, beyond_bounds, instead_of_failure, must_be_readable
from handrail.http.handed_off import remember
from handrail.http.incremental import IncrementalRelease
from handrail.http.needs import Judge, Need, Sampling, Screen, Send, UpstreamResponse
from handrail.http.trust import screened_messages
from handrail.records import Draft, FaultKind, Message
from handrail.wire import anthropic, chat, responses
from handrail.wire.foreign_json import Json, dump_object, load_object
from handrail.wire.formats import ModelRequest, WireFormat
from handrail.wire.handoff import TICKET_HEADER, error_body
from handrail.wire.sse import collect
from handrail.wire.tools import schemas_of, with_schemas

if TYPE_CHECKING:
    from handrail.guard import Call, Outcome

HandoffShape: TypeAlias = Literal["auto", "error"]

FORMATS: Mapping[Endpoint, WireFormat] = {
    Endpoint.CHAT: chat,
    Endpoint.RESPONSES: responses,
    Endpoint.MESSAGES: anthropic,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """How a program wants its exchanges guarded.

    Args:
        shape: `auto` answers a hand-off in the shape the request expects, `error` with status 400.
        named: resources that are let through unguarded.
        trusted: kinds of content (`image`, `file`, `audio`, `query`) that may go upstream although nothing
            reads them.
        bounds: how much one request and one answer may hold.
    """

    shape: HandoffShape = "auto"
    named: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A caller's request.

    Args:
        method: HTTP method, upper case.
        path: path of the address as it is sent, without its `query`.
        body: the bytes as they came.
        created: Unix time, in seconds.
        is_last_attempt: tells whether no retry follows if the provider fails.
        releases: the policy wants streams in pieces and the driver can give them so.
        endpoint: where it goes; what models there can give is remembered under this name.
        loaded: the object in the body, where the driver has read it already.
    """

    method: str
    path: str
    body: bytes
    created: int
    is_last_attempt: Callable[[], bool] = bool
    releases: bool = False
    endpoint: str = ""
    query: str = ""
    loaded: Json | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the caller gets.

    Args:
        upstream: the provider's response, None if it was not asked. It is given as it came, unless `body` or
            `stream` stands in its place.
        outcome: what the guard decided, None where it was not asked.
        status: HTTP status of `body`.
        body: what is given in place of the response.
        headers: added to the response's own.
        media_type: of `body`.
        stream: gives the opened response in pieces.
    """

    upstream: UpstreamResponse | None = None
    outcome: "Outcome | None" = None
    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    stream: "ReleasedStream | None" = None


Exchange: TypeAlias = Generator[Need, Any, Reply]


def exchange(request: Request, settings: ExchangeSettings) -> Exchange:
    """Return the steps of one guarded request.

    Raises:
        ConfigError: the endpoint is not known and not named, or asks for something that cannot be guarded.
        RequestRefused: it is malformed, or goes beyond the bounds.
        CheckFailed: an answer that could not be read would be given.
    """
    kind = endpoint(request.method, request.path, named=settings.named)
    if kind is Endpoint.OPEN:
        return _unguarded()
    if kind is Endpoint.UNKNOWN:
        raise ConfigError("this endpoint is not guarded; name it to let it through unguarded")
    body = settings.bounds.read(request.body, request.loaded)
    return GuardedExchange(FORMATS[kind], request, settings, body).steps()


def _unguarded() -> Exchange:
    response: UpstreamResponse = yield Send(body=None)
    return Reply(upstream=response)


class GuardedExchange:
    """One exchange with a model; see the top of this module.

    Args:
        wire: the format that the endpoint speaks.
        request: the caller's.
        settings: how the program wants it guarded.
        body: the request's body.
    """

    def __init__(self, wire: WireFormat, request: Request, settings: ExchangeSettings, body: Json) -> None:
        self._wire, self._request, self.settings, self._body = wire, request, settings, body
        self._asked: ModelRequest = wire.read_request(body)
        self._schemas = schemas_of(body)
        # What went upstream: what an answer says again of it is no news.
        self._sent = body
        # Chat completions say the same text once; the other formats repeat it in closing events.
        self._releases = request.releases and self._asked.stream and wire is chat

    def steps(self) -> Exchange:
        """Take the steps up to the reply."""
        query, trusted = self._request.query, self.settings.trusted
        messages = screened_messages(self._asked.messages, query, trusted)
        call: Call = yield Screen(messages=messages)
        if call.outcome is not None:
            return self._withheld(call.outcome)
        call.asks(self._asked.model or "", self._request.endpoint)
        response: UpstreamResponse = yield self._send(call, messages)
        if self._blames_logprobs(call, response):
            call.refused_logprobs()
            response = yield self._send(call, messages)
        if not response.is_success:
            return (yield from self._failed(call, response))
        if self._releases:
            return Reply(upstream=response, stream=ReleasedStream(self, call))
        if response.is_too_large:
            return (yield from self._oversized(call, response))
        if self._asked.stream:
            return (yield from self._streamed(call, response))
        return (yield from self._whole(call, response))

    def _send(self, call: "Call", messages: tuple[Message, ...]) -> Send:
        body = self._body
        if call.messages != messages or call.instruction is not None or call.wants_logprobs:
            own = call.messages[: len(call.messages) - (len(messages) - len(self._asked.messages))]
            body = self._wire.write_request(
                body, own, logprobs=call.wants_logprobs, instruction=call.instruction
            )
        self._sent = body
        return Send(body=None if body is self._body else dump_object(body), opens=self._releases)

    def _whole(self, call: "Call", response: UpstreamResponse) -> Exchange:
        answer = load_object(response.body)
        drafts = self.within_bounds(self._wire.read_response(answer or {}, sent=self._sent))
        outcome: Outcome = yield self.judge(call, drafts, answer)
        if not outcome.is_released:
            return self._withheld(outcome, response, answer)
        must_be_readable(call, drafts, outcome)
        body = None
        if answer is not None and (outcome.drafts != drafts or not self.keeps_logprobs(call)):
            keeps = self.keeps_logprobs(call)
            released = self._wire.write_drafts(answer, outcome.drafts, keep_logprobs=keeps, sent=self._sent)
            body = None if released is answer else dump_object(released)
        return Reply(upstream=response, outcome=outcome, status=response.status, body=body)

    def _streamed(self, call: "Call", response: UpstreamResponse) -> Exchange:
        stream = self._wire.Stream(self._sent)
        collected = collect(stream, response.body)
        drafts = self.within_bounds(stream.drafts())
        outcome: Outcome = yield self.judge(call, drafts, stream.whole)
        if not outcome.is_released:
            return self._withheld(outcome, response, stream.whole)
        must_be_readable(call, drafts, outcome)
        released = None
        if outcome.drafts != drafts or not self.keeps_logprobs(call):
            released = stream.released(outcome.drafts, keep_logprobs=self.keeps_logprobs(call))
        body: bytes | None = collected.shown if collected.shown != response.body else None
        if released is not None:
            body = self._wire.write_events(released, is_closed=collected.is_closed)
        status, kind = response.status, "text/event-stream"
        return Reply(upstream=response, outcome=outcome, status=status, body=body, media_type=kind)

    def within_bounds(self, drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
        """Return the drafts, or what stands for more of them than one response may hold."""
        return at_most(self.settings.bounds.answers, drafts)

    def _oversized(self, call: "Call", response: UpstreamResponse) -> Exchange:
        """Judge an answer that was too large to be read; no policy lets it pass."""
        draft = beyond_bounds("too large")
        outcome: Outcome = yield self.judge(call, (draft,))
        if outcome.is_released:
            must_be_readable(call, (draft,))
        return self._withheld(outcome, response)

    def _failed(self, call: "Call", response: UpstreamResponse) -> Exchange:
        """Leave a failure to the client, whose retries come through here again; judge the last one."""
        fault = response.fault or (FaultKind.TIMEOUT if response.status in (408, 504) else FaultKind.ERROR)
        may_pass = response.fault is not None or response.status in (408, 409, 429) or response.status >= 500
        outcome: Outcome | None = None
        if may_pass and self._request.is_last_attempt():
            outcome = yield self.judge(call, (Draft(fault=fault),))
            if not outcome.is_released:
                return self._withheld(outcome, response)
        body = None if response.fault else instead_of_failure(response.status, response.body)
        return Reply(upstream=response, outcome=outcome, status=response.status, body=body)

    def _blames_logprobs(self, call: "Call", response: UpstreamResponse) -> bool:
        """True when only what was asked for beside the caller's request made it fail."""
        asked = call.wants_logprobs and not self._asked.wants_logprobs
        return asked and blames_logprobs(response.status, response.body.decode("utf-8", "replace"))

    def keeps_logprobs(self, call: "Call") -> bool:
        """True unless log-probabilities came that the caller had not asked for."""
        return self._asked.wants_logprobs or not call.wants_logprobs

    def judge(self, call: "Call", drafts: tuple[Draft, ...], body: Json | None = None) -> Judge:
        """Return the need to judge what the model produced; `body` is the whole answer."""
        call.used((body or {}).get("usage"))
        again = Sampling(wire=self._wire, request=self._body)
        # What a person may make of a proposed call is held against what the program declared.
        drafts = with_schemas(drafts, self._schemas)
        return Judge(call=call, drafts=drafts, wants_json=self._asked.wants_json, sampling=again)

    def handoff(self, outcome: "Outcome", upstream: Json | None) -> Json:
        """Return the answer that says that a person decides, or that the policy forbids it."""
        body = self._wire.write_handoff(
            self._body, outcome.handoff, outcome.notice, created=self._request.created, upstream=upstream
        )
        if outcome.handoff is not None:
            # Some frameworks keep nothing of an answer but its text and its id.
            remember(outcome.handoff)
        return body

    def _withheld(
        self, outcome: "Outcome", response: UpstreamResponse | None = None, upstream: Json | None = None
    ) -> Reply:
        handoff = outcome.handoff
        headers = {TICKET_HEADER: handoff.ticket} if handoff else {}
        status, kind = 200, "application/json"
        if self.settings.shape == "error":
            code = "handed_off" if handoff else "blocked"
            body = dump_object(error_body(outcome.notice, code=code, handoff=handoff))
            status, headers = 400, {**headers, "x-should-retry": "false"}
        elif self._asked.stream:
            events = self._wire.stream_of(self.handoff(outcome, upstream))
            body, kind = self._wire.write_events(events), "text/event-stream"
        else:
            body = dump_object(self.handoff(outcome, upstream))
        return Reply(
            upstream=response, outcome=outcome, status=status, body=body, headers=headers, media_type=kind
        )


class ReleasedStream:
    """An opened stream that is given in pieces: `take` whatever comes, then the steps of `end`.

    `outcome` is what the guard decided on the whole, None before the end.
    """

    def __init__(self, of: GuardedExchange, call: "Call") -> None:
        self._of, self._call = of, call
        self.outcome: Outcome | None = None
        strips, most = not of.keeps_logprobs(call), of.settings.bounds.answer_bytes
        self._release = IncrementalRelease(call.stream, strips_logprobs=strips, most_bytes=most)

    def take(self, data: bytes) -> bytes:
        """Take bytes from the provider; return what may be shown by now."""
        return self._release.take(data)

    def end(self) -> Generator[Need, Any, bytes]:
        """Judge the whole; return the bytes that are left to give.

        Raises:
            CheckFailed: the stream could not be read.
        """
        release, call = self._release, self._call
        release.end()
        drafts = self._of.within_bounds(release.stream.drafts())
        outcome: Outcome = yield self._of.judge(call, drafts, release.stream.whole)
        self.outcome = outcome
        if not outcome.is_released:
            return release.rest_instead(self._of.handoff(outcome, release.stream.whole))
        must_be_readable(call, drafts, outcome)
        return release.rest_of(drafts, outcome.drafts, keep_logprobs=self._of.keeps_logprobs(call))
