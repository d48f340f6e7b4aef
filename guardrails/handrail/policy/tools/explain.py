"""Says rule by rule what a policy makes of some facts, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from handrail.policy.language.format import format_value
from handrail.policy.runtime.decide import liveness
from handrail.policy.runtime.plan import is_later, takes_part
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision, Condition, Rule, Statement
from handrail.records import Decision, FactValue, Stage, Unknown

Verdict: TypeAlias = Literal["yes", "no", "unknown", "skipped", "beaten", "rests"]

_WORDS: Mapping[bool | None, Verdict] = {True: "yes", False: "no", None: "unknown"}


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
        verdict: Verdict = "skipped"
        if takes_part(unit, stage, facts):
            holds = unit.condition.test(known)
            verdict = (
                "skipped" if is_later(unit, stage) and not holds else _verdict(unit.condition, holds, known)
            )
        if isinstance(unit, BusinessDecision):
            lines += _decision_lines(unit, verdict, known, facts)
        else:
            lines.append(
                Line(
                    rule=unit.id,
                    verdict=verdict,
                    when=unit.condition.text,
                    leads_to=_leads_to(unit),
                    facts=_shown(unit.condition, facts),
                    because=unit.because,
                )
            )
    return Explanation(decision=policy.decide(facts, stage), lines=tuple(lines))


def _decision_lines(
    decision: BusinessDecision,
    applies: Verdict,
    known: Mapping[str, FactValue],
    facts: Mapping[str, FactValue],
) -> Iterator[Line]:
    yield Line(
        rule=decision.name,
        verdict=applies,
        when=decision.applies.text,
        leads_to="the decision applies",
        facts=_shown(decision.applies, facts),
        because=decision.because,
    )
    live = {} if applies in ("no", "skipped", "rests") else liveness(decision, known)
    for rule in decision.in_file_order:
        verdict: Verdict = "skipped"
        if rule.id in live:
            own, alive = rule.when.test(known), live[rule.id]
            verdict = "beaten" if own is True and alive is False else _verdict(rule.when, alive, known)
        effect = decision.answers[rule.answer].effect
        yield Line(
            rule=rule.id,
            verdict=verdict,
            when=rule.when.text,
            leads_to=f"{rule.answer} ({effect})",
            facts=_shown(rule.when, facts),
            because=rule.because or rule.source,
            decision=decision.name,
        )


def _leads_to(unit: Rule | Statement) -> str:
    if isinstance(unit, Statement):
        return "must hold" if unit.holds else "must not hold"
    shadow = " (shadow)" if unit.is_shadow else ""
    return f"{unit.effect}{f' to {unit.role}' if unit.role else ''}{shadow}"


def _verdict(condition: Condition, holds: bool | None, known: Mapping[str, FactValue]) -> Verdict:
    return "rests" if holds is False and condition.rests(known) else _WORDS[holds]


def _shown(condition: Condition, facts: Mapping[str, FactValue]) -> dict[str, str]:
    shown = {}
    for name in condition.reads:
        value = facts.get(name)
        shown[name] = format_value(Unknown(why="not_given") if value is None else value)
        if not condition.scopes.is_applicable(name, facts):
            shown[name] = f"does not apply to {facts[condition.scopes.tool]}"
    return shown
