"""What a role may see of a ticket unmasked: the policy's `sees`, applied to the sealed texts. Pure."""

from collections.abc import Collection

from handrail.tickets.masking import UNMASKED, Mask
from handrail.tickets.ticket import Sealed, Ticket
from handrail.tickets.transcript import masked_calls, masked_lines


def mask_for(ticket: Ticket, sealed: Sealed, sees: Collection[str]) -> Mask:
    """Return the mask of everything that was found but for the types and categories in `sees`; pure."""
    labels: dict[str, str] = {}
    pieces = (*sealed.pieces, *[()] * (len(sealed.values) - len(sealed.pieces)))
    for span, value, behind in zip(ticket.evidence, sealed.values, pieces, strict=False):
        if span.category != UNMASKED and not {span.kind, span.category} & set(sees):
            labels |= dict.fromkeys((value, *behind), span.quote)
    return Mask.of(labels)


def sealed_for(ticket: Ticket, sealed: Sealed, sees: Collection[str]) -> Sealed:
    """Return the sealed texts with everything masked that a role may not see; pure."""
    mask = mask_for(ticket, sealed, sees)
    return sealed.model_copy(
        update={
            "arguments": mask.in_json(sealed.arguments),
            "draft_answer": mask(sealed.draft_answer),
            "shown": mask(sealed.shown),
            "lines": masked_lines(sealed.lines, mask),
            "tried": masked_calls(sealed.tried, mask),
            "values": tuple(mask(value) for value in sealed.values),
            "pieces": (),
            "parts": tuple(mask.in_json(arguments) for arguments in sealed.parts),
        }
    )


def ticket_for(ticket: Ticket, sealed: Sealed, sees: Collection[str]) -> Ticket:
    """Return a ticket whose texts show what a role may see, and mask the rest; pure."""
    if not sees:
        return ticket
    shown = sealed_for(ticket, sealed, sees)
    action = ticket.action
    if action is not None:
        action = action.model_copy(update={"arguments": shown.arguments})
    parts = tuple(
        part.model_copy(update={"action": part.action.model_copy(update={"arguments": arguments})})
        for part, arguments in zip(ticket.parts, shown.parts, strict=False)
    )
    texts = {
        "parts": parts,
        "lines": shown.lines,
        "tried": shown.tried,
        "draft_answer": shown.draft_answer,
        "shown": shown.shown,
    }
    return ticket.model_copy(update={**texts, "action": action})
