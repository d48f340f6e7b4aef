"""How far a text that is still arriving can be judged for good, and what it then holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from handrail.records import Finding
from handrail.scan.deobfuscate import RUNS, deobfuscate, hidden_runs, run_edge
from handrail.scan.engine import LOOK_BACK, NOTHING, Lit
from handrail.scan.partial_match import partial_match
from handrail.scan.rule import Candidate, apart, byte_options, encode
from handrail.scan.scanner import Scanner
from handrail.scan.spec import TOPICS
from handrail.scan.terms import REACH, TermHit, Terms, counted
from handrail.text.normalise import Normalised

if TYPE_CHECKING:
    import re2

_MEMORY = 256 << 20


class _Span(NamedTuple):
    """Characters that belong together, and whether their fate is still open."""

    start: int
    end: int
    is_open: bool


@dataclass(slots=True, kw_only=True)
class Horizon:
    """What was judged: up to where, in the normalised (`end`) and in the raw text (`raw_end`)."""

    end: int
    raw_end: int
    findings: list[Finding] = field(default_factory=list)
    resume: dict[int, int] = field(default_factory=dict)


class StreamJudge:
    """Judges the text of streams for one scanner and one choice of topics; shared by all its streams."""

    def __init__(self, scanner: Scanner, topics: frozenset[str]) -> None:
        engine, terms = scanner.engine, scanner.terms
        self._scanner = scanner
        self._engine = engine
        self._topics = topics
        self._skipped = frozenset(
            index for index, rule in enumerate(engine.rules) if rule.spec.type in TOPICS.keys() - topics
        )
        skipped = TOPICS.keys() - topics
        kept = {id(term.spec): term.spec for term in terms.terms if term.spec.type not in skipped}
        self._terms = Terms(kept.values())

    @cached_property
    def _growing(self) -> "re2._Regexp":
        """Matches at the end of a text that a finding may still grow out of."""
        import re2

        options = byte_options()
        options.max_mem = _MEMORY
        parts = [
            partial_match(rule.pattern, rule.spec.extend)
            for index, rule in enumerate(self._engine.rules)
            if index not in self._skipped
        ]
        parts += [partial_match(expression) for _, expression in RUNS]
        parts += [partial_match(apart(term.phrase, _spelled(term.phrase))) for term in self._terms.terms]
        return re2.compile(f"(?:{'|'.join(parts)})\\z".encode("latin-1"), options=options)

    def advance(
        self, view: Normalised, raw_start: int, resume: dict[int, int], *, needed: int, is_final: bool
    ) -> Horizon | None:
        """Judge what can be judged for good of the text from `raw_start` on.

        Args:
            view: The text held now, with some of what came before as context.
            raw_start: Where the part begins that is not judged yet.
            resume: For each rule where its last match ended.
            needed: Raw offset short of which an answer is of no use.
            is_final: Nothing more will come.

        Returns:
            What was judged, or None when nothing up to `needed` can be.
        """
        text = view.text
        data = encode(text)
        start, length = view.offset(raw_start), len(data)
        first = max(0, start - LOOK_BACK)
        limit = length
        if not is_final:
            growing = self._growing.search(data, first)
            if growing is not None:
                limit = _token_start(text, start, max(start, growing.start()))
            if view.raw_start(limit) < needed:
                return None
        lit = self._engine.lit(data, first, length)
        if lit is None:
            lit = NOTHING
        is_signed = lit.is_signed
        rules = self._worth(lit)
        terms = self._terms.hits(text, data, first) if lit.has_terms else []
        part = _Part(
            text=text, data=data, start=start, first=first, resume=dict(resume), terms=terms, known=lit.known
        )
        self._match(part, rules)
        part.spans += [_term_span(hit, length) for hit in terms if hit.start >= start]
        if not part.spans and not is_signed:
            return Horizon(end=limit, raw_end=view.raw_start(limit), resume=resume)
        if is_signed and not is_final:
            limit = self._match_hidden(part, limit)
        if not is_final:
            limit = _limit(part.spans, limit)
        return self._judged(part, view, limit, is_signed=is_signed)

    def _worth(self, lit: Lit) -> list[int]:
        """Return the rules that may match; what they need nearby may still be to come."""
        count = len(self._engine.rules)
        known = lit.known.union(self._engine.names)
        return [index for index in known if index < count and index not in self._skipped]

    def _match(self, part: "_Part", rules: list[int]) -> None:
        length = len(part.data)
        for index in rules:
            rule = self._engine.rules[index]
            if rule.spec.is_hidden_only:
                continue
            # What leads up to a captured span may be let go before the span begins.
            at = max(part.first if rule.group else part.start, part.resume.get(index, 0))
            room = rule.room
            for start, end, last in self._engine.matches(index, part.data, at, length):
                if start >= part.start:
                    reach = max(end, last)
                    part.matches.append(_Match(index, start, end, reach))
                    part.spans.append(_Span(start, reach, reach + room > length))

    def _match_hidden(self, part: "_Part", limit: int) -> int:
        """Add what matches in second readings; return how far those can be judged."""
        low = run_edge(part.text, part.first, step=-1)
        whole = [_Span(start + low, end + low, False) for start, end in hidden_runs(part.text[low:])]
        for span in whole:
            part.add(span)
        # What is still growing may hide anything, so second readings end before it.
        while (earlier := _token_start(part.text, part.start, _limit(whole, limit))) < limit:
            limit = earlier
        growing_from = limit
        for view in deobfuscate(part.text[low:limit]):
            data = encode(view.text)
            length = len(data)
            growing = self._growing.search(data)
            if growing is not None:
                growing_from = min(growing_from, low + view.raw_start(growing.start()))
            lit = self._engine.lit(data, 0, length)
            for index in self._worth(lit) if lit is not None else ():
                room = self._engine.rules[index].room
                for start, end, last in self._engine.matches(index, data, 0, length):
                    reach = max(end, last)
                    raw = view.raw_span(start, reach)
                    part.add(_Span(raw[0] + low, raw[1] + low, reach + room > length))
            for hit in self._terms.hits(view.text, data):
                raw = view.raw_span(hit.start, hit.end)
                part.add(_Span(raw[0] + low, raw[1] + low, _term_span(hit, length).is_open))
        return max(part.start, growing_from)

    def _judged(self, part: "_Part", view: Normalised, limit: int, *, is_signed: bool) -> Horizon:
        text, data = part.text, part.data
        found: list[Candidate] = []
        for match in part.matches:
            if match.last > limit:
                continue
            part.resume[match.rule] = max(match.last, part.resume.get(match.rule, 0))
            span = (match.start, match.end)
            candidate = self._engine.judge(match.rule, text, data, span, part.known)
            if candidate is not None:
                found.append(candidate)
        others = counted(part.terms)
        if is_signed:
            low = run_edge(text, part.first, step=-1)
            others += self._scanner.hidden(text[low:], low)
        found += [c for c in others if c.start >= part.start and c.end <= limit and self._is_watched(c)]
        return Horizon(
            end=limit,
            raw_end=view.raw_start(limit),
            findings=self._scanner.weighed(view, found),
            resume=part.resume,
        )

    def _is_watched(self, candidate: Candidate) -> bool:
        return candidate.spec.type not in TOPICS or candidate.spec.type in self._topics


def stream_judge(scanner: Scanner, redact_types: frozenset[str] | None) -> StreamJudge:
    """Return what judges streams in which these types and categories are redacted (None: all)."""
    topics = frozenset(
        topic
        for topic, category in TOPICS.items()
        if redact_types is None or topic in redact_types or category in redact_types
    )
    return _stream_judge(scanner, topics)


@lru_cache(maxsize=64)
def _stream_judge(scanner: Scanner, topics: frozenset[str]) -> StreamJudge:
    return StreamJudge(scanner, topics)


class _Match(NamedTuple):
    """A match of one rule, not judged yet; `last` is where its pattern ends."""

    rule: int
    start: int
    end: int
    last: int


@dataclass(slots=True, kw_only=True)
class _Part:
    """One stretch under judgement: what matched in it, and which characters belong together."""

    text: str
    data: bytes
    start: int
    first: int
    resume: dict[int, int]
    terms: list[TermHit]
    known: set[int]
    matches: list[_Match] = field(default_factory=list)
    spans: list[_Span] = field(default_factory=list)

    def add(self, span: _Span) -> None:
        """Add a span as far as it is not judged yet."""
        if span.end > self.start:
            self.spans.append(span._replace(start=max(span.start, self.start)))


def _limit(spans: Iterable[_Span], limit: int) -> int:
    """Move the limit back until no open span lies before it and no span lies across it."""
    limit = min((span.start for span in spans if span.is_open and span.start < limit), default=limit)
    for span in sorted(spans, key=lambda span: -span.end):
        if span.end <= limit:
            break
        limit = min(limit, span.start)
    return limit


def _token_start(text: str, start: int, limit: int) -> int:
    """Move a limit back to where its ASCII token begins: what grows may turn out to belong to all of it."""
    while limit > start and "!" <= text[limit - 1] <= "~":
        limit -= 1
    return limit


def _term_span(hit: TermHit, length: int) -> _Span:
    room = REACH + 1 if hit.term.is_weak else 1
    return _Span(hit.start, hit.end, hit.end + room > length)


def _spelled(phrase: str) -> str:
    """Return an expression for a phrase in either case, character by character."""
    return "".join(
        f"[{c}{c.upper()}]" if c.isascii() and c.isalpha() else f"\\x{encode(c)[0]:02x}" for c in phrase
    )
