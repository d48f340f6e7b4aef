"""What was proposed together, part by part, as a person sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from handrail.service.form import fields_of
from handrail.service.screen import PartScreen
from handrail.tickets.proposed import ANSWER, FIRST
from handrail.tickets.ticket import ProposedPart, Ticket, TicketView, Verdict


def parts_of(
    view: TicketView, labels: Sequence[str], tickets: Mapping[str, TicketView]
) -> tuple[PartScreen, ...]:
    """Return everything that was proposed together; pure.

    Args:
        view: the ticket, masked for who looks.
        labels: the labels that masked values have.
        tickets: the tickets that its parts became, by the names of the parts.
    """
    held = view.ticket
    if held is None or held.action is None or not held.parts:
        return ()
    stopping = tuple(rule.rule for rule in held.policy.rules)
    found = [
        _call(ProposedPart(part=FIRST, action=held.action, effect="hand_off", rules=stopping), held, labels)
    ]
    for part in held.parts:
        own = tickets.get(part.part)
        one = _call(part, held, labels)
        if own is not None:
            one = replace(one, ticket=own.id, reference=own.reference, state=own.state)
        found.append(one)
    return (*found, _words(held)) if held.draft_answer else tuple(found)


def _call(part: ProposedPart, held: Ticket, labels: Sequence[str]) -> PartScreen:
    action = part.action
    may = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT) if action.digest else (Verdict.EDIT, Verdict.REJECT)
    return PartScreen(
        part=part.part,
        tool=action.tool,
        fields=fields_of(action, labels),
        text="",
        digest=action.digest,
        effect=part.effect,
        rules=part.rules,
        allowed=tuple(verdict for verdict in may if verdict in held.allowed),
    )


def _words(held: Ticket) -> PartScreen:
    return PartScreen(
        part=ANSWER,
        tool="",
        fields=(),
        text=held.draft_answer,
        digest="",
        effect="",
        rules=(),
        allowed=(Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT),
    )
