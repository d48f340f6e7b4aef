"""Refuses a policy that reads facts which nothing supplies: each would be unknown in every call."""

from handrail.errors import PolicyError
from handrail.policy import Policy
from handrail.policy.file.load import all_of
from handrail.policy.language.facts import FactDeclaration
from handrail.policy.language.sources import Caller, context_name


def unsupplied(policy: Policy) -> tuple[FactDeclaration, ...]:
    """Return the facts that rules read and only a fact source can supply, in file order; pure."""
    read = {name for unit in policy.units for name in unit.reads}
    return tuple(
        fact for name, fact in policy.facts.items() if name in read and isinstance(fact.source, Caller)
    )


def check_supplied(policy: Policy) -> None:
    """Refuse a policy for a guard that has no fact source.

    Raises:
        PolicyError: a rule reads a fact that nothing supplies; it says for each which line to add.
    """
    missing = unsupplied(policy)
    if missing:
        raise all_of([_problem(policy, fact) for fact in missing])


def _problem(policy: Policy, fact: FactDeclaration) -> PolicyError:
    stated = f"guard.context(facts={{'{context_name(fact.name)}': …}})"
    problem = (
        f"nothing supplies '{fact.name}': add `from: context.{context_name(fact.name)}` and state it in"
        f" {stated}, or give the guard a fact source (facts=…)"
    )
    return PolicyError(problem, file=policy.ref.name, line=fact.line or 1)
