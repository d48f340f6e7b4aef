"""The register: every situation in which the assistant must not decide, why, who does, and what proves it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.policy.analyse.analysis import analysis_of
from handrail.policy.analyse.conflicts import Unjudged, conflicts
from handrail.policy.analyse.lint import fired_by
from handrail.policy.file.cases import run_cases
from handrail.policy.runtime.policy import Policy
from handrail.policy.runtime.rules import BusinessDecision
from handrail.records import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One situation. `tests` are the passing tests in the file that bring it about."""

    rule: str
    situation: str
    outcome: str
    roles: tuple[str, ...]
    because: str
    tests: tuple[str, ...]
    is_shadow: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """What the entry lacks."""
        lacks = (("no reason", not self.because), ("no test", not self.tests), ("shadow", self.is_shadow))
        return tuple(mark for mark, is_so in lacks if is_so)


def register(policy: Policy) -> tuple[Entry, ...]:
    """Return the register of a policy, in file order; pure."""
    fired = fired_by(run_cases(policy))
    return (*_hand_offs(policy, fired), *_decisions(policy, fired), _unsure(policy))


def _hand_offs(policy: Policy, fired: Mapping[str, Sequence[str]]) -> Iterator[Entry]:
    for rule in policy.hand_offs:
        if rule.effect is Effect.REDACT:
            continue
        yield Entry(
            rule=rule.id,
            situation=rule.when.text,
            outcome=str(rule.effect),
            roles=tuple(dict.fromkeys(reason.role for reason in rule.reasons if reason.role)),
            because=rule.because,
            tests=tuple(fired.get(rule.id, ())),
            is_shadow=rule.is_shadow or policy.mode == "shadow",
        )


def _decisions(policy: Policy, fired: Mapping[str, Sequence[str]]) -> Iterator[Entry]:
    for decision in policy.decisions.values():
        for rule in decision.in_file_order:
            answer = decision.answers[rule.answer]
            if answer.effect not in (Effect.HAND_OFF, Effect.BLOCK):
                continue
            yield Entry(
                rule=rule.id,
                situation=f"{decision.applies.text}: {rule.when.text}",
                outcome=str(answer.effect),
                roles=tuple(filter(None, (answer.role, *answer.also_to))),
                because=rule.because or rule.source,
                tests=tuple(fired.get(rule.id, ())),
                is_shadow=rule.is_shadow or policy.mode == "shadow",
            )
        if _may_conflict(policy, decision):
            conflicting = [
                result.case.name
                for result in run_cases(policy)
                if result.is_passed
                and any(
                    reason.trigger == "policy_conflict" and reason.rule in {r.id for r in decision.rules}
                    for reason in result.decision.reasons
                )
            ]
            yield Entry(
                rule=decision.name,
                situation=f"{decision.applies.text}: two live rules disagree",
                outcome="hand_off",
                roles=tuple(
                    dict.fromkeys(role for owner in decision.owners for role in (owner.role, *owner.also_to))
                ),
                because="Rules that disagree are settled by the owner of the process.",
                tests=tuple(conflicting),
            )


def _may_conflict(policy: Policy, decision: BusinessDecision) -> bool:
    """True unless boxes show that no two rules of the decision can disagree."""
    unjudged = Unjudged()
    is_found = any(True for _ in conflicts(analysis_of(policy), decision, unjudged))
    return is_found or unjudged.pairs > 0


def _unsure(policy: Policy) -> Entry:
    tests = tuple(
        result.case.name
        for result in run_cases(policy)
        if result.is_passed and any(reason.trigger == "unsure" for reason in result.decision.reasons)
    )
    return Entry(
        rule="if_unsure",
        situation="a fact is unknown, no rule covers the case, or a check failed",
        outcome="hand_off",
        roles=(policy.if_unsure,),
        because="What could not be judged is not decided by the assistant.",
        tests=tests,
    )
