"""A request's messages for the guard, and the request that may go upstream; the same for every format.

Fields that are no messages are judged as *documents*: what the program writes (tools, schemas) as its own
text, any other field as something that a tool gave.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from handrail.records import SETTING_NAME, Message, Speaker, ToolCall
from handrail.wire.foreign_json import Json, kind_of
from handrail.wire.structure import Table
from handrail.wire.words import message_of, with_words

WriteMessage: TypeAlias = Callable[[Message, Json | None, Message | None], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of a format's requests.

    Args:
        table: what of them is structure.
        messages: those that hold the messages.
        by_program: those that the program itself fills, as it writes the system's text.
    """

    table: Table
    messages: frozenset[str]
    by_program: frozenset[str]


def read_documents(body: Json, fields: Fields) -> list[Message]:
    """Return one message for each field of a request that says something and is no message."""
    return [message for _, message in _documents(body, fields)]


def _documents(body: Json, fields: Fields) -> list[tuple[str, Message]]:
    found = []
    for name, value in body.items():
        if name in fields.messages or fields.table.is_plain_field(name, value):
            continue
        words = fields.table.judged({name: value})
        if words.leaves or words.unreadable:
            if name in fields.by_program:
                message = message_of(words, Speaker.SYSTEM, name=SETTING_NAME + name)
            else:
                message = message_of(words, Speaker.TOOL, name=kind_of(name))
            found.append((name, message))
    return found


def changed_request(
    body: Json,
    fields: Fields,
    others: Sequence[Message],
    given: Sequence[Message],
    *,
    raws: Sequence[Json],
    write: WriteMessage,
) -> tuple[Json, list[Json] | None]:
    """Return a request with the documents that may go upstream, and the messages in their place.

    Args:
        body: the caller's request.
        fields: of its format.
        others: its messages, without documents.
        given: what may go upstream, made from its documents and messages.
        raws: the dicts of the messages.
        write: writes one message; the dict is None for one that the guard adds.

    Returns:
        The same body if no document changed; None in place of the messages if none of them changed.
    """
    documents = _documents(body, fields)
    originals = [*(message for _, message in documents), *others]
    placed = _placed(originals, given)
    kept: set[int] = set()
    written: list[Json] = []
    new, is_same = body, True
    for index, message in placed:
        if index is None:
            written.append(write(message, None, None))
            is_same = False
            continue
        kept.add(index)
        original = originals[index]
        if index >= len(documents):
            raw = raws[index - len(documents)]
            written.append(raw if _same(message, original) else write(message, raw, original))
            is_same = is_same and written[-1] is raw
        elif message.text != original.text:
            name = documents[index][0]
            field = {name: body[name]}
            new = {**new, **with_words(field, fields.table.judged(field), message.text)}
    gone = [name for index, (name, _) in enumerate(documents) if index not in kept]
    if gone:
        new = {name: value for name, value in new.items() if name not in gone}
    return new, None if is_same and len(written) == len(raws) else written


def _same(message: Message, original: Message) -> bool:
    return message is original or _plain(message) == _plain(original)


def _plain(message: Message) -> Message:
    # What could not be read is not compared, nor where a mask could stand.
    return replace(message, unreadable=(), fixed=(), runs=())


def _placed(originals: Sequence[Message], given: Sequence[Message]) -> list[tuple[int | None, Message]]:
    """Tell of each message for which original it stands, None for one that was added.

    With as many messages as before, each stands for the original at its position.
    """
    if len(given) == len(originals):
        return list(enumerate(given))
    added, placed, at = len(given) - len(originals), list[tuple[int | None, Message]](), 0
    for message in given:
        original = originals[at] if at < len(originals) else None
        if original is not None and (
            _same(message, original) or added <= 0 or _is_version(message, original)
        ):
            placed.append((at, message))
            at += 1
        else:
            placed.append((None, message))
            added -= 1
    return placed


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
