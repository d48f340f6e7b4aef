"""A guarded function's arguments: the texts inside them, and the arguments that it may be called with."""

import inspect
from typing import Any, cast

from handrail.errors import CheckFailed, ConfigError
from handrail.guard.call import Call
from handrail.guard.texts import TELLING, CannotRewrite, messages_of, rewritten
from handrail.pipeline import NOTE_NAME
from handrail.records import Message, Speaker

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
        read = {name: bound.arguments[name] for name in names}
        notes = [message.text for message in call.messages if message.name == NOTE_NAME]
        texts = [message.text for message in call.messages if message.name != NOTE_NAME]
        if notes and texts:
            texts[0] = "\n\n".join([*notes, texts[0]])
        if asks_itself and call.instruction and texts:
            texts[-1] = f"{texts[-1]}\n\n{call.instruction}"
        # Read anew, because a list or an object may have changed since it was screened.
        if texts == [message.text for message in messages_of(read)]:
            return bound.args, bound.kwargs
        try:
            changed = rewritten(read, iter(texts))
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
        all(one.kind in _BY_POSITION for one in parameters.values()) and not parameters.keys() & TELLING
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
