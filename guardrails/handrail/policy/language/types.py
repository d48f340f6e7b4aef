"""Checks an expression against the declared facts and brings it into its logical form."""

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from handrail.policy.language import ir
from handrail.policy.language.ast import ExpressionError, ListLiteral, Literal, Name, Node, Operation, Percent
from handrail.policy.language.facts import ORDERED, FactDeclaration, Kind
from handrail.policy.language.hints import percent_hint, word_hint
from handrail.policy.language.sources import threshold_hint
from handrail.records import Money
from handrail.text.suggest import near

Facts: TypeAlias = Mapping[str, FactDeclaration]

SUMMABLE = frozenset({Kind.NUMBER, Kind.WHOLE, Kind.MONEY, Kind.DURATION})
NUMBERS = frozenset({Kind.NUMBER, Kind.WHOLE, Kind.PERCENT})
"""Types that compare with bare numbers."""

WORDS = frozenset({Kind.ONE_OF, Kind.WEEKDAY, Kind.TEXT})
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_HINTS = {
    frozenset({Kind.MONEY, Kind.NUMBER}): " - write a currency, e.g. '200 USD'",
    frozenset({Kind.DURATION, Kind.NUMBER}): " - write a unit, e.g. '30 days'",
    frozenset({Kind.TIME, Kind.NUMBER}): " - write a time of day, e.g. '22:00'",
    frozenset({Kind.TIME, Kind.TEXT}): " - write it without quotes, e.g. 22:00",
    frozenset({Kind.DATE, Kind.NUMBER}): " - write a date, e.g. 2026-12-31",
    frozenset({Kind.DATE, Kind.TEXT}): " - write it without quotes, e.g. 2026-12-31",
    frozenset({Kind.MONEY, Kind.TEXT}): " - write it without quotes, e.g. 200 USD",
    frozenset({Kind.DURATION, Kind.TEXT}): " - write it without quotes, e.g. 30 days",
    frozenset({Kind.YES_NO, Kind.TEXT}): " - write yes or no without quotes",
    frozenset({Kind.SET, Kind.TEXT}): " - write 'has' to ask what a set holds",
}


def formula_of(node: Node, facts: Facts) -> ir.Formula:
    """Return the logical form of an expression that yields yes or no.

    Raises:
        ExpressionError: a fact is not declared, or types do not fit.
    """
    match node:
        case Literal(value=bool() as value):
            return ir.Always(value)
        case Literal():
            raise ExpressionError("expected a condition, found a constant", node.at)
        case ListLiteral():
            raise ExpressionError("a list may only follow 'in'", node.at)
        case Name():
            declaration = declared(node, facts)
            if declaration.type is not Kind.YES_NO:
                raise ExpressionError(
                    f"{node.name} is {_a(declaration.type)}, not yes/no; compare it with something", node.at
                )
            return ir.Truth(node.name)
        case Operation(operator="group"):
            return formula_of(node.operands[0], facts)
        case Operation(operator="and"):
            return ir.And(tuple(formula_of(part, facts) for part in node.operands))
        case Operation(operator="or"):
            return ir.Or(tuple(formula_of(part, facts) for part in node.operands))
        case Operation(operator="not"):
            return ir.Not(formula_of(node.operands[0], facts))
        case Operation():
            build = _BUILDERS.get(node.operator)
            if build is None:
                raise ExpressionError("expected a condition, found a sum", node.at)
            return build(node, facts)


def declared(node: Name, facts: Facts) -> FactDeclaration:
    """Return a fact's declaration, or raise with the nearest declared name."""
    if node.name in facts:
        return facts[node.name]
    threshold = threshold_hint(node.name)
    if threshold is not None:
        raise ExpressionError(f"{node.name} {threshold}", node.at)
    said = word_hint(node.name)
    if said is not None:
        raise ExpressionError(f"'{node.name}': {said}", node.at)
    raise ExpressionError(f"fact '{node.name}' is not declared{near(node.name, list(facts))}", node.at)


def _a(kind: Kind) -> str:
    return {Kind.ONE_OF: "one of several values", Kind.MONEY: "money", Kind.TEXT: "text"}.get(
        kind, f"a {kind}"
    )


def _ungrouped(node: Node) -> Node:
    while isinstance(node, Operation) and node.operator == "group":
        node = node.operands[0]
    return node


def _kind(node: Node, facts: Facts) -> Kind:
    node = _ungrouped(node)
    match node:
        case Name():
            return declared(node, facts).type
        case Literal(value=value):
            return _kind_of_constant(value)
        case Operation(operator="+" | "-"):
            kinds = [_kind(part, facts) for part in node.operands]
            for kind, part in zip(kinds, node.operands, strict=True):
                if kind not in SUMMABLE:
                    raise ExpressionError(f"cannot add or subtract {_a(kind)}", part.at)
            return _common(kinds[0], kinds[1], node.at, "add")
        case Operation():
            return Kind.YES_NO
        case _:
            raise ExpressionError("a list may only follow 'in'", node.at)


def _kind_of_constant(value: object) -> Kind:
    match value:
        case bool():
            return Kind.YES_NO
        case Percent():
            return Kind.PERCENT
        case Decimal():
            return Kind.NUMBER
        case Money():
            return Kind.MONEY
        case timedelta():
            return Kind.DURATION
        case time():
            return Kind.TIME
        case date():
            return Kind.DATE
        case _:
            return Kind.TEXT


def _common(left: Kind, right: Kind, at: int, verb: str) -> Kind:
    both = {Kind.NUMBER if kind in NUMBERS else kind for kind in (left, right)}
    if len(both) == 1 or both <= WORDS:
        return Kind.NUMBER if left in NUMBERS else left
    hint = _HINTS.get(frozenset(both), "")
    raise ExpressionError(f"cannot {verb} {_a(left)} with {_a(right)}{hint}", at)


def _compare(node: Operation, facts: Facts) -> ir.Formula:
    left, right = (_ungrouped(part) for part in node.operands)
    _hint_quotes(left, right, facts)
    kind = _common(_kind(left, facts), _kind(right, facts), node.at, "compare")
    if kind is Kind.SET:
        raise ExpressionError("sets do not compare; ask 'x has \"y\"'", node.at)
    if node.operator not in ("==", "!=") and kind not in ORDERED:
        raise ExpressionError(f"{_a(kind)} has no order; only == and != apply", node.at)
    if isinstance(left, Literal) and isinstance(right, Literal):
        raise ExpressionError("both sides are constants", node.at)
    if isinstance(right, Name) and isinstance(left, Literal):
        return _against_constant(MIRRORED[node.operator], right, left, facts)
    if isinstance(left, Name) and isinstance(right, Literal):
        return _against_constant(node.operator, left, right, facts)
    if any(isinstance(side, Operation) and side.operator not in "+-" for side in (left, right)):
        raise ExpressionError("conditions do not compare; join them with and, or, not", node.at)
    terms = (*_terms(left, 1, facts), *_terms(right, 1, facts))
    if not any(term.is_fact for term in terms):
        raise ExpressionError("both sides are constants", node.at)
    _check_currencies(terms, node, facts)
    return ir.Relation(node.operator, _terms(left, 1, facts), _terms(right, 1, facts))


def _check_currencies(terms: tuple[ir.Term, ...], node: Operation, facts: Facts) -> None:
    """Refuse what never compares: amounts that are in no currency together."""
    found: frozenset[str] | None = None
    for term in terms:
        if term.is_fact and facts[str(term.value)].type is Kind.MONEY:
            own = frozenset(facts[str(term.value)].currencies)
        elif isinstance(term.value, Money):
            own = frozenset({term.value.currency})
        else:
            continue
        if found is not None and own and not found & own:
            known, other = ", ".join(sorted(found)), ", ".join(sorted(own))
            raise ExpressionError(f"amounts in {known} and in {other} never compare", node.at)
        found = own if found is None else found & own


def _hint_quotes(left: Node, right: Node, facts: Facts) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Name) and isinstance(other, Name) and other.name not in facts:
            declaration = facts.get(one.name)
            if declaration is not None and declaration.type in WORDS:
                raise ExpressionError(
                    f"'{other.name}' is not a fact; write \"{other.name}\" in quotes", other.at
                )


def _against_constant(operator: str, name: Name, literal: Literal, facts: Facts) -> ir.Formula:
    declaration, value = declared(name, facts), literal.value
    if isinstance(value, bool):
        return ir.Truth(name.name) if value is (operator == "==") else ir.Not(ir.Truth(name.name))
    if isinstance(value, str):
        _check_word(declaration, literal)
        member = ir.Member(name.name, frozenset({value}))
        return member if operator == "==" else ir.Not(member)
    _check_size(declaration, literal)
    return ir.Order(operator, name.name, value)


def _check_word(declaration: FactDeclaration, literal: Literal) -> None:
    is_open = declaration.type is Kind.TEXT and not declaration.values
    if not is_open and literal.value not in declaration.values:
        hint = near(str(literal.value), declaration.values)
        raise ExpressionError(f"'{literal.value}' is not a value of {declaration.name}{hint}", literal.at)


def _check_size(declaration: FactDeclaration, literal: Literal) -> None:
    value = literal.value
    if isinstance(value, Percent) and declaration.type is not Kind.PERCENT:
        said = percent_hint(f"{value}%")
        raise ExpressionError(f"{declaration.name} is {_a(declaration.type)}; {said}", literal.at)
    if isinstance(value, Money) and value.currency not in declaration.currencies:
        known = ", ".join(declaration.currencies)
        cure = f"Compare with one of these, or add {value.currency} to its `currencies:`"
        raise ExpressionError(
            f"{declaration.name} is never in {value.currency}; declared: {known}. {cure}", literal.at
        )


def _terms(node: Node, sign: int, facts: Facts) -> tuple[ir.Term, ...]:
    node = _ungrouped(node)
    match node:
        case Name():
            declared(node, facts)
            return (ir.Term(sign, node.name, True),)
        case Literal(value=value):
            return (ir.Term(sign, value, False),)
        case Operation(operator="+" | "-" as operator, operands=(left, right)):
            second = sign if operator == "+" else -sign
            return (*_terms(left, sign, facts), *_terms(right, second, facts))
        case _:
            raise ExpressionError("expected a fact or a constant", node.at)


def _contained(node: Operation, facts: Facts) -> ir.Formula:
    left, right = (_ungrouped(part) for part in node.operands)
    if isinstance(right, Name):
        return _holds(right, left, node, facts)
    if not isinstance(right, ListLiteral):
        raise ExpressionError("'in' must be followed by a list in [ ] or a set", node.at)
    if not isinstance(left, Name):
        raise ExpressionError("'in [..]' must follow a fact", node.at)
    if not right.items:
        raise ExpressionError("the list is empty", right.at)
    declaration = declared(left, facts)
    for item in right.items:
        _common(declaration.type, _kind_of_constant(item.value), item.at, "compare")
    if declaration.type in WORDS:
        for item in right.items:
            _check_word(declaration, item)
        return ir.Member(left.name, frozenset(str(item.value) for item in right.items))
    parts = tuple(_against_constant("==", left, item, facts) for item in right.items)
    return ir.Or(parts) if len(parts) > 1 else parts[0]


def _not_contained(node: Operation, facts: Facts) -> ir.Formula:
    return ir.Not(_contained(node, facts))


def _has(node: Operation, facts: Facts) -> ir.Formula:
    left, right = (_ungrouped(part) for part in node.operands)
    if not isinstance(left, Name):
        raise ExpressionError("'has' must follow a set", node.at)
    if isinstance(right, Name) and right.name in facts.get(left.name, _NO_FACT).values:
        right = Literal(right.name, right.at)
    return _holds(left, right, node, facts)


_NO_FACT = FactDeclaration(name="", type=Kind.TEXT)


def _holds(name: Name, item: Node, node: Operation, facts: Facts) -> ir.Formula:
    declaration = declared(name, facts)
    if declaration.type is not Kind.SET:
        raise ExpressionError(f"{name.name} is {_a(declaration.type)}, not a set", name.at)
    if not isinstance(item, Literal) or not isinstance(item.value, str):
        raise ExpressionError("a set holds text; write it in quotes", item.at)
    _check_word(declaration, item)
    return ir.Holds(name.name, item.value)


def _missing(node: Operation, facts: Facts) -> ir.Formula:
    name = _ungrouped(node.operands[0])
    if not isinstance(name, Name):
        raise ExpressionError("only a fact can be missing or known", node.at)
    return ir.Missing(declared(name, facts).name)


def _known(node: Operation, facts: Facts) -> ir.Formula:
    return ir.Not(_missing(node, facts))


_BUILDERS: Mapping[str, Callable[[Operation, Facts], ir.Formula]] = {
    **dict.fromkeys(MIRRORED, _compare),
    "in": _contained,
    "not in": _not_contained,
    "has": _has,
    "is missing": _missing,
    "is known": _known,
}
