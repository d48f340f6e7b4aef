"""Declares what `input.findings.email other_than customer.email` asks: a yes/no fact of that name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handrail.policy.language import sources
from handrail.policy.language.ast import ExpressionError, Name, Node, Operation
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.grammar import OTHER_THAN
from handrail.records import Stage
from handrail.text.suggest import near

_COMPARED = frozenset({Kind.TEXT, Kind.ONE_OF, Kind.SET})
_ORDER = tuple(Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A comparison of a finding with a fact: its declaration, and the names of the two facts it reads."""

    declaration: FactDeclaration
    found: str
    of: str


def compared_in(node: Node, facts: Mapping[str, FactDeclaration]) -> Iterator[Compared]:
    """Yield the comparisons of findings with facts in an expression.

    Raises:
        ExpressionError: one names no declared finding, or no fact that holds texts.
    """
    if isinstance(node, Name) and OTHER_THAN in node.name:
        yield _compared(node, facts)
    for inner in node.operands if isinstance(node, Operation) else ():
        yield from compared_in(inner, facts)


def _compared(node: Name, facts: Mapping[str, FactDeclaration]) -> Compared:
    left, _, of = node.name.partition(OTHER_THAN)
    name, _, type_ = left.rpartition(".")
    found = facts.get(name)
    if found is None or not isinstance(found.source, sources.FINDINGS):
        declared = [one for one, fact in facts.items() if isinstance(fact.source, sources.FINDINGS)]
        example = f"{declared[0] if declared else 'input.findings'}.{type_ or 'email'}"
        said = "what was found stands on the left of `other_than`"
        cure = "" if declared else "; declare input.findings: {type: set, values: [email]}"
        raise ExpressionError(f"{said}, e.g. {example} other_than {of}{cure}", node.at)
    if type_ not in found.values:
        raise ExpressionError(f"'{type_}' is not a value of {name}{near(type_, found.values)}", node.at)
    fact = facts.get(of)
    if fact is None:
        raise ExpressionError(f"fact '{of}' is not declared{near(of, facts)}", node.at)
    if fact.type not in _COMPARED or isinstance(fact.source, sources.FINDINGS):
        raise ExpressionError(
            f"{of} is {fact.type}; what was found is compared with a text or a set", node.at
        )
    source = sources.OtherThan(
        found=name,
        place=found.source,
        type=type_,
        of=of,
        stage=max(found.stage, fact.stage, key=_ORDER.index),
    )
    return Compared(
        declaration=FactDeclaration(name=node.name, type=Kind.YES_NO, source=source), found=name, of=of
    )
