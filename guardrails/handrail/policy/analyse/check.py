"""Checks a policy: everything that can be said about it without running it on real cases. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from handrail.policy.analyse import coverage
from handrail.policy.analyse.analysis import Analysis, Prover, analysis_of
from handrail.policy.analyse.boxes import NotBoxable
from handrail.policy.analyse.conflicts import Conflict, Unjudged, conflicts, shadow_conflicts
from handrail.policy.analyse.lint import (
    lint_entities,
    lint_facts,
    lint_given,
    lint_roles,
    lint_rules,
    lint_tests,
)
from handrail.policy.analyse.places import Place, places
from handrail.policy.analyse.remarks import Remark
from handrail.policy.file.cases import run_cases
from handrail.policy.language.format import format_case
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision

FIRST = 20
MAX_CONFLICTS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found. `unshown` counts conflicts beyond the first `limit` of each decision.

    `bad_witnesses` counts cases that the analyser proposed and the evaluator did not confirm; none was shown.
    `places` say where each rule can apply.
    """

    remarks: tuple[Remark, ...]
    unshown: int = 0
    bad_witnesses: int = 0
    places: tuple[Place, ...] = ()


def check(policy: Policy, *, prover: Prover | None = None, limit: int = FIRST) -> Checked:
    """Check a policy.

    Args:
        policy: the policy.
        prover: answers what boxes cannot; see `handrail.policy.analyse.prove.prover_for`.
        limit: how many conflicts of one decision are shown; the rest is counted.
    """
    analysis = analysis_of(policy, prover)
    results = run_cases(policy)
    remarks: list[Remark] = [Remark(code="uncalibrated", message=text) for text in policy.warnings]
    remarks += lint_tests(results)
    if coverage.is_contradiction(analysis):
        line = policy.statements[0].that.line
        remarks.append(Remark(code="impossible", message="no case is possible at all", line=line))
    unshown = 0
    confirmed: set[frozenset[str]] = set()
    for decision in policy.decisions.values():
        found, hidden = _conflicts(analysis, decision, confirmed, limit)
        remarks += found
        unshown += hidden
        remarks += _coverage(analysis, decision)
    remarks += _known_that_are_none(policy, confirmed, unshown)
    remarks += _hand_offs(analysis)
    remarks += lint_roles(policy)
    remarks += lint_rules(policy, results)
    remarks += lint_entities(policy)
    remarks += lint_facts(policy)
    remarks += lint_given(policy)
    remarks.sort(key=lambda remark: (("error", "warning", "note").index(remark.level), remark.line))
    return Checked(
        remarks=tuple(remarks),
        unshown=unshown,
        bad_witnesses=analysis.bad_witnesses,
        places=places(policy),
    )


def _conflicts(
    analysis: Analysis, decision: BusinessDecision, confirmed: set[frozenset[str]], limit: int
) -> tuple[list[Remark], int]:
    remarks: list[Remark] = []
    unjudged = Unjudged()
    accepted = {known.rules: known.because for known in analysis.policy.known_conflicts}
    shown = hidden = 0
    for conflict in conflicts(analysis, decision, unjudged, readable=limit + len(accepted)):
        confirmed.add(conflict.names)
        known = next((why for rules, why in accepted.items() if conflict.names <= rules), None)
        if known is None and shown >= limit:
            hidden += 1
            if hidden >= MAX_CONFLICTS:
                break
            continue
        shown += known is None
        remarks.append(_conflict_remark(conflict, known))
    if unjudged.pairs:
        message = (
            f"decision '{decision.name}': {unjudged.pairs} pairs of rules compare facts with each other"
            " or have too many alternatives; handrail[prove] can judge them"
        )
        remarks.append(
            Remark(code="not-analysed", message=message, line=decision.line, decision=decision.name)
        )
    if decision.has_shadow:
        remarks += [
            _conflict_remark(conflict, None, code="shadow-conflict")
            for conflict in shadow_conflicts(analysis, decision)
        ]
    return remarks, hidden


def _conflict_remark(conflict: Conflict, known: str | None, *, code: str = "conflict") -> Remark:
    one, other = conflict.rules
    message = (
        f"'{one.id}' says {one.answer}, '{other.id}' says {other.answer}: {format_case(conflict.witness)}"
        + (f" (accepted: {known})" if known else "")
    )
    return Remark(
        code="known-conflict" if known else code,
        message=message,
        line=other.when.line,
        rules=(one.id, other.id),
        decision=conflict.decision,
        witness=conflict.witness,
    )


def _coverage(analysis: Analysis, decision: BusinessDecision) -> Iterator[Remark]:
    where = {"line": decision.line, "decision": decision.name}
    try:
        witness = coverage.gap(analysis, decision)
        if witness is not None:
            message = f"no rule of '{decision.name}' covers: {format_case(witness)}"
            yield Remark(code="gap", message=message, witness=witness, **where)  # type: ignore[arg-type]
    except NotBoxable:
        message = f"whether the rules of '{decision.name}' leave a gap; handrail[prove] can tell"
        yield Remark(code="not-analysed", message=message, **where)  # type: ignore[arg-type]
    for fact, case in coverage.missing_facts(analysis, decision):
        message = f"without '{fact}' the decision '{decision.name}' goes to {analysis.policy.if_unsure}"
        yield Remark(code="gap-missing", message=message, witness=case, **where)  # type: ignore[arg-type]
    never = []
    for rule in decision.in_file_order:
        try:
            if coverage.never_applies(analysis, rule.when.formula, decision):
                never.append(rule.id)
                message = f"'{rule.id}' can never apply"
                yield Remark(code="never-applies", message=message, line=rule.when.line, rules=(rule.id,))
        except NotBoxable:
            continue
    lines = {rule.id: rule.when.line for rule in decision.rules}
    for name in coverage.redundant_rules(analysis, decision):
        if name not in never:
            message = f"'{name}' never decides: whenever it is live, others give the same answer"
            yield Remark(code="never-decides", message=message, line=lines[name], rules=(name,))


def _known_that_are_none(policy: Policy, confirmed: set[frozenset[str]], unshown: int) -> Iterator[Remark]:
    for known in policy.known_conflicts:
        if not unshown and not any(pair <= known.rules for pair in confirmed):
            rules = tuple(sorted(known.rules))
            message = f"known conflict {', '.join(rules)}: no case was found in which they disagree"
            yield Remark(code="no-such-conflict", message=message, rules=rules)


def _hand_offs(analysis: Analysis) -> Iterator[Remark]:
    never = []
    for rule in analysis.policy.hand_offs:
        if rule.is_built_in:
            continue
        try:
            if coverage.never_applies(analysis, rule.when.formula):
                never.append(rule.id)
                message = f"'{rule.id}' can never apply"
                yield Remark(code="never-applies", message=message, line=rule.when.line, rules=(rule.id,))
        except NotBoxable:
            continue
    lines = {rule.id: rule.when.line for rule in analysis.policy.hand_offs}
    for name, other in coverage.redundant_hand_offs(analysis, analysis.policy.hand_offs):
        if name not in never:
            message = f"'{name}' never decides: '{other}' fires whenever it does, with the same role"
            yield Remark(code="never-decides", message=message, line=lines[name], rules=(name, other))
