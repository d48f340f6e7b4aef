"""From a text to its findings."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, lru_cache, partial
from hashlib import blake2b

from handrail.errors import PolicyError
from handrail.records import Finding
from handrail.scan.address_lines import LOCALITY, lines
from handrail.scan.catalogue import shipped
from handrail.scan.checks import CHECKS
from handrail.scan.deobfuscate import TRIGGERS, deobfuscate, run_edge
from handrail.scan.engine import CHUNK, LONGEST, LOOK_BACK, Engine
from handrail.scan.expressions import encode
from handrail.scan.gate import OWN, Gate
from handrail.scan.overlap import resolve
from handrail.scan.rule import PERSON, Candidate, Rule
from handrail.scan.spec import SHIPPED, TAGGED, EntitySpec, ListedValue, ScanSpec
from handrail.scan.terms import Terms
from handrail.text.carried import carried, carrier_start
from handrail.text.edges import EDGES
from handrail.text.normalise import Normalised, normalise

HIDDEN_GAIN = 0.35
"""What obfuscation adds to a score: what somebody encodes or spaces out is worth hiding."""

_LEAD = 20
"""How many characters before a value may name it."""

CACHED = 4096
"""Most texts whose findings a `CachedScanner` remembers."""

SHORTEST_CACHED = 64
"""Shorter texts, in characters, are scanned faster than they are looked up."""


# Digits, names, addresses and codes of every form: RE2 and the checks behind it build what they meet.
_SAMPLE = (
    "Ann Smith wrote on 3 May: Card 4111 1111 1111 1111, CVC 123; ann@example.org, +44 20 7946 0958.\n"
    "She lives at 12 High Street, London SW1A 1AA. IBAN DE89 3704 0044 0532 0130 00; SSN 078-05-1120.\n"
    "key: Ab3dEf6hIj9kLmN0pQrStUvWxYz8Q https://example.org/a?b=c 192.0.2.1 password = 'secret1!'\n"
    "Her diagnosis, her lawyer and her notice are in file AB-12/34. %41%42 YWJjZGVmZ2hpamtsbW5vcA==\n"
)


class Scanner:
    """Looks for everything a specification names. Immutable; one instance serves all threads."""

    def __init__(self, spec: ScanSpec | None = None) -> None:
        """Prepare a scanner; nothing but the user's own patterns is compiled before the first scan.

        Raises:
            PolicyError: A pattern of the specification is no RE2 expression, or a check is not known.
        """
        self.spec = spec or ScanSpec()
        for entity in self.spec.entities:
            _examine(entity)
        kept, denied = _selected(self.spec), tuple(map(_denied, self.spec.deny))
        self.entities = (*kept, *self.spec.entities)
        self.terms = Terms((*self.entities, *denied))
        self.engine = Engine(_shipped_gate(kept), _own_gate((*self.spec.entities, *denied)))
        self._added = frozenset((*self.spec.entities, *denied))
        self._locality = next((entity for entity in self.entities if entity.type == LOCALITY), None)
        self._allowed = frozenset(normalise(value.value).text.lower() for value in self.spec.allow)

    def prepare(self) -> None:
        """Do now what takes tens of milliseconds and the first scan would wait for.

        Analyzers are not asked: what the user's own code raises belongs to the call that it judges.
        """
        self.engine.prepare()
        self._own(_SAMPLE)

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return what is found, in order; spans count characters of `text`. Never fails on any text."""
        findings = self._own(text)
        for analyzer in self.spec.analyzers:
            findings = sorted((*findings, *analyzer.analyze(text)), key=lambda f: (f.start, f.end, f.type))
        if len(findings) > self.spec.max_findings:
            return capped(findings, self.spec.max_findings, len(text))
        return tuple(findings)

    def _own(self, text: str) -> list[Finding]:
        """Return what is found without the user's analyzers."""
        view = normalise(text)
        candidates = self.candidates(view.text)
        invisible = self.carried(text)
        if not candidates and not invisible:
            return []
        findings = self.weighed(view, candidates)
        if invisible:
            findings = sorted({*findings, *invisible}, key=lambda f: (f.start, f.end, f.type))
        return findings

    def carried(self, text: str) -> list[Finding]:
        """Return what is found in the text that invisible characters carry, and only there."""
        return [
            finding
            for view in carried(text)
            for finding in self.weighed(view, self.candidates(view.text))
            if carrier_start(text[: finding.end], finding.start) < finding.end
        ]

    def weighed(self, view: Normalised, candidates: Iterable[Candidate]) -> list[Finding]:
        """Return the findings that stand among candidates, with spans in the original of `view`."""
        return [
            _finding(candidate, view.raw_span(candidate.start, candidate.end))
            for whole in resolve(candidates, self.spec.floor, self._added)
            for candidate in lines(view.text, whole, self._locality)
            if not self._is_allowed(view.text, candidate)
        ]

    def candidates(self, text: str) -> list[Candidate]:
        """Return all that a normalised text may hold, hidden or plain, before any of it is weighed up."""
        data = encode(text)
        sweep = self.engine.sweep(text, data)
        found = sweep.found
        if sweep.has_terms:
            found += self.terms.candidates(text, data)
        for low, high in _stretches(text, sweep.may_hide):
            found += self.hidden(text[low:high], low)
        return found

    def hidden(self, text: str, offset: int) -> list[Candidate]:
        """Return what the deobfuscated readings of a stretch show, with spans moved on by `offset`."""
        found = []
        for view in deobfuscate(text):
            data = encode(view.text)
            inner = self.engine.sweep(view.text, data, is_hidden=True).found
            inner += self.terms.candidates(view.text, data)
            for candidate in map(partial(_between_escapes, view), inner):
                start, end = view.raw_span(candidate.start, candidate.end)
                gain = HIDDEN_GAIN if end - start != candidate.end - candidate.start else 0.0
                if gain or _touches_fold(view, candidate.start, candidate.end):
                    score = min(1.0, candidate.score + gain)
                    found.append(Candidate(start + offset, end + offset, score, candidate.spec))
        return found

    def _is_allowed(self, text: str, candidate: Candidate) -> bool:
        return bool(self._allowed) and text[candidate.start : candidate.end].lower() in self._allowed


class CachedScanner:
    """A scanner that remembers what it found in its latest texts; safe between threads.

    A conversation's history comes again with every turn. Digests and spans are kept, no text.
    """

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._found: dict[bytes, tuple[Finding, ...]] = {}

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return the findings in a text, as the scanner does."""
        if len(text) < SHORTEST_CACHED:
            return self._scanner.scan(text)
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).digest()
        found = self._found.get(key)
        if found is None:
            found = self._scanner.scan(text)
            if len(self._found) >= CACHED:
                # Another thread may empty it at the same time; both then start anew, which costs time only.
                self._found.clear()
            self._found[key] = found
        return found


@cache
def default_scanner() -> Scanner:
    """Return the scanner with every shipped type that is not optional; made once."""
    return Scanner()


def capped(findings: Iterable[Finding], limit: int, end: int) -> tuple[Finding, ...]:
    """Keep at most `limit` findings of a type; the last one kept then reaches to the end and says so."""
    counts: Counter[str] = Counter()
    kept = []
    for finding in findings:
        counts[finding.type] += 1
        if counts[finding.type] < limit:
            kept.append(finding)
        elif counts[finding.type] == limit:
            kept.append(replace(finding, end=end, note=f"capped at {limit}; reaches to the end of the text"))
    return tuple(kept)


def _between_escapes(view: Normalised, candidate: Candidate) -> Candidate:
    """Leave foreign letters that are written out on either side of a mail address to the text around it."""
    if candidate.spec.edge != "atom":
        return candidate
    start, end = candidate.start, candidate.end
    start += _is_written_out(view, start) and view.text[start + 1].isalnum()
    end -= _is_written_out(view, end - 1) and view.text[end - 2].isalnum()
    return candidate._replace(start=start, end=end)


def _is_written_out(view: Normalised, at: int) -> bool:
    return not view.text[at].isascii() and view.raw_start(at + 1) - view.raw_start(at) > 1


def _touches_fold(view: Normalised, start: int, end: int) -> bool:
    """Tell whether what stands beside a span, or leads up to it, was written out: there it ends, which
    cannot be seen otherwise (`%20pin: 4840`).
    """
    first = max(0, start - _LEAD)
    before = view.raw_start(start) - view.raw_start(first) != start - first
    return before or (end < len(view.text) and view.raw_start(end + 1) - view.raw_start(end) != 1)


def _stretches(text: str, lows: list[int]) -> Iterator[tuple[int, int]]:
    """Merge neighbouring chunks and widen them so that no run and no context is cut."""
    start = end = -1
    for low in lows:
        first, last = max(0, low - LOOK_BACK), min(len(text), low + CHUNK + 2 * LONGEST)
        if first <= end:
            end = end if last <= end else run_edge(text, last, step=1)
            continue
        if end >= 0:
            yield start, end
        start, end = run_edge(text, first, step=-1), run_edge(text, last, step=1)
    if end >= 0:
        yield start, end


def _finding(candidate: Candidate, span: tuple[int, int]) -> Finding:
    spec = candidate.spec
    return Finding(
        type=spec.type, category=spec.category, start=span[0], end=span[1], score=round(candidate.score, 2)
    )


@lru_cache(maxsize=4)
def _shipped_gate(kept: tuple[EntitySpec, ...]) -> Gate:
    """Return the gate of some shipped specifications, the same one for every scanner that has these.

    An automaton builds its states as it meets texts, which takes milliseconds at the first ones. One that all
    scanners of a program go on with has met them, whatever policy is loaded next.
    """
    return Gate(kept, TRIGGERS, _phrases(kept))


def _phrases(specs: tuple[EntitySpec, ...]) -> tuple[str, ...]:
    return tuple(term.phrase for term in Terms(specs).terms)


def _own_gate(specs: tuple[EntitySpec, ...]) -> Gate | None:
    return Gate(specs, (), _phrases(specs), first=OWN) if specs else None


def _selected(spec: ScanSpec) -> tuple[EntitySpec, ...]:
    """Return the shipped specifications that a scanner keeps."""
    own = {entity.type for entity in spec.entities}
    return tuple(
        entity
        for entity in shipped()
        if entity.type not in own
        and (spec.tagger == SHIPPED or entity.type not in TAGGED)
        and entity.type not in spec.disable
        and entity.category not in spec.disable
        and (not entity.is_optional or entity.type in spec.enable)
    )


def _denied(value: ListedValue) -> EntitySpec:
    return EntitySpec(
        type=value.type, category=value.category, terms=(value.value,), score=1.0, origin=value.origin
    )


def _examine(entity: EntitySpec) -> None:
    if entity.check not in ("", PERSON) and entity.check not in CHECKS:
        raise _problem(entity, f"no check is named {entity.check!r}")
    if entity.fallback and entity.fallback not in CHECKS:
        raise _problem(entity, f"no check is named {entity.fallback!r}")
    if not entity.patterns and not entity.terms:
        raise _problem(entity, "needs patterns or terms")
    if entity.edge not in EDGES:
        raise _problem(entity, f"edge must be one of {', '.join(EDGES)}")
    if not 0 <= entity.score <= 1:
        raise _problem(entity, "the score must lie in 0..1")
    for pattern in entity.patterns:
        rule = Rule(entity, pattern)
        if rule.expression.match(b"") is not None:
            raise _problem(entity, "the pattern matches the empty text")
        _ = rule.extension


def _problem(entity: EntitySpec, what: str) -> PolicyError:
    origin = entity.origin
    return PolicyError(f"{entity.type}: {what}", file=origin.file, line=origin.line, column=origin.column)
