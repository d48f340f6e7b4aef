"""Server-sent events, read from bytes without losing a byte of them."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from handrail.wire.foreign_json import Json, dump_object, load_object, text_of

if TYPE_CHECKING:
    from handrail.wire.formats import WireStream

DONE = "[DONE]"
BROKEN = "\x00"


class Event(NamedTuple):
    """One event: its bytes as they came, its name and its data (empty for a comment or keep-alive)."""

    raw: bytes
    name: str
    data: str

    def payload(self) -> Json | None:
        """Return the data as a JSON object, None if it is something else."""
        return load_object(self.data)


class EventReader:
    """Cuts a byte stream into events. Feed chunks as they come; `rest` is what has not ended yet."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """Take some bytes and return the events they complete."""
        buffer, at, events = self.rest + chunk, 0, []
        for end in (match.end() for match in _BLANK_LINE.finditer(buffer)):
            events.append(_event(buffer[at:end]))
            at = end
        self.rest = buffer[at:]
        return events


_BLANK_LINE = re.compile(rb"\n\n|\r\n\r\n|\r\r")


def _event(raw: bytes) -> Event:
    name, data = "", []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Event(raw, "", BROKEN)
    if text.startswith("data: ") and text.endswith("\n\n") and "\r" not in text and "\n" not in text[6:-2]:
        # The most usual event: one line of data.
        return Event(raw, "", text[6:-2])
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return Event(raw, name, "\n".join(data))


def write_event(payload: Json, *, name: str = "") -> bytes:
    """Return an event as bytes."""
    head = f"event: {name}\n" if name else ""
    return b"%bdata: %b\n\n" % (head.encode(), dump_object(payload))


def write_named_events(payloads: Iterable[Json], *, is_closed: bool = True) -> bytes:
    """Return events as bytes, each named by its type; such a stream has no mark after its last event."""
    return b"".join(write_event(payload, name=text_of(payload.get("type"))) for payload in payloads)


DONE_EVENT = b"data: [DONE]\n\n"


def collect(stream: "WireStream", body: bytes) -> bool:
    """Feed a held stream from the bytes of its events; True if its closing mark came."""
    reader, is_closed = EventReader(), False
    for event in reader.feed(body):
        if event.data == DONE:
            is_closed = True
        elif event.data:
            payload = event.payload()
            if payload is None:
                stream.broken()
            else:
                stream.feed(payload)
    if reader.rest.strip():
        stream.broken()
    return is_closed
