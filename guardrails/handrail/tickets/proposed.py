"""What a turn proposes to do: the action in question and the calls beside it, each decided alone. Pure."""

import hashlib
from collections.abc import Mapping

from handrail.errors import CheckFailed
from handrail.records import Decision, Evidence, FactValue, ToolCall
from handrail.tickets.action import FrozenAction, canonical_arguments
from handrail.tickets.fact_record import FactRecord, amounts_of
from handrail.tickets.lifecycle import UNDECIDED
from handrail.tickets.masking import Mask
from handrail.tickets.ticket import ProposedAction, ProposedPart, Sealed, Ticket, TicketView

MOST_PARTS = 32
"""How many calls beside the action a person can decide on; what is beyond it does not run."""
FIRST, ANSWER = "call-1", "answer"
"""Names of the ticket's own action, and of the words that came with it, among its parts."""


def action_of(evidence: Evidence, decision: Decision, mask: Mask) -> ProposedAction | None:
    """Return the action in question, masked; None where none is; pure."""
    if evidence.call is None:
        return None
    return _action(evidence.call, digest_of(evidence, decision), decision.facts, mask)


def parts_of(evidence: Evidence, decision: Decision, mask: Mask) -> tuple[ProposedPart, ...]:
    """Return the calls that were proposed with the action and may be decided on, masked; pure."""
    tenant, sha = evidence.context.tenant, decision.policy.sha256
    return tuple(
        ProposedPart(
            part=f"call-{number}",
            action=_action(one.call, _digest(one.call, sha, tenant), one.decision.facts, mask),
            effect=str(one.decision.effect),
            rules=tuple(reason.rule for reason in one.decision.reasons),
            facts={name: FactRecord.of(value).masked(mask) for name, value in one.decision.facts.items()},
        )
        for number, one in enumerate(evidence.beside[:MOST_PARTS], start=2)
    )


def digest_of(evidence: Evidence, decision: Decision) -> str:
    """Return the digest of the action in question; empty where there is none, or it cannot be read; pure."""
    call = evidence.call or evidence.done
    return _digest(call, decision.policy.sha256, evidence.context.tenant) if call is not None else ""


def divides(view: TicketView) -> bool:
    """Tell whether a ticket's parts can be decided with it: nobody has agreed to it yet; pure."""
    held = view.ticket
    is_whole = view.round == 1 and not view.agreed and view.state in UNDECIDED
    return held is not None and bool(held.parts) and is_whole


def as_ticket(held: Ticket, sealed: Sealed, part: ProposedPart, *, id: str) -> Ticket:  # noqa: A002 - its name
    """Return the ticket of one part: the same case, about this call alone; pure."""
    number = held.parts.index(part)
    own = sealed.model_copy(update={"arguments": sealed.parts[number], "draft_answer": "", "parts": ()})
    return held.model_copy(
        update={
            "id": id,
            "dedupe_key": hashlib.sha256(f"{id}|{part.part}".encode()).hexdigest(),
            "action": part.action,
            "facts": part.facts,
            "draft_answer": "",
            "beside": (),
            "parts": (),
            "part_of": held.id,
            "sealed": own,
        }
    )


def _action(call: ToolCall, digest: str, decided_on: Mapping[str, FactValue], mask: Mask) -> ProposedAction:
    facts = {name: FactRecord.of(value) for name, value in decided_on.items()}
    return ProposedAction(
        tool=call.name,
        arguments=mask.in_json(_readable(call.arguments)),
        parameters=mask.in_json(call.parameters),
        call=call.id,
        digest=digest,
        amounts={name: facts[name] for name in amounts_of(facts)},
    )


def _digest(call: ToolCall, policy_sha256: str, tenant: str) -> str:
    try:
        return FrozenAction.of(call).digest(policy_sha256=policy_sha256, tenant=tenant)
    except CheckFailed:
        # Arguments that cannot be read can be edited by a person, never approved as they are.
        return ""


def _readable(arguments: str) -> str:
    try:
        return canonical_arguments(arguments)
    except CheckFailed:
        return arguments
