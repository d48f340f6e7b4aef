"""Where text lies in a JSON value, and how judged text is put back there."""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from handrail.errors import CheckFailed
from handrail.records import Message, Speaker, ToolCall
from handrail.wire.foreign_json import Json, has_text, kind_of

Path: TypeAlias = tuple[str | int, ...]
WriteMessage: TypeAlias = Callable[[Message, Json | None, Message | None], Json]

# Between the texts of one message. Scanners see a line of its own; the guard's text can be taken apart again.
SEPARATOR = "\n\u241e\n"


@dataclass(frozen=True, slots=True)
class Slot:
    """One text inside a JSON value. `is_json` marks a value that is read and written as JSON text."""

    path: Path
    is_json: bool = False

    def read(self, root: object) -> str:
        """Return the text at this place."""
        value = _at(root, self.path)
        if self.is_json and not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        return value if isinstance(value, str) else ""

    def write(self, root: object, text: str) -> None:
        """Put a text at this place, in place. Raises CheckFailed if it is no longer the JSON it must be."""
        parent: Any = _at(root, self.path[:-1])
        if self.is_json and not isinstance(parent[self.path[-1]], str):
            try:
                parent[self.path[-1]] = json.loads(text)
            except ValueError:
                raise CheckFailed("wire", why="redacted text no longer fits its field") from None
        else:
            parent[self.path[-1]] = text


def _at(root: object, path: Path) -> object:
    value: Any = root
    for step in path:
        value = value[step]
    return value


def unknown_slots(value: Mapping[str, object], known: Set[str], path: Path = ()) -> list[Slot]:
    """Return a slot for every field that is not known and holds text, so that nothing passes unread."""
    if value.keys() <= known:
        return []
    names = value.keys() - known
    return [Slot((*path, name), is_json=True) for name in sorted(names) if has_text(value[name])]


def join(root: object, slots: Sequence[Slot]) -> str:
    """Return the texts of several slots as one."""
    return SEPARATOR.join(slot.read(root) for slot in slots)


def rewritten(root: Json, slots: Sequence[Slot], text: str) -> Json:
    """Return a copy in which the slots hold `text`, which was made from `join` of the same slots.

    If it no longer comes apart into as many texts, all of it goes to the first plain slot and the others are
    emptied: what was withheld stays withheld.
    """
    copy = deepcopy(root)
    texts = text.split(SEPARATOR)
    if len(texts) != len(slots):
        plain = next((i for i, slot in enumerate(slots) if not slot.is_json), None)
        if plain is None:
            raise CheckFailed("wire", why="changed text has no place to go")
        texts = ["" if i != plain else text for i in range(len(slots))]
    for slot, part in zip(slots, texts, strict=True):
        if slot.is_json and not part:
            del_at(copy, slot.path)
        else:
            slot.write(copy, part)
    return copy


def del_at(root: object, path: Path) -> None:
    """Remove the field at a path, in place."""
    parent: Any = _at(root, path[:-1])
    del parent[path[-1]]


def read_documents(body: Json, settings: Set[str]) -> list[Message]:
    """Return one message (speaker `tool`) for each field that is no setting and holds text."""
    return [
        Message(speaker=Speaker.TOOL, name=_name(slot), text=slot.read(body))
        for slot in unknown_slots(body, settings)
    ]


def changed_request(
    body: Json,
    read: Sequence[Message],
    given: Sequence[Message],
    *,
    settings: Set[str],
    raws: Sequence[Json],
    write: WriteMessage,
) -> tuple[Json, list[Json] | None]:
    """Return a request with the documents that may go upstream, and the messages in their place.

    Args:
        body: the caller's request.
        read: its documents and messages.
        given: what may go upstream, made from `read`.
        settings: fields that are no documents.
        raws: the dicts of the messages.
        write: writes one message; see `merge_back`.

    Returns:
        The same body if no document changed; None in place of the messages if none of them changed.
    """
    documents, originals = _split_documents(body, read, settings)
    kept, sent = _split_documents(body, given, settings)
    written = merge_back(originals, sent, raws, write)
    if kept != documents:
        body = dict(body)
        _write_documents(body, documents, kept, settings)
    return body, written


def _split_documents(
    body: Json, messages: Sequence[Message], settings: Set[str]
) -> tuple[list[Message], list[Message]]:
    """Part the documents of a request from its other messages."""
    names = [_name(slot) for slot in unknown_slots(body, settings)]
    documents: list[Message] = []
    others: list[Message] = []
    for message in messages:
        is_document = message.speaker is Speaker.TOOL and message.tool_call_id is None
        if is_document and len(documents) < len(names) and message.name == names[len(documents)]:
            documents.append(message)
        else:
            others.append(message)
    return documents, others


def _write_documents(
    body: Json, documents: Sequence[Message], given: Sequence[Message], settings: Set[str]
) -> None:
    """Put changed documents back into their fields, in place; one that is not given any more is removed."""
    for slot, document in zip(unknown_slots(body, settings), documents, strict=True):
        if document in given:
            continue
        changed = next((message for message in given if message.name == document.name), None)
        name = str(slot.path[0])
        if changed is None:
            del body[name]
        else:
            body.update(rewritten({name: body[name]}, [slot], changed.text))


def _name(slot: Slot) -> str:
    return kind_of(slot.path[0])


def merge_back(
    originals: Sequence[Message], messages: Sequence[Message], raws: Sequence[Json], write: WriteMessage
) -> list[Json] | None:
    """Return the dicts to send, None if nothing changed.

    A message that is one of the originals keeps its dict untouched. With as many messages as before, each
    stands for the original at its position; otherwise the guard has added or removed some, and those that
    are no original are written anew. What could not be read of a message (`unreadable`) is not compared.
    """
    originals = [replace(original, unreadable=()) for original in originals]
    messages = [replace(message, unreadable=()) for message in messages]
    if len(messages) == len(originals):
        if all(message == original for message, original in zip(messages, originals, strict=True)):
            return None
        return [
            raw if message == original else write(message, raw, original)
            for message, original, raw in zip(messages, originals, raws, strict=True)
        ]
    return _aligned(originals, messages, raws, write)


def _aligned(
    originals: Sequence[Message], messages: Sequence[Message], raws: Sequence[Json], write: WriteMessage
) -> list[Json]:
    added = len(messages) - len(originals)
    written, at = [], 0
    for message in messages:
        original = originals[at] if at < len(originals) else None
        if original is not None and (message == original or added <= 0 or _is_version(message, original)):
            written.append(raws[at] if message == original else write(message, raws[at], original))
            at += 1
        else:
            written.append(write(message, None, None))
            added -= 1
    return written


def _is_version(message: Message, original: Message) -> bool:
    """True when a message is an original with something masked: all but its words is the same."""
    return (message.speaker, message.name, message.tool_call_id, len(message.tool_calls)) == (
        original.speaker,
        original.name,
        original.tool_call_id,
        len(original.tool_calls),
    )


def take_call(left: list[ToolCall], id: object, name: object) -> ToolCall | None:  # noqa: A002 - a call's own
    """Take the call of this id and name out of those that may go on, None if it may not."""
    found = next((call for call in left if (call.id, call.name) == (id, name)), None)
    if found is not None:
        left.remove(found)
    return found
