"""The short account of a case, written by rule: situation, background, assessment, request."""

from handrail.records import Trigger
from handrail.tickets.ticket import SUMMARY_LIMIT, Summary, Ticket
from handrail.tickets.values import spoken

_WHY = {
    Trigger.LOW_CONFIDENCE: "The assistant is not sure of its answer",
    Trigger.HIGH_STAKES: "More is at stake than the assistant may decide",
    Trigger.SENSITIVE_DATA: "Sensitive data is involved",
    Trigger.POLICY_CONFLICT: "Two rules say different things",
    Trigger.COMPLAINT: "The customer complains or disputes an answer",
    Trigger.ASKS_FOR_HUMAN: "The customer asks for a person",
    Trigger.NEVER_AI: "The policy keeps this for people",
    Trigger.FAULT: "The model gave no usable answer",
    Trigger.UNSURE: "A check could not be made",
}
_SHARES = {"situation": 360, "background": 300, "assessment": 340, "request": 200}
assert sum(_SHARES.values()) <= SUMMARY_LIMIT


def summarise(ticket: Ticket) -> Summary:
    """Write the summary of a ticket from its (masked) parts; pure, at most 1200 characters in all."""
    parts = {
        "situation": _situation(ticket),
        "background": _background(ticket),
        "assessment": _assessment(ticket),
        "request": _request(ticket),
    }
    return Summary(**{name: shortened(text, _SHARES[name]) for name, text in parts.items()})


def shortened(text: str, limit: int) -> str:
    """Cut a text to a number of characters, with an ellipsis where something is left out."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _situation(ticket: Ticket) -> str:
    wanted = shortened(ticket.wanted, 200)
    said = f" The customer wrote: “{wanted}”" if wanted else ""
    return f"{_WHY[ticket.trigger]} ({ticket.reason_code}).{said}"


def _background(ticket: Ticket) -> str:
    tools = ", ".join(dict.fromkeys(call.tool for call in ticket.tried)) or "nothing"
    told = (
        f" Promised: “{shortened(ticket.promised[-1], 120)}”" if ticket.promised else " Nothing was promised."
    )
    return f"{len(ticket.lines)} messages so far; tried: {tools}.{told}"


def _assessment(ticket: Ticket) -> str:
    because = "; ".join(rule.because or rule.rule for rule in ticket.policy.rules if rule.effect != "pass")
    money = [
        f"{name} {spoken(fact)}" for name, fact in ticket.facts.items() if fact.kind in ("money", "unknown")
    ]
    sure = ""
    if ticket.confidence is not None and ticket.confidence.score is not None:
        sure = f" Confidence {ticket.confidence.score:.2f} by {ticket.confidence.method}."
    found = ", ".join(dict.fromkeys(span.kind for span in ticket.evidence))
    facts = f" Facts: {', '.join(money)}." if money else ""
    return f"{because}.{facts}{sure}" + (f" Found: {found}." if found else "")


def _request(ticket: Ticket) -> str:
    due = f" by {ticket.decide_by:%Y-%m-%d %H:%M %Z}".rstrip() if ticket.decide_by else ""
    if ticket.action is not None:
        what = f"Approve, edit or reject {ticket.action.tool}"
    elif ticket.draft_answer:
        what = "Approve or correct the draft answer"
    else:
        what = "Answer the customer"
    also = f" {', '.join(ticket.co_approvers)} must agree too." if ticket.co_approvers else ""
    return f"{what}{due}.{also}"
