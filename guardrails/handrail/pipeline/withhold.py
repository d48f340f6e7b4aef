"""What goes upstream once the policy has withheld its part: masked spans, or a whole message left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from handrail.records import Decision, Effect, Finding, Message, Part, Place, Speaker, ToolCall
from handrail.scan import redact


class Scans(Protocol):
    """Whatever finds sensitive data in a text."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return what was found, with spans in the text."""


Hide: TypeAlias = Callable[[str, Iterable[Finding]], str]

TOPICS = frozenset({"health", "legal", "personnel", "finance_topic"})


def newest(messages: Sequence[Message]) -> int:
    """Return the index of the first message after the assistant's last one."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].speaker is Speaker.ASSISTANT:
            return index + 1
    return 0


def scan_messages(scanner: Scans, messages: Sequence[Message]) -> tuple[Finding, ...]:
    """Scan every message; a finding's place tells which. Topics do not count in the developer's own text."""
    found: list[Finding] = []
    for index, message in enumerate(messages):
        place = Place(part=Part.MESSAGE, index=index)
        for finding in scanner.scan(message.text):
            if message.speaker is Speaker.SYSTEM and finding.type in TOPICS:
                continue
            found.append(replace(finding, place=place))
    return tuple(found)


def redacted_types(decision: Decision, read: frozenset[str]) -> frozenset[str]:
    """Types and categories that a decision masks where the facts in `read` come from.

    Only rules that read one of these facts count: a rule on what goes in masks nothing in the answer. A rule
    that names no type masks whatever was found.
    """
    masking = [
        reason
        for reason in decision.reasons
        if reason.effect is Effect.REDACT and not read.isdisjoint(reason.facts_read)
    ]
    if any(not reason.finding_types for reason in masking):
        return EVERYTHING
    return frozenset[str]().union(*(reason.finding_types for reason in masking))


class _Everything(frozenset[str]):
    def __contains__(self, item: object) -> bool:
        return True


EVERYTHING: frozenset[str] = _Everything({"*"})


def mask(text: str, findings: Iterable[Finding], types: frozenset[str], hide: Hide = redact) -> str:
    """Mask the findings of some types or categories in one text."""
    covered = [finding for finding in findings if finding.type in types or finding.category in types]
    return hide(text, covered) if covered else text


def upstream(
    messages: Sequence[Message],
    findings: Sequence[Finding],
    *,
    scanner: Scans,
    masked_now: frozenset[str],
    withheld: frozenset[str],
    hide: Hide = redact,
) -> tuple[Message, ...]:
    """Return the messages as the model may see them.

    In what is new, `masked_now` is masked: the decision let the rest through. What is older was decided on in
    its own turn, so there everything that the policy ever withholds (`withheld`) stays withheld: spans are
    masked, and a message on a withheld topic is left out.
    """
    first_new = newest(messages)
    by_message: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.place is not None and finding.place.part is Part.MESSAGE:
            by_message.setdefault(finding.place.index, []).append(finding)
    sent = []
    for index, message in enumerate(messages):
        found = by_message.get(index, [])
        if index >= first_new and message.speaker is not Speaker.SYSTEM:
            sent.append(_masked(message, found, scanner, masked_now, hide))
        elif topic := next((f.type for f in found if f.type in TOPICS and f.type in withheld), None):
            sent.append(replace(message, text=f"[withheld: {topic}]"))
        else:
            sent.append(_masked(message, found, scanner, withheld, hide))
    return tuple(sent)


def _masked(
    message: Message, findings: Sequence[Finding], scanner: Scans, types: frozenset[str], hide: Hide
) -> Message:
    if not types:
        return message
    calls = tuple(masked_call(call, scanner, types, hide) for call in message.tool_calls)
    text = mask(message.text, findings, types, hide)
    if text == message.text and calls == message.tool_calls:
        return message
    return replace(message, text=text, tool_calls=calls)


def masked_call(call: ToolCall, scanner: Scans, types: frozenset[str], hide: Hide = redact) -> ToolCall:
    """Mask findings of some types inside a call's arguments."""
    arguments = mask(call.arguments, scanner.scan(call.arguments), types, hide)
    return call if arguments == call.arguments else replace(call, arguments=arguments)
