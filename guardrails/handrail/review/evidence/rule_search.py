"""Searches the log for rules that stop what nobody needs to see, and for what no rule stops and should.

Each week the best condition so far becomes a candidate: for a rule, where it stops what people then leave as
it is; for what is passed, where people find it wrong. A candidate is chosen from the weeks before it and
tried on those after it, by a bet that stays valid however often it is looked at, and each further candidate
gets a smaller share of the level. So a finding is true with the promised probability although many
conditions were searched. That a rule is needless as a whole needs no search: it is tried from the first week
in which the rule stops something.

What is worth a person is a matter of cost. With a hand-off at 1 and a wrong answer at `Costs.missed`, a
person pays from a share of 1 / `missed` wrong cases on. A rule is needless where the share is proved to lie
below, a rule is missing where it is proved to lie above.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import binom

from handrail.confidence.calibration.fit.arrays import Flags
from handrail.records import FactValue
from handrail.review.evidence.bets import ShareBet, level_of
from handrail.review.evidence.candidate import (
    MISSING,
    NEEDLESS,
    PRIOR_RIGHT,
    SEARCHED,
    SUSPICION,
    TRIAL,
    Candidate,
    cases_about,
    shrunk,
)
from handrail.review.evidence.condition_search import (
    FEWEST_CASES,
    MILD,
    missing_conditions,
    needless_condition,
)
from handrail.review.evidence.costs import Costs
from handrail.review.evidence.suspicion import weigh
from handrail.review.log.conditions import EVERYTHING, FactCondition, FactTest, sized, value_tests
from handrail.review.log.review_log import WRONG, ReviewLog, joined

LEVEL = 0.02
"""Chance with which anything at all is found that is not so, for each of the two kinds."""
BLIND = 0.2
"""Share of the wrong cases that readers may leave unseen before what they approve misleads."""
FEWEST_WEEKLY, FEWEST_READ = 5, 4
"""Of a value that is passed so often in a week so many are read, before anything is suspected of it."""
MOST_CANDIDATES, MOST_HUNCHES = 12, 4
UNSURE = 0.1
COMMON = 0.95
"""Share of the passed answers from which on a condition says nothing of which to read first."""
"""Share of the passed answers, the least sure ones, that are read first: on them a threshold is decided."""
LIKELY = 10.0
"""What the bet on a needless rule has to win before the rule is proposed as likely."""
FEWEST_TRIED = 10
"""Verdicts after which a trial is ended, or a candidate is dropped, that they speak against."""


class RuleSearch:
    """Goes through a log week by week.

    Args:
        costs: what a wrong answer costs.
        reads: of each rule, the facts that it holds against a limit, which may then be moved.
        scores: facts that say how sure an answer is: the lower, the more may be missed.
        level: see `LEVEL`.
    """

    def __init__(
        self,
        costs: Costs | None = None,
        *,
        reads: Mapping[str, frozenset[str]] | None = None,
        scores: frozenset[str] = frozenset(),
        level: float = LEVEL,
    ) -> None:
        self.costs = costs or Costs()
        self._reads, self._scores = reads or {}, scores
        self._level = level
        self._seen: list[ReviewLog] = []
        self._hunches: tuple[FactCondition, ...] = ()
        self._met: set[str] = set()
        self._unread: frozenset[str] = frozenset()
        self._common: frozenset[FactCondition] = frozenset()
        self.candidates: list[Candidate] = []

    @property
    def found(self) -> tuple[Candidate, ...]:
        """The candidates that were proved, in the order of their proof."""
        proved = [each for each in self.candidates if each.found is not None]
        return tuple(sorted(proved, key=lambda each: (each.found or 0, each.place)))

    @property
    def likely(self) -> tuple[Candidate, ...]:
        """Candidates that are likely and not proved; whoever reads them is told so.

        A needless rule: its own bet has won `LIKELY` times what it began with, which happens with a chance of
        1 / `LIKELY` if it is not so. A missing one: see `SUSPICION`; it only stops more, and is put on trial.
        """
        tried = [each for each in self.candidates if each.is_tried]
        return tuple(each for each in tried if self._is_likely(each))

    def _is_likely(self, candidate: Candidate) -> bool:
        if candidate.kind == NEEDLESS:
            return candidate.bet.log_wealth >= math.log(LIKELY)
        return candidate.is_suspected(self.costs.break_even)

    @property
    def failed_trials(self) -> tuple[str, ...]:
        """Rules on trial that people's verdicts speak against: so few wrong ones are hardly chance."""
        seen = joined(self._seen)
        alone = zip(seen.rules, seen.triggers, strict=True)
        tried = sorted({rules[0] for rules, triggers in alone if triggers == SEARCHED})
        found = []
        for rule in tried:
            about = cases_about(seen, NEEDLESS, rule) if rule.startswith(TRIAL) else None
            if about is not None and about.sum() >= FEWEST_TRIED:
                wrong = int((seen.verdict[about] == WRONG).sum())
                is_few = binom.cdf(wrong, int(about.sum()), self._bound(NEEDLESS)) < SUSPICION
                found += [rule] if is_few else []
        return tuple(found)

    def is_suspected(self, log: ReviewLog) -> Flags:
        """Return which passed answers of a log a rule is missing for, be it proved or likely.

        How sure the model was says little of them: they are wrong for another reason.
        """
        found = np.zeros(len(log), dtype=np.bool_)
        for each in (*self.found, *self.likely):
            if each.kind == MISSING and not any(test.fact in self._scores for test in each.condition.tests):
                found |= each.condition.places(log)
        return found

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
        self._begin(week, number)
        proved = [each for each in self.candidates if each.is_tried and self._tried(each, read, number)]
        self._seen.append(read)
        seen = joined(self._seen)
        seen = seen.taken(~_by(seen, ignoring))
        for kind, rule, condition in self._born(seen):
            self._add(kind, rule, condition, number)
        for each in self.candidates:
            if each.is_tried:
                each.weekly = int(each.places(week).sum())
        self._suspect(seen, week)
        return tuple(proved)

    def _begin(self, week: ReviewLog, number: int) -> None:
        """Try each rule as a whole from the first week in which it stops something by itself.

        That needs no look at a verdict; only the order, by how often it does, says which is easiest proved.
        """
        alone = zip(week.rules, week.triggers, strict=True)
        met = Counter(rules[0] for rules, triggers in alone if len(rules) == 1 and triggers == SEARCHED)
        for rule, _ in met.most_common():
            if rule not in self._met:
                self._add(NEEDLESS, rule, EVERYTHING, number)
        self._met |= set(met)

    def _add(self, kind: str, rule: str, condition: FactCondition, week: int) -> None:
        bet = ShareBet(bound=self._bound(kind), is_below=kind == NEEDLESS)
        added = Candidate(kind=kind, rule=rule, condition=condition, born=week, place=0, bet=bet)
        added.place = 1 + sum(each.family == added.family for each in self.candidates)
        self.candidates.append(added)

    def _suspect(self, seen: ReviewLog, week: ReviewLog) -> None:
        """Weigh the rules that may be missing, and say what is best read next."""
        passed = seen.taken(cases_about(seen, MISSING, ""))
        wrong = passed.verdict == WRONG
        weigh([each for each in self.candidates if each.kind == MISSING], passed, self.costs.break_even)
        reads = Counter(rules[0] for rules in seen.rules if len(rules) == 1)
        self._unread = frozenset(rule for rule in self._met if reads[rule] < FEWEST_CASES)
        options = missing_conditions(passed, self._bound(MISSING), self._scores, fewest=1)
        hunches = []
        for _, condition in options:
            inside = condition.places(passed)
            if shrunk((int(wrong[inside].sum()), int(inside.sum()))) > self.costs.break_even:
                hunches.append(condition)
        self._hunches = (
            *hunches[:MOST_HUNCHES],
            *_unread_kinds(week, passed),
            *_least_sure(week, self._scores),
        )

        missing = [each.condition for each in self.candidates if each.kind == MISSING]
        latest = week.taken(week.is_passed)
        self._common = frozenset(
            one for one in (*missing, *self._hunches) if one.places(latest).sum() >= COMMON * len(latest)
        )

    def is_wanted(self, rules: Sequence[str], facts: Mapping[str, FactValue]) -> bool:
        """Tell whether a verdict on a case would decide a candidate: such cases are best read first."""
        if not rules and any(hunch.holds(facts) for hunch in self._hunches):
            return True
        if len(rules) == 1 and rules[0] in self._unread:
            return True
        return any(
            tuple(rules) == ((each.rule,) if each.rule else ()) and each.condition.holds(facts)
            for each in self._asked()
        )

    @property
    def reading(self) -> tuple[str, ...]:
        """What is best read next, in words: tickets of a rule, or passed answers, under a condition."""
        asked = [
            f"{f'tickets of {each.rule}' if each.rule else 'passed answers'}"
            f"{f' where {each.condition}' if each.condition.tests else ''}"
            for each in self._asked()
            if each.rule or each.condition not in self._common
        ]
        unread = [f"tickets of {rule}" for rule in sorted(self._unread)]
        hunches = [f"passed answers where {hunch}" for hunch in self._hunches if hunch not in self._common]
        return tuple(dict.fromkeys([*asked, *unread, *hunches]))

    def _asked(self) -> list[Candidate]:
        """Return the candidates whose cases are best read next.

        All rules that may be missing, and of the needless ones the one that would save most: two that are
        read half as often are both proved late.
        """
        tried = [each for each in self.candidates if each.is_tried]
        needless = [each for each in tried if each.kind == NEEDLESS]
        most = max(needless, key=self._saves, default=None)
        return [each for each in tried if each.kind == MISSING or each is most]

    def _saves(self, candidate: Candidate) -> float:
        bet = candidate.bet
        return candidate.weekly * (bet.bound - bet.hits / (bet.cases + PRIOR_RIGHT))

    def is_asked(self, log: ReviewLog) -> Flags:
        """Return which decisions of a log are best read first; see `is_wanted`."""
        found = np.zeros(len(log), dtype=np.bool_)
        for hunch in self._hunches:
            found |= log.is_passed & hunch.places(log)
        for rule in self._unread:
            found |= cases_about(log, NEEDLESS, rule)
        for each in self._asked():
            found |= each.places(log)
        return found

    def _bound(self, kind: str) -> float:
        even = self.costs.break_even
        return (1.0 - BLIND) * even if kind == NEEDLESS else even

    def _tried(self, candidate: Candidate, read: ReviewLog, week: int) -> bool:
        inside = candidate.places(read)
        wrong = inside & (read.verdict == WRONG)
        candidate.bet.take(int(wrong.sum()), int(inside.sum()))
        candidate.cases += [read.exchange[i] for i in np.flatnonzero(inside)]
        candidate.tickets += read.tickets(inside)
        bet = candidate.bet
        if candidate.kind == NEEDLESS and bet.cases >= FEWEST_TRIED:
            candidate.is_dropped = bool(binom.sf(bet.hits - 1, bet.cases, MILD * bet.bound) < SUSPICION)
        # Rules as a whole and what is found under a condition share the level.
        share = 0.5 if candidate.kind == NEEDLESS else 1.0
        level = level_of(candidate.place, share * self._level)
        if candidate.bet.log_wealth < -np.log(level):
            return False
        candidate.found = week
        return True

    def _born(self, seen: ReviewLog) -> Iterator[tuple[str, str, FactCondition]]:
        """Yield what becomes a candidate now, the strongest first."""
        options: list[tuple[float, str, str, FactCondition]] = []
        searched = zip(seen.rules, seen.triggers, strict=True)
        for rule in sorted({rules[0] for rules, triggers in searched if triggers == SEARCHED}):
            about = seen.taken(cases_about(seen, NEEDLESS, rule))
            best = needless_condition(about, self._bound(NEEDLESS), self._reads.get(rule, frozenset()))
            if best is not None:
                options.append((best[0], NEEDLESS, rule, best[1]))
        passed = seen.taken(cases_about(seen, MISSING, ""))
        options += [
            (gain, MISSING, "", condition)
            for gain, condition in missing_conditions(passed, self._bound(MISSING), self._scores)[:2]
        ]
        for _, kind, rule, condition in sorted(options, key=lambda each: -each[0]):
            if self._is_new(kind, rule, condition, seen):
                yield kind, rule, condition

    def _is_new(self, kind: str, rule: str, condition: FactCondition, seen: ReviewLog) -> bool:
        mine = [each for each in self.candidates if each.key == (kind, rule)]
        if sum(each.family == (kind, True) for each in self.candidates) >= MOST_CANDIDATES:
            return False
        inside = cases_about(seen, kind, rule) & condition.places(seen)
        for each in mine:
            other = each.places(seen)
            both, either = int((inside & other).sum()), int((inside | other).sum())
            if each.condition == condition:
                return False
            if not each.is_dropped and either and both / either > (0.85 if kind == NEEDLESS else 0.6):
                return False
            # One that is proved may be widened; one that is being tried is left to it.
            if each.is_tried and kind == NEEDLESS and len(mine) >= 3:
                return False
        return True


def _by(log: ReviewLog, people: frozenset[str]) -> Flags:
    return np.array([reviewer in people for reviewer in log.reviewer], dtype=np.bool_)


def _unread_kinds(week: ReviewLog, read: ReviewLog) -> list[FactCondition]:
    """Return the values among what was passed in a week of which hardly any answer was read yet."""
    passed = week.taken(week.is_passed)
    found = []
    for test in value_tests(passed.facts):
        condition = FactCondition(tests=(test,))
        if test.operator != "in" or condition.places(passed).sum() < FEWEST_WEEKLY:
            continue
        if condition.places(read).sum() < FEWEST_READ:
            found.append(condition)
    return found


def _least_sure(week: ReviewLog, scores: frozenset[str]) -> list[FactCondition]:
    """Return for each fact of confidence where the least sure of the answers lie that a week passed."""
    found = []
    for name in sorted(scores):
        values = [sized(facts.get(name)) for facts in week.taken(week.is_passed & week.is_scored).facts]
        sizes = [value[0] for value in values if value is not None]
        if sizes:
            test = FactTest(fact=name, operator="<=", size=round(float(np.quantile(sizes, UNSURE)), 3))
            found.append(FactCondition(tests=(test,)))
    return found
