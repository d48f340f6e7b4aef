"""What keeps a newly found type out of answers: a rule that the policy has, or one that is written. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from handrail.policy import Policy
from handrail.policy.language.ir import Formula, Holds, Or, atoms
from handrail.policy.language.sources import OutputFindings
from handrail.policy.runtime.rules import Rule
from handrail.records import Effect
from handrail.review.changes.patched_lists import extended
from handrail.review.changes.patches import NotPatchable, masking_added

IDENTIFIER = "identifier"
"""The category of what is found by its shape alone, which says nothing of what a number is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """What happens to answers in which a type is found; `str` says it.

    `held_by` is the rule in force that keeps it from going out, None where one that masks it is written.
    `fact` is the one that holds what is found in answers, empty where the policy has none.
    """

    type: str
    category: str
    rule: str
    fact: str
    held_by: Rule | None = None

    def __str__(self) -> str:
        if self.held_by is None:
            return f"The new rule {self.rule} masks it in answers"
        if self.is_masked:
            return f"{self.rule} masks it in answers"
        return f"{self.rule} stops answers that hold one: they are not masked, and wait for a person"

    @property
    def is_masked(self) -> bool:
        """True where nobody has to take it out any more."""
        return self.held_by is None or self.held_by.effect is Effect.REDACT

    def written(self, text: str) -> str:
        """Return a policy's text with the rule that masks the type, as it is where a rule in force acts.

        Raises:
            NotPatchable: a program cannot write it.
        """
        if self.held_by is not None:
            return text
        if not self.fact:
            raise NotPatchable(
                "no fact holds what is found in answers; declare "
                f"output.findings: {{type: set, values: [{self.type}]}}, and a rule that masks it"
            )
        text = extended(text, ("facts", self.fact, "values"), self.type)
        because = "People take it out of answers by hand."
        return masking_added(text, self.rule, self.fact, self.type, because=because)


def masking_of(policy: Policy, type_: str, category: str) -> Masking:
    """Return what a policy does, or is made to do, to answers in which a type of a category is found."""
    facts = frozenset(_of_answers(policy))
    acting = [
        rule
        for rule in policy.hand_offs
        if not rule.is_shadow
        and rule.effect is not Effect.PASS
        and _is_enough(rule.when.formula, facts, frozenset({type_, category}))
    ]
    # Where one rule masks and another hands off, the answer is handed off.
    held_by = next((rule for rule in acting if rule.effect is not Effect.REDACT), next(iter(acting), None))
    return Masking(
        type=type_,
        category=category,
        rule=held_by.id if held_by is not None else _name(type_, policy),
        fact=min(facts, default=""),
        held_by=held_by,
    )


def category_of(type_: str, policy: Policy) -> str:
    """Return the category of a new type: one for which nobody is handed off who writes such a value."""
    answers = frozenset(_of_answers(policy))
    stopping = (
        atom
        for rule in policy.hand_offs
        if not rule.is_shadow and (rule.effect in (Effect.HAND_OFF, Effect.BLOCK) or rule.also_to)
        for atom in atoms(rule.when.formula)
        if isinstance(atom, Holds) and atom.fact not in answers
    )
    return type_ if any(atom.item == IDENTIFIER for atom in stopping) else IDENTIFIER


def _of_answers(policy: Policy) -> Iterator[str]:
    return (name for name, fact in policy.facts.items() if isinstance(fact.source, OutputFindings))


def _is_enough(formula: Formula, facts: frozenset[str], items: frozenset[str]) -> bool:
    """Tell whether a formula holds whenever one of the facts holds one of the items."""
    match formula:
        case Holds(fact=fact, item=item):
            return fact in facts and item in items
        case Or(parts=parts):
            return any(_is_enough(part, facts, items) for part in parts)
        case _:
            return False


def _name(type_: str, policy: Policy) -> str:
    """Return a name for the rule that no other has."""
    known = {rule.id for rule in policy.hand_offs}
    name = f"mask-{type_.replace('_', '-')}"
    names = (f"{name}{f'-{number}' if number else ''}" for number in range(len(known) + 1))
    return next(each for each in names if each not in known)
