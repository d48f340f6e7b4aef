"""Where the rules of one business decision are live, as boxes: the analyser's view of `judge_decision`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from handrail.policy.analyse.boxes import EVERYTHING, Box, NotBoxable, Space
from handrail.policy.runtime.rules import BusinessDecision, BusinessRule, Statement


@dataclass(slots=True)
class Regions:
    """Regions of a decision's rules, each computed once; `NotBoxable` where boxes cannot say."""

    space: Space
    decision: BusinessDecision
    with_shadow: bool = False
    _live: dict[str, list[Box] | None] = field(default_factory=dict)
    _dead: dict[str, list[Box] | None] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[BusinessRule, ...]:
        """The rules in force, in file order."""
        rules = self.decision.in_file_order
        return rules if self.with_shadow else tuple(rule for rule in rules if not rule.is_shadow)

    def live(self, rule: BusinessRule) -> list[Box]:
        """Return where a rule is certainly live.

        Raises:
            NotBoxable: boxes cannot say.
        """
        return self._once(self._live, rule, self._work_out_live)

    def dead(self, rule: BusinessRule) -> list[Box]:
        """Return where a rule is certainly not live.

        Raises:
            NotBoxable: boxes cannot say.
        """
        return self._once(self._dead, rule, self._work_out_dead)

    def _once(self, known: dict[str, list[Box] | None], rule: BusinessRule, work_out: object) -> list[Box]:
        if rule.id not in known:
            try:
                known[rule.id] = work_out(rule)  # type: ignore[operator]
            except NotBoxable:
                known[rule.id] = None
        boxes = known[rule.id]
        if boxes is None:
            raise NotBoxable
        return boxes

    def _beaters(self, rule: BusinessRule) -> list[BusinessRule]:
        return [other for other in self.rules if other.id in rule.overridden_by] if rule.overridden_by else []

    def _work_out_live(self, rule: BusinessRule) -> list[Box]:
        boxes = self.space.true(rule.when.formula)
        for beater in self._beaters(rule):
            boxes = self.space.intersect(boxes, self.dead(beater))
        return boxes

    def _work_out_dead(self, rule: BusinessRule) -> list[Box]:
        boxes = list(self.space.false(rule.when.formula))
        for beater in self._beaters(rule):
            boxes += self.live(beater)
        return boxes


def possible(space: Space, statements: Sequence[Statement]) -> list[Box]:
    """Return the cases that the statements about the facts allow.

    Raises:
        NotBoxable: boxes cannot say.
    """
    boxes: list[Box] = [EVERYTHING]
    for statement in statements:
        formula = statement.that.formula
        allowed = space.not_false(formula) if statement.holds else space.not_true(formula)
        boxes = space.intersect(boxes, allowed)
    return boxes


def subtract(space: Space, region: Sequence[Box], taken: Box, *, limit: int) -> list[Box]:
    """Return a region of known facts less one box, as disjoint boxes.

    Every fact of `taken` counts as known; a fact that is missing in the region keeps its part whole.

    Raises:
        NotBoxable: more than `limit` boxes.
    """
    found: list[Box] = []
    for box in region:
        if space.meet(box, taken) is None:
            found.append(box)
            continue
        rest = box
        for fact, extent in taken.items():
            for part in space.complement(fact, extent):
                piece = space.meet(rest, {fact: part})
                if piece is not None:
                    found.append(piece)
            inner = space.meet(rest, {fact: extent})
            assert inner is not None
            rest = inner
        if len(found) > limit:
            raise NotBoxable
    return found
