"""From the text of a `when:` to a checked expression; imports lark, so only reading a policy loads it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from handrail.policy.language import ir
from handrail.policy.language.ast import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_NODES,
    ExpressionError,
    ListLiteral,
    Literal,
    Name,
    Node,
    Operation,
    Percent,
)
from handrail.policy.language.facts import UNITS, FactDeclaration, read_date, read_duration, read_time
from handrail.policy.language.grammar import GRAMMAR, OTHER_THAN
from handrail.policy.language.hints import amount_hint, duration_hint, expression_hint, percent_hint
from handrail.policy.language.types import formula_of
from handrail.records import Money
from handrail.text.suggest import near


def read_expression(text: str, facts: Mapping[str, FactDeclaration]) -> ir.Formula:
    """Parse and check one expression.

    Raises:
        ExpressionError: with the offset of what is wrong.
    """
    return formula_of(parse(text), facts)


def parse(text: str) -> Node:
    """Parse one expression; nothing is evaluated.

    Raises:
        ExpressionError: it is too long, too deep, or not in the language.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH)
    try:
        node: Node = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedToken as error:
        at = len(text) if error.token.type == "$END" else (error.token.start_pos or 0)
        raise ExpressionError(_unexpected(text, at), at) from None
    except UnexpectedCharacters as error:
        stopped: Any = error.pos_in_stream
        at = int(stopped)
        raise ExpressionError(_unexpected(text, at), at) from None
    except UnexpectedInput:
        raise ExpressionError("not an expression", 0) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    return node


def _unexpected(text: str, at: int) -> str:
    rest = text[at:].lstrip()
    hint = expression_hint(text, at)
    if hint is not None:
        return hint if not rest or hint.startswith("'") else f"{_shown(rest)}: {hint}"
    if not rest:
        return "the expression ends too early"
    if rest.startswith("=") and not rest.startswith("=="):
        return "write '==' to compare"
    if rest.startswith("("):
        return "there are no functions; what needs computing is a declared fact"
    if rest[0] in "\"'":
        return "a text without a closing quote" if rest.count(rest[0]) == 1 else "a text is not expected here"
    return f"{_shown(rest)} is not expected here"


def _shown(rest: str) -> str:
    return f"'{rest.split(None, 1)[0][:30]}'"


def _operation(operator: str, operands: "tuple[Node, ...]", at: int) -> Operation:
    inner = [node for node in operands if isinstance(node, Operation)]
    depth = 1 + max((node.depth for node in inner), default=1)
    size = 1 + sum(node.size for node in inner) + len(operands) - len(inner)
    size += sum(len(node.items) for node in operands if isinstance(node, ListLiteral))
    if depth > MAX_DEPTH:
        raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", at)
    if size > MAX_NODES:
        raise ExpressionError(f"more than {MAX_NODES} parts", at)
    return Operation(operator, operands, at, depth, size)


def _at(found: Sequence[Token | Node]) -> int:
    if not found:
        return 0
    return (found[0].start_pos or 0) if isinstance(found[0], Token) else found[0].at


class AstBuilder(Transformer[Token, Node]):
    """Builds nodes while the text is parsed, so that no deep recursion can happen."""

    def amount(self, found: list[Token]) -> Node:
        text = str(found[0])
        money = Money(amount=Decimal(text[:-3].strip()), currency=text[-3:])
        return Literal(money, _at(found))

    def span(self, found: list[Token]) -> Node:
        text = str(found[0])
        value = read_duration(text)
        if value is None:
            unit = text.lstrip("-0123456789. \t\n")
            said = amount_hint(text) or percent_hint(text) or duration_hint(text)
            if said is not None:
                raise ExpressionError(f"'{text}': {said}", _at(found))
            words = [word for unit in UNITS for word in (unit, f"{unit}s")]
            hint = near(unit, words) or f"; a duration is written in {', '.join(words[1::2])}"
            raise ExpressionError(f"unknown unit '{unit}'{hint}", _at(found))
        return Literal(value, _at(found))

    def day(self, found: list[Token]) -> Node:
        value = read_date(str(found[0]))
        if value is None:
            raise ExpressionError(f"'{found[0]}' is no day of the calendar", _at(found))
        return Literal(value, _at(found))

    def percent(self, found: list[Token]) -> Node:
        return Literal(Percent(str(found[0]).removesuffix("percent").rstrip("% ")), _at(found))

    def clock(self, found: list[Token]) -> Node:
        value = read_time(str(found[0]))
        if value is None:
            raise ExpressionError(f"'{found[0]}' is not a time of day; write 00:00 to 23:59", _at(found))
        return Literal(value, _at(found))

    def number(self, found: list[Token]) -> Node:
        return Literal(Decimal(str(found[0])), _at(found))

    def string(self, found: list[Token]) -> Node:
        return Literal(str(found[0])[1:-1], _at(found))

    def yes(self, found: list[Token]) -> Node:
        return Literal(True, _at(found))

    def no(self, found: list[Token]) -> Node:
        return Literal(False, _at(found))

    def name(self, found: list[Token]) -> Node:
        return Name(str(found[0]), _at(found))

    def other_than(self, found: list[Token]) -> Node:
        return Name(OTHER_THAN.join(map(str, found)), _at(found))

    def group(self, found: list[Node]) -> Node:
        inner = found[0]
        # Parentheses count towards the depth, so that a wall of them is refused like any other nesting.
        return _operation("group", (inner,), _at(found))

    def listing(self, found: list[Node]) -> Node:
        return ListLiteral(tuple(node for node in found if isinstance(node, Literal)), _at(found))

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


@cache
def _parser() -> Lark:
    """Return the parser of one expression; it builds nodes as it goes, so depth costs no stack."""
    return Lark(GRAMMAR, parser="lalr", transformer=AstBuilder(), maybe_placeholders=False)
