"""Says what a policy lacks: deadlines, backups, reasons, tests; and which facts no rule reads. Pure."""

from collections.abc import Iterator, Mapping

from handrail.policy.analyse.places import scope_of
from handrail.policy.analyse.remarks import Remark
from handrail.policy.file.cases import CaseResult
from handrail.policy.language.facts import FactDeclaration, read_money
from handrail.policy.language.hints import amount_hint, duration_hint, percent_hint
from handrail.policy.language.sources import Caller, Ledger, Provenance, ToolArgument, context_name, written
from handrail.policy.runtime.policy import Policy
from handrail.records import Effect, Unknown

STOPPING = (Effect.HAND_OFF, Effect.BLOCK)


def deciding_roles(policy: Policy) -> tuple[str, ...]:
    """Return the roles that some rule hands off to, in the order of the file; pure."""
    roles = {policy.if_unsure, policy.on_conflict or policy.if_unsure}
    for rule in policy.hand_offs:
        roles.update(filter(None, (rule.role, *rule.also_to)))
    for decision in policy.decisions.values():
        for owner in decision.owners:
            roles.update((owner.role, *owner.also_to))
        for answer in decision.answers.values():
            roles.update(filter(None, (answer.role, *answer.also_to)))
    return tuple(name for name in policy.roles if name in roles)


def lint_roles(policy: Policy) -> Iterator[Remark]:
    """Say which deciding roles have no deadline or backup, and where backups form a circle."""
    reported: set[frozenset[str]] = set()
    for name in deciding_roles(policy):
        plan = policy.roles[name]
        if plan.answer_within is None:
            yield Remark(code="no-deadline", message=f"role '{name}' has no `answer_within`", line=plan.line)
        if plan.backup is None:
            yield Remark(code="no-backup", message=f"role '{name}' has no `backup`", line=plan.line)
        chain = [name]
        while (backup := policy.roles[chain[-1]].backup) is not None and backup not in chain:
            chain.append(backup)
        circle = frozenset(chain[chain.index(backup) :]) if backup is not None else frozenset[str]()
        if circle and circle not in reported:
            reported.add(circle)
            round_trip = " > ".join([*chain[chain.index(backup or name) :], backup or name])
            message = f"backups form a circle: {round_trip}; after the last of them the safe default applies"
            yield Remark(code="backup-circle", message=message, line=plan.line)


def lint_rules(policy: Policy, results: tuple[CaseResult, ...]) -> Iterator[Remark]:
    """Say which rules that stop something have no reason, or no test that fires them."""
    fired = fired_by(results)
    for rule in policy.hand_offs:
        if rule.is_built_in:
            continue
        if rule.effect in STOPPING and not rule.because:
            message = f"'{rule.id}' has no `because`"
            yield Remark(code="no-because", message=message, line=rule.when.line, rules=(rule.id,))
        if rule.effect in STOPPING and rule.id not in fired:
            message = f"no test fires '{rule.id}'"
            yield Remark(code="untested", message=message, line=rule.when.line, rules=(rule.id,))
    for decision in policy.decisions.values():
        for business in decision.in_file_order:
            stops = decision.answers[business.answer].effect in STOPPING
            if stops and not (business.because or business.source):
                message = f"'{business.id}' has no `because`"
                yield Remark(
                    code="no-because", message=message, line=business.when.line, rules=(business.id,)
                )
            if stops and business.id not in fired:
                message = f"no test fires '{business.id}'"
                yield Remark(code="untested", message=message, line=business.when.line, rules=(business.id,))


def lint_entities(policy: Policy) -> Iterator[Remark]:
    """Say which entities have patterns that no text tries: one that never matches looks like any other."""
    for entity in policy.scan["entities"]:
        if entity.get("patterns") and not entity.get("match"):
            message = f"no text under `match:` tries the patterns of '{entity['type']}'"
            yield Remark(code="untested-pattern", message=message, line=entity["at"][1])


def fired_by(results: tuple[CaseResult, ...]) -> dict[str, list[str]]:
    """Return for each rule the passing tests in which it is certainly true; pure."""
    fired: dict[str, list[str]] = {}
    for result in results:
        if not result.is_passed:
            continue
        reasons = (*result.decision.reasons, *result.decision.shadow)
        for name in dict.fromkeys(reason.rule for reason in reasons if not reason.unknown):
            fired.setdefault(name, []).append(result.case.name)
    return fired


def lint_facts(policy: Policy) -> Iterator[Remark]:
    """Say which declared facts no rule reads."""
    read = {name for unit in policy.units for name in unit.reads}
    for fact in policy.facts.values():
        match fact.source:
            case Ledger(amount=amount):
                read.add(amount)
            case Provenance(of=of):
                read.add(of)
            case _:
                pass
    for name, fact in policy.facts.items():
        if isinstance(fact.source, ToolArgument) and not fact.source.of and fact.line:
            yield _unscoped(policy, fact)
        if name in read and isinstance(fact.source, Caller) and _names_no_source(policy, name):
            message = (
                f"'{name}' has no `from:`; write `from: context.{context_name(name)}` for what the program"
                " states in guard.context(facts=…), or `from: caller` for what its fact source gives"
            )
            yield Remark(code="no-source", message=message, line=fact.line)
        if name not in read and fact.line:
            yield Remark(code="unread-fact", message=f"no rule reads '{name}'", line=fact.line)


def _names_no_source(policy: Policy, name: str) -> bool:
    shape = dict(policy.content.get("facts") or {}).get(name)
    return isinstance(shape, Mapping) and "from" not in shape


def lint_given(policy: Policy) -> Iterator[Remark]:
    """Say which tests state a fact in a form that the language has another one for, e.g. `$250`."""
    tests = policy.content.get("tests") or []
    for case, shape in zip(policy.cases, tests, strict=True):
        given = {**dict(policy.content.get("test_defaults") or {}), **dict(shape.get("given") or {})}
        for name, raw in given.items():
            hint = _value_hint(raw) if isinstance(case.given.get(name), Unknown) else None
            if hint is not None:
                message = f"test '{case.name}' states {name} as '{raw}', which is not read: {hint}"
                yield Remark(code="unreadable-test", message=message, line=case.line)


def _value_hint(raw: object) -> str | None:
    # An amount in another currency is written well: a test may state that it stays unknown.
    if not isinstance(raw, str) or read_money(raw) is not None:
        return None
    return percent_hint(raw) or amount_hint(raw) or duration_hint(raw)


def _unscoped(policy: Policy, fact: FactDeclaration) -> Remark:
    scope = scope_of(policy, fact.name)
    old = written(fact.source)
    path = old.removeprefix("tool.args.")
    forms = [f"{tool}.args.{path}" for tool in sorted(scope.tools)] or [f"<tool>.args.{path}"]
    new = forms[0] if len(forms) == 1 else f"[{', '.join(forms)}]"
    message = f"{fact.name}: `from: {old}` is unknown in calls without that argument; write `from: {new}`"
    return Remark(code="unscoped-argument", message=message, line=fact.line)


def lint_tests(results: tuple[CaseResult, ...]) -> Iterator[Remark]:
    """Say which tests in the file fail, and how."""
    for result in results:
        why = "; ".join(result.why)
        for difference in result.differences:
            message = f"test '{result.case.name}': {difference} ({why})"
            yield Remark(code="test-failed", message=message, line=result.case.line)
