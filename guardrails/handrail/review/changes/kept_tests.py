"""Which of a policy's own tests a change gives up: one may change only where the change moves its outcome."""

from collections.abc import Iterator
from dataclasses import replace

from handrail.policy import Policy
from handrail.policy.file.cases import run_cases
from handrail.policy.runtime.policy import Case

_OUTCOMES = ("effect", "hand_off")


def tests_given_up(old: Policy, new: Policy) -> Iterator[str]:
    """Yield the tests of the old policy that the new one lacks, or that say less without need; pure.

    A test keeps its name and what is given. What it expects may change only if the new policy says something
    else by it, and then it still says what becomes of the case.
    """
    changed = [case for case in old.cases if case.expect not in [one.expect for one in _same(case, new)]]
    if not changed:
        return
    moved = _failing(new, tuple(changed))
    for case in changed:
        found = [one for one in _same(case, new) if any(key in one.expect for key in _OUTCOMES)]
        if not found:
            yield f"the test '{case.name}' is not for a proposal to take away"
        elif case.name not in moved or _failing(new, tuple(found)):
            yield f"the test '{case.name}' expects something else than the change asks for"


def _same(case: Case, policy: Policy) -> list[Case]:
    return [
        one for one in policy.cases if (one.name, one.given, one.stage) == (case.name, case.given, case.stage)
    ]


def _failing(policy: Policy, cases: tuple[Case, ...]) -> set[str]:
    return {one.case.name for one in run_cases(replace(policy, cases=cases)) if not one.is_passed}
