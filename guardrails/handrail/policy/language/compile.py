"""Compiles a checked expression to a test over known facts: three-valued, None for unknown, no exception."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from handrail.policy.language import ir
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
