"""Runs the texts that test a policy's own words and entities.

No message shows a text: what a scanner should have found and did not could not be masked in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from handrail.errors import PolicyError
from handrail.policy import Policy
from handrail.policy.file.load import all_of
from handrail.policy.runtime.policy import TextCase
from handrail.scan import Scanner
from handrail.signals.listening import Listening
from handrail.signals.read import hear


@dataclass(frozen=True, slots=True, kw_only=True)
class TextResult:
    """The result of one text; `hint` says what its entity's pattern looks like, where that is the cause."""

    case: TextCase
    is_passed: bool
    hint: str = ""

    @property
    def name(self) -> str:
        """Which text it is, e.g. `signal complaint: text 2 of match`."""
        case = self.case
        return f"{case.of} {case.name}: text {case.number} of {'match' if case.is_match else 'not_match'}"

    @property
    def said(self) -> str:
        """What is wrong, in words; without meaning where it passed."""
        found = "heard" if self.case.of == "signal" else "found"
        return f"{self.case.name} {'is not' if self.case.is_match else 'is'} {found} there{self.hint}"

    @property
    def problem(self) -> PolicyError:
        """What is wrong, with the place of the text; without meaning where it passed."""
        case = self.case
        return PolicyError(f"{self.name}: {self.said}", file=case.file, line=case.line, column=case.column)


def run_text_cases(policy: Policy, scanner: Scanner, listening: Listening) -> tuple[TextResult, ...]:
    """Try every text under `match:` and `not_match:` of a policy.

    Args:
        policy: the policy.
        scanner: looks for its entities, without analyzers: the texts test what stands in the file.
        listening: hears its words.
    """
    return tuple(_result(case, scanner, listening) for case in policy.text_cases)


def refuse_failing_texts(results: Iterable[TextResult]) -> None:
    """Refuse a policy that does not find what its own texts say.

    Raises:
        PolicyError: the texts that fail, each with its place.
    """
    failing = [result.problem for result in results if not result.is_passed]
    if failing:
        raise all_of(failing)


def _result(case: TextCase, scanner: Scanner, listening: Listening) -> TextResult:
    if case.of == "signal":
        found = {heard.name for heard in hear(case.text, listening=listening)}
    else:
        found = {finding.type for finding in scanner.scan(case.text)}
    is_passed = (case.name in found) is case.is_match
    hint = "" if is_passed or case.of == "signal" else _quoted(scanner, case.name)
    return TextResult(case=case, is_passed=is_passed, hint=hint)


def _quoted(scanner: Scanner, name: str) -> str:
    """Say where a pattern holds the quotes it was written in, as other formats than YAML leave them out."""
    patterns = [one for entity in scanner.spec.entities if entity.type == name for one in entity.patterns]
    for pattern in patterns:
        if len(pattern) > 1 and pattern[0] == pattern[-1] and pattern[0] in "'\"`/":
            return f"; the {pattern[0]} at both ends is part of the pattern: write it once in single quotes"
    return ""
