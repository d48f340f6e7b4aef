"""What was seen in the texts of an exchange: findings of the scanner and signs in a person's words."""

from dataclasses import dataclass

from handrail.records.enums import Part, SignalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The text a span refers to: the part and, where there are several, its index."""

    part: Part
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a scanner saw; `start` and `end` (exclusive) count characters of the caller's text.

    `type` is exact (`email`, `us_ssn`, `health`), `category` is what policies usually name (`identifier`,
    `financial`, `credential`, `network`, `health`, `legal`, `personnel`). `score` lies in 0..1.
    """

    type: str
    category: str
    start: int
    end: int
    score: float = 1.0
    scanner: str = "handrail"
    note: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A sign in the person's words, with its span in that message.

    `score` is its probability, `words` are the spans of the words that made it, and `about` is the index of
    the message that a dispute is about, None if there is none.
    """

    kind: SignalKind
    start: int
    end: int
    score: float = 1.0
    words: tuple[tuple[int, int], ...] = ()
    about: int | None = None
    place: Place | None = None
