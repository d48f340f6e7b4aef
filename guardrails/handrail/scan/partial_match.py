"""Turns an expression into one for its beginnings: what a text may end in when a match is still to come.

The result matches at least every non-empty beginning of every match, and may match more: most counted repeats
become uncounted ones, which keeps the automaton small. Holding back a little too much is harmless; too
little is a leak.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

FEW = 8
"""Groups that repeat at most this often keep their count; else whole paragraphs could be one beginning."""

_QUANTIFIERS = "*+?{"
_ZERO_WIDTH = frozenset({r"\b", r"\B", "^", "$", r"\A", r"\z"})


@dataclass(slots=True)
class Atom:
    """One character, class or zero-width assertion, as written, and whether it may be absent or repeated."""

    text: str
    is_optional: bool = False
    is_repeated: bool = False


@dataclass(slots=True)
class Group:
    """Alternatives in parentheses; `flags` is `(?:`, `(?i:` and the like, `most` a small upper count."""

    flags: str
    branches: "list[list[Node]]" = field(default_factory=list)
    is_optional: bool = False
    is_repeated: bool = False
    is_capture: bool = False
    most: int = 0


Node: TypeAlias = Atom | Group


class _Parser:
    """Reads the RE2 subset as far as its structure goes."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0

    def branches(self) -> list[list[Node]]:
        found: list[list[Node]] = [[]]
        while self._at < len(self._text) and self._text[self._at] != ")":
            if self._text[self._at] == "|":
                self._at += 1
                found.append([])
                continue
            node = self._node()
            self._quantify(node)
            found[-1].append(node)
        return found

    def _node(self) -> Node:
        character = self._text[self._at]
        if character == "(":
            return self._group()
        start = self._at
        if character == "[":
            self._skip_class()
        elif character == "\\":
            self._at += 4 if self._text.startswith("x", start + 1) else 2
        else:
            self._at += 1
        return Atom(self._text[start : self._at])

    def _group(self) -> Group:
        self._at += 1
        group = Group("(?:", is_capture=True)
        if self._text.startswith("?", self._at):
            end = min(i for i in (self._text.find(":", self._at), self._text.find(")", self._at)) if i >= 0)
            group.flags, group.is_capture = f"({self._text[self._at : end + 1]}", False
            self._at = end + 1
            if self._text[end] == ")":
                # Flags that hold to the end of the enclosing group: read the rest as theirs.
                group.flags = group.flags[:-1] + ":"
                group.branches = self.branches()
                return group
        group.branches = self.branches()
        self._at += 1
        return group

    def _skip_class(self) -> None:
        self._at += 2 if self._text.startswith("[^", self._at) else 1
        first = True
        while first or self._text[self._at] != "]":
            first = False
            if self._text.startswith("[:", self._at):
                self._at = self._text.index(":]", self._at) + 2
            else:
                self._at += 2 if self._text[self._at] == "\\" else 1
        self._at += 1

    def _quantify(self, node: Node) -> None:
        if self._at >= len(self._text) or self._text[self._at] not in _QUANTIFIERS:
            return
        sign = self._text[self._at]
        self._at += 1
        low, high = {"*": ("0", ""), "+": ("1", ""), "?": ("0", "1")}.get(sign, ("", ""))
        if sign == "{":
            end = self._text.index("}", self._at)
            low, comma, high = self._text[self._at : end].partition(",")
            high = high if comma else low
            self._at = end + 1
        if self._text.startswith("?", self._at):
            self._at += 1
        node.is_optional = low in ("", "0")
        node.is_repeated = high != "1"
        if isinstance(node, Group) and node.is_repeated and high and int(high) <= FEW:
            node.most = int(high)


def partial_match(expression: str, extension: str = "") -> str:
    """Return an expression for the non-empty beginnings of an expression's matches, with their extensions.

    Where the expression captures its span, a beginning reaches at least into the span: what only leads up
    to it is no secret.
    """
    branches = _Parser(expression).branches()
    if extension:
        tail = Group("(?:", _Parser(extension).branches(), is_optional=True)
        branches = [[*branch, tail] for branch in branches]
    return "|".join(_beginning(branch, _lead(branch)) for branch in branches)


def _lead(branch: list[Node]) -> int:
    """Return how many nodes of a branch come before the capture, 0 when none captures at this level."""
    return next((i for i, node in enumerate(branch) if isinstance(node, Group) and node.is_capture), 0)


def _beginning(branch: list[Node], lead: int = 0) -> str:
    """Return an expression for the beginnings of a sequence that go beyond its first `lead` nodes."""
    written = ""
    for place in range(len(branch) - 1, -1, -1):
        node = branch[place]
        if place < lead:
            written = _full(node) + (f"(?:{written})" if written else "")
        elif isinstance(node, Atom) and not node.is_optional and node.text not in _ZERO_WIDTH:
            written = _full(node) + (f"(?:{written})?" if written else "")
        else:
            own = _own_beginning(node)
            rest = f"{_full(node)}(?:{written})" if written else ""
            written = "|".join(part for part in (own, rest) if part)
    return written


def _own_beginning(node: Node) -> str:
    if isinstance(node, Atom):
        if node.text in _ZERO_WIDTH:
            return ""
        return node.text + ("+" if node.is_repeated else "")
    inner = "|".join(part for part in (_beginning(branch) for branch in node.branches) if part)
    if not inner:
        return ""
    once = f"{node.flags}{inner})"
    if not node.is_repeated:
        return once
    return f"{_body(node)}{f'{{0,{node.most - 1}}}' if node.most else '*'}{once}"


def _full(node: Node) -> str:
    if isinstance(node, Group) and node.most:
        return f"{_body(node)}{{{0 if node.is_optional else 1},{node.most}}}"
    sign = ("*" if node.is_repeated else "?") if node.is_optional else ("+" if node.is_repeated else "")
    return (node.text if isinstance(node, Atom) else _body(node)) + sign


def _body(group: Group) -> str:
    branches = ("".join(_full(node) for node in branch) for branch in group.branches)
    return f"{group.flags}{'|'.join(branches)})"
