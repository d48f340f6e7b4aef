"""One pattern made ready to run: its expressions compile when they are first needed."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from handrail.scan.checks import CHECKS, READINGS
from handrail.scan.expressions import BOUNDARY, NAMED_BOUNDARY, compiled, is_spelled, words
from handrail.scan.needed import needs_digit
from handrail.scan.spec import EntitySpec
from handrail.text.edges import REACH as EDGE_REACH
from handrail.text.edges import extent, is_named, is_whole

if TYPE_CHECKING:
    import re2

BEFORE, AFTER = 80, 32
"""How many characters before and after a span its context words may lie."""

NAME_WINDOW = 24
"""How many characters around a name tell whether it is one."""

PERSON = "person"
"""The check that is a judgement of its own: see `names`."""

LABEL = 14
"""A context word this near is the label of the value; words that speak against it do not count then."""

CONTEXT_GAIN, CONTEXT_LOSS = 0.35, 0.4


class Candidate(NamedTuple):
    """A span of the normalised text that one specification claims, with its score."""

    start: int
    end: int
    score: float
    spec: EntitySpec


class Rule:
    """One pattern of one specification."""

    skipped: frozenset[bytes] | None = None
    """Matches that need no judging."""

    def __init__(self, spec: EntitySpec, pattern: str) -> None:
        self.spec = spec
        self.pattern = pattern
        self.room = _room(spec)
        self._is_bounded = BOUNDARY in pattern or NAMED_BOUNDARY in pattern
        followed = [rest[:1] for rest in pattern.split(NAMED_BOUNDARY)[1:]]
        self._has_name_before = any(character not in ("", ")") for character in followed)
        self._has_name_behind = any(character in ("", ")") for character in followed)
        self.names = _names(spec)
        self.fallback: Callable[[str], bool] | None = CHECKS[spec.fallback] if spec.fallback else None
        self.readings = READINGS.get(spec.check)
        self.check: Callable[[str], bool] | None = (
            CHECKS[spec.check] if spec.check not in ("", PERSON) else None
        )

    @property
    def gate_pattern(self) -> str:
        """An expression that occurs wherever a match worth judging can be; by default the pattern."""
        return self.pattern

    @cached_property
    def expression(self) -> "re2._Regexp":
        """The pattern, compiled."""
        return compiled(self.pattern, self.spec)

    @cached_property
    def group(self) -> int:
        """Number of the group that is the span: 1 where the pattern has one, else 0."""
        return 1 if self.expression.groups else 0

    @cached_property
    def needs_digit(self) -> bool:
        """Whether every match holds a digit."""
        return needs_digit(self.pattern)

    @cached_property
    def extension(self) -> "re2._Regexp | None":
        """What still belongs to a span, compiled."""
        return compiled(self.spec.extend, self.spec) if self.spec.extend else None

    @cached_property
    def near(self) -> "re2._Regexp":
        """Words that raise the score, compiled; those of other scripts count directly before a value only."""
        return compiled(words(tuple(filter(is_spelled, self.spec.context))), self.spec)

    @cached_property
    def contrary(self) -> "re2._Regexp":
        """Words that lower the score, compiled."""
        return compiled(words(self.spec.against), self.spec)

    def prepare(self) -> None:
        """Compile now what would be compiled at the first match."""
        _ = (self.expression, self.group, self.needs_digit, self.extension, self.near, self.contrary)

    def judge(
        self, text: str, data: bytes, start: int, end: int, *, near: bool = True, contrary: bool = True
    ) -> Candidate | None:
        """Return the candidate for a match, or None when edges, check digit or context forbid it."""
        spec = self.spec
        if self._is_bounded:
            has_name = self._has_name_before and text[start].isalpha() and text[start + 1].isdigit()
            start += text[start] == "_" or has_name
            has_name = self._has_name_behind and text[end - 1].isalpha() and text[end - 2].isdigit()
            end -= text[end - 1] == "_" or has_name
        start, end = extent(text, start, end, spec.edge)
        if self.readings is None:
            return self._weighed(text, data, (start, end), near=near, contrary=contrary)
        for length in self.readings(text[start:end]):
            found = self._weighed(text, data, (start, start + length), near=near, contrary=contrary)
            if found is not None:
                return found
        return None

    def _weighed(
        self, text: str, data: bytes, span: tuple[int, int], *, near: bool, contrary: bool
    ) -> Candidate | None:
        """Return the candidate for one reading of a match."""
        spec, (start, end) = self.spec, span
        if start >= end or not is_whole(text, start, end, spec.edge, names=self.names, is_led=self.group > 0):
            return None
        needs_context = spec.needs_context
        if self.check is not None and not self.check(text[start:end]):
            if self.fallback is None or not self.fallback(text[start:end]):
                return None
            needs_context = True
        score = spec.score
        has_context = (near and bool(spec.context) and _is_near(self.near, data, start, end)) or (
            bool(self.names) and is_named(text, start, end, self.names)
        )
        if has_context:
            score += CONTEXT_GAIN
        elif needs_context:
            return None
        if (
            contrary
            and spec.against
            and _is_near(self.contrary, data, start, end)
            and not (has_context and _is_near(self.near, data, start, end, LABEL, LABEL))
        ):
            score -= CONTEXT_LOSS
        return Candidate(start, end, min(score, 1.0), spec)


def _is_near(
    expression: "re2._Regexp",
    data: bytes,
    start: int,
    end: int,
    before: int = BEFORE,
    after: int = AFTER,
) -> bool:
    return expression.search(data, max(0, start - before), min(len(data), end + after)) is not None


def _names(spec: EntitySpec) -> tuple[str, ...]:
    """Return what values of a type are called, as it may be glued to one: `cardnumber`, `ssn`."""
    own = () if spec.needs_context else (spec.type.rpartition("_")[2],)
    written = (name.replace(" ", "") for name in (*own, *spec.context))
    return tuple(dict.fromkeys(name for name in written if name.isalpha() and len(name) > 1))


def _room(spec: EntitySpec) -> int:
    """Return how many characters behind a span can still change what becomes of it."""
    if spec.check == PERSON:
        return NAME_WINDOW + 1
    if spec.context or spec.against:
        return AFTER + 1
    return 0 if spec.edge == "none" else EDGE_REACH + 1
