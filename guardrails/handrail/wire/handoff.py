"""A hand-off as plain data: what travels in a response body beside the answer's own fields."""

from datetime import datetime

from handrail.records import Handoff, Trigger
from handrail.wire.foreign_json import Json, load_object, mapping_of, text_of

WITHHELD = "Carried out, but its result is withheld: a person must see it first. Do not do it again."
"""What a model is told of an action that is done and whose result a person or the policy keeps."""

TICKET_HEADER = "x-handrail-ticket"


def handoff_body(handoff: Handoff) -> Json:
    """Return the `handoff` field of a response; ids, roles and times only."""
    body: Json = {
        "ticket": handoff.ticket,
        "role": handoff.role,
        "triggers": [trigger.value for trigger in handoff.triggers],
        "notice": handoff.notice,
        "due": handoff.due.isoformat() if handoff.due else None,
        "joined": handoff.joined,
        "spooled": handoff.spooled,
    }
    return {**body, "done": True} if handoff.done else body


def read_handoff(value: object) -> Handoff | None:
    """Return the hand-off that a `handoff` field describes, None if it describes none.

    The field may be an object, or JSON text (where a provider's shape allows only strings).
    """
    if isinstance(value, str):
        value = load_object(value)
    field = mapping_of(value)
    if not text_of(field.get("ticket")):
        return None
    known = {trigger.value for trigger in Trigger}
    triggers = field.get("triggers")
    due = text_of(field.get("due"))
    return Handoff(
        ticket=text_of(field.get("ticket")),
        role=text_of(field.get("role")),
        triggers=tuple(Trigger(t) for t in triggers if t in known) if isinstance(triggers, list) else (),
        notice=text_of(field.get("notice")),
        due=_moment(due),
        joined=field.get("joined") is True,
        spooled=field.get("spooled") is True,
        done=field.get("done") is True,
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def error_body(message: str, *, code: str, handoff: Handoff | None = None) -> Json:
    """Return an error response in the shape OpenAI clients read."""
    error: Json = {"message": message, "type": "handrail", "param": None, "code": code}
    if handoff is None:
        return {"error": error}
    # Clients keep only what lies under `error`.
    return {"error": {**error, "handoff": handoff_body(handoff)}, "handoff": handoff_body(handoff)}
