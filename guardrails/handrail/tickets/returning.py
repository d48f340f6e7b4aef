"""What the assistant must know when a conversation comes back: the decision and what changed."""

from dataclasses import dataclass
from datetime import datetime

from handrail.tickets.lifecycle import State
from handrail.tickets.ticket import Ticket, Verdict

_ENDS = {
    State.DECIDED: "It is about to be carried out; do not carry it out yourself.",
    State.APPLYING: "It is being carried out; do not carry it out yourself.",
    State.APPLIED: "It has been carried out; do not do it again.",
    State.FAILED: "Carrying it out failed and had no effect; a person looks at it.",
    State.OUTCOME_UNKNOWN: "Whether it took effect is not known; do not repeat it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """A person's decision as the assistant is told of it; `changed` names the edited arguments."""

    verdict: Verdict
    role: str
    at: datetime
    arguments: str = ""
    answer: str = ""
    message_to_agent: str = ""
    changed: tuple[str, ...] = ()


def return_note(state: State, ticket: Ticket | None, ruled: Ruled | None) -> str:
    """Write the note for the model's context; pure."""
    if state is State.EXPIRED or ruled is None:
        return "A case in this conversation was handed to a person. Nobody decided in time; nothing was done."
    who = ruled.role.replace("_", " ")
    parts = [f"A person ({who}) decided on {ruled.at:%Y-%m-%d %H:%M} UTC: {_decided(ticket, ruled)}"]
    if state in _ENDS:
        parts.append(_ENDS[state])
    if ruled.message_to_agent:
        parts.append(f"Their message for you: {ruled.message_to_agent}")
    return " ".join(parts)


def _decided(ticket: Ticket | None, ruled: Ruled) -> str:
    action = ticket.action if ticket else None
    if ruled.verdict is Verdict.REJECT:
        return f"{action.tool if action else 'your answer'} was rejected. Do not try it again."
    if ruled.verdict is Verdict.ANSWER:
        return f"they answered the customer themselves: “{ruled.answer}”"
    if action is None:
        return f"the answer to the customer is: “{ruled.answer}”"
    if ruled.verdict is Verdict.EDIT:
        changed = f" (changed: {', '.join(ruled.changed)})" if ruled.changed else ""
        return f"{action.tool} was approved as {ruled.arguments}{changed}, in place of {action.arguments}."
    return f"{action.tool} {action.arguments} was approved."
