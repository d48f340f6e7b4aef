"""Boxes: where a formula is certainly true, or certainly false, as unions of boxes over facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from handrail.policy.analyse.extents import Among, Extent, Gone, Holding, Span, meet, size_of, whole
from handrail.policy.facts import FactDeclaration, Kind
from handrail.policy.logic import (
    Always,
    And,
    Atom,
    Formula,
    Holds,
    Member,
    Missing,
    Not,
    Or,
    Order,
    Relation,
    Truth,
    atoms,
)
from handrail.records import Money

MAX_BOXES = 512
MAX_MEETINGS = 32_768

Box: TypeAlias = Mapping[str, Extent]
"""What each fact may be; a fact that is not in it may be anything, also missing."""

EVERYTHING: Box = {}

NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class NotBoxable(Exception):
    """A formula compares facts with each other, or has too many alternatives."""


@dataclass(frozen=True, slots=True)
class Space:
    """The facts of a policy and the texts that its rules name: what boxes are made over."""

    facts: Mapping[str, FactDeclaration]
    named: Mapping[str, frozenset[str]]
    _true: dict[int, tuple[Formula, list[Box]]] = field(default_factory=dict, compare=False, repr=False)

    def whole(self, fact: str) -> Extent:
        """Return everything the fact may be while it is known."""
        return whole(self.facts[fact], self.named.get(fact, frozenset()))

    def meet(self, one: Box, other: Box) -> Box | None:
        """Return what two boxes share, None if nothing."""
        if not one:
            return other
        shared: dict[str, Extent] | None = None
        for fact, extent in other.items():
            mine = one.get(fact)
            if mine is None:
                both: Extent | None = extent
            else:
                both = meet(mine, extent, is_whole=self.facts[fact].type is Kind.WHOLE)
            if both is None:
                return None
            if both is not mine:
                shared = dict(one) if shared is None else shared
                shared[fact] = both
        return one if shared is None else shared

    def both(self, ones: Sequence[Box], others: Sequence[Box]) -> list[Box]:
        """Return the boxes that two unions share.

        Raises:
            NotBoxable: there are too many.
        """
        if len(ones) * len(others) > MAX_MEETINGS:
            raise NotBoxable
        found = []
        for one in ones:
            for other in others:
                shared = self.meet(one, other)
                if shared is not None:
                    found.append(shared)
                    if len(found) > MAX_BOXES:
                        raise NotBoxable
        return found

    def outside(self, fact: str, extent: Extent, *, also_missing: bool = True) -> list[Extent]:
        """Return what a fact may be outside an extent, as disjoint extents."""
        gone: list[Extent] = [Gone()] if also_missing and not isinstance(extent, Gone) else []
        everything = self.whole(fact)
        match extent, everything:
            case Gone(), _:
                return [everything]
            case Among(values=values), Among(values=all_values):
                rest = all_values - values
                return [*gone, Among(rest)] if rest else gone
            case Holding(), _:
                return [*gone, *_outside_set(extent)]
            case Span(), Span():
                spans = _outside_span(extent, everything)
                is_whole = self.facts[fact].type is Kind.WHOLE
                met = (meet(everything, span, is_whole=is_whole) for span in spans)
                return [*gone, *(span for span in met if span is not None)]
            case _:
                return gone

    def true(self, formula: Formula) -> list[Box]:
        """Return where a formula is certainly true; worked out once for each formula."""
        kept = self._true.get(id(formula))
        if kept is None:
            # The formula is kept with its boxes, so that its id cannot be given to another one.
            kept = (formula, self._boxes(formula, is_true=True, is_certain=True))
            self._true[id(formula)] = kept
        return kept[1]

    def false(self, formula: Formula) -> list[Box]:
        """Return where a formula is certainly false."""
        return self._boxes(formula, is_true=False, is_certain=True)

    def not_false(self, formula: Formula) -> list[Box]:
        """Return where a formula is true or unknown."""
        return self._boxes(formula, is_true=True, is_certain=False)

    def not_true(self, formula: Formula) -> list[Box]:
        """Return where a formula is false or unknown."""
        return self._boxes(formula, is_true=False, is_certain=False)

    def _boxes(self, formula: Formula, *, is_true: bool, is_certain: bool) -> list[Box]:
        match formula:
            case Not(inner=inner):
                return self._boxes(inner, is_true=not is_true, is_certain=is_certain)
            case And(parts=parts) | Or(parts=parts):
                each = [self._boxes(part, is_true=is_true, is_certain=is_certain) for part in parts]
                if isinstance(formula, And) is is_true:
                    return self._all(each)
                union = [box for boxes in each for box in boxes]
                if len(union) > MAX_BOXES:
                    raise NotBoxable
                return union
            case _:
                boxes = self._atom(formula, is_true=is_true)
                return boxes if is_certain else [*boxes, *self._unknown(formula)]

    def _all(self, each: Iterable[Sequence[Box]]) -> list[Box]:
        found: list[Box] = [EVERYTHING]
        for boxes in each:
            found = self.both(found, boxes)
        return found

    def _atom(self, atom: Atom, *, is_true: bool) -> list[Box]:
        match atom:
            case Always(value=value):
                return [EVERYTHING] if value is is_true else []
            case Truth(fact=fact):
                return [{fact: Among(frozenset({is_true}))}]
            case Missing(fact=fact):
                return [{fact: Gone() if is_true else self.whole(fact)}]
            case Member(fact=fact, values=values):
                everything = self.whole(fact)
                assert isinstance(everything, Among)
                chosen = everything.values & values if is_true else everything.values - values
                return [{fact: Among(chosen)}] if chosen else []
            case Holds(fact=fact, item=item):
                items = frozenset({item})
                return [{fact: Holding(inside=items) if is_true else Holding(outside=items)}]
            case Order():
                return self._order(atom, is_true=is_true)
            case Relation():
                raise NotBoxable

    def _order(self, atom: Order, *, is_true: bool) -> list[Box]:
        operator = atom.operator if is_true else NEGATED[atom.operator]
        bound = size_of(atom.bound)
        currencies = frozenset({atom.bound.currency}) if isinstance(atom.bound, Money) else frozenset[str]()
        below, above = Span(None, bound, False, True, currencies), Span(bound, None, True, False, currencies)
        spans = {
            "==": [Span(bound, bound, False, False, currencies)],
            "!=": [below, above],
            "<": [below],
            "<=": [Span(None, bound, False, False, currencies)],
            ">": [above],
            ">=": [Span(bound, None, False, False, currencies)],
        }[operator]
        is_whole = self.facts[atom.fact].type is Kind.WHOLE
        met = (meet(self.whole(atom.fact), span, is_whole=is_whole) for span in spans)
        return [{atom.fact: extent} for extent in met if extent is not None]

    def _unknown(self, atom: Atom) -> list[Box]:
        match atom:
            case Always() | Missing():
                return []
            case Relation():
                raise NotBoxable
            case Order(fact=fact, bound=Money(currency=currency)):
                others = frozenset(self.facts[fact].currencies) - {currency}
                foreign: list[Box] = [{fact: Span(currencies=others)}] if others else []
                return [{fact: Gone()}, *foreign]
            case _:
                return [{atom.fact: Gone()}]


def space_of(facts: Mapping[str, FactDeclaration], formulas: Iterable[Formula]) -> Space:
    """Return the space that some formulas live in; pure."""
    named: dict[str, frozenset[str]] = {}
    for formula in formulas:
        for atom in atoms(formula):
            if isinstance(atom, Member):
                named[atom.fact] = named.get(atom.fact, frozenset()) | atom.values
    return Space(facts, named)


def _outside_set(extent: Holding) -> list[Extent]:
    found: list[Extent] = []
    inside: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    for item in sorted(extent.inside):
        found.append(Holding(inside, outside | {item}))
        inside |= {item}
    for item in sorted(extent.outside):
        found.append(Holding(inside | {item}, outside))
        outside |= {item}
    return found


def _outside_span(extent: Span, everything: Span) -> list[Span]:
    found = []
    if extent.low is not None:
        found.append(Span(None, extent.low, False, not extent.is_low_open, extent.currencies))
    if extent.high is not None:
        found.append(Span(extent.high, None, not extent.is_high_open, False, extent.currencies))
    others = everything.currencies - extent.currencies
    if others:
        found.append(Span(currencies=others))
    return found
