"""Six questions that every ticket must answer by itself, so that nobody has to start again."""

from collections.abc import Mapping

from handrail.tickets.ticket import Ticket

QUESTIONS = (
    "What does the customer want?",
    "What did the assistant say or promise?",
    "Why was it stopped?",
    "What exactly would be done?",
    "What is not known?",
    "By when?",
)


def six_answers(ticket: Ticket) -> Mapping[str, str]:
    """Answer the six questions from the ticket alone; where it lacks the answer, it says so; pure."""
    said = [*ticket.promised] or ([ticket.said] if ticket.said else [])
    said += [f"Told now: {ticket.promise.text}"] if ticket.promise.text else []
    answers = (
        ticket.wanted or "Nothing of theirs is on record.",
        "\n".join(said) or "Nothing.",
        "\n".join(_why(ticket)),
        _what(ticket),
        "\n".join(ticket.open_questions),
        f"{ticket.decide_by:%Y-%m-%d %H:%M %Z}".rstrip() if ticket.decide_by else "no deadline",
    )
    return dict(zip(QUESTIONS, answers, strict=True))


def _why(ticket: Ticket) -> list[str]:
    return [
        f"{rule.rule} ({rule.trigger}): {rule.because or 'no reason given in the policy'}"
        for rule in ticket.policy.rules
    ]


def _what(ticket: Ticket) -> str:
    if ticket.action is not None:
        return f"{ticket.action.tool} {ticket.action.arguments}"
    if ticket.draft_answer:
        return f"Send this answer: {ticket.draft_answer}"
    return "Nothing is proposed; a person answers."
