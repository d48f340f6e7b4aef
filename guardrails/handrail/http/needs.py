"""What the steps of a guarded HTTP exchange ask for, and what the provider answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from handrail.records import Draft, FaultKind, Message
from handrail.wire.foreign_json import Json, dump_object, load_object
from handrail.wire.formats import WireFormat

if TYPE_CHECKING:
    from handrail.confidence.cascade import SampleRequest
    from handrail.guard import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamResponse:
    """What the provider answered; `body` is decoded. A failure to answer is a `fault` instead.

    `is_too_large` is an answer of which no more was read than the bounds allow.
    A driver adds, in a subclass, what it needs to give this very response back.
    """

    status: int = 0
    body: bytes = b""
    fault: FaultKind | None = None
    is_too_large: bool = False

    @property
    def is_success(self) -> bool:
        """True for an answer of the 2xx kind."""
        return self.fault is None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Screen these messages. Answer: the `Call`."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send this body upstream, None for the caller's own bytes. Answer: `UpstreamResponse`.

    `opens` asks to leave the body of a success unread, because it will be given in pieces.
    """

    body: bytes | None
    opens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the guard asks the model again: what is sent, and how the answer is read."""

    wire: WireFormat
    request: Json

    def send(self, wanted: "SampleRequest") -> Send:
        """Return the request for one sample."""
        sample = self.wire.write_sample(
            self.request,
            wanted.messages,
            temperature=wanted.temperature,
            question=wanted.instruction,
            logprobs=wanted.wants_logprobs,
        )
        return Send(body=dump_object(sample))

    def read(self, response: UpstreamResponse) -> tuple[Draft, ...]:
        """Return the drafts of a sample, none if it failed."""
        body = load_object(response.body) if response.is_success else None
        return self.wire.read_response(body) if body is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Judge these drafts, asking for samples where the policy wants some. Answer: the `Outcome`."""

    call: "Call"
    drafts: tuple[Draft, ...]
    wants_json: bool
    sampling: Sampling


Need: TypeAlias = Screen | Send | Judge
