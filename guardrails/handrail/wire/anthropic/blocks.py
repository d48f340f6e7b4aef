"""The blocks of a message's content: what they say, and which tools they call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from handrail.errors import CheckFailed
from handrail.records import ToolCall
from handrail.text.values import Leaf, LeafKind, Path
from handrail.wire.foreign_json import Json, kind_of, mapping_of, objects_of, text_of
from handrail.wire.requests import take_call
from handrail.wire.structure import Table, Words

_UNREADABLE = {"image": "image", "container_upload": "file", "audio": "audio", "video": "video"}


def blocks_of(content: object) -> list[Json]:
    """Return the content of a message as blocks; a plain text is one."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects_of(content)


@dataclass(slots=True)
class Blocks:
    """What blocks say: the texts of the message, and all else. What they ask is `calls_of`."""

    table: Table
    place: str
    texts: Words = field(default_factory=Words)
    beside: Words = field(default_factory=Words)

    def take_content(self, content: object, at: Path) -> None:
        """Read the content of a message or of a result."""
        if isinstance(content, str):
            self.texts.say(at, content)
        elif isinstance(content, list):
            for index, block in enumerate(content):
                if isinstance(block, dict):
                    self._take(block, (*at, index))
                else:
                    self.beside.unreadable.add("unknown")
        elif content is not None:
            self.beside.unreadable.add("unknown")

    def _take(self, block: Json, at: Path) -> None:
        kind, rest = text_of(block.get("type")), dict(block)
        if kind in _UNREADABLE or not kind:
            self.beside.unreadable.add(_UNREADABLE.get(kind, kind_of(kind)))
            return
        if kind == "text" and isinstance(block.get("text"), str):
            self.texts.say((*at, "text"), text_of(rest.pop("text")))
        elif kind == "tool_use":
            if not isinstance(rest.pop("input", None), (dict, str)):
                self.beside.unreadable.add("tool_call")
        elif kind == "tool_result":
            self._inner(rest, "content", (*at, "content"))
        elif kind == "document":
            self._take_source(rest, at)
        if kind == "text" and rest.keys() == {"type"}:
            return
        found = self.table.judged(rest, self.place, at)
        if kind == "tool_use":
            # A tool's name can hold no mask: another tool would be called.
            name = (*at, "name")
            found.leaves = [
                Leaf(leaf.path, leaf.text, LeafKind.NAME) if leaf.path == name else leaf
                for leaf in found.leaves
            ]
        self.beside.add(found)

    def _take_source(self, rest: Json, at: Path) -> None:
        source = mapping_of(rest.get("source"))
        if source.get("type") == "content":
            rest["source"] = dict(source)
            self._inner(mapping_of(rest["source"]), "content", (*at, "source", "content"))
        elif source.get("type") != "text" or not isinstance(source.get("data"), str):
            self.beside.unreadable.add("file")
            rest.pop("source", None)

    def _inner(self, of: Json, name: str, at: Path) -> None:
        """Take the content of a block out of it, in place; it is judged beside the message's own texts."""
        inner = Blocks(self.table, self.place, self.beside, self.beside)
        inner.take_content(of.pop(name, None), at)


def message_words(content: object, table: Table) -> Words:
    """Return all that the content of a message of a request says, in its order; its calls are not in it."""
    words = Words()
    Blocks(table, "messages[].content[]", words, words).take_content(content, ("content",))
    return words


def calls_of(content: object) -> tuple[ToolCall, ...]:
    """Return the calls of the program's own tools that a message proposes."""
    return tuple(
        ToolCall(id=text_of(block.get("id")), name=text_of(block.get("name")), arguments=_arguments(block))
        for block in objects_of(content)
        if block.get("type") == "tool_use"
    )


def _arguments(block: Json) -> str:
    given = block.get("input")
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def with_calls(content: Sequence[Json], calls: Sequence[ToolCall]) -> list[Json]:
    """Return blocks that propose only these calls, each with its arguments as given here."""
    left, kept = list(calls), []
    for block in content:
        if block.get("type") != "tool_use":
            kept.append(block)
            continue
        given = take_call(left, block.get("id"), block.get("name"))
        if given is not None:
            is_same = given.arguments == _arguments(block)
            kept.append(block if is_same else {**block, "input": _loaded(given.arguments)})
    return kept


def _loaded(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except ValueError:
        raise CheckFailed("wire", why="changed arguments are no JSON") from None
