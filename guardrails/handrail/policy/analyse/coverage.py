"""Finds cases that no rule covers, rules that can never apply, and rules that never decide anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.policy.analyse.analysis import Analysis
from handrail.policy.analyse.boxes import Absent, Box, NotBoxable, Space
from handrail.policy.analyse.overlaps import overlaps
from handrail.policy.analyse.regions import Regions, subtract
from handrail.policy.analyse.witness import case_in, simplified
from handrail.policy.language.ir import Formula
from handrail.policy.runtime.decide import judge_decision
from handrail.policy.runtime.rules import BusinessDecision, Rule
from handrail.records import Effect, FactValue

MAX_STEPS = 20_000
MAX_PIECES = 256


@dataclass(slots=True)
class _Budget:
    left: int = MAX_STEPS

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise NotBoxable


def gap(analysis: Analysis, decision: BusinessDecision) -> dict[str, FactValue] | None:
    """Return a case with all facts known that no rule of the decision covers, None if there is none.

    Raises:
        NotBoxable: boxes cannot say and there is no prover.
    """
    try:
        case = _gap_by_boxes(analysis, decision)
    except NotBoxable:
        if analysis.prover is None:
            raise
        case = analysis.prover.gap(decision)
    if case is None:
        return None

    def is_gap(case: Mapping[str, FactValue]) -> bool:
        if decision.speaks is not None and decision.speaks.test(case) is not True:
            return False
        reasons = judge_decision(decision, analysis.complete(case), case, analysis.policy.if_unsure).reasons
        return analysis.is_possible(case) and reasons == (decision.gap,)

    if not is_gap(case):
        analysis.bad_witnesses += 1
        return None
    return simplified(case, analysis.candidates, is_gap)


def _gap_by_boxes(analysis: Analysis, decision: BusinessDecision) -> dict[str, FactValue] | None:
    space = analysis.space
    known = known_box(space, decision.reads)
    start = space.intersect(space.intersect([known], analysis.applies(decision)), analysis.possible())
    if decision.speaks is not None:
        start = space.intersect(start, space.true(decision.speaks.formula))
    regions = Regions(space, decision)
    covered: list[list[Box]] = [space.true(rule.when.formula) for rule in regions.rules]
    false = [space.false(rule.when.formula) for rule in regions.rules]
    budget = _Budget()
    for box in start:
        for found in _uncovered(space, box, covered, budget):
            certain = _inside(space, found, false, budget)
            if certain is not None:
                return case_in(certain, space)
    return None


def _inside(space: Space, box: Box, unions: Sequence[Sequence[Box]], budget: _Budget) -> Box | None:
    """Return a part of the box that lies in every union, None if there is none.

    Where no rule is true, one can still be unknown, because amounts in two currencies do not compare.
    """
    stack = [(box, 0)]
    while stack:
        part, number = stack.pop()
        if number == len(unions):
            return part
        budget.spend()
        shared = (space.meet(part, other) for other in reversed(unions[number]))
        stack += [(smaller, number + 1) for smaller in shared if smaller is not None]
    return None


def _uncovered(space: Space, box: Box, covered: Sequence[Sequence[Box]], budget: _Budget) -> Iterator[Box]:
    """Yield the parts of a box in which no union holds."""
    stack = [(box, 0)]
    while stack:
        part, start = stack.pop()
        budget.spend()
        hit = next(
            (
                (number, taken)
                for number in range(start, len(covered))
                for taken in covered[number]
                if space.meet(part, taken) is not None
            ),
            None,
        )
        if hit is None:
            yield part
            continue
        number, taken = hit
        stack += [(piece, number) for piece in reversed(subtract(space, [part], taken, limit=MAX_PIECES))]


def known_box(space: Space, facts: Sequence[str]) -> Box:
    """Return the box in which some facts are known; pure."""
    return {name: space.all_values(name) for name in facts}


def missing_facts(analysis: Analysis, decision: BusinessDecision) -> list[tuple[str, dict[str, FactValue]]]:
    """Return optional facts without which the decision goes to `if_unsure`, each with such a case."""
    found = []
    for name in decision.reads:
        if not analysis.space.facts[name].optional:
            continue
        case = _unsure_without(analysis, decision, name)
        if case is not None:
            found.append((name, case))
    return found


def _unsure_without(analysis: Analysis, decision: BusinessDecision, name: str) -> dict[str, FactValue] | None:
    space = analysis.space
    for rule in decision.in_file_order:
        if name not in (*rule.when.reads, *decision.applies.reads):
            continue
        try:
            boxes = space.intersect(space.true(rule.when.formula), analysis.applies(decision))
            boxes = space.intersect(boxes, analysis.possible())
        except NotBoxable:
            continue
        for box in boxes:
            full = {**known_box(space, decision.reads), **box}
            if isinstance(full[name], Absent):
                continue
            case = {fact: value for fact, value in case_in(full, space).items() if fact != name}
            reasons = judge_decision(
                decision, analysis.complete(case), case, analysis.policy.if_unsure
            ).reasons
            if any(reason.unknown == (name,) for reason in reasons):
                return case
    return None


def never_applies(analysis: Analysis, formula: Formula, decision: BusinessDecision | None = None) -> bool:
    """Tell whether no possible case makes a formula true (where the decision applies).

    Raises:
        NotBoxable: boxes cannot say and there is no prover.
    """
    space = analysis.space
    try:
        boxes = space.intersect(space.true(formula), analysis.possible())
        if decision is not None:
            boxes = space.intersect(boxes, analysis.applies(decision))
        return not boxes
    except NotBoxable:
        if analysis.prover is None:
            raise
        return not analysis.prover.ever(decision, formula)


def redundant_rules(analysis: Analysis, decision: BusinessDecision) -> list[str]:
    """Return rules whose absence would change nothing: always beaten, or covered by others that agree.

    Where boxes cannot say, a rule is taken to matter.
    """
    regions = Regions(analysis.space, decision)
    found: list[str] = []
    live: dict[str, list[Box]] = {}
    for rule in regions.rules:
        try:
            live[rule.id] = analysis.space.intersect(
                analysis.space.intersect(regions.live(rule), analysis.applies(decision)), analysis.possible()
            )
        except NotBoxable:
            continue
    near = _neighbours([(rule.id, live[rule.id]) for rule in regions.rules if rule.id in live])
    for rule in reversed(regions.rules):
        if rule.id not in live or rule.overrides:
            continue
        answers = {other.id: other.answer for other in regions.rules}
        others = [name for name in near[rule.id] if answers[name] == rule.answer and name not in found]
        if _is_covered(analysis.space, live[rule.id], [box for name in others for box in live[name]]):
            found.append(rule.id)
    return found[::-1]


def redundant_hand_offs(analysis: Analysis, rules: Sequence[Rule]) -> list[tuple[str, str]]:
    """Return hand-off rules that another one always accompanies with the same effect, roles and severity."""
    regions = []
    for rule in rules:
        try:
            boxes = analysis.space.intersect(analysis.space.true(rule.when.formula), analysis.possible())
        except NotBoxable:
            continue
        regions.append((rule.id, boxes))
    by_id = {rule.id: rule for rule in rules}
    near, boxes_of = _neighbours(regions), dict(regions)
    found: dict[str, str] = {}
    for name, boxes in reversed(regions):
        for other in near[name]:
            if other in found or not boxes or not _does_as_much(by_id[other], by_id[name]):
                continue
            if _is_covered(analysis.space, boxes, boxes_of[other]):
                found[name] = other
                break
    return list(found.items())[::-1]


def _does_as_much(one: Rule, other: Rule) -> bool:
    if one.is_shadow or other.is_shadow:
        return False
    same = (one.effect, one.role, set(one.also_to), one.trigger) == (
        other.effect,
        other.role,
        set(other.also_to),
        other.trigger,
    )
    masks = one.effect is Effect.REDACT or len(other.reasons) > len(one.reasons)
    return same and not masks and one.severity.rank >= other.severity.rank


def _neighbours(regions: Sequence[tuple[str, list[Box]]]) -> dict[str, list[str]]:
    entries = [(number, box) for number, (_, boxes) in enumerate(regions) for box in boxes]
    near: dict[str, list[str]] = {name: [] for name, _ in regions}
    for one, other in overlaps(entries):
        near[regions[one][0]].append(regions[other][0])
        near[regions[other][0]].append(regions[one][0])
    return near


def _is_covered(space: Space, region: Sequence[Box], cover: Sequence[Box]) -> bool:
    rest = list(region)
    try:
        for taken in cover:
            if not rest:
                break
            rest = subtract(space, rest, taken, limit=MAX_PIECES)
    except NotBoxable:
        return False
    return not rest


def is_contradiction(analysis: Analysis) -> bool:
    """Tell whether the policy's statements leave no case possible; False where boxes cannot say."""
    try:
        return not analysis.possible()
    except NotBoxable:
        return False
