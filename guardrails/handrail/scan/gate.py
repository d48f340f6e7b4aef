r"""Which patterns occur in a stretch of text: several automata, each over patterns that go well together.

RE2 builds the states of an automaton as texts come to need them. One automaton for hundreds of patterns and
thousands of words is in a state of its own at nearly every place of every text, for a state is one
combination of how far each pattern has come. It would be built, at some microseconds a character, for
nearly every text that was not read before. Automata over parts of the patterns have few states, which the
first texts bring about and later ones share.

So the patterns are divided by what is known of them without reading any text:

- *lists*: names and streets, which are thousands of words;
- *numbers*: a match holds a digit. A stretch without one is not searched for them;
- *named* and *marked*: a match holds a sign that prose has few of, in a name with which it begins (`ghp_`) or
  elsewhere. A stretch without one is not searched for them either;
- *values*: all others, and the signs that something is hidden;
- *terms*: words and phrases that are findings by themselves;
- *words*: what speaks for or against a value nearby. They are looked for only where a rule that asks for them
  occurs.

Each automaton has one more member, which matches every text. If an answer lacks it the automaton ran out of
memory, and all of its members count as occurring.
"""

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from handrail.scan.expressions import byte_options, compiled, encode, glued, unbounded, words
from handrail.scan.names import NameRule
from handrail.scan.needed import needs, needs_digit
from handrail.scan.rule import PERSON, Rule
from handrail.scan.spec import EntitySpec

if TYPE_CHECKING:
    import re2

OWN = 1 << 20
"""Number of the first rule of a policy's own; those before it are of what is shipped."""

_MEMORY = 64 << 20
_DIGITS = frozenset("0123456789")
_MARKS = frozenset("_@=:/\\+&%#<>~|^*${}[]`-")
_FORMS = bytes(48 if chr(code) in _DIGITS else 45 if chr(code) in _MARKS else 32 for code in range(256))

_LONG = 1000
"""A pattern of so many characters is a list of words."""

_NAMED = re.compile(r"(?:\\b|\(\?:\\b\|[^)]*\))?\(?(?:\?:|\?i:)?[A-Za-z_:/-]{3}")


class GateHits(NamedTuple):
    """What occurs in a stretch: all ids, the rules worth running, and whether terms and triggers do.

    `last_digit` is the place of the last digit in the stretch, -1 for none.
    """

    ids: set[int]
    rules: list[int]
    has_terms: bool
    may_hide: bool
    last_digit: int


NO_HITS = GateHits(ids=set(), rules=[], has_terms=False, may_hide=False, last_digit=-1)


def forms_of(stretch: bytes) -> bytes:
    """Return a stretch with a digit as `0`, a mark as `-`, any other character as a blank."""
    return stretch.translate(_FORMS)


class _Kind(Enum):
    """Which part a pattern belongs to."""

    LISTS = auto()
    NUMBERS = auto()
    NAMED = auto()
    MARKED = auto()
    VALUES = auto()
    TERMS = auto()
    WORDS = auto()


_ASKS = {_Kind.NUMBERS: b"0", _Kind.NAMED: b"-", _Kind.MARKED: b"-"}


class Part(NamedTuple):
    """One automaton.

    `ids` are those of its members in their order, without the one that always matches; `asks` is a form
    without which nothing of it can occur, empty for none.
    """

    set: "re2.Set"
    ids: tuple[int, ...]
    asks: bytes = b""

    def occurring(self, stretch: bytes) -> Sequence[int]:
        """Return the ids of those that occur."""
        ids, found = self.ids, self.set.Match(stretch)
        always = len(ids)
        if len(found) == 1 and found[0] == always:
            return ()
        return [ids[own] for own in found if own != always] if always in found else ids


class CompiledGate(NamedTuple):
    """The automata and the meaning of their ids, which are numbers as `GateHits.ids` has them.

    `words` is the automaton of all words that speak for or against a value; `asks_words` are the rules that
    have some, `near` and `contrary` their ids by rule, -1 where there are none.
    """

    parts: tuple[Part, ...]
    words: Part
    asks_words: frozenset[int]
    near: tuple[int, ...]
    contrary: tuple[int, ...]
    needs_context: tuple[bool, ...]
    term: int
    triggers: frozenset[int]


class Gate:
    """The rules of some specifications and all that is looked for beside them, in one pass.

    Args:
        specs: what is looked for.
        triggers: expressions of what may hide something.
        terms: words and phrases.
        first: number of the first rule, and of what else the gate sees.
    """

    def __init__(
        self,
        specs: tuple[EntitySpec, ...],
        triggers: tuple[str, ...] = (),
        terms: tuple[str, ...] = (),
        first: int = 0,
    ) -> None:
        self.rules = tuple(
            (NameRule if spec.check == PERSON else Rule)(spec, pattern)
            for spec in specs
            for pattern in _patterns(spec)
        )
        self.specs, self.first = specs, first
        self._triggers, self._terms = triggers, terms

    @cached_property
    def compiled(self) -> CompiledGate:
        """The automata of all patterns. Ids: rules, the lists of words, terms, triggers."""
        rules, first = self.rules, self.first
        members = [(_kind_of(rule.gate_pattern), rule.gate_pattern.encode("latin-1")) for rule in rules]
        ids: dict[tuple[str, ...], int] = {(): -1}

        def listed(phrases: tuple[str, ...], expression: Callable[[tuple[str, ...]], str]) -> int:
            if phrases not in ids:
                ids[phrases] = first + len(members)
                members.append((_Kind.WORDS, encode(expression(phrases))))
            return ids[phrases]

        near = tuple(listed(rule.spec.context, glued) for rule in rules)
        contrary = tuple(listed(rule.spec.against, words) for rule in rules)
        term = first + len(members) if self._terms else -1
        if self._terms:
            members.append((_Kind.TERMS, encode(words(self._terms))))
        triggers = range(first + len(members), first + len(members) + len(self._triggers))
        members += [(_Kind.VALUES, trigger.encode("latin-1")) for trigger in self._triggers]
        parts = {kind: self._part(kind, members) for kind in _Kind}
        return CompiledGate(
            words=parts.pop(_Kind.WORDS),
            parts=tuple(part for part in parts.values() if part.ids),
            asks_words=frozenset(
                first + index for index in range(len(rules)) if near[index] >= 0 or contrary[index] >= 0
            ),
            near=near,
            contrary=contrary,
            needs_context=tuple(rule.spec.needs_context for rule in rules),
            term=term,
            triggers=frozenset(triggers),
        )

    def _part(self, kind: _Kind, members: Sequence[tuple[_Kind, bytes]]) -> Part:
        import re2

        options = byte_options()
        options.max_mem = _MEMORY
        made = re2.Set.SearchSet(options)
        ids = []
        for index, (own, expression) in enumerate(members):
            if own is kind:
                try:
                    made.Add(expression)
                except re2.error:
                    compiled(self.rules[index].pattern, self.rules[index].spec)
                    raise
                ids.append(self.first + index)
        made.Add(b"")
        made.Compile()
        return Part(made, tuple(ids), _ASKS.get(kind, b""))

    def prepare(self) -> None:
        """Compile what looks through every text, all that a policy adds, and the lists of names.

        The pattern of a shipped rule is compiled when the gate first sees a reason to run it: most never are,
        and it takes a fraction of a millisecond.
        """
        _ = self.compiled
        for rule in self.rules:
            if self.first >= OWN or isinstance(rule, NameRule):
                rule.prepare()

    def hits(self, stretch: bytes, forms: bytes) -> GateHits | None:
        """Return what occurs in a stretch, None for nothing; everything of a part whose automaton fails.

        `forms` is `forms_of(stretch)`.
        """
        gate, first = self.compiled, self.first
        found: list[int] = []
        for part in gate.parts:
            # Every stretch holds the empty form.
            if part.asks in forms:
                found += part.occurring(stretch)
        if not found:
            return None
        ids = set(found)
        if not gate.asks_words.isdisjoint(ids):
            ids.update(gate.words.occurring(stretch))
        end, needy, near = first + len(self.rules), gate.needs_context, gate.near
        return GateHits(
            ids=ids,
            rules=[i for i in found if i < end and (not needy[i - first] or near[i - first] in ids)],
            has_terms=gate.term in ids,
            may_hide=not gate.triggers.isdisjoint(ids),
            last_digit=forms.rfind(b"0"),
        )


def _kind_of(pattern: str) -> _Kind:
    if len(pattern) >= _LONG:
        return _Kind.LISTS
    if needs_digit(pattern):
        return _Kind.NUMBERS
    if not needs(pattern, _MARKS):
        return _Kind.VALUES
    return _Kind.NAMED if _NAMED.match(pattern) else _Kind.MARKED


def joined(one: GateHits | None, other: GateHits | None) -> GateHits | None:
    """Return what two gates saw in the same stretch."""
    if one is None or other is None:
        return one or other
    return GateHits(
        ids=one.ids | other.ids,
        rules=one.rules + other.rules,
        has_terms=one.has_terms or other.has_terms,
        may_hide=one.may_hide or other.may_hide,
        last_digit=one.last_digit,
    )


def _patterns(spec: EntitySpec) -> tuple[str, ...]:
    """Return a specification's patterns, as one where none of them captures: fewer to look up."""
    is_text = bool(spec.extend)
    patterns = tuple(
        pattern if spec.edge == "none" else unbounded(pattern, is_text=is_text) for pattern in spec.patterns
    )
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    if len(patterns) < 2 or compiled(joined, spec).groups:
        return patterns
    return (joined,)
