"""Server-sent events, read from bytes without losing a byte of them.

A program reads an event's data, and its name where the data says the same. Whatever else its lines hold
(comments, ids, fields that nobody knows) is judged by nobody, so nobody is shown it.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from handrail.wire.foreign_json import Json, dump_object, load_object, text_of

if TYPE_CHECKING:
    from handrail.wire.formats import WireStream

DATA = "data: "
BLANK_LINE = "\n\n"
DONE = "[DONE]"
BROKEN = "\x00"


class Event(NamedTuple):
    """One event.

    Attributes:
        raw: its bytes as they came.
        name: its name.
        data: its data, empty for a comment or keep-alive.
        shown: what of `raw` a caller may have once the data was judged.
    """

    raw: bytes
    name: str
    data: str
    shown: bytes

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
        if b"\r" not in buffer:
            *ended, self.rest = buffer.split(b"\n\n")
            return [_event(raw + b"\n\n") for raw in ended]
        for end in (match.end() for match in _END.finditer(buffer)):
            events.append(_event(buffer[at:end]))
            at = end
        self.rest = buffer[at:]
        return events


_END = re.compile(rb"\n\n|\r\n\r\n|\r\r")
_LINE_END = re.compile(r"\r\n|\r|\n")
_MARK = "\ufeff"
_NAMES = frozenset({"", "done", "end", "error", "message", "ping"})
"""Names that say nothing of an event's data."""


def _event(raw: bytes) -> Event:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Event(raw, "", BROKEN, b"")
    name, data, shown = _read(text)
    return Event(raw, name, data, raw if shown is text else shown.encode())


def _read(text: str) -> tuple[str, str, str]:
    """Return the name and the data of an event and what of it may be shown, the same object for all."""
    if text.startswith(DATA) and text.find("\n") == len(text) - 2 and "\r" not in text:
        # The most usual event: one line of data.
        return "", text[6:-2], text
    name, lines, data, is_whole = "", [], [], _MARK not in text
    for line in _LINE_END.split(text):
        field, _, value = line.removeprefix(_MARK).partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name, is_whole = value, is_whole and not name
        elif field == "data":
            data.append(value)
            lines.append(f"data: {value}\n")
        elif line:
            is_whole = False
    told = "\n".join(data)
    is_named = name in _NAMES or f'"{name}"' in told
    if not data:
        return name, "", ""
    if is_whole and is_named:
        return name, told, text
    head = f"event: {name}\n" if name and is_named else ""
    return name, told, f"{head}{''.join(lines)}\n"


def write_event(payload: Json, *, name: str = "") -> bytes:
    """Return an event as bytes."""
    head = f"event: {name}\n" if name else ""
    return b"%bdata: %b\n\n" % (head.encode(), dump_object(payload))


def write_named_events(payloads: Iterable[Json], *, is_closed: bool = True) -> bytes:
    """Return events as bytes, each named by its type; such a stream has no mark after its last event."""
    return b"".join(write_event(payload, name=text_of(payload.get("type"))) for payload in payloads)


DONE_EVENT = b"data: [DONE]\n\n"


class Collected(NamedTuple):
    """A stream that was held: whether its closing mark came, and what of its bytes may be shown."""

    is_closed: bool
    shown: bytes


def collect(stream: "WireStream", body: bytes) -> Collected:
    """Feed a held stream from the bytes of its events."""
    events = _text_of(body)
    if events is None:
        return _collect_each(stream, body)
    at = since = 0
    is_closed = False
    shown: list[str] = []
    while (end := events.find(BLANK_LINE, at) + 2) > 1:
        event = events[at:end]
        _, data, told = _read(event)
        if told is not event:
            shown += (events[since:at], told)
            since = end
        if data == DONE:
            is_closed = True
        elif data:
            stream.feed_data(data)
        at = stream.feed_run(events, end)
    if events[at:].strip():
        stream.broken()
    if at == len(events) and not shown:
        return Collected(is_closed, body)
    return Collected(is_closed, "".join((*shown, events[since:at])).encode())


def _text_of(body: bytes) -> str | None:
    """Return a stream as text, None where a part of it is none or its lines end otherwise."""
    if b"\r" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _collect_each(stream: "WireStream", body: bytes) -> Collected:
    reader, is_closed = EventReader(), False
    events = reader.feed(body)
    for event in events:
        if event.data == DONE:
            is_closed = True
        elif event.data:
            stream.feed_data(event.data)
    if reader.rest.strip():
        stream.broken()
    return Collected(is_closed, b"".join([event.shown for event in events]))
