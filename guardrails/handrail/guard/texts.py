"""The texts of a guarded function: its arguments as messages, its result as a draft, and both put back."""

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from handrail.errors import CheckFailed, ConfigError
from handrail.guard.call import Call
from handrail.records import NOTE_NAME, Answer, Draft, Message, Speaker
from handrail.text.values import SPEAKER_FIELDS, CannotRewrite, Model, read, rewrite

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ONLY_TEXT = {str}


class Arguments:
    """The arguments of one call.

    Args:
        signature: of the function.
        args: its positional arguments.
        kwargs: its keyword arguments.
        messages: every text inside those that are read.
        read: all arguments by name, and which are read; None if all are texts, given by position.
    """

    __slots__ = ("_args", "_kwargs", "_read", "_signature", "messages")

    def __init__(
        self,
        signature: inspect.Signature,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        messages: tuple[Message, ...],
        read: tuple[inspect.BoundArguments, tuple[str, ...]] | None = None,
    ) -> None:
        self._signature, self._args, self._kwargs = signature, args, kwargs
        self.messages, self._read = messages, read

    def rebuilt(self, call: Call, *, asks_itself: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as the model may see them.

        Args:
            call: the call whose input was screened.
            asks_itself: the function puts a self-check to the model, so that its text goes with the last one.

        Raises:
            CheckFailed: something is withheld inside an argument that cannot be rebuilt.
        """
        if self._read is None and not asks_itself and call.messages == self.messages:
            return self._args, self._kwargs
        bound, names = self._read or _whole(self._signature, self._args, self._kwargs)
        seen = {name: bound.arguments[name] for name in names}
        notes = [message.text for message in call.messages if message.name == NOTE_NAME]
        texts = [message.text for message in call.messages if message.name != NOTE_NAME]
        if notes and texts:
            texts[0] = "\n\n".join([*notes, texts[0]])
        if asks_itself and call.instruction and texts:
            texts[-1] = f"{texts[-1]}\n\n{call.instruction}"
        # Read anew, because a list or an object may have changed since it was screened.
        if texts == [message.text for message in messages_of(seen)]:
            return bound.args, bound.kwargs
        try:
            changed = rewrite(seen, iter(texts))
        except CannotRewrite as error:
            raise CheckFailed("redaction", exchange=call.exchange, why=f"cannot rewrite {error}") from None
        bound.arguments.update(cast("dict[str, Any]", changed))
        return bound.args, bound.kwargs


def _whole(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[inspect.BoundArguments, tuple[str, ...]]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound, tuple(bound.arguments)


def texts_of(signature: inspect.Signature) -> tuple[str, ...] | None:
    """Return the parameters if all can be given by position and none tells who says the others, else None."""
    parameters = signature.parameters
    is_plain = (
        all(one.kind in _BY_POSITION for one in parameters.values())
        and not parameters.keys() & SPEAKER_FIELDS
    )
    return tuple(parameters) if is_plain else None


def read_arguments(
    signature: inspect.Signature,
    plain: tuple[str, ...] | None,
    wanted: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Arguments:
    """Read the arguments of one call.

    Args:
        signature: of the function.
        plain: what `texts_of` says of it; None if only some arguments are read.
        wanted: the arguments to read, none for all.
        args: positional arguments.
        kwargs: keyword arguments.

    Raises:
        ConfigError: `wanted` names an argument that the function does not take.
        TypeError: the function cannot be called with these arguments.
    """
    if plain is not None and not kwargs and len(args) == len(plain) and {*map(type, args)} <= _ONLY_TEXT:
        # The most usual call, read without binding.
        messages = tuple([Message(speaker=Speaker.USER, text=text) for text in args])
        return Arguments(signature, args, kwargs, messages)
    bound, names = _whole(signature, args, kwargs)
    names = wanted or names
    unknown = [name for name in names if name not in bound.arguments]
    if unknown:
        raise ConfigError(f"input= names {', '.join(unknown)}, which this function does not take")
    messages = messages_of({name: bound.arguments[name] for name in names})
    return Arguments(signature, args, kwargs, messages, (bound, names))


def messages_of(value: object) -> tuple[Message, ...]:
    """Every text inside a value as a message."""
    return tuple(Message(speaker=leaf.speaker, text=leaf.text) for leaf in read(value))


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
    from handrail.wire import chat
    from handrail.wire.logprobs import read_logprobs

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
        for leaf in read(chunk):
            pieces.setdefault(leaf.path, []).append(leaf.text)
    texts = ["".join(parts) for parts in pieces.values()]
    texts += [leaf.text for leaf in read(value)]
    return Draft(text="\n".join(texts))


def _text(result: object) -> str:
    texts = [leaf.text for leaf in read(result)]
    return "\n".join(texts) if texts else json.dumps(result, default=str)


def redacted_result(call: Call, result: object) -> object:
    """The result of a function as the caller may have it.

    Raises:
        CheckFailed: something is masked inside a value that cannot be rebuilt.
    """
    try:
        return rewrite(result, (call.redact_answer(leaf.text) for leaf in read(result)))
    except CannotRewrite as error:
        raise CheckFailed("redaction", exchange=call.exchange, why=f"cannot rewrite {error}") from None
