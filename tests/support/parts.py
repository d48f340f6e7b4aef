"""Tickets of several calls, and decisions on each of them."""

from dataclasses import replace
from datetime import timedelta

from handrail.service import PartProposal, Preview, Proposal, TicketService
from handrail.store import SqlStore
from handrail.tickets.ports import Settlement
from handrail.tickets.ticket import Verdict
from support.reviewers import Hands, reviewer
from support.stores import SECRET, Sides, new_ticket

BESIDE = (
    ("cancel_order", '{"order": "1182"}'),
    ("send_voucher", f'{{"amount": 5, "to": "{SECRET}"}}'),
)
DELAY = timedelta(seconds=5)
A, E, R = Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT


def opened(sides: Sides, **about: object) -> str:
    """A ticket of three calls."""
    ticket = new_ticket(**{"beside": BESIDE, **about})  # type: ignore[arg-type]
    sides.app.open(ticket)
    return ticket.id


def mixed(first: Verdict = A, second: Verdict = R, third: Verdict = E) -> Proposal:
    """A decision on all three calls; an edit changes something that its call has."""
    return Proposal.of_parts(
        [
            PartProposal(part="call-1", verdict=first, changes={"amount": 590} if first is E else {}),
            PartProposal(
                part="call-2",
                verdict=second,
                changes={"order": "7"} if second is E else {},
                reason_code="still_needed" if second is R else "",
                message_to_agent="They want to keep it." if second is R else "",
            ),
            PartProposal(part="call-3", verdict=third, changes={"amount": 4} if third is E else {}),
        ]
    )


def decided(service: TicketService, ticket: str, proposal: Proposal, delay: timedelta) -> Preview:
    """Preview a decision and give it; returns what was shown."""
    shown = service.preview(reviewer(), ticket, proposal)
    seen = replace(proposal, digest=shown.digest, version=shown.version, previewed=shown.token)
    service.decide(reviewer(), ticket, seen, delay=delay, must_be_previewed=True)
    return shown


def parts_of(store: SqlStore, ticket: str) -> dict[str, str]:
    """The tickets that its parts have become, by their names."""
    found = store.get("default", ticket).resolution
    assert found is not None
    return dict(found.parts)


def run(store: SqlStore, ticket: str, clock: Hands) -> str:
    """Carry an approval out, and return the arguments that ran."""
    approval = store.begin("default", ticket, now=clock.now)
    store.finish("default", ticket, Settlement.DONE, now=clock.now)
    return f"{approval.tool} {approval.arguments}"
