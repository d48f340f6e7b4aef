"""Boxes over facts: where a formula is certainly true, or certainly false, as unions of boxes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal
from typing import TypeAlias

from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.ir import (
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
    Size,
    Truth,
    atoms,
)
from handrail.records import Money

OTHER = "\0other"
"""Stands for every text that no rule names."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The fact is missing."""


@dataclass(frozen=True, slots=True)
class Among:
    """The fact is one of finitely many values."""

    values: frozenset[str | bool]


@dataclass(frozen=True, slots=True)
class Holding:
    """A set that holds some items and lacks others."""

    inside: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Span:
    """A size between two bounds, None for no bound; money also has the currencies it may be in."""

    low: Decimal | None = None
    high: Decimal | None = None
    is_low_open: bool = False
    is_high_open: bool = False
    currencies: frozenset[str] = frozenset()


Extent: TypeAlias = Gone | Among | Holding | Span

DAY = Decimal(86400)


def size_of(value: Size) -> Decimal:
    """Return a size as a number: seconds for durations and times of day, the amount for money; pure."""
    match value:
        case Money(amount=amount):
            return amount
        case timedelta():
            return Decimal(value.days * 86400 + value.seconds) + Decimal(value.microseconds) / 1_000_000
        case time():
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return Decimal(seconds) + Decimal(value.microsecond) / 1_000_000
        case _:
            return value


def whole(fact: FactDeclaration, named: frozenset[str]) -> Extent:
    """Return everything a known fact may be; `named` are the texts that rules name, for text facts."""
    match fact.type:
        case Kind.YES_NO:
            return Among(frozenset({True, False}))
        case Kind.ONE_OF | Kind.WEEKDAY:
            return Among(frozenset(fact.values))
        case Kind.TEXT:
            return Among(named | {OTHER})
        case Kind.SET:
            return Holding()
        case Kind.TIME:
            return Span(Decimal(0), DAY, False, True)
        case Kind.MONEY:
            return Span(low=Decimal(0), currencies=frozenset(fact.currencies))
        case _:
            low = None if fact.least is None else size_of(fact.least)
            high = None if fact.most is None else size_of(fact.most)
            return Span(low, high)


def meet(one: Extent, other: Extent, *, is_whole: bool = False) -> Extent | None:
    """Return what two extents share, None if nothing; `is_whole` for whole numbers. Pure."""
    match one, other:
        case Gone(), Gone():
            return one
        case Among(values=a), Among(values=b):
            return Among(a & b) if a & b else None
        case Holding(), Holding():
            inside, outside = one.inside | other.inside, one.outside | other.outside
            return None if inside & outside else Holding(inside, outside)
        case Span(), Span():
            return _meet_spans(one, other, is_whole=is_whole)
        case _:
            return None


def _meet_spans(one: Span, other: Span, *, is_whole: bool) -> Span | None:
    low, is_low_open = one.low, one.is_low_open
    if other.low is not None and (low is None or other.low > low):
        low, is_low_open = other.low, other.is_low_open
    elif other.low == low:
        is_low_open = is_low_open or other.is_low_open
    high, is_high_open = one.high, one.is_high_open
    if other.high is not None and (high is None or other.high < high):
        high, is_high_open = other.high, other.is_high_open
    elif other.high == high:
        is_high_open = is_high_open or other.is_high_open
    currencies = one.currencies & other.currencies
    if bool(one.currencies) and not currencies:
        return None
    found = Span(low, high, is_low_open, is_high_open, currencies)
    if is_whole:
        found = _rounded(found)
    return None if is_empty(found) else found


def is_empty(span: Span) -> bool:
    """True when no size lies in a span."""
    if span.low is None or span.high is None:
        return False
    return span.low > span.high or (span.low == span.high and (span.is_low_open or span.is_high_open))


def _rounded(span: Span) -> Span:
    low, high = span.low, span.high
    if low is not None:
        up = low.to_integral_value(rounding="ROUND_CEILING")
        low = up + 1 if span.is_low_open and up == low else up
    if high is not None:
        down = high.to_integral_value(rounding="ROUND_FLOOR")
        high = down - 1 if span.is_high_open and down == high else down
    return Span(low, high, False, False, span.currencies)


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
