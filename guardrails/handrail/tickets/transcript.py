"""Reads from a conversation what a person must know: said, promised, tried. Pure."""

import re
from collections.abc import Sequence

from handrail.records import Evidence, Speaker
from handrail.tickets.masking import Mask
from handrail.tickets.ticket import LONGEST_TEXT, MessageRecord, ToolCallRecord

MOST_LINES = 30
LONGEST_RESULT = 1000
MOST_CALLS = 20

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_PROMISE = re.compile(
    r"\b(?:I(?:'ll|’ll| will| have| can)|we(?:'ll|’ll| will| have)|you(?:'ll|’ll| will| are entitled)|"
    r"promise|guarantee|will be (?:refunded|sent|credited|processed|done)|within \d+|by (?:to)?morrow)",
    re.IGNORECASE,
)


def excerpt(evidence: Evidence) -> tuple[MessageRecord, ...]:
    """Return the newest messages as lines, oldest first; system text is the developer's and left out."""
    lines = [
        MessageRecord.of(message, index)
        for index, message in enumerate(evidence.messages)
        if message.speaker is not Speaker.SYSTEM and (message.text or message.tool_calls)
    ]
    return tuple(lines[-MOST_LINES:])


def masked_lines(lines: Sequence[MessageRecord], mask: Mask) -> tuple[MessageRecord, ...]:
    """Mask the texts of lines."""
    return tuple(
        line.model_copy(update={"text": mask.cut(line.text) if line.cut else mask(line.text)})
        for line in lines
    )


def masked_calls(calls: Sequence[ToolCallRecord], mask: Mask) -> tuple[ToolCallRecord, ...]:
    """Mask the arguments and results of calls."""
    return tuple(
        call.model_copy(update={"arguments": mask(call.arguments), "result": _masked_result(call, mask)})
        for call in calls
    )


def _masked_result(call: ToolCallRecord, mask: Mask) -> str:
    return mask.cut(call.result) if len(call.result) == LONGEST_RESULT else mask(call.result)


def latest_request(evidence: Evidence, mask: Mask) -> str:
    """Return what the person wrote since the assistant last spoke, else their last message, masked."""
    words: list[str] = []
    for message in reversed(evidence.messages):
        if message.speaker is Speaker.USER:
            words.append(message.text)
        elif words:
            break
    return mask("\n".join(reversed(words)))[:LONGEST_TEXT]


def last_reply(evidence: Evidence, mask: Mask) -> str:
    """Return the assistant's last words to the person, with what was already shown of a stream, masked."""
    last = next(
        (m.text for m in reversed(evidence.messages) if m.speaker is Speaker.ASSISTANT and m.text), ""
    )
    return "\n".join(mask(text)[:LONGEST_TEXT] for text in (last, evidence.shown) if text)


def promises(evidence: Evidence, mask: Mask) -> tuple[str, ...]:
    """Return the assistant's sentences that commit to something, masked: before they are cut out."""
    texts = [m.text for m in evidence.messages if m.speaker is Speaker.ASSISTANT] + [evidence.shown]
    sentences = (match.group().strip() for text in texts for match in _SENTENCE.finditer(mask(text)))
    found = dict.fromkeys(s[:300] for s in sentences if _PROMISE.search(s))
    return tuple(found)[-10:]


def tool_calls(evidence: Evidence) -> tuple[ToolCallRecord, ...]:
    """Return the tool calls made so far with their results; the proposed call is not among them."""
    results = {m.tool_call_id: m.text for m in evidence.messages if m.speaker is Speaker.TOOL}
    made = [
        ToolCallRecord(tool=call.name, arguments=call.arguments, result=results[call.id][:LONGEST_RESULT])
        for message in evidence.messages
        for call in message.tool_calls
        if call.id in results
    ]
    return tuple(made[-MOST_CALLS:])
