"""Options that say what is decided, also of each of several calls: `--call call-2=reject:still_needed`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from handrail.errors import ConfigError

if TYPE_CHECKING:
    from handrail.service import PartProposal, Proposal

PART = "part"
"""In place of a verdict: each call is decided on its own."""


class Words(TypedDict):
    """What a person writes beside a verdict, and to whom."""

    note: str
    message_to_user: str
    message_to_agent: str
    answer: str


def proposal_of(
    verdict: str, changes: Sequence[str], calls: Sequence[str], reason: str, words: Words
) -> "Proposal":
    """Return what a person proposes to decide, before anything of it was shown.

    Args:
        verdict: a verdict, or `part`.
        changes: `ARGUMENT=value`, for `part` with the name of the part before it.
        calls: what is decided of each part, for `part` alone.
        reason: the reason's code.
        words: the texts beside it.

    Raises:
        ConfigError: there is no such verdict, or something is written otherwise.
    """
    from handrail.service import Proposal
    from handrail.tickets.ticket import Verdict

    now = datetime.now(UTC)
    if verdict == PART:
        parts = parts_given(calls, changes, answer=words["answer"], to_agent=words["message_to_agent"])
        return Proposal.of_parts(
            parts, note=words["note"], message_to_user=words["message_to_user"], opened_at=now
        )
    if verdict not in list(Verdict) or calls:
        raise ConfigError(f"no verdict {verdict!r} like that; there are {', '.join([*Verdict, PART])}")
    changed = dict(pair(text) for text in changes)
    return Proposal(
        verdict=Verdict(verdict), reason_code=_code(reason), changes=changed, opened_at=now, **words
    )


def parts_given(
    calls: Sequence[str], changes: Sequence[str], *, answer: str = "", to_agent: str = ""
) -> "tuple[PartProposal, ...]":
    """Return what is decided of each part.

    Args:
        calls: `NAME=approve`, `NAME=edit` or `NAME=reject:CODE`, one for each part.
        changes: `NAME.ARGUMENT=value`, for what is edited.
        answer: the new words of the part `answer`, where that is edited.
        to_agent: what the assistant reads of each call that is rejected.

    Raises:
        ConfigError: something is written otherwise, or changes a part that is not edited.
    """
    from handrail.service import PartProposal
    from handrail.tickets.proposed import ANSWER
    from handrail.tickets.ticket import Verdict

    edits: dict[str, dict[str, object]] = {}
    for text in changes:
        name, value = pair(text)
        part, is_inside, argument = name.partition(".")
        if not is_inside or not argument:
            raise ConfigError(f"write --set call-2.argument=value, not {text!r}")
        edits.setdefault(part, {})[argument] = value
    found = []
    for text in calls:
        name, is_pair, said = text.partition("=")
        verdict, _, code = said.partition(":")
        if not is_pair or verdict not in (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT):
            raise ConfigError(f"write --call call-2=approve, =edit or =reject:CODE, not {text!r}")
        is_reject = verdict == Verdict.REJECT
        found.append(
            PartProposal(
                part=name,
                verdict=Verdict(verdict),
                changes=edits.pop(name, {}) if verdict == Verdict.EDIT else {},
                answer=answer if name == ANSWER and verdict == Verdict.EDIT else "",
                reason_code=_code(code) if is_reject else "",
                message_to_agent=to_agent if is_reject else "",
            )
        )
    if edits:
        raise ConfigError(f"nothing is edited of {', '.join(edits)}; write --call {next(iter(edits))}=edit")
    return tuple(found)


def _code(reason: str) -> str:
    """Return a reason's code; reports count by it and show it, so words of a sentence are none."""
    if any(character.isspace() for character in reason):
        raise ConfigError("a reason is a code without blanks, such as too_much; --note takes a sentence")
    return reason


def pair(text: str) -> tuple[str, Any]:
    """Return the name and the value of `name=value`; what is JSON is read as such.

    Raises:
        ConfigError: it is written otherwise.
    """
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise ConfigError(f"write --set name=value, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
