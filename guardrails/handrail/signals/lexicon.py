"""The word lists of the signals, compiled once on first use."""

import re as stdlib_re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from handrail.records import SignalKind

if TYPE_CHECKING:
    from re2 import Options

_DEPTH = 4


class Match(Protocol):
    """The part of a match object that is used. `lastindex` is the last group that took part, if any."""

    @property
    def lastindex(self) -> int | None:
        """Return the number of that group."""

    def span(self, group: int = 0, /) -> tuple[int, int]:
        """Return start and end (exclusive) of a group, by default of the whole match."""


class Pattern(Protocol):
    """The part of a compiled RE2 expression that is used; it never backtracks, so no text makes it slow."""

    def finditer(self, text: str) -> Iterable[Match]:
        """Return all matches that do not overlap."""

    def search(self, text: str) -> Match | None:
        """Return the first match."""


class PatternSet(Protocol):
    """The part of a compiled RE2 set that is used: one pass tells which of many expressions match."""

    def Match(self, text: str) -> list[int] | None:  # noqa: N802 - the library's spelling
        """Return the indices of the expressions that match; None if none does, or memory ran out."""


Sign: TypeAlias = Literal["says", "always", "after_answer", "after_claim"]
SIGNS: tuple[Sign, ...] = ("says", "always", "after_answer", "after_claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Expressions of one signal, see `compiled`; the lexicon file says what each list means."""

    signs: Mapping[Sign, str]
    unless: str
    never_after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The phrases of every signal, and one expression set over all lists to look first.

    `lists` are the members of the set in order; a last member matches every text, see `lexicon`.
    """

    phrases: Mapping[SignalKind, Phrases]
    first: PatternSet
    lists: tuple[tuple[SignalKind, Sign], ...]


@cache
def lexicon() -> Lexicon:
    """Return the compiled phrases of every signal."""
    import re2

    data, spelling = _data()
    first = re2.Set.SearchSet(_options())
    lists: list[tuple[SignalKind, Sign]] = []
    phrases: dict[SignalKind, Phrases] = {}
    for kind in SignalKind:
        of_kind = data.get(kind.value)
        if of_kind is None:
            continue
        signs = {sign: spelling.joined(of_kind[sign]) for sign in SIGNS if sign in of_kind}
        for sign, expression in signs.items():
            first.Add(expression)
            lists.append((kind, sign))
        phrases[kind] = Phrases(
            signs=signs,
            unless=spelling.joined(of_kind["unless"]),
            never_after=spelling.joined(of_kind["never_after"], tail=r"\s*$"),
        )
    # Stands last and matches every text, so that a look that failed differs from one that found nothing.
    first.Add("")
    first.Compile()
    return Lexicon(phrases=phrases, first=first, lists=tuple(lists))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssentWords:
    """Expressions of a yes and a no, each for one sentence; see the lexicon file."""

    says: str
    refuses: str
    never_after: str
    unless: str


@cache
def assent_words() -> AssentWords:
    """Return the expressions of a yes and a no."""
    data, spelling = _data()
    words = data["assent"]
    return AssentWords(
        says=spelling.joined(words["says"]),
        refuses=spelling.joined(words["refuses"]),
        never_after=spelling.joined(words["never_after"], tail=r"\s*$"),
        unless=spelling.joined(words["unless"]),
    )


@cache
def _data() -> "tuple[Mapping[str, Any], _Spelling]":
    import tomllib
    from importlib import resources

    data = tomllib.loads(resources.files("handrail.signals").joinpath("lexicon.toml").read_text("utf-8"))
    return data, _Spelling(words=data["words"], variants=data["variants"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spelling:
    """How an entry of the lexicon becomes an expression."""

    words: Mapping[str, str]
    variants: Mapping[str, list[str]]

    def expanded(self, entry: str) -> str:
        """Put in the named words, other spellings, optional apostrophes and any white space."""
        # Words may be built from words; a name that is no word is a repetition count of the expression.
        for _ in range(_DEPTH):
            entry = stdlib_re.sub(r"\{(\w+)\}", lambda found: self.words.get(found[1], found[0]), entry)
        for word, others in self.variants.items():
            entry = stdlib_re.sub(rf"(?<![\w\\]){word}(?![\w'])", f"(?:{'|'.join((word, *others))})", entry)
        return entry.replace("'", "'?").replace(" ?", r"\s*").replace(" ", r"\s+")

    def joined(self, entries: Sequence[str], *, tail: str = "") -> str:
        """Put entries into one expression."""
        return "|".join(f"(?:{_bounded(self.expanded(entry))}){tail}" for entry in entries)


@cache
def compiled(expression: str) -> Pattern:
    """Compile an expression of the lexicon, on its first use: most are never needed."""
    import re2

    pattern: Pattern = re2.compile(expression, _options())
    return pattern


def _options() -> "Options":
    import re2

    options = re2.Options()
    options.max_mem = 32 << 20
    return options


def _bounded(entry: str) -> str:
    return entry if entry.startswith("^") else rf"\b{entry}"
