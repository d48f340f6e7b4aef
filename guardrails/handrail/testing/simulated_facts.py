"""Draws the facts of simulated exchanges from what a policy declares: whole columns, then one row each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeAlias

import numpy as np

from handrail.policy import FactDeclaration, Kind, Policy
from handrail.policy.analyse.analysis import bounds_of, formulas_of
from handrail.policy.language import sources
from handrail.policy.language.facts import OTHER_TEXT, WEEKDAYS
from handrail.policy.language.ir import Member, atoms
from handrail.records import FactValue, Money
from handrail.testing.simulated_tools import SimulatedTools

Column: TypeAlias = Sequence[FactValue]
Draw: TypeAlias = Callable[[np.random.Generator, Sequence[datetime], float], Column]

RARE_YES, RARE_ITEM = 0.02, 0.006
"""How often a yes/no fact is yes, and an item is in a set: what policies name is rare."""
BELOW_LIMITS = 0.35
"""The median of an amount, as a share of the lowest limit that it is held against."""
LONGEST_S = 3.0e9
"""No duration is longer: about a century."""
_DRAWN_BY_ITSELF = sources.ToolName | sources.ToolKind | sources.ConfidenceValue
"""Sources of facts that follow from the tool that is called, or from how sure the answer is."""
NO_PAST = "always 0: what was done before is not simulated"


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a fact is drawn, in words for people and as a function."""

    words: str
    draw: Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFacts:
    """What exchanges under some policies look like: which tools are called, and how each fact is drawn."""

    tools: SimulatedTools
    declared: tuple[FactDeclaration, ...]
    drawings: tuple[Drawing, ...]

    @classmethod
    def of(cls, policies: Sequence[Policy], mentioned: Sequence[str] = ()) -> "SimulatedFacts":
        """Return what exchanges under any of some policies look like; pure. Sizes are those of the first.

        `mentioned` are tools that only the tests of the policies' file name.
        """
        declared = {fact.name: fact for policy in policies for fact in policy.facts.values()}
        formulas = tuple(formula for policy in policies for formula in formulas_of(policy))
        bounds = bounds_of(tuple(formulas_of(policies[0])))
        named: dict[str, set[str]] = {}
        for formula in formulas:
            for atom in atoms(formula):
                if isinstance(atom, Member):
                    named.setdefault(atom.fact, set()).update(atom.values)
        facts = tuple(fact for fact in declared.values() if not isinstance(fact.source, _DRAWN_BY_ITSELF))
        return cls(
            tools=SimulatedTools.of(policies, mentioned),
            declared=facts,
            drawings=tuple(
                _drawing(fact, bounds.get(fact.name, frozenset()), named.get(fact.name, set()))
                for fact in facts
            ),
        )

    def in_words(self) -> Iterator[str]:
        """Yield how facts are drawn, those that are drawn alike in one line."""
        yield from self.tools.in_words()
        alike: dict[str, list[str]] = {}
        for fact, drawing in zip(self.declared, self.drawings, strict=True):
            alike.setdefault(drawing.words, []).append(fact.name)
        for words, names in alike.items():
            yield f"drawn: {', '.join(names)}: {words}"

    def draw(
        self, rng: np.random.Generator, at: Sequence[datetime], *, season: float = 1.0
    ) -> Iterator[tuple[str, dict[str, FactValue]]]:
        """Yield the tool that each exchange calls, empty for none, and its facts.

        Args:
            rng: where chance comes from.
            at: when the exchanges happen.
            season: what amounts are multiplied by.
        """
        columns = [drawing.draw(rng, at, season) for drawing in self.drawings]
        for place, tool in enumerate(self.tools.called(rng, len(at))):
            facts = {
                fact.name: column[place]
                for fact, column in zip(self.declared, columns, strict=True)
                if _applies(fact, tool)
            }
            yield tool, facts


def _applies(fact: FactDeclaration, tool: str) -> bool:
    match fact.source:
        case sources.ToolArgument(of=of) if of:
            return any(name == tool for name, _ in of)
        case sources.ResultFindings() | sources.ResultAmounts():
            return False
        case sources.ToolResult() | sources.ToolArgument():
            return bool(tool)
        case _:
            return True


def _drawing(fact: FactDeclaration, bounds: frozenset[Decimal], named: set[str]) -> Drawing:
    drawing = _by_type(fact, bounds, named)
    if isinstance(fact.source, sources.ResultFindings | sources.ResultAmounts):
        return Drawing("never there: what tools return is not judged", drawing.draw)
    return drawing


def _by_type(fact: FactDeclaration, bounds: frozenset[Decimal], named: set[str]) -> Drawing:
    match fact.type:
        case Kind.YES_NO:
            return _yes_no(fact)
        case Kind.MONEY:
            return _money(fact, bounds)
        case Kind.SET:
            return _sets(fact)
        case Kind.WEEKDAY if not fact.values or set(fact.values) == set(WEEKDAYS):
            return Drawing(
                "by the clock", lambda rng, at, season: [WEEKDAYS[moment.weekday()] for moment in at]
            )
        case Kind.TIME:
            return Drawing(
                "by the clock",
                lambda rng, at, season: [moment.time().replace(microsecond=0) for moment in at],
            )
        case Kind.DATE:
            return Drawing(
                "the day of the exchange", lambda rng, at, season: [moment.date() for moment in at]
            )
        case Kind.ONE_OF | Kind.TEXT | Kind.WEEKDAY:
            return _words(fact, named)
        case Kind.DURATION:
            return _durations(fact, bounds)
        case _:
            return _numbers(fact, bounds)


def _yes_no(fact: FactDeclaration) -> Drawing:
    # What a customer confirms, and what a system knows, is mostly so; what is complained of mostly is not.
    usual = isinstance(fact.source, sources.Conversation) or fact.name.endswith("is_known")
    chance = 1.0 - RARE_YES if usual else RARE_YES

    def draw(rng: np.random.Generator, at: Sequence[datetime], season: float) -> Column:
        return [bool(yes) for yes in rng.random(len(at)) < chance]

    return Drawing(f"yes in {chance:.0%}", draw)


def _money(fact: FactDeclaration, bounds: frozenset[Decimal]) -> Drawing:
    currency = fact.currencies[0] if fact.currencies else "USD"
    if isinstance(fact.source, sources.Ledger):
        return Drawing(
            NO_PAST, lambda rng, at, season: [Money(amount=Decimal(0), currency=currency)] * len(at)
        )
    middle = _middle(bounds, 200.0)

    def draw(rng: np.random.Generator, at: Sequence[datetime], season: float) -> Column:
        amounts = np.round(season * middle * np.exp(rng.normal(0.0, 0.9, len(at))), 2)
        return [Money(amount=Decimal(str(amount)), currency=currency) for amount in amounts]

    return Drawing(f"around {middle:.4g} {currency}", draw)


def _middle(bounds: frozenset[Decimal], usual: float) -> float:
    """Return the median of a size: below the lowest limit that it is held against."""
    return BELOW_LIMITS * min((float(bound) for bound in bounds if bound > 0), default=usual)


def _sets(fact: FactDeclaration) -> Drawing:
    items = fact.values

    def draw(rng: np.random.Generator, at: Sequence[datetime], season: float) -> Column:
        held = rng.random((len(at), max(1, len(items)))) < RARE_ITEM
        none: frozenset[str] = frozenset()
        return [
            frozenset(items[i] for i in np.flatnonzero(row)) if items and row.any() else none for row in held
        ]

    return Drawing(f"each item in {RARE_ITEM:.1%}", draw)


def _words(fact: FactDeclaration, named: set[str]) -> Drawing:
    if isinstance(fact.source, sources.FaultSeen):
        return Drawing(
            "none but in 1 %",
            lambda rng, at, season: ["none" if fine else "timeout" for fine in rng.random(len(at)) > 0.01],
        )
    if isinstance(fact.source, sources.AnswerKind):
        return Drawing("always text", lambda rng, at, season: ["text"] * len(at))
    values = fact.values or (*sorted(named), OTHER_TEXT)

    def draw(rng: np.random.Generator, at: Sequence[datetime], season: float) -> Column:
        # Later values are rarer: the first one is the usual one.
        weights = 1.0 / np.arange(1, len(values) + 1) ** 2
        return [values[i] for i in rng.choice(len(values), size=len(at), p=weights / weights.sum())]

    return Drawing("the values that the policy names, the first most often", draw)


def _durations(fact: FactDeclaration, bounds: frozenset[Decimal]) -> Drawing:
    middle = 0.5 * min((float(bound) for bound in bounds if bound > 0), default=30 * 86_400.0)
    low, high = (
        bound.total_seconds() if isinstance(bound, timedelta) else other
        for bound, other in ((fact.least, 0.0), (fact.most, LONGEST_S))
    )

    def draw(rng: np.random.Generator, at: Sequence[datetime], season: float) -> Column:
        seconds = np.clip(middle * np.exp(rng.normal(0.0, 0.8, len(at))), low, high)
        return [timedelta(seconds=int(each)) for each in seconds]

    return Drawing(f"around {middle / 3600:.4g} hours", draw)


def _numbers(fact: FactDeclaration, bounds: frozenset[Decimal]) -> Drawing:
    is_whole = fact.type is Kind.WHOLE
    if isinstance(fact.source, sources.Ledger):
        return Drawing(NO_PAST, lambda rng, at, season: [Decimal(0)] * len(at))
    middle = _middle(bounds, 10.0)
    least = fact.least if isinstance(fact.least, Decimal) else Decimal(0)
    most = fact.most if isinstance(fact.most, Decimal) else None

    def fit(size: float) -> Decimal:
        value = Decimal(str(round(size, 3)))
        value = max(least, value if most is None else min(most, value))
        # A whole number lies within whole bounds.
        return (
            value.to_integral_value(ROUND_CEILING if value < least + 1 else ROUND_FLOOR)
            if is_whole
            else value
        )

    def draw(rng: np.random.Generator, at: Sequence[datetime], season: float) -> Column:
        return [fit(float(each)) for each in middle * np.exp(rng.normal(0.0, 0.7, len(at)))]

    return Drawing(f"around {middle:.4g}", draw)
