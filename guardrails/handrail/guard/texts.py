"""The text inside a function's arguments and results: read leaf by leaf, put back leaf by leaf."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from handrail.records import Answer, Draft, Message, Speaker
from handrail.wire import chat
from handrail.wire.logprobs import read_logprobs

_SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "assistant": Speaker.ASSISTANT,
    "ai": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}
# Fields of a mapping that tell who says what is in it.
TELLING = frozenset({"role", "type"})


@runtime_checkable
class Model(Protocol):
    """A pydantic model, from whichever package."""

    def model_dump(self) -> dict[str, Any]:
        """Return the fields as plain data."""

    @classmethod
    def model_validate(cls, obj: Any) -> Any:
        """Build a model from plain data."""


class CannotRewrite(Exception):
    """A text that must be masked lies in a value that cannot be rebuilt."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One text inside a value: where it lies and who says it."""

    path: tuple[object, ...]
    text: str
    speaker: Speaker


def leaves(value: object, speaker: Speaker = Speaker.USER, path: tuple[object, ...] = ()) -> Iterator[Leaf]:
    """Yield every text inside a value, in a fixed order."""
    match value:
        case str():
            yield Leaf(path=path, text=value, speaker=speaker)
        case bytes() | bytearray():
            yield Leaf(path=path, text=value.decode("utf-8", "replace"), speaker=speaker)
        case Answer():
            yield Leaf(path=path, text=value.text, speaker=speaker)
        case Mapping():
            inner = _SPEAKERS.get(str(value.get("role", value.get("type", ""))), speaker)
            for key, item in value.items():
                yield from leaves(item, inner, (*path, key))
        case list() | tuple() | set() | frozenset():
            for index, item in enumerate(value):
                yield from leaves(item, speaker, (*path, index))
        case Model():
            yield from leaves(value.model_dump(), speaker, path)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                yield from leaves(getattr(value, field.name), speaker, (*path, field.name))
        case _:
            return


def messages_of(value: object) -> tuple[Message, ...]:
    """Every text inside a value as a message."""
    return tuple(Message(speaker=leaf.speaker, text=leaf.text) for leaf in leaves(value))


def rewritten(value: object, texts: Iterator[str]) -> object:
    """Rebuild a value with its texts replaced, in the order in which `leaves` yields them.

    Raises:
        CannotRewrite: a text changed inside a kind of value that cannot be rebuilt.
    """
    match value:
        case str():
            return next(texts)
        case Answer():
            text = next(texts)
            return value if text == value.text else Answer(text=text)
        case Mapping():
            return {key: rewritten(item, texts) for key, item in value.items()}
        case list() | tuple() if type(value) in (list, tuple):
            return type(value)(rewritten(item, texts) for item in value)
        case Model():
            data = value.model_dump()
            changed = rewritten(data, texts)
            return value if changed == data else type(value).model_validate(changed)
        case _:
            for leaf in leaves(value):
                if next(texts) != leaf.text:
                    raise CannotRewrite(type(value).__name__)
            return value


def draft_of(result: object) -> Draft:
    """Read what a guarded function returned: a text, an `Answer`, a provider's object, or structured data."""
    match result:
        case str():
            return Draft(text=result)
        case Answer():
            return Draft(text=result.text, logprobs=result.logprobs)
        case None:
            return Draft()
        case Model():
            return _draft_of_model(result)
        case _:
            return Draft(text=_text(result))


def _draft_of_model(result: Model) -> Draft:
    data = result.model_dump()
    if isinstance(data.get("choices"), list):
        drafts = chat.read_response(data)
        if len(drafts) == 1:
            return drafts[0]
        calls = tuple(call for draft in drafts for call in draft.tool_calls)
        return Draft(text="\n".join(draft.text for draft in drafts), tool_calls=calls)
    metadata = data.get("response_metadata")
    logprobs = metadata.get("logprobs") if isinstance(metadata, Mapping) else None
    tokens = read_logprobs(logprobs.get("content")) if isinstance(logprobs, Mapping) else None
    content = data.get("content")
    return Draft(text=content if isinstance(content, str) else _text(data), logprobs=tokens)


def draft_of_chunks(chunks: Sequence[object], value: object = None) -> Draft:
    """Read a stream that was held: pieces at the same place of each chunk belong together."""
    pieces: dict[tuple[object, ...], list[str]] = {}
    for chunk in chunks:
        for leaf in leaves(chunk):
            pieces.setdefault(leaf.path, []).append(leaf.text)
    texts = ["".join(parts) for parts in pieces.values()]
    texts += [leaf.text for leaf in leaves(value)]
    return Draft(text="\n".join(texts))


def _text(result: object) -> str:
    texts = [leaf.text for leaf in leaves(result)]
    return "\n".join(texts) if texts else json.dumps(result, default=str)
