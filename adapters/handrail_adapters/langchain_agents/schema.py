"""The human-in-the-loop request and response that LangChain's front ends speak, from and to tickets."""

import json
from collections.abc import Mapping
from typing import Any

from handrail.records import Handoff
from handrail.tickets.rulings import Ruling
from handrail.tickets.ticket import TicketView, Verdict

_VERDICTS = {
    "approve": Verdict.APPROVE,
    "edit": Verdict.EDIT,
    "reject": Verdict.REJECT,
    "respond": Verdict.ANSWER,
}


def hitl_request(view: TicketView, handoff: Handoff, *, refused: str = "") -> dict[str, Any]:
    """Return the value of an interrupt: one action, what may be decided about it, and the ticket.

    Arguments are masked as the ticket is. A ticket without an action shows the withheld answer as one that is
    called `answer`. `refused` says why the last response did not count.
    """
    ticket = view.ticket
    action = ticket.action if ticket else None
    summary = ticket.summary if ticket else None
    name = action.tool if action else "answer"
    args = shown_arguments(view) if action else {"text": ticket.draft_answer if ticket else ""}
    told = [summary.situation, summary.assessment, summary.request] if summary else []
    allowed = ticket.allowed if ticket else ()
    decisions = [name for name, verdict in _VERDICTS.items() if verdict in allowed]
    request: dict[str, Any] = {
        "action_requests": [{"name": name, "args": args, "description": "\n".join(filter(None, told))}],
        "review_configs": [{"action_name": name, "allowed_decisions": decisions}],
        "ticket": view.id,
        "role": view.role,
        "due": handoff.due.isoformat() if handoff.due else None,
        "digest": view.digest,
    }
    return {**request, "refused": refused} if refused else request


def shown_arguments(view: TicketView) -> dict[str, Any]:
    """Return an action's arguments as a reviewer sees them."""
    action = view.ticket.action if view.ticket else None
    try:
        value = json.loads(action.arguments) if action else {}
    except ValueError:
        return {"arguments": action.arguments if action else ""}
    return value if isinstance(value, dict) else {"arguments": value}


def ruling_of(response: object, view: TicketView, *, key: str) -> Ruling:
    """Return the ruling in a response of the human-in-the-loop schema.

    Args:
        response: `{"decisions": [{"type": …}]}`, or a single decision.
        view: the ticket that was shown.
        key: the same key again is the same decision.

    Raises:
        ValueError: it is no such response, or another action than the one that was shown.
    """
    decision = _decision(response)
    verdict = _VERDICTS.get(str(decision.get("type")))
    if verdict is None:
        raise ValueError("a decision has the type approve, edit, reject or respond")
    message = str(decision.get("message") or "")
    given: dict[str, Any] = {"idempotency_key": key, "reason_code": "hitl"}
    match verdict:
        case Verdict.EDIT:
            return Ruling(verdict=verdict, **given, **_edited(decision, view))
        case Verdict.ANSWER:
            return Ruling(verdict=verdict, answer=message, **given)
        case Verdict.REJECT:
            return Ruling(verdict=verdict, message_to_agent=message, **given)
        case _:
            return Ruling(verdict=verdict, **given)


def _decision(response: object) -> Mapping[str, Any]:
    if isinstance(response, Mapping):
        decisions = response.get("decisions")
        if isinstance(decisions, list) and len(decisions) == 1 and isinstance(decisions[0], Mapping):
            return decisions[0]
        if decisions is None and "type" in response:
            return response
    raise ValueError("a response holds exactly one decision")


def _edited(decision: Mapping[str, Any], view: TicketView) -> dict[str, Any]:
    edited = decision.get("edited_action")
    action = view.ticket.action if view.ticket else None
    if not isinstance(edited, Mapping) or not isinstance(edited.get("args"), Mapping):
        raise ValueError("an edit holds the edited action with its arguments")
    if action is None:
        return {"answer": str(edited["args"].get("text", ""))}
    if edited.get("name") != action.tool:
        raise ValueError("an edit may change the arguments of an action, not make it another one")
    shown = shown_arguments(view)
    # What was shown masked comes back masked; only what a person changed counts.
    changes = {name: value for name, value in edited["args"].items() if shown.get(name, ...) != value}
    return {"changes": changes}
