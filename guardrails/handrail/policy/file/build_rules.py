"""From the rules in a file to compiled rules: hand-offs, business decisions and statements about facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from handrail.policy.file.build import PolicyBuilder, duplicates, latest_stage
from handrail.policy.file.build_tools import UNLISTED
from handrail.policy.file.document import Path
from handrail.policy.file.schema import (
    AnswerShape,
    BusinessRuleShape,
    ConflictShape,
    DecisionShape,
    HandOffShape,
    StatementShape,
)
from handrail.policy.language import sources
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.ir import Formula, Holds, Member, Or, Truth, atoms
from handrail.policy.language.scope import said
from handrail.policy.runtime.decide import unsure
from handrail.policy.runtime.rules import (
    AnswerPlan,
    BusinessDecision,
    BusinessRule,
    Condition,
    ConflictOwner,
    KnownConflict,
    Rule,
    Statement,
)
from handrail.records import Effect, Reason, Severity, SignalKind, Trigger
from handrail.text.suggest import near

_SIGNALS = {
    SignalKind.ASKS_FOR_HUMAN: Trigger.ASKS_FOR_HUMAN,
    SignalKind.COMPLAINT: Trigger.COMPLAINT,
    SignalKind.DISPUTE: Trigger.COMPLAINT,
    SignalKind.AGGRIEVED: Trigger.COMPLAINT,
    SignalKind.REPEATS: Trigger.COMPLAINT,
    SignalKind.LEGAL_THREAT: Trigger.NEVER_AI,
    SignalKind.EMERGENCY: Trigger.NEVER_AI,
    SignalKind.OVERRIDES_RULE: Trigger.HIGH_STAKES,
    SignalKind.INJECTION: Trigger.HIGH_STAKES,
}


def build_hand_offs(builder: PolicyBuilder) -> tuple[Rule, ...]:
    """Compile the rules of `hand_offs`."""
    shapes = builder.shape.hand_offs
    return tuple(_hand_off(builder, shape, ("hand_offs", index)) for index, shape in enumerate(shapes))


def _hand_off(builder: PolicyBuilder, shape: HandOffShape, path: Path) -> Rule:
    when = builder.condition(shape.when, (*path, "when"))
    role = builder.role(shape.to, (*path, "to"))
    also_to = tuple(builder.role(name, (*path, "also_to")) or name for name in shape.also_to)
    effect = Effect(shape.effect)
    if effect is Effect.HAND_OFF and role is None:
        builder.problem(f"rule '{shape.id}' hands off and needs `to:` with a role", path)
    if effect is Effect.REDACT and (role or also_to):
        builder.problem(f"rule '{shape.id}' only redacts; `to:` has no effect", (*path, "to"))
    trigger = shape.trigger or trigger_of(when, builder.facts)
    findings = finding_types(when.formula, builder.facts)

    def reason(effect: Effect, role: str | None) -> Reason:
        return Reason(
            rule=shape.id,
            effect=effect,
            trigger=trigger,
            severity=shape.severity,
            role=role,
            because=shape.because,
            finding_types=findings,
            facts_read=when.reads,
        )

    reasons = [reason(effect, role if effect is Effect.HAND_OFF else None)]
    if effect is Effect.BLOCK and role is not None:
        reasons.append(reason(Effect.HAND_OFF, role))
    reasons += [reason(Effect.HAND_OFF, name) for name in also_to]
    if shape.also == "redact":
        reasons.append(reason(Effect.REDACT, None))
    return Rule(
        id=shape.id,
        when=when,
        effect=effect,
        role=role,
        also_to=also_to,
        trigger=trigger,
        severity=shape.severity,
        because=shape.because,
        source=shape.source,
        is_shadow=shape.mode == "shadow" or not builder.uncalibrated.isdisjoint(when.reads),
        finding_types=findings,
        notice=shape.notice,
        reasons=tuple(reasons),
    )


def trigger_of(when: Condition, facts: Mapping[str, FactDeclaration]) -> Trigger:
    """Derive why a rule stops from the facts it reads; pure."""
    read = [facts[name] for name in when.reads if name in facts]
    for fact in read:
        match fact.source:
            case sources.SignalSeen(kind=kind):
                return _SIGNALS[kind]
            case source if isinstance(source, sources.CONFIDENCE):
                return Trigger.LOW_CONFIDENCE
            case sources.InputTopics():
                return Trigger.SENSITIVE_DATA
            case sources.FaultSeen():
                return Trigger.FAULT
            case source if isinstance(source, sources.FINDINGS):
                return Trigger.SENSITIVE_DATA
            case _:
                pass
    return Trigger.HIGH_STAKES if any(fact.type is Kind.MONEY for fact in read) else Trigger.NEVER_AI


def finding_types(formula: Formula, facts: Mapping[str, FactDeclaration]) -> frozenset[str]:
    """Return the finding types and categories that a formula asks for; pure."""
    return frozenset(
        atom.item
        for atom in atoms(formula)
        if isinstance(atom, Holds) and isinstance(facts[atom.fact].source, sources.FINDINGS)
    ) | frozenset(
        fact.source.type
        for atom in atoms(formula)
        if isinstance(fact := facts.get(getattr(atom, "fact", "")), FactDeclaration)
        and isinstance(fact.source, sources.OtherThan)
    )


def build_decisions(builder: PolicyBuilder) -> dict[str, BusinessDecision]:
    """Compile the business decisions."""
    shapes = builder.shape.decisions
    if builder.shape.on_conflict is not None and builder.shape.on_conflict.between:
        builder.problem("`between:` stands in the `on_conflict:` of a decision", ("on_conflict", "between"))
    return {name: _decision(builder, name, shape) for name, shape in shapes.items()}


def _decision(builder: PolicyBuilder, name: str, shape: DecisionShape) -> BusinessDecision:
    path: Path = ("decisions", name)
    applies = builder.condition(shape.applies_when, (*path, "applies_when"))
    answers = {
        answer: _answer(builder, answer, plan, (*path, "answers", answer))
        for answer, plan in shape.answers.items()
    }
    order = _order(builder, shape, path)
    overridden_by: dict[str, list[str]] = {}
    for rule in shape.rules:
        for beaten in rule.overrides:
            overridden_by.setdefault(beaten, []).append(rule.id)
    rules = {
        rule.id: _business_rule(
            builder, rule, answers, tuple(overridden_by.get(rule.id, ())), (*path, "rules", index)
        )
        for index, rule in enumerate(shape.rules)
    }
    reads = tuple(dict.fromkeys([*applies.reads, *(n for rule in rules.values() for n in rule.when.reads)]))
    why = f"no rule of '{name}' covers this case"
    line = builder.document.position(path, at_key=True).line
    speaks = _speaks(builder, shape, [name for rule in rules.values() for name in rule.when.reads], line)
    return BusinessDecision(
        name=name,
        applies=applies,
        answers=answers,
        rules=tuple(rules[id_] for id_ in order if id_ in rules),
        because=shape.because,
        reads=reads,
        stage=latest_stage(builder.facts[fact].stage for fact in reads),
        gap=unsure(name, builder.shape.if_unsure, why),
        owners=_owners(builder, shape, path),
        speaks=speaks,
        line=line,
    )


def _owners(builder: PolicyBuilder, shape: DecisionShape, path: Path) -> tuple[ConflictOwner, ...]:
    """Return who decides on conflicts of a decision, the last for any; noting a problem if nobody does."""
    is_list = isinstance(shape.on_conflict, list)
    own = shape.on_conflict if isinstance(shape.on_conflict, list) else [shape.on_conflict]
    ids = [rule.id for rule in shape.rules]
    found: list[ConflictOwner] = []
    for index, one in enumerate(own):
        if one is None:
            continue
        at: Path = (*path, "on_conflict", index) if is_list else (*path, "on_conflict")
        for number, name in enumerate(one.between):
            if name not in ids:
                problem = f"rule '{name}' is not in this decision{near(name, ids)}"
                builder.problem(problem, (*at, "between", number))
        builder.role(one.to, (*at, "to"))
        found.append(_owner(builder, one, at))
    if builder.shape.on_conflict is not None:
        found.append(_owner(builder, builder.shape.on_conflict, ("on_conflict",)))
    if not any(not one.between for one in found):
        builder.problem("a policy with decisions needs `on_conflict: {to: role}`", path, at_key=True)
    return tuple(found)


def _owner(builder: PolicyBuilder, shape: ConflictShape, path: Path) -> ConflictOwner:
    return ConflictOwner(
        role=shape.to,
        also_to=tuple(builder.role(name, (*path, "also_to")) or name for name in shape.also_to),
        severity=shape.severity,
        between=frozenset(shape.between),
    )


def _speaks(
    builder: PolicyBuilder, shape: DecisionShape, reads: Sequence[str], line: int
) -> Condition | None:
    """Return where the rules must cover every case: in the calls and the answers that they speak of."""
    scopes = builder.scopes
    scoped = scopes.scoped(reads) if shape.applies_when is True else frozenset[str]()
    stated = [name for name in dict.fromkeys(reads) if name in scopes.stated]
    parts: list[Formula] = [Truth(said(name)) for name in stated]
    texts = [said(name) for name in stated]
    if scoped:
        named = Member(scopes.tool, scopes.named_by(scoped))
        parts.insert(0, named)
        texts.insert(0, f"{named.fact} in [{', '.join(sorted(named.values))}]")
    if not parts:
        return None
    return builder.compiled(Or(tuple(parts)) if len(parts) > 1 else parts[0], " or ".join(texts), line)


def _answer(builder: PolicyBuilder, name: str, plan: Effect | AnswerShape, path: Path) -> AnswerPlan:
    shape = plan if isinstance(plan, AnswerShape) else AnswerShape(effect=plan)
    if shape.effect is Effect.HAND_OFF and shape.to is None:
        builder.problem(
            f"answer '{name}' hands off and needs `to:`, e.g. {{effect: hand_off, to: role}}", path
        )
    if shape.effect in (Effect.PASS, Effect.REDACT) and (shape.to or shape.also_to):
        builder.problem(f"answer '{name}' does not hand off; `to:` has no effect", path)
    return AnswerPlan(
        name=name,
        effect=shape.effect,
        role=builder.role(shape.to, (*path, "to")),
        also_to=tuple(builder.role(role, (*path, "also_to")) or role for role in shape.also_to),
        trigger=shape.trigger or Trigger.NEVER_AI,
        severity=shape.severity,
    )


def _order(builder: PolicyBuilder, shape: DecisionShape, path: Path) -> Sequence[str]:
    """Return the rules' ids so that every rule comes after those that override it."""
    ids = [rule.id for rule in shape.rules]
    graph: dict[str, set[str]] = {id_: set() for id_ in ids}
    for index, rule in enumerate(shape.rules):
        for number, beaten in enumerate(rule.overrides):
            at: Path = (*path, "rules", index, "overrides", number)
            if beaten not in graph:
                builder.problem(f"rule '{beaten}' is not in this decision{near(beaten, ids)}", at)
            elif beaten == rule.id:
                builder.problem(f"'{beaten}' cannot override itself", at)
            else:
                graph[beaten].add(rule.id)
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " > ".join(reversed(error.args[1]))
        builder.problem(f"overrides form a circle: {circle}", (*path, "rules"), at_key=True)
        return ids


def _business_rule(
    builder: PolicyBuilder,
    shape: BusinessRuleShape,
    answers: Mapping[str, AnswerPlan],
    overridden_by: tuple[str, ...],
    path: Path,
) -> BusinessRule:
    when = builder.condition(shape.when, (*path, "when"))
    plan = answers.get(shape.then)
    if plan is None:
        builder.problem(
            f"'{shape.then}' is not an answer of this decision{near(shape.then, answers)}", (*path, "then")
        )

    def reason(effect: Effect, trigger: Trigger, severity: Severity, role: str | None) -> Reason:
        return Reason(
            rule=shape.id,
            effect=effect,
            trigger=trigger,
            severity=severity,
            role=role,
            because=shape.because or shape.source,
            facts_read=when.reads,
        )

    effect = plan.effect if plan else Effect.HAND_OFF
    trigger, severity = (plan.trigger, plan.severity) if plan else (Trigger.NEVER_AI, Severity.MEDIUM)
    own = [reason(effect, trigger, severity, plan.role if plan and effect is Effect.HAND_OFF else None)]
    roles = (*((plan.role,) if plan.role and effect is Effect.BLOCK else ()), *plan.also_to) if plan else ()
    own += [reason(Effect.HAND_OFF, trigger, severity, role) for role in roles]
    return BusinessRule(
        id=shape.id,
        when=when,
        answer=shape.then,
        because=shape.because,
        source=shape.source,
        is_shadow=shape.mode == "shadow" or not builder.uncalibrated.isdisjoint(when.reads),
        overrides=tuple(shape.overrides),
        overridden_by=overridden_by,
        reasons=tuple(own),
    )


def build_statements(builder: PolicyBuilder) -> tuple[Statement, ...]:
    """Compile the statements under `always` and `impossible`."""
    return (
        *_statements(builder, "always", builder.shape.always, holds=True),
        *_statements(builder, "impossible", builder.shape.impossible, holds=False),
    )


def _statements(
    builder: PolicyBuilder, key: str, shapes: Iterable[str | StatementShape], *, holds: bool
) -> list[Statement]:
    found = []
    for index, given in enumerate(shapes):
        path: Path = (key, index) if isinstance(given, str) else (key, index, "that")
        shape = StatementShape(that=given) if isinstance(given, str) else given
        that = builder.condition(shape.that, path)
        # What is said of a fact that does not apply does not hold; that breaks no `always`.
        rests = builder.scopes.scoped(that.reads) or not builder.scopes.stated.isdisjoint(that.reads)
        is_negated = holds and bool(rests)
        if is_negated:
            that = replace(builder.condition(shape.that, path, is_negated=True), text=f"not ({shape.that})")
        name = f"{key}-{index + 1}"
        why = shape.because or f"the policy says {'always' if holds else 'never'}: {shape.that}"
        found.append(
            Statement(
                id=name,
                that=that,
                holds=holds and not is_negated,
                because=shape.because,
                broken=unsure(name, builder.shape.if_unsure, why),
            )
        )
    return found


def build_known_conflicts(builder: PolicyBuilder) -> tuple[KnownConflict, ...]:
    """Return the conflicts that the file accepts."""
    ids = [rule.id for decision in builder.shape.decisions.values() for rule in decision.rules]
    for index, known in enumerate(builder.shape.known_conflicts):
        for number, name in enumerate(known.rules):
            if name not in ids:
                at: Path = ("known_conflicts", index, "rules", number)
                builder.problem(f"rule '{name}' is in no decision{near(name, ids)}", at)
    return tuple(
        KnownConflict(rules=frozenset(known.rules), because=known.because)
        for known in builder.shape.known_conflicts
    )


def check_ids(builder: PolicyBuilder) -> None:
    """Note ids that are used twice; a rule's id is unique in its file."""
    places: list[tuple[str, Path]] = [
        (rule.id, ("hand_offs", index, "id")) for index, rule in enumerate(builder.shape.hand_offs)
    ]
    for name, decision in builder.shape.decisions.items():
        places.append((name, ("decisions", name)))
        places += [
            (rule.id, ("decisions", name, "rules", index, "id")) for index, rule in enumerate(decision.rules)
        ]
    if builder.shape.tools:
        for path in (path for name, path in places if name == UNLISTED):
            builder.problem(
                f"the id '{UNLISTED}' is that of the rule for tools that `tools:` leaves out", path
            )
    twice = duplicates([name for name, _ in places])
    seen: set[str] = set()
    for name, path in places:
        if name in twice and name in seen:
            builder.problem(f"the id '{name}' is used twice", path)
        seen.add(name)
