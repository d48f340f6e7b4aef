"""What was found in one part of an exchange: its types, and whether a value of it is another than a fact."""

import unicodedata
from collections.abc import Iterable, Sequence, Set

from handrail.policy.language import sources
from handrail.records import Evidence, FactValue, Finding, Message, Part, Speaker, Unknown, first_new
from handrail.text.identity import identity
from handrail.tickets.masking import value_of

_PARTS = {
    sources.OutputFindings: Part.ANSWER,
    sources.ToolFindings: Part.ARGUMENTS,
    sources.ResultFindings: Part.RESULT,
}


def types_in(part: Part, findings: Iterable[Finding]) -> frozenset[str]:
    """Types and categories of what was found in one part of an exchange."""
    return frozenset(
        name
        for found in findings
        if found.place is not None and found.place.part is part
        for name in (found.type, found.category)
    )


def types_in_new(messages: Sequence[Message], findings: Sequence[Finding]) -> frozenset[str]:
    """Types and categories of what was found in the person's new input."""
    if not findings:
        return frozenset()
    new = first_new(messages)
    return types_in(Part.MESSAGE, (found for found in findings if is_new(found, messages, new)))


def is_new(found: Finding, messages: Sequence[Message], new: int) -> bool:
    """Tell whether a finding lies in a message that is new and not the developer's."""
    return (
        found.place is not None
        and found.place.part is Part.MESSAGE
        and found.place.index >= new
        and messages[found.place.index].speaker is not Speaker.SYSTEM
    )


def is_other(
    source: sources.OtherThan, own: FactValue, evidence: Evidence, proposed: Set[str]
) -> bool | Unknown:
    """Tell whether some value that was found is not the fact's, or none of those that it holds; pure.

    Unknown where something was found and the fact is unknown, or where what was found cannot be read.

    Args:
        source: what is compared with which fact.
        own: the fact's value.
        evidence: what was seen.
        proposed: types that were found in the calls that an answer proposes; their values are not at hand.
    """
    found = list(_found(source, evidence))
    values = {value_of(evidence, one) for one in found}
    is_hidden = isinstance(source.place, sources.OutputFindings) and source.type in proposed
    if not found and not is_hidden:
        return False
    if isinstance(own, Unknown):
        return own
    names = {own} if isinstance(own, str) else own if isinstance(own, frozenset) else set()
    known = {_compared(name) for name in names}
    if any(value and _compared(value) not in known for value in values):
        return True
    return Unknown(why="a_value_that_was_found_cannot_be_read") if is_hidden or "" in values else False


def _found(source: sources.OtherThan, evidence: Evidence) -> Iterable[Finding]:
    new = first_new(evidence.messages)
    part = _PARTS.get(type(source.place))
    for one in evidence.findings:
        if source.type not in (one.type, one.category) or one.place is None:
            continue
        is_there = is_new(one, evidence.messages, new) if part is None else one.place.part is part
        if is_there:
            yield one


def _compared(value: str) -> str:
    """Return the form in which values are compared: numbers without what groups them, the rest as names."""
    name = identity(value)
    if any(char.isdigit() for char in name) and "@" not in name:
        return "".join(char for char in name if unicodedata.category(char)[0] in "LN")
    return name
