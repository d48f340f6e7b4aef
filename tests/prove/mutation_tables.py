"""Alters what mutmut leaves alone: tables, sets, constants and names that stand outside of functions."""

import ast
from collections.abc import Iterator, Mapping, Sequence

Enums = Mapping[str, Sequence[str]]
"""The members of each enumeration of a module."""


def altered(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a line of a module became, with the text of the module altered there.

    A text or number becomes another, a member of an enumeration the next one, and no member the first one.
    A table, a set and a call of the module's own functions lose each of their elements; sets and calls of
    members gain one.
    """
    tree = ast.parse(text)
    functions = {item.name for item in tree.body if isinstance(item, ast.FunctionDef)}
    enums = {
        item.name: [line.targets[0].id for line in item.body if isinstance(line, ast.Assign)]
        for item in tree.body
        if isinstance(item, ast.ClassDef) and any("Enum" in ast.unparse(one) for one in item.bases)
    }
    for value in _values(tree, enums):
        for node in ast.walk(value):
            was = ast.unparse(node)
            for new in (*_others(node, enums), *_resized(node, enums, functions)):
                shown = f"{was} -> {new}" if len(was) < 120 else "one row less"
                yield f"line {node.lineno}: {shown}", _spliced(text, node, new)


def _values(tree: ast.Module, enums: Enums) -> Iterator[ast.expr]:
    for item in tree.body:
        if isinstance(item, ast.ClassDef) and item.name in enums:
            yield from (line.value for line in item.body if isinstance(line, ast.Assign))
        elif isinstance(item, ast.Assign | ast.AnnAssign) and "TypeAlias" not in ast.unparse(item):
            yield from [item.value] if item.value else []


def _others(node: ast.AST, enums: Enums) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield repr(f"{text}x")
        case ast.Constant(value=int(number)):
            yield repr(number + 1)
        case ast.Constant(value=None):
            yield from (f"{enum}.{members[0]}" for enum, members in [*enums.items()][:1])
        case ast.Attribute(value=ast.Name(id=enum), attr=name) if enum in enums:
            members = enums[enum]
            yield f"{enum}.{members[(members.index(name) + 1) % len(members)]}"


def _resized(node: ast.AST, enums: Enums, functions: set[str]) -> Iterator[str]:
    match node:
        case ast.Dict():
            rows = [f"{ast.unparse(key)}: {ast.unparse(value)}" for key, value in _rows(node)]
            yield from (f"{{{', '.join(kept)}}}" for kept in _without_one(rows))
        case ast.Set():
            yield from (f"{{{', '.join(items)}}}" for items in _lists(node.elts, enums))
        case ast.Call(func=ast.Name(id=name)) if name in functions:
            yield from (f"{name}({', '.join(items)})" for items in _lists(node.args, enums))


def _rows(node: ast.Dict) -> list[tuple[ast.expr, ast.expr]]:
    return [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None]


def _lists(nodes: Sequence[ast.expr], enums: Enums) -> Iterator[list[str]]:
    items = [ast.unparse(node) for node in nodes]
    yield from _without_one(items)
    for enum, members in enums.items():
        last = f"{enum}.{members[-1]}"
        if any(f"{enum}." in item for item in items) and last not in items[-1:]:
            yield [*items, last]


def _without_one(items: list[str]) -> Iterator[list[str]]:
    return (items[:at] + items[at + 1 :] for at in range(len(items)))


def _spliced(text: str, node: ast.AST, new: str) -> str:
    """Return the text with one node written anew; columns of syntax trees count bytes."""
    lines = text.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    return (text.encode()[:start] + new.encode() + text.encode()[end:]).decode()
