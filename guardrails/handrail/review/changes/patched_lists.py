"""Additions to the lists of a policy's text: a word of a signal, an entity of the scanner. Pure.

Only what is added is written, in the style of what stands around it: within brackets, or on lines of its own.
Comments, quotes and layout stay. What was written is read again; where it is not what was there and the
addition, there is no patch.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail.errors import PolicyError
from handrail.policy.file.document import Document
from handrail.review.changes.patches import NotPatchable

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

Addition: TypeAlias = str | float | Sequence[str] | Mapping[str, str | float | Sequence[str]]
"""What is added to a list: a text, or a mapping of texts, numbers and lists of texts."""

_PLAIN = re.compile(r"[^\W\d_](?:[\w'-]| (?=[\w'-]))*")
_READ_AS_OTHERS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_STEP = 2


def word_added(text: str, signal: str, word: str) -> str:
    """Return a policy's text with a word for a signal or topic, and the test that it is heard.

    Raises:
        NotPatchable: a program cannot write it.
    """
    return extended(extended(text, ("signals", signal, "words"), word), ("signals", signal, "match"), word)


def entity_added(text: str, entity: Mapping[str, str | float | Sequence[str]]) -> str:
    """Return a policy's text with a further entity of its own, its tests in it.

    Raises:
        NotPatchable: a program cannot write it.
    """
    return extended(text, ("scan", "entities"), entity)


def extended(text: str, path: Sequence[str], item: Addition) -> str:
    """Return a text with one more item in the list at a path; what is missing of the path is made.

    An item that the list holds already is not added again.

    Raises:
        NotPatchable: the text is no mapping, no list stands at the path, or the result reads otherwise.
    """
    before = _read(text)
    wanted, is_new = _merged(before, path, item)
    if not is_new:
        return text
    from ruamel.yaml import YAML

    newline = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += newline
    node: Node = YAML(typ="safe", pure=True).compose(text)
    steps = list(path)
    while steps and (inner := _child(node, steps[0])) is not None:
        node, steps = inner, steps[1:]
    value: Any = item
    if steps:
        value = [item]
        for step in reversed(steps[1:]):
            value = {step: value}
        value = {steps[0]: value}
    after = _inserted(text, node, value, newline=newline, is_root=len(steps) == len(path))
    if _read(after) != wanted:
        raise NotPatchable(f"`{'.'.join(path)}` is written so that a program cannot add to it")
    return after


def _read(text: str) -> Any:
    try:
        return Document(text, "policy").value
    except PolicyError:
        raise NotPatchable("the text cannot be read") from None


def _merged(value: Any, path: Sequence[str], item: Addition) -> tuple[Any, bool]:
    """Return a document's value with one more item, and whether it is new."""
    wanted = copy.deepcopy(value)
    at = wanted
    for step in path[:-1]:
        at = at.setdefault(step, {}) if isinstance(at, dict) else None
    if not isinstance(at, dict) or not isinstance(at.setdefault(path[-1], []), list):
        raise NotPatchable(f"`{'.'.join(path)}` is no list")
    found = at[path[-1]]
    plain = _as_read(item)
    if plain in found:
        return wanted, False
    found.append(plain)
    return wanted, True


def _as_read(item: Addition) -> Any:
    return Document(_flow(item), "addition").value


def _child(node: "Node", key: str) -> "Node | None":
    from ruamel.yaml.nodes import MappingNode

    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _inserted(text: str, node: "Node", value: Any, *, newline: str, is_root: bool) -> str:
    """Write a value into a collection: an item into a list, the keys of a mapping into a mapping."""
    from ruamel.yaml.nodes import CollectionNode, MappingNode

    assert isinstance(node, CollectionNode)
    is_mapping = isinstance(node, MappingNode)
    members = [one for pair in node.value for one in pair] if is_mapping else node.value
    if node.flow_style or not members:
        new = _flow(value)[1:-1] if is_mapping else _flow(value)
        last = members[-1].end_mark.index if members else node.start_mark.index + 1
        return f"{text[:last]}{', ' if members else ''}{new}{text[last:]}"
    indent = node.start_mark.column
    lines = _block(value, indent) if is_mapping else _item(value, indent)
    at = _before_rules(text, node) if is_root else None
    if at is None:
        at = _line_end(text, _last(members[-1]).end_mark.index)
    else:
        lines.append("")
    return text[:at] + "".join(f"{line}{newline}" for line in lines) + text[at:]


def _last(node: "Node") -> "Node":
    """Return the last value within one: a collection on lines of its own ends where the next key begins."""
    from ruamel.yaml.nodes import CollectionNode, MappingNode

    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return node


def _line_end(text: str, end: int) -> int:
    """Return where the line begins that follows the last one with content before a place."""
    last = len(text[:end].rstrip())
    return text.find("\n", last) + 1 if text.find("\n", last) >= 0 else len(text)


def _before_rules(text: str, root: "Node") -> int | None:
    """Return where the rules begin with the comment above them: what is heard and found stands before."""
    keys = {name.value: name for name, _ in root.value}
    if "hand_offs" not in keys or keys["hand_offs"] is root.value[0][0]:
        return None
    lines = text.splitlines(keepends=True)
    line = int(keys["hand_offs"].start_mark.line)
    while line and lines[line - 1].startswith("#"):
        line -= 1
    return sum(map(len, lines[:line]))


def _block(value: Mapping[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    for key, inner in value.items():
        name = f"{' ' * indent}{_scalar(key)}:"
        if isinstance(inner, Mapping):
            lines += [name, *_block(inner, indent + _STEP)]
        elif isinstance(inner, list) and any(isinstance(each, Mapping) for each in inner):
            lines += [name, *(line for each in inner for line in _item(each, indent + _STEP))]
        else:
            lines.append(f"{name} {_flow(inner)}")
    return lines


def _item(value: Any, indent: int) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{' ' * indent}- {_flow(value)}"]
    first, *rest = _block(value, indent + _STEP)
    return [f"{' ' * indent}- {first.lstrip()}", *rest]


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


def _scalar(words: str) -> str:
    is_plain = _PLAIN.fullmatch(words) and words.lower() not in _READ_AS_OTHERS
    return words if is_plain else "'" + words.replace("'", "''") + "'"
