"""What a scanner looks for, as plain frozen values; nothing is compiled here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from handrail.records import Finding
from handrail.text.edges import Edge

DEFAULT_FLOOR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a specification was written; line and column count from 1."""

    file: str = "<spec>"
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySpec:
    """One type of finding.

    Attributes:
        type: Name of the finding, `snake_case`.
        category: One of the categories that policies name.
        patterns: RE2 expressions; group 1, where there is one, is the span, else the whole match.
        terms: Words and phrases, found whole and without regard to case.
        weak_terms: Words that count only beside another term of the same type within a line or so.
        check: Name of a validator in `scan.checks` that the span must satisfy.
        fallback: Name of a weaker validator that suffices with a context word near.
        score: Score without any context, 0..1; findings below the scanner's floor are dropped.
        context: Words and phrases that raise the score when near.
        against: Words and phrases that lower it when near.
        needs_context: Without a context word near, there is no finding at all.
        edge: What may not touch the span: `word` a letter, digit or underscore; `number` also a separator
            that leads to another digit; `token` also the characters of keys (`-`, `/`, `+`); `none`
            anything may.
        extend: Expression for what still belongs to a span that would be too long for a pattern.
        is_carrier: Findings of checked types inside this one stay findings of their own.
        is_hidden_only: Looked for only where something was hidden: a form too weak in plain sight.
        is_optional: Found only when named in `ScanSpec.enable`.
        match: Texts in which it must be found.
        not_match: Texts in which it must not.
        origin: Where this was written, for error messages.
    """

    type: str
    category: str
    patterns: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    weak_terms: tuple[str, ...] = ()
    check: str = ""
    fallback: str = ""
    score: float = 0.6
    context: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    needs_context: bool = False
    edge: Edge = "word"
    extend: str = ""
    is_carrier: bool = False
    is_hidden_only: bool = False
    is_optional: bool = False
    match: tuple[str, ...] = ()
    not_match: tuple[str, ...] = ()
    origin: Origin = field(default=Origin())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedValue:
    """A value that is never a finding (allow) or always one (deny), without regard to case."""

    value: str
    type: str = "denied"
    category: str = "identifier"
    origin: Origin = field(default=Origin())


class Analyzer(Protocol):
    """One more scanner, run on the same text; its spans count characters of that text."""

    name: str

    def analyze(self, text: str) -> tuple[Finding, ...]:
        """Return what it sees in one text."""
        ...


SHIPPED = "rules"
"""The tagger that comes with handrail; see `ScanSpec.tagger`."""

NO_TAGGER = "none"
"""In place of a tagger: names and addresses are not looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSpec:
    """What one scanner looks for.

    Attributes:
        entities: The user's own types, beside the shipped ones; a shipped type of the same name gives way.
        allow: Values that are never a finding, such as the company's own address.
        deny: Values that are always a finding.
        enable: Optional shipped types to look for as well (`date`).
        disable: Shipped types, or whole categories, to leave out.
        floor: Findings with a lower score are dropped, 0..1.
        tagger: Who finds names and addresses: `rules` is the shipped one, any other name must be among
            `analyzers`; `none` leaves names and addresses out.
        analyzers: More scanners to run, such as `handrail_adapters.presidio.PresidioScanner`.
        max_findings: Findings of one type in one text beyond this number are merged into the last one,
            which then reaches to the end and says so in its note.
    """

    entities: tuple[EntitySpec, ...] = ()
    allow: tuple[ListedValue, ...] = ()
    deny: tuple[ListedValue, ...] = ()
    enable: frozenset[str] = frozenset()
    disable: frozenset[str] = frozenset()
    floor: float = DEFAULT_FLOOR
    tagger: str = SHIPPED
    analyzers: tuple[Analyzer, ...] = ()
    max_findings: int = 1000


CATEGORIES = frozenset(
    {"identifier", "financial", "credential", "network", "location", "health", "legal", "personnel"}
)

TAGGED = frozenset({"person", "address", "locality"})
"""Types that a tagger finds; see `ScanSpec.tagger`."""

TOPICS: Mapping[str, str] = {
    "health": "health",
    "legal": "legal",
    "personnel": "personnel",
    "finance_topic": "financial",
}
"""Topic type → its category."""
