"""The conflict search: finds rules of one decision that can be live together and disagree.

A conflict is a case (values for some facts, the others missing) in which the decision applies, the policy's
statements hold, and two rules with different answers are live. There are infinitely many cases, but rules
compare facts with constants, so where a rule is certainly true is a finite union of *boxes*: products of one
set of values for each fact (`boxes`). The search works on these unions.

1. For every rule, where it is live: where it is true and every rule that overrides it is certainly not live
   (`regions`). Overrides have no circles, so this ends.
2. Pairs of rules whose boxes may overlap, without comparing all pairs (`overlaps`, a superset).
3. For each pair with different answers: the boxes that both live regions share with the cases where the
   decision applies and with the cases that the statements allow. If there are none, there is no conflict.
4. One case is taken from a shared box and *replayed* through the evaluator that runs in production. Only what
   `Policy.decide` calls a conflict between these two rules is reported, as a case that is easy to read.

**Sound**, because nothing is reported that was not replayed. Proposed cases that the evaluator refuses are
counted (`Analysis.bad_witnesses`); none is known.

**Complete where boxes can say.** For conditions that compare a fact with constants a case lies in the union
exactly if the condition is certainly true of it, and intersection is exact, so an empty intersection means
that no conflict exists. Boxes cannot say where facts are compared with each other, or where more than
`MAX_BOXES` would be needed. They then raise `NotBoxable`, and the pair goes to the prover; without one it is
counted in `Unjudged` and reported as not analysed. No pair is dropped in silence.

**Tested** in `tests/property/policy/test_policy_language.py`: boxes against the evaluator and against the
prover on random conditions and cases, and the conflicts that both find on random policies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from handrail.policy.analyse.analysis import Analysis
from handrail.policy.analyse.boxes import Box, NotBoxable
from handrail.policy.analyse.overlaps import overlaps
from handrail.policy.analyse.regions import Regions
from handrail.policy.analyse.witness import case_in, simplified
from handrail.policy.runtime.decide import liveness
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule
from handrail.records import FactValue, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two rules that disagree, and a case in which they do."""

    decision: str
    rules: tuple[BusinessRule, BusinessRule]
    witness: Mapping[str, FactValue]

    @property
    def names(self) -> frozenset[str]:
        """Ids of the two rules."""
        return frozenset(rule.id for rule in self.rules)


@dataclass(slots=True)
class Unjudged:
    """How many pairs neither boxes nor a prover could judge."""

    pairs: int = 0


def conflicts(
    analysis: Analysis, decision: BusinessDecision, unjudged: Unjudged, *, readable: int = 100
) -> Iterator[Conflict]:
    """Yield the conflicts of a decision; every witness was replayed through the run-time evaluator.

    Args:
        analysis: the policy under analysis.
        decision: the decision.
        unjudged: counts the pairs that could not be judged.
        readable: how many witnesses, the first ones, are made easy to read, which takes most of the time.
    """
    found = 0
    regions = Regions(analysis.space, decision)
    for one, other in candidate_pairs(analysis, regions):
        witness = _by_boxes(analysis, regions, one, other)
        if isinstance(witness, NotBoxable):
            if analysis.prover is None:
                unjudged.pairs += 1
                continue
            proved = analysis.prover.conflict(decision, one, other)
            witness = None if proved is None else proved
        if witness is not None:
            conflict = confirmed(analysis, decision, (one, other), witness, is_readable=found < readable)
            if conflict is not None:
                found += 1
                yield conflict


def candidate_pairs(analysis: Analysis, regions: Regions) -> Iterator[tuple[BusinessRule, BusinessRule]]:
    """Yield pairs of rules with different answers that may be live together."""
    rules = regions.rules
    entries: list[tuple[int, Box]] = []
    unboxed: list[int] = []
    for number, rule in enumerate(rules):
        try:
            entries += [(number, box) for box in regions.live(rule)]
        except NotBoxable:
            unboxed.append(number)
    for one, other in overlaps(entries):
        if _may_disagree(rules[one], rules[other]):
            yield rules[one], rules[other]
    for number in unboxed:
        for other in range(len(rules)):
            first_time = other not in unboxed or other > number
            if other != number and first_time and _may_disagree(rules[number], rules[other]):
                yield rules[min(number, other)], rules[max(number, other)]


def _may_disagree(one: BusinessRule, other: BusinessRule) -> bool:
    return (
        one.answer != other.answer and one.id not in other.overridden_by and other.id not in one.overridden_by
    )


def _by_boxes(
    analysis: Analysis, regions: Regions, one: BusinessRule, other: BusinessRule
) -> dict[str, FactValue] | NotBoxable | None:
    space = analysis.space
    try:
        shared = space.intersect(regions.live(one), regions.live(other))
        if not shared:
            return None
        shared = space.intersect(
            space.intersect(shared, analysis.applies(regions.decision)), analysis.possible()
        )
    except NotBoxable as limit:
        return limit
    return case_in(shared[0], space) if shared else None


def confirmed(
    analysis: Analysis,
    decision: BusinessDecision,
    rules: tuple[BusinessRule, BusinessRule],
    witness: Mapping[str, FactValue],
    *,
    is_readable: bool = True,
) -> Conflict | None:
    """Return the conflict if the run-time evaluator calls the case one, None if it does not."""
    ids = {rule.id for rule in rules}

    def disagrees(case: Mapping[str, FactValue]) -> bool:
        if not analysis.is_possible(case):
            return False
        reasons = analysis.policy.decide(case, decision.stage).reasons
        return ids <= {reason.rule for reason in reasons if reason.trigger is Trigger.POLICY_CONFLICT}

    if not disagrees(witness):
        analysis.bad_witnesses += 1
        return None
    if is_readable:
        witness = simplified(witness, analysis.candidates, disagrees)
    return Conflict(decision=decision.name, rules=rules, witness=witness)


def shadow_conflicts(analysis: Analysis, decision: BusinessDecision) -> Iterator[Conflict]:
    """Yield conflicts that a rule in shadow would bring about if it were enforced (boxes only)."""
    regions = Regions(analysis.space, decision, with_shadow=True)
    for one, other in candidate_pairs(analysis, regions):
        if not (one.is_shadow or other.is_shadow):
            continue
        witness = _by_boxes(analysis, regions, one, other)
        if isinstance(witness, dict):
            live = liveness(decision, witness, with_shadow=True)
            if live.get(one.id) is True and live.get(other.id) is True:
                yield Conflict(decision=decision.name, rules=(one, other), witness=witness)
