"""What a ticket proposes, in few words, as lists and batches show it."""

import json

from pydantic import BaseModel, ConfigDict

from handrail.tickets.compose import shortened
from handrail.tickets.ticket import Ticket

HEADLINE = 120


class ProposedCall(BaseModel):
    """The tool of a proposed action and its arguments, masked."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    tool: str
    arguments: str


class Proposed(BaseModel):
    """The part of a stored ticket that its headline is made of: reading it costs a fifth of the whole."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    action: ProposedCall | None = None
    draft_answer: str = ""
    wanted: str = ""


def headline(held: Ticket | Proposed | None) -> str:
    """Return in few words what a ticket proposes, masked; empty for one that was erased; pure."""
    if held is None:
        return ""
    if held.action is None:
        return shortened(held.draft_answer or held.wanted, HEADLINE)
    try:
        given = json.loads(held.action.arguments or "{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return shortened(f"{held.action.tool} {held.action.arguments}", HEADLINE)
    said = ", ".join(f"{name} {value}" for name, value in given.items() if not isinstance(value, dict | list))
    return shortened(f"{held.action.tool} {said}", HEADLINE)
