"""What a caller gets: the answer and the errors, in the shapes that OpenAI clients read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handrail.wire.handoff import error_body

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the caller gets. `outcome` is for the metrics.

    It is an effect of the policy (`pass`, `redact`, `hand_off`, `block`), `open` for what is not guarded,
    `refused` for what the gateway did not take and `failed` for what went wrong behind it.
    """

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "pass"

    def as_event(self) -> bytes:
        """The answer inside an event stream that has begun: its own events, or one that holds the error."""
        if self.media_type.startswith(EVENT_STREAM):
            return self.body
        # Line breaks between the tokens of a JSON text would end the event.
        return b"data: " + self.body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n\n"


class Refusal(Exception):
    """A request that is not taken; `answered` says so to the caller."""

    def __init__(self, answered: Answered) -> None:
        super().__init__(f"refused with status {answered.status}")
        self.answered = answered


def refused(status: int, message: str, *, code: str, outcome: str = "refused") -> Answered:
    """Return an error. Clients are told to try again only where that may help."""
    again = {"retry-after": "1"} if status in (429, 503) else {"x-should-retry": "false"}
    body = json.dumps(error_body(message, code=code)).encode()
    return Answered(status=status, body=body, headers=again, outcome=outcome)


def told(content: Mapping[str, Any], status: int = 200) -> Answered:
    """Return plain data as JSON."""
    return Answered(status=status, body=json.dumps(content).encode(), outcome="open")
