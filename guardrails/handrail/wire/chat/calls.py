"""The calls that a chat message proposes: functions, custom tools and the old single function."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy

from handrail.errors import CheckFailed
from handrail.records import ToolCall
from handrail.text.values import Leaf, LeafKind
from handrail.wire.foreign_json import Json, json_text_of, load_object, mapping_of, objects_of, text_of
from handrail.wire.requests import take_call

_ARGUMENTS = {"function": "arguments", "custom": "input"}


def are_calls_readable(message: Json) -> bool:
    """False when calls are in no shape in which a program would run them.

    They are no list of objects, one is of two kinds and so may run as either, or arguments are no text.
    """
    calls = message.get("tool_calls")
    old = message.get("function_call")
    if old is not None and not (isinstance(old, dict) and isinstance(old.get("arguments", ""), str)):
        return False
    if calls is None:
        return True
    if not isinstance(calls, list) or len(objects_of(calls)) != len(calls):
        return False
    return all(map(_is_readable, objects_of(calls)))


def _is_readable(call: Json) -> bool:
    kinds = [kind for kind in _ARGUMENTS if call.get(kind) is not None]
    return len(kinds) < 2 and all(
        isinstance(call[kind], dict) and isinstance(mapping_of(call[kind]).get(_ARGUMENTS[kind], ""), str)
        for kind in kinds
    )


def read_tool_calls(message: Json) -> tuple[ToolCall, ...]:
    """Read the calls a message proposes; arguments that are no text are written as JSON."""
    if "tool_calls" not in message and "function_call" not in message:
        return ()
    calls = []
    for call in objects_of(message.get("tool_calls")):
        function, custom = mapping_of(call.get("function")), mapping_of(call.get("custom"))
        calls.append(
            ToolCall(
                id=text_of(call.get("id")),
                name=text_of(function.get("name") or custom.get("name")),
                arguments=json_text_of(function.get("arguments") or custom.get("input")),
            )
        )
    if old := mapping_of(message.get("function_call")):
        arguments = json_text_of(old.get("arguments"))
        calls.append(ToolCall(id="", name=text_of(old.get("name")), arguments=arguments))
    return tuple(calls)


def without_arguments(message: Json) -> Json:
    """Return a message without its calls' arguments, which are judged as such; the same if it has none."""
    if message.get("tool_calls") is None and message.get("function_call") is None:
        return message
    new = dict(message)
    if "function_call" in new:
        new["function_call"] = _without(mapping_of(new["function_call"]), "arguments")
    if "tool_calls" in new:
        new["tool_calls"] = [_bare(call) for call in objects_of(new["tool_calls"])]
    return new


def _bare(call: Json) -> Json:
    kinds = {kind: mapping_of(call[kind]) for kind in _ARGUMENTS if call.get(kind) is not None}
    return {**call, **{kind: _without(part, _ARGUMENTS[kind]) for kind, part in kinds.items()}}


def _without(value: Json, name: str) -> Json:
    return {key: part for key, part in value.items() if key != name}


def with_fixed_names(leaves: Iterable[Leaf]) -> Iterator[Leaf]:
    """Give the leaves of a message back, names of tools as what can hold no mask: another would be called."""
    for leaf in leaves:
        is_name = leaf.path[-1] == "name" and leaf.path[-2] in ("function", "custom", "function_call")
        yield Leaf(leaf.path, leaf.text, LeafKind.NAME) if is_name else leaf


def write_tool_calls(message: Json, calls: Sequence[ToolCall]) -> Json:
    """Return a copy of a message that proposes only these calls, each with its arguments as given here."""
    new = deepcopy(message)
    left = list(calls)
    raws = objects_of(new.get("tool_calls"))
    kept = []
    for raw, call in zip(raws, read_tool_calls({"tool_calls": raws}), strict=True):
        given = take_call(left, call.id, call.name)
        if given is None:
            continue
        if given.arguments != call.arguments:
            kind = "custom" if "custom" in raw else "function"
            _write_arguments(mapping_of(raw[kind]), _ARGUMENTS[kind], given.arguments)
        kept.append(raw)
    if raws:
        new["tool_calls"] = kept
    if old := mapping_of(new.get("function_call")):
        if left:
            _write_arguments(old, "arguments", left[0].arguments)
        else:
            del new["function_call"]
    return new


def _write_arguments(of: Json, name: str, arguments: str) -> None:
    if of.get(name) == arguments:
        return
    if isinstance(of.get(name), str):
        of[name] = arguments
        return
    loaded = load_object(arguments)
    if loaded is None:
        raise CheckFailed("wire", why="changed arguments are no JSON object")
    of[name] = loaded
