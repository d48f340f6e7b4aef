"""From the text of a `when:` to a test over known facts: three-valued, None for unknown, no exception."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from handrail.policy.language import ir
from handrail.policy.language.ast import MAX_LENGTH, ExpressionError, Node
from handrail.policy.language.facts import FactDeclaration
from handrail.policy.language.grammar import parser
from handrail.policy.language.types import formula_of
from handrail.records import Money

KnownFacts: TypeAlias = Mapping[str, Any]
"""Facts that are known, each of its declared type; what is not in it is unknown."""

Test: TypeAlias = Callable[[KnownFacts], bool | None]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_test(formula: ir.Formula) -> Test:
    """Return a function that evaluates a formula over known facts (Kleene logic)."""
    match formula:
        case ir.Always(value=value):
            return lambda known: value
        case ir.Truth(fact=fact):
            return lambda known: known.get(fact)
        case ir.Missing(fact=fact):
            return lambda known: fact not in known
        case ir.Member(fact=fact, values=values):
            return _member(fact, values)
        case ir.Holds(fact=fact, item=item):
            return _holds(fact, item)
        case ir.Order():
            return _order(formula)
        case ir.Relation():
            return _relation(formula)
        case ir.Not(inner=inner):
            return _not(compile_test(inner))
        case ir.And(parts=parts):
            return _and(tuple(compile_test(part) for part in parts))
        case ir.Or(parts=parts):
            return _or(tuple(compile_test(part) for part in parts))


def _member(fact: str, values: frozenset[str]) -> Test:
    if len(values) == 1:
        (only,) = values

        def is_equal(known: KnownFacts) -> bool | None:
            value = known.get(fact)
            return None if value is None else value == only

        return is_equal

    def is_member(known: KnownFacts) -> bool | None:
        value = known.get(fact)
        return None if value is None else value in values

    return is_member


def _holds(fact: str, item: str) -> Test:
    def holds(known: KnownFacts) -> bool | None:
        value = known.get(fact)
        return None if value is None else item in value

    return holds


def _order(formula: ir.Order) -> Test:
    fact, bound, compare = formula.fact, formula.bound, _COMPARE[formula.operator]
    if isinstance(bound, Money):
        amount, currency = bound.amount, bound.currency

        def money(known: KnownFacts) -> bool | None:
            value = known.get(fact)
            # Another currency is not comparable: neither more nor less, so unknown.
            return None if value is None or value.currency != currency else compare(value.amount, amount)

        return money

    def size(known: KnownFacts) -> bool | None:
        value = known.get(fact)
        return None if value is None else compare(value, bound)

    return size


def _relation(formula: ir.Relation) -> Test:
    left, right = _sum(formula.left), _sum(formula.right)
    compare = _COMPARE[formula.operator]

    def related(known: KnownFacts) -> bool | None:
        one, other = left(known), right(known)
        if one is None or other is None or one[1] != other[1]:
            return None
        return compare(one[0], other[0])

    return related


def _sum(terms: tuple[ir.Term, ...]) -> Callable[[KnownFacts], tuple[Any, str] | None]:
    """Return a function that adds up; its result carries the currency, empty for what is no money."""
    items = tuple((term.sign > 0, str(term.value) if term.is_fact else "", term.value) for term in terms)

    def total(known: KnownFacts) -> tuple[Any, str] | None:
        result: Any = None
        unit = ""
        for is_added, name, constant in items:
            value: Any = known.get(name) if name else constant
            if value is None:
                return None
            currency = ""
            if type(value) is Money:
                value, currency = value.amount, value.currency
            if result is None:
                result, unit = value if is_added else -value, currency
            elif currency != unit:
                return None
            else:
                try:
                    result = result + value if is_added else result - value
                except OverflowError:
                    return None
        return result, unit

    return total


def _not(inner: Test) -> Test:
    def negated(known: KnownFacts) -> bool | None:
        value = inner(known)
        return None if value is None else not value

    return negated


def _and(parts: tuple[Test, ...]) -> Test:
    if len(parts) == 2:
        first, second = parts

        def both(known: KnownFacts) -> bool | None:
            one = first(known)
            if one is False:
                return False
            other = second(known)
            return other if one or other is False else None

        return both

    def every(known: KnownFacts) -> bool | None:
        result: bool | None = True
        for part in parts:
            value = part(known)
            if value is False:
                return False
            if value is None:
                result = None
        return result

    return every


def _or(parts: tuple[Test, ...]) -> Test:
    def some(known: KnownFacts) -> bool | None:
        result: bool | None = False
        for part in parts:
            value = part(known)
            if value is True:
                return True
            if value is None:
                result = None
        return result

    return some


RESERVED = frozenset(
    ["and", "or", "not", "in", "has", "is", "missing", "known", "yes", "no", "true", "false"]
)


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
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", MAX_LENGTH)
    try:
        node: Node = parser().parse(text)  # type: ignore[assignment]
    except UnexpectedToken as error:
        at = len(text) if error.token.type == "$END" else (error.token.start_pos or 0)
        raise ExpressionError(_unexpected(text, at), at) from None
    except UnexpectedCharacters as error:
        stopped: Any = error.pos_in_stream
        at = int(stopped)
        raise ExpressionError(_unexpected(text, at), at) from None
    except UnexpectedInput:
        raise ExpressionError("this is no expression", 0) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    return node


def with_caret(problem: str, text: str, at: int) -> str:
    """Return the problem with the line of the expression it lies in and a caret under it; pure."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)]
    column = at - start
    if len(line) > 100:
        cut = max(0, column - 50)
        line, column = line[cut : cut + 100], column - cut
    return f"{problem}\n    {line.rstrip()}\n    {' ' * column}^"


def _unexpected(text: str, at: int) -> str:
    rest = text[at:].lstrip()
    if not rest:
        return "the expression ends too early"
    if rest.startswith("=") and not rest.startswith("=="):
        return "write '==' to compare"
    if rest.startswith("("):
        return "there are no functions; what needs computing is a declared fact"
    if rest[0] in "\"'":
        return "a text that is not closed" if rest.count(rest[0]) == 1 else "a text is not expected here"
    word = rest.split(None, 1)[0][:30]
    return f"'{word}' is not expected here"
