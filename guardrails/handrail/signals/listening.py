"""What one policy listens for: its own words and levels for a signal or a topic, its own heads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from handrail.records import SignalKind
from handrail.signals.heads import Heads, shipped
from handrail.signals.lexicon import Pattern, compiled
from handrail.signals.wordlists import Span, plain

TOPIC_HEADS: Mapping[str, str] = {
    "health": "health",
    "legal": "legal",
    "personnel": "personnel",
    "financial": "finance_topic",
}
"""Head of a topic → type of its finding."""

NAMES = (*(str(kind) for kind in SignalKind), *TOPIC_HEADS)
"""Every signal and topic that a policy may have words and a level for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords:
    """What a policy says of one signal or topic.

    Attributes:
        level: Probability from which it counts, 0..1; None for the shipped level.
        words: Words and phrases that always show it, whole words, whatever the case.
        match: Texts in which it must be heard.
        not_match: Texts in which it must not.
    """

    level: float | None = None
    words: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    not_match: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Listening:
    """What is listened for; by default the shipped heads at their shipped levels. Safe between threads.

    Args:
        own: by signal or topic, what a policy adds.
        heads: heads to use instead of the shipped ones.
    """

    own: Mapping[str, OwnWords] = field(default_factory=dict)
    heads: Heads | None = None

    @property
    def read(self) -> Heads:
        """The heads that are used."""
        return self.heads if self.heads is not None else shipped()

    @cached_property
    def threshold(self) -> int:
        """The levels from which signals count, as `Heads.threshold` gives them."""
        heads = self.read
        given = {name: own.level for name, own in self.own.items() if own.level is not None}
        return heads.threshold(
            [given.get(name, level) for name, level in zip(heads.names, heads.levels, strict=True)]
        )

    @cached_property
    def _patterns(self) -> Mapping[str, Pattern]:
        spelled = {name: [plain(word).split() for word in own.words] for name, own in self.own.items()}
        return {name: _any_of(words) for name, found in spelled.items() if (words := [*filter(None, found)])}

    def own_words(self, text: str) -> Iterator[tuple[str, list[Span]]]:
        """Yield each signal or topic that the policy's own words show in a plain text, with their places."""
        for name, pattern in self._patterns.items() if self.own else ():
            if spans := [match.span(match.lastindex or 0) for match in pattern.finditer(text)]:
                yield name, spans


DEFAULT = Listening()


_INSIDE = r"\pL\pM\pN_"
"""What stands inside a word. The `\b` of RE2 knows ASCII letters only."""

WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts that write words without blanks between them: Thai, Lao, Burmese, Khmer, Kana, Han."""


def _any_of(words: Sequence[Sequence[str]]) -> Pattern:
    """Return an expression for whole words and phrases in any script; the group that matches is the word."""
    by_edges: dict[tuple[str, str], list[str]] = {}
    for parts in words:
        before = rf"(?:^|[^{_INSIDE}])" if _has_edge(parts[0][0]) else ""
        after = rf"(?:$|[^{_INSIDE}])" if _has_edge(parts[-1][-1]) else ""
        by_edges.setdefault((before, after), []).append(r"\s+".join(map(re.escape, parts)))
    return compiled("|".join(f"{a}({'|'.join(spelled)}){b}" for (a, b), spelled in by_edges.items()))


def _has_edge(character: str) -> bool:
    return (character.isalnum() or character == "_") and not WITHOUT_BLANKS.match(character)
