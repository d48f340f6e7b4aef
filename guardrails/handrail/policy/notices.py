"""What a person is told when a hand-off, a wait or a refusal replaces the assistant's answer."""

from collections.abc import Mapping
from string import Formatter

from handrail.policy.words import near

FIELDS = ("role", "due", "ticket")

DEFAULTS: Mapping[str, str] = {
    "hand_off": "I have passed this to a colleague ({role}), who will decide by {due}. Reference: {ticket}.",
    "pending": "A colleague ({role}) is still on this and will answer by {due}. Reference: {ticket}.",
    "human": "A colleague ({role}) has taken over this conversation. Reference: {ticket}.",
    "blocked": "I am not able to do that.",
    "emergency": "If this is an emergency, call your local emergency number now.",
    "no_reviewer": "Nobody is available right now. Your request is kept and will be decided by {due}.",
    "timed_out": "Nobody could decide in time, so nothing was done. Reference: {ticket}.",
    "approved": "A colleague has approved this. Reference: {ticket}.",
    "rejected": "A colleague has decided not to go ahead. Reference: {ticket}.",
    "failed": "The approved action did not go through. Reference: {ticket}.",
}


def problem_of(kind: str, text: str, *, own: frozenset[str] = frozenset()) -> str | None:
    """Return what is wrong with a notice, None if nothing is; `own` are names that rules ask for. Pure."""
    if kind not in DEFAULTS and kind not in own:
        return f"'{kind}' is no notice{near(kind, tuple(DEFAULTS))}"
    try:
        fields = [
            field for _, field, form, turn in Formatter().parse(text) if field is not None or form or turn
        ]
        plain = all(form in ("", None) and turn is None for _, _, form, turn in Formatter().parse(text))
    except ValueError:
        return "a brace that is not closed"
    allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
    if not plain or any(field not in FIELDS for field in fields):
        return f"only {allowed} may stand in a notice"
    return None
