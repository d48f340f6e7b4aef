"""Where in a LangChain message its text lies, what repeats other parts of it, and what nobody can read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from handrail.text.json_data import MAY_BE_JSON
from handrail.text.structure import Form
from handrail.text.values import Leaf, LeafKind, Path, Reading, read
from handrail.wire.foreign_json import kind_of, mapping_of, objects_of, text_of
from handrail.wire.logprobs import repeats
from handrail.wire.objects import Said, said_in
from handrail_adapters.langchain.structure import KINDS_THAT_ARE_TEXT, MESSAGE, READABLE, UNREADABLE

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """A message taken apart: the paths of its text, and what else it says."""

    texts: tuple[Path, ...]
    said: Said

    @property
    def is_split(self) -> bool:
        """True if the text is judged part by part: it lies in several blocks, or is JSON."""
        return len(self.texts) > 1 or any(len(leaf.path) > len(self.texts[0]) for leaf in self.of_text)

    @property
    def of_text(self) -> list[Leaf]:
        """The leaves of its text."""
        return [leaf for leaf in self.said.leaves if self._is_text(leaf.path)]

    @property
    def beside(self) -> list[Leaf]:
        """All other leaves."""
        return [leaf for leaf in self.said.leaves if not self._is_text(leaf.path)]

    def _is_text(self, path: Path) -> bool:
        return any(path[: len(text)] == text for text in self.texts)


# The classes of the usual messages, and what each says of its type.
_USUAL: Mapping[type, str] = {HumanMessage: "human", AIMessage: "ai", SystemMessage: "system"}
_HOLDERS = frozenset({str, list, dict})
_CONTENT: Path = ("content",)
_READ = frozenset({"content", "id", "type"})


def is_plain(message: BaseMessage) -> bool:
    """True for a usual message that is one text and has nothing in any other field: it need not be read.

    A text that could be JSON is not plain, nor is a message of another class, whatever it is derived from.
    """
    kind, held = _USUAL.get(type(message)), message.__dict__
    text, name = held.get("content"), held.get("id")
    if kind is None or type(text) is not str or text[:1] in MAY_BE_JSON or message.__pydantic_extra__:
        return False
    if name is not None and not (type(name) is str and Form.ID.fits(name)):
        return False
    if message.__pydantic_private__ or held.get("type") != kind:
        return False
    return all(
        value is None or value is False or (type(value) in _HOLDERS and not value)
        for field, value in held.items()
        if field not in _READ
    )


def fields_of(message: BaseMessage, *, trusted: Iterable[str] = ()) -> Fields:
    """Take a message apart; kinds of content in `trusted` count as read."""
    if is_plain(message):
        text: Any = message.content
        return Fields((_CONTENT,), Said((Leaf(_CONTENT, text, LeafKind.TEXT),) if text else ()))
    reading = read(message)
    sealed, kinds = _unreadable(message, reading)
    without = [("artifact",), *sealed, *_repeats(message), *logprob_paths(message)]
    said = said_in(reading, MESSAGE, without=without)
    leaves = tuple(_named(leaf) if leaf.path[0] in _OF_CALLS else leaf for leaf in said.leaves)
    codes = [kind for kind in sorted({*kinds, *said.unreadable}) if kind not in frozenset(trusted)]
    return Fields(tuple(_text_paths(message)), Said(leaves, tuple(codes)))


_OF_CALLS = frozenset({"tool_calls", "invalid_tool_calls", "tool_call_chunks"})


def _named(leaf: Leaf) -> Leaf:
    """The name and id of a call are not masked: it would be the call of another tool."""
    return leaf._replace(kind=LeafKind.NAME) if leaf.holds_mask else leaf


def _text_paths(message: BaseMessage) -> Iterator[Path]:
    content: Any = message.content
    if isinstance(content, str):
        yield ("content",)
        return
    for index, block in enumerate(content if isinstance(content, list) else []):
        if isinstance(block, str):
            yield ("content", index)
        elif isinstance(block, dict) and isinstance(block.get("text"), str):
            kind = block.get("type")
            if kind is None or text_of(kind) in KINDS_THAT_ARE_TEXT:
                yield ("content", index, "text")


def _unreadable(message: BaseMessage, reading: Reading) -> tuple[list[Path], set[str]]:
    """Return where content lies that cannot be read, and every kind of it."""
    if isinstance(message.content, str):
        return [], set()
    places, kinds = list[Path](), set[str]()
    for leaf in reading.leaves:
        path = leaf.path
        if path[0] == "content" and path[-1] == "type" and len(path) > 2 and type(path[-2]) is int:
            if leaf.text in UNREADABLE:
                places.append(path[:-1])
                kinds.add(UNREADABLE[leaf.text])
            elif len(path) == 3 and leaf.text not in READABLE:
                kinds.add(kind_of(leaf.text))
    blocks: Any = message.content
    for block in blocks if isinstance(blocks, list) else [None]:
        is_text = isinstance(block, str) or (isinstance(block, dict) and text_of(block.get("text")))
        if not (is_text or (isinstance(block, dict) and text_of(block.get("type")))):
            kinds.add("unknown")
    return places, kinds


def _repeats(message: BaseMessage) -> Iterator[Path]:
    """Yield where the arguments of a call stand once more."""
    calls: list[Any] = [*getattr(message, "tool_calls", ()), *getattr(message, "invalid_tool_calls", ())]
    if not calls:
        return
    by_id = {call.get("id"): call.get("args") for call in calls}
    for path, owner in repeated_arguments(message):
        known = [by_id[owner]] if owner in by_id else list(by_id.values()) if owner is None else []
        value: Any = message
        for step in path:
            value = getattr(value, str(step)) if isinstance(value, BaseMessage) else value[step]
        if any(_is_same(value, args) for args in known):
            yield path


def repeated_arguments(message: BaseMessage) -> Iterator[tuple[Path, object]]:
    """Yield where the arguments of a call may stand once more, and the call's id."""
    for index, chunk in enumerate(getattr(message, "tool_call_chunks", ())):
        yield ("tool_call_chunks", index, "args"), chunk.get("id")
    extra = mapping_of(message.additional_kwargs)
    for index, raw in enumerate(objects_of(extra.get("tool_calls"))):
        if "arguments" in mapping_of(raw.get("function")):
            path = ("additional_kwargs", "tool_calls", index, "function", "arguments")
            yield path, raw.get("id")
    if "arguments" in mapping_of(extra.get("function_call")):
        yield ("additional_kwargs", "function_call", "arguments"), None
    for index, block in enumerate(message.content if isinstance(message.content, list) else []):
        if isinstance(block, dict):
            for name in ("input", "args", "arguments"):
                if name in block:
                    yield ("content", index, name), block.get("call_id") or block.get("id")


def _is_same(value: object, args: object) -> bool:
    if isinstance(value, str) and not isinstance(args, str):
        try:
            value = json.loads(value or "{}", object_pairs_hook=_once)
        except (ValueError, RecursionError):
            return False
    return type(value) is type(args) and value == args


def _once(pairs: list[tuple[str, Any]]) -> Json:
    """Return the members of a JSON object; raises ValueError if one of them is given twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("given twice")
    return members


def logprob_paths(message: BaseMessage) -> Iterator[Path]:
    """Yield which tokens of its log-probabilities only repeat the text of a message."""
    logprobs = mapping_of(message.response_metadata).get("logprobs")
    if logprobs:
        text = "".join(text for text in _texts(message))
        for path in repeated_tokens(logprobs, text):
            yield ("response_metadata", "logprobs", *path)


def _texts(message: BaseMessage) -> Iterator[str]:
    for path in _text_paths(message):
        value: Any = message.content
        for step in path[1:]:
            value = value[step]
        yield value


def repeated_tokens(logprobs: object, text: str) -> Iterator[Path]:
    """Yield which parts of log-probabilities only repeat a text token by token; none if they tell more."""
    for path in repeats(mapping_of(logprobs).get("content"), text):
        yield ("content", *path)


def without_logprobs(info: Mapping[str, object]) -> dict[str, object]:
    """Return a call's metadata without its log-probabilities."""
    return {name: value for name, value in info.items() if name != "logprobs"}
