"""The conversation with the evidence marked in it, as the role sees both. Pure."""

from collections.abc import Iterator, Sequence

from handrail.records import Part
from handrail.service.screen import Mark, TranscriptLine
from handrail.tickets.ticket import FindingRecord, MessageRecord, Ticket


def transcript(ticket: Ticket) -> tuple[TranscriptLine, ...]:
    """Return a ticket's messages, each with the places of what was found in it; pure."""
    return tuple(_line(line, ticket) for line in ticket.lines)


def _line(line: MessageRecord, ticket: Ticket) -> TranscriptLine:
    found = [one for one in ticket.evidence if one.part == Part.MESSAGE and one.index == line.index]
    return TranscriptLine(
        index=line.index,
        speaker=line.speaker,
        text=line.text,
        is_cut=line.cut,
        marks=_apart(_marks(line.text, found)),
    )


def _marks(text: str, found: Sequence[FindingRecord]) -> Iterator[Mark]:
    """Yield where each finding stands in a text in which some of them are masked."""
    shift = 0
    for one in sorted(found, key=lambda one: (one.start, one.end)):
        label = f"[{one.kind}]"
        start = one.start + shift
        if text.startswith(label, start):
            shift += len(label) - (one.end - one.start)
            yield Mark(start=start, end=start + len(label), kind=one.kind)
        elif one.quote and one.quote != label and one.quote in text:
            start = text.index(one.quote)
            yield Mark(start=start, end=start + len(one.quote), kind=one.kind)
        elif label in text:
            start = text.index(label)
            yield Mark(start=start, end=start + len(label), kind=one.kind)
        elif 0 <= start < one.end + shift <= len(text):
            yield Mark(start=start, end=one.end + shift, kind=one.kind)


def _apart(marks: Iterator[Mark]) -> tuple[Mark, ...]:
    """Return marks in order, without those that lie in an earlier one."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.start, -mark.end)):
        if not kept or mark.start >= kept[-1].end:
            kept.append(mark)
    return tuple(kept)
