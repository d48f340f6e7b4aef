"""The stream horizon: how far a text that is still arriving can be judged for good, and what is found there.

A stream has to give back what redacting the whole text at once would give, for every way of cutting the text
into chunks, and must let nothing go that may turn out to be part of a finding. After each chunk the judge
therefore draws a horizon.

**The invariant.** The horizon is an offset such that, whatever text still comes,

1. the findings that end at or before it are those of the whole text, and
2. no finding of the whole text lies across it.

So everything before the horizon can be redacted and let go, and everything behind it is held.

**Why it holds.** Five things can still change the fate of characters near the end:

- *Something may grow into a match.* `_growing` matches at the end of the text whatever the beginning of some
  match looks like (`partial_match`). The horizon lies before it, at the start of its token of visible ASCII
  characters, since the whole token may turn out to belong to it.
- *A match may be judged otherwise.* What touches a span and the context words behind it decide about it, and
  they may not be there yet. `Rule.room` says how many characters behind a span matter. A span whose room
  reaches beyond the text is *open*, and the horizon lies before it.
- *Overlapping candidates compete.* A span across the horizon might win against one before it. `_pull_back`
  moves the horizon before every span that crosses it, again and again, until none does.
- *A weak term may get company.* It counts beside another term of its type. One that has none yet is held
  until its reach lies before the horizon.
- *Something may be hidden.* A run that may be encoded must be there as a whole before it is decoded, so runs
  are spans like matches. What may still grow in the decoded text, and what is open there, counts at the raw
  offsets of the run that hides it.

Before the horizon the judge goes on where it stopped: `LOOK_BACK` characters are kept as context, and
`resume` says for each rule where its last match ended.

Holding back too much costs a moment; too little is a leak. Every approximation errs on the first side:
`partial_match` accepts more than real beginnings, tokens are taken whole, rooms are upper bounds. What never
ends is cut off by `stream.BOUND`.

**Tested** in `tests/property/test_scan_stream.py` (character by character, at every split, and every example
split in two: the pieces equal the redaction of the whole and no piece shows a raw value) and in
`tests/property/test_scan_engine.py` (every beginning of a match is seen as one).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from handrail.records import Finding
from handrail.scan.deobfuscate import CUT_WORD, RUNS, deobfuscate, hidden_runs, run_edge
from handrail.scan.engine import LOOK_BACK
from handrail.scan.expressions import apart, byte_options, encode
from handrail.scan.gate import NO_HITS, Gate, GateHits
from handrail.scan.partial_match import partial_match
from handrail.scan.rule import Candidate
from handrail.scan.scanner import Scanner
from handrail.scan.spec import TOPICS
from handrail.scan.terms import REACH, TermHit, Terms, counted, is_in_company
from handrail.text.normalise import Normalised

if TYPE_CHECKING:
    import re2

_MEMORY = 256 << 20

TERM_ROOM = 3
"""How many characters behind a term tell whether it is a name in code."""


class _Span(NamedTuple):
    """Characters that belong together, and whether their fate is still open."""

    start: int
    end: int
    is_open: bool


@dataclass(slots=True, kw_only=True)
class Horizon:
    """Up to where a text is judged (`end`; `raw_end` in the raw text), and what is found there."""

    end: int
    raw_end: int
    findings: list[Finding] = field(default_factory=list)
    resume: dict[int, int] = field(default_factory=dict)


class StreamJudge:
    """Draws the horizon for the streams of one scanner and one choice of topics; shared by all of them."""

    def __init__(self, scanner: Scanner, topics: frozenset[str]) -> None:
        engine, terms = scanner.engine, scanner.terms
        self._scanner = scanner
        self._engine = engine
        self._topics = topics
        self._skipped = frozenset(
            index for index, rule in engine.rules.items() if rule.spec.type in TOPICS.keys() - topics
        )
        skipped = TOPICS.keys() - topics
        kept = {id(term.spec): term.spec for term in terms.terms if term.spec.type not in skipped}
        self._terms = Terms(kept.values())

    def prepare(self) -> None:
        """Compile now what the first stream would wait for."""
        _ = self._growing

    def _growth(self, data: bytes, first: int) -> int | None:
        """Return where the first match begins that a finding may still grow out of, None for none."""
        found = [growing.search(data, first) for growing in self._growing]
        return min((one.start() for one in found if one is not None), default=None)

    @cached_property
    def _growing(self) -> "tuple[re2._Regexp, ...]":
        each = (_growing_in(gate, self._topics) for gate in self._engine.gates)
        return tuple(one for one in each if one is not None)

    def advance(
        self, view: Normalised, raw_start: int, resume: dict[int, int], *, needed: int, settled: int | None
    ) -> Horizon | None:
        """Judge the text from `raw_start` on as far as it can be judged for good.

        Args:
            view: The text held now, with some of what came before as context.
            raw_start: Where the part begins that is not judged yet.
            resume: For each rule where its last match ended.
            needed: Raw offset short of which an answer is of no use.
            settled: Raw offset up to which the reading of each character is certain, None when nothing more
            will come.

        Returns:
            What was judged, or None when nothing up to `needed` can be.
        """
        text = view.text
        data = encode(text)
        is_final = settled is None
        start, length = view.offset(raw_start), len(data)
        first = max(0, start - LOOK_BACK)
        limit = length
        if settled is not None:
            growing = self._growth(data, first)
            if growing is not None:
                limit = _token_start(text, start, max(start, growing))
            limit = max(start, min(limit, view.offset(settled)))
            if view.raw_start(limit) < needed:
                return None
        hits = self._engine.gate(data, first, length)
        if hits is None:
            hits = NO_HITS
        may_hide = hits.may_hide
        rules = self._rules_to_run(hits)
        terms = self._terms.hits(text, data, first) if hits.has_terms else []
        part = _Part(
            text=text, data=data, start=start, first=first, resume=dict(resume), terms=terms, hits=hits
        )
        self._match(part, rules)
        part.spans += [_term_span(hit, length) for hit in terms if hit.start >= start]
        if not part.spans and not may_hide:
            return Horizon(end=limit, raw_end=view.raw_start(limit), resume=resume)
        if may_hide and not is_final:
            limit = self._match_hidden(part, limit)
        if not is_final:
            limit = _before_lonely(part, _pull_back(part.spans, limit))
        return self._judged(part, view, limit, may_hide=may_hide)

    def _rules_to_run(self, hits: GateHits) -> list[int]:
        """Return the rules that may match; what they need nearby may still be to come."""
        rules = self._engine.rules
        ids = hits.ids.union(self._engine.names)
        return [index for index in ids if index in rules and index not in self._skipped]

    def _match(self, part: "_Part", rules: list[int]) -> None:
        length = len(part.data)
        for index in rules:
            rule = self._engine.rules[index]
            if rule.spec.is_hidden_only:
                continue
            # What leads up to a captured span may be let go before the span begins.
            at = max(part.first if rule.group else part.start, part.resume.get(index, 0))
            room = rule.room
            for start, end, last in self._engine.matches(index, part.data, at, length, part.hits.last_digit):
                if start >= part.start:
                    reach = max(end, last)
                    part.matches.append(_Match(index, start, end, reach))
                    part.spans.append(_Span(start, reach, reach + room > length))

    def _match_hidden(self, part: "_Part", limit: int) -> int:
        """Add what matches in deobfuscated readings; return how far those can be judged."""
        low = run_edge(part.text, part.first, step=-1)
        whole = [_Span(start + low, end + low, False) for start, end in hidden_runs(part.text[low:])]
        for span in whole:
            part.add(span)
        # What is still growing may hide anything, so deobfuscated readings end before it.
        while (earlier := _token_start(part.text, part.start, _pull_back(whole, limit))) < limit:
            limit = earlier
        growing_from = limit
        for view in deobfuscate(part.text[low:limit]):
            data = encode(view.text)
            length = len(data)
            growing = self._growth(data, 0)
            if growing is not None:
                growing_from = min(growing_from, low + view.raw_start(growing))
            hits = self._engine.gate(data, 0, length)
            last_digit = (hits or NO_HITS).last_digit
            for index in self._rules_to_run(hits) if hits is not None else ():
                room = self._engine.rules[index].room
                for start, end, last in self._engine.matches(index, data, 0, length, last_digit):
                    reach = max(end, last)
                    raw = view.raw_span(start, reach)
                    part.add(_Span(raw[0] + low, raw[1] + low, reach + room > length))
            for hit in self._terms.hits(view.text, data):
                raw = view.raw_span(hit.start, hit.end)
                room = REACH if hit.term.is_weak else TERM_ROOM
                part.add(_Span(raw[0] + low, raw[1] + low, hit.end + room >= length))
        return max(part.start, growing_from)

    def _judged(self, part: "_Part", view: Normalised, limit: int, *, may_hide: bool) -> Horizon:
        text, data = part.text, part.data
        found: list[Candidate] = []
        for match in part.matches:
            if match.last > limit:
                continue
            part.resume[match.rule] = max(match.last, part.resume.get(match.rule, 0))
            span = (match.start, match.end)
            candidate = self._engine.judge(match.rule, text, data, span, part.hits.ids)
            if candidate is not None:
                found.append(candidate)
        others = counted(part.terms)
        if may_hide:
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


@lru_cache(maxsize=16)
def _growing_in(gate: Gate, topics: frozenset[str]) -> "re2._Regexp | None":
    """Return an expression for matches at the end of a text that a finding may still grow out of, None if
    none can.

    That of a shared gate is shared as well, and with it the states that it has built.
    """
    import re2

    skipped = TOPICS.keys() - topics
    parts = [
        partial_match(rule.pattern, rule.spec.extend) for rule in gate.rules if rule.spec.type not in skipped
    ]
    if not gate.first:
        parts += [partial_match(expression) for expression in (CUT_WORD, *(run for _, run in RUNS))]
    terms = Terms(spec for spec in gate.specs if spec.type not in skipped).terms
    parts += [partial_match(apart(term.phrase, _spelled(term.phrase))) for term in terms]
    if not parts:
        return None
    options = byte_options()
    options.max_mem = _MEMORY
    return re2.compile(f"(?:{'|'.join(parts)})\\z".encode("latin-1"), options=options)


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
    hits: GateHits
    matches: list[_Match] = field(default_factory=list)
    spans: list[_Span] = field(default_factory=list)

    def add(self, span: _Span) -> None:
        """Add a span as far as it is not judged yet."""
        if span.end > self.start:
            self.spans.append(span._replace(start=max(span.start, self.start)))


def _pull_back(spans: Iterable[_Span], limit: int) -> int:
    """Move the limit back until no open span lies before it and no span lies across it."""
    limit = min((span.start for span in spans if span.is_open and span.start < limit), default=limit)
    for span in sorted(spans, key=lambda span: -span.end):
        if span.end <= limit:
            break
        limit = min(limit, span.start)
    return limit


def _before_lonely(part: "_Part", limit: int) -> int:
    """Move the limit back before every weak term that has no company yet and may still get some behind the
    limit.
    """
    while True:
        settled = [hit for hit in part.terms if hit.end + TERM_ROOM <= limit]
        waiting = [
            hit
            for hit in part.terms
            if hit.term.is_weak and part.start <= hit.start < limit <= hit.end + REACH
        ]
        earlier = min((hit.start for hit in waiting if not is_in_company(hit, settled)), default=limit)
        if earlier >= limit:
            return limit
        limit = _pull_back(part.spans, earlier)


def _token_start(text: str, start: int, limit: int) -> int:
    """Move a limit back to where its ASCII token begins: what grows may turn out to belong to all of it."""
    while limit > start and "!" <= text[limit - 1] <= "~":
        limit -= 1
    return limit


def _term_span(hit: TermHit, length: int) -> _Span:
    return _Span(hit.start, hit.end, hit.end + TERM_ROOM > length)


def _spelled(phrase: str) -> str:
    """Return an expression for a phrase in either case, character by character."""
    return "".join(
        f"[{c}{c.upper()}]" if c.isascii() and c.isalpha() else f"\\x{encode(c)[0]:02x}" for c in phrase
    )
