"""Nothing walks nested values but their one reader: a second walk is a second list of the shapes it knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import handrail
import handrail_adapters

ROOTS = (Path(handrail.__file__).parent, Path(handrail_adapters.__file__).parent)
READER = ("text/values.py", "text/composites.py", "text/json_data.py", "text/thawed.py")
CONTAINERS = frozenset(
    {"Mapping", "MutableMapping", "dict", "list", "tuple", "Sequence", "Iterable", "set", "deque"}
)
NO_VALUES = {
    "policy/file": "YAML of a policy, whose schema is checked",
    "policy/language": "syntax trees of rules",
    "policy/analyse": "syntax trees of rules",
    "policy/runtime": "syntax trees of rules",
}
"""Folders whose recursion is over what handrail made itself, and what that is."""
JUDGES_NOTHING = {
    "handrail/cli/confidence.py: _shown": "prints figures of a calibration, which handrail made itself",
    "handrail/review/changes/patched_lists.py: _block": "writes words and entities into a policy's text",
    "handrail/review/changes/patched_lists.py: _flow": "writes words and entities into a policy's text",
    "handrail/text/printable.py: printable_data": "leaves out signs that no page can hold, of what is masked",
    "handrail/text/phrases.py: _flat": "names the strings of a catalogue, which handrail ships itself",
    "handrail/text/json_schema.py: _same": "compares two values of one schema, and reads none",
    "handrail/tickets/action.py: _written": "writes JSON that was parsed, and refuses what else there is",
    "handrail/tickets/model.py: _written": "makes what a ticket already holds writable, letter by letter",
    "handrail/tickets/edit.py: _between": "names the places where an edit differs; what it shows is masked",
    "handrail_adapters/tickets_rest.py: _body": "fills the body that a channel's own settings hold",
}
"""Functions that go through JSON without deciding what of it is judged, and what they do."""


def walks(source: str) -> Iterator[str]:
    """Functions that call themselves and tell containers apart by their type."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and _recurses(node)
            and _tells_apart(node)
        ):
            yield node.name


def _recurses(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            # A method of another object with the same name is no recursion.
            own = isinstance(called, ast.Name) or getattr(getattr(called, "value", None), "id", "") in (
                "self",
                "cls",
            )
            if name == function.name and own:
                return True
    return False


def _tells_apart(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.MatchClass) and getattr(node.cls, "id", "") in CONTAINERS:
            return True
        if isinstance(node, (ast.MatchMapping, ast.MatchSequence)):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            named = {inner.id for inner in ast.walk(node.args[1]) if isinstance(inner, ast.Name)}
            if named & CONTAINERS:
                return True
    return False


def found() -> list[str]:
    told = []
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            place = path.relative_to(root).as_posix()
            if place not in READER and not place.startswith(tuple(NO_VALUES)):
                told += [f"{root.name}/{place}: {name}" for name in walks(path.read_text())]
    return told


def test_nothing_but_the_one_reader_walks_nested_values() -> None:
    # One that is named and gone is taken off the list.
    assert sorted(found()) == sorted(JUDGES_NOTHING)


@pytest.mark.parametrize(
    "source",
    [
        "def f(v):\n    return [f(x) for x in v] if isinstance(v, list) else v",
        "class C:\n    def f(self, v):\n        match v:\n            case {}:\n                self.f(v)",
    ],
)
def test_a_second_walk_would_be_seen(source: str) -> None:
    assert list(walks(source)) == ["f"]
