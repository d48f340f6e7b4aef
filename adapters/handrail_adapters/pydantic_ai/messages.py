"""Pydantic AI's messages as the guard reads them, part by part, and back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeAlias

from pydantic_ai.messages import ModelMessage, ModelRequest, SystemPromptPart

from handrail.errors import CheckFailed
from handrail.records import NOTE_NAME, Message, Speaker, ToolCall
from handrail.text.values import Leaf, LeafKind, Path, Reading, read
from handrail.wire.foreign_json import kind_of, mapping_of
from handrail.wire.logprobs import repeats
from handrail.wire.objects import Said, rewritten, said_in
from handrail_adapters.pydantic_ai.plain import is_silent, only_text
from handrail_adapters.pydantic_ai.structure import MESSAGE, OPTIONS, PARTS, READABLE, UNREADABLE

Parts: TypeAlias = list[Any]
OPTIONS_NAME = "options"
"""Name of the message that holds what a model is asked with beside its messages."""

_SPEAKERS = {
    "system-prompt": Speaker.SYSTEM,
    "instruction": Speaker.SYSTEM,
    "user-prompt": Speaker.USER,
}
_ANSWERS = frozenset({"text", "thinking", "tool-call", "builtin-tool-call", "builtin-tool-return", "file"})


@dataclass(frozen=True, slots=True)
class Unit:
    """What the guard reads as one message: parts of one speaker, or what a message holds beside its parts."""

    at: int
    parts: Parts
    said: Said
    message: Message

    @property
    def is_beside(self) -> bool:
        """True for what stands beside the parts of a message."""
        return not self.parts


def units_of(messages: Sequence[ModelMessage], *, trusted: Sequence[str] = ()) -> list[Unit]:
    """Read a conversation; kinds of content in `trusted` count as readable."""
    return [unit for at, message in enumerate(messages) for unit in _units(at, message, frozenset(trusted))]


def _units(at: int, message: ModelMessage, trusted: frozenset[str]) -> Iterator[Unit]:
    beside = said_beside(message)
    if beside.leaves or beside.unreadable:
        is_request = isinstance(message, ModelRequest)
        speaker = Speaker.SYSTEM if is_request else Speaker.ASSISTANT
        yield Unit(at, [], beside, _message(speaker, beside))
    for speaker, parts in _grouped(message.parts):
        said = said_of_parts(parts, trusted)
        calls = [part for part in parts if getattr(part, "part_kind", "") == "tool-call"]
        returned = parts[0] if speaker is Speaker.TOOL else None
        read = replace(
            _message(speaker, said),
            name=getattr(returned, "tool_name", None),
            tool_calls=tuple(map(call_of, calls)),
            tool_call_id=getattr(returned, "tool_call_id", None),
        )
        yield Unit(at, parts, said, read)


def _grouped(parts: Sequence[Any]) -> Iterator[tuple[Speaker, Parts]]:
    """Part by speaker, in order; what a tool returned stands for itself."""
    numbered = [
        (_speaker(part), index if _speaker(part) is Speaker.TOOL else -1, part)
        for index, part in enumerate(parts)
    ]
    for (speaker, _), group in groupby(numbered, key=lambda one: one[:2]):
        yield speaker, [part for _, _, part in group]


def _speaker(part: Any) -> Speaker:
    kind = getattr(part, "part_kind", "")
    return Speaker.ASSISTANT if kind in _ANSWERS else _SPEAKERS.get(kind, Speaker.TOOL)


def _message(speaker: Speaker, said: Said) -> Message:
    return Message(
        speaker=speaker, text=said.text, unreadable=said.unreadable, fixed=said.fixed, runs=said.runs
    )


def call_of(part: Any) -> ToolCall:
    """Return the call that a part proposes."""
    arguments = part.args if isinstance(part.args, str) else json.dumps(part.args or {}, ensure_ascii=False)
    return ToolCall(id=part.tool_call_id, name=part.tool_name, arguments=arguments)


def said_beside(message: ModelMessage, text: str = "") -> Said:
    """Read what a message holds beside its parts; `text` is its answer."""
    if is_silent(message, MESSAGE, but="parts"):
        return Said(())
    logprobs = mapping_of(getattr(message, "provider_details", None)).get("logprobs")
    repeated: list[Path] = [("provider_details", "logprobs", *path) for path in repeats(logprobs, text)]
    bare = copy(message)
    bare.parts = []
    return said_in(read(bare), MESSAGE, without=repeated)


def said_of_parts(parts: Parts, trusted: Iterable[str] = ()) -> Said:
    """Read parts of one message."""
    text = only_text(parts)
    if text is not None:
        return Said(text)
    reading = read(parts)
    calls: list[Path] = [
        (index, "args") for index, part in enumerate(parts) if getattr(part, "part_kind", "") == "tool-call"
    ]
    places, kinds = _unreadable(parts, reading)
    said = said_in(reading, PARTS, without=[*calls, *places])
    leaves = tuple(map(_fixed_names, said.leaves))
    codes = [kind for kind in sorted({*kinds, *said.unreadable}) if kind not in frozenset(trusted)]
    return Said(leaves, tuple(codes))


def _fixed_names(leaf: Leaf) -> Leaf:
    """The name and id of a call are not masked: it would be the call of another tool."""
    is_name = leaf.path[-1] in ("tool_name", "tool_call_id") and len(leaf.path) == 2
    return leaf._replace(kind=LeafKind.NAME) if is_name else leaf


def _unreadable(parts: Parts, reading: Reading) -> tuple[list[Path], set[str]]:
    """Return where content lies that cannot be read, and every kind of it."""
    places, kinds = list[Path](), set[str]()
    for index, part in enumerate(parts):
        kind = getattr(part, "part_kind", None)
        if kind == "file" or (kind == "speech" and part.audio is not None):
            places.append((index,) if kind == "file" else (index, "audio"))
            kinds.add("file" if kind == "file" else "audio")
        elif kind not in READABLE:
            kinds.add(kind_of(kind))
    for leaf in reading.leaves:
        if leaf.path[-1] == "kind" and leaf.text in UNREADABLE and "content" in leaf.path:
            places.append(leaf.path[:-1])
            kinds.add(UNREADABLE[leaf.text])
    return places, kinds


def write_messages(
    messages: Sequence[ModelMessage], units: Sequence[Unit], sent: Sequence[Message]
) -> list[ModelMessage]:
    """Return the messages that may go to the model; those in which nothing changed are the same objects.

    What the guard adds goes before everything else, as a system prompt.

    Raises:
        CheckFailed: something in them cannot be withheld.
    """
    added = [message for message in sent if message.name == NOTE_NAME]
    left = [message for message in sent if message.name != NOTE_NAME]
    if len(left) != len(units):
        raise CheckFailed("wire", why="as many messages as parts are needed")
    written = list[Any](messages)
    parts: dict[int, Parts] = {}
    for unit, said in zip(units, left, strict=True):
        if unit.is_beside:
            if said.text != unit.message.text:
                written[unit.at] = _held(rewritten(written[unit.at], unit.said, said.text))
        else:
            parts[unit.at] = [*parts.get(unit.at, ()), *_parts(unit, said)]
    for at, new in parts.items():
        if any(one is not other for one, other in zip(new, messages[at].parts, strict=True)):
            written[at] = replace(written[at], parts=new)
    if added:
        note = SystemPromptPart("\n\n".join(message.text for message in added))
        written[0] = replace(written[0], parts=[note, *written[0].parts])
    return written


def _held(value: Any) -> Any:
    if value is None:
        raise CheckFailed("wire", why="changed text has no place to go")
    return value


def _parts(unit: Unit, said: Message) -> Parts:
    parts = unit.parts
    if said.text != unit.message.text:
        new = rewritten(parts, unit.said, said.text)
        parts = _only(parts, said.text) if new is None else new
    if said.tool_calls != unit.message.tool_calls:
        parts = with_calls(parts, said.tool_calls)
    return parts


def _only(parts: Parts, text: str) -> Parts:
    """Return parts that say this and nothing else: what was withheld whole stays withheld."""
    return [
        replace(part, content=text if index == 0 else "") if hasattr(part, "content") else part
        for index, part in enumerate(parts)
    ]


def with_calls(parts: Parts, calls: Sequence[ToolCall]) -> Parts:
    """Return parts with the arguments that calls have now; a call that is gone keeps none."""
    by_id = {call.id: call for call in calls}
    return [
        _with_call(part, by_id) if getattr(part, "part_kind", "") == "tool-call" else part for part in parts
    ]


def _with_call(part: Any, by_id: dict[str, ToolCall]) -> Any:
    call = by_id.get(part.tool_call_id)
    if call is None:
        return replace(part, args=None)
    if call == call_of(part):
        return part
    return replace(part, args=call.arguments if isinstance(part.args, str) else _loaded(call.arguments))


def _loaded(arguments: str) -> Any:
    try:
        value = json.loads(arguments)
    except ValueError:
        return arguments
    return value if isinstance(value, dict) else arguments


def read_options(settings: Any, parameters: Any) -> tuple[dict[str, Any], Said]:
    """Read what a model is asked with beside its messages. The program's own objects say nothing."""
    options = {"settings": settings, "parameters": parameters}
    if settings is None and is_silent(parameters, OPTIONS, ("parameters",)):
        return options, Said(())
    said = said_in(read(options), OPTIONS)
    own = {"callable", "unregistered"}
    return options, Said(said.leaves, tuple(code for code in said.unreadable if code not in own))


def options_message(said: Said) -> list[Message]:
    """Return what the guard judges of them, in which the developer speaks; nothing if they say nothing."""
    if not said.leaves and not said.unreadable:
        return []
    return [replace(_message(Speaker.SYSTEM, said), name=OPTIONS_NAME)]


def write_options(options: dict[str, Any], said: Said, text: str) -> dict[str, Any]:
    """Return the options that may go to the model.

    Raises:
        CheckFailed: something in them cannot be withheld.
    """
    return options if text == said.text else dict(_held(rewritten(options, said, text)))
