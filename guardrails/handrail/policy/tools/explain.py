"""Says rule by rule what a policy makes of some facts, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from handrail.policy.analyse.witness import spoken
from handrail.policy.runtime.decide import liveness
from handrail.policy.runtime.plan import can_be_certain, reads_of, stage_of
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, Rule, Statement
from handrail.records import Decision, FactValue, Stage, Unknown

Verdict: TypeAlias = Literal["yes", "no", "unknown", "skipped", "beaten"]

_WORDS: Mapping[bool | None, Verdict] = {True: "yes", False: "no", None: "unknown"}
_ORDER = tuple(Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One rule's part: its verdict, its words, what it leads to, and the facts it read."""

    rule: str
    verdict: Verdict
    when: str
    leads_to: str
    facts: Mapping[str, str]
    because: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision with a line for every rule of the policy."""

    decision: Decision
    lines: tuple[Line, ...]


def explain(policy: Policy, facts: Mapping[str, FactValue], stage: Stage) -> Explanation:
    """Decide, and say what each rule made of it; pure."""
    facts = {**facts, **policy.constants}
    known = {
        name: value
        for name, value in facts.items()
        if name in policy.facts and policy.facts[name].accepts(value)
    }
    lines: list[Line] = []
    for unit in policy.units:
        skipped = _is_skipped(unit, facts, stage)
        if isinstance(unit, BusinessDecision):
            lines += _decision_lines(policy, unit, known, facts, skipped=skipped)
        else:
            condition = unit.that if isinstance(unit, Statement) else unit.when
            verdict: Verdict = "skipped" if skipped else _WORDS[condition.test(known)]
            if skipped and _is_true_already(unit, known, facts, stage):
                verdict = "yes"
            lines.append(
                Line(
                    rule=unit.id,
                    verdict=verdict,
                    when=condition.text,
                    leads_to=_leads_to(unit),
                    facts=_said(condition.reads, facts),
                    because=unit.because,
                )
            )
    return Explanation(decision=policy.decide(facts, stage), lines=tuple(lines))


def _is_skipped(
    unit: Rule | Statement | BusinessDecision, facts: Mapping[str, FactValue], stage: Stage
) -> bool:
    rank = _ORDER.index(stage_of(unit))
    is_early = rank < _ORDER.index(stage) or isinstance(unit, Statement)
    return rank > _ORDER.index(stage) or (is_early and not all(name in facts for name in reads_of(unit)))


def _is_true_already(
    unit: Rule | Statement, known: Mapping[str, FactValue], facts: Mapping[str, FactValue], stage: Stage
) -> bool:
    is_late = _ORDER.index(stage_of(unit)) > _ORDER.index(stage)
    return (
        is_late and isinstance(unit, Rule) and can_be_certain(unit, facts) and unit.when.test(known) is True
    )


def _decision_lines(
    policy: Policy,
    decision: BusinessDecision,
    known: Mapping[str, FactValue],
    facts: Mapping[str, FactValue],
    *,
    skipped: bool,
) -> Iterator[Line]:
    applies: Verdict = "skipped" if skipped else _WORDS[decision.applies.test(known)]
    yield Line(
        rule=decision.name,
        verdict=applies,
        when=decision.applies.text,
        leads_to="the decision applies",
        facts=_said(decision.applies.reads, facts),
        because=decision.because,
    )
    live = {} if applies in ("no", "skipped") else liveness(decision, known)
    for rule in decision.in_file_order:
        verdict: Verdict = "skipped"
        if rule.id in live:
            own, alive = rule.when.test(known), live[rule.id]
            verdict = "beaten" if own is True and alive is False else _WORDS[alive]
        effect = decision.answers[rule.answer].effect
        yield Line(
            rule=rule.id,
            verdict=verdict,
            when=rule.when.text,
            leads_to=f"{rule.answer} ({effect})",
            facts=_said(rule.when.reads, facts),
            because=rule.because or rule.source,
            decision=decision.name,
        )


def _leads_to(unit: Rule | Statement) -> str:
    if isinstance(unit, Statement):
        return "must hold" if unit.holds else "must not hold"
    shadow = " (shadow)" if unit.is_shadow else ""
    return f"{unit.effect}{f' to {unit.role}' if unit.role else ''}{shadow}"


def _said(reads: tuple[str, ...], facts: Mapping[str, FactValue]) -> dict[str, str]:
    said = {}
    for name in reads:
        value = facts.get(name)
        said[name] = spoken(Unknown(why="not_given") if value is None else value)
    return said
