"""Compares two policies: what was changed, and for each change of outcome one case that shows it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from handrail.policy.analyse.analysis import analysis_of, bounds_of, formulas_of
from handrail.policy.analyse.boxes import Box, NotBoxable, Space, space_of
from handrail.policy.analyse.conflicts import Unjudged, conflicts
from handrail.policy.analyse.regions import subtract
from handrail.policy.analyse.witness import candidate_values, case_in
from handrail.policy.file.compile import NOT_CONTENT
from handrail.policy.language.ir import Formula
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, Rule, Statement
from handrail.records import Decision, Effect, FactValue, Stage

MAX_PIECES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of outcome and a case that shows it."""

    before: str
    after: str
    stage: Stage
    witness: Mapping[str, FactValue]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two policies. `edits` are changed settings, `changes` changed outcomes."""

    edits: tuple[str, ...]
    changes: tuple[Change, ...]
    remarks: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """True when the two do the same in every case that was tried and have the same settings."""
        return not (self.edits or self.changes)


def diff(old: Policy, new: Policy) -> Difference:
    """Compare two policies; pure.

    Cases are taken from where the rules of the two differ (boxes), from the bounds of all rules, and from the
    tests of both files. A change that only shows between facts compared with each other may go unseen.
    """
    changes: dict[tuple[str, str, tuple[str, ...]], Change] = {}
    for stage, case in _cases(old, new):
        before, after = old.decide(case, stage), new.decide(case, stage)
        words = _outcome(before), _outcome(after)
        if words[0] == words[1]:
            continue
        rules = _rules_behind(before, after)
        if (*words, rules) not in changes:
            small = _smaller(old, new, stage, case)
            before, after = old.decide(small, stage), new.decide(small, stage)
            words, rules = (_outcome(before), _outcome(after)), _rules_behind(before, after)
            changes.setdefault(
                (*words, rules),
                Change(before=words[0], after=words[1], stage=stage, witness=small, rules=rules),
            )
    return Difference(
        edits=tuple(_edits(old, new)), changes=tuple(changes.values()), remarks=tuple(_labels(old, new))
    )


def _outcome(decision: Decision) -> str:
    roles = sorted({role for role in (decision.role, *decision.co_approvers) if role})
    masks = any(r.effect is Effect.REDACT for r in decision.reasons) and decision.effect is not Effect.REDACT
    return (
        f"{decision.effect}{f' to {decision.role}' if decision.role else ''}"
        + (f" with {', '.join(role for role in roles if role != decision.role)}" if len(roles) > 1 else "")
        + (", masked" if masks else "")
    )


def _rules_behind(before: Decision, after: Decision) -> tuple[str, ...]:
    ones = {(reason.rule, reason.effect, reason.role) for reason in before.reasons}
    others = {(reason.rule, reason.effect, reason.role) for reason in after.reasons}
    return tuple(sorted({rule for rule, _, _ in ones ^ others}))


def _smaller(old: Policy, new: Policy, stage: Stage, case: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Leave out facts one by one while the two still differ for certain, not for want of a fact."""
    best = dict(case)
    wanted = _outcome(old.decide(case, stage)), _outcome(new.decide(case, stage))
    for name in (*sorted(case), *sorted(case)):
        if name not in best:
            continue
        less = {other: value for other, value in best.items() if other != name}
        if (_outcome(old.decide(less, stage)), _outcome(new.decide(less, stage))) == wanted:
            best = less
    return best


def _cases(old: Policy, new: Policy) -> Iterator[tuple[Stage, dict[str, FactValue]]]:
    facts = {**old.facts, **new.facts}
    formulas = (*formulas_of(old), *formulas_of(new))
    space = space_of(facts, formulas)
    quiet = _quiet(old, new, space)
    before, after = _conditions(old), _conditions(new)
    for name in dict.fromkeys((*before, *after)):
        ours, theirs = before.get(name), after.get(name)
        for box in (*_apart(space, ours, theirs), *_apart(space, theirs, ours)):
            stage = max((s for s in (_stage(old, name), _stage(new, name)) if s), key=tuple(Stage).index)
            case = {**{n: v for n, v in quiet.items() if n not in box}, **case_in(box, space)}
            yield stage, case
            yield from ((stage, _less(case, gone)) for gone in box)
    yield from ((case.stage, dict(case.given)) for policy in (old, new) for case in policy.cases)
    yield from _where_nobody_knows(old, new)
    pool = candidate_values(space, bounds_of(formulas))
    for name, values in pool.items():
        yield from ((Stage.TOOL, {**quiet, name: value}) for value in values)


def _where_nobody_knows(old: Policy, new: Policy) -> Iterator[tuple[Stage, dict[str, FactValue]]]:
    """Yield cases that go to `if_unsure`, and those that go to `on_conflict`."""
    yield from ((stage, {}) for stage in Stage)
    owners = [{one.name: one.owners for one in policy.decisions.values()} for policy in (old, new)]
    for policy in (old, new) if owners[0] != owners[1] else ():
        for decision in policy.decisions.values():
            for conflict in conflicts(analysis_of(policy), decision, Unjudged()):
                yield decision.stage, dict(conflict.witness)


def _less(case: Mapping[str, FactValue], gone: str) -> dict[str, FactValue]:
    return {name: value for name, value in case.items() if name != gone}


def _conditions(policy: Policy) -> dict[str, tuple[Formula, str]]:
    """Return each rule's formula with a text that tells whether the rule is the same."""
    found: dict[str, tuple[Formula, str]] = {}
    for unit in policy.units:
        match unit:
            case Rule():
                found[unit.id] = (unit.when.formula, f"{unit.reasons}{unit.is_shadow}")
            case Statement():
                found[f"{unit.id}:{unit.that.text}"] = (unit.that.formula, str(unit.holds))
            case BusinessDecision():
                found[unit.name] = (unit.applies.formula, f"{dict(unit.answers)}{unit.owners}")
                for rule in unit.rules:
                    text = f"{rule.answer}{rule.overrides}{unit.answers[rule.answer]}{rule.is_shadow}"
                    found[rule.id] = (rule.when.formula, text)
    return found


def _stage(policy: Policy, name: str) -> Stage | None:
    for unit in policy.units:
        ids = {rule.id for rule in unit.rules} | {unit.name} if isinstance(unit, BusinessDecision) else set()
        if name in ids or getattr(unit, "id", None) == name.partition(":")[0]:
            return unit.stage
    return None


def _apart(space: Space, one: tuple[Formula, str] | None, other: tuple[Formula, str] | None) -> Iterable[Box]:
    """Return where one rule is true and the other is not, or all of it if they differ in what they do."""
    if one is None:
        return ()
    try:
        region = space.true(one[0])
        if other is None or one[1] != other[1]:
            return region
        if one[0] == other[0]:
            return ()
        for taken in space.true(other[0]):
            region = subtract(space, region, taken, limit=MAX_PIECES)
        return region
    except NotBoxable:
        return ()


def _quiet(old: Policy, new: Policy, space: Space) -> dict[str, FactValue]:
    """Return a value for every fact such that as little as possible fires: the background of a case."""
    quiet: dict[str, FactValue] = {}
    for policy in (old, new):
        for case in policy.cases:
            if policy.decide(case.given, case.stage).effect is Effect.PASS:
                for name, value in case.given.items():
                    quiet.setdefault(name, value)
    for name in space.facts:
        if name not in quiet:
            quiet |= case_in({name: space.all_values(name)}, space)
    return quiet


SETTINGS = (
    "mode",
    "if_unsure",
    "time_zone",
    "on_conflict",
    "stream",
    "self_check",
    "owner",
    "scan",
    "signals",
    "signals_model",
    "thresholds",
    "audit_rate",
    "log",
)


def _edits(old: Policy, new: Policy) -> Iterator[str]:
    for key in SETTINGS:
        before, after = old.content.get(key), new.content.get(key)
        if before != after:
            yield f"{key}: {before} -> {after}"
    for key in ("roles", "facts", "notices"):
        ours, theirs = dict(old.content.get(key) or {}), dict(new.content.get(key) or {})
        for name in dict.fromkeys((*ours, *theirs)):
            if name not in theirs:
                yield f"{key}: '{name}' removed"
            elif name not in ours:
                yield f"{key}: '{name}' added"
            elif ours[name] != theirs[name]:
                yield f"{key}: '{name}' changed"
    before_rules, after_rules = _conditions(old), _conditions(new)
    for name in dict.fromkeys((*before_rules, *after_rules)):
        if name not in after_rules:
            yield f"rule '{name}' removed"
        elif name not in before_rules:
            yield f"rule '{name}' added"
        elif before_rules[name] != after_rules[name]:
            yield f"rule '{name}' changed"


def _labels(old: Policy, new: Policy) -> Iterator[str]:
    ours = {key: value for key, value in old.content.items() if key not in NOT_CONTENT | {"version"}}
    theirs = {key: value for key, value in new.content.items() if key not in NOT_CONTENT | {"version"}}
    if ours == theirs and old.ref.version != new.ref.version:
        yield f"the version changed to {new.ref.version}, the content did not"
    if ours != theirs and old.ref.version == new.ref.version:
        yield f"the content changed, the version is still {new.ref.version}"
