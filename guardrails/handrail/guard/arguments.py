"""What a guarded function is called with: its texts as messages, and the arguments that the model may see."""

import inspect
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from handrail.errors import ConfigError
from handrail.guard.call import Call
from handrail.pipeline.together import BESIDE_NAME, JointPart, JointText
from handrail.records import NOTE_NAME, Message, Span, Speaker
from handrail.text.documents import BEHIND_KEY, BETWEEN, Document, behind, laid_out
from handrail.text.json_data import MAY_BE_JSON
from handrail.text.values import CannotHold, Leaf, LeafKind, Path, read, rewrite

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
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
# Stands for the index of the message of what is no text, which is known only when all is read.
_BESIDE = -1
# In which message a leaf stands, and from which character on; None of a key, which is in none.
_Place: TypeAlias = tuple[int, int] | None


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
        messages: every text inside those that are read, then what else they hold.
        joint: which of these are judged as one; None if all are texts, given by position.
        read: all arguments by name, and which are read; None if all are texts, given by position.
    """

    __slots__ = ("_args", "_joint", "_kwargs", "_read", "_signature", "messages")

    def __init__(
        self,
        signature: inspect.Signature,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        messages: tuple[Message, ...],
        joint: tuple[JointText, ...] | None = None,
        read: tuple[inspect.BoundArguments, tuple[str, ...]] | None = None,
    ) -> None:
        self._signature, self._args, self._kwargs = signature, args, kwargs
        self.messages, self._joint, self._read = messages, joint, read

    def joint(self) -> tuple[JointText, ...]:
        """Return which messages are judged as one text."""
        if self._joint is not None:
            return self._joint
        return _named(tuple(self._signature.parameters), [message.text for message in self.messages])

    def rebuilt(self, call: Call, *, asks_itself: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments as the model may see them.

        Args:
            call: the call whose input was screened.
            asks_itself: the function puts a self-check to the model, so that its text goes with the last one.

        Raises:
            CannotMask: something is withheld where no mask can stand.
        """
        if not asks_itself and call.messages == self.messages:
            return self._args, self._kwargs
        bound, names = self._read or _whole(self._signature, self._args, self._kwargs)
        read = _ReadArguments.of({name: bound.arguments[name] for name in names})
        if read.messages != self.messages:
            # A list or an object has changed since it was screened.
            raise CannotMask("an argument that changed while it was judged")
        notes = [message.text for message in call.messages if message.name == NOTE_NAME]
        texts = [m.text for m in call.messages if m.name not in (NOTE_NAME, BESIDE_NAME)]
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
    if plain is not None and not kwargs and len(args) == len(plain) and _are_plain(args):
        # The most usual call, read without binding.
        messages = tuple([Message(speaker=Speaker.USER, text=text) for text in args])
        return Arguments(reads.signature, args, kwargs, messages)
    bound, given = _whole(reads.signature, args, kwargs)
    names = reads.names(dict.fromkeys(given))
    read = _ReadArguments.of({name: bound.arguments[name] for name in names})
    return Arguments(reads.signature, args, kwargs, read.messages, read.joint, (bound, names))


def _are_plain(args: tuple[Any, ...]) -> bool:
    """True when all arguments are texts that are no JSON."""
    for value in args:  # noqa: SIM110 - a generator costs more than all else here
        if type(value) is not str or value[:1] in MAY_BE_JSON:
            return False
    return True


def _named(names: Sequence[str], texts: Sequence[str]) -> tuple[JointText, ...]:
    """Return plain texts as they are judged, each behind the name of its parameter."""
    at, pieces, parts = 0, [], []
    for index, (name, text) in enumerate(zip(names, texts, strict=True)):
        lead = f"{BETWEEN if index else ''}{name}{behind(name)}"
        at += len(lead)
        pieces += [lead, text]
        parts.append(JointPart(at, at + len(text), index, 0))
        at += len(text)
    return (JointText("".join(pieces), tuple(parts)),)


def _whole(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[inspect.BoundArguments, tuple[str, ...]]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound, tuple(bound.arguments)


@dataclass(frozen=True, slots=True)
class _ReadArguments:
    """Arguments and their texts: each text with the argument that it lies in.

    `messages` are the texts, each with who says it, and behind them one of everything that is no text: every
    number, date and name as it would be shown. `joint` are the groups that are judged as one: what one
    message of a conversation holds, and what lies outside of all of these.
    """

    values: Mapping[str, object]
    texts: tuple[tuple[str, Leaf], ...]
    messages: tuple[Message, ...]
    joint: tuple[JointText, ...]

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "_ReadArguments":
        texts: list[tuple[str, Leaf]] = []
        messages: list[Message] = []
        groups: dict[Path, _Group] = {}
        beside = _Beside()
        # A function may take a message apart: `role=…, content=…`.
        outer = next((_speaker(values[name]) for name in _SPEAKER_FIELDS if name in values), None)
        for name, value in values.items():
            leaves = _leaves(name, value)
            speakers = _speakers(leaves)
            for leaf in leaves:
                said = _said_at(leaf.path, speakers)
                # What belongs to no message is judged behind the name of its argument.
                group = groups.setdefault((name, *said) if said is not None else (), _Group())
                place: _Place = None
                if leaf.holds_mask:
                    place = len(messages), 0
                    texts.append((name, leaf))
                    speaker = speakers[said] if said is not None else outer or Speaker.USER
                    messages.append(Message(speaker=speaker, text=leaf.text))
                elif leaf.kind is not LeafKind.KEY:
                    place = _BESIDE, beside.add(name, leaf)
                group.add(name if said is None else "", leaf, place)
        at = len(messages)
        if beside.lines:
            text = beside.text
            messages.append(
                Message(speaker=Speaker.TOOL, name=BESIDE_NAME, text=text, fixed=((0, len(text)),))
            )
        joint = tuple(one for group in groups.values() for one in group.joint(at))
        return cls(values, tuple(texts), tuple(messages), joint)

    def with_texts(self, texts: Sequence[str]) -> dict[str, object]:
        """Return the arguments with other texts; raises `CannotHold` where one cannot be put."""
        changes: dict[str, dict[Path, str]] = {}
        for (name, leaf), text in zip(self.texts, texts, strict=True):
            if text != leaf.text:
                changes.setdefault(name, {})[leaf.path] = text
        return {name: rewrite(self.values[name], new) for name, new in changes.items()}


def _leaves(name: str, value: object) -> tuple[Leaf, ...]:
    reading = read(value)
    if reading.unreadable:
        why = reading.unreadable[0].why
        known = "; a class is made known with handrail.text.values.register" if why == "unregistered" else ""
        raise ConfigError(
            f"argument {name!r} cannot be read ({why}); if nothing of it reaches the model, "
            f"write @guard(opaque=({name!r},)){known}"
        )
    return reading.leaves


class _Beside:
    """The message of what is no text: each value behind the name by which it is given."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._length = 0

    @property
    def text(self) -> str:
        return BETWEEN.join(self.lines)

    def add(self, name: str, leaf: Leaf) -> int:
        """Add a leaf; returns where its text begins."""
        named = next((step for step in reversed(leaf.path) if type(step) is str), name)
        lead = f"{named}{BEHIND_KEY}"
        at = self._length + len(lead)
        self.lines.append(f"{lead}{leaf.text}")
        self._length = at + len(leaf.text) + len(BETWEEN)
        return at


class _Group:
    """Leaves that are judged as one text."""

    def __init__(self) -> None:
        self._leaves: list[Leaf] = []
        self._places: list[_Place] = []

    def add(self, name: str, leaf: Leaf, place: _Place) -> None:
        """Add a leaf of an argument, and where it stands: in which message, from which character on."""
        self._leaves.append(leaf._replace(path=(name, *leaf.path)))
        self._places.append(place)

    def joint(self, beside: int) -> Iterator[JointText]:
        """Yield the whole, then each run of texts that a reader may take for one.

        Args:
            beside: the index of the message of what is no text.
        """
        document = laid_out([[(0, leaf)] for leaf in self._leaves])
        yield self._read_as([(0, len(document.text))], document, beside)
        for run in document.runs:
            yield self._read_as(run, document, beside)

    def _read_as(self, spans: Iterable[Span], document: Document, beside: int) -> JointText:
        pieces, parts, at = [], [], 0
        starts = [part.start for part in document.parts]
        for start, end in spans:
            pieces.append(document.text[start:end])
            first = max(bisect_right(starts, start) - 1, 0)
            for index in range(first, bisect_left(starts, end)):
                part, place = document.parts[index], self._places[index]
                low, high = max(start, part.start), min(end, part.end)
                if low < high or (low == high and start <= low < end):
                    message, begin = place or (None, 0)
                    message = beside if message == _BESIDE else message
                    moved = at - start
                    parts.append(JointPart(low + moved, high + moved, message, begin + low - part.start))
            at += end - start
        return JointText("".join(pieces), tuple(parts))


def _speaker(role: object) -> Speaker | None:
    return _SPEAKERS.get(str(role)) if isinstance(role, str) else None


def _speakers(leaves: Sequence[Leaf]) -> dict[Path, Speaker]:
    """Return who speaks in which part of a value, by the path of what has the role."""
    found: dict[Path, Speaker] = {}
    for field in reversed(_SPEAKER_FIELDS):
        for leaf in leaves:
            if leaf.path and leaf.path[-1] == field and leaf.kind is not LeafKind.KEY:
                speaker = _speaker(leaf.text)
                # A `type` may say anything; whoever has a `role` that nobody knows is taken for a person.
                if speaker is not None or field == "role":
                    found[leaf.path[:-1]] = speaker or Speaker.USER
    return found


def _said_at(path: Path, speakers: Mapping[Path, Speaker]) -> Path | None:
    """Return the path of the message that a leaf belongs to, None for none."""
    if not speakers:
        return None
    return next((path[:n] for n in range(len(path) - 1, -1, -1) if path[:n] in speakers), None)
