"""What a module of a wire format provides; `chat`, `responses` and `anthropic` are such modules."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from handrail.records import Draft, Handoff, Message
from handrail.wire.foreign_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request to a model, as far as the guard needs to know it.

    `n` counts the answers asked for. `wants_json` asks for structured output; `is_structured` too, or for
    strict tools, so that a notice has to be written as a refusal.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    stream: bool = False
    n: int = 1
    wants_logprobs: bool = False
    wants_json: bool = False
    is_structured: bool = False
    tools: tuple[str, ...] = ()

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Kinds of content that no scanner here can read, each once, sorted."""
        return tuple(sorted({kind for message in self.messages for kind in message.unreadable}))


class WireStream(Protocol):
    """Collects the events of one stream."""

    @property
    def whole(self) -> Json:
        """The response that the events add up to, as if it had not been streamed."""

    def feed(self, payload: Json, /) -> None:
        """Take one event."""

    def feed_data(self, data: str, /) -> object:
        """Take one event as it is written; what is no object breaks the stream."""

    def feed_run(self, events: str, at: int, /) -> int:
        """Take what can be read together of the events from a place on; return where that ends."""

    def broken(self) -> None:
        """Say that something came which is no event; the stream can no longer be judged."""

    def drafts(self) -> tuple[Draft, ...]:
        """Return the drafts of the whole. A stream that broke, failed or never ended is a fault."""

    def released(self, drafts: Sequence[Draft], *, keep_logprobs: bool = ...) -> list[Json] | None:
        """Return the events that may be released, None if they are the ones that came."""


class WireFormat(Protocol):
    """How one endpoint writes requests and answers, as plain dicts."""

    @property
    def Stream(self) -> Callable[[Json | None], WireStream]:  # noqa: N802 - a class in a module
        """Collects a streamed answer to the request that was sent."""

    def read_request(self, body: Json) -> ModelRequest:
        """Read a request. Fields that are no messages come first, as documents."""

    def write_request(
        self, body: Json, messages: Sequence[Message], *, logprobs: bool = ..., instruction: str | None = ...
    ) -> Json:
        """Return the request that may go upstream; the same object if nothing in it changes.

        Args:
            body: the caller's request.
            messages: what may go upstream, made from `read_request(body).messages`.
            logprobs: ask for log-probabilities even if the caller did not.
            instruction: text to add as a last instruction of the program.
        """

    def write_sample(
        self,
        body: Json,
        messages: Sequence[Message],
        *,
        temperature: float,
        question: str | None,
        logprobs: bool,
    ) -> Json:
        """Return a request that asks the model again, once and in one piece.

        Args:
            body: the caller's request.
            messages: what may go upstream.
            temperature: how much the answers may differ.
            question: asked in place of an answer, if given; tools and output formats are then left out.
            logprobs: whether log-probabilities are needed.
        """

    def read_response(self, body: Json, *, sent: Json | None = ...) -> tuple[Draft, ...]:
        """Read an answer, one draft per choice. What cannot be read is `unreadable`, and a fault.

        Args:
            body: the answer.
            sent: the request that was sent for it. What the answer says again of it is not judged.
        """

    def write_drafts(
        self, body: Json, drafts: Sequence[Draft], *, keep_logprobs: bool = ..., sent: Json | None = ...
    ) -> Json:
        """Return the answer that may be released; the same object if nothing in it changes.

        Args:
            body: the provider's answer.
            drafts: what may be released, in the order of `read_response(body)`.
            keep_logprobs: False when the caller had not asked for them.
            sent: as it was given to `read_response`.

        Raises:
            CheckFailed: the drafts do not belong to this answer.
        """

    def write_handoff(
        self,
        request: Json,
        handoff: Handoff | None,
        notice: str,
        *,
        created: int,
        upstream: Json | None = ...,
    ) -> Json:
        """Return an answer that hands off (or, without a hand-off, says that the answer is blocked).

        The notice is the answer's text. Where structured output or strict tools were asked for it is a
        refusal, so that parsers end without an answer.

        Args:
            request: the caller's request.
            handoff: the ticket, None for a block.
            notice: what the person is told.
            created: Unix time, in seconds.
            upstream: the provider's answer that is withheld; its id, model and usage are kept.
        """

    def stream_of(self, body: Json) -> list[Json]:
        """Return a whole answer as stream events, each text in one piece."""

    def write_events(self, payloads: Iterable[Json], *, is_closed: bool = ...) -> bytes:
        """Return events as bytes, with the closing mark if the stream had one."""
