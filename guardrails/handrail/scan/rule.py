"""One pattern made ready to run: its expressions compile when they are first needed."""

import codecs
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from handrail.errors import PolicyError
from handrail.scan.checks import CHECKS, FITS
from handrail.scan.spec import EntitySpec

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


_QUANTITY = "$\u20ac\u00a3\u00a5%#+"


class Candidate(NamedTuple):
    """A span of the normalised text that one specification claims, with its score."""

    start: int
    end: int
    score: float
    spec: EntitySpec


def byte_options() -> "re2.Options":
    """Options for one byte per character, so that offsets in bytes are offsets in text."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return options


def encode(text: str) -> bytes:
    """Encode one byte per character; what has no byte of its own becomes an accented letter or a dot.

    Offsets therefore stay those of the text. Such a stand-in is no ASCII word character, so it never
    takes part in a pattern that does not allow for foreign letters.
    """
    return text.encode("latin-1", _STAND_IN)


def _stand_in(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    run = error.object[error.start : error.end]
    return bytes(0xFF if character.isalpha() else 0xB7 for character in run), error.end


_STAND_IN = "handrail.stand-in"
codecs.register_error(_STAND_IN, _stand_in)


def compiled(expression: str, spec: EntitySpec) -> "re2._Regexp":
    """Compile one expression, or say where it was written and what is wrong with it."""
    import re2

    try:
        return re2.compile(expression.encode("latin-1"), options=byte_options())
    except (re2.error, UnicodeEncodeError) as error:
        origin = spec.origin
        raise PolicyError(
            f"{spec.type}: not an expression of the RE2 subset: {_reason(error)}",
            file=origin.file,
            line=origin.line,
            column=origin.column,
        ) from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "a pattern may hold characters up to U+00FF only; words of other scripts belong in `terms`"
    reason = error.args[0] if error.args else error
    return reason.decode("latin-1") if isinstance(reason, bytes) else str(reason)


def words(phrases: tuple[str, ...]) -> str:
    """Return an expression for whole words and phrases without regard to case."""
    import re2

    return f"(?i)(?:{'|'.join(apart(phrase, re2.escape(phrase)) for phrase in phrases)})"


def apart(phrase: str, expression: str) -> str:
    """Return a phrase's expression with word boundaries where it begins or ends in an ASCII word character.

    Elsewhere a boundary would ask for a word character beside the phrase.
    """
    first, last = (
        r"\b" if c.isascii() and (c.isalnum() or c == "_") else "" for c in (phrase[0], phrase[-1])
    )
    return first + expression + last


class Rule:
    """One pattern of one specification."""

    skipped: frozenset[bytes] | None = None
    """Matches that need no judging."""

    def __init__(self, spec: EntitySpec, pattern: str) -> None:
        self.spec = spec
        self.pattern = pattern
        self.room = _room(spec)
        self.fallback: Callable[[str], bool] | None = CHECKS[spec.fallback] if spec.fallback else None
        self.fit = FITS.get(spec.check)
        self.check: Callable[[str], bool] | None = (
            CHECKS[spec.check] if spec.check not in ("", PERSON) else None
        )

    @property
    def sign(self) -> str:
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
    def extension(self) -> "re2._Regexp | None":
        """What still belongs to a span, compiled."""
        return compiled(self.spec.extend, self.spec) if self.spec.extend else None

    @cached_property
    def near(self) -> "re2._Regexp":
        """Words that raise the score, compiled."""
        return compiled(words(self.spec.context), self.spec)

    @cached_property
    def contrary(self) -> "re2._Regexp":
        """Words that lower the score, compiled."""
        return compiled(words(self.spec.against), self.spec)

    def judge(
        self, text: str, data: bytes, start: int, end: int, *, near: bool = True, contrary: bool = True
    ) -> Candidate | None:
        """Return the candidate for a span, or None when edges, check digit or context forbid it."""
        spec = self.spec
        if self.fit is not None:
            end = start + self.fit(text[start:end])
        if not edges_free(text, start, end, spec.edge):
            return None
        needs_context = spec.needs_context
        if self.check is not None and not self.check(text[start:end]):
            if self.fallback is None or not self.fallback(text[start:end]):
                return None
            needs_context = True
        score = spec.score
        has_context = near and bool(spec.context) and _is_near(self.near, data, start, end)
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


def _room(spec: EntitySpec) -> int:
    """Return how many characters behind a span can still change what becomes of it."""
    if spec.check == PERSON:
        return NAME_WINDOW + 1
    if spec.context or spec.against:
        return AFTER + 1
    return 0 if spec.edge == "none" else 2


def is_apart(text: str, start: int, end: int) -> bool:
    """Tell whether no letter, digit or underscore touches a span."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isalnum() or after.isalnum() or before == "_" or after == "_")


def edges_free(text: str, start: int, end: int, edge: str) -> bool:
    """Tell whether nothing touches a span that would make it part of something longer."""
    if edge == "none":
        return True
    if not is_apart(text, start, end):
        return False
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if edge == "number":
        return not (
            before in _QUANTITY
            or after in _QUANTITY
            or (before in ".-/,:" and start > 1 and text[start - 2].isdigit())
            or (after in ".-/," and end + 1 < len(text) and text[end + 1].isdigit())
        )
    return edge != "token" or (before not in "-/+" and after not in "-/+")
