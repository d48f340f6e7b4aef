"""Tickets as lines of text, with times of this machine's zone."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from handrail.tickets.lifecycle import WITH_PEOPLE, State
from handrail.tickets.proposed import ANSWER, FIRST

if TYPE_CHECKING:
    from handrail.service import Preview
    from handrail.tickets.ports import Attempt
    from handrail.tickets.resolution import TicketEvent, TicketRow
    from handrail.tickets.ticket import TicketView


def local(at: datetime) -> str:
    """Return a moment in this machine's time zone, with the zone's name."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def clock(due: datetime | None, state: State, now: datetime) -> str:
    """Return until when a ticket is due, and in how long; once it is decided, when it was due."""
    if due is None:
        return "no deadline"
    if state not in WITH_PEOPLE:
        return f"was due {local(due)}"
    minutes = int(abs((due - now).total_seconds()) // 60)
    days, hours = minutes // 1440, minutes // 60
    left = f"{days} d" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    return f"due {local(due)} ({f'in {left}' if due > now else f'{left} late'})"


def listed(row: "TicketRow", now: datetime) -> str:
    """Return a line of a list."""
    held = f" ({row.claimed_by})" if row.claimed_by else ""
    asleep = (
        f", off until {local(row.snoozed_until)}" if row.snoozed_until and row.snoozed_until > now else ""
    )
    tool = f"  {row.tool}" if row.tool else ""
    state = f"{row.state}{held}{asleep}"
    what = f"{row.role}  {row.trigger}  {row.reason_code}{tool}"
    return f"{row.id}  {row.reference}  {state}  {clock(row.decide_by, row.state, now)}  {what}"


def told(view: "TicketView", now: datetime) -> list[str]:
    """Return a ticket as lines of text."""
    from handrail.tickets.questions import six_answers

    head = f"{view.id}  {view.reference}  {view.state}  {view.role}  {clock(view.decide_by, view.state, now)}"
    if view.duplicate_of is not None:
        head = f"{view.reference}  {view.state} of {view.duplicate_of}, whose decision counts for both"
    if view.ticket is None:
        return [head, "The data subject was erased; nothing of the content is left."]
    summary = view.ticket.summary
    lines = [head, "", summary.situation, summary.background, summary.assessment, summary.request, ""]
    for question, answer in six_answers(view.ticket).items():
        lines += [question, *(f"  {line}" for line in answer.splitlines())]
    return lines


def tried(view: "TicketView") -> list[str]:
    """Return the calls that were made before, with what came back, as lines of text."""
    calls = view.ticket.tried if view.ticket else ()
    lines = [f"  {call.tool} {call.arguments} → {call.result or 'no result on record'}" for call in calls]
    return ["What was tried before?", *lines] if lines else []


_DONE = {
    "approve": "approved",
    "edit": "edited",
    "reject": "rejected",
    "answer": "answered",
    "revise": "sent back",
}


def decided(view: "TicketView") -> list[str]:
    """Return what a person decided as lines of text, nothing while nobody has."""
    said = view.resolution
    if said is None:
        return []
    waits = "" if said.is_final else f"; {', '.join(view.waiting_for)} must agree too"
    if view.state == "resolved" and view.lease_until is not None:
        waits = f"; takes effect at {view.lease_until.astimezone():%H:%M:%S %Z}, until then it can be undone"
    head = f"  {_DONE[said.verdict]} by {said.person} ({said.role}), {local(said.decided_at)}{waits}"
    words = {
        "Answer": said.answer,
        "To the customer": said.message_to_user,
        "To the assistant": said.message_to_agent,
        "Reason": said.reason_code,
        "Note": said.note,
    }
    lines = [f"  {label}: {text}" for label, text in words.items() if text]
    parts = [f"  {name}: ticket {ticket}" for name, ticket in said.parts.items()]
    return ["What was decided?", head, *(f"  {change}" for change in said.changes), *lines, *parts]


def together(view: "TicketView") -> list[str]:
    """Return the calls that are decided with the action, each by its name, as lines of text."""
    held = view.ticket
    if held is None or held.action is None or not held.parts:
        return []
    named = [(FIRST, held.action), *((part.part, part.action) for part in held.parts)]
    lines = [f"  {name}: {action.tool} {action.arguments}" for name, action in named]
    if held.draft_answer:
        lines.append(f"  {ANSWER}: {held.draft_answer}")
    return ["", "What was proposed together?", *lines]


def later(attempts: "Sequence[Attempt]") -> list[str]:
    """Return what came in while the ticket was open, as lines of text."""
    lines = [
        f"  {local(one.at)}  {', '.join(one.rules) or one.note}  {one.text}".rstrip() for one in attempts
    ]
    return ["", "What came in later?", *lines] if lines else []


def elsewhere(others: "Sequence[TicketRow]") -> list[str]:
    """Return what else the customer waits for, as lines of text."""
    lines = [f"  {row.id}  {row.reference}  {row.state}  {row.role}  {row.reason_code}" for row in others]
    return ["", "What else does this customer wait for?", *lines] if lines else []


def past(history: "Sequence[TicketEvent]") -> list[str]:
    """Return what was done so far, views included, as lines of text."""
    return [
        "",
        "History",
        *(f"  {local(event.at)}  {event.kind}  {event.actor}".rstrip() for event in history),
    ]


def previewed(shown: "Preview") -> list[str]:
    """Return what a decision comes to as lines of text."""
    lines = [*shown.changes]
    lines += [f"{part.part}: {change}" for part in shown.parts for change in part.changes]
    told = {
        "Runs": "; ".join(filter(None, [shown.runs, *(part.runs for part in shown.parts)])),
        "The customer reads": shown.customer_reads,
        "Must agree too": ", ".join(shown.waits_for),
    }
    return [*lines, *(f"{label}: {text}" for label, text in told.items() if text)]
