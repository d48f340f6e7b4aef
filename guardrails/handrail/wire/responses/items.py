"""The items of a request's input and a response's output: what they say, what they ask to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from handrail.errors import CheckFailed
from handrail.records import ToolCall
from handrail.text.values import Leaf, LeafKind, Path
from handrail.wire.foreign_json import Json, kind_of, mapping_of, text_of
from handrail.wire.logprobs import token_words
from handrail.wire.structure import Table, Words

# Items that ask the program to act, with the field that says what to do.
ACTIONS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "mcp_approval_request": "arguments",
    "tool_search_call": "arguments",
    "shell_call": "action",
    "local_shell_call": "action",
    "computer_call": "action",
    "apply_patch_call": "operation",
}
_OF_TEXT = frozenset({"function_call", "custom_tool_call", "mcp_call", "mcp_approval_request"})
_TEXTS = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
}
_UNREADABLE = {
    "input_image": "image",
    "computer_screenshot": "image",
    "input_file": "file",
    "input_audio": "audio",
}
_SAYING = ("content", "output", "summary")
# Items whose parts are of known kinds; another kind may be anything.
_OF_PARTS = frozenset({"message", "function_call_output", "custom_tool_call_output"})


@dataclass(slots=True)
class Items:
    """What items say: texts of messages, refusals, and all else. What they ask is `action_of`."""

    table: Table
    texts: Words = field(default_factory=Words)
    refusals: Words = field(default_factory=Words)
    beside: Words = field(default_factory=Words)

    def take(self, item: Json, place: str, at: Path) -> None:
        """Read one item.

        Args:
            item: the item.
            place: of it in the table.
            at: its path.
        """
        kind = text_of(item.get("type")) or "message"
        rest = dict(item)
        self._take_action(rest, kind)
        if kind == "image_generation_call" and rest.pop("result", None):
            self.beside.unreadable.add("image")
        for name, value in item.items():
            if name in _SAYING and name in rest:
                self._take_said(rest, name, kind, place, at)
            elif text_of(mapping_of(value).get("type")) in _UNREADABLE:
                self.beside.unreadable.add(_UNREADABLE[text_of(mapping_of(value)["type"])])
                del rest[name]
        found = self.table.judged(rest, place, at)
        if kind in ACTIONS:
            found.leaves = list(_with_fixed_name(found.leaves, (*at, "name")))
        self.beside.add(found)

    def _take_action(self, rest: Json, kind: str) -> None:
        """Take what an item asks out of it, in place; that is judged as a call."""
        name = ACTIONS.get(kind)
        if name is not None and name in rest:
            if kind in _OF_TEXT and not isinstance(rest[name], str):
                self.beside.unreadable.add("tool_call")
            del rest[name]

    def _take_said(self, rest: Json, name: str, kind: str, place: str, at: Path) -> None:
        value = rest[name]
        if isinstance(value, str):
            del rest[name]
            words = self.texts if kind == "message" else self.beside
            words.say((*at, name), value)
        elif isinstance(value, list):
            del rest[name]
            for index, part in enumerate(value):
                self._take_part(part, kind, f"{place}.{name}[]", (*at, name, index))
        elif isinstance(value, dict):
            if text_of(value.get("type")) in _UNREADABLE:
                del rest[name]
                self.beside.unreadable.add(_UNREADABLE[text_of(value["type"])])
            elif kind in _OF_PARTS:
                self.beside.unreadable.add("unknown")
        elif value is not None:
            self.beside.unreadable.add("unknown")

    def _take_part(self, part: object, of: str, place: str, at: Path) -> None:
        if isinstance(part, str):
            (self.texts if of == "message" else self.beside).say(at, part)
            return
        fields = mapping_of(part)
        kind = text_of(fields.get("type"))
        name = _TEXTS.get(kind)
        if part is None or (name is not None and fields.get(name) is None):
            # No text, or none yet; what may stand beside it is judged.
            self.beside.add(self.table.judged(part, place, at))
            return
        if name is None or not isinstance(fields[name], str):
            self._take_other(part, kind, of, place, at)
            return
        said = text_of(fields[name])
        words = self.beside
        if of == "message":
            words = self.refusals if kind == "refusal" else self.texts
        words.say((*at, name), said)
        rest = {key: value for key, value in fields.items() if key != name and key != "logprobs"}
        self.beside.add(self.table.judged(rest, place, at))
        tokens = fields.get("logprobs")
        self.beside.add(token_words(tokens, said, self.table, f"{place}.logprobs[]", (*at, "logprobs")))

    def _take_other(self, part: object, kind: str, of: str, place: str, at: Path) -> None:
        if kind in _UNREADABLE or of in _OF_PARTS or not isinstance(part, dict):
            self.beside.unreadable.add(_UNREADABLE.get(kind, kind_of(kind)))
        else:
            self.beside.add(self.table.judged(part, place, at))


def _with_fixed_name(leaves: list[Leaf], name: Path) -> Iterator[Leaf]:
    """A tool's name can hold no mask: another tool would be called."""
    for leaf in leaves:
        yield Leaf(leaf.path, leaf.text, LeafKind.NAME) if leaf.path == name else leaf


def item_words(item: Json, table: Table, place: str) -> Words:
    """Return all that an item of a request says, in its order, but not what it asks the program to do."""
    words = Words()
    Items(table, words, words, words).take(item, place, ())
    return words


def action_of(item: Json) -> ToolCall | None:
    """Return what an item asks the program to do, None if it asks nothing."""
    kind = text_of(item.get("type"))
    if kind not in ACTIONS:
        return None
    value = item.get(ACTIONS[kind])
    arguments = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ToolCall(
        id=text_of(item.get("call_id")) or text_of(item.get("id")),
        name=text_of(item.get("name")) or kind,
        arguments=arguments,
    )


def with_arguments(item: Json, call: ToolCall) -> Json:
    """Return an item with a call's arguments, the same object if they are its own."""
    before = action_of(item)
    if before is None or before.arguments == call.arguments:
        return item
    name = ACTIONS[text_of(item.get("type"))]
    if isinstance(item.get(name), str):
        return {**item, name: call.arguments}
    try:
        return {**item, name: json.loads(call.arguments)}
    except ValueError:
        raise CheckFailed("wire", why="changed arguments are no JSON") from None
