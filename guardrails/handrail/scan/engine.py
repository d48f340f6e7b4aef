"""Finds candidates: one pass tells which patterns occur in a stretch, only those are then looked up."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from handrail.scan.names import NameRule
from handrail.scan.rule import BEFORE, PERSON, Candidate, Rule, byte_options, compiled, encode, words
from handrail.scan.spec import EntitySpec

if TYPE_CHECKING:
    import re2

CHUNK = 2048
LONGEST = 512
"""No match of a pattern is longer than this; what is longer goes on through `EntitySpec.extend`."""

LOOK_BACK = BEFORE + 48
"""How much of what came before a stretch is needed to judge what begins in it."""

_MEMORY = 256 << 20


class Sweep:
    """What one pass over a text found, and which stretches showed one of the signs asked for."""

    __slots__ = ("found", "has_terms", "resume", "signed")

    def __init__(self) -> None:
        self.found: list[Candidate] = []
        self.signed: list[int] = []
        self.has_terms = False
        self.resume: dict[int, int] = {}


class Engine:
    """Patterns of many specifications, compiled once and shared by all threads."""

    def __init__(
        self, specs: tuple[EntitySpec, ...], signs: tuple[str, ...] = (), terms: tuple[str, ...] = ()
    ) -> None:
        self.rules = tuple(
            (NameRule if spec.check == PERSON else Rule)(spec, pattern)
            for spec in specs
            for pattern in _patterns(spec)
        )
        self.names = tuple(i for i, rule in enumerate(self.rules) if isinstance(rule, NameRule))
        self._signs = signs
        self._terms = terms

    @cached_property
    def _gate(self) -> "_Gate":
        """The set of all patterns: ids of rules first, then contexts, terms, signs, what always matches."""
        import re2

        options = byte_options()
        options.max_mem = _MEMORY
        gate = re2.Set.SearchSet(options)
        for rule in self.rules:
            try:
                gate.Add(rule.sign.encode("latin-1"))
            except re2.error:
                compiled(rule.pattern, rule.spec)
                raise
        ids: dict[tuple[str, ...], int] = {(): -1}
        for rule in self.rules:
            for listed in (rule.spec.context, rule.spec.against):
                if listed not in ids:
                    ids[listed] = gate.Add(words(listed).encode("latin-1"))
        term = gate.Add(encode(words(self._terms))) if self._terms else -1
        for sign in self._signs:
            gate.Add(sign.encode("latin-1"))
        always = gate.Add(b"")
        gate.Compile()
        return _Gate(
            set=gate,
            near=tuple(ids[rule.spec.context] for rule in self.rules),
            contrary=tuple(ids[rule.spec.against] for rule in self.rules),
            needy=tuple(rule.spec.needs_context for rule in self.rules),
            term=term,
            signs=frozenset(range(always - len(self._signs), always)),
            always=always,
        )

    def sweep(self, text: str, data: bytes, *, is_hidden: bool = False) -> Sweep:
        """Return every candidate; `is_hidden` says that the text is a second reading.

        `data` is `rule.encode(text)`. Linear in the length for any text: matches of one pattern do not
        overlap.
        """
        sweep = Sweep()
        rules = self.rules
        for low in range(0, len(data), CHUNK):
            lit = self.lit(data, max(0, low - LOOK_BACK), low + CHUNK + LONGEST)
            if lit is None:
                continue
            if lit.is_signed:
                sweep.signed.append(low)
            sweep.has_terms = sweep.has_terms or lit.has_terms
            for index in lit.rules:
                if is_hidden or not rules[index].spec.is_hidden_only:
                    self._collect(index, text, data, low, sweep, lit)
        return sweep

    def lit(self, data: bytes, first: int, last: int) -> "Lit | None":
        """Return what occurs in a stretch of the data, None for nothing.

        Where the automaton fails, everything counts as occurring: RE2 then says "nothing", and silence must
        not pass as clean.
        """
        gate = self._gate
        hits = gate.set.Match(data[first:last] if first or last < len(data) else data)
        if len(hits) == 1 and hits[0] == gate.always:
            return None
        known = set(hits)
        if gate.always not in known:
            known = set(range(gate.always))
            hits = list(known)
        count, needy, near = len(self.rules), gate.needy, gate.near
        return Lit(
            known=known,
            rules=[i for i in hits if i < count and (not needy[i] or near[i] in known)],
            has_terms=gate.term in known,
            is_signed=not gate.signs.isdisjoint(known),
        )

    def judge(
        self, index: int, text: str, data: bytes, span: tuple[int, int], known: set[int]
    ) -> Candidate | None:
        """Let a rule judge a span, sparing it the search for words that occur nowhere near."""
        gate = self._gate
        return self.rules[index].judge(
            text,
            data,
            span[0],
            span[1],
            near=gate.near[index] in known,
            contrary=gate.contrary[index] in known,
        )

    def matches(self, index: int, data: bytes, at: int, before: int) -> Iterator[tuple[int, int, int]]:
        """Return span start, span end and where the next search begins, of matches that begin in
        `at`..`before`.
        """
        rule = self.rules[index]
        if rule.skipped is not None:
            return _unskipped(rule, rule.skipped, data, at, before)
        return _spans(rule, data, at, before)

    def _collect(self, index: int, text: str, data: bytes, low: int, sweep: Sweep, lit: "Lit") -> None:
        at = max(low, sweep.resume.get(index, 0))
        for start, end, last in self.matches(index, data, at, low + CHUNK):
            sweep.resume[index] = last
            candidate = self.judge(index, text, data, (start, end), lit.known)
            if candidate is not None:
                sweep.found.append(candidate)


def _spans(rule: Rule, data: bytes, at: int, before: int) -> Iterator[tuple[int, int, int]]:
    group, extension = rule.group, rule.extension
    resume = at
    for match in rule.expression.finditer(data, at, before + LONGEST):
        first, last = match.span()
        if first >= before:
            return
        if last <= resume:
            continue
        start, end = match.span(1) if group else (first, last)
        if extension is not None:
            more = extension.match(data, end)
            end = more.end() if more is not None else end
            last = max(last, end)
        resume = last
        yield start, end, last


def _unskipped(
    rule: Rule, skipped: frozenset[bytes], data: bytes, at: int, before: int
) -> Iterator[tuple[int, int, int]]:
    for match in rule.expression.finditer(data, at, before + LONGEST):
        if match.group() not in skipped:
            start, end = match.span()
            if start >= before:
                return
            yield start, end, end


class Lit(NamedTuple):
    """What occurs in a stretch: all ids, the rules worth looking up, and whether terms and signs do."""

    known: set[int]
    rules: list[int]
    has_terms: bool
    is_signed: bool


NOTHING = Lit(known=set(), rules=[], has_terms=False, is_signed=False)


class _Gate(NamedTuple):
    """The compiled set and the meaning of its ids; -1 where a rule has no words of a kind."""

    set: "re2.Set"
    near: tuple[int, ...]
    contrary: tuple[int, ...]
    needy: tuple[bool, ...]
    term: int
    signs: frozenset[int]
    always: int


def _patterns(spec: EntitySpec) -> tuple[str, ...]:
    """Return a specification's patterns, as one where none of them captures: fewer to look up."""
    joined = "|".join(f"(?:{pattern})" for pattern in spec.patterns)
    if len(spec.patterns) < 2 or compiled(joined, spec).groups:
        return spec.patterns
    return (joined,)
