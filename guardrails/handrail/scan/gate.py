"""The gate: one automaton that says which of many patterns occur in a stretch of text."""

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from handrail.scan.expressions import byte_options, compiled, encode, glued, unbounded, words
from handrail.scan.names import NameRule
from handrail.scan.rule import PERSON, Rule
from handrail.scan.spec import EntitySpec

if TYPE_CHECKING:
    import re2

_MEMORY = 256 << 20

OWN = 1 << 20
"""Number of the first rule of a policy's own; those before it are of what is shipped."""


class GateHits(NamedTuple):
    """What occurs in a stretch: all ids, the rules worth running, and whether terms and triggers do."""

    ids: set[int]
    rules: list[int]
    has_terms: bool
    may_hide: bool


NO_HITS = GateHits(ids=set(), rules=[], has_terms=False, may_hide=False)


class CompiledGate(NamedTuple):
    """A compiled set and the meaning of its ids; -1 where a rule has no words of a kind.

    `near` and `contrary` count as `GateHits.ids` do, everything else as the set does.
    """

    set: "re2.Set"
    near: tuple[int, ...]
    contrary: tuple[int, ...]
    needs_context: tuple[bool, ...]
    term: int
    triggers: frozenset[int]
    always: int


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
        """The set of all patterns. Ids: rules, contexts, terms, triggers, what always matches."""
        import re2

        options = byte_options()
        options.max_mem = _MEMORY
        gate = re2.Set.SearchSet(options)
        for rule in self.rules:
            try:
                gate.Add(rule.gate_pattern.encode("latin-1"))
            except re2.error:
                compiled(rule.pattern, rule.spec)
                raise
        ids: dict[tuple[str, ...], int] = {(): -1}
        for rule in self.rules:
            for listed, expression in ((rule.spec.context, glued), (rule.spec.against, words)):
                if listed not in ids:
                    ids[listed] = self.first + gate.Add(encode(expression(listed)))
        term = gate.Add(encode(words(self._terms))) if self._terms else -1
        for trigger in self._triggers:
            gate.Add(trigger.encode("latin-1"))
        always = gate.Add(b"")
        gate.Compile()
        return CompiledGate(
            set=gate,
            near=tuple(ids[rule.spec.context] for rule in self.rules),
            contrary=tuple(ids[rule.spec.against] for rule in self.rules),
            needs_context=tuple(rule.spec.needs_context for rule in self.rules),
            term=term,
            triggers=frozenset(range(always - len(self._triggers), always)),
            always=always,
        )

    def prepare(self) -> None:
        """Compile everything now, so that no scan waits for it."""
        _ = self.compiled
        for rule in self.rules:
            rule.prepare()

    def hits(self, data: bytes) -> GateHits | None:
        """Return what occurs in a stretch, None for nothing; everything if the automaton fails."""
        gate, first = self.compiled, self.first
        found = gate.set.Match(data)
        if len(found) == 1 and found[0] == gate.always:
            return None
        seen = set(found)
        if gate.always not in seen:
            seen = set(range(gate.always))
            found = list(seen)
        ids = {first + one for one in seen} if first else seen
        count, needy, near = len(self.rules), gate.needs_context, gate.near
        return GateHits(
            ids=ids,
            rules=[first + i for i in found if i < count and (not needy[i] or near[i] in ids)],
            has_terms=gate.term in seen,
            may_hide=not gate.triggers.isdisjoint(seen),
        )


def joined(one: GateHits | None, other: GateHits | None) -> GateHits | None:
    """Return what two gates saw in the same stretch."""
    if one is None or other is None:
        return one or other
    return GateHits(
        ids=one.ids | other.ids,
        rules=one.rules + other.rules,
        has_terms=one.has_terms or other.has_terms,
        may_hide=one.may_hide or other.may_hide,
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
