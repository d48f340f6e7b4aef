"""Checked expressions: the few forms that the evaluator and the analyser share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from handrail.records import Money

Size: TypeAlias = Decimal | timedelta | time | date | Money
"""A constant that can be compared by size."""


@dataclass(frozen=True, slots=True)
class Always:
    """True or false whatever the facts are."""

    value: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """A yes/no fact."""

    fact: str


@dataclass(frozen=True, slots=True)
class Order:
    """A fact against a constant; `operator` is one of == != < <= > >=."""

    operator: str
    fact: str
    bound: Size


@dataclass(frozen=True, slots=True)
class Member:
    """A one-of, weekday or text fact is among some values."""

    fact: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holds:
    """A set fact holds an item."""

    fact: str
    item: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact is not known."""

    fact: str


@dataclass(frozen=True, slots=True)
class Term:
    """A fact or a constant in a sum, added or subtracted."""

    sign: int
    value: Size | str | bool
    is_fact: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A comparison between sums that has facts on both sides, or several on one."""

    operator: str
    left: tuple[Term, ...]
    right: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    inner: "Formula"


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: "tuple[Formula, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: "tuple[Formula, ...]"


Atom: TypeAlias = Always | Truth | Order | Member | Holds | Missing | Relation
Formula: TypeAlias = Atom | Not | And | Or


def atoms(formula: Formula) -> Iterator[Atom]:
    """Yield every atom of a formula, from left to right."""
    match formula:
        case Not(inner=inner):
            yield from atoms(inner)
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from atoms(part)
        case _:
            yield formula


def facts_of(formula: Formula) -> tuple[str, ...]:
    """Return the names of the facts that a formula reads, in order, each once."""
    names: dict[str, None] = {}
    for atom in atoms(formula):
        match atom:
            case Always():
                pass
            case Relation(left=left, right=right):
                names.update((str(term.value), None) for term in (*left, *right) if term.is_fact)
            case _:
                names[atom.fact] = None
    return tuple(names)


def selectors(formula: Formula) -> dict[str, frozenset[str]]:
    """Return facts that make the formula false by any value outside a set: `fact == "x" and …` gives {x}."""
    found: dict[str, frozenset[str]] = {}
    parts = formula.parts if isinstance(formula, And) else (formula,)
    for part in parts:
        match part:
            case Member(fact=fact, values=values):
                found[fact] = found[fact] & values if fact in found else values
            case And():
                for fact, values in selectors(part).items():
                    found[fact] = found[fact] & values if fact in found else values
            case _:
                pass
    return found
