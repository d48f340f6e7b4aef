"""Searches the log for rules that stop what nobody needs to see, and for what no rule stops and should.

Each week the best condition so far becomes a candidate: for a rule, where it stops what people then leave as
it is; for what is passed, where people find it wrong. A candidate is chosen from the weeks before it and
tried on those after it, by a bet that stays valid however often it is looked at, and each further candidate
gets a smaller share of the level. So a finding is true with the promised probability although many
conditions were searched.

What is worth a person is a matter of cost. With a hand-off at 1 and a wrong answer at `Costs.missed`, a
person pays from a share of 1 / `missed` wrong cases on. A rule is needless where the share is proved to lie
below, a rule is missing where it is proved to lie above.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from handrail.confidence.calibration.fit.arrays import Flags, Floats
from handrail.records import FactValue, Trigger
from handrail.review.conditions import (
    EVERYTHING,
    FactCondition,
    FactTest,
    best_size,
    sized_facts,
    value_tests,
)
from handrail.review.evidence import ShareBet, level_of
from handrail.review.review_log import WRONG, ReviewLog, joined

LEVEL = 0.02
"""Chance with which anything at all is found that is not so, for each of the two kinds."""
BLIND = 0.3
"""Share of the wrong cases that readers may leave unseen before what they approve misleads."""
SEARCHED = (str(Trigger.HIGH_STAKES),)
"""What may be loosened. Sensitive data, what no AI may do, complaints and whoever asks for a person are for
people whatever they say of the answer; a threshold of confidence has its own bound."""
FEWEST_CASES, FEWEST_WRONG = 10, 3
CHANCE = 0.2
"""What a narrower condition gains by chance alone, for each square root of the cases."""
MOST_CANDIDATES = 12
NEEDLESS, MISSING = "needless", "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a wrong answer costs, where a hand-off costs 1."""

    missed: float = 4.0

    @property
    def break_even(self) -> float:
        """Share of wrong cases from which on a person pays."""
        return 1.0 / self.missed


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A condition that was chosen in `born` (a week) and is tried on the weeks after it.

    `rule` is the one that would no longer stop where `condition` holds, empty for a rule that is missing.
    `found` is the week in which the bet was won, None while it was not. `place` counts candidates from 1.
    """

    kind: str
    rule: str
    condition: FactCondition
    born: int
    place: int
    bet: ShareBet
    found: int | None = None
    cases: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What it is about."""
        return self.kind, self.rule

    def places(self, log: ReviewLog) -> Flags:
        """Return the decisions of a log that it is about."""
        return _about(log, self.kind, self.rule) & self.condition.places(log)


def _about(log: ReviewLog, kind: str, rule: str) -> Flags:
    if kind == MISSING:
        return log.is_passed & log.is_scored
    # What another rule stops as well would be stopped all the same.
    alone = zip(log.rules, log.triggers, strict=True)
    return np.array([rules == (rule,) and triggers == SEARCHED for rules, triggers in alone], dtype=np.bool_)


class RuleSearch:
    """Goes through a log week by week.

    Args:
        costs: what a wrong answer costs.
        reads: of each rule, the facts that it holds against a limit, which may then be moved.
        level: see `LEVEL`.
    """

    def __init__(
        self,
        costs: Costs | None = None,
        *,
        reads: Mapping[str, frozenset[str]] | None = None,
        level: float = LEVEL,
    ) -> None:
        self.costs = costs or Costs()
        self._reads = reads or {}
        self._level = level
        self._seen: list[ReviewLog] = []
        self.candidates: list[Candidate] = []

    @property
    def found(self) -> tuple[Candidate, ...]:
        """The candidates that were proved, in the order of their proof."""
        proved = [each for each in self.candidates if each.found is not None]
        return tuple(sorted(proved, key=lambda each: (each.found or 0, each.place)))

    def take(self, week: ReviewLog, *, ignoring: frozenset[str] = frozenset()) -> tuple[Candidate, ...]:
        """Take in the next week, and return what it proved.

        Args:
            week: its decisions, all with the verdicts that came.
            ignoring: reviewers whose verdicts say nothing.
        """
        if not len(week):
            return ()
        number = int(week.week[-1])
        read = week.taken(week.is_read & ~_by(week, ignoring))
        proved = [each for each in self.candidates if each.found is None and self._tried(each, read, number)]
        self._seen.append(read)
        seen = joined(self._seen)
        seen = seen.taken(~_by(seen, ignoring))
        for kind, rule, condition in self._born(seen):
            bet = ShareBet(bound=self._bound(kind), is_below=kind == NEEDLESS)
            place = 1 + sum(each.kind == kind for each in self.candidates)
            self.candidates.append(
                Candidate(kind=kind, rule=rule, condition=condition, born=number, place=place, bet=bet)
            )
        return tuple(proved)

    def is_wanted(self, rules: Sequence[str], facts: Mapping[str, FactValue]) -> bool:
        """Tell whether a verdict on a ticket would decide a candidate: such tickets are best read first."""
        return any(
            each.found is None and tuple(rules) == (each.rule,) and each.condition.holds(facts)
            for each in self.candidates
        )

    def _bound(self, kind: str) -> float:
        even = self.costs.break_even
        return (1.0 - BLIND) * even if kind == NEEDLESS else even

    def _tried(self, candidate: Candidate, read: ReviewLog, week: int) -> bool:
        inside = candidate.places(read)
        wrong = inside & (read.verdict == WRONG)
        candidate.bet.take(int(wrong.sum()), int(inside.sum()))
        candidate.cases += [read.exchange[i] for i in np.flatnonzero(inside)]
        level = level_of(candidate.place, self._level)
        if candidate.bet.log_wealth < -np.log(level):
            return False
        candidate.found = week
        return True

    def _born(self, seen: ReviewLog) -> Iterator[tuple[str, str, FactCondition]]:
        """Yield what becomes a candidate now, the strongest first."""
        options: list[tuple[float, str, str, FactCondition]] = []
        searched = zip(seen.rules, seen.triggers, strict=True)
        for rule in sorted({rules[0] for rules, triggers in searched if triggers == SEARCHED}):
            about = seen.taken(_about(seen, NEEDLESS, rule))
            best = _needless(about, self._bound(NEEDLESS), self._reads.get(rule, frozenset()))
            if best is not None:
                options.append((best[0], NEEDLESS, rule, best[1]))
        passed = seen.taken(_about(seen, MISSING, ""))
        options += [
            (gain, MISSING, "", condition) for gain, condition in _missing(passed, self._bound(MISSING))
        ]
        for _, kind, rule, condition in sorted(options, key=lambda each: -each[0]):
            if self._is_new(kind, rule, condition, seen):
                yield kind, rule, condition

    def _is_new(self, kind: str, rule: str, condition: FactCondition, seen: ReviewLog) -> bool:
        mine = [each for each in self.candidates if each.key == (kind, rule)]
        if sum(each.kind == kind for each in self.candidates) >= MOST_CANDIDATES:
            return False
        inside = _about(seen, kind, rule) & condition.places(seen)
        for each in mine:
            other = each.places(seen)
            both, either = int((inside & other).sum()), int((inside | other).sum())
            if each.condition == condition or (either and both / either > 0.6):
                return False
            # One that is proved may be widened; one that is being tried is left to it.
            if each.found is None and kind == NEEDLESS and len(mine) >= 3:
                return False
        return True


def _by(log: ReviewLog, people: frozenset[str]) -> Flags:
    return np.array([reviewer in people for reviewer in log.reviewer], dtype=np.bool_)


def _needless(about: ReviewLog, bound: float, limits: frozenset[str]) -> tuple[float, FactCondition] | None:
    """Return the condition under which a rule stops most that nobody changes, with its gain."""
    if len(about) < FEWEST_CASES:
        return None
    wrong = about.verdict == WRONG
    gains = bound - wrong.astype(np.float64)
    options = [(float(gains.sum()), EVERYTHING)]
    options += [
        (gain, FactCondition(tests=(test,)))
        for test, gain in _sizes(about, gains, is_up_to=True)
        if test.fact in limits
    ]
    options += _values(about.facts, gains)
    # A condition is only worth its words if it leaves out more wrong cases than chance would.
    simple = max(options, key=lambda each: each[0] - CHANCE * len(each[1].tests) * np.sqrt(len(about)))
    inside = simple[1].places(about)
    if inside.sum() < FEWEST_CASES or (wrong[inside].sum() + 0.5) / (inside.sum() + 1) > 0.7 * bound:
        return None
    return simple


def _missing(passed: ReviewLog, bound: float) -> list[tuple[float, FactCondition]]:
    """Return the conditions under which passed answers are wrong too often, with their gains."""
    wrong = passed.verdict == WRONG
    if wrong.sum() < FEWEST_WRONG:
        return []
    gains = wrong.astype(np.float64) - bound
    options = _values(passed.facts, gains)
    options += [(gain, FactCondition(tests=(test,))) for test, gain in _sizes(passed, gains, is_up_to=False)]
    found = []
    for gain, condition in options:
        inside = condition.places(passed)
        if gain > 0 and wrong[inside].sum() >= FEWEST_WRONG:
            found.append((gain, condition))
    return sorted(found, key=lambda each: -each[0])[:2]


def _sizes(log: ReviewLog, gains: Floats, *, is_up_to: bool) -> Iterator[tuple[FactTest, float]]:
    for name in sized_facts(log.facts):
        best = best_size(log.facts, gains, name, is_up_to=is_up_to)
        if best is not None:
            yield best


def _values(facts: Sequence[Mapping[str, FactValue]], gains: Floats) -> list[tuple[float, FactCondition]]:
    """Return every test of a value with its gain, and of each text fact those values that gain together."""
    found: list[tuple[float, FactCondition]] = []
    together: dict[str, list[tuple[str, float]]] = {}
    for test in value_tests(facts):
        gain = float(gains[[test.holds(row.get(test.fact)) for row in facts]].sum())
        found.append((gain, FactCondition(tests=(test,))))
        if test.operator == "in" and gain > 0:
            together.setdefault(test.fact, []).append((test.values[0], gain))
    for name, values in together.items():
        if len(values) > 1:
            test = FactTest(fact=name, operator="in", values=tuple(sorted(value for value, _ in values)))
            found.append((sum(gain for _, gain in values), FactCondition(tests=(test,))))
    return found
