"""Expressions as they were written: one node a construct, each with its place in the text."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from handrail.records import Money

MAX_LENGTH, MAX_DEPTH, MAX_NODES = 2000, 40, 200

Constant: TypeAlias = bool | Decimal | timedelta | time | date | Money | str


class Percent(Decimal):
    """A constant written with `%`; it compares with facts of that type only."""


class ExpressionError(Exception):
    """An expression cannot be used; `at` is the offset of what is wrong."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem, at)
        self.problem, self.at = problem, at

    def __str__(self) -> str:
        return self.problem

    def with_caret(self, text: str) -> str:
        """Return the problem with the line of the expression it lies in and a caret under it."""
        at = self.at
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        line = text[start : end if end >= 0 else len(text)]
        column = at - start
        if len(line) > 100:
            cut = max(0, column - 50)
            line, column = line[cut : cut + 100], column - cut
        return f"{self.problem}\n    {line.rstrip()}\n    {' ' * column}^"


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
class ListLiteral:
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


Node: TypeAlias = Literal | Name | ListLiteral | Operation
