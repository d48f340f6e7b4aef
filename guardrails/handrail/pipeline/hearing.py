"""What a conversation shows beside its findings: signals, topics of its texts, the language it is in."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from handrail.records import Finding, Message, Part, Place, Signal, Speaker, ToolCall, first_new
from handrail.scan.spec import TOPICS
from handrail.signals.language import UNKNOWN
from handrail.signals.listening import TOPIC_HEADS, Listening
from handrail.signals.read import Heard, read_new, read_topics
from handrail.signals.small_talk import is_small_talk
from handrail.tickets.masking import HEARD

_TOPICS = frozenset(TOPICS).union(TOPICS.values())
_SAMPLE = "I would like to speak to someone about the pain in my chest, and I do not want to wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What was heard: signals of the new messages, topics as findings, and the language, if it is told."""

    signals: tuple[Signal, ...]
    topics: tuple[Finding, ...]
    language: str | None


def hear_conversation(
    messages: Sequence[Message], listening: Listening, withheld: Set[str] = frozenset()
) -> Hearing:
    """Hear what a person's messages show.

    Args:
        messages: all of them.
        listening: words and levels of the policy.
        withheld: topics that the policy keeps from the model, for which older messages are heard again.
    """
    new = first_new(messages)
    keeps_topics = not withheld.isdisjoint(_TOPICS)
    heard = read_new(messages, listening)
    topics: list[Finding] = []
    for index, message in enumerate(messages):
        if message.speaker is not Speaker.USER or not message.text or (index < new and not keeps_topics):
            continue
        found = heard.topics[index] if index in heard.topics else read_topics(message.text, listening)
        topics += _findings(found, index)
    languages = [one for one in heard.languages.values() if one is not None]
    language = UNKNOWN if UNKNOWN in languages else next(iter(languages), None)
    return Hearing(signals=heard.signals, topics=tuple(topics), language=language)


def prepare_hearing(listening: Listening) -> None:
    """Read the heads and the word lists now; otherwise the first message does."""
    hear_conversation([Message(speaker=Speaker.USER, text=_SAMPLE)], listening)
    is_small_talk(_SAMPLE)


def _findings(topics: Sequence[Heard], index: int) -> list[Finding]:
    place = Place(part=Part.MESSAGE, index=index)
    return [
        Finding(
            type=TOPIC_HEADS[heard.name],
            category=heard.name,
            start=heard.start,
            end=heard.end,
            score=heard.score,
            scanner=HEARD,
            place=place,
        )
        for heard in topics
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a policy's topics are declared by, and what an exchange says of it."""

    by_topic: Mapping[str, Mapping[str, Any]]
    tools: Set[str]
    facts: Mapping[str, object]

    def topics(self) -> frozenset[str]:
        """Return the topics that a tool, an intent or a record type declares."""
        intent, record = self.facts.get("intent"), self.facts.get("record_type")
        return frozenset(
            topic
            for topic, by in self.by_topic.items()
            if not self.tools.isdisjoint(by.get("tools", ()))
            or intent in by.get("intents", ())
            or record in by.get("records", ())
        )


def topics_of(declared: Declared, findings: Sequence[Finding]) -> frozenset[str]:
    """Return what an exchange is about: as declared, else by its findings, else by the heads' reading."""
    if said := declared.topics():
        return said
    known = frozenset(TOPICS.values())
    found = frozenset(one.category for one in findings if one.scanner != HEARD and one.category in known)
    return found or frozenset(one.category for one in findings if one.scanner == HEARD)


def tools_in(messages: Sequence[Message], call: ToolCall | None) -> frozenset[str]:
    """Return the names of the tools whose calls an exchange holds."""
    names = {one.name for message in messages for one in message.tool_calls}
    names |= {message.name for message in messages if message.speaker is Speaker.TOOL and message.name}
    return frozenset(names | ({call.name} if call is not None else set()))
