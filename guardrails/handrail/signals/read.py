"""Reading signals in a person's newest words, and topics in any text. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from handrail.records import Message, Part, Place, Signal, SignalKind, Speaker, first_new
from handrail.signals.features import AFTER_CLAIM, AFTER_QUESTION, FIRST, words_in
from handrail.signals.heads import LEXICON
from handrail.signals.language import language_of
from handrail.signals.listening import DEFAULT, NAMES, TOPIC_HEADS, Listening
from handrail.signals.tokens import tokens_of
from handrail.signals.weights import Sums
from handrail.signals.wordlists import Span, listed, lowered
from handrail.text.normalise import Normalised, normalise

_SAME = 0.6
"""A message that shares this much of its words with an earlier one of the same person says it again."""

_FEW = 4
"""Fewer words than these may well be said twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One signal or topic that a text shows.

    Attributes:
        name: of the signal or topic.
        score: its probability; 1 where the policy's own words show it.
        start, end: where, in characters of the text.
        words: the spans of the words that made it, the strongest sign of which the head was trained on.
    """

    name: str
    score: float
    start: int
    end: int
    words: tuple[Span, ...]


def hear(text: str, opening: str = FIRST, listening: Listening = DEFAULT) -> tuple[Heard, ...]:
    """Return every signal and topic that a text shows at or above its level, in the order of `NAMES`.

    Args:
        text: what a person wrote.
        opening: what came before; see `features`.
        listening: words and levels of a policy.
    """
    return _read(text, (opening,), listening).heard[0]


@dataclass(frozen=True, slots=True)
class _Read:
    """What `hear` returns for each of some openings, and the language of the text."""

    heard: tuple[tuple[Heard, ...], ...]
    language: str | None


def _read(text: str, openings: Sequence[str], listening: Listening, *, tells_language: bool = False) -> _Read:
    """Read a text once."""
    seen = normalise(text)
    words = lowered(seen.text)
    tokens = tokens_of(words)
    summed = listening.read.sums_of(tokens, openings)
    pairs = zip(openings, summed, strict=True)
    heard = tuple([_heard_after(seen, words, one, listening) for one in pairs])
    return _Read(heard, language_of(text, (words, tokens)) if tells_language else None)


def _heard_after(
    seen: Normalised, words: str, after: tuple[str, Sums], listening: Listening
) -> tuple[Heard, ...]:
    opening, summed = after
    by_list = listed(words, opening)
    heads = listening.read
    reached = heads.reached(summed, listening.threshold, [f"{LEXICON}{kind}" for kind in by_list])
    if not reached and not listening.own:
        return ()
    fired = {heads.names[index]: heads.probability(index, weight) for index, weight in reached.items()}
    spans = {name: () if name in TOPIC_HEADS else by_list.get(SignalKind(name), ()) for name in fired}
    telling = heads.explain(words, opening, [name for name in fired if not spans[name]], summed)
    found = {
        name: _heard(name, score, spans[name] or telling[name] or ((0, len(words)),))
        for name, score in fired.items()
    }
    for name, own in listening.own_words(words):
        found[name] = _heard(name, 1.0, own)
    if not found:
        return ()
    return tuple(_in_the_original(found[name], seen.raw_span) for name in NAMES if name in found)


def _heard(name: str, score: float, spans: Sequence[Span]) -> Heard:
    first = spans[0]
    return Heard(name=name, score=score, start=first[0], end=first[1], words=tuple(spans))


def _in_the_original(heard: Heard, raw: Callable[[int, int], Span]) -> Heard:
    start, end = raw(heard.start, heard.end)
    words = tuple(raw(*span) for span in heard.words)
    return Heard(name=heard.name, score=heard.score, start=start, end=end, words=words)


def read_signals(messages: Sequence[Message], listening: Listening = DEFAULT) -> tuple[Signal, ...]:
    """Return the signals in the user's messages after the assistant's last one, by message and kind.

    Heads that were trained on written and given lines judge each message; what the word lists see is one of
    the things they weigh. A sign that is negated ("no need to talk to anyone"), asked about the assistant
    itself ("are you a real person?") or that points back at an answer where there was none counts for
    little. Spans count characters of the message; `place.index` is the index in `messages`. A dispute says
    which answer it is about, and whoever writes the same again repeats it, whatever the words.
    """
    return read_new(messages, listening).signals


@dataclass(frozen=True, slots=True)
class NewWords:
    """What a person's new messages show: signals, and by message its topics and its language, None untold."""

    signals: tuple[Signal, ...]
    topics: Mapping[int, tuple[Heard, ...]]
    languages: Mapping[int, str | None]


def read_new(messages: Sequence[Message], listening: Listening = DEFAULT) -> NewWords:
    """Return the signals that `read_signals` does, the topics that `read_topics` does, and the languages."""
    new = first_new(messages)
    opening = _opening(messages[:new])
    openings = (FIRST,) if opening == FIRST else (FIRST, opening)
    found: list[Signal] = []
    topics: dict[int, tuple[Heard, ...]] = {}
    languages: dict[int, str | None] = {}
    for index in range(new, len(messages)):
        message = messages[index]
        if message.speaker is not Speaker.USER or not message.text:
            continue
        read = _read(message.text, openings, listening, tells_language=True)
        topics[index], languages[index] = _topics(read.heard[0]), read.language
        signals = _signals(messages, index, read.heard[-1])
        is_told = not index or SignalKind.REPEATS in signals
        again = None if is_told else _said_again(messages[:index], message.text)
        if again is not None:
            signals[SignalKind.REPEATS] = Signal(
                kind=SignalKind.REPEATS,
                start=0,
                end=len(message.text),
                score=again,
                words=((0, len(message.text)),),
                place=Place(part=Part.MESSAGE, index=index),
            )
        if signals:
            found += (signals[kind] for kind in SignalKind if kind in signals)
    return NewWords(tuple(found), topics, languages)


def _signals(messages: Sequence[Message], index: int, found: Sequence[Heard]) -> dict[str, Signal]:
    if not found:
        return {}
    before, text = messages[:index], messages[index].text
    return {
        heard.name: Signal(
            kind=SignalKind(heard.name),
            start=heard.start,
            end=heard.end,
            score=heard.score,
            words=heard.words,
            about=_disputed(before, text) if heard.name == SignalKind.DISPUTE else None,
            place=Place(part=Part.MESSAGE, index=index),
        )
        for heard in found
        if heard.name not in TOPIC_HEADS
    }


def read_topics(text: str, listening: Listening = DEFAULT) -> tuple[Heard, ...]:
    """Return the topics that a text is about; `TOPIC_HEADS` names them."""
    return _topics(hear(text, listening=listening))


def _topics(found: Sequence[Heard]) -> tuple[Heard, ...]:
    return tuple([heard for heard in found if heard.name in TOPIC_HEADS]) if found else ()


def _opening(before: Sequence[Message]) -> str:
    """Return what new words open with after these messages."""
    for message in reversed(before):
        if message.speaker is Speaker.ASSISTANT and message.text:
            return AFTER_QUESTION if message.text.rstrip().endswith("?") else AFTER_CLAIM
    return FIRST


def _disputed(before: Sequence[Message], text: str) -> int | None:
    """Return the index of the answer that shares most words with a dispute, the newest in doubt."""
    said = words_in(text)
    answers = [at for at, one in enumerate(before) if one.speaker is Speaker.ASSISTANT and one.text]
    return max(answers, key=lambda at: (len(said & words_in(before[at].text)), at), default=None)


def _said_again(before: Sequence[Message], text: str) -> float | None:
    """Return how much of a message an earlier one of the same person shares, None if too little."""
    answered = max((at for at, one in enumerate(before) if one.speaker is Speaker.ASSISTANT), default=0)
    words = words_in(text) if answered else frozenset()
    if len(words) < _FEW:
        return None
    earlier = [words_in(one.text) for one in before[:answered] if one.speaker is Speaker.USER and one.text]
    most = max((len(words & others) / len(words | others) for others in earlier), default=0.0)
    return most if most >= _SAME else None
