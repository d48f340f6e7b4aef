"""The one-pass scan: a few automata say which patterns occur in a stretch, and only those are run over it.

Hundreds of patterns and thousands of words are looked for in every text. Running each of them would cost
hundreds of passes. RE2 compiles them into a few sets, the *gate* (`scan/gate.py`), which say in a pass each
which members match somewhere in a stretch, though not where. In ordinary text that is a handful. So a text is
cut into stretches of `CHUNK` characters, the gate is asked about each, and the patterns it names are run over
that stretch alone. What a policy adds has a small gate of its own, so that the large one is the same for
every policy: it builds its states as it meets texts, and need not begin anew when another policy is loaded.

**The invariant.** The candidates found are those that running every pattern over the whole text would find,
wherever the cuts fall.

- *The gate misses nothing.* It sees `LOOK_BACK` characters before the stretch and `LONGEST` behind it. A
  match that begins in the stretch, with the context that decides about it, lies within that window; what may
  be longer (keys, tokens) has a bounded pattern and goes on through `EntitySpec.extend`. A rule is
  represented by an expression that occurs wherever it can accept anything (`Rule.gate_pattern`).
- *Context words may be asked first.* A rule that needs a context word is not run where the gate saw none of
  its words, apart or glued to something, and a rule is spared the search for words that the gate did not see.
  Context lies at most `BEFORE` characters before a span and `AFTER` behind it, so a word that counts is
  inside the window.
- *Each match is found once.* A match belongs to the stretch in which it begins. Where it reaches beyond the
  stretch, `Sweep.resume` makes the same pattern go on behind it, as one pass over the whole text would: the
  matches of one pattern do not overlap.
- *A failed gate is not a clean text.* RE2 answers "nothing" when an automaton runs out of memory. The last
  member of each set matches every text; if it is not in the answer, every pattern of it counts as occurring.
- *Offsets are those of the text.* One byte stands for each character (`expressions.encode`).

**Cost.** Linear in the length for every text: RE2 does not backtrack, and matches of one pattern do not
overlap, or are short. A text of many short units (`4111 4111 …`) makes a rule judge at every one of them. So
what a rule came to in a stretch is kept, and a stretch that comes again with the same surroundings, and the
same place to begin at, is not judged again. That saves work and changes nothing.

**Tested** in `tests/property/test_scan_engine.py`: candidates with and without the gate are the same, and a
value at a cut is found like anywhere else. `tests/unit/scan/test_scanner.py` has the gate that gives up.
"""

import re
from collections.abc import Iterator

from handrail.scan.checks import CHECKED_NUMBERS
from handrail.scan.gate import NO_HITS, OWN, Gate, GateHits, forms_of, joined
from handrail.scan.names import NameRule
from handrail.scan.rule import BEFORE, Candidate, Rule

CHUNK = 2048
LONGEST = 512
"""No match of a pattern is longer than this; what is longer goes on through `EntitySpec.extend`."""

LOOK_BACK = BEFORE + 48
"""How much of what came before a stretch is needed to judge what begins in it."""

_FAR = 2 * LONGEST
"""Farther from a stretch than this stands nothing that decides about it."""

_KEPT = 64
"""How many stretches of a text are remembered: any unit of up to so many characters repeats within them."""

_GROUP = re.compile(rb"[^0-9A-Za-z]*[0-9A-Za-z]+")


class Sweep:
    """What one pass over a text found; `may_hide` are the stretches that may hide something."""

    __slots__ = ("found", "has_terms", "may_hide", "resume")

    def __init__(self) -> None:
        self.found: list[Candidate] = []
        self.may_hide: list[int] = []
        self.has_terms = False
        self.resume: dict[int, int] = {}


class Engine:
    """Patterns of many specifications, compiled once and shared by all threads.

    Args:
        gate: of what is shipped.
        own: of what a policy adds; its rules are numbered from `OWN` on.
    """

    def __init__(self, gate: Gate, own: Gate | None = None) -> None:
        self.gates = (gate,) if own is None else (gate, own)
        self.rules = {one.first + index: rule for one in self.gates for index, rule in enumerate(one.rules)}
        self.names = tuple(index for index, rule in self.rules.items() if isinstance(rule, NameRule))

    def prepare(self) -> None:
        """Do now what a scan would wait for, see `Gate.prepare`."""
        for gate in self.gates:
            gate.prepare()

    def sweep(self, text: str, data: bytes, *, is_hidden: bool = False) -> Sweep:
        """Return every candidate; `is_hidden` says that the text is a deobfuscated reading.

        `data` is `expressions.encode(text)`.
        """
        sweep = Sweep()
        if len(data) <= CHUNK:
            hits = self.gate(data, 0, len(data))
            if hits is not None:
                self._sweep_stretch(text, data, 0, sweep, _Stretch(hits, repeats=False), is_hidden=is_hidden)
            return sweep
        stretches: dict[str, _Stretch] = {}
        for low in range(0, len(data), CHUNK):
            repeats = _FAR <= low < len(data) - CHUNK - _FAR
            around = text[low - _FAR : low + CHUNK + _FAR] if repeats else ""
            stretch = stretches.get(around)
            if stretch is None:
                hits = self.gate(data, max(0, low - LOOK_BACK), low + CHUNK + LONGEST) or NO_HITS
                stretch = _Stretch(hits, repeats=repeats)
                if repeats:
                    if len(stretches) >= _KEPT:
                        stretches.clear()
                    stretches[around] = stretch
            self._sweep_stretch(text, data, low, sweep, stretch, is_hidden=is_hidden)
        return sweep

    def _sweep_stretch(
        self, text: str, data: bytes, low: int, sweep: Sweep, stretch: "_Stretch", *, is_hidden: bool
    ) -> None:
        hits = stretch.hits
        if hits.may_hide:
            sweep.may_hide.append(low)
        sweep.has_terms = sweep.has_terms or hits.has_terms
        for index in hits.rules:
            if is_hidden or not self.rules[index].spec.is_hidden_only:
                self._collect(index, text, data, low, sweep, stretch)

    def gate(self, data: bytes, first: int, last: int) -> GateHits | None:
        """Return what occurs in a stretch of the data, None for nothing; everything if a gate fails."""
        window = data[first:last] if first or last < len(data) else data
        forms = forms_of(window)
        found = self.gates[0].hits(window, forms)
        if len(self.gates) > 1:
            found = joined(found, self.gates[1].hits(window, forms))
        return found._replace(last_digit=found.last_digit + first) if found is not None and first else found

    def judge(
        self, index: int, text: str, data: bytes, span: tuple[int, int], ids: set[int]
    ) -> Candidate | None:
        """Let a rule judge a span; `ids` are those of `GateHits` and spare it the search for absent words."""
        gate = self.gates[index >= OWN]
        compiled, at = gate.compiled, index - gate.first
        return gate.rules[at].judge(
            text,
            data,
            span[0],
            span[1],
            near=compiled.near[at] in ids,
            contrary=compiled.contrary[at] in ids,
        )

    def matches(
        self, index: int, data: bytes, at: int, before: int, last_digit: int
    ) -> Iterator[tuple[int, int, int]]:
        """Yield matches that begin in `at`..`before`: span start, span end, where the next search begins.

        `last_digit` is that of `GateHits`: what needs a digit is not searched for behind it.
        """
        rule = self.rules[index]
        if rule.skipped is not None:
            return _unskipped(rule, rule.skipped, data, at, before)
        last = last_digit if rule.needs_digit else len(data)
        if rule.spec.check in CHECKED_NUMBERS:
            return _overlapping(rule, data, at, before, last)
        return _spans(rule, data, at, before, last)

    def _collect(
        self, index: int, text: str, data: bytes, low: int, sweep: Sweep, stretch: "_Stretch"
    ) -> None:
        """Run one rule over a stretch, or take what it found in the same stretch before."""
        at = max(low, sweep.resume.get(index, 0))
        if stretch.repeats and stretch.again(index, at, low, sweep):
            return
        begin, last = len(sweep.found), -1
        for start, end, resume in self.matches(index, data, at, low + CHUNK, stretch.hits.last_digit):
            last = resume
            candidate = self.judge(index, text, data, (start, end), stretch.hits.ids)
            if candidate is not None:
                sweep.found.append(candidate)
        if last >= 0:
            sweep.resume[index] = last
        if stretch.repeats:
            stretch.keep(index, at, low, last, sweep.found[begin:])


class _Stretch:
    """A stretch of a text: what the gate saw in it, and what each rule has come to in it.

    What a rule comes to depends on the text as far as `_FAR` around the stretch, and on where it begins; so
    the same stretch elsewhere in a text that repeats itself need not be judged again. `repeats` says that it
    may stand elsewhere.
    """

    __slots__ = ("_known", "hits", "repeats")

    def __init__(self, hits: GateHits, *, repeats: bool) -> None:
        self.hits, self.repeats = hits, repeats
        self._known: dict[tuple[int, int], tuple[int, int, list[Candidate]]] = {}

    def again(self, index: int, at: int, low: int, sweep: Sweep) -> bool:
        """Add what a rule that begins at `at` found in the same stretch elsewhere; False if it never ran."""
        known = self._known.get((index, at - low))
        if known is None:
            return False
        first, last, found = known
        by = low - first
        sweep.found += [Candidate(start + by, end + by, score, spec) for start, end, score, spec in found]
        if last >= 0:
            sweep.resume[index] = last + by
        return True

    def keep(self, index: int, at: int, low: int, last: int, found: list[Candidate]) -> None:
        """Remember what a rule found, unless it went on beyond what decides about the stretch."""
        if last <= low + CHUNK + LONGEST:
            self._known[index, at - low] = low, last, found


def _spans(rule: Rule, data: bytes, at: int, before: int, last_needed: int) -> Iterator[tuple[int, int, int]]:
    group, extension = rule.group, rule.extension
    resume = at
    if at > last_needed:
        return
    for match in rule.expression.finditer(data, at, before + LONGEST):
        first, last = match.span()
        if first >= before:
            return
        if last <= resume:
            continue
        is_last = last > last_needed
        start, end = match.span(1) if group else (first, last)
        if extension is not None:
            more = extension.match(data, end)
            end = more.end() if more is not None else end
            last = max(last, end)
        resume = last
        yield start, end, last
        if is_last:
            return


def _overlapping(
    rule: Rule, data: bytes, at: int, before: int, last_needed: int
) -> Iterator[tuple[int, int, int]]:
    """Yield the longest match from each group of characters on: a group before a number hides none of it."""
    while at <= last_needed:
        match = rule.expression.search(data, at, before + LONGEST)
        if match is None:
            return
        start, end = match.span(rule.group)
        if start >= before:
            return
        group = _GROUP.match(data, start, end)
        at = max(start + 1, min(end, group.end() if group else end))
        yield start, end, at


def _unskipped(
    rule: Rule, skipped: frozenset[bytes], data: bytes, at: int, before: int
) -> Iterator[tuple[int, int, int]]:
    # Most texts hold nothing but what is skipped, which is told soonest of all matches at once.
    if not rule.group and skipped.issuperset(rule.expression.findall(data, at, before + LONGEST)):
        return
    for match in rule.expression.finditer(data, at, before + LONGEST):
        if match.group() not in skipped:
            start, end = match.span()
            if start >= before:
                return
            yield start, end, end
