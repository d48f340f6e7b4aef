"""Puts judged messages back into the dicts they were read from."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from handrail.records import Message
from handrail.wire.shapes import Json

WriteMessage = Callable[[Message, Json | None, Message | None], Json]


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
