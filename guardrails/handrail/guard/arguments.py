"""What a guarded function is called with: its texts as messages, and the arguments that the model may see."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.errors import ConfigError
from handrail.guard.call import Call
from handrail.records import NOTE_NAME, Message, Speaker
from handrail.text.json_data import MAY_BE_JSON
from handrail.text.values import CannotHold, Leaf, LeafKind, Path, read, rewrite, runs

BESIDE_NAME = "arguments"
"""Name of the message that holds what is judged beside the texts: numbers, keys and dates."""

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ONLY_TEXT = {str}
_RECEIVERS = frozenset({"self", "cls"})
_SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "assistant": Speaker.ASSISTANT,
    "ai": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}
# Fields that tell who says what stands beside them; the first that is there counts.
_SPEAKER_FIELDS = ("role", "type")
# What no person is told apart by: the names of fields, and numbers of up to four digits.
_HARMLESS = re.compile(r"[A-Za-z_]{1,40}|-?[0-9]{1,4}(?:\.[0-9]{1,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Which parameters of a function are read.

    Args:
        signature: of the function.
        wanted: the parameters to read, none for all.
        opaque: those that are never read, because nothing of theirs reaches a model.
    """

    signature: inspect.Signature
    wanted: tuple[str, ...] = ()
    opaque: frozenset[str] = frozenset()

    @property
    def plain(self) -> tuple[str, ...] | None:
        """The parameters if all can be given by position and all are read alike, else None."""
        parameters = self.signature.parameters
        special = self.opaque.union(_RECEIVERS, _SPEAKER_FIELDS)
        by_position = all(one.kind in _BY_POSITION for one in parameters.values())
        return (
            tuple(parameters) if by_position and not self.wanted and not parameters.keys() & special else None
        )

    def names(self, given: Mapping[str, object]) -> tuple[str, ...]:
        """Return the parameters to read of one call.

        Raises:
            ConfigError: one that is wanted or opaque is none of the function's.
        """
        for option, named in (("input", self.wanted), ("opaque", self.opaque)):
            unknown = [name for name in named if name not in given]
            if unknown:
                raise ConfigError(f"{option}= names {', '.join(unknown)}, which this function does not take")
        if self.wanted:
            return self.wanted
        first = next(iter(given), None)
        return tuple(
            name for name in given if name not in self.opaque and not (name == first and name in _RECEIVERS)
        )


class CannotMask(Exception):
    """An argument holds what the model must not see, and cannot be masked; the message is a code."""


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
            CannotMask: something is withheld where no mask can stand.
        """
        if self._read is None and not asks_itself and call.messages == self.messages:
            return self._args, self._kwargs
        bound, names = self._read or _whole(self._signature, self._args, self._kwargs)
        # Read anew, because a list or an object may have changed since it was screened.
        read = _ReadArguments.of({name: bound.arguments[name] for name in names})
        notes = [message.text for message in call.messages if message.name == NOTE_NAME]
        beside = [message for message in call.messages if message.name == BESIDE_NAME]
        texts = [m.text for m in call.messages if m.name not in (NOTE_NAME, BESIDE_NAME)]
        if beside and beside != read.beside:
            raise CannotMask("an argument that cannot be masked")
        for run in read.runs:
            if call.withholds_over([texts[index] for index in run]):
                raise CannotMask("a value that lies over two texts of an argument")
        if notes and texts:
            texts[0] = "\n\n".join([*notes, texts[0]])
        if asks_itself and call.instruction and texts:
            texts[-1] = f"{texts[-1]}\n\n{call.instruction}"
        try:
            bound.arguments.update(read.with_texts(texts))
        except CannotHold as error:
            raise CannotMask(f"an argument that cannot be masked: {error.kind}") from None
        return bound.args, bound.kwargs


def read_arguments(
    reads: Reads, plain: tuple[str, ...] | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Arguments:
    """Read the arguments of one call.

    Args:
        reads: which parameters are read.
        plain: `reads.plain`, worked out once.
        args: positional arguments.
        kwargs: keyword arguments.

    Raises:
        ConfigError: an argument cannot be read, or a name is none of the function's; says what to write.
        TypeError: the function cannot be called with these arguments.
    """
    is_plain = plain is not None and not kwargs and len(args) == len(plain)
    if is_plain and {*map(type, args)} <= _ONLY_TEXT and not any(text[:1] in MAY_BE_JSON for text in args):
        # The most usual call, read without binding.
        messages = tuple([Message(speaker=Speaker.USER, text=text) for text in args])
        return Arguments(reads.signature, args, kwargs, messages)
    bound, given = _whole(reads.signature, args, kwargs)
    names = reads.names(dict.fromkeys(given))
    read = _ReadArguments.of({name: bound.arguments[name] for name in names})
    return Arguments(reads.signature, args, kwargs, (*read.messages, *read.beside), (bound, names))


def _whole(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[inspect.BoundArguments, tuple[str, ...]]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound, tuple(bound.arguments)


@dataclass(frozen=True, slots=True)
class _ReadArguments:
    """Arguments and their texts: each text with the argument that it lies in."""

    values: Mapping[str, object]
    texts: tuple[tuple[str, Leaf], ...]
    messages: tuple[Message, ...]
    beside: list[Message]

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "_ReadArguments":
        texts: list[tuple[str, Leaf]] = []
        messages: list[Message] = []
        beside: list[str] = []
        # A function may take a message apart: `role=…, content=…`.
        outer = next((_speaker(values[name]) for name in _SPEAKER_FIELDS if name in values), None)
        for name, value in values.items():
            reading = read(value)
            if reading.unreadable:
                why = reading.unreadable[0].why
                raise ConfigError(
                    f"argument {name!r} cannot be read ({why}); if nothing of it reaches the model, "
                    f"write @guard(opaque=({name!r},))"
                )
            speakers = _speakers(reading.leaves)
            for leaf in reading.leaves:
                if leaf.holds_mask:
                    texts.append((name, leaf))
                    speaker = _speaker_at(leaf.path, speakers) or outer or Speaker.USER
                    messages.append(Message(speaker=speaker, text=leaf.text))
                elif not _HARMLESS.fullmatch(leaf.text):
                    beside.append(leaf.text)
        told = [Message(speaker=Speaker.TOOL, name=BESIDE_NAME, text="\n".join(beside))] if beside else []
        return cls(values, tuple(texts), tuple(messages), told)

    @property
    def runs(self) -> list[list[int]]:
        """Which texts a reader may take for one, by argument; see `handrail.text.values.runs`."""
        return runs(leaf._replace(path=(name, *leaf.path)) for name, leaf in self.texts)

    def with_texts(self, texts: Sequence[str]) -> dict[str, object]:
        """Return the arguments with other texts; raises `CannotHold` where one cannot be put."""
        changes: dict[str, dict[Path, str]] = {}
        for (name, leaf), text in zip(self.texts, texts, strict=True):
            if text != leaf.text:
                changes.setdefault(name, {})[leaf.path] = text
        return {name: rewrite(self.values[name], new) for name, new in changes.items()}


def _speaker(role: object) -> Speaker | None:
    return _SPEAKERS.get(str(role))


def _speakers(leaves: Sequence[Leaf]) -> dict[Path, Speaker]:
    """Return who speaks in which part of a value, by the path of what has the role."""
    found: dict[Path, Speaker] = {}
    for field in reversed(_SPEAKER_FIELDS):
        for leaf in leaves:
            if leaf.path and leaf.path[-1] == field and leaf.kind is not LeafKind.KEY:
                found[leaf.path[:-1]] = _speaker(leaf.text) or Speaker.USER
    return found


def _speaker_at(path: Path, speakers: Mapping[Path, Speaker]) -> Speaker | None:
    if not speakers:
        return None
    return next((speakers[path[:n]] for n in range(len(path) - 1, -1, -1) if path[:n] in speakers), None)
