"""Expressions as they were written: one node a construct, each with its place in the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail.policy.language.facts import UNITS, read_duration, read_time
from handrail.records import Money
from handrail.text.suggest import near

if TYPE_CHECKING:
    from lark import Token

MAX_LENGTH, MAX_DEPTH, MAX_NODES = 2000, 40, 200

Constant: TypeAlias = bool | Decimal | timedelta | time | Money | str


class ExpressionError(Exception):
    """An expression cannot be used; `at` is the offset of what is wrong."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem, self.at = problem, at


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant, with the words it was written in."""

    value: Constant
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A fact."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Listing:
    """`[a, b]`; constants only."""

    items: tuple[Literal, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its operands; `operator` is its word in the grammar."""

    operator: str
    operands: "tuple[Node, ...]"
    at: int
    depth: int
    size: int


Node: TypeAlias = Literal | Name | Listing | Operation


def _operation(operator: str, operands: "tuple[Node, ...]", at: int) -> Operation:
    inner = [node for node in operands if isinstance(node, Operation)]
    depth = 1 + max((node.depth for node in inner), default=1)
    size = 1 + sum(node.size for node in inner) + len(operands) - len(inner)
    size += sum(len(node.items) for node in operands if isinstance(node, Listing))
    if depth > MAX_DEPTH:
        raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", at)
    if size > MAX_NODES:
        raise ExpressionError(f"more than {MAX_NODES} parts", at)
    return Operation(operator, operands, at, depth, size)


def _at(found: "Sequence[Token | Node]") -> int:
    if not found:
        return 0
    first = found[0]
    return (first.start_pos or 0) if isinstance(first, str) else first.at


class AstBuilder:
    """Builds nodes while the text is parsed, so that no deep recursion can happen; one method per rule."""

    def amount(self, found: "list[Token]") -> Node:
        text = str(found[0])
        money = Money(amount=Decimal(text[:-3].strip()), currency=text[-3:])
        return Literal(money, _at(found))

    def span(self, found: "list[Token]") -> Node:
        text = str(found[0])
        value = read_duration(text)
        if value is None:
            unit = text.lstrip("-0123456789. \t\n")
            words = [word for unit in UNITS for word in (unit, f"{unit}s")]
            hint = near(unit, words) or f"; a duration is written in {', '.join(words[1::2])}"
            raise ExpressionError(f"'{unit}' is no unit{hint}", _at(found))
        return Literal(value, _at(found))

    def clock(self, found: "list[Token]") -> Node:
        value = read_time(str(found[0]))
        if value is None:
            raise ExpressionError(f"'{found[0]}' is no time of day; write 00:00 to 23:59", _at(found))
        return Literal(value, _at(found))

    def number(self, found: "list[Token]") -> Node:
        return Literal(Decimal(str(found[0])), _at(found))

    def string(self, found: "list[Token]") -> Node:
        return Literal(str(found[0])[1:-1], _at(found))

    def yes(self, found: "list[Token]") -> Node:
        return Literal(True, _at(found))

    def no(self, found: "list[Token]") -> Node:
        return Literal(False, _at(found))

    def name(self, found: "list[Token]") -> Node:
        return Name(str(found[0]), _at(found))

    def group(self, found: list[Node]) -> Node:
        inner = found[0]
        # Parentheses count towards the depth, so that a wall of them is refused like any other nesting.
        return _operation("group", (inner,), _at(found))

    def listing(self, found: list[Node]) -> Node:
        return Listing(tuple(node for node in found if isinstance(node, Literal)), _at(found))

    def compare(self, found: list[Any]) -> Node:
        left, operator, right = found
        return _operation(str(operator), (left, right), _at(found))

    def any_of(self, found: list[Node]) -> Node:
        return _operation("or", tuple(found), _at(found))

    def all_of(self, found: list[Node]) -> Node:
        return _operation("and", tuple(found), _at(found))

    def negation(self, found: list[Node]) -> Node:
        return _operation("not", tuple(found), _at(found))

    def contained(self, found: list[Node]) -> Node:
        return _operation("in", tuple(found), _at(found))

    def not_contained(self, found: list[Node]) -> Node:
        return _operation("not in", tuple(found), _at(found))

    def has(self, found: list[Node]) -> Node:
        return _operation("has", tuple(found), _at(found))

    def is_missing(self, found: list[Node]) -> Node:
        return _operation("is missing", tuple(found), _at(found))

    def is_known(self, found: list[Node]) -> Node:
        return _operation("is known", tuple(found), _at(found))

    def plus(self, found: list[Node]) -> Node:
        return _operation("+", tuple(found), _at(found))

    def minus(self, found: list[Node]) -> Node:
        return _operation("-", tuple(found), _at(found))
