"""Finds the hand-off in what a framework made of answers: a result, its messages, an error, an event.

A hand-off travels as a `handoff` field beside an answer's own fields. Frameworks keep such a field in one
place or another, or drop it and keep only the answer's id, which names the ticket; for these, the hand-offs
of this process are remembered for a while.
"""

import dataclasses
import inspect
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handrail.errors import ConfigError
from handrail.guard.returned import handoff_behind
from handrail.records import Handoff
from handrail.wire.foreign_json import text_of
from handrail.wire.handoff import read_handoff

REMEMBERED = 4096
"""Most answers whose hand-off is remembered by id."""

DEEPEST, MOST = 12, 5000
"""How deep, and at how many values, a hand-off is looked for."""

_known: OrderedDict[str, Handoff] = OrderedDict()
_lock = threading.Lock()


def remember(handoff: Handoff, *, under: str = "") -> None:
    """Remember a hand-off by its ticket, or by another id of what it is about."""
    with _lock:
        _known[under or handoff.ticket] = handoff
        _known.move_to_end(under or handoff.ticket)
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)


def recall(name: str) -> Handoff | None:
    """Return the hand-off that is remembered under a ticket or another id, None if there is none."""
    with _lock:
        return _known.get(name)


def find_handoff(value: object) -> Handoff | None:
    """Return the hand-off of the last turn in a framework's result, message, event or error.

    None means that it was looked through and is an answer. Of a conversation only what came after the
    person's last words counts.

    Raises:
        ConfigError: this cannot hold one, and says what to pass instead: a bare text, something that is still
            to be awaited, a stream that is not read to its end.
    """
    _must_be_whole(value)
    return _Search().of(value, 0)


def _must_be_whole(value: object) -> None:
    if value is None or isinstance(value, str | bytes | int | float):
        what = type(value).__name__
        raise ConfigError(f"no hand-off can stand in a value of type {what}: pass the whole result or error")
    if isinstance(value, type) or inspect.isroutine(value):
        raise ConfigError("this is a function or a class: pass what it returned or raised")
    if inspect.isawaitable(value):
        raise ConfigError("this is not awaited yet: pass what it gives")
    is_read = getattr(value, "is_complete", None)
    if is_read is False or isinstance(value, Iterator | AsyncIterator):
        raise ConfigError("this stream is not read to its end: a hand-off may come last; pass the end result")


_FIELDS = ("handoff", "handrail_handoff")
_PARTS = (
    *("body", "metadata", "additional_kwargs", "response_metadata", "provider_details", "model_extra"),
    *("guardrail_result", "output_info", "output_guardrail_results", "raw_responses", "run_data", "output"),
    "provider_data",
    *("raw", "raw_item", "message", "messages", "choices", "generations", "delta", "content", "update"),
    *("interrupts", "__interrupt__", "value", "values", "result", "results", "response", "data", "chunk"),
    *("event", "artifact"),
)
_IDS = ("id", "response_id", "provider_response_id")


@dataclass
class _Search:
    """One look through a value; what was seen is not looked at again."""

    seen: set[int] = field(default_factory=set)

    def of(self, value: object, depth: int) -> Handoff | None:
        if isinstance(value, Handoff):
            return value
        if value is None or isinstance(value, str | bytes | int | float | type):
            return None
        if depth > DEEPEST or len(self.seen) > MOST or id(value) in self.seen:
            return None
        self.seen.add(id(value))
        if isinstance(value, BaseException):
            return handoff_behind(value) or self._behind(value, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, Sequence | set | frozenset):
            return self._turn(list(value), depth)
        return self._mapping(_members(value), depth)

    def _behind(self, error: BaseException, depth: int) -> Handoff | None:
        members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        links = (error.__cause__, error.__context__, *members)
        found = self._mapping(_members(error), depth)
        return found or self._first((one for one in links if one is not None), depth)

    def _mapping(self, fields: Mapping[Any, object], depth: int) -> Handoff | None:
        own = next((one for one in map(_read, map(fields.get, _FIELDS)) if one is not None), None)
        return own or _asked(fields) or _by_id(fields) or self._first(_within(fields), depth)

    def _turn(self, items: list[Any], depth: int) -> Handoff | None:
        """Look through what came after a person's last words, the newest first."""
        starts = [number for number, item in enumerate(items) if _is_said_by_person(item)]
        return self._first(reversed(items[starts[-1] + 1 if starts else 0 :]), depth)

    def _first(self, values: Iterable[object], depth: int) -> Handoff | None:
        return next((one for one in (self.of(value, depth + 1) for value in values) if one is not None), None)


def _members(value: object) -> dict[str, object]:
    """Return the parts of an object in which frameworks keep what a model said; code of it is not run."""
    found = dict(getattr(value, "__dict__", {}))
    if dataclasses.is_dataclass(value):
        found |= {one.name: getattr(value, one.name, None) for one in dataclasses.fields(value)}
    extra = getattr(value, "__pydantic_extra__", None)
    found |= extra if isinstance(extra, dict) else {}
    return {name: found[name] for name in (*_FIELDS, *_PARTS, *_IDS, *_ASKED) if name in found}


def _within(fields: Mapping[Any, object]) -> Iterator[object]:
    """Yield what may hold one; of a small object all, such as the updates of a graph's nodes."""
    named = [fields[name] for name in _PARTS if name in fields]
    yield from named
    if not named and len(fields) <= len(_PARTS):
        yield from fields.values()


_ASKED = ("ticket", "handrail_ticket", "role", "action_requests", "notice", "due")


def _asked(fields: Mapping[Any, object]) -> Handoff | None:
    """Read the request by which an agent waits for a person, in the forms that adapters give it."""
    is_interrupt = "action_requests" in fields
    ticket = text_of(fields.get("ticket" if is_interrupt else "handrail_ticket"))
    role = text_of(fields.get("role"))
    if not (ticket and role):
        return None
    due = text_of(fields.get("due"))
    return recall(ticket) or Handoff(
        ticket=ticket,
        role=role,
        triggers=(),
        notice=text_of(fields.get("notice")),
        due=datetime.fromisoformat(due) if due else None,
    )


_ID = re.compile(r"(?:chatcmpl-handrail-|(?:msg|resp)_handrail_)(?!blocked$)(.+)")
"""Ids of answers that hand off, as `wire` writes them."""


def _by_id(fields: Mapping[Any, object]) -> Handoff | None:
    matches = (_ID.fullmatch(text_of(fields.get(name))) for name in _IDS)
    ticket = next((match[1] for match in matches if match is not None), None)
    if ticket is None:
        return None
    # Another process knows no more of it than the id.
    return recall(ticket) or Handoff(ticket=ticket, role="", triggers=(), notice="", due=None)


def _read(value: object) -> Handoff | None:
    """Read a `handoff` field; a field of that name which is somebody else's names no role."""
    found = value if isinstance(value, Handoff) else read_handoff(value)
    return found if found is not None and found.role else None


def _is_said_by_person(item: object) -> bool:
    if isinstance(item, Mapping):
        content = item.get("content")
        is_result = isinstance(content, list) and any(
            isinstance(part, Mapping) and part.get("type") == "tool_result" for part in content
        )
        return item.get("role") == "user" and not is_result
    if getattr(item, "type", None) == "human":
        return True
    parts = getattr(item, "parts", None)
    return isinstance(parts, list) and any(getattr(part, "part_kind", "") == "user-prompt" for part in parts)
