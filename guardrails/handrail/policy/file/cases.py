"""The tests in a policy file: read with the file, run against its policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail.policy.runtime.policy import Case, Policy
from handrail.records import Decision, Effect, FactValue, Stage, Trigger
from handrail.text.suggest import near

if TYPE_CHECKING:
    from handrail.policy.file.build import PolicyBuilder
    from handrail.policy.file.document import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """The result of one test: what differs from what it expects, and which rules brought it about."""

    case: Case
    decision: Decision
    differences: tuple[str, ...]
    why: tuple[str, ...] = ()

    @property
    def is_passed(self) -> bool:
        """True when the policy said what the test expects."""
        return not self.differences


def run_cases(policy: Policy) -> tuple[CaseResult, ...]:
    """Run every test in the file; pure."""
    results = []
    for case in policy.cases:
        decision = policy.decide(case.given, case.stage)
        differences = tuple(_differences(policy, case.expect, decision))
        why = tuple(_why(decision)) if differences else ()
        results.append(CaseResult(case=case, decision=decision, differences=differences, why=why))
    return tuple(results)


def _why(decision: Decision) -> list[str]:
    """Say which rules fired, what they did, and which facts were unknown to them."""
    found: dict[str, None] = {}
    for reason in (*decision.reasons, *decision.shadow):
        role = f" to {reason.role}" if reason.role else ""
        shadow = " in shadow" if reason in decision.shadow else ""
        if reason.trigger is Trigger.UNSURE:
            found[f"unsure: {reason.rule}{role}{shadow}: {reason.because}"] = None
        else:
            found[f"fired: {reason.rule} ({reason.effect}{role}){shadow}"] = None
    return list(found) or ["no rule fired"]


def _differences(policy: Policy, expect: Mapping[str, Any], decision: Decision) -> list[str]:
    roles = {role for role in (decision.role, *decision.co_approvers) if role}
    rules = {reason.rule for reason in decision.reasons}
    found = []

    def compare(what: str, wanted: object, got: object) -> None:
        if wanted != got:
            found.append(f"{what}: expected {_shown(wanted)}, got {_shown(got)}")

    for key, wanted in expect.items():
        match key:
            case "effect":
                compare("effect", wanted, decision.effect)
            case "hand_off":
                compare("roles", set(wanted), roles)
            case "owner":
                compare("owner", wanted, decision.role)
            case "triggers":
                stopping = {r.trigger for r in decision.reasons if r.effect is not Effect.PASS}
                compare("triggers", set(wanted), stopping)
            case "shadow":
                compare("shadow", set(wanted), {reason.rule for reason in decision.shadow})
            case "rules" if not set(wanted) <= rules:
                found.append(f"rules: {_shown(set(wanted) - rules)} did not fire; {_shown(rules)} did")
            case "decision" if isinstance(wanted, str):
                compare("decision", [wanted], list(decision.answers.values()))
            case "decision":
                got = {name: decision.answers.get(name) for name in wanted}
                compare("decision", wanted, got)
    return found


def _shown(value: object) -> str:
    if isinstance(value, set):
        return "[" + ", ".join(sorted(str(item) for item in value)) + "]"
    return str(value)


def build_cases(builder: "PolicyBuilder") -> tuple[Case, ...]:
    """Read the tests of a file into typed facts, noting what does not fit."""
    defaults = _read(builder, builder.shape.test_defaults, ("test_defaults",))
    cases = []
    for index, shape in enumerate(builder.shape.tests):
        path: Path = ("tests", index)
        given = _read(builder, shape.given, (*path, "given"))
        if shape.stage in ("input", "answer"):
            for name in sorted(builder.scopes.scoped(given)):
                problem = f"{name} applies to calls of a tool, not at the stage {shape.stage}"
                builder.problem(problem, (*path, "given", name), at_key=True)
        given |= _tool_called(builder, {**defaults, **given}, given, path)
        expect = shape.expect.model_dump(exclude_none=True)
        if not expect:
            builder.problem(f"test '{shape.name}' expects nothing", path)
        for role in (*expect.get("hand_off", ()), *filter(None, [expect.get("owner")])):
            builder.role(role, (*path, "expect"))
        stage = Stage(shape.stage) if shape.stage else _latest_given(builder, given)
        line = builder.document.position(path).line
        cases.append(
            Case(name=shape.name, given={**defaults, **given}, stage=stage, expect=expect, line=line)
        )
    return tuple(cases)


def _tool_called(
    builder: "PolicyBuilder", all_given: Mapping[str, FactValue], given: Mapping[str, FactValue], path: "Path"
) -> dict[str, FactValue]:
    """Return the tool's name where a test gives arguments of one tool and leaves its name out.

    A fact that does not apply to the tool that a test names is a problem: no call could give it.
    """
    scopes = builder.scopes
    scoped = sorted(scopes.scoped(given))
    odd = next((name for name in scoped if not scopes.is_applicable(name, all_given)), None)
    if odd is not None:
        problem = f"{odd} does not apply to {all_given[scopes.tool]}"
        builder.problem(problem, (*path, "given", odd), at_key=True)
    if not scoped or scopes.tool in all_given:
        return {}
    tools = frozenset.intersection(*(scopes.tools[name] for name in scoped))
    if len(tools) != 1:
        listed = ", ".join(sorted(scopes.named_by(scoped)))
        builder.problem(f"say which tool is called: `{scopes.tool}:` is one of {listed}", (*path, "given"))
        return {}
    return {scopes.tool: next(iter(tools))}


def _latest_given(builder: "PolicyBuilder", given: Mapping[str, Any]) -> Stage:
    from handrail.policy.file.build import latest_stage

    return latest_stage(builder.facts[name].stage for name in given if name in builder.facts)


def _read(builder: "PolicyBuilder", given: Mapping[str, Any], path: "Path") -> dict[str, FactValue]:
    facts: dict[str, FactValue] = {}
    for name, raw in given.items():
        declaration = builder.facts.get(name)
        if declaration is None:
            problem = f"fact '{name}' is not declared{near(name, builder.facts)}"
            builder.problem(problem, (*path, name), at_key=True)
            continue
        facts[name] = declaration.stated(raw)
    return facts
