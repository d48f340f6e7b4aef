"""Boxes: the cases in which a formula is certainly true, or certainly false, as a finite union of products.

A box says for some facts what they may be: missing, one of some values, a set with and without some items, a
size in an interval. A fact that the box does not name may be anything, also missing. Formulas are
three-valued, so each has four regions: `true`, `false`, `not_false` (true or unknown), `not_true` (false or
unknown). A conjunction is the intersection of its parts' boxes, a disjunction their union, a negation the
opposite region of its inside; this mirrors Kleene's tables, so a case lies in the union exactly if the
evaluator gives that verdict. What boxes cannot say raises `NotBoxable`. See `conflicts` for what they are
used for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from handrail.policy.language import ir
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.records import Money

OTHER = "\0other"
"""Stands for every text that no rule names."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The fact is missing."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The fact is one of finitely many values."""

    values: frozenset[str | bool]


@dataclass(frozen=True, slots=True)
class Items:
    """A set that holds some items and lacks others."""

    inside: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Interval:
    """A size between two bounds, None for no bound; money also has the currencies it may be in."""

    low: Decimal | None = None
    high: Decimal | None = None
    is_low_open: bool = False
    is_high_open: bool = False
    currencies: frozenset[str] = frozenset()


ValueSet: TypeAlias = Absent | OneOf | Items | Interval

DAY = Decimal(86400)

INTEGERS = frozenset({Kind.WHOLE, Kind.DATE})
"""Types whose sizes are whole numbers."""


def size_of(value: ir.Size) -> Decimal:
    """Return a size as a number: seconds for durations and times, days for dates, amounts for money; pure."""
    match value:
        case Money(amount=amount):
            return amount
        case timedelta():
            return Decimal(value.days * 86400 + value.seconds) + Decimal(value.microseconds) / 1_000_000
        case time():
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return Decimal(seconds) + Decimal(value.microsecond) / 1_000_000
        case date():
            return Decimal(value.toordinal())
        case _:
            return value


def all_values(fact: FactDeclaration, named: frozenset[str]) -> ValueSet:
    """Return everything a known fact may be; `named` are the texts that rules name, for text facts."""
    match fact.type:
        case Kind.YES_NO:
            return OneOf(frozenset({True, False}))
        case Kind.ONE_OF | Kind.WEEKDAY:
            return OneOf(frozenset(fact.values))
        case Kind.TEXT:
            return OneOf(named | {OTHER})
        case Kind.SET:
            return Items()
        case Kind.TIME:
            return Interval(Decimal(0), DAY, False, True)
        case Kind.DATE:
            return Interval(Decimal(date.min.toordinal()), Decimal(date.max.toordinal()))
        case Kind.MONEY:
            return Interval(low=Decimal(0), currencies=frozenset(fact.currencies))
        case _:
            low = None if fact.least is None else size_of(fact.least)
            high = None if fact.most is None else size_of(fact.most)
            return Interval(low, high)


def meet(one: ValueSet, other: ValueSet, *, is_integer: bool = False) -> ValueSet | None:
    """Return what two extents share, None if nothing; `is_integer` for whole numbers. Pure."""
    match one, other:
        case Absent(), Absent():
            return one
        case OneOf(values=a), OneOf(values=b):
            return OneOf(a & b) if a & b else None
        case Items(), Items():
            inside, outside = one.inside | other.inside, one.outside | other.outside
            return None if inside & outside else Items(inside, outside)
        case Interval(), Interval():
            return _meet_spans(one, other, is_integer=is_integer)
        case _:
            return None


def _meet_spans(one: Interval, other: Interval, *, is_integer: bool) -> Interval | None:
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
    found = Interval(low, high, is_low_open, is_high_open, currencies)
    if is_integer:
        found = _rounded(found)
    return None if is_empty(found) else found


def is_empty(span: Interval) -> bool:
    """True when no size lies in a span."""
    if span.low is None or span.high is None:
        return False
    return span.low > span.high or (span.low == span.high and (span.is_low_open or span.is_high_open))


def _rounded(span: Interval) -> Interval:
    low, high = span.low, span.high
    if low is not None:
        up = low.to_integral_value(rounding="ROUND_CEILING")
        low = up + 1 if span.is_low_open and up == low else up
    if high is not None:
        down = high.to_integral_value(rounding="ROUND_FLOOR")
        high = down - 1 if span.is_high_open and down == high else down
    return Interval(low, high, False, False, span.currencies)


MAX_BOXES = 512
MAX_MEETINGS = 32_768

Box: TypeAlias = Mapping[str, ValueSet]
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
    _true: dict[int, tuple[ir.Formula, list[Box]]] = field(default_factory=dict, compare=False, repr=False)

    def all_values(self, fact: str) -> ValueSet:
        """Return everything the fact may be while it is known."""
        return all_values(self.facts[fact], self.named.get(fact, frozenset()))

    def meet(self, one: Box, other: Box) -> Box | None:
        """Return what two boxes share, None if nothing."""
        if not one:
            return other
        shared: dict[str, ValueSet] | None = None
        for fact, extent in other.items():
            mine = one.get(fact)
            if mine is None:
                both: ValueSet | None = extent
            else:
                both = meet(mine, extent, is_integer=self.facts[fact].type in INTEGERS)
            if both is None:
                return None
            if both is not mine:
                shared = dict(one) if shared is None else shared
                shared[fact] = both
        return one if shared is None else shared

    def intersect(self, ones: Sequence[Box], others: Sequence[Box]) -> list[Box]:
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

    def complement(self, fact: str, extent: ValueSet, *, also_missing: bool = True) -> list[ValueSet]:
        """Return what a fact may be outside an extent, as disjoint extents."""
        gone: list[ValueSet] = [Absent()] if also_missing and not isinstance(extent, Absent) else []
        everything = self.all_values(fact)
        match extent, everything:
            case Absent(), _:
                return [everything]
            case OneOf(values=values), OneOf(values=all_values):
                rest = all_values - values
                return [*gone, OneOf(rest)] if rest else gone
            case Items(), _:
                return [*gone, *_outside_set(extent)]
            case Interval(), Interval():
                spans = _outside_span(extent, everything)
                is_integer = self.facts[fact].type in INTEGERS
                met = (meet(everything, span, is_integer=is_integer) for span in spans)
                return [*gone, *(span for span in met if span is not None)]
            case _:
                return gone

    def true(self, formula: ir.Formula) -> list[Box]:
        """Return where a formula is certainly true; worked out once for each formula."""
        kept = self._true.get(id(formula))
        if kept is None:
            # The formula is kept with its boxes, so that its id cannot be given to another one.
            kept = (formula, self._boxes(formula, is_true=True, is_certain=True))
            self._true[id(formula)] = kept
        return kept[1]

    def false(self, formula: ir.Formula) -> list[Box]:
        """Return where a formula is certainly false."""
        return self._boxes(formula, is_true=False, is_certain=True)

    def not_false(self, formula: ir.Formula) -> list[Box]:
        """Return where a formula is true or unknown."""
        return self._boxes(formula, is_true=True, is_certain=False)

    def not_true(self, formula: ir.Formula) -> list[Box]:
        """Return where a formula is false or unknown."""
        return self._boxes(formula, is_true=False, is_certain=False)

    def _boxes(self, formula: ir.Formula, *, is_true: bool, is_certain: bool) -> list[Box]:
        match formula:
            case ir.Not(inner=inner):
                return self._boxes(inner, is_true=not is_true, is_certain=is_certain)
            case ir.And(parts=parts) | ir.Or(parts=parts):
                each = [self._boxes(part, is_true=is_true, is_certain=is_certain) for part in parts]
                if isinstance(formula, ir.And) is is_true:
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
            found = self.intersect(found, boxes)
        return found

    def _atom(self, atom: ir.Atom, *, is_true: bool) -> list[Box]:
        match atom:
            case ir.Always(value=value):
                return [EVERYTHING] if value is is_true else []
            case ir.Truth(fact=fact):
                return [{fact: OneOf(frozenset({is_true}))}]
            case ir.Missing(fact=fact):
                return [{fact: Absent() if is_true else self.all_values(fact)}]
            case ir.Member(fact=fact, values=values):
                everything = self.all_values(fact)
                assert isinstance(everything, OneOf)
                chosen = everything.values & values if is_true else everything.values - values
                return [{fact: OneOf(chosen)}] if chosen else []
            case ir.Holds(fact=fact, item=item):
                items = frozenset({item})
                return [{fact: Items(inside=items) if is_true else Items(outside=items)}]
            case ir.Order():
                return self._order(atom, is_true=is_true)
            case ir.Relation():
                raise NotBoxable

    def _order(self, atom: ir.Order, *, is_true: bool) -> list[Box]:
        operator = atom.operator if is_true else NEGATED[atom.operator]
        bound = size_of(atom.bound)
        currencies = frozenset({atom.bound.currency}) if isinstance(atom.bound, Money) else frozenset[str]()
        below, above = (
            Interval(None, bound, False, True, currencies),
            Interval(bound, None, True, False, currencies),
        )
        spans = {
            "==": [Interval(bound, bound, False, False, currencies)],
            "!=": [below, above],
            "<": [below],
            "<=": [Interval(None, bound, False, False, currencies)],
            ">": [above],
            ">=": [Interval(bound, None, False, False, currencies)],
        }[operator]
        is_integer = self.facts[atom.fact].type in INTEGERS
        met = (meet(self.all_values(atom.fact), span, is_integer=is_integer) for span in spans)
        return [{atom.fact: extent} for extent in met if extent is not None]

    def _unknown(self, atom: ir.Atom) -> list[Box]:
        match atom:
            case ir.Always() | ir.Missing():
                return []
            case ir.Relation():
                raise NotBoxable
            case ir.Order(fact=fact, bound=Money(currency=currency)):
                others = frozenset(self.facts[fact].currencies) - {currency}
                foreign: list[Box] = [{fact: Interval(currencies=others)}] if others else []
                return [{fact: Absent()}, *foreign]
            case _:
                return [{atom.fact: Absent()}]


def space_of(facts: Mapping[str, FactDeclaration], formulas: Iterable[ir.Formula]) -> Space:
    """Return the space that some formulas live in; pure."""
    named: dict[str, frozenset[str]] = {}
    for formula in formulas:
        for atom in ir.atoms(formula):
            if isinstance(atom, ir.Member):
                named[atom.fact] = named.get(atom.fact, frozenset()) | atom.values
    return Space(facts, named)


def _outside_set(extent: Items) -> list[ValueSet]:
    found: list[ValueSet] = []
    inside: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    for item in sorted(extent.inside):
        found.append(Items(inside, outside | {item}))
        inside |= {item}
    for item in sorted(extent.outside):
        found.append(Items(inside | {item}, outside))
        outside |= {item}
    return found


def _outside_span(extent: Interval, everything: Interval) -> list[Interval]:
    found = []
    if extent.low is not None:
        found.append(Interval(None, extent.low, False, not extent.is_low_open, extent.currencies))
    if extent.high is not None:
        found.append(Interval(extent.high, None, not extent.is_high_open, False, extent.currencies))
    others = everything.currencies - extent.currencies
    if others:
        found.append(Interval(currencies=others))
    return found
